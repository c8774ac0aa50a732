"""The prequential loop where every event, or every label, has a delay of its own."""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from streamml.base import MIN_SCORE
from streamml.errors import ConfigError
from streamml.evaluate.late_state import DelayedEvent, Due, restore_waiting, waiting_state
from streamml.evaluate.learners import EvaluatedLearners, StepResult, Timer
from streamml.metrics import Prequential
from streamml.state.capture import check, part_of
from streamml.types import (
    LABELS_PARTIAL,
    LABELS_UNKNOWN,
    EventBatch,
    EventId,
    Int32Array,
    Predictions,
    Schema,
)
from streamml.types.rows import select_rows

__all__ = ["LateLoop", "VariableDelay"]


@dataclass(frozen=True, slots=True)
class VariableDelay:
    """How long the labels of each event take, or each label of each event.

    Parameters
    ----------
    of
        Event id, label (``None`` where ``per_label`` is off) -> delay, at least 0; infinite
        where the label never comes. It must give the same for the same arguments.
    unit
        Whether delays count later events that are predicted before, or seconds of event
        time; both as in :class:`~streamml.evaluate.Delay`.
    per_label
        Whether labels come one by one: the event is learned label by label, each once, and
        scored when its last label has come.
    max_waiting
        Events that wait at most, at least 1: then the oldest is given up and counted in
        ``expired``; what has come of it is learned, but it is not scored.

    Examples
    --------
    >>> slow = VariableDelay(lambda event, label: 50 if label == "fraud" else 1, per_label=True)
    >>> slow.of(7, "fraud"), slow.unit
    (50, 'events')
    """

    of: Callable[[EventId, str | None], float]
    unit: Literal["events", "seconds"] = "events"
    per_label: bool = False
    max_waiting: int = 100_000

    def __post_init__(self) -> None:
        if not callable(self.of):
            raise ConfigError(
                f"The delay of each event is {self.of!r:.60}: give a function of id and label."
            )
        if self.unit not in ("events", "seconds"):
            raise ConfigError(f"The unit is events or seconds, not {self.unit!r}.")
        if self.max_waiting < 1:
            raise ConfigError(f"max_waiting must be at least 1 event, not {self.max_waiting}.")

    def checked_delay(self, event: EventId, label: str | None) -> float:
        """The delay, checked."""
        delay = self.of(event, label)
        if not isinstance(delay, int | float | np.number) or not delay >= 0.0:
            raise ConfigError(
                f"The label delay of event {event!r} is {delay!r}: give a number, 0 or more, "
                "infinite where the label never comes."
            )
        return delay


