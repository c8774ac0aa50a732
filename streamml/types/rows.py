"""Rows of an event batch picked out."""

from __future__ import annotations

import numpy as np

from streamml.arrays import Int64Array
from streamml.types.batch import EventBatch

__all__ = ["select_rows"]


def select_rows(batch: EventBatch, rows: Int64Array) -> EventBatch:
    """The given rows of a batch, in the given order.

    Examples
    --------
    >>> from streamml.types.event import Event
    >>> from streamml.types.schema import Schema
    >>> events = [Event(k, 0.0, {"f": float(k)}, None) for k in range(3)]
    >>> select_rows(EventBatch.from_events(events, Schema()), np.array([2, 0])).x_values.tolist()
    [2.0, 0.0]
    """
    x_indptr, x = _gather(batch.x_indptr, rows)
    y_indptr, y = _gather(batch.y_indptr, rows)
    negative_indptr, negative = _gather(batch.negative_indptr, rows)
    return EventBatch(
        batch.schema,
        [batch.ids[i] for i in rows],
        batch.timestamps[rows],
        x_indptr,
        batch.x_indices[x],
        batch.x_values[x],
        y_indptr,
        batch.y_indices[y],
        batch.y_kind[rows],
        negative_indptr,
        batch.negative_indices[negative],
        batch.n_features[rows],
        batch.n_labels[rows],
        texts=None if batch.texts is None else [batch.texts[i] for i in rows],
    )


def _gather(indptr: Int64Array, rows: Int64Array) -> tuple[Int64Array, Int64Array]:
    """Row offsets of the rows selected, and where their entries stood."""
    rows = rows.astype(np.int64)
    counts = np.diff(indptr)[rows]
    offsets = np.zeros(len(rows) + 1, np.int64)
    np.cumsum(counts, out=offsets[1:])
    where = np.arange(offsets[-1]) + np.repeat(indptr[rows] - offsets[:-1], counts)
    return offsets, where
