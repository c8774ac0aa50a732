"""Drift in a tree: a node whose loss rises grows an alternate, and the better one stays.

Every inner node has an ADWIN detector on the Hamming loss of the tree's own leaves below it.
Where it finds a rise (warning), an empty alternate starts to learn beside the node. Both are
compared on the same events once the alternate is half a drift window old; from a whole window
on it takes the node's place when its loss is less by the bound (drift), and goes when it is
more, or undecided for long (Bifet and Gavaldà, 2009, Hoeffding adaptive tree).
"""

from __future__ import annotations

import math

import numpy as np

from streamml.drift.adwin import AdwinState, adwin_update
from streamml.kernels.compile import Real, Whole, kernel, part
from streamml.nodes.tree.arrays import (
    AGE,
    ALTERNATE,
    ALTERNATE_LOSS,
    DEPTH,
    PASSED,
    REFUSED,
    TRIAL_LOSS,
    TRIALS,
    VISITED,
    VISITS,
    Tree,
    TreePlan,
    Work,
)
from streamml.nodes.tree.ensemble import Ensemble
from streamml.nodes.tree.room import make_room
from streamml.nodes.tree.shape import drop_subtree, log_change, new_leaf, put_in_place
from streamml.nodes.tree.window import Window

__all__ = ["watch_drift"]

_UNDECIDED = 25.0  # drift windows after which an alternate that is no better goes
_WARNING, _DRIFT, _PRUNE = 1, 2, 3


@kernel
def _rose(detectors: AdwinState, i: int, loss: Real, delta: Real) -> bool:
    if not adwin_update(detectors, i, loss, delta):
        return False
    sums = detectors.sums[i]
    return bool(sums[0] / sums[2] > sums[4])


@kernel
def _start_alternate(
    plan: TreePlan,
    tree: Tree,
    window: Window | None,
    ensemble: Ensemble | None,
    i: Whole,
    n_labels: Whole,
) -> None:
    nodes, blocks, work = tree.nodes, tree.blocks, tree.work
    promise, none = 1e300, np.int64(-1)
    if not make_room(nodes, blocks, work, plan.leaves, promise, none):
        work.clock[REFUSED] += 1
        return
    j = new_leaf(
        nodes,
        blocks,
        work,
        window,
        ensemble,
        np.int64(-1),
        np.int64(nodes.link[i, DEPTH]),
        np.int64(1),
    )
    if j < 0:
        return
    nodes.link[i, ALTERNATE] = j
    for c in (AGE, TRIALS, TRIAL_LOSS, ALTERNATE_LOSS):
        nodes.num[i, c] = 0.0
    sums = tree.detectors.sums[i]
    log_change(nodes, work, i, np.int64(_WARNING), sums[0] / sums[2], sums[4], n_labels)


@kernel
def _loss_under(work: Work, i: Whole) -> Real:
    """Loss of the alternate of node ``i``; -1 where it did not score the event."""
    for v in range(1, work.clock[VISITED]):
        if work.under[v] == i:
            found: Real = work.loss[v]
            return found
    return -1.0


@kernel
def _compare(
    plan: TreePlan,
    tree: Tree,
    i: Whole,
    n_labels: Whole,
) -> bool:
    """Count the event's losses; true where the alternate took the node's place."""
    nodes, work = tree.nodes, tree.work
    num = nodes.num[i]
    loss = _loss_under(work, i)
    num[AGE] += 1.0
    if loss < 0.0 or num[AGE] <= 0.5 * plan.drift_window:
        return False
    num[TRIALS] += 1.0
    num[TRIAL_LOSS] += work.loss[0]
    num[ALTERNATE_LOSS] += loss
    if num[AGE] <= plan.drift_window:
        return False
    n = num[TRIALS]
    own, other = num[TRIAL_LOSS] / n, num[ALTERNATE_LOSS] / n
    bound = math.sqrt(4.0 * own * (1.0 - own) * math.log(2.0 / plan.significance) / n)
    if own - other > bound:
        log_change(nodes, work, i, np.int64(_DRIFT), own - other, bound, n_labels)
        put_in_place(tree, i)
        return True
    if other - own > bound or num[AGE] > _UNDECIDED * plan.drift_window:
        log_change(nodes, work, i, np.int64(_PRUNE), own - other, bound, n_labels)
        drop_subtree(nodes, tree.blocks, work, np.int64(nodes.link[i, ALTERNATE]))
        nodes.link[i, ALTERNATE] = -1
    return False


@part
def watch_drift(
    plan: TreePlan,
    tree: Tree,
    window: Window | None,
    ensemble: Ensemble | None,
    n_labels: Whole,
) -> None:
    """Give the event's losses to the inner nodes it passed, from the root down, and act."""
    nodes, work = tree.nodes, tree.work
    alternates = work.clock[VISITED]
    for t in range(work.clock[PASSED]):
        i = int(np.int64(work.path[t]))
        rose = _rose(tree.detectors, i, work.loss[0], plan.drift_delta)
        if nodes.link[i, ALTERNATE] >= 0:
            if _compare(plan, tree, i, n_labels):
                return  # what was below is gone
        elif rose and plan.alternates and alternates < VISITS:
            _start_alternate(plan, tree, window, ensemble, i, n_labels)
            alternates += 1