class LateLoop(EvaluatedLearners):
    """Predicts at arrival, learns what has come, scores an event when all of it has.

    Parameters
    ----------
    learner, beside, metrics, min_score
        As in :class:`~streamml.evaluate.PrequentialLoop`.
    delay
        Of each event or label.

    Examples
    --------
    >>> from streamml.baselines import NoChange
    >>> from streamml.types import Event, Schema
    >>> loop = LateLoop(NoChange(), delay=VariableDelay(lambda event, label: event % 2))
    >>> events = [Event(i, float(i), {"f": 1.0}, frozenset({"a"})) for i in range(4)]
    >>> loop.step(EventBatch.from_events(events, Schema())).scored, loop.waiting
    (3, 1)

    References
    ----------
    Gomes, Read, Bifet, Barddal and Gama (2019), Machine learning for streaming data:
    state of the art, challenges, and opportunities: delayed labelling.
    """

    def __init__(
        self,
        learner: Any,
        *,
        delay: VariableDelay,
        beside: Mapping[str, Any] | None = None,
        metrics: Callable[[], Prequential] = Prequential,
        min_score: float = MIN_SCORE,
    ) -> None:
        super().__init__(learner, beside=beside, metrics=metrics, min_score=min_score)
        self.delay = delay
        self._expired = 0
        self._due: list[Due] = []
        self._waiting: dict[int, DelayedEvent] = {}
        self._order = 0
        self._most_due = 64
        self._now = -math.inf

    @property
    def waiting(self) -> int:
        """Number of events whose labels have not all arrived."""
        return len(self._waiting)

    @property
    def expired(self) -> int:
        """Events given up because too many waited, or because a label never comes."""
        return self._expired

    def step(self, batch: EventBatch) -> StepResult:
        """Take events as they arrive, and the labels that arrive in the meantime."""
        timer, scored = Timer(), 0
        made = []
        self.bind(batch.schema)
        for row in range(len(batch)):
            event = batch.slice(row, row + 1)
            self._now = self._moment(float(batch.timestamps[row]))
            if self.delay.unit == "seconds":  # what is due by then came before this event
                scored += self._learn_due(self._now, timer)
            made.append(self._admit(event, timer))
            scored += self._learn_due(self._now, timer)
        return StepResult(Predictions.concatenate(made), scored, timer.seconds)

    def flush(self) -> StepResult:
        """The end of the stream: learn and score, in order, what still comes."""
        timer = Timer()
        scored = self._learn_due(
            sorted(due for due, *_ in self._due)[-1] if self._due else 0, timer
        )
        self._expired += len(self._waiting)
        self._waiting.clear()
        return StepResult(Predictions.concatenate([]), scored, timer.seconds)

    def _moment(self, timestamp: float) -> float:
        if self.delay.unit == "events":
            return float(self.events)
        return max(self._now, timestamp)

    def _admit(self, event: EventBatch, timer: Timer) -> Predictions:
        """Predict an event, and note when its labels come."""
        number, made = self.events, self.predict(event, timer)
        if event.y_kind[0] == LABELS_UNKNOWN:
            self.score(event, made, timer)  # counted as unscored
        else:
            self._expire_oldest()
            decided = {name: Predictions(p.indptr, p.indices) for name, p in made.items()}
            own = select_rows(event, np.zeros(1, np.int64))  # a slice would keep its whole batch
            self._waiting[number] = waiting = DelayedEvent(own, decided)
            for delay, labels in self._parts(event):
                waiting.left += 1
                if delay < math.inf:
                    entry = (self._now + delay, self._order, number, labels)
                    heapq.heappush(self._due, entry)
                    self._order += 1
        return made["learner"]

    def _expire_oldest(self) -> None:
        while len(self._waiting) >= self.delay.max_waiting:
            del self._waiting[next(iter(self._waiting))]
            self._expired += 1
        if len(self._due) > self._most_due:  # what nobody waits for is twice as much at most
            self._due = [entry for entry in self._due if entry[2] in self._waiting]
            heapq.heapify(self._due)
            self._most_due = 2 * len(self._due) + 64

    # -- state -----------------------------------------------------------------------

    def snapshot(self, copy: bool = True) -> dict[str, Any]:
        """Learners, metrics, clock and waiting events, as plain values (see Learner.snapshot)."""
        numbers = {"now": self._now, "arrived": self.events, "expired": self.expired}
        waiting = waiting_state(self._waiting, self._due)
        return {**super().snapshot(copy), **numbers, "waiting": waiting}

    def restore(self, snapshot: Mapping[str, Any], schema: Schema | None = None) -> None:
        """Go to a state that :meth:`snapshot` gave, of a loop with the same learners and delay.

        Parameters and errors are those of
        :meth:`~streamml.evaluate.learners.EvaluatedLearners.restore`.
        """
        where = "the loop"
        now = part_of(snapshot, "now", float, where)
        arrived, expired = (part_of(snapshot, n, int, where) for n in ("arrived", "expired"))
        names = self.names(snapshot, schema)
        saved = part_of(snapshot, "waiting", dict, where)
        waiting, due = restore_waiting(saved, names, self.learners)
        check(0 <= expired <= arrived < 2**62, where, "gave up more than arrived")
        check(len(waiting) <= arrived and now == now, where, "has other events")
        super().restore(snapshot, names)
        self._now, self._expired = now, expired
        self._waiting, self._due = waiting, due  # numbered from 0, below events to come
        heapq.heapify(self._due)
        self._order = len(due)

    def _parts(self, event: EventBatch) -> list[tuple[float, Int32Array | None]]:
        """The labels that come together, by delay; ``None`` for all that is known."""
        if not self.delay.per_label:
            return [(self.delay.checked_delay(event.ids[0], None), None)]
        known = np.arange(int(event.n_labels[0]), dtype=np.int32)
        if event.y_kind[0] == LABELS_PARTIAL:
            known = np.union1d(event.y_indices, event.negative_indices).astype(np.int32)
        names, by_delay = event.schema.labels.keys, dict[float, list[int]]()
        for column in known.tolist():
            delay = self.delay.checked_delay(event.ids[0], names[column])
            by_delay.setdefault(delay, []).append(column)
        if len(by_delay) < 2:  # where nothing is known, nothing is on its way
            return [(next(iter(by_delay), 0.0), None)]
        return [(delay, np.array(part, np.int32)) for delay, part in by_delay.items()]

    def _learn_due(self, now: float, timer: Timer) -> int:
        scored = 0
        while self._due and self._due[0][0] <= now:
            _, _, number, labels = heapq.heappop(self._due)
            waiting = self._waiting.get(number)
            if waiting is None:
                continue  # given up
            part = waiting.batch if labels is None else _known_part(waiting.batch, labels)
            self.learn(part, timer)
            waiting.left -= 1
            if not waiting.left:
                for name, decided in waiting.decided.items():
                    self.metrics[name].update(waiting.batch, decided)
                timer.lap("score")
                del self._waiting[number]
                scored += 1
        return scored


def _known_part(event: EventBatch, labels: Int32Array) -> EventBatch:
    """The event with nothing known but the given labels."""
    positive = np.intersect1d(labels, event.y_indices).astype(np.int32)
    negative = np.setdiff1d(labels, event.y_indices).astype(np.int32)
    fields = {name: getattr(event, name) for name in EventBatch.__slots__}
    fields |= {
        "y_kind": np.array([LABELS_PARTIAL], np.uint8),
        "y_indices": positive,
        "y_indptr": np.array([0, len(positive)], np.int64),
        "negative_indices": negative,
        "negative_indptr": np.array([0, len(negative)], np.int64),
    }
    return EventBatch(**fields)
