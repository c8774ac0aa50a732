"""The gain of a split: how much multivariate Bernoulli entropy it takes away.

The entropy of a leaf is the sum over labels of -p log2 p - (1 - p) log2 (1 - p), p being the
label's share of the leaf's weight (MLHAT, equations 3 to 5).
"""

from __future__ import annotations

import math

import numpy as np

from streamml.kernels.compile import F4, Real, Whole, kernel
from streamml.nodes.tree.arrays import OVER, THERE, Blocks, Nodes, Work
from streamml.types import Float32Array, Float64Array, Int32Array

__all__ = ["best_split", "divide", "list_active", "node_entropy", "split_gain"]

_CUTS = 10  # thresholds tried between the least and the largest value
_LEAST = 0.01  # of the weight must go to each side
_NONE = -1e300


@kernel
def _bits(count: Real, total: Real) -> Real:
    p = count / total
    if p <= 0.0 or p >= 1.0:
        return 0.0
    return -p * math.log2(p) - (1.0 - p) * math.log2(1.0 - p)


@kernel
def _entropy(row: Float64Array, m: Whole) -> Real:
    """Bits of the counts ``row[1:m]`` among ``row[0]`` events."""
    found: Real = 0.0
    for c in range(1, m):
        found += _bits(row[c], row[0])
    return found


@kernel
def split_gain(left: Float64Array, right: Float64Array, m: Whole) -> Real:
    """Entropy in bits that parting the events takes away; column 0 counts events.

    Less than any other number where one side gets next to nothing.
    """
    total = left[0] + right[0]
    if left[0] < _LEAST * total or right[0] < _LEAST * total or total <= 0.0:
        return _NONE
    whole: Real = 0.0
    for c in range(1, m):
        whole += _bits(left[c] + right[c], total)
    found: Real = whole - (left[0] * _entropy(left, m) + right[0] * _entropy(right, m)) / total
    return found


@kernel
def node_entropy(nodes: Nodes, i: Whole, n_labels: Whole) -> Real:
    """Entropy of a leaf in bits, what it was given included."""
    counts, given = nodes.counts, nodes.given
    total = counts[i, 0] + given[i, 0]
    found: Real = 0.0
    if total > 0.0:
        for c in range(1, n_labels + 1):
            found += _bits(counts[i, c] + given[i, c], total)
    return found


@kernel
def list_active(counts: Float64Array, n_labels: Whole, active: Int32Array) -> Whole:
    """Columns that count anything, column 0 first; how many."""
    active[0] = 0
    m = np.int64(1)
    for c in range(1, n_labels + 1):
        if counts[c] > 0.0:
            active[m] = c
            m += 1
    return m


@kernel
def _share_below(mean: Real, squares: Real, weight: Real, bound: Real) -> Real:
    """Share of a Gaussian that lies at or below the bound."""
    variance = squares / weight if weight > 0.0 else 0.0
    if variance <= 1e-12 * mean * mean + 1e-30:
        return 1.0 if mean <= bound else 0.0
    return 0.5 * (1.0 + math.erf((bound - mean) / math.sqrt(2.0 * variance)))


@kernel
def divide(
    stat: Float32Array,
    counts: Float64Array,
    active: Int32Array,
    m: Whole,
    test: Whole,
    bound: Real,
    absent_is_zero: bool,
    left: Float64Array,
    right: Float64Array,
) -> None:
    """Expected counts on both sides of a test, by place in ``active``."""
    for a in range(m):
        c = active[a]
        n = float(stat[c, 0])
        zeros = float(stat[c, 3])
        if absent_is_zero:
            zeros = max(counts[c] - zeros - n, 0.0)
        if test == THERE:
            left[a], right[a] = zeros, n
            continue
        below = n * _share_below(float(stat[c, 1]), float(stat[c, 2]), n, bound)
        if bound >= 0.0:
            below += zeros
        left[a], right[a] = below, n + zeros - below


@kernel
def _try(
    work: Work,
    stat: Float32Array,
    counts: Float64Array,
    m: Whole,
    test: Whole,
    bound: Real,
    absent_is_zero: bool,
) -> Real:
    left, right = work.left, work.right
    divide(stat, counts, work.active, m, test, bound, absent_is_zero, left, right)
    found = split_gain(left, right, m)
    # What is missing splits nothing: the share that is known counts (Quinlan, 1993).
    known: Real = min((left[0] + right[0]) / max(counts[0], 1e-9), 1.0)
    return found * known


@kernel
def _best_of_feature(
    blocks: Blocks,
    work: Work,
    b: Whole,
    slot: Whole,
    counts: Float64Array,
    m: Whole,
    absent_is_zero: bool,
    best: Float64Array,
) -> None:
    """Gain, test and bound of the best split by one observer, to ``best``."""
    stat = blocks.stat[b, slot]
    low, high = float(blocks.span[b, slot, 0]), float(blocks.span[b, slot, 1])
    zeros = counts[0] - stat[0, 3] - stat[0, 0] if absent_is_zero else float(stat[0, 3])
    best[0] = _NONE
    if zeros > 0.0 and stat[0, 0] > F4(0.0):
        best[0] = _try(work, stat, counts, m, np.int64(THERE), 0.0, absent_is_zero)
        best[1], best[2] = float(THERE), 0.0
        if low == high:  # 0 and one other value
            return
        low, high = min(low, 0.0), max(high, 0.0)
    step = (high - low) / (_CUTS + 1)
    for cut in range(_CUTS):
        bound = low + step * (cut + 1)
        if not low < bound < high:
            continue
        found = _try(work, stat, counts, m, np.int64(OVER), bound, absent_is_zero)
        if found > best[0]:
            best[0], best[1], best[2] = found, float(OVER), bound


@kernel
def best_split(
    nodes: Nodes,
    blocks: Blocks,
    work: Work,
    i: Whole,
    b: Whole,
    n_labels: Whole,
    absent_is_zero: bool,
) -> None:
    """The best split of leaf ``i``, and the best gain by another feature, to ``found``."""
    found, gains = work.found, work.gains
    counts = nodes.counts[i]
    m = list_active(counts, n_labels, work.active)
    found[0] = found[4] = _NONE
    found[1] = -1.0
    best = work.best
    for slot in range(blocks.feature.shape[1]):
        if blocks.feature[b, slot] < 0:
            continue
        _best_of_feature(blocks, work, b, slot, counts, m, absent_is_zero, best)
        gains[slot] = F4(max(best[0], -1e30))
        if best[0] > found[0]:
            found[4] = found[0]
            found[0], found[1], found[2], found[3] = best[0], float(slot), best[1], best[2]
        elif best[0] > found[4]:
            found[4] = best[0]
