"""The nearest neighbours of an event among the last ones of its leaf.

Votes weigh 1 / distance. Where absent means zero, rows are compared at unit length; else by
feature, each over its standard deviation, so that units do not decide who is near.
Rows are kept as they came; those that name columns 0, 1, 2, ... need no look-ups.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from streamml.kernels.compile import F4, Real, Whole, kernel, sum_products, summing_kernel
from streamml.nodes.arrays import Spec
from streamml.nodes.event import Row
from streamml.nodes.tree.arrays import Work
from streamml.types import Float32Array, Float64Array, Int32Array, Int64Array, UInt64Array

__all__ = [
    "WIDEST",
    "Window",
    "window_learn",
    "window_pass_on",
    "window_scale",
    "window_spec",
    "window_value",
    "window_votes",
]

WIDEST = 2048
"""Values kept of a row: of more, the first."""
_FAR = F4(1e30)
_LEAST = F4(1e-4)  # what counts as no distance
_HUGE = F4(1e15)
_U = np.uint64
_ONE = np.uint64(1)


class Window(NamedTuple):
    """The last events of each leaf, as a ring of slots."""

    values: Float32Array  # [block, slot, width]
    columns: Int32Array  # [block, slot, width]
    size: Int32Array  # [block, slot, 2] values in the row; 1 where its columns are 0, 1, 2, ...
    length: Float32Array  # [block, slot] 1 / length of the row
    sets: UInt64Array  # [block, slot, label / 64] label sets, a bit a label
    pos: Int64Array  # [block, 2] next slot, slots held
    times: Float64Array  # [feature] times it was seen, mean, sum of squares about it
    means: Float64Array
    squares: Float64Array
    scale: Float32Array  # [feature] scratch
    near: Float32Array  # [slot] scratch: squared distances
    nearest: Int64Array  # [neighbours] scratch


def window_spec(window: int, neighbours: int) -> Spec:
    """Axes "b" blocks, "w" widest row, "words" 64 labels each."""
    return {
        "values": (F4, 0, ("b", window, "w")),
        "columns": (np.int32, 0, ("b", window, "w")),
        "size": (np.int32, 0, ("b", window, 2)),
        "length": (F4, 0, ("b", window)),
        "sets": (np.uint64, 0, ("b", window, "words")),
        "pos": (np.int64, 0, ("b", 2)),
        "times": (np.float64, 0, ("d",)),
        "means": (np.float64, 0, ("d",)),
        "squares": (np.float64, 0, ("d",)),
        "scale": (F4, 0, ("d",)),
        "near": (F4, 0, (window,)),
        "nearest": (np.int64, 0, (neighbours,)),
    }


@summing_kernel
def _scaled_gap(a: Float32Array, b: Float32Array, scale: Float32Array, n: Whole) -> Real:
    total: Real = F4(0.0)
    for k in range(n):
        gap = (a[k] - b[k]) * scale[k]
        total += gap * gap
    return total


@summing_kernel
def _inner(row: Float32Array, columns: Int32Array, values: Float32Array, n: Whole) -> Real:
    total: Real = F4(0.0)
    for k in range(n):
        total += values[k] * row[columns[k]]
    return total


@kernel
def _is_full(idx: Int32Array, n: Whole) -> bool:
    if n == 0 or idx[0] != 0 or idx[n - 1] != n - 1:
        return False
    wrong = 0
    for k in range(n):
        wrong += idx[k] != k
    return wrong == 0


@summing_kernel
def _known_gap(
    row: Float32Array,
    here: Float32Array,
    scale: Float32Array,
    columns: Int32Array,
    values: Float32Array,
    n: Whole,
) -> Real:
    """Scaled squared distance over the features both have, less 2 for each of them."""
    total: Real = F4(0.0)
    for k in range(n):
        j = columns[k]
        gap = (values[k] - row[j]) * scale[j]
        total += here[j] * (gap * gap - F4(2.0))
    return total


@kernel
def _measure_known(st: Window, work: Work, b: Whole, row: Row) -> None:
    """Squared distances where absent means missing.

    Features by their standard deviations; one that only one row has counts 1, half of what
    two values at random are apart: so do the names a nominal attribute is made of.
    """
    idx, x = row.idx, row.x
    m = min(len(x), WIDEST)
    full = _is_full(idx, m)
    for k in range(m):
        f = idx[k]
        spread = st.squares[f] / max(st.times[f], 1.0)
        st.scale[f] = F4(1.0 / math.sqrt(spread)) if spread > 1e-30 else F4(0.0)
    for s in range(st.pos[b, 1]):
        size = st.size[b, s, 0]
        columns, values = st.columns[b, s], st.values[b, s]
        if full and st.size[b, s, 1] == 1 and size == m:
            st.near[s] = _scaled_gap(x, values, st.scale, m)
        else:
            gap = _known_gap(work.row, work.here, st.scale, columns, values, size)
            st.near[s] = max(gap + F4(size + m), F4(0.0))


@kernel
def _measure_angles(st: Window, work: Work, b: Whole, x: Float32Array) -> None:
    """Squared distances where absent means zero: between rows brought to unit length."""
    square = sum_products(x, x, min(len(x), WIDEST))
    scale = F4(2.0) / np.sqrt(square) if square > F4(0.0) else F4(0.0)
    for s in range(st.pos[b, 1]):
        size = st.size[b, s, 0]
        inner = _inner(work.row, st.columns[b, s], st.values[b, s], size)
        st.near[s] = max(F4(2.0) - scale * inner * st.length[b, s], F4(0.0))


@kernel
def _choose(st: Window, b: Whole, k: Whole) -> Whole:
    """Slots of the nearest, the newest first among equals; how many."""
    held, start = st.pos[b, 1], st.pos[b, 0]
    near, nearest = st.near, st.nearest
    have: Whole = np.int64(0)
    s = start
    for _ in range(held):
        s = (s if s > 0 else held) - 1
        d = near[s]
        if have == k and not d < near[nearest[k - 1]]:
            continue
        p = have if have < k else k - 1
        have = have + 1 if have < k else k
        while p > 0 and d < near[nearest[p - 1]]:
            nearest[p] = nearest[p - 1]
            p -= 1
        nearest[p] = s
    return have


@kernel
def window_votes(
    st: Window,
    work: Work,
    b: Whole,
    row: Row,
    k: Whole,
    n_labels: Whole,
    out: Float32Array,
) -> None:
    """Share of the nearest events' weight that has each label."""
    if row.absent_is_zero:
        _measure_angles(st, work, b, row.x)
    else:
        _measure_known(st, work, b, row)
    have = _choose(st, b, k)
    for l in range(n_labels):
        out[l] = F4(0.0)
    total = F4(0.0)
    for i in range(have):
        s = st.nearest[i]
        w = F4(1.0) / max(np.sqrt(st.near[s]), _LEAST)
        total += w
        for l in range(n_labels):
            if (st.sets[b, s, l >> 6] >> _U(l & 63)) & _ONE != _U(0):
                out[l] += w
    if total > F4(0.0):
        for l in range(n_labels):
            out[l] = min(out[l] / total, F4(1.0))


