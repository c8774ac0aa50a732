"""Sparse random projection: thousands of features to few, distances about kept."""

from __future__ import annotations

import math
from typing import ClassVar

import numpy as np

from streamml.embed.weights import SIGNS, RandomProjection, weighted_sum
from streamml.kernels.compile import entry_point
from streamml.state.parameters import SEED, Constraints, Whole, check_parameters
from streamml.types import (
    Float32Array,
    Float64Array,
    Int32Array,
    Int64Array,
    UInt64Array,
)

__all__ = ["SparseProjection"]


@entry_point
def _projected_rows(
    indptr: Int64Array,
    indices: Int32Array,
    values: Float32Array,
    table: Float32Array,
    keys: UInt64Array,
    total: Float64Array,
    spare: Float32Array,
    out: Float32Array,
) -> None:
    """Each row by itself, its features in their order: the batch changes no bit."""
    scale = math.sqrt(3.0 / len(total))
    for i in range(len(out)):
        row = slice(indptr[i], indptr[i + 1])
        weighted_sum(SIGNS, indices[row], values[row], table, keys, spare, total)
        for k in range(len(total)):
            out[i, k] = np.float32(scale * total[k])


class SparseProjection(RandomProjection):
    """``project:D``: weights -1, 0, +1 with probabilities 1/6, 2/3, 1/6, times sqrt(3 / D).

    Distances between events are kept up to a relative error of about sqrt(8 ln(n) / D)
    among n events (Johnson and Lindenstrauss).

    Parameters
    ----------
    dimensions
        D, at least 1.
    seed
        Of the weights.

    Raises
    ------
    ConfigError
        ``dimensions`` is below 1.

    Examples
    --------
    >>> from streamml.types import Event, EventBatch, Schema
    >>> x = {f"f{k}": 1.0 for k in range(100)}
    >>> z = SparseProjection(4096).encode(EventBatch.from_events([Event(0, 0.0, x)], Schema()))
    >>> abs(float(np.linalg.norm(z)) - 10.0) < 0.5
    True

    References
    ----------
    Achlioptas, "Database-friendly random projections", JCSS 66(4), 2003.
    """

    _kind = SIGNS
    _rows = staticmethod(_projected_rows)
    _constraints: ClassVar[Constraints] = {
        "dimensions": Whole(1, 2**20),
        "seed": SEED,
    }

    def __init__(self, dimensions: int, seed: int = 1) -> None:
        self.dimensions = dimensions
        self.seed = seed
        check_parameters(self)
        self._draw()

    @property
    def name(self) -> str:
        """``project:D``."""
        return f"project:{self.dimensions}"
