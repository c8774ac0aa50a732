"""Batches of one stream in the columns of another schema: names are what the two share."""

from __future__ import annotations

import numpy as np

from streamml.arrays import Float32Array, Int32Array, Int64Array
from streamml.types.batch import EventBatch
from streamml.types.schema import Schema, Vocabulary

__all__ = ["Translation"]

_CELLS = 4_000_000  # of rows that are written out in full at once


class Translation:
    """What a stream says, for a learner that was taught with another one.

    Features go by their names: those that the schema does not have say nothing to the learner
    and are left out. Labels go along, new names are appended: they are what the answer is
    compared with. Where an absent feature means zero in the stream, and is not known by the
    schema, zeros are written out.

    Parameters
    ----------
    schema
        Of the learner; no feature is added to it.

    Attributes
    ----------
    strange
        How many events had features, and none that the schema has.

    Examples
    --------
    >>> from streamml.types.event import Event
    >>> taught = Schema(["g", "f"], ["sun"])
    >>> other = EventBatch.from_events(
    ...     [Event(7, 0.0, {"f": 2.0, "new": 1.0, "g": 3.0}, frozenset({"rain"}))], Schema()
    ... )
    >>> next(Translation(taught)(other).events())
    Event(id=7, timestamp=0.0, x={'g': 3.0, 'f': 2.0}, y=frozenset({'rain'}))
    """

    def __init__(self, schema: Schema) -> None:
        self.schema = schema
        self.strange = 0
        self._features = np.zeros(0, np.int32)  # column there -> column here, or -1
        self._labels = np.zeros(0, np.int32)
        self._known = len(schema.features), len(schema.labels)
        self._feature_at = {name: column for column, name in enumerate(schema.features.names)}
        self._label_at = {name: column for column, name in enumerate(schema.labels.names)}
        schema.labels.limit = None  # what is only compared with needs no bound

    def rows_at_once(self, schema: Schema, most: int) -> int:
        """How many rows of a stream fit into memory, at most ``most``."""
        if not self._writes_zeros(schema):
            return most
        return max(1, min(most, _CELLS // max(1, self._known[0])))

    def _writes_zeros(self, schema: Schema) -> bool:
        return schema.absent_is_zero and not self.schema.absent_is_zero

    def __call__(self, batch: EventBatch) -> EventBatch:
        """The events of a batch, with the columns of the schema."""
        self._look_up(batch.schema)
        n = len(batch)
        indptr, indices, values = self._x(batch)
        if self._writes_zeros(batch.schema):
            indptr, indices, values = _in_full(indptr, indices, values, self._known[0])
        return EventBatch(
            self.schema, batch.ids, batch.timestamps, indptr, indices, values,
            *_in_order(batch.y_indptr, self._labels[batch.y_indices]),
            batch.y_kind,
            *_in_order(batch.negative_indptr, self._labels[batch.negative_indices]),
            np.full(n, self._known[0], np.int32),
            np.full(n, self._known[1], np.int32),
        )  # fmt: skip

    def _look_up(self, there: Schema) -> None:
        """The columns of names that came since the last batch."""
        features = [self._feature_at.get(n, -1) for n in _since(there.features, self._features)]
        self._features = np.append(self._features, np.array(features, np.int32))
        for name in (new := _since(there.labels, self._labels)):
            if name not in self._label_at:
                self._label_at[name] = self.schema.labels.add(name)
        labels = [self._label_at[name] for name in new]
        self._labels = np.append(self._labels, np.array(labels, np.int32))

    def _x(self, batch: EventBatch) -> tuple[Int64Array, Int32Array, Float32Array]:
        """Features that are known, columns ascending in a row."""
        columns = self._features[batch.x_indices]
        known = columns >= 0
        rows = np.repeat(np.arange(len(batch)), np.diff(batch.x_indptr))[known]
        columns, values = columns[known], batch.x_values[known]
        order = np.lexsort((columns, rows))
        indptr = np.zeros(len(batch) + 1, np.int64)
        counts = np.bincount(rows, minlength=len(batch))
        np.cumsum(counts, out=indptr[1:])
        self.strange += int(np.count_nonzero((counts == 0) & (np.diff(batch.x_indptr) > 0)))
        return indptr, columns[order], values[order]


def _since(names: Vocabulary, known: Int32Array) -> list[str]:
    return list(names.names[len(known) :])


def _in_order(indptr: Int64Array, columns: Int32Array) -> tuple[Int64Array, Int32Array]:
    rows = np.repeat(np.arange(len(indptr) - 1), np.diff(indptr))
    return indptr, columns[np.lexsort((columns, rows))]


def _in_full(
    indptr: Int64Array, indices: Int32Array, values: Float32Array, width: int
) -> tuple[Int64Array, Int32Array, Float32Array]:
    n = len(indptr) - 1
    full = np.zeros((n, width), np.float32)
    full[np.repeat(np.arange(n), np.diff(indptr)), indices] = values
    every = np.tile(np.arange(width, dtype=np.int32), n)
    return np.arange(n + 1, dtype=np.int64) * width, every, full.reshape(-1)
