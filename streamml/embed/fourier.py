"""Random Fourier features: a kernel machine's inputs for a linear learner."""

from __future__ import annotations

import math
from typing import ClassVar

import numpy as np

from streamml.embed.weights import GAUSSIAN, RandomProjection, name_key, uniform, weighted_sum
from streamml.kernels.compile import entry_point, kernel
from streamml.state.parameters import SEED, Constraints, OrNone, Real, Whole, check_parameters
from streamml.types import (
    Float32Array,
    Float64Array,
    Int32Array,
    Int64Array,
    UInt64Array,
)

__all__ = ["RandomFourierFeatures"]


@kernel
def _cosine(turns: float) -> float:
    """cos(2 pi turns) by its own series, so that every machine gives the same bits."""
    x = 2.0 * math.pi * (0.25 - abs(turns - math.floor(turns + 0.5)))
    s = x * x
    p = -1.0 / 1307674368000.0
    p = p * s + 1.0 / 6227020800.0
    p = p * s - 1.0 / 39916800.0
    p = p * s + 1.0 / 362880.0
    p = p * s - 1.0 / 5040.0
    p = p * s + 1.0 / 120.0
    p = p * s - 1.0 / 6.0
    return x + x * s * p


@entry_point
def _phases(key: UInt64Array, out: Float64Array) -> None:
    for k in range(len(out)):
        out[k] = uniform(key[0], k)


@entry_point
def _fourier_rows(
    indptr: Int64Array,
    indices: Int32Array,
    values: Float32Array,
    table: Float32Array,
    keys: UInt64Array,
    phases: Float64Array,
    gamma: float,
    total: Float64Array,
    spare: Float32Array,
    out: Float32Array,
) -> None:
    """Each row by itself, its features in their order: the batch changes no bit."""
    size = math.sqrt(2.0 / len(phases))
    for i in range(len(out)):
        row = slice(indptr[i], indptr[i + 1])
        weighted_sum(GAUSSIAN, indices[row], values[row], table, keys, spare, total)
        n = indptr[i + 1] - indptr[i]
        width = gamma if gamma > 0.0 else 1.0 / max(n, 1)
        scale = math.sqrt(2.0 * width) / (2.0 * math.pi)
        for k in range(len(phases)):
            out[i, k] = np.float32(size * _cosine(total[k] * scale + phases[k]))


class RandomFourierFeatures(RandomProjection):
    """``rff:D``: inner products of the vectors approximate the Gaussian kernel.

    ``z_k(x) = sqrt(2 / D) cos(w_k . x + b_k)`` with ``w_k`` normal and ``b_k`` uniform, so
    that ``z(x) . z(y)`` is about ``exp(-gamma ||x - y||^2)``. A linear learner on them is
    a kernel machine. Features should have a spread of about 1.

    Parameters
    ----------
    dimensions
        D, at least 1.
    gamma
        Inverse width of the kernel, above 0; by default 1 / number of features of the event.
    seed
        Of the weights.

    Raises
    ------
    ConfigError
        A value is out of its range.

    Examples
    --------
    >>> from streamml.types import Event, EventBatch, Schema
    >>> events = [Event(0, 0.0, {"a": 1.0}), Event(1, 1.0, {"a": 1.5})]
    >>> z = RandomFourierFeatures(4096).encode(EventBatch.from_events(events, Schema()))
    >>> bool(abs(z[0] @ z[1] - np.exp(-0.25)) < 0.02)
    True

    References
    ----------
    Rahimi and Recht, "Random Features for Large-Scale Kernel Machines", NIPS 2007.
    """

    _kind = GAUSSIAN
    _rows = staticmethod(_fourier_rows)
    _constraints: ClassVar[Constraints] = {
        "dimensions": Whole(1, 2**20),
        "gamma": OrNone(Real(0, 1e12, closed="right")),
        "seed": SEED,
    }

    def __init__(self, dimensions: int, gamma: float | None = None, seed: int = 1) -> None:
        self.dimensions = dimensions
        self.gamma = gamma
        self.seed = seed
        check_parameters(self)
        self._draw()
        self._phases = np.zeros(self.dimensions, np.float64)
        _phases(np.array([name_key("", self.seed)], np.uint64), self._phases)

    @property
    def name(self) -> str:
        """``rff:D``, with gamma where it is set."""
        return f"rff:{self.dimensions}" + (f",gamma={self.gamma:g}" if self.gamma else "")

    def _more(self) -> tuple[Float64Array, float]:
        return self._phases, self.gamma or 0.0
