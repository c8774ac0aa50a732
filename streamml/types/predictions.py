"""What was predicted for the events of a batch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from streamml.arrays import Float32Array, Int32Array, Int64Array
from streamml.types.offsets import empty_offsets, joined_offsets

__all__ = ["Predictions"]


@dataclass(slots=True)
class Predictions:
    """What was predicted for the events of a batch, before any of them was learned.

    Attributes
    ----------
    indptr, indices
        The decided label sets: int64 ``(n + 1,)``; int32 columns, ascending in a row.
    score_indptr, score_indices, scores
        Probabilities in [0, 1], float32, of every decided label and of every other
        label the learner finds worth naming; columns ascending in a row.
    """

    indptr: Int64Array
    indices: Int32Array
    score_indptr: Int64Array = field(default_factory=empty_offsets)
    score_indices: Int32Array = field(default_factory=lambda: np.zeros(0, np.int32))
    scores: Float32Array = field(default_factory=lambda: np.zeros(0, np.float32))

    def __len__(self) -> int:
        return len(self.indptr) - 1

    def row(self, i: int) -> Int32Array:
        """Columns of the label set decided for row ``i``."""
        return self.indices[self.indptr[i] : self.indptr[i + 1]]

    @classmethod
    def concatenate(cls, parts: Sequence[Predictions]) -> Predictions:
        """Join predictions of consecutive batches."""
        if not parts:
            return cls(empty_offsets(), np.zeros(0, np.int32))
        return cls(
            joined_offsets([p.indptr for p in parts]),
            np.concatenate([p.indices for p in parts]),
            joined_offsets([p.score_indptr for p in parts]),
            np.concatenate([p.score_indices for p in parts]),
            np.concatenate([p.scores for p in parts]),
        )
