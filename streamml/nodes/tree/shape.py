"""How a tree changes shape: leaves split, subtrees go, blocks change hands within the budget."""

from __future__ import annotations

import numpy as np

from streamml.drift.adwin import AdwinState
from streamml.kernels.compile import Real, Whole, kernel
from streamml.nodes.tree.arrays import (
    ALTERNATE,
    BACK,
    BLOCK,
    BLOCKS,
    BOUND,
    DEPTH,
    FEATURE,
    FREE,
    INNER,
    LEAF,
    LEFT,
    LOG,
    LOGGED,
    LOSS,
    LOSSES,
    NAMED,
    NODES,
    PARENT,
    POSITION,
    REFUSED,
    RIGHT,
    ROLE,
    ROOT,
    SPLIT,
    TEST,
    THERE,
    Blocks,
    Nodes,
    Tree,
    TreePlan,
    Work,
)
from streamml.nodes.tree.ensemble import Ensemble, ensemble_copy
from streamml.nodes.tree.gain import divide
from streamml.nodes.tree.room import give_back, make_room, promise_of, take_block
from streamml.nodes.tree.window import Window, window_pass_on, window_value

__all__ = ["drop_subtree", "log_change", "new_leaf", "put_in_place", "split_leaf"]


@kernel
def log_change(
    nodes: Nodes, work: Work, i: Whole, kind: Whole, statistic: Real, bound: Real, n_labels: Whole
) -> None:
    """Note a change at a node with its most frequent labels; counts go on where the log is full."""
    work.clock[SPLIT + kind] += 1
    at = work.clock[LOGGED]
    if at >= LOG:
        return
    work.clock[LOGGED] += 1
    log = work.log
    log[at, 0], log[at, 1] = float(kind), float(work.clock[POSITION])
    log[at, 2], log[at, 3] = statistic, bound
    for place in range(NAMED):
        best: Whole = np.int64(-1)
        for l in range(n_labels):
            count = nodes.counts[i, l + 1] + nodes.given[i, l + 1]
            fresh = count > 0.0
            for q in range(place):
                fresh &= log[at, 4 + q] != float(l)
            if fresh and (best < 0 or count > nodes.counts[i, best + 1] + nodes.given[i, best + 1]):
                best = l
        log[at, 4 + place] = float(best)


# -- nodes ----------------------------------------------------------------------------------


@kernel
def clear_detector(detectors: AdwinState, k: Whole) -> None:
    """Empty detector ``k``."""
    detectors.totals[k] = 0.0
    detectors.variances[k] = 0.0
    detectors.used[k] = 0
    detectors.levels[k] = 1
    detectors.sums[k] = 0.0


@kernel
def new_leaf(
    nodes: Nodes,
    blocks: Blocks,
    work: Work,
    window: Window | None,
    ensemble: Ensemble | None,
    parent: Whole,
    depth: Whole,
    back: Whole,
) -> Whole:
    """A leaf with a block; -1 where the arrays have no room."""
    for i in range(len(nodes.link)):
        if nodes.link[i, ROLE] == FREE:
            b = take_block(blocks, work, window, ensemble, i)
            if b < 0:
                return np.int64(-1)
            for c in range(nodes.num.shape[1]):
                nodes.num[i, c] = 0.0
            for c in range(nodes.counts.shape[1]):
                nodes.counts[i, c] = 0.0
                nodes.given[i, c] = 0.0
            link = nodes.link[i]
            link[PARENT], link[LEFT], link[RIGHT], link[ALTERNATE] = parent, -1, -1, -1
            link[BLOCK], link[FEATURE], link[DEPTH] = b, -1, depth
            link[ROLE], link[BACK] = LEAF, back
            work.clock[NODES] += 1
            return np.int64(i)
    return np.int64(-1)


@kernel
def drop_subtree(nodes: Nodes, blocks: Blocks, work: Work, root: Whole) -> None:
    """Free a node, all below it and their alternates."""
    stack = work.stack
    stack[0] = root
    top = np.int64(1)
    while top > 0:
        top -= 1
        i = np.int64(stack[top])
        link = nodes.link[i]
        for column in (LEFT, RIGHT, ALTERNATE):
            if link[column] >= 0:
                stack[top] = link[column]
                top += 1
            link[column] = -1
        give_back(nodes, blocks, work, i)
        link[ROLE] = FREE
        work.clock[NODES] -= 1