@kernel
def window_learn(st: Window, b: Whole, row: Row, true: Int32Array) -> None:
    """Put the event where the oldest lies."""
    idx, x = row.idx, row.x
    window = st.size.shape[1]
    s = st.pos[b, 0]
    m = min(len(x), WIDEST)
    for k in range(m):
        st.values[b, s, k] = min(max(x[k], -_HUGE), _HUGE)
        st.columns[b, s, k] = idx[k]
    square = sum_products(st.values[b, s], st.values[b, s], m)
    st.length[b, s] = F4(1.0) / np.sqrt(square) if square > F4(0.0) else F4(0.0)
    st.size[b, s, 0] = m
    st.size[b, s, 1] = 1 if _is_full(idx, m) else 0
    for word in range(st.sets.shape[2]):
        st.sets[b, s, word] = _U(0)
    for q in range(len(true)):
        st.sets[b, s, true[q] >> 6] |= _ONE << _U(true[q] & 63)
    st.pos[b, 0] = (s + 1) % window
    st.pos[b, 1] = min(st.pos[b, 1] + 1, window)


@kernel
def window_scale(st: Window, row: Row) -> None:
    """Learn how far features spread."""
    idx, x = row.idx, row.x
    for k in range(len(x)):
        f, v = idx[k], float(x[k])
        st.times[f] += 1.0
        gap = v - st.means[f]
        st.means[f] += gap / st.times[f]
        st.squares[f] += gap * (v - st.means[f])


@kernel
def window_value(st: Window, b: Whole, s: Whole, f: Whole) -> Real:
    """Value of a feature in an event held; NaN where it has none."""
    for k in range(st.size[b, s, 0]):
        if st.columns[b, s, k] == f:
            found: Real = st.values[b, s, k]
            return found
    return F4(np.nan)


@kernel
def window_pass_on(st: Window, b: Whole, s: Whole, to: Whole) -> None:
    """Append the event in slot ``s`` of a block to the window of another."""
    t = st.pos[to, 0]
    for k in range(st.size[b, s, 0]):
        st.values[to, t, k] = st.values[b, s, k]
        st.columns[to, t, k] = st.columns[b, s, k]
    st.length[to, t] = st.length[b, s]
    st.size[to, t, 0] = st.size[b, s, 0]
    st.size[to, t, 1] = st.size[b, s, 1]
    for word in range(st.sets.shape[2]):
        st.sets[to, t, word] = st.sets[b, s, word]
    st.pos[to, 0] = (t + 1) % st.size.shape[1]
    st.pos[to, 1] += 1
