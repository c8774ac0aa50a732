"""Event by event through a tree: score, write down, learn; stops early where it needs room."""

from __future__ import annotations

import numpy as np

from streamml._kernel import F4, Real, Whole, entry_point, kernel
from streamml._loop.arrays import Output, Rows
from streamml.drift.adwin import AdwinState
from streamml.nodes.tree import (
    ALLOWED,
    BLOCKS,
    KNOWN,
    LOG,
    LOGGED,
    NODES,
    Blocks,
    Nodes,
    TreePlan,
    Work,
)
from streamml.nodes.tree_ensemble import Ensemble
from streamml.nodes.tree_learn import learn_event
from streamml.nodes.tree_shape import set_budget
from streamml.nodes.tree_walk import visit_leaves
from streamml.nodes.tree_window import Window
from streamml.types import LABELS_FULL, LABELS_UNKNOWN, Float32Array, Int32Array

__all__ = ["FULL_LOG", "run_tree"]

FULL_LOG = LOG // 2
"""Changes in the log from which on the loop stops, so that one event never overflows it."""


@kernel
def _write(output: Output, p: Float32Array, n_labels: Whole, min_score: Real) -> None:
    row, n, m = output.fill[0], output.fill[1], output.fill[2]
    for label in range(n_labels):
        decided = p[label] > F4(0.5)
        if decided:
            output.indices[n] = label
            n += 1
        if decided or p[label] >= min_score:
            output.score_indices[m] = label
            output.scores[m] = p[label]
            m += 1
    output.indptr[row + 1] = n
    output.score_indptr[row + 1] = m
    output.fill[0], output.fill[1], output.fill[2] = row + 1, n, m


@kernel
def _mark(
    y: Float32Array,
    known: Float32Array,
    true: Int32Array,
    negative: Int32Array,
    full: bool,
    n_labels: Whole,
) -> None:
    for label in range(n_labels):
        y[label] = F4(0.0)
        known[label] = F4(1.0) if full else F4(0.0)
    for q in range(len(negative)):
        known[negative[q]] = F4(1.0)
    for q in range(len(true)):
        y[true[q]] = F4(1.0)
        known[true[q]] = F4(1.0)


@kernel
def _lacks_room(nodes: Nodes, blocks: Blocks, work: Work, leaves: Whole) -> bool:
    """Whether the next event could want more nodes or blocks than the arrays hold."""
    few_nodes = len(nodes.link) < 2 * leaves + 8 and len(nodes.link) - work.clock[NODES] < 4
    few_blocks = (
        len(blocks.owner) <= work.clock[ALLOWED] and len(blocks.owner) - work.clock[BLOCKS] < 2
    )
    return bool(few_nodes or few_blocks or work.clock[LOGGED] >= FULL_LOG)


@entry_point
def run_tree(
    plan: TreePlan,
    rows: Rows,
    start: int,
    stop: int,
    predict: bool,
    learn: bool,
    nodes: Nodes,
    blocks: Blocks,
    detectors: AdwinState,
    work: Work,
    window: Window | None,
    ensemble: Ensemble | None,
    y: Float32Array,
    known: Float32Array,
    output: Output,
    min_score: Real,
    absent_is_zero: bool,
) -> int:
    """Predict and/or learn rows ``start`` to ``stop``; give the row after the last one done."""
    for i in range(start, stop):
        learns = learn and rows.y_kind[i] != LABELS_UNKNOWN
        if not (predict or learns):
            continue
        d, n_labels = np.int64(rows.n_features[i]), np.int64(rows.n_labels[i])
        if learns:
            set_budget(plan, work, window, ensemble, rows.x_indptr[i + 1] - rows.x_indptr[i], d,
                       n_labels)  # fmt: skip
            if _lacks_room(nodes, blocks, work, plan.leaves):
                return i
        a, b = rows.x_indptr[i], rows.x_indptr[i + 1]
        idx, x, n = rows.x_indices[a:b], rows.x_values[a:b], b - a
        before = work.clock[KNOWN]
        visit_leaves(plan, nodes, blocks, work, window, ensemble, idx, x, n, before,
                     absent_is_zero)  # fmt: skip
        if predict:
            _write(output, work.mixed, before, min_score)
        if not learns:
            continue
        n_labels = max(before, n_labels)
        work.clock[KNOWN] = n_labels
        full = rows.y_kind[i] == LABELS_FULL
        true = rows.y_indices[rows.y_indptr[i] : rows.y_indptr[i + 1]]
        negative = rows.negative_indices[rows.negative_indptr[i] : rows.negative_indptr[i + 1]]
        _mark(y, known, true, negative, full, n_labels)
        learn_event(plan, nodes, blocks, detectors, work, window, ensemble, idx, x, n, true, y,
                    known, full, before, n_labels, d, absent_is_zero)  # fmt: skip
    return stop
