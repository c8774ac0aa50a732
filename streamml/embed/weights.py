"""Random weights of a feature that hang on its name, the seed, and nothing else.

Counter-based: weight ``k`` of a feature is a hash of (seed, name, k), so that a feature
gets the same weights whenever it appears, whatever appeared before it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from hashlib import blake2b
from typing import Any, ClassVar, Final, Literal

import numpy as np

from streamml.kernels.compile import entry_point, kernel
from streamml.types import (
    EventBatch,
    Float32Array,
    Float64Array,
    Int32Array,
    UInt64Array,
)

__all__ = [
    "GAUSSIAN",
    "SIGNS",
    "ColumnWeights",
    "RandomProjection",
    "name_key",
    "uniform",
    "weighted_sum",
]

GAUSSIAN: Final = 0
"""Standard normal weights."""
SIGNS: Final = 1
"""-1 and +1, each with probability 1/6; else 0 (Achlioptas)."""

_GOLDEN: Final = np.uint64(0x9E3779B97F4A7C15)
_M1: Final = np.uint64(0xBF58476D1CE4E5B9)
_M2: Final = np.uint64(0x94D049BB133111EB)
_TABLE_BYTES: Final = 256 * 1024 * 1024


def name_key(name: str, seed: int) -> int:
    """A 64-bit key for the weights of a name.

    Examples
    --------
    >>> name_key("height", 1) == name_key("height", 1) != name_key("height", 2)
    True
    """
    salt = (seed % 2**64).to_bytes(8, "little")
    return int.from_bytes(blake2b(name.encode(), digest_size=8, salt=salt).digest(), "little")


@kernel
def _mixed(key: np.uint64, k: int) -> np.uint64:
    """Output ``k`` of the generator splitmix64 started at ``key`` (Steele et al. 2014)."""
    z = key + np.uint64(k + 1) * _GOLDEN
    z = (z ^ (z >> np.uint64(30))) * _M1
    z = (z ^ (z >> np.uint64(27))) * _M2
    return z ^ (z >> np.uint64(31))


@kernel
def uniform(key: np.uint64, k: int) -> float:
    """In (0, 1): 53 bits and a half."""
    return (float(_mixed(key, k) >> np.uint64(11)) + 0.5) * 2.0**-53


@kernel
def _fill_row(kind: int, key: np.uint64, out: Float32Array) -> None:
    """All weights of one feature."""
    if kind == SIGNS:
        for k in range(len(out)):
            sixth = (_mixed(key, k) >> np.uint64(32)) * np.uint64(6) >> np.uint64(32)
            out[k] = np.float32(1.0) if sixth == np.uint64(0) else np.float32(0.0)
            if sixth == np.uint64(1):
                out[k] = np.float32(-1.0)
        return
    for k in range(len(out)):  # Box and Muller, one of the pair
        radius = math.sqrt(-2.0 * math.log(uniform(key, 2 * k)))
        out[k] = np.float32(radius * math.cos(2.0 * math.pi * uniform(key, 2 * k + 1)))


@entry_point
def _fill_rows(kind: int, keys: UInt64Array, out: Float32Array) -> None:
    for i in range(len(keys)):
        _fill_row(kind, keys[i], out[i])


@kernel
def weighted_sum(
    kind: int,
    indices: Int32Array,
    values: Float32Array,
    table: Float32Array,
    keys: UInt64Array,
    spare: Float32Array,
    total: Float64Array,
) -> None:
    """The weights of a row's features, times their values, in the order of the features."""
    total[:] = 0.0
    for p in range(len(indices)):
        value = float(values[p])
        if indices[p] < len(table):
            for k in range(len(total)):
                total[k] += value * table[indices[p], k]
        else:
            _fill_row(kind, keys[indices[p]], spare)
            for k in range(len(total)):
                total[k] += value * spare[k]


class ColumnWeights:
    """The weights of the features of a stream, by column; grows with the stream.

    Up to ``table_bytes`` they are kept; those of later columns are made each time.

    Parameters
    ----------
    kind
        ``GAUSSIAN`` or ``SIGNS``.
    dimensions
        Number of weights a feature has.
    seed
        Of all weights.
    table_bytes
        Bound of the table.

    Examples
    --------
    >>> one, two = ColumnWeights(GAUSSIAN, 4, seed=1), ColumnWeights(GAUSSIAN, 4, seed=1)
    >>> one.grow(["a", "b"])
    >>> two.grow(["b"])
    >>> (one.table[1] == two.table[0]).all()
    np.True_
    """

    def __init__(
        self, kind: int, dimensions: int, seed: int, table_bytes: int = _TABLE_BYTES
    ) -> None:
        self.kind = kind
        self.dimensions = dimensions
        self.seed = seed
        self.keys: UInt64Array = np.zeros(0, np.uint64)
        self._table: Float32Array = np.zeros((0, dimensions), np.float32)
        self._most = table_bytes // (4 * dimensions)

    @property
    def table(self) -> Float32Array:
        """float32 ``(columns, dimensions)``: the kept ones, the first columns."""
        return self._table[: min(len(self.keys), self._most)]

    def grow(self, names: Sequence[str]) -> None:
        """Make sure of the weights of the columns that ``names`` stand for."""
        first = len(self.keys)
        if len(names) <= first:
            return
        new = np.array([name_key(name, self.seed) for name in names[first:]], np.uint64)
        self.keys = np.concatenate([self.keys, new])
        kept = min(len(self.keys), self._most)
        if kept > len(self._table):
            room = min(max(kept, 2 * len(self._table)), self._most)
            table = np.zeros((room, self.dimensions), np.float32)
            table[: len(self._table)] = self._table
            self._table = table
        if first < kept:
            _fill_rows(self.kind, self.keys[first:kept], self._table[first:kept])

    def cover(self, batch: EventBatch) -> None:
        """Make sure of the weights of every column of a batch."""
        if len(batch.x_indices):
            self.grow(batch.schema.features.names[: int(batch.x_indices.max()) + 1])


class RandomProjection:
    """What embedders of numeric features by random weights have in common.

    A subclass stores ``dimensions`` and ``seed``, says ``_kind`` and how rows are made.
    """

    version = "1"
    reads: Literal["text", "features"] = "features"
    sparse = False
    dimensions: int
    seed: int
    _kind: ClassVar[int]
    _rows: ClassVar[Callable[..., None]]

    def _draw(self) -> None:
        """Draw the weights, once the parameters are known to be good."""
        self._weights = ColumnWeights(self._kind, self.dimensions, self.seed)

    def encode(self, batch: EventBatch) -> Float32Array:
        """Float32 ``(n, dimensions)``."""
        self._weights.cover(batch)
        out = np.empty((len(batch), self.dimensions), np.float32)
        type(self)._rows(
            batch.x_indptr,
            batch.x_indices,
            batch.x_values,
            self._weights.table,
            self._weights.keys,
            *self._more(),
            np.empty(self.dimensions, np.float64),
            np.empty(self.dimensions, np.float32),
            out,
        )
        return out

    def _more(self) -> tuple[Any, ...]:
        """What the kernel takes besides."""
        return ()
