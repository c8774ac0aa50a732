"""What a join found, collected as the rows of a batch."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from streamml.join.arrivals import Arrivals, Joined
from streamml.join.state import EarlyLabels, WaitingEvent
from streamml.types import LABELS_UNKNOWN, EventBatch, EventId, Int32Array, Int64Array

__all__ = ["JoinedRows"]

_NONE: Final = np.zeros(0, np.int32)


@dataclass(slots=True)
class JoinedRows:
    """Collects what is to be done as rows of a batch."""

    arrivals: Arrivals
    kind: list[int] = field(init=False)
    _x: list[int] = field(init=False)
    _y: list[int] = field(init=False)
    _negative: list[int] = field(init=False)
    _at: list[int] = field(default_factory=list)  # which arrival a row belongs to
    _ids: list[EventId] = field(default_factory=list)
    _times: list[float] = field(default_factory=list)
    _features: list[tuple[Int32Array, Any]] = field(default_factory=list)
    _labels: list[tuple[int, Int32Array, Int32Array]] = field(default_factory=list)
    _new: list[bool] = field(default_factory=list)
    _waiting: list[WaitingEvent | None] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.kind = self.arrivals.y_kind.tolist()
        self._x = self.arrivals.x_indptr.tolist()
        self._y = self.arrivals.y_indptr.tolist()
        self._negative = self.arrivals.negative_indptr.tolist()

    def open(self, i: int, now: float) -> WaitingEvent:
        """An event without labels: to be predicted; it waits."""
        indices, values = self._row(i)
        waiting = WaitingEvent(
            self.arrivals.ids[i],
            indices.copy(),
            values.copy(),
            float(self.arrivals.timestamps[i]),
            now,
            self.arrivals.position(i),
        )
        self._add(i, (indices, values), (LABELS_UNKNOWN, _NONE, _NONE), True, waiting)
        return waiting

    def complete(self, i: int) -> None:
        """An event that brings its labels: to be predicted and learned."""
        self._add(i, self._row(i), self._own_labels(i), True, None)

    def with_labels(self, i: int, labels: EarlyLabels) -> None:
        """An event whose labels were here first."""
        found = (labels.kind, labels.positive, labels.negative)
        self._add(i, self._row(i), found, True, None)

    def close(self, i: int, waiting: WaitingEvent, labels: EarlyLabels) -> None:
        """Labels of an event that waited: to be scored and learned."""
        found = (labels.kind, labels.positive, labels.negative)
        self._add(i, (waiting.x_indices, waiting.x_values), found, False, waiting)
        self._times[-1] = waiting.timestamp

    def labels(self, i: int, now: float) -> EarlyLabels:
        """The labels of arrival ``i``."""
        kind, positive, negative = self._own_labels(i)
        position = self.arrivals.position(i)
        event_id = self.arrivals.ids[i]
        return EarlyLabels(event_id, kind, positive.copy(), negative.copy(), now, position)

    def _row(self, i: int) -> tuple[Int32Array, Any]:
        a, b = self._x[i], self._x[i + 1]
        return self.arrivals.x_indices[a:b], self.arrivals.x_values[a:b]

    def _own_labels(self, i: int) -> tuple[int, Int32Array, Int32Array]:
        batch = self.arrivals
        positive = batch.y_indices[self._y[i] : self._y[i + 1]]
        return (
            self.kind[i],
            positive,
            batch.negative_indices[self._negative[i] : self._negative[i + 1]],
        )

    def _add(
        self,
        i: int,
        features: tuple[Int32Array, Any],
        labels: tuple[int, Int32Array, Int32Array],
        new: bool,
        waiting: WaitingEvent | None,
    ) -> None:
        self._at.append(i)
        self._ids.append(self.arrivals.ids[i])
        self._times.append(float(self.arrivals.timestamps[i]))
        self._features.append(features)
        self._labels.append(labels)
        self._new.append(new)
        self._waiting.append(waiting)

    def joined(self) -> Joined:
        """The rows as a batch."""
        at = np.array(self._at, np.int64)
        batch = EventBatch(
            self.arrivals.schema,
            self._ids,
            np.array(self._times, np.float64),
            _offsets([len(c) for c, _ in self._features]),
            np.concatenate([_NONE, *(c for c, _ in self._features)]),
            np.concatenate([np.zeros(0, np.float32), *(v for _, v in self._features)]),
            _offsets([len(p) for _, p, _ in self._labels]),
            np.concatenate([_NONE, *(p for _, p, _ in self._labels)]),
            np.array([kind for kind, _, _ in self._labels], np.uint8),
            _offsets([len(n) for _, _, n in self._labels]),
            np.concatenate([_NONE, *(n for _, _, n in self._labels)]),
            self.arrivals.n_features[at],
            self.arrivals.n_labels[at],
        )
        return Joined(batch, np.array(self._new, np.bool_), self._waiting)


def _offsets(lengths: list[int]) -> Int64Array:
    offsets = np.zeros(len(lengths) + 1, np.int64)
    np.cumsum(lengths, out=offsets[1:])
    return offsets
