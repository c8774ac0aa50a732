"""What a leaf knows of its features: of each a Gaussian per label, and the weight of zeros.

Only features that came along are observed, and only values that are not zero cost time: where
what is absent is zero, the zeros of a label are its count less its other values. The observer
of feature f lies in one of ``WAYS`` slots. A feature that finds them taken wears down the one
with the least credit (Misra and Gries, 1982) until it may have its slot: the frequent stay.
"""

from __future__ import annotations

import numpy as np

from streamml.kernels.compile import F4, Real, Whole, kernel
from streamml.nodes.event import Row
from streamml.nodes.tree.arrays import WAYS, Blocks, Nodes
from streamml.types import Float32Array, Float64Array, Int32Array

__all__ = ["clear_observers", "observe"]

_HUGE = F4(1e15)
_FAR = F4(3e38)


@kernel
def clear_observers(blocks: Blocks, b: Whole) -> None:
    """Forget all features; what else is held of them is cleared when a slot is taken."""
    feature = blocks.feature
    for slot in range(feature.shape[1]):
        feature[b, slot] = -1


@kernel
def _start(
    blocks: Blocks, b: Whole, slot: Whole, f: Whole, base: Float64Array, since: Real
) -> None:
    stat = blocks.stat
    for c in range(stat.shape[2]):
        stat[b, slot, c, 0] = F4(0.0)
        stat[b, slot, c, 1] = F4(0.0)
        stat[b, slot, c, 2] = F4(0.0)
        stat[b, slot, c, 3] = F4(base[c] * since)
    blocks.feature[b, slot] = f
    blocks.credit[b, slot] = F4(0.0)
    blocks.span[b, slot, 0] = _FAR
    blocks.span[b, slot, 1] = -_FAR


@kernel
def _slot_of(
    blocks: Blocks,
    b: Whole,
    f: Whole,
    cap: Whole,
    w: Real,
    base: Float64Array,
    absent_is_zero: bool,
) -> Whole:
    """Slot of the feature's observer, a new one if it earned it; -1 if not."""
    feature, credit = blocks.feature, blocks.credit
    if f < feature.shape[1] and feature[b, f] == f:
        credit[b, f] += w
        return np.int64(f)
    poorest = np.int64(-1)
    for way in range(WAYS):
        slot = (np.int64(f) + way * (cap // WAYS)) % cap
        if slot >= feature.shape[1]:
            continue
        if feature[b, slot] == f:
            credit[b, slot] += w
            return slot
        if feature[b, slot] < 0:
            _start(blocks, b, slot, f, base, 0.0)
            credit[b, slot] = w
            return slot
        if poorest < 0 or credit[b, slot] < credit[b, poorest]:
            poorest = slot
    credit[b, poorest] -= w
    if credit[b, poorest] > F4(0.0):
        return np.int64(-1)
    _start(blocks, b, poorest, f, base, 1.0 if absent_is_zero else 0.0)
    credit[b, poorest] = w
    return poorest


@kernel
def _add(stat: Float32Array, c: Whole, v: Real, w: Real) -> None:
    """Welford's step (West, 1979); zeros are counted apart."""
    if v == F4(0.0):
        stat[c, 3] += w
        return
    stat[c, 0] += w
    gap = v - stat[c, 1]
    stat[c, 1] += gap * w / stat[c, 0]
    stat[c, 2] += w * gap * (v - stat[c, 1])


@kernel
def observe(
    nodes: Nodes,
    blocks: Blocks,
    i: Whole,
    b: Whole,
    row: Row,
    true: Int32Array,
    weight: Whole,
    cap: Whole,
) -> None:
    """Leaf ``i`` with block ``b`` observes a row with the labels ``true``, before it is counted."""
    w = F4(weight)
    idx, x, absent_is_zero = row.idx, row.x, row.absent_is_zero
    base = nodes.counts[i]
    for k in range(len(x)):
        v = min(max(x[k], -_HUGE), _HUGE)
        if v == F4(0.0) and absent_is_zero:
            continue
        slot = _slot_of(blocks, b, idx[k], cap, w, base, absent_is_zero)
        if slot < 0:
            continue
        stat = blocks.stat[b, slot]
        _add(stat, np.int64(0), v, w)
        for q in range(len(true)):
            _add(stat, true[q] + 1, v, w)
        if v != F4(0.0):
            blocks.span[b, slot, 0] = min(blocks.span[b, slot, 0], v)
            blocks.span[b, slot, 1] = max(blocks.span[b, slot, 1], v)
