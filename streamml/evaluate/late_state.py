"""The events of a late loop that wait, as plain values and back; all of it is checked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from streamml.state.capture import check, check_range, part_of
from streamml.types import EventBatch, Int32Array, Predictions, Schema
from streamml.types.saved import batch_state, decided_state, restore_batch, restore_decided

__all__ = ["DelayedEvent", "Due", "restore_waiting", "waiting_state"]

_WHERE = "what waits for its labels"

Due = tuple[float, int, int, Int32Array | None]
"""When labels come, in which order among equals, of which event, and which; ``None``: all."""


@dataclass(slots=True)
class DelayedEvent:
    """An event whose labels are on their way; ``left`` parts of them have not come."""

    batch: EventBatch
    decided: dict[str, Predictions] = field(default_factory=dict)
    left: int = 0


def waiting_state(waiting: Mapping[int, DelayedEvent], due: Iterable[Due]) -> dict[str, Any]:
    """Events, decisions and what is due, by the events' places."""
    place = {number: k for k, number in enumerate(waiting)}
    coming = sorted((entry for entry in due if entry[2] in place), key=lambda entry: entry[:2])
    return {
        "events": [
            {
                "batch": batch_state(one.batch),
                "decided": {name: decided_state(p) for name, p in one.decided.items()},
                "left": one.left,
            }
            for one in waiting.values()
        ],
        "due": [[due_at, place[number], labels] for due_at, _, number, labels in coming],
    }


def restore_waiting(
    saved: Mapping[str, Any], schema: Schema, names: Iterable[str]
) -> tuple[dict[int, DelayedEvent], list[Due]]:
    """What :func:`waiting_state` described: events by place, and a heap of what is due."""
    waiting: dict[int, DelayedEvent] = {}
    for k, one in enumerate(part_of(saved, "events", list, _WHERE)):
        batch = restore_batch(part_of(one, "batch", dict, _WHERE), schema)
        decided = part_of(one, "decided", dict, _WHERE)
        left = part_of(one, "left", int, _WHERE)
        check(len(batch) == 1 and set(decided) == set(names), _WHERE, "has other learners")
        rows = {
            name: restore_decided(part_of(decided, name, dict, _WHERE), batch) for name in decided
        }
        waiting[k] = DelayedEvent(batch, rows, left)
    due = [
        _due(entry, order, waiting)
        for order, entry in enumerate(part_of(saved, "due", list, _WHERE))
    ]
    coming = np.bincount([entry[2] for entry in due], minlength=len(waiting)).tolist()
    enough = all(one.left >= max(coming[k], 1) for k, one in waiting.items())
    check(enough, _WHERE, "has more labels on their way than it waits for")
    return waiting, due


def _due(entry: Any, order: int, waiting: Mapping[int, DelayedEvent]) -> Due:
    check(isinstance(entry, list) and len(entry) == 3, _WHERE, "is broken")
    due, number, labels = entry
    check(type(due) is float and due == due, _WHERE, "has no time")
    check(type(number) is int and number in waiting, _WHERE, "has labels of no event")
    if labels is not None:
        fits = isinstance(labels, np.ndarray) and labels.dtype == np.int32 and labels.ndim == 1
        check(fits, _WHERE, "has no columns")
        check_range(labels, 0, int(waiting[number].batch.n_labels[0]), _WHERE)
        check(bool((labels[1:] > labels[:-1]).all()), _WHERE, "is unordered")
    return due, order, number, labels
