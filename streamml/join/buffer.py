"""Labels meet their events: a bounded buffer where either waits for the other.

An event is predicted when its features arrive and then waits for its labels; labels that
come first wait for their event. They meet by the text of the id: what one client sends as
17 another may send as "17". What comes twice, too late or never is counted and, as
the policy says, handed out as a dead letter. Time is that of the records, never of the
machine, so that a replay of the same records ends in the same state.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

import msgspec
import numpy as np

from streamml.errors import ConfigError
from streamml.io.operation import JoinState
from streamml.join.arrivals import Arrivals, Joined
from streamml.join.clock import RecordClock
from streamml.join.rows import JoinedRows
from streamml.join.state import (
    EarlyLabels,
    WaitingEvent,
    early_state,
    restore_early,
    restore_waiting,
    waiting_state,
)
from streamml.state.capture import check, part_of, restore_value
from streamml.types import LABELS_UNKNOWN, DeadLetter, EventId, Schema

__all__ = ["OUTCOMES", "Arrivals", "JoinBuffer", "JoinPolicy", "Joined"]

OUTCOMES: Final = {
    "duplicate_event": "An event with this id came before: it was not predicted again.",
    "duplicate_labels": "The labels of this event came before: these were not learned.",
    "late_labels": "The event of these labels had waited too long: they were not learned.",
    "labels_expired": "No event with this id came in time: the labels were not learned.",
    "event_expired": "Its labels did not come in time: it was predicted, but not learned.",
}
"""Reason of a dead letter of the join -> what it says."""


@dataclass(frozen=True, slots=True)
class JoinPolicy:
    """How much waits, for how long, and what is made of the rest.

    Parameters
    ----------
    max_events
        Events that wait for labels, at least 1; beyond it the oldest expires.
    max_labels
        Label sets that wait for their event, at least 1; beyond it the oldest expires.
    max_age
        Seconds, above 0, by the clock of the records, or ``None``. The clock never goes back,
        one record moves it by a sixteenth of this at most, and sixteen in a row move it as
        far as they agree: a wrong timestamp empties nothing, and nor does a silence.
    remember
        Ids of events that are done with, at least 0: what comes again is known by them.
    dead_letters
        Which of :data:`OUTCOMES` become dead letters; all are counted.

    Raises
    ------
    ConfigError
        A bound is out of its range, or an outcome is not known.
    """

    max_events: int = 100_000
    max_labels: int = 100_000
    max_age: float | None = 86_400.0
    remember: int = 100_000
    dead_letters: frozenset[str] = frozenset(OUTCOMES)

    def __post_init__(self) -> None:
        for name, least in (("max_events", 1), ("max_labels", 1), ("remember", 0)):
            if getattr(self, name) < least:
                raise ConfigError(f"{name} must be at least {least}, not {getattr(self, name)}.")
        if self.max_age is not None and not 0 < self.max_age < float("inf"):
            raise ConfigError(f"max_age must be a number of seconds above 0, not {self.max_age}.")
        for outcome in self.dead_letters - OUTCOMES.keys():
            raise ConfigError(f"There is no outcome {outcome!r}: use {', '.join(OUTCOMES)}.")


class JoinBuffer:
    """The events and labels that wait for each other.

    Ids are the same where their texts are; what is handed out has the id that came.

    Parameters
    ----------
    policy
        Its bounds.

    Examples
    --------
    >>> from streamml.types import Event, EventBatch
    >>> buffer, schema = JoinBuffer(), Schema()
    >>> features = EventBatch.from_events([Event("a", 0.0, {"f": 1.0})], schema)
    >>> buffer.join(Arrivals.of(features)).new, buffer.state().events
    (array([ True]), 1)
    """

    def __init__(self, policy: JoinPolicy | None = None) -> None:
        self.policy = policy or JoinPolicy()
        self.counts: Counter[str] = Counter()
        """``"joined"``, ``"tombstones"`` and :data:`OUTCOMES` -> how many there were."""
        # by the text of the id
        self._waiting: OrderedDict[str, WaitingEvent] = OrderedDict()
        self._early: OrderedDict[str, EarlyLabels] = OrderedDict()
        self._done: OrderedDict[str, bool] = OrderedDict()  # True: learned
        self._clock = RecordClock(self.policy.max_age)
        self._letters: list[DeadLetter] = []

    def join(self, arrivals: Arrivals) -> Joined:
        """Take arrivals in, in order; gives what can be predicted and learned now."""
        if arrivals.tombstones:
            self.counts["tombstones"] += arrivals.tombstones
        keys = list(map(str, arrivals.ids))
        if self._all_complete(arrivals, keys):
            return self._pass_on(arrivals, keys)
        rows = JoinedRows(arrivals)
        only, now = arrivals.labels_only.tolist(), arrivals.arrived.tolist()
        for i, key in enumerate(keys):
            self._tick(now[i], arrivals.schema)
            if only[i]:
                self._labels(i, key, rows)
            else:
                self._features(i, key, rows)
        return rows.joined()

    def take_dead_letters(self) -> list[DeadLetter]:
        """What the join could not use since the last call."""
        letters, self._letters = self._letters, []
        return letters

    def state(self) -> JoinState:
        """What waits now, and what was counted so far."""
        oldest = [one.arrived for one in islice(self._waiting.values(), 1)]
        oldest += [one.arrived for one in islice(self._early.values(), 1)]
        return JoinState(
            events=len(self._waiting),
            labels=len(self._early),
            oldest=max((self._clock.now or 0.0) - min(oldest), 0.0) if oldest else 0.0,
            joined=self.counts["joined"],
            **{outcome: self.counts[outcome] for outcome in OUTCOMES},
        )

    # -- one arrival -------------------------------------------------------------------

    def _features(self, i: int, key: str, rows: JoinedRows) -> None:
        if key in self._waiting or key in self._done:
            self._out("duplicate_event", rows.arrivals.ids[i], rows.arrivals.position(i), {})
            return
        early = self._early.pop(key, None)
        if rows.kind[i] != LABELS_UNKNOWN:
            if early is not None:
                self._drop_labels("duplicate_labels", early, rows.arrivals.schema)
            rows.complete(i)
        elif early is not None:
            rows.with_labels(i, early)
        else:
            self._waiting[key] = rows.open(i, self._clock.now or 0.0)
            self._clock.note(key)
            if len(self._waiting) > self.policy.max_events:
                self._expire_event()
            return
        self._learned(key)

    def _labels(self, i: int, key: str, rows: JoinedRows) -> None:
        waiting = self._waiting.pop(key, None)
        labels = rows.labels(i, self._clock.now or 0.0)
        schema = rows.arrivals.schema
        if waiting is not None:
            rows.close(i, waiting, labels)
            self._learned(key)
        elif key in self._done:
            reason = "duplicate_labels" if self._done[key] else "late_labels"
            self._drop_labels(reason, labels, schema)
        elif key in self._early:
            self._drop_labels("duplicate_labels", labels, schema)
        else:
            self._early[key] = labels
            self._clock.note(key)
            if len(self._early) > self.policy.max_labels:
                self._expire_labels(schema)

    def _all_complete(self, arrivals: Arrivals, keys: list[str]) -> bool:
        """Whether all rows are new events that bring their labels, and nothing waits."""
        return (
            not (self._waiting or self._early or arrivals.labels_only.any())
            and bool((arrivals.y_kind != LABELS_UNKNOWN).all())
            and self._done.keys().isdisjoint(keys)
            and len(set(keys)) == len(keys)
        )

    def _pass_on(self, arrivals: Arrivals, keys: list[str]) -> Joined:
        n = len(arrivals)
        for moment in arrivals.arrived.tolist():
            self._advance(moment)
        self._done.update(dict.fromkeys(keys, True))
        self._forget()
        self.counts["joined"] += n
        return Joined(arrivals, np.ones(n, np.bool_), [None] * n)

    # -- time and bounds ---------------------------------------------------------------

    def _advance(self, moment: float) -> None:
        for key in self._clock.advance(moment):
            entry = self._waiting.get(key) or self._early.get(key)
            if entry is not None:
                entry.arrived = self._clock.now or 0.0

    def _tick(self, moment: float, schema: Schema) -> None:
        """Let time pass, and let go of what has waited too long."""
        self._advance(moment)
        if self.policy.max_age is None or self._clock.now is None:
            return
        limit = self._clock.now - self.policy.max_age
        while self._waiting and next(iter(self._waiting.values())).arrived < limit:
            self._expire_event()
        while self._early and next(iter(self._early.values())).arrived < limit:
            self._expire_labels(schema)

    def _expire_event(self) -> None:
        key, waiting = self._waiting.popitem(last=False)
        self._out("event_expired", waiting.id, waiting.position, {})
        self._done[key] = False
        self._forget()

    def _expire_labels(self, schema: Schema) -> None:
        _, labels = self._early.popitem(last=False)
        self._drop_labels("labels_expired", labels, schema)

    def _learned(self, key: str) -> None:
        self.counts["joined"] += 1
        self._done[key] = True
        self._forget()

    def _forget(self) -> None:
        while len(self._done) > self.policy.remember:
            self._done.popitem(last=False)

    def _drop_labels(self, reason: str, labels: EarlyLabels, schema: Schema) -> None:
        names = [schema.labels[int(c)] for c in labels.positive]
        self._out(reason, labels.id, labels.position, {"y": names})

    def _out(self, reason: str, event_id: EventId, position: str, more: dict[str, Any]) -> None:
        self.counts[reason] += 1
        if reason in self.policy.dead_letters:
            raw = msgspec.json.encode({"id": event_id, **more})
            self._letters.append(DeadLetter(reason, OUTCOMES[reason], position, raw))

    # -- state -------------------------------------------------------------------------

    def snapshot(self) -> dict[str, Any]:
        """All that waits, is remembered and was counted, as JSON values and arrays."""
        return {
            "now": self._clock.now,
            "doubt": self._clock.snapshot(),
            "counts": dict(self.counts),
            "waiting": waiting_state(self._waiting),
            "early": early_state(self._early),
            "done": {
                "ids": list(self._done),
                "learned": np.fromiter(self._done.values(), np.uint8, len(self._done)),
            },
        }

    def restore(self, snapshot: Mapping[str, Any], schema: Schema) -> None:
        """Go to a state that :meth:`snapshot` gave; its columns are those of ``schema``.

        Raises
        ------
        StateError
            It does not fit; nothing is changed then.
        """
        where = "the join"
        waiting = restore_waiting(part_of(snapshot, "waiting", dict, where), schema)
        early = restore_early(part_of(snapshot, "early", dict, where), schema)
        counts = part_of(snapshot, "counts", dict, where)
        check(all(type(n) is int for n in counts.values()), where, "has counts that are none")
        done = part_of(snapshot, "done", dict, where)
        ids = part_of(done, "ids", list, where)
        learned = restore_value(done.get("learned"), np.zeros(0, np.uint8), where)
        check(len(ids) == len(learned), where, "remembers ids of another number")
        check(all(type(i) in (int, str) for i in ids), where, "remembers what is no id")
        now = snapshot.get("now")
        check(now is None or isinstance(now, float), where, "has no time")
        clock = RecordClock(self.policy.max_age)
        if "doubt" in snapshot:  # older ones have none
            clock.restore(part_of(snapshot, "doubt", dict, where), where)
        clock.now, self._clock, self.counts = now, clock, Counter(counts)
        self._waiting, self._early = waiting, early
        self._done = OrderedDict(zip(map(str, ids), map(bool, learned), strict=True))
