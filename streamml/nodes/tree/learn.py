"""A tree learns an event that its leaves have scored: counts, classifiers, splits, drift."""

from __future__ import annotations

import math

import numpy as np

from streamml.kernels.compile import F4, Real, Whole, kernel, part
from streamml.nodes.event import Row, Truth
from streamml.nodes.tree.arrays import (
    ASKED,
    BLOCK,
    BOTH_NEAR,
    DEPTH,
    ENTROPY,
    LINE_LOSS,
    LOSS,
    LOSSES,
    NEAR_LOSS,
    PASSED,
    POSITION,
    SEEN,
    SETS,
    TRIED,
    VISITED,
    Blocks,
    Nodes,
    Tree,
    TreePlan,
    Work,
)
from streamml.nodes.tree.drift import watch_drift
from streamml.nodes.tree.ensemble import Ensemble, ensemble_learn
from streamml.nodes.tree.gain import best_split, list_active, node_entropy
from streamml.nodes.tree.observe import observe
from streamml.nodes.tree.random import mix64, poisson1
from streamml.nodes.tree.shape import split_leaf
from streamml.nodes.tree.window import Window, window_learn, window_scale
from streamml.types import Float32Array, Int32Array

__all__ = ["learn_event"]

_MEMORY = 200.0  # events over which a leaf's loss fades
_OFTEN = 32.0  # weight between two looks at a leaf's entropy
_U = np.uint64


@kernel
def _set_loss(
    p: Float32Array, y: Float32Array, known: Float32Array, before: Whole, n_labels: Whole
) -> Real:
    """Jaccard distance between the decided and the true label set."""
    union, wrong = 0.0, 0.0
    for l in range(n_labels):
        decided = F4(1.0) if l < before and p[l] > F4(0.5) else F4(0.0)
        union += known[l] * max(decided, y[l])
        wrong += known[l] * abs(decided - y[l])
    return wrong / union if union > 0.0 else 0.0


@kernel
def _note_losses(
    nodes: Nodes, work: Work, y: Float32Array, known: Float32Array, before: Whole, n_labels: Whole
) -> None:
    """Hamming loss of every leaf's own prediction, over the labels known."""
    for v in range(work.clock[VISITED]):
        wrong, asked = 0.0, 0.0
        for l in range(n_labels):
            decided = F4(1.0) if l < before and work.p[v, l] > F4(0.5) else F4(0.0)
            asked += known[l]
            wrong += known[l] * abs(decided - y[l])
        work.loss[v] = wrong / max(asked, 1.0)
        num = nodes.num[work.leaf[v]]
        num[LOSSES] += 1.0
        num[LOSS] += (work.loss[v] - num[LOSS]) / min(num[LOSSES], _MEMORY)
        if work.asked[v] >= BOTH_NEAR:
            ours = _set_loss(work.p[v], y, known, before, n_labels)
            theirs = _set_loss(work.other[v], y, known, before, n_labels)
            near, lines = (ours, theirs) if work.asked[v] == BOTH_NEAR else (theirs, ours)
            num[NEAR_LOSS] += (near - num[NEAR_LOSS]) / min(num[LOSSES], _MEMORY)
            num[LINE_LOSS] += (lines - num[LINE_LOSS]) / min(num[LOSSES], _MEMORY)


@kernel
def _note_set(blocks: Blocks, b: Whole, true: Int32Array) -> None:
    """Count the label set if the leaf has not seen it."""
    if blocks.kinds[b] >= SETS * 3 // 4:
        return
    h: Whole = _U(len(true))
    for q in range(len(true)):
        h = mix64(h ^ _U(true[q] + 1))
    key = np.int64(h | _U(1))
    slot = np.int64((h >> _U(1)) & _U(SETS - 1))
    while blocks.sets[b, slot] != 0:
        if blocks.sets[b, slot] == key:
            return
        slot = (slot + 1) & (SETS - 1)
    blocks.sets[b, slot] = key
    blocks.kinds[b] += 1


@kernel
def _count(nodes: Nodes, i: Whole, true: Int32Array, weight: Whole) -> None:
    w = float(weight)
    counts = nodes.counts
    counts[i, 0] += w
    for q in range(len(true)):
        counts[i, true[q] + 1] += w
    nodes.num[i, SEEN] += w


