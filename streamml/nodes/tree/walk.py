"""From an event to the leaves it falls in, and to what they say of its labels."""

from __future__ import annotations

import numpy as np

from streamml.kernels.compile import F4, Real, Whole, kernel, part
from streamml.nodes.event import Row
from streamml.nodes.tree.arrays import (
    AGE,
    ALTERNATE,
    BLOCK,
    BOTH_LINES,
    BOTH_NEAR,
    BOUND,
    ENTROPY,
    FEATURE,
    INNER,
    LEFT,
    LINE_LOSS,
    LINES,
    LOSS,
    NEAR,
    NEAR_LOSS,
    PASSED,
    RIGHT,
    ROLE,
    ROOT,
    SEEN,
    SHARES,
    TEST,
    THERE,
    VISITED,
    VISITS,
    Nodes,
    Tree,
    TreePlan,
    Work,
)
from streamml.nodes.tree.ensemble import Ensemble, ensemble_scores
from streamml.nodes.tree.window import Window, window_votes
from streamml.types import Float32Array

__all__ = ["visit_leaves"]

_LEAST_LOSS = 1e-3


@kernel
def _child(nodes: Nodes, work: Work, i: Whole, absent_is_zero: bool) -> Whole:
    f = nodes.link[i, FEATURE]
    left, right = np.int64(nodes.link[i, LEFT]), np.int64(nodes.link[i, RIGHT])
    if not absent_is_zero and work.here[f] == F4(0.0):
        return right if nodes.num[right, SEEN] > nodes.num[left, SEEN] else left
    v = work.row[f]
    goes = v != F4(0.0) if nodes.link[i, TEST] == THERE else float(v) > nodes.num[i, BOUND]
    return right if goes else left


@kernel
def _find_leaves(nodes: Nodes, work: Work, absent_is_zero: bool) -> None:
    """The event's leaf of the tree, and of every alternate on the way."""
    passed = np.int64(0)
    visited = np.int64(1)
    i: Whole = np.int64(work.clock[ROOT])
    while nodes.link[i, ROLE] == INNER:
        work.path[passed] = i
        passed += 1
        j: Whole = np.int64(nodes.link[i, ALTERNATE])
        if j >= 0 and visited < VISITS:
            while nodes.link[j, ROLE] == INNER:
                j = _child(nodes, work, j, absent_is_zero)
            work.leaf[visited], work.under[visited] = j, i
            visited += 1
        i = _child(nodes, work, i, absent_is_zero)
    work.leaf[0], work.under[0] = i, -1
    work.clock[PASSED], work.clock[VISITED] = passed, visited


@kernel
def _shares(nodes: Nodes, i: Whole, n_labels: Whole, out: Float32Array) -> None:
    """Share of each label in the weight of the leaf."""
    total = nodes.counts[i, 0] + nodes.given[i, 0]
    scale = 1.0 / total if total > 0.0 else 0.0
    for l in range(n_labels):
        p = (nodes.counts[i, l + 1] + nodes.given[i, l + 1]) * scale
        out[l] = F4(min(max(p, 0.0), 1.0))


@part
def _ask_leaf(
    plan: TreePlan,
    tree: Tree,
    window: Window | None,
    ensemble: Ensemble | None,
    v: Whole,
    i: Whole,
    row: Row,
    n_labels: Whole,
) -> None:
    """Probabilities of one leaf. A light one asks both classifiers, and the better answers."""
    nodes, blocks, work = tree.nodes, tree.blocks, tree.work
    b = np.int64(nodes.link[i, BLOCK])
    out = work.p[v]
    work.asked[v] = SHARES
    if b >= 0:
        num = nodes.num[i]
        light = num[SEEN] < plan.heavy or num[ENTROPY] < plan.mixed
        if ensemble is not None and num[SEEN] + nodes.given[i, 0] > 0.0:
            work.asked[v] = LINES
            ensemble_scores(ensemble, b, row, n_labels, out)
        if window is not None and window.pos[b, 1] > 0 and (light or blocks.kinds[b] <= 1):
            both = work.asked[v] == LINES
            far = both and plan.adaptive and num[LINE_LOSS] < num[NEAR_LOSS]
            other = work.other[v]
            for l in range(n_labels):
                other[l] = out[l]
            near = other if far else out
            window_votes(window, work, b, row, plan.neighbours, n_labels, near)
            work.asked[v] = BOTH_LINES if far else BOTH_NEAR if both else NEAR
    if work.asked[v] == SHARES:
        _shares(nodes, i, n_labels, out)


@kernel
def _trust(plan: TreePlan, nodes: Nodes, work: Work, v: Whole) -> Real:
    """Weight of a leaf's vote; alternates have none before their drift window is over."""
    if v > 0 and nodes.num[work.under[v], AGE] <= plan.drift_window:
        return 0.0
    loss = max(nodes.num[work.leaf[v], LOSS], _LEAST_LOSS)
    found: Real = 1.0 / (loss * loss)
    return found


@kernel
def _mix_votes(plan: TreePlan, nodes: Nodes, work: Work, n_labels: Whole) -> None:
    total: Real = 0.0
    for v in range(work.clock[VISITED]):
        total += _trust(plan, nodes, work, v)
    for l in range(n_labels):
        work.mixed[l] = F4(0.0)
    for v in range(work.clock[VISITED]):
        w = F4(_trust(plan, nodes, work, v) / total)
        if w > F4(0.0):
            for l in range(n_labels):
                work.mixed[l] += w * work.p[v, l]


@part
def visit_leaves(
    plan: TreePlan,
    tree: Tree,
    window: Window | None,
    ensemble: Ensemble | None,
    row: Row,
    n_labels: Whole,
) -> None:
    """Probabilities of a row's labels: of each leaf to ``p``, of all together to ``mixed``."""
    nodes, work, idx, x = tree.nodes, tree.work, row.idx, row.x
    for k in range(len(x)):
        work.row[idx[k]] = x[k]
        work.here[idx[k]] = F4(1.0)
    _find_leaves(nodes, work, row.absent_is_zero)
    for v in range(work.clock[VISITED]):
        i = np.int64(work.leaf[v])
        _ask_leaf(plan, tree, window, ensemble, v, i, row, n_labels)
    for k in range(len(x)):
        work.row[idx[k]] = F4(0.0)
        work.here[idx[k]] = F4(0.0)
    _mix_votes(plan, nodes, work, n_labels)
