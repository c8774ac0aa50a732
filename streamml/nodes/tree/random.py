"""Random numbers that hang on a seed and a position alone, so that batches change no bit.

Counter-based: Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3",
SC 2011; the mixing function is splitmix64 (Steele, Lea and Flood, OOPSLA 2014).
"""

from __future__ import annotations

import numpy as np

from streamml.kernels.compile import Real, Whole, kernel

__all__ = ["mix64", "poisson1"]

_U = np.uint64
_MOST = 12


@kernel
def mix64(x: Whole) -> Whole:
    """64 bits that look random, of 64 that are not."""
    z = _U(x) + _U(0x9E3779B97F4A7C15)
    z = (z ^ (z >> _U(30))) * _U(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> _U(27))) * _U(0x94D049BB133111EB)
    return z ^ (z >> _U(31))


@kernel
def _uniform(seed: Whole, position: Whole, stream: Whole) -> Real:
    """A number in [0, 1) of the given stream of numbers, at the given position."""
    z = mix64(mix64(_U(seed)) ^ (_U(position) * _U(1024) + _U(stream)))
    return float(np.int64(z >> _U(11))) * (1.0 / 9007199254740992.0)


@kernel
def poisson1(seed: Whole, position: Whole, stream: Whole) -> Whole:
    """A Poisson(1) number: how often an event stands in a bootstrap sample (Oza, 2005)."""
    u = _uniform(seed, position, stream)
    k = np.int64(0)
    p = 0.36787944117144233
    sum_p = p
    while u >= sum_p and k < _MOST:
        k += 1
        p /= k
        sum_p += p
    return k
