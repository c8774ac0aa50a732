"""The arrays of an event batch by name: one table for all that fill, store or read them."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

__all__ = ["COLUMNS"]

COLUMNS: Final[dict[str, Any]] = {
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
"""Name and dtype; :class:`~streamml.types.EventBatch` says what each holds."""
