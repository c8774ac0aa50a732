"""Rows of event batches: which have features, which go, vectors as sparse rows."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any, Final

import numpy as np

from streamml.types import (
    LABELS_UNKNOWN,
    BoolArray,
    DeadLetter,
    EventBatch,
    Float32Array,
    Int32Array,
    Int64Array,
)

__all__ = [
    "SparseRows",
    "featured",
    "finite_only",
    "join_rows",
    "sparse_rows",
    "spread",
    "with_features",
]

SparseRows = tuple[Int64Array, Int32Array, Float32Array]
"""Row offsets, columns, values."""


def featured(batch: EventBatch) -> BoolArray:
    """Which rows are events; others bring labels only, for an event that came before."""
    labels_only: BoolArray | None = getattr(batch, "labels_only", None)
    return np.ones(len(batch), np.bool_) if labels_only is None else ~labels_only


def with_features(batch: EventBatch) -> EventBatch:
    """The events of a batch, for an embedder: nothing of rows that bring labels only."""
    rows = featured(batch)
    if rows.all():
        return batch
    n = int(rows.sum())
    none = np.zeros(n + 1, np.int64)
    kept = np.flatnonzero(rows).tolist()
    return EventBatch(
        batch.schema,
        [batch.ids[i] for i in kept],
        batch.timestamps[rows],
        np.append(batch.x_indptr[:-1][rows], batch.x_indptr[-1]),  # the others have no features
        batch.x_indices,
        batch.x_values,
        none,
        np.zeros(0, np.int32),
        np.full(n, LABELS_UNKNOWN, np.uint8),
        none,
        np.zeros(0, np.int32),
        batch.n_features[rows],
        batch.n_labels[rows],
        texts=None if batch.texts is None else [batch.texts[i] for i in kept],
    )


def finite_only(batch: EventBatch, embedder: str) -> tuple[EventBatch, list[DeadLetter]]:
    """Without events whose vector is not finite; they become dead letters."""
    bad = np.flatnonzero(~np.isfinite(batch.x_values))
    if not len(bad):
        return batch, []
    rows = np.unique(np.searchsorted(batch.x_indptr, bad, side="right") - 1)
    detail = f"{embedder} gives no finite vector for it."
    letters = [DeadLetter("not_finite", detail, f"event {batch.ids[i]}") for i in rows.tolist()]
    kept = np.setdiff1d(np.arange(len(batch)), rows)
    return _taken(batch, kept), letters


_PAIRS: Final = (
    ("x_indptr", ("x_indices", "x_values")),
    ("y_indptr", ("y_indices",)),
    ("negative_indptr", ("negative_indices",)),
)


def _taken(batch: EventBatch, rows: Int64Array) -> EventBatch:
    """Some rows of a batch of whatever class, ascending."""
    n = len(batch)
    changed: dict[str, Any] = {"ids": [batch.ids[i] for i in rows.tolist()]}
    inside = {name for indptr, arrays in _PAIRS for name in (indptr, *arrays)}
    for each in fields(batch):
        value = getattr(batch, each.name)
        if each.name not in inside and isinstance(value, np.ndarray) and value.shape == (n,):
            changed[each.name] = value[rows]
    for name, arrays in _PAIRS:
        indptr = getattr(batch, name)
        counts = np.diff(indptr)
        kept = np.repeat(np.isin(np.arange(n), rows), counts)
        changed[name] = np.concatenate([[0], np.cumsum(counts[rows])]).astype(np.int64)
        changed.update({array: getattr(batch, array)[kept] for array in arrays})
    return replace(batch, **changed)


def sparse_rows(vectors: Float32Array, there: BoolArray) -> SparseRows:
    """Vectors as rows of the components that are there."""
    n, d = vectors.shape
    if there.all():
        indptr = np.arange(n + 1, dtype=np.int64) * d
        return indptr, np.tile(np.arange(d, dtype=np.int32), n), vectors.reshape(-1)
    indptr = np.zeros(n + 1, np.int64)
    np.cumsum(there.sum(axis=1), out=indptr[1:])
    return indptr, np.nonzero(there)[1].astype(np.int32), vectors[there]


def spread(x: SparseRows, there: BoolArray) -> SparseRows:
    """Rows put where ``there`` says; the others are empty."""
    if there.all():
        return x
    counts = np.zeros(len(there), np.int64)
    counts[there] = np.diff(x[0])
    return np.concatenate([[0], np.cumsum(counts)]).astype(np.int64), x[1], x[2]


def join_rows(left: SparseRows, right: SparseRows) -> SparseRows:
    """Sparse rows side by side.

    Examples
    --------
    >>> one = (np.array([0, 1, 2]), np.array([0, 0], np.int32), np.array([1, 2], np.float32))
    >>> two = (np.array([0, 0, 1]), np.array([7], np.int32), np.array([9], np.float32))
    >>> [a.tolist() for a in join_rows(one, two)]
    [[0, 1, 3], [0, 0, 7], [1.0, 2.0, 9.0]]
    """
    counts = np.diff(left[0]), np.diff(right[0])
    indptr = left[0] + right[0]
    first = np.arange(indptr[-1]) - np.repeat(indptr[:-1], counts[0] + counts[1]) < np.repeat(
        counts[0], counts[0] + counts[1]
    )
    indices = np.empty(indptr[-1], np.int32)
    values = np.empty(indptr[-1], np.float32)
    indices[first], indices[~first] = left[1], right[1]
    values[first], values[~first] = left[2], right[2]
    return indptr, indices, values
