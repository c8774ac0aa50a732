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
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from streamml.base import MIN_SCORE, Learner
from streamml.errors import ConfigError
from streamml.evaluate.delay import ArrivalClock, Delay, DelayedBatch
from streamml.evaluate.late_loop import LateLoop, VariableDelay
from streamml.evaluate.learners import EvaluatedLearners, ReportsSplit, StepResult, Timer
from streamml.io import Source
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

_SHOWN = ("exact_match", "hamming_loss", "micro_f1", "macro_f1", "example_f1")


class PrequentialLoop(EvaluatedLearners):
    """Predicts, scores and learns, step by step; how a stream is cut changes no bit.

    Parameters
    ----------
    learner
        What is evaluated; its metrics are ``metrics["learner"]``.
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
        learner: Learner,
        *,
        delay: Delay | None = None,
        beside: Mapping[str, Learner] | None = None,
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


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What came out of a stream.

    Parameters
    ----------
    events, features, labels
        How many events were handed out, and how many names were known at the end.
    metrics
        ``"learner"`` and the names of those beside -> metrics.
    seconds
        Wall time of ``read``, ``predict``, ``learn``, ``score`` and ``beside``.
    dead_letters
        Reason -> how many events could not be used (of a source).

    Examples
    --------
    Printed, it is a table of what was scored from the first event on:

    >>> from streamml.baselines import MLHAT
    >>> from streamml.streams import DemoStream
    >>> print(prequential(DemoStream(n_events=500), MLHAT()))
    500 events, 40 features, 12 labels
              exact_match hamming_loss micro_f1 macro_f1 example_f1
    learner         0.078        0.253    0.510    0.510      0.459
    no-change       0.058        0.348    0.247    0.246      0.227
    majority        0.092        0.361    0.244    0.222      0.231
    """

    events: int
    features: int
    labels: int
    metrics: Mapping[str, Prequential]
    seconds: Mapping[str, float]
    dead_letters: Mapping[str, int]

    def __str__(self) -> str:
        width = max(map(len, self.metrics), default=0)
        lines = [
            f"{self.events:,} events, {self.features:,} features, {self.labels:,} labels",
            " ".join([" " * width, *_SHOWN]),
        ]
        for name, metrics in self.metrics.items():
            scores = metrics.cumulative().as_dict()
            cells = [f"{scores[score]:{len(score)}.3f}" for score in _SHOWN]
            lines.append(" ".join([f"{name:{width}}", *cells]))
        return "\n".join(lines)


def prequential(
    stream: Source | Iterable[EventBatch],
    learner: Learner,
    *,
    delay: Delay | VariableDelay | None = None,
    batch_size: int = 1000,
    beside: Mapping[str, Learner] | None = None,
    metrics: Callable[[], Prequential] = Prequential,
) -> Evaluation:
    """Run a whole stream through a learner: predict, score, then learn.

    Parameters
    ----------
    stream
        A source (read to its end, not closed), or batches of one schema.
    learner
        What is evaluated.
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
    >>> from streamml.types import Event, EventBatch, Schema
    >>> events = [Event(i, float(i), {"f": 1.0}, frozenset({"a"})) for i in range(4)]
    >>> result = prequential([EventBatch.from_events(events, Schema())], NoChange())
    >>> result.events, result.metrics["learner"].cumulative().exact_match
    (4, 0.75)

    Raises
    ------
    ConfigError
        The stream, a learner or the delay is something else.
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
    if isinstance(stream, Source):  # a learner that was restored brings its names first
        for one in loop.learners.values():
            one.bind(stream.schema)
    seconds = {"read": 0.0}
    letters: Counter[str] = Counter()
    events, schema = 0, Schema()
    batches = _read(stream, batch_size, letters)
    while True:
        started = time.perf_counter()
        batch = next(batches, None)
        seconds["read"] += time.perf_counter() - started
        if batch is None:
            break
        _add(seconds, loop.step(batch).seconds)
        events, schema = events + len(batch), batch.schema
    _add(seconds, loop.flush().seconds)
    return Evaluation(
        events, len(schema.features), len(schema.labels), loop.metrics, seconds, dict(letters)
    )


def _add(totals: dict[str, float], more: Mapping[str, float]) -> None:
    for name, seconds in more.items():
        totals[name] = totals.get(name, 0.0) + seconds


def _read(
    stream: Source | Iterable[EventBatch], batch_size: int, letters: Counter[str]
) -> Iterator[EventBatch]:
    if not isinstance(stream, Source):
        yield from _batches(stream)
        return
    batch = stream.next_batch(batch_size)
    while batch is not None:
        letters.update(letter.reason for letter in stream.take_dead_letters())
        yield batch
        batch = stream.next_batch(batch_size)
    letters.update(letter.reason for letter in stream.take_dead_letters())


def _batches(stream: object) -> Iterator[EventBatch]:
    """The batches of an iterable, as long as they are batches."""
    what = f"is of type {type(stream).__name__}"
    if isinstance(stream, Iterable) and not isinstance(stream, str):
        for batch in stream:
            if not isinstance(batch, EventBatch):
                what = f"gives a {type(batch).__name__}"
                break
            yield batch
        else:
            return
    raise ConfigError(
        f"The stream {what}: give a source, such as streamml_connectors.files.open_source(path), "
        "or EventBatches."
    )
