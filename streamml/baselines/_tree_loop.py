"""Event by event through a tree: score, write down, learn; stops early where it needs room."""

from __future__ import annotations

import numpy as np

from streamml.drift.adwin import AdwinState
from streamml.ihomer.loop.arrays import BatchArrays, Output
from streamml.ihomer.loop.event import negative_of, row_of, truth_of
from streamml.kernels.compile import F4, Real, Whole, entry_point, kernel
from streamml.nodes.event import Truth
from streamml.nodes.tree.arrays import (
    KNOWN,
    LOGGED,
    Blocks,
    Nodes,
    Tree,
    TreePlan,
    Work,
)
from streamml.nodes.tree.ensemble import Ensemble
from streamml.nodes.tree.learn import learn_event
from streamml.nodes.tree.room import lacks_room, set_budget
from streamml.nodes.tree.walk import visit_leaves
from streamml.nodes.tree.window import Window
from streamml.types import LABELS_UNKNOWN, Change, Float32Array, Int32Array

__all__ = ["run_tree", "take_changes"]

_KINDS = ("split", "warning", "drift", "prune")


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
def _mark(truth: Truth, negative: Int32Array, n_labels: Whole) -> None:
    y, known, true, full = truth.y, truth.known, truth.true, truth.full
    for label in range(n_labels):
        y[label] = F4(0.0)
        known[label] = F4(1.0) if full else F4(0.0)
    for q in range(len(negative)):
        known[negative[q]] = F4(1.0)
    for q in range(len(true)):
        y[true[q]] = F4(1.0)
        known[true[q]] = F4(1.0)


@entry_point
def run_tree(
    plan: TreePlan,
    rows: BatchArrays,
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
    tree = Tree(nodes, blocks, detectors, work)
    for i in range(start, stop):
        learns = learn and rows.y_kind[i] != LABELS_UNKNOWN
        if not (predict or learns):
            continue
        d, n_labels = np.int64(rows.n_features[i]), np.int64(rows.n_labels[i])
        row = row_of(rows, i, d, absent_is_zero)
        if learns:
            set_budget(plan, work, window, ensemble, len(row.x), d, n_labels)
            if lacks_room(nodes, blocks, work, plan.leaves):
                return i
        before = work.clock[KNOWN]
        visit_leaves(plan, tree, window, ensemble, row, before)
        if predict:
            _write(output, work.mixed, before, min_score)
        if not learns:
            continue
        n_labels = max(before, n_labels)
        work.clock[KNOWN] = n_labels
        truth = truth_of(rows, i, y, known, y, False)  # nothing here asks for frequencies
        _mark(truth, negative_of(rows, i), n_labels)
        learn_event(plan, tree, window, ensemble, row, truth, before, n_labels)
    return stop


def take_changes(work: Work) -> list[Change]:
    """What the loop logged, oldest first; the log is empty then."""
    found = [
        Change(
            _KINDS[int(row[0])],
            "local",
            int(row[1]),
            (tuple(int(label) for label in row[4:] if label >= 0),),
            row[2],
            row[3],
        )
        for row in work.log[: work.clock[LOGGED]].tolist()
    ]
    work.clock[LOGGED] = 0
    return found
