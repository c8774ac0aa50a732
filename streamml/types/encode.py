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
    Labels,
    PartialLabels,
)
from streamml.types.keys import is_key
from streamml.types.names import features, in_order
from streamml.types.schema import Schema
from streamml.types.values import BadValueError

__all__ = ["BatchBuilder"]


class BatchBuilder:
    """Collects events into the columns of one batch.

    ``append`` gives ``None``, or the dead letter of an event that cannot be used; such
    an event leaves no trace in the batch or in the schema.

    Parameters
    ----------
    schema
        What the columns mean; grows.
    takes_empty
        Whether an event may be without features where that does not mean zeros. In a stream
        it is somebody's mistake; a text without words comes to a learner as such a one.
    """

    def __init__(self, schema: Schema, takes_empty: bool = False) -> None:
        self.schema = schema
        self.takes_empty = takes_empty or schema.absent_is_zero
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
        try:
            x = self._features(event.x)
            _check_time(event.timestamp)
            _check_labels(event.y, self.schema)
        except BadValueError as bad:
            raw = repr(event)[:4096].encode()
            return DeadLetter(bad.reason, bad.detail, f"event {event.id}", raw)
        if isinstance(x, str):
            assert self._texts is not None
            self._texts.append(x)
        else:
            self._append_features(x)
        self._append_labels(event)
        self._x_indptr.append(len(self._x_indices))
        self._ids.append(event.id)
        self._timestamps.append(float(event.timestamp))
        self._n_features.append(len(self.schema.features))
        self._n_labels.append(len(self.schema.labels))
        return None

    def _features(self, x: Any) -> Mapping[Any, float] | str:
        """What an event is learned by, checked: a text, or features with finite numbers."""
        if self.schema.takes_text:
            if isinstance(x, str) and x.strip():
                return x
            raise BadValueError("no_text", "It has no text: the embedding stage needs one.")
        found = features(x)
        if not found and not self.takes_empty:
            raise BadValueError("no_features", "It has no features: give it at least one.")
        return found

    def _append_features(self, x: Mapping[Any, float]) -> None:
        columns = list(map(self.schema.features.add, x))
        if -1 not in columns:
            self._x_indices.extend(columns)
            self._x_values.extend(x.values())
            return
        for column, value in zip(columns, x.values(), strict=True):
            if column >= 0:
                self._x_indices.append(column)
                self._x_values.append(value)

    def _append_labels(self, event: Event) -> None:
        add = self.schema.labels.add
        if event.y is None:
            self._y_kind.append(LABELS_UNKNOWN)
        elif isinstance(event.y, PartialLabels):
            self._y_kind.append(LABELS_PARTIAL)
            self._y_indices.extend(sorted(map(add, in_order(event.y.positive))))
            self._negative_indices.extend(sorted(map(add, in_order(event.y.negative))))
        else:
            self._y_kind.append(LABELS_FULL)
            self._y_indices.extend(sorted(map(add, in_order(event.y))))
        self._y_indptr.append(len(self._y_indices))
        self._negative_indptr.append(len(self._negative_indices))

    def texts(self) -> list[str] | None:
        """The texts so far, where an embedding stage is on."""
        return None if self._texts is None else list(self._texts)

    def columns(self) -> dict[str, Any]:
        """The ids and columns so far, by name; the builder can go on collecting."""
        filled = {name: np.array(getattr(self, f"_{name}"), kind) for name, kind in COLUMNS.items()}
        return {"ids": list(self._ids), **filled}


def _check_time(timestamp: float) -> None:
    if not math.isfinite(timestamp):
        raise BadValueError("not_finite", "Its timestamp is not finite: give seconds as a number.")


def _check_labels(y: Labels | None, schema: Schema) -> None:
    if y is None:
        return
    names = y.positive | y.negative if isinstance(y, PartialLabels) else y
    if not all(map(is_key, names)):
        raise BadValueError("wrong_type", "A label has no name: name labels with texts or numbers.")
    limit = schema.labels.limit
    if limit is not None:
        new = sum(name not in schema.labels for name in names)
        if len(schema.labels) + new > limit:
            schema.labels.refused += new
            raise BadValueError(
                "over_label_cap", f"It brings a label beyond the cap of {limit}: raise it."
            )
