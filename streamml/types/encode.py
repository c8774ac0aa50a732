"""Events of names and numbers to sparse rows: the one place where names become columns."""

from __future__ import annotations

import math
from array import array
from collections.abc import Mapping
from typing import Any

import numpy as np

from streamml.types.columns import COLUMNS
from streamml.types.event import (
    LABELS_FULL,
    LABELS_PARTIAL,
    LABELS_UNKNOWN,
    DeadLetter,
    Event,
    EventId,
    PartialLabels,
)
from streamml.types.schema import Schema

__all__ = ["BatchBuilder"]

_FLOAT32_MAX = 3.4028234e38


class BatchBuilder:
    """Collects events into the columns of one batch.

    ``append`` gives ``None``, or the dead letter of an event that cannot be used; such
    an event leaves no trace in the batch or in the schema.
    """

    def __init__(self, schema: Schema) -> None:
        self.schema = schema
        self._ids: list[EventId] = []
        self._timestamps = array("d")
        self._x_indptr, self._x_indices, self._x_values = array("q", [0]), array("i"), array("f")
        self._y_indptr, self._y_indices = array("q", [0]), array("i")
        self._negative_indptr, self._negative_indices = array("q", [0]), array("i")
        self._y_kind = bytearray()
        self._n_features, self._n_labels = array("i"), array("i")
        self._texts: list[str] | None = [] if schema.takes_text else None

    def __len__(self) -> int:
        return len(self._ids)

    def append(self, event: Event) -> DeadLetter | None:
        """Add one event, or say why it cannot be used."""
        problem = _problem(event, self.schema)
        if problem is not None:
            reason, detail = problem
            return DeadLetter(reason, detail, f"event {event.id}", repr(event)[:4096].encode())
        if isinstance(event.x, str):
            assert self._texts is not None
            self._texts.append(event.x)
        else:
            self._append_features(event.x)
        self._append_labels(event)
        self._x_indptr.append(len(self._x_indices))
        self._ids.append(event.id)
        self._timestamps.append(float(event.timestamp))
        self._n_features.append(len(self.schema.features))
        self._n_labels.append(len(self.schema.labels))
        return None

    def _append_features(self, x: Mapping[str, float]) -> None:
        for name, value in x.items():
            column = self.schema.features.add(name)
            if column >= 0:
                self._x_indices.append(column)
                self._x_values.append(float(value))

    def _append_labels(self, event: Event) -> None:
        add = self.schema.labels.add
        if event.y is None:
            self._y_kind.append(LABELS_UNKNOWN)
        elif isinstance(event.y, PartialLabels):
            self._y_kind.append(LABELS_PARTIAL)
            self._y_indices.extend(sorted(add(name) for name in sorted(event.y.positive)))
            self._negative_indices.extend(sorted(add(name) for name in sorted(event.y.negative)))
        else:
            self._y_kind.append(LABELS_FULL)
            self._y_indices.extend(sorted(add(name) for name in sorted(event.y)))
        self._y_indptr.append(len(self._y_indices))
        self._negative_indptr.append(len(self._negative_indices))

    def texts(self) -> list[str] | None:
        """The texts so far, where an embedding stage is on."""
        return None if self._texts is None else list(self._texts)

    def columns(self) -> dict[str, Any]:
        """The ids and columns so far, by name; the builder can go on collecting."""
        filled = {name: np.array(getattr(self, f"_{name}"), kind) for name, kind in COLUMNS.items()}
        return {"ids": list(self._ids), **filled}


def _problem(event: Event, schema: Schema) -> tuple[str, str] | None:
    """Reason and sentence for an event that cannot be used, else ``None``."""
    problem = _x_problem(event.x, schema)
    if problem is not None:
        return problem
    if not math.isfinite(event.timestamp):
        return "not_finite", "Its timestamp is not finite: give seconds as a number."
    return _label_problem(event, schema)


def _x_problem(x: object, schema: Schema) -> tuple[str, str] | None:
    if schema.takes_text:
        if isinstance(x, str) and x.strip():
            return None
        return "no_text", "It has no text: the embedding stage needs one."
    if not isinstance(x, Mapping):
        return "wrong_type", "Its features are no mapping: text needs an embedding stage."
    if not x:
        return "no_features", "It has no features: give it at least one."
    for name, value in x.items():
        if not isinstance(name, str):
            return "wrong_type", f"The feature name {name!r} is no string."
        try:
            size = abs(float(value))
        except (TypeError, ValueError, OverflowError):
            return "not_a_number", f"Feature {name!r} is {value!r}, which is no number."
        if size != size:
            return "not_finite", f"Feature {name!r} is NaN: leave out what is not known."
        if not size <= _FLOAT32_MAX:
            return "not_finite", f"Feature {name!r} is {value!r}: float32 cannot hold it."
    return None


def _label_problem(event: Event, schema: Schema) -> tuple[str, str] | None:
    if event.y is None:
        return None
    y = event.y
    names = y.positive | y.negative if isinstance(y, PartialLabels) else y
    if not all(isinstance(name, str) for name in names):
        return "wrong_type", "A label is no string: name labels with strings."
    limit = schema.labels.limit
    if limit is not None:
        new = sum(name not in schema.labels for name in names)
        if len(schema.labels) + new > limit:
            schema.labels.refused += new
            return "over_label_cap", f"It brings a label beyond the cap of {limit}: raise it."
    return None
