"""Decided label sets as predictions: every decided label scores 1, every other one 0."""

from __future__ import annotations

import numpy as np

from streamml.types import EventBatch, Int32Array, Int64Array, Predictions

__all__ = ["answer", "known_before", "repeat_row"]


def answer(
    indptr: Int64Array, indices: Int32Array, known: Int32Array, min_score: float
) -> Predictions:
    """Predictions out of decided rows.

    Parameters
    ----------
    indptr, indices
        Decided label columns, ``(n + 1,)`` and ``(nnz,)``, ascending in a row.
    known
        Number of labels known before each event, ``(n,)``; counts where ``min_score`` is
        0 and every known label gets a score.
    min_score
        In [0, 1].
    """
    if min_score > 0:
        return Predictions(indptr, indices, indptr, indices, np.ones(len(indices), np.float32))
    score_indptr = np.zeros(len(known) + 1, np.int64)
    np.cumsum(known, out=score_indptr[1:])
    starts = np.repeat(score_indptr[:-1], known)
    score_indices = (np.arange(score_indptr[-1]) - starts).astype(np.int32)
    scores = np.zeros(len(score_indices), np.float32)
    scores[np.repeat(score_indptr[:-1], np.diff(indptr)) + indices] = 1.0
    return Predictions(indptr, indices, score_indptr, score_indices, scores)


def known_before(known: int, batch: EventBatch) -> Int32Array:
    """Number of labels known before each event, ``(n,)``, of which ``known`` before the first.

    It never falls: events whose labels were late may be learned after others that came later.
    """
    least = max(known, batch.schema.declared_labels)
    so_far = np.concatenate([[least], batch.n_labels[:-1]])[: len(batch)]
    return np.maximum.accumulate(so_far).astype(np.int32)


def repeat_row(row: Int32Array, n: int) -> tuple[Int64Array, Int32Array]:
    """The same decided columns for ``n`` events, as ``indptr`` and ``indices``."""
    return np.arange(n + 1, dtype=np.int64) * len(row), np.tile(row, n)