@kernel
def _give_up_poor(blocks: Blocks, work: Work, b: Whole, least: float) -> None:
    """Observers whose gain is surely less make room for others that ask (Domingos, 2000)."""
    for slot in range(blocks.feature.shape[1]):
        if blocks.feature[b, slot] >= 0 and work.gains[slot] < least:
            blocks.credit[b, slot] = F4(0.0)


@part
def _try_to_split(
    plan: TreePlan,
    tree: Tree,
    window: Window | None,
    ensemble: Ensemble | None,
    i: Whole,
    d: Whole,
    n_labels: Whole,
    absent_is_zero: bool,
) -> None:
    """Split where the best feature is better than the second by the Hoeffding bound."""
    nodes, blocks, work = tree.nodes, tree.blocks, tree.work
    b = np.int64(nodes.link[i, BLOCK])
    seen = nodes.num[i, SEEN]
    bits = math.log2(max(float(blocks.kinds[b]), 2.0))
    bound = math.sqrt(bits * bits * math.log(1.0 / plan.delta) / (2.0 * seen))
    best_split(nodes, blocks, work, i, b, n_labels, absent_is_zero)
    best, second = work.found[0], max(work.found[4], 0.0)
    if best > 0.0 and (best - second > bound or bound < plan.tau):
        m = list_active(nodes.counts[i], n_labels, work.active)
        if not split_leaf(plan, tree, window, ensemble, i, m, n_labels, absent_is_zero,
                          best - second, bound):  # fmt: skip
            return
    elif d > plan.observers:
        _give_up_poor(blocks, work, b, best - bound)
    nodes.num[i, TRIED] = seen


@part
def _learn_leaf(
    plan: TreePlan,
    tree: Tree,
    window: Window | None,
    ensemble: Ensemble | None,
    i: Whole,
    row: Row,
    truth: Truth,
    weight: Whole,
    n_labels: Whole,
) -> None:
    nodes, blocks, work = tree.nodes, tree.blocks, tree.work
    true = truth.true
    b = np.int64(nodes.link[i, BLOCK])
    if ensemble is not None and b >= 0:
        ensemble_learn(ensemble, b, row, truth, n_labels, weight, plan, work.clock[POSITION])
    if not truth.full:
        return
    if b >= 0:
        observe(nodes, blocks, i, b, row, true, weight, plan.observers)
        _note_set(blocks, b, true)
        if window is not None:
            window_learn(window, b, row, true)
    _count(nodes, i, true, weight)
    num = nodes.num[i]
    if num[SEEN] >= num[ASKED] + _OFTEN:
        num[ENTROPY], num[ASKED] = node_entropy(nodes, i, n_labels), num[SEEN]
    splits = b >= 0 and blocks.kinds[b] > 1 and nodes.link[i, DEPTH] < plan.depth
    if splits and num[SEEN] - num[TRIED] >= plan.grace:
        _try_to_split(plan, tree, window, ensemble, i, row.d, n_labels, row.absent_is_zero)


@part
def learn_event(
    plan: TreePlan,
    tree: Tree,
    window: Window | None,
    ensemble: Ensemble | None,
    row: Row,
    truth: Truth,
    before: Whole,
    n_labels: Whole,
) -> None:
    """Learn the row that ``visit_leaves`` saw last, when ``before`` labels were known.

    Every event is a test: losses and detectors take all of them. Those that the bootstrap
    gives weight 0 train nothing.
    """
    nodes, work = tree.nodes, tree.work
    _note_losses(nodes, work, truth.y, truth.known, before, n_labels)
    weight: Whole = np.int64(1)
    if plan.bootstrap:
        weight = poisson1(plan.seed, work.clock[POSITION], np.int64(0))
    if weight > 0:
        if window is not None and not row.absent_is_zero:
            window_scale(window, row)
        for t in range(work.clock[PASSED]):
            nodes.num[work.path[t], SEEN] += float(weight)
        for v in range(work.clock[VISITED]):
            i = np.int64(work.leaf[v])
            _learn_leaf(plan, tree, window, ensemble, i, row, truth, weight, n_labels)
    watch_drift(plan, tree, window, ensemble, n_labels)
    work.clock[POSITION] += 1
