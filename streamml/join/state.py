"""What waits in a join buffer, and how it is written down."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Final

import numpy as np

from streamml.state.capture import check, check_range, part_of, restore_value
from streamml.types import (
    LABELS_FULL,
    LABELS_PARTIAL,
    EventId,
    Float32Array,
    Int32Array,
    Schema,
)

__all__ = [
    "EarlyLabels",
    "WaitingEvent",
    "early_state",
    "restore_early",
    "restore_waiting",
    "waiting_state",
]


_WHERE: Final = "what waits to be joined"


@dataclass(slots=True)
class WaitingEvent:
    """An event that was predicted and waits for its labels.

    Attributes
    ----------
    id
        As it came.
    decided
        Name of a learner -> the columns it decided.
    arrived
        When, by the clock of the records.
    position
        Where it stood in the input.
    """

    id: EventId
    x_indices: Int32Array
    x_values: Float32Array
    timestamp: float
    arrived: float
    position: str
    decided: dict[str, Int32Array] = field(default_factory=dict)


@dataclass(slots=True)
class EarlyLabels:
    """Labels that wait for their event; the id is as it came."""

    id: EventId
    kind: int
    positive: Int32Array
    negative: Int32Array
    arrived: float
    position: str


def waiting_state(queue: Mapping[str, WaitingEvent]) -> dict[str, Any]:
    """Waiting events as lists and arrays, in their order."""
    events = list(queue.values())
    learners = list(events[0].decided) if events else []
    return {
        "ids": [e.id for e in events],
        "positions": [e.position for e in events],
        "timestamps": np.array([e.timestamp for e in events], np.float64),
        "arrived": np.array([e.arrived for e in events], np.float64),
        "x": _ragged([e.x_indices for e in events], np.int32),
        "values": _ragged([e.x_values for e in events], np.float32),
        "decided": {
            name: _ragged([e.decided[name] for e in events], np.int32) for name in learners
        },
    }


def restore_waiting(state: Mapping[str, Any], schema: Schema) -> OrderedDict[str, WaitingEvent]:
    """Text of an id -> what :func:`waiting_state` wrote down; its columns are those of ``schema``.

    Raises
    ------
    StateError
        It does not fit.
    """
    ids, positions = _texts(state)
    x = _rows(state, "x", np.int32, len(ids), len(schema.features))
    values = _rows(state, "values", np.float32, len(ids))
    check([len(a) for a in x] == [len(b) for b in values], _WHERE, "has features without values")
    times, arrived = (_times(state, name, len(ids)) for name in ("timestamps", "arrived"))
    learners = part_of(state, "decided", dict, _WHERE)
    decided = {
        name: _rows(learners, name, np.int32, len(ids), len(schema.labels)) for name in learners
    }
    return OrderedDict(
        (
            str(event_id),
            WaitingEvent(
                event_id,
                x[k],
                values[k],
                times[k],
                arrived[k],
                positions[k],
                {name: rows[k] for name, rows in decided.items()},
            ),
        )
        for k, event_id in enumerate(ids)
    )


def early_state(queue: Mapping[str, EarlyLabels]) -> dict[str, Any]:
    """Waiting labels as lists and arrays, in their order."""
    labels = list(queue.values())
    return {
        "ids": [one.id for one in labels],
        "positions": [one.position for one in labels],
        "kinds": np.array([one.kind for one in labels], np.uint8),
        "arrived": np.array([one.arrived for one in labels], np.float64),
        "positive": _ragged([one.positive for one in labels], np.int32),
        "negative": _ragged([one.negative for one in labels], np.int32),
    }


def restore_early(state: Mapping[str, Any], schema: Schema) -> OrderedDict[str, EarlyLabels]:
    """Text of an id -> what :func:`early_state` wrote down; its columns are those of ``schema``.

    Raises
    ------
    StateError
        It does not fit.
    """
    ids, positions = _texts(state)
    kinds = restore_value(state.get("kinds"), np.zeros(0, np.uint8), _WHERE)
    check(len(kinds) == len(ids), _WHERE, "has another length")
    check_range(kinds, LABELS_FULL, LABELS_PARTIAL + 1, _WHERE)
    positive, negative = (
        _rows(state, name, np.int32, len(ids), len(schema.labels))
        for name in ("positive", "negative")
    )
    arrived = _times(state, "arrived", len(ids))
    return OrderedDict(
        (
            str(event_id),
            EarlyLabels(
                event_id, int(kinds[k]), positive[k], negative[k], arrived[k], positions[k]
            ),
        )
        for k, event_id in enumerate(ids)
    )


def _ragged(rows: Sequence[Any], dtype: type[np.generic]) -> dict[str, Any]:
    """Rows of differing length as one array and where each begins."""
    indptr = np.zeros(len(rows) + 1, np.int64)
    np.cumsum([len(row) for row in rows], out=indptr[1:])
    return {"indptr": indptr, "values": np.concatenate([np.zeros(0, dtype), *rows])}


def _texts(state: Mapping[str, Any]) -> tuple[list[EventId], list[str]]:
    ids, positions = (part_of(state, name, list, _WHERE) for name in ("ids", "positions"))
    check(all(type(i) in (int, str) for i in ids), _WHERE, "has an id of another kind")
    check(len(set(ids)) == len(ids) == len(positions), _WHERE, "has an id twice")
    return ids, [str(position) for position in positions]


def _times(state: Mapping[str, Any], name: str, n: int) -> list[float]:
    times = restore_value(state.get(name), np.zeros(0), _WHERE)
    check(len(times) == n and bool(np.isfinite(times).all()), _WHERE, f"has no {name}")
    found: list[float] = times.tolist()
    return found


def _rows(
    state: Mapping[str, Any], name: str, dtype: type[np.generic], n: int, limit: int | None = None
) -> list[Any]:
    """The rows of :func:`_ragged`: ``n`` of them, of columns below ``limit``."""
    ragged = part_of(state, name, dict, _WHERE)
    values = restore_value(ragged.get("values"), np.zeros(0, dtype), _WHERE)
    indptr = restore_value(ragged.get("indptr"), np.zeros(0, np.int64), _WHERE)
    fits = len(indptr) == n + 1 and indptr[0] == 0 and indptr[-1] == len(values)
    check(fits and bool((np.diff(indptr) >= 0).all()), _WHERE, "has rows of another length")
    rows = [values[a:b].copy() for a, b in pairwise(indptr.tolist())]
    if limit is not None:
        check_range(values, 0, limit, _WHERE)
        ordered = name == "x" or all(bool((np.diff(row) > 0).all()) for row in rows)
        check(ordered, _WHERE, "has unordered columns")
    return rows