@kernel
def put_in_place(tree: Tree, i: Whole) -> None:
    """The alternate of node ``i`` takes its place."""
    nodes, work = tree.nodes, tree.work
    alternate, parent = np.int64(nodes.link[i, ALTERNATE]), np.int64(nodes.link[i, PARENT])
    nodes.link[i, ALTERNATE] = -1
    nodes.link[alternate, PARENT] = parent
    if parent < 0:
        work.clock[ROOT] = alternate
    elif nodes.link[parent, LEFT] == i:
        nodes.link[parent, LEFT] = alternate
    else:
        nodes.link[parent, RIGHT] = alternate
    drop_subtree(nodes, tree.blocks, work, i)
    stack = work.stack
    stack[0] = alternate
    top = np.int64(1)
    while top > 0:
        top -= 1
        j = np.int64(stack[top])
        nodes.link[j, BACK] = 0
        clear_detector(tree.detectors, j)
        if nodes.link[j, ROLE] == INNER:
            stack[top], stack[top + 1] = nodes.link[j, LEFT], nodes.link[j, RIGHT]
            top += 2


# -- splits ---------------------------------------------------------------------------------


@kernel
def _pass_on(
    window: Window,
    b: Whole,
    left: Whole,
    right: Whole,
    f: Whole,
    test: Whole,
    bound: Real,
    absent_is_zero: bool,
    heavier: Whole,
) -> None:
    """Hand the events of a window on to the children, from old to new."""
    held, start = window.pos[b, 1], window.pos[b, 0]
    for t in range(held):
        s = (start + t) % held
        v = float(window_value(window, b, s, f))
        to = heavier
        if absent_is_zero or v == v:
            v = v if v == v else 0.0
            goes = v != 0.0 if test == THERE else v > bound
            to = right if goes else left
        window_pass_on(window, b, s, to)


@kernel
def _give_counts(nodes: Nodes, work: Work, i: Whole, side: Whole, m: Whole) -> None:
    counts = work.right if side == 1 else work.left
    for a in range(m):
        nodes.given[i, work.active[a]] = counts[a]


@kernel
def split_leaf(
    plan: TreePlan,
    tree: Tree,
    window: Window | None,
    ensemble: Ensemble | None,
    i: Whole,
    m: Whole,
    n_labels: Whole,
    absent_is_zero: bool,
    statistic: Real,
    bound: Real,
) -> bool:
    """Split leaf ``i`` as ``found`` says, its active columns being ``m``; false: later again."""
    nodes, blocks, work = tree.nodes, tree.blocks, tree.work
    leaves = plan.leaves if nodes.link[i, BACK] or not plan.alternates else plan.leaves * 3 // 4
    promise = promise_of(nodes, i)
    if not make_room(nodes, blocks, work, max(leaves, 2), promise, i):
        work.clock[REFUSED] += 1
        return True
    free_nodes = len(nodes.link) - work.clock[NODES]
    if free_nodes < 2 or len(blocks.owner) - work.clock[BLOCKS] < 2:
        return False
    b, slot = np.int64(nodes.link[i, BLOCK]), np.int64(work.found[1])
    test, cut = np.int64(work.found[2]), work.found[3]
    f = np.int64(blocks.feature[b, slot])
    divide(blocks.stat[b, slot], nodes.counts[i], work.active, m, test, cut, absent_is_zero,
           work.left, work.right)  # fmt: skip
    depth, back = np.int64(nodes.link[i, DEPTH]) + 1, np.int64(nodes.link[i, BACK])
    for side in range(2):
        child = new_leaf(nodes, blocks, work, window, ensemble, i, depth, back)
        nodes.link[i, LEFT + side] = child
        _give_counts(nodes, work, child, side, m)
        nodes.num[child, LOSS] = nodes.num[i, LOSS]
        nodes.num[child, LOSSES] = nodes.num[i, LOSSES]
        if ensemble is not None:
            ensemble_copy(ensemble, b, nodes.link[child, BLOCK])
    left, right = np.int64(nodes.link[i, LEFT]), np.int64(nodes.link[i, RIGHT])
    if window is not None:
        heavier = right if work.right[0] > work.left[0] else left
        _pass_on(window, b, np.int64(nodes.link[left, BLOCK]),
                 np.int64(nodes.link[right, BLOCK]), f, test, cut, absent_is_zero,
                 np.int64(nodes.link[heavier, BLOCK]))  # fmt: skip
    give_back(nodes, blocks, work, i)
    nodes.link[i, ROLE], nodes.link[i, FEATURE], nodes.link[i, TEST] = INNER, f, test
    nodes.num[i, BOUND] = cut
    clear_detector(tree.detectors, i)
    log_change(nodes, work, i, np.int64(0), statistic, bound, n_labels)
    return True
