"""Labels that come late: how long they take, and the events that wait for them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from numbers import Integral, Real
from typing import Any

import numpy as np

from streamml.errors import ConfigError
from streamml.state.capture import check, part_of, restore_value
from streamml.types import EventBatch, Float64Array, Predictions, Schema
from streamml.types.saved import batch_state, decided_state, restore_batch, restore_decided

__all__ = ["ArrivalClock", "Delay", "DelayedBatch"]


@dataclass(frozen=True, slots=True)
class Delay:
    """How long the labels of an event take; give one of the two.

    Parameters
    ----------
    events
        Labels arrive once this many later events have been predicted; 0 is no delay.
    seconds
        Labels arrive this much event time later, before the first event that is not
        earlier than that. The clock is the latest timestamp so far, so that an event
        that is late itself counts from the time it came.

    Examples
    --------
    >>> Delay(events=100), Delay(seconds=3600)
    (Delay(events=100, seconds=None), Delay(events=None, seconds=3600))

    References
    ----------
    Gomes, Read, Bifet, Barddal and Gama (2019), Machine learning for streaming data:
    state of the art, challenges, and opportunities: delayed labelling.
    """

    events: int | None = None
    seconds: float | None = None

    def __post_init__(self) -> None:
        if (self.events is None) == (self.seconds is None):
            raise ConfigError("Give a label delay either in events or in seconds.")
        name, kind = ("events", Integral) if self.seconds is None else ("seconds", Real)
        length = getattr(self, name)
        real = isinstance(length, Real) and not isinstance(length, bool)
        if not real or not 0 <= float(length) < math.inf:
            raise ConfigError(f"A label delay must be finite and at least 0, not {length!r}.")
        if not isinstance(length, kind):
            raise ConfigError(f"A label delay in events is a whole number, not {length!r}.")
        plain = int(length) if isinstance(length, Integral) else float(length)
        object.__setattr__(self, name, plain)  # numpy's numbers are numbers, too


@dataclass(slots=True)
class DelayedBatch:
    """A batch that waits for its labels: predicted, learned and scored up to somewhere."""

    batch: EventBatch
    now: Float64Array
    due: Float64Array
    decided: dict[str, Predictions] = field(default_factory=dict)
    predicted: int = 0
    learned: int = 0
    scored: int = 0

    def decisions(self, name: str) -> Predictions:
        """What one learner decided for the events that are learned but not scored."""
        whole = self.decided[name]
        first, last = whole.indptr[self.scored], whole.indptr[self.learned]
        indptr = whole.indptr[self.scored : self.learned + 1] - first
        return Predictions(indptr, whole.indices[first:last])

    @property
    def next_due(self) -> float:
        """When the labels of the oldest event not learned arrive."""
        return float(self.due[self.learned])

    def take_due(self, now: float) -> EventBatch:
        """Predicted events whose labels have arrived; they count as learned."""
        stop = min(int(np.searchsorted(self.due, now, "right")), self.predicted)
        events = self.batch.slice(self.learned, max(stop, self.learned))
        self.learned = max(stop, self.learned)
        return events

    def snapshot(self) -> dict[str, Any]:
        """What is not scored yet, as plain values."""
        rows = slice(self.scored, None)
        decided = {}
        for name, whole in self.decided.items():
            first = whole.indptr[self.scored]
            rest = Predictions(whole.indptr[rows] - first, whole.indices[first:])
            decided[name] = decided_state(rest)
        return {
            "batch": batch_state(self.batch.slice(self.scored, len(self.batch))),
            "now": self.now[rows].copy(),
            "due": self.due[rows].copy(),
            "learned": self.learned - self.scored,
            "decided": decided,
        }

    @classmethod
    def from_snapshot(
        cls, saved: Mapping[str, Any], schema: Schema, names: Iterable[str]
    ) -> DelayedBatch:
        """The batch that :meth:`snapshot` described; all of it was predicted by ``names``."""
        where, empty = "a waiting batch", np.zeros(0)
        check(isinstance(saved, Mapping), where, "is no mapping")
        batch = restore_batch(part_of(saved, "batch", dict, where), schema)
        now, due = (restore_value(saved.get(name), empty, where) for name in ("now", "due"))
        check(len(now) == len(due) == len(batch) > 0, where, "has other times")
        ordered = all(bool((t[1:] >= t[:-1]).all()) for t in (now, due))
        check(ordered, where, "is unordered")
        check(not bool(np.isnan(due).any() or np.isnan(now).any()), where, "has no times")
        decided = part_of(saved, "decided", dict, where)
        check(set(decided) == set(names), where, "was predicted by others")
        learned = part_of(saved, "learned", int, where)
        check(0 <= learned < len(batch), where, "was learned already")
        rows = {name: part_of(decided, name, dict, where) for name in decided}
        found = {name: restore_decided(row, batch) for name, row in rows.items()}
        return cls(batch, now, due, found, len(batch), learned)


class ArrivalClock:
    """Says when events come and when their labels do, in events or in seconds.

    ``now`` is what it shows after the last event admitted: the number of events, or the
    latest timestamp. Labels have arrived once they are due at or before ``now``.
    """

    def __init__(self, delay: Delay) -> None:
        self.delay = delay
        self.now = 0.0 if delay.seconds is None else -math.inf

    @property
    def delayed(self) -> bool:
        """Whether labels take any time at all."""
        return bool(self.delay.events or self.delay.seconds)

    def admit(self, batch: EventBatch) -> DelayedBatch:
        """Events that come now."""
        if self.delay.events is not None:
            now = self.now + np.arange(len(batch), dtype=np.float64)
            self.now += len(batch)
            # Due before the event is predicted that comes after ``events`` others.
            return DelayedBatch(batch, now, now + self.delay.events + 1)
        assert self.delay.seconds is not None
        now = np.maximum(np.maximum.accumulate(batch.timestamps), self.now)
        self.now = float(now[-1])
        return DelayedBatch(batch, now, now + self.delay.seconds)
