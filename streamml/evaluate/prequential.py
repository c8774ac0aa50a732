"""The prequential loop: predict at arrival, score and learn when the labels arrive.

Without a delay the learner's own :meth:`~streamml.base.Learner.test_then_train` runs.
With one, every event is predicted when its features arrive, waits, and is scored (with
that prediction) and learned when its labels do; what still waits at the end of the
stream is scored and learned then.
"""

from __future__ import annotations

import math
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np

from streamml.base import MIN_SCORE
from streamml.errors import ConfigError
from streamml.evaluate.curve import CurveRecorder
from streamml.evaluate.delay import ArrivalClock, Delay, DelayedBatch
from streamml.evaluate.evaluation import Evaluation
from streamml.evaluate.inputs import Stream, batches_of
from streamml.evaluate.late_loop import LateLoop, VariableDelay
from streamml.evaluate.learners import EvaluatedLearners, ReportsSplit, StepResult, Timer
from streamml.io import Source
from streamml.io.opening import open_path
from streamml.metrics import Prequential
from streamml.state.capture import check, part_of
from streamml.types import EventBatch, Predictions, Schema

__all__ = [
    "Delay",
    "Evaluation",
    "PrequentialLoop",
    "ReportsSplit",
    "StepResult",
    "VariableDelay",
    "prequential",
]


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
        self._clock = ArrivalClock(delay or Delay(events=0))

    @property
    def waiting(self) -> int:
        """Number of events whose labels have not arrived."""
        return sum(len(part.batch) - part.learned for part in self._queue)

    def step(self, batch: EventBatch) -> StepResult:
        """Take events as they arrive, and the labels that arrive in the meantime."""
        timer = Timer()
        if len(batch) == 0:
            return StepResult(Predictions.concatenate([]), 0, timer.seconds)
        self.bind(batch.schema)
        if not self._clock.delayed:
            return StepResult(self._at_once(batch, timer), len(batch), timer.seconds)
        learned = 0
        part = self._clock.admit(batch)
        self._queue.append(part)
        made: dict[str, list[Predictions]] = {name: [] for name in self.learners}
        while part.predicted < len(batch):
            i = part.predicted
            learned += self._learn_due(part.now[i], timer)
            # Nothing is learned until the oldest waiting event is due: predict up to there.
            stop = int(np.searchsorted(part.now, self._queue[0].next_due, "left"))
            part.predicted = max(i + 1, stop)
            for name, rows in self.predict(batch.slice(i, part.predicted), timer).items():
                made[name].append(rows)
        joined = {name: Predictions.concatenate(parts) for name, parts in made.items()}
        part.decided = {name: Predictions(p.indptr, p.indices) for name, p in joined.items()}
        timer.lap("predict")
        learned += self._learn_due(self._clock.now, timer)
        if self._queue:
            self._score(self._queue[0], timer)
        return StepResult(joined["learner"], learned, timer.seconds)

    def flush(self) -> StepResult:
        """The end of the stream: learn and score, in order, what still waits."""
        timer = Timer()
        learned = self._learn_due(math.inf, timer)
        return StepResult(Predictions.concatenate([]), learned, timer.seconds)

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
            "arrived": self.events,
            "learned": self.learned,
            "waiting": [part.snapshot() for part in self._queue],
        }

    def restore(self, snapshot: Mapping[str, Any], schema: Schema | None = None) -> None:
        """Go to a state that :meth:`snapshot` gave, of a loop with the same learners and delay.

        Parameters and errors are those of
        :meth:`~streamml.evaluate.learners.EvaluatedLearners.restore`.
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

    def _at_once(self, batch: EventBatch, timer: Timer) -> Predictions:
        """Without a delay: predict and learn event by event inside the learner."""
        decided = self.test_then_train(batch, timer)
        self.score(batch, decided, timer)
        return decided["learner"]

    def _learn_due(self, now: float, timer: Timer) -> int:
        """Learn what has been predicted and is due at ``now``, oldest first; says how many."""
        learned = 0
        while self._queue:
            part = self._queue[0]
            events = part.take_due(now)
            if len(events) == 0:
                break
            self.learn(events, timer)
            learned += len(events)
            if part.learned < len(part.batch):
                break
            self._score(part, timer)
            self._queue.popleft()
        return learned

    def _score(self, part: DelayedBatch, timer: Timer) -> None:
        """Score what was learned of a part, in one go."""
        if part.scored < part.learned:
            events = part.batch.slice(part.scored, part.learned)
            for name in part.decided:
                self.metrics[name].update(events, part.decisions(name))
            part.scored = part.learned
            timer.lap("score")


def prequential(
    stream: Stream,
    learner: Any,
    *,
    delay: Delay | VariableDelay | None = None,
    batch_size: int = 1000,
    beside: Mapping[str, Any] | None = None,
    metrics: Callable[[], Prequential] = Prequential,
) -> Evaluation:
    """Run a whole stream through a learner: predict, score, then learn.

    Parameters
    ----------
    stream
        A source (read to its end, not closed); the path of a file that says itself which columns
        are labels; batches of one schema, or one batch; events; or pairs ``(x, y)``, as
        ``learn_one`` takes them and river's streams give them.
    learner
        What is evaluated: a learner, or a multi-label classifier of river, or a pipeline that
        ends in one.
    delay
        Of the labels; what waits at the end of the stream is scored and learned then. A
        :class:`VariableDelay` gives every event, or every label, a delay of its own.
    batch_size
        Events read from a source at a time, at least 1; changes no figure.
    beside, metrics
        As in :class:`PrequentialLoop`.

    Examples
    --------
    >>> from streamml.baselines import NoChange
    >>> result = prequential([({"f": 1.0}, {"sun": True, "rain": False})] * 4, NoChange())
    >>> result.events, result.metrics["learner"].cumulative().exact_match
    (4, 0.75)

    Raises
    ------
    ConfigError
        The stream, a learner or the delay is something else.
    SchemaError
        A pair cannot be used; an event that cannot be used is counted as a dead letter.
    ContractError
        A learner works with another stream. With ``learner.restore(learner.snapshot())`` it
        goes on with one that has the same names.

    References
    ----------
    Dawid (1984), Statistical theory: the prequential approach, JRSS A 147.
    """
    if batch_size < 1:
        raise ConfigError(f"batch_size must be at least 1 event, not {batch_size}.")
    if not isinstance(delay, Delay | VariableDelay | None):
        raise ConfigError(f"The delay is {delay!r}: give Delay(events=...) or Delay(seconds=...).")
    loop: PrequentialLoop | LateLoop
    if isinstance(delay, VariableDelay):
        loop = LateLoop(learner, delay=delay, beside=beside, metrics=metrics)
    else:
        loop = PrequentialLoop(learner, delay=delay, beside=beside, metrics=metrics)
    if isinstance(stream, str | Path):
        with closing(open_path(stream)) as source:
            return _run(source, loop, batch_size)
    return _run(stream, loop, batch_size)


def _run(stream: Stream, loop: PrequentialLoop | LateLoop, batch_size: int) -> Evaluation:
    if isinstance(stream, Source):  # a learner that was restored brings its names first
        for one in loop.learners.values():
            one.bind(stream.schema)
    schema = Schema() if loop.learner._unbound else loop.learner.schema
    seconds, letters = {"read": 0.0}, Counter[str]()
    curve, events = CurveRecorder(loop.metrics), 0
    batches = batches_of(stream, schema, batch_size, letters)
    while True:
        started = time.perf_counter()
        batch = next(batches, None)
        seconds["read"] += time.perf_counter() - started
        if batch is None:
            break
        for first, stop in curve.cuts(events, len(batch)):
            _add(seconds, loop.step(batch.slice(first, stop)).seconds)
            curve.note(events + stop)
        events, schema = events + len(batch), batch.schema
    _add(seconds, loop.flush().seconds)
    names = tuple(schema.labels.keys)
    return Evaluation(
        events, len(schema.features), len(names), loop.metrics, seconds, dict(letters),
        names, curve.end(events),
    )  # fmt: skip


def _add(totals: dict[str, float], more: Mapping[str, float]) -> None:
    for name, seconds in more.items():
        totals[name] = totals.get(name, 0.0) + seconds
