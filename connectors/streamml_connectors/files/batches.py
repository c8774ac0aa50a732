"""Batches joined and rearranged."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from streamml.types import EventBatch, Int64Array
from streamml.types.rows import select_rows as taken

__all__ = ["joined", "taken"]

_T = TypeVar("_T", bound=np.generic)


def joined(batches: Sequence[EventBatch]) -> EventBatch:
    """Consecutive batches of one stream as one (there must be one at least).

    Examples
    --------
    >>> from streamml.types import Event, Schema
    >>> s = Schema()
    >>> parts = [EventBatch.from_events([Event(k, 0.0, {"f": 1.0})], s) for k in range(2)]
    >>> joined(parts).x_indptr.tolist()
    [0, 1, 2]
    """

    def offsets(arrays: list[Int64Array]) -> Int64Array:
        counts = np.concatenate([np.diff(a) for a in arrays])
        return np.concatenate(([0], np.cumsum(counts))).astype(np.int64)

    def all_of(arrays: list[NDArray[_T]]) -> NDArray[_T]:
        return np.concatenate(arrays)

    return EventBatch(
        batches[0].schema,
        [event_id for batch in batches for event_id in batch.ids],
        all_of([b.timestamps for b in batches]),
        offsets([b.x_indptr for b in batches]),
        all_of([b.x_indices for b in batches]),
        all_of([b.x_values for b in batches]),
        offsets([b.y_indptr for b in batches]),
        all_of([b.y_indices for b in batches]),
        all_of([b.y_kind for b in batches]),
        offsets([b.negative_indptr for b in batches]),
        all_of([b.negative_indices for b in batches]),
        all_of([b.n_features for b in batches]),
        all_of([b.n_labels for b in batches]),
        texts=_texts(batches),
    )


def _texts(batches: Sequence[EventBatch]) -> list[str] | None:
    if any(batch.texts is None for batch in batches):
        return None
    return [text for batch in batches for text in batch.texts or ()]
