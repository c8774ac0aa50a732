"""Extremely randomised trees for all labels at once, over a buffer of recent events.

A tree is grown on the whole buffer, and serves until it is its turn to be regrown: one tree
at a time, whenever the work allowance of the events since has paid for the last. A leaf holds
its events, not their labels: a new event is dropped into its leaf of every tree at once, and
leaves with the buffer, so that trees follow the stream between growths and cost no memory by
label. A leaf's list runs from its oldest event to its newest; the event that leaves the
buffer is therefore always the first of its lists.

P. Geurts, D. Ernst, L. Wehenkel: Extremely randomized trees. Machine Learning 63 (2006) 3-42.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from streamml.kernels.compile import F4, Real, Whole, kernel, log32, part
from streamml.nodes.event import Event, Row, Truth
from streamml.nodes.forest.arrays import (
    CREDIT,
    DENSE_COLUMNS,
    HELD,
    LABELS,
    LISTED,
    MIN_SPLIT,
    MODE,
    NEXT,
    SPARSE_COLUMNS,
    TREE,
    TREES,
    Forest,
)
from streamml.nodes.forest.grow import grow_tree, leaf_of
from streamml.nodes.forest.partly import draw_labels
from streamml.nodes.prior import Prior
from streamml.types import Float32Array, Int32Array

__all__ = [
    "BUDGET",
    "forest_learn",
    "forest_score",
    "init",
]

BUDGET = 100_000
"""Default work an event earns; about 0.1 ms."""
_HUGE = F4(1e15)


def init(st: Forest, seed: Sequence[int]) -> None:
    """Seed the generator that draws the candidates of all trees."""
    st.rng[0] = np.random.default_rng([*seed, 11]).integers(1, 2**63, dtype=np.uint64)


# -- rows -----------------------------------------------------------------------------------


@kernel
def _store_dense(st: Forest, slot: Whole, row: Row) -> None:
    """All values; what is absent is 0, and columns shared by features add up."""
    idx, x = row.idx, row.x
    values = st.values
    for j in range(values.shape[1]):
        values[slot, j] = F4(0.0)
    for k in range(len(x)):
        values[slot, idx[k] & (DENSE_COLUMNS - 1)] += min(max(x[k], -_HUGE), _HUGE)


@kernel
def _store_sparse(st: Forest, slot: Whole, row: Row) -> None:
    """Which columns are not 0, as bits; and a list of them."""
    idx, x, n = row.idx, row.x, len(row.x)
    bits = st.bits
    listed = st.listed
    for w in range(bits.shape[1]):
        bits[slot, w] = 0
    for k in range(n):
        if x[k] != F4(0.0):
            j = idx[k] & (SPARSE_COLUMNS - 1)
            bits[slot, j >> 5] |= np.int32(1) << np.int32(j & 31)
    m = 0
    for i in range(min(n, LISTED)):
        k = (i * n) >> 8 if n > LISTED else i
        if x[k] != F4(0.0):
            listed[slot, m] = idx[k] & (SPARSE_COLUMNS - 1)
            m += 1
    listed[slot, LISTED] = m


@part
def _store(st: Forest, slot: Whole, event: Event) -> None:
    if event.dense:
        _store_dense(st, slot, event.row)
    else:
        _store_sparse(st, slot, event.row)


# -- scores ---------------------------------------------------------------------------------


@part
def _votes(st: Forest, dense: bool, out: Float32Array) -> Whole:
    """Add to ``out`` each tree's share of positives in the row's leaf; returns the trees."""
    labels = st.labels
    after = st.after
    node = st.node
    trees: Whole = st.clock[TREES]
    for k in range(trees):
        i = leaf_of(st, k, len(labels), dense)
        s = np.int64(node[k, i, 1])
        w = F4(1.0) / F4(node[k, i, 3])
        for _ in range(node[k, i, 3]):
            for q in range(labels[s, LABELS]):
                out[labels[s, q]] += w
            s = np.int64(after[k, s])
    return trees


@kernel
def forest_score(
    st: Forest | None, event: Event, prior: Prior, raw: Float32Array, place: int
) -> None:
    """Mean over trees of the share of positives in the row's leaf, as logits.

    They go to row ``place`` of ``raw``; the labels' frequency counts as a fiftieth of the
    trees. Nothing but scratch and that row is written.

    Trees ask only for the order of values, so that they take the row as it came. What a
    value means must not change as long as an event is buffered, and under a moving mean or
    scale it would.
    """
    if st is None:
        return
    out, p, dense, L = raw[place], prior.p, event.dense, event.padded
    for l in range(L):
        out[l] = F4(0.0)
    trees: Whole = 0
    if st.clock[MODE] == dense:
        _store(st, len(st.labels), event)
        trees = _votes(st, dense, out)
    w: Real = F4(1.0) if trees < 5 else F4(0.02) * F4(trees)
    r = F4(1.0) / (F4(trees) + w)
    for l in range(L):
        q = min(max((out[l] + w * p[l]) * r, F4(5e-4)), F4(0.9995))
        out[l] = log32(q / (F4(1.0) - q))


# -- learning -------------------------------------------------------------------------------


@part
def _start_over(st: Forest, dense: bool) -> None:
    """A stream that changed its mind about dense or sparse rows, within its first events."""
    st.clock[TREES] = 0
    st.clock[TREE] = 0
    st.clock[NEXT] = 0
    st.clock[HELD] = 0
    st.clock[MODE] = dense


@part
def _forget(st: Forest, slot: Whole, dense: bool) -> None:
    """Take the oldest event out of its leaves, whose first it is."""
    node = st.node
    for k in range(st.clock[TREES]):
        i = leaf_of(st, k, slot, dense)
        node[k, i, 1] = st.after[k, slot]
        node[k, i, 3] -= 1


@part
def _enter(st: Forest, slot: Whole, dense: bool) -> None:
    """Append the newest event to its leaf of every tree."""
    node = st.node
    for k in range(st.clock[TREES]):
        i = leaf_of(st, k, slot, dense)
        if node[k, i, 3] == 0:
            node[k, i, 1] = slot
        else:
            st.after[k, node[k, i, 2]] = slot
        node[k, i, 2] = slot
        node[k, i, 3] += 1


@part
def _replace_oldest(st: Forest, event: Event, true: Int32Array, m: Whole) -> None:
    """Put the event where the oldest lies, in the buffer and in every tree."""
    dense = event.dense
    window = len(st.labels)
    slot = st.clock[NEXT]
    if st.clock[HELD] == window:
        _forget(st, slot, dense)
    _store(st, slot, event)
    for q in range(m):
        st.labels[slot, q] = true[q]
    st.labels[slot, LABELS] = m
    _enter(st, slot, dense)
    st.clock[NEXT] = slot + 1 if slot + 1 < window else 0
    st.clock[HELD] = min(st.clock[HELD] + 1, window)


@kernel
def forest_learn(st: Forest | None, event: Event, prior: Prior, truth: Truth, budget: int) -> None:
    """Put the event in the buffer; spend the work allowance.

    Of more than ``LABELS`` labels the first are kept; unknown ones are drawn by their
    frequency. ``budget`` is the work an event earns: visits of an event by a candidate
    split. A tree is paid for by the events after it: cost is bounded on average, one event
    pays its peak.
    """
    if st is None:
        return
    clock, dense = st.clock, event.dense
    if clock[MODE] != dense:
        _start_over(st, dense)
    true = truth.true
    m: Whole = min(len(true), LABELS)
    if not truth.full:
        true = st.order[1]  # scratch until a tree grows
        m = draw_labels(st.rng, event, prior, truth, true)
    _replace_oldest(st, event, true, m)
    clock[CREDIT] = min(clock[CREDIT] + budget, 2 * budget)
    for _ in range(2):
        if clock[HELD] >= MIN_SPLIT and clock[CREDIT] > 0:
            clock[CREDIT] -= grow_tree(st, event.row.d, dense)
