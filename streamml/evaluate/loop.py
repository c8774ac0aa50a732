"""The prequential loop: predict at arrival, score and learn when the labels arrive.

Without a delay the learner's own :meth:`~streamml.base.Learner.test_then_train` runs.
With one, every event is predicted when its features arrive, waits, and is scored (with
that prediction) and learned when its labels do; what still waits at the end of the
stream is scored and learned then.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from streamml.base import MIN_SCORE
from streamml.evaluate.delay import ArrivalClock, Delay, DelayedBatch
from streamml.evaluate.learners import EvaluatedLearners, StepResult, Timer
from streamml.metrics import Prequential
from streamml.state.capture import check, part_of
from streamml.types import EventBatch, Predictions, Schema

__all__ = ["PrequentialLoop"]


class PrequentialLoop(EvaluatedLearners):
    """Predicts, scores and learns, step by step; how a stream is cut changes no bit.

    Parameters
    ----------
    learner
        What is evaluated; its metrics are ``metrics["learner"]``. A multi-label classifier of
        river will do, or a pipeline that ends in one.
    delay
        Of the labels; ``None`` is no delay. Memory grows with the events that wait.
    beside
        Other learners by name, given the same events and labels at the same times; by
        default ``no-change`` and ``majority``.
    metrics
        Makes the metrics of one learner.
    min_score
        Passed to the learner: smaller scores are left out of its predictions.

    Attributes
    ----------
    metrics
        Name -> :class:`~streamml.metrics.Prequential`.

    Examples
    --------
    >>> from streamml.baselines import NoChange
    >>> from streamml.types import Event, EventBatch, Schema
    >>> events = [Event(i, float(i), {"f": 1.0}, frozenset({"a"})) for i in range(4)]
    >>> loop = PrequentialLoop(NoChange(), delay=Delay(events=1))
    >>> loop.step(EventBatch.from_events(events, Schema())).scored, loop.waiting
    (3, 1)
    >>> loop.flush().scored, loop.metrics["learner"].cumulative().exact_match
    (1, 0.5)
    """

    def __init__(
        self,
        learner: Any,
        *,
        delay: Delay | None = None,
        beside: Mapping[str, Any] | None = None,
        metrics: Callable[[], Prequential] = Prequential,
        min_score: float = MIN_SCORE,
    ) -> None:
        super().__init__(learner, beside=beside, metrics=metrics, min_score=min_score)
        self.delay = delay
        self._queue: deque[DelayedBatch] = deque()
        self._arrived = 0
        self._learned = 0
        self._clock = ArrivalClock(delay or Delay(events=0))

    @property
    def waiting(self) -> int:
        """Number of events whose labels have not arrived."""
        return self._arrived - self._learned

    def step(self, batch: EventBatch) -> StepResult:
        """Take events as they arrive, and the labels that arrive in the meantime."""
        timer = Timer()
        if len(batch) == 0:
            return StepResult(Predictions.concatenate([]), 0, timer.seconds)
        for learner in self.learners.values():
            learner.bind(batch.schema)
        if not self._clock.delayed:
            return StepResult(self._at_once(batch, timer), len(batch), timer.seconds)
        before = self._learned
        part = self._clock.admit(batch)
        self._queue.append(part)
        self._arrived += len(batch)
        made: dict[str, list[Predictions]] = {name: [] for name in self.learners}
        while part.predicted < len(batch):
            i = part.predicted
            self._learn_due(part.now[i], timer)
            # Nothing is learned until the oldest waiting event is due: predict up to there.
            stop = int(np.searchsorted(part.now, self._queue[0].next_due, "left"))
            part.predicted = max(i + 1, stop)
            self._predict(batch.slice(i, part.predicted), made, timer)
        joined = {name: Predictions.concatenate(rows) for name, rows in made.items()}
        part.decided = {name: Predictions(p.indptr, p.indices) for name, p in joined.items()}
        timer.lap("predict")
        self._learn_due(self._clock.now, timer)
        if self._queue:
            self._score(self._queue[0], timer)
        return StepResult(joined["learner"], self._learned - before, timer.seconds)

    def flush(self) -> StepResult:
        """The end of the stream: learn and score, in order, what still waits."""
        timer = Timer()
        before = self._learned
        self._learn_due(math.inf, timer)
        return StepResult(Predictions.concatenate([]), self._learned - before, timer.seconds)

    # -- state -----------------------------------------------------------------------

    def snapshot(self, copy: bool = True) -> dict[str, Any]:
        """Learners, metrics, clock and waiting events, as plain values (see Learner.snapshot).

        Take it between steps; :func:`streamml.state.write` puts it into a file.

        Examples
        --------
        >>> from streamml.baselines import NoChange
        >>> loop, again = PrequentialLoop(NoChange()), PrequentialLoop(NoChange())
        >>> again.restore(loop.snapshot())
        """
        return {
            **super().snapshot(copy),
            "delay": [self._clock.delay.events, self._clock.delay.seconds],
            "now": self._clock.now,
            "arrived": self._arrived,
            "learned": self._learned,
            "waiting": [part.snapshot() for part in self._queue],
        }

    def restore(self, snapshot: Mapping[str, Any], schema: Schema | None = None) -> None:
        """Go to a state that :meth:`snapshot` gave, of a loop with the same learners and delay.

        Parameters
        ----------
        snapshot
            May come from an untrusted file.
        schema
            That of the stream to go on with, before it hands out its first event: it takes
            over the names. Without it the loop makes one: ``loop.learner.schema``.

        Raises
        ------
        StateError
            It does not fit; use a new loop with new learners then.
        SchemaError
            The names of ``schema`` stand at other columns.
        """
        where, clock = "the loop", self._clock
        delay = [clock.delay.events, clock.delay.seconds]
        saved_delay = repr(part_of(snapshot, "delay", list, where))
        check(saved_delay == repr(delay), where, "has another delay")
        arrived, learned = (part_of(snapshot, n, int, where) for n in ("arrived", "learned"))
        check(0 <= learned <= arrived < 2**62, where, "learned more than arrived")
        now = part_of(snapshot, "now", float, where)
        saved = part_of(snapshot, "waiting", list, where)
        names = self.names(snapshot, schema)
        queue = deque(DelayedBatch.from_snapshot(part, names, self.learners) for part in saved)
        waiting = sum(len(part.batch) - part.learned for part in queue)
        check(waiting == arrived - learned, where, "lost events that wait")
        super().restore(snapshot, names)
        clock.now, self._queue = now, queue
        self._arrived, self._learned = arrived, learned

    def _at_once(self, batch: EventBatch, timer: Timer) -> Predictions:
        """Without a delay: predict and learn event by event inside the learner."""
        decided = self.test_then_train(batch, timer)
        self.score(batch, decided, timer)
        self._arrived += len(batch)
        self._learned += len(batch)
        return decided["learner"]

    def _predict(
        self, events: EventBatch, made: dict[str, list[Predictions]], timer: Timer
    ) -> None:
        for name, learner in self.learners.items():
            made[name].append(learner.predict(events, self.min_score))
            timer.lap("predict" if name == "learner" else "beside")

    def _learn_due(self, now: float, timer: Timer) -> None:
        """Learn what has been predicted and is due at ``now``, oldest first."""
        while self._queue:
            part = self._queue[0]
            events = part.take_due(now)
            if len(events) == 0:
                return
            for name, learner in self.learners.items():
                learner.learn(events)
                timer.lap("learn" if name == "learner" else "beside")
            self._learned += len(events)
            if part.learned < len(part.batch):
                return
            self._score(part, timer)
            self._queue.popleft()

    def _score(self, part: DelayedBatch, timer: Timer) -> None:
        """Score what was learned of a part, in one go."""
        if part.scored < part.learned:
            events = part.batch.slice(part.scored, part.learned)
            for name in part.decided:
                self.metrics[name].update(events, part.decisions(name))
            part.scored = part.learned
            timer.lap("score")
