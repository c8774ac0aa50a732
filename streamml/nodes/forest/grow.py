"""Grow one extremely randomised tree on the buffered events of a forest.

A node draws 2 sqrt(d) random splits and keeps the one after which the labels vary least. All
candidates are tried in one pass over the node's events: an event's label set is 15 counts of
a byte each, packed into two words, and is added to every candidate that sends it right. Of
more than 15 labels, each tree draws at random which share a count: the work per event does
not grow with labels, and trees differ in what they separate.

Where rows are dense a threshold lies at random between the values of two of the node's
events; where they are sparse it asks whether a feature of one of its events is there.
"""

from __future__ import annotations

import numpy as np

from streamml.kernels.compile import F4, Real, Whole, kernel, part
from streamml.nodes.forest.arrays import (
    DENSE_COLUMNS,
    DEPTH,
    HELD,
    LABELS,
    LANES,
    LISTED,
    MIN_SPLIT,
    NEXT,
    SPARSE_COLUMNS,
    TREE,
    TREES,
    Forest,
)
from streamml.types import Float32Array, Int32Array, Int64Array, UInt64Array

__all__ = ["draw", "grow_tree", "leaf_of"]

_RUN = 32
_MOST = 7  # of a group's labels in an event: so that the counts of _RUN events fit a byte
_ANY = F4(3e38)
_U = np.uint64
_BOUND, _VALUE, _SQUARE, _CROSS = range(4)  # rows of Forest.split


@part
def _there(bits: Int32Array, row: Whole, f: Whole) -> Real:
    """1 where a sparse row has the feature, 0 where not."""
    return F4((bits[row, f >> 5] >> np.int32(f & 31)) & 1)


@kernel
def leaf_of(st: Forest, k: Whole, row: Whole, dense: bool) -> Whole:
    """Leaf of tree k in which a stored row falls."""
    node = st.node
    bound = st.bound
    values = st.values
    bits = st.bits
    i = np.int64(0)
    while node[k, i, 0] >= 0:
        f = np.int64(node[k, i, 0])
        v = values[row, f] if dense else _there(bits, row, f)
        i = np.int64(node[k, i, 2]) + (v > bound[k, i])
    return i


@kernel
def draw(rng: UInt64Array) -> Whole:
    """64 random bits (xorshift)."""
    r = rng[0]
    r ^= r << _U(13)
    r ^= r >> _U(7)
    r ^= r << _U(17)
    rng[0] = r
    return np.int64(r)


@part
def _below(r: Whole, shift: Whole, n: Whole) -> Whole:
    """A number below n from 16 of the random bits."""
    return (((r >> shift) & 65535) * n) >> 16


@part
def _group_labels(labels: Int32Array, held: Whole, r: Whole, goal: Int64Array) -> None:
    """Pack the label sets: byte 0 counts the event, the others its labels of a group."""
    top = np.int64(0)
    for s in range(held):
        for q in range(labels[s, LABELS]):
            top = max(top, np.int64(labels[s, q]))
    for s in range(held):
        goal[s, 0] = 1
        goal[s, 1] = 0
        for q in range(labels[s, LABELS]):
            l = np.int64(labels[s, q])
            lane = l + 1 if top < LANES - 1 else 1 + _below(l * r, 24, LANES - 1)
            shift = 8 * (lane & 7)
            if (goal[s, lane >> 3] >> shift) & 255 < _MOST:
                goal[s, lane >> 3] += np.int64(1) << shift


@part
def _mixed(goal: Int64Array, order: Int32Array, a: Whole, b: Whole) -> bool:
    """Whether label sets differ within the node."""
    s = order[0, a]
    found = np.int64(0)
    for i in range(a + 1, b):
        t = order[0, i]
        found |= (goal[t, 0] ^ goal[s, 0]) | (goal[t, 1] ^ goal[s, 1])
    return bool(found != 0)


@part
def _draw_splits(st: Forest, a: Whole, b: Whole, d: Whole, dense: bool, wanted: Whole) -> Whole:
    """Candidates, the first of which sends every event right; room is rounded up to 8."""
    feature = st.feature
    split = st.split
    order = st.order
    values = st.values
    listed = st.listed
    feature[0] = 0
    split[_BOUND, 0] = -_ANY
    m = 1
    for _ in range(wanted):
        r = draw(st.rng)
        s = np.int64(order[0, a + _below(r, 0, b - a)])
        if dense:
            f = _below(r, 16, d)
            u = values[s, f]
            v = values[order[0, a + _below(r, 32, b - a)], f]
            if u == v:
                continue
            t = u + (v - u) * (F4(_below(r, 48, 65536)) * F4(1.0 / 65536.0))
            split[_BOUND, m] = t if t < max(u, v) else min(u, v)
            feature[m] = f
        elif listed[s, LISTED] > 0:
            feature[m] = listed[s, _below(r, 16, np.int64(listed[s, LISTED]))]
            split[_BOUND, m] = F4(0.5)
        else:
            continue
        m += 1
    end = (m + 7) & ~7
    for c in range(m, end):
        feature[c] = 0
        split[_BOUND, c] = _ANY
    return end


@part
def _unpack(sums: Int64Array, count: Float32Array, width: Whole) -> None:
    """Move the packed counts to one row per group."""
    for lane in range(len(count)):
        for c in range(width):
            count[lane, c] += F4(np.int32((sums[lane >> 3, c] >> (8 * (lane & 7))) & 255))
    for c in range(width):
        sums[0, c] = 0
        sums[1, c] = 0


