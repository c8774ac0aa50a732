"""Event batches and predictions as plain arrays, and back; all of it is checked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from streamml.arrays import Int32Array, Int64Array
from streamml.state.capture import check, check_range, part_of, restore_value
from streamml.types.batch import EventBatch
from streamml.types.event import LABELS_PARTIAL
from streamml.types.predictions import Predictions
from streamml.types.schema import Schema

__all__ = ["ARRAYS", "batch_state", "decided_state", "restore_batch", "restore_decided"]

ARRAYS: Final = {
    "timestamps": np.float64,
    "x_indptr": np.int64,
    "x_indices": np.int32,
    "x_values": np.float32,
    "y_indptr": np.int64,
    "y_indices": np.int32,
    "y_kind": np.uint8,
    "negative_indptr": np.int64,
    "negative_indices": np.int32,
    "n_features": np.int32,
    "n_labels": np.int32,
}
"""The arrays of an :class:`~streamml.types.EventBatch` and their types."""

_WHERE = "a waiting batch"


def batch_state(batch: EventBatch) -> dict[str, Any]:
    """The events of a batch, without its schema."""
    return {"ids": list(batch.ids), **{name: getattr(batch, name).copy() for name in ARRAYS}}


def restore_batch(saved: Mapping[str, Any], schema: Schema) -> EventBatch:
    """The batch that :func:`batch_state` described, of a stream with ``schema``.

    Raises
    ------
    StateError
        It does not keep the contract of :class:`EventBatch`.
    """
    ids = part_of(saved, "ids", list, _WHERE)
    check(all(type(i) in (int, str) for i in ids), _WHERE, "has an event without a name")
    found: dict[str, Any] = {
        name: restore_value(saved.get(name), np.zeros(0, dtype), f"{_WHERE}.{name}")
        for name, dtype in ARRAYS.items()
    }
    batch = EventBatch(schema, list(ids), **found)
    n = len(ids)
    for name in ("timestamps", "y_kind", "n_features", "n_labels"):
        check(len(found[name]) == n, f"{_WHERE}.{name}", "has another length")
    check_range(batch.y_kind, 0, LABELS_PARTIAL + 1, "the kind of labels")
    check_range(batch.n_features, 0, len(schema.features) + 1, "the number of features")
    check_range(batch.n_labels, 0, len(schema.labels) + 1, "the number of labels")
    check(len(batch.x_values) == len(batch.x_indices), _WHERE, "has other values")
    finite = np.isfinite(batch.timestamps).all() and np.isfinite(batch.x_values).all()
    check(finite, _WHERE, "is not finite")
    _check_rows(batch.x_indptr, batch.x_indices, batch.n_features, ordered=False)
    _check_rows(batch.y_indptr, batch.y_indices, batch.n_labels)
    _check_rows(batch.negative_indptr, batch.negative_indices, batch.n_labels)
    return batch


def decided_state(predictions: Predictions) -> dict[str, Any]:
    """The decided label sets of predictions."""
    return {"indptr": predictions.indptr.copy(), "indices": predictions.indices.copy()}


def restore_decided(saved: Mapping[str, Any], batch: EventBatch) -> Predictions:
    """The predictions that :func:`decided_state` described, for the events of ``batch``."""
    indptr = restore_value(saved.get("indptr"), np.zeros(0, np.int64), _WHERE)
    indices = restore_value(saved.get("indices"), np.zeros(0, np.int32), _WHERE)
    _check_rows(indptr, indices, batch.n_labels)
    return Predictions(indptr, indices)


def _check_rows(
    indptr: Int64Array, indices: Int32Array, most: Int32Array, ordered: bool = True
) -> None:
    """CSR rows of columns, each at most once a row, below what was known at that event."""
    fits = len(indptr) == len(most) + 1 and indptr[0] == 0 and indptr[-1] == len(indices)
    check(bool(fits) and bool((np.diff(indptr) >= 0).all()), _WHERE, "has broken rows")
    if not len(indices):
        return
    row = np.repeat(np.arange(len(most)), np.diff(indptr))
    check(bool(((indices >= 0) & (indices < most[row])).all()), _WHERE, "has unknown columns")
    key = row * 2**32 + indices
    steps = np.diff(key if ordered else np.sort(key))
    check(bool((steps > 0).all()), _WHERE, "has a column twice")