@part
def _count_right(st: Forest, a: Whole, b: Whole, dense: bool, width: Whole) -> None:
    """Of every candidate and group, the count over the events it sends right."""
    values = st.values
    bits = st.bits
    feature = st.feature
    split = st.split
    goal = st.goal
    order = st.order
    sums = st.sums
    count = st.counts
    for lane in range(len(count)):
        for c in range(width):
            count[lane, c] = F4(0.0)
    left = _RUN
    for i in range(a, b):
        s = np.int64(order[0, i])
        for c in range(width):
            f = np.int64(feature[c])
            split[_VALUE, c] = values[s, f] if dense else _there(bits, s, f)
        g0 = goal[s, 0]
        g1 = goal[s, 1]
        for c in range(width):
            right = split[_VALUE, c] > split[_BOUND, c]
            sums[0, c] += g0 if right else np.int64(0)
            sums[1, c] += g1 if right else np.int64(0)
        left -= 1
        if left == 0 or i == b - 1:
            _unpack(sums, count, width)
            left = _RUN


@part
def _best(split: Float32Array, count: Float32Array, n: Whole, width: Whole) -> Whole:
    """Candidate with the largest sum over groups and sides of count^2 / events; 0: none."""
    for c in range(width):
        split[_SQUARE, c] = F4(0.0)
        split[_CROSS, c] = F4(0.0)
    whole = F4(0.0)
    for lane in range(1, len(count)):
        t = count[lane, 0]
        whole += t * t
        if t > F4(0.0):
            for c in range(width):
                split[_SQUARE, c] += count[lane, c] * count[lane, c]
                split[_CROSS, c] += count[lane, c] * t
    best = 0
    most = F4(-1.0)
    for c in range(1, width):
        m = count[0, c]
        if F4(0.0) < m < F4(n):
            square = split[_SQUARE, c]
            gain = square / m + (whole - F4(2.0) * split[_CROSS, c] + square) / (F4(n) - m)
            if gain > most:
                most = gain
                best = c
    return best


@part
def _divide(st: Forest, a: Whole, b: Whole, f: Whole, bound: Real, dense: bool) -> Whole:
    """Order the node's events left then right, each from old to new; where right begins."""
    order = st.order
    values = st.values
    bits = st.bits
    p = a
    m: Whole = 0
    for i in range(a, b):
        s = np.int64(order[0, i])
        goes = (values[s, f] if dense else _there(bits, s, f)) > bound
        order[0, p] = s
        order[1, m] = s
        m += goes
        p += not goes
    for i in range(m):
        order[0, p + i] = order[1, i]
    return p


@part
def _make_leaf(st: Forest, k: Whole, i: Whole, a: Whole, b: Whole) -> None:
    node = st.node
    order = st.order
    after = st.after
    node[k, i, 0] = -1
    node[k, i, 1] = order[0, a]
    node[k, i, 2] = order[0, b - 1]
    node[k, i, 3] = b - a
    for j in range(a, b - 1):
        after[k, order[0, j]] = order[0, j + 1]


@part
def _push(stack: Int32Array, top: Whole, node: Whole, a: Whole, b: Whole, depth: Whole) -> None:
    stack[top, 0] = node
    stack[top, 1] = a
    stack[top, 2] = b
    stack[top, 3] = depth


@part
def _list_events(order: Int32Array, window: int, start: Whole, held: Whole) -> None:
    """All slots from the oldest to the newest."""
    first = start if held == window else 0
    for i in range(held):
        s = first + i
        order[0, i] = s - window if s >= window else s


@part
def _finish(clock: Int64Array, trees: int) -> None:
    """The tree serves; the next is the one grown longest ago."""
    k = clock[TREE]
    clock[TREES] = max(clock[TREES], k + 1)
    clock[TREE] = k + 1 if k + 1 < trees else 0


@kernel
def grow_tree(st: Forest, d: Whole, dense: bool) -> Whole:
    """Regrow the oldest tree on all events held.

    Returns the work: visits of an event by a candidate, with a flat 16 for each candidate.
    """
    node = st.node
    stack = st.stack
    k = st.clock[TREE]
    columns = min(d, DENSE_COLUMNS if dense else SPARSE_COLUMNS)
    wanted = int(np.ceil(F4(2.0) * np.sqrt(F4(columns))))
    _group_labels(st.labels, st.clock[HELD], draw(st.rng) | 1, st.goal)
    _list_events(st.order, len(st.labels), st.clock[NEXT], st.clock[HELD])
    _push(stack, 0, 0, 0, st.clock[HELD], 0)
    top, used = 1, 1
    work: Whole = 0
    while top > 0:
        top -= 1
        i, depth = np.int64(stack[top, 0]), np.int64(stack[top, 3])
        a, b = np.int64(stack[top, 1]), np.int64(stack[top, 2])
        best: Whole = 0
        if b - a >= MIN_SPLIT and depth < DEPTH and _mixed(st.goal, st.order, a, b):
            width = _draw_splits(st, a, b, columns, dense, wanted)
            _count_right(st, a, b, dense, width)
            best = _best(st.split, st.counts, b - a, width)
            work += width * (b - a + 16)
        if best == 0:
            _make_leaf(st, k, i, a, b)
            continue
        f, t = np.int64(st.feature[best]), st.split[_BOUND, best]
        p = _divide(st, a, b, f, t, dense)
        node[k, i, 0], node[k, i, 2], st.bound[k, i] = f, used, t
        _push(stack, top, used, a, p, depth + 1)
        _push(stack, top + 1, used + 1, p, b, depth + 1)
        top, used = top + 2, used + 2
    _finish(st.clock, len(st.after))
    return work
