"""Room for leaves: blocks change hands, and the budget says how many there may be."""

from __future__ import annotations

import numpy as np

from streamml.kernels.compile import Real, Whole, kernel
from streamml.nodes.tree.arrays import (
    ALLOWED,
    BLOCK,
    BLOCKS,
    DEACTIVATED,
    LEAF,
    LOG,
    LOGGED,
    LOSS,
    NODES,
    ROLE,
    SEEN,
    SETS,
    WIDE,
    Blocks,
    Nodes,
    TreePlan,
    Work,
)
from streamml.nodes.tree.ensemble import COLUMNS, MEMBERS, Ensemble, ensemble_clear
from streamml.nodes.tree.observe import clear_observers
from streamml.nodes.tree.window import WIDEST, Window

__all__ = ["give_back", "lacks_room", "make_room", "promise_of", "set_budget", "take_block"]

FULL_LOG = LOG // 2
"""Changes in the log from which on the loop stops, so that one event never overflows it."""


@kernel
def set_budget(
    plan: TreePlan,
    work: Work,
    window: Window | None,
    ensemble: Ensemble | None,
    n: Whole,
    d: Whole,
    n_labels: Whole,
) -> None:
    """How many blocks there is room for, now that a row of ``n`` values has come."""
    work.clock[WIDE] = max(work.clock[WIDE], min(n, WIDEST))
    observers = min(d, plan.observers)
    size = observers * (n_labels + 1) * 16 + observers * 16 + SETS * 8
    if window is not None:
        size += window.size.shape[1] * (work.clock[WIDE] * 8 + (n_labels >> 6) * 8 + 16)
    if ensemble is not None:
        size += (min(d, COLUMNS) + 1) * n_labels * MEMBERS * 4
    work.clock[ALLOWED] = max(min(int(plan.room / size), plan.leaves), 2)


@kernel
def take_block(
    blocks: Blocks, work: Work, window: Window | None, ensemble: Ensemble | None, i: Whole
) -> Whole:
    """A cleared block for leaf ``i``; -1 where there is none."""
    for b in range(len(blocks.owner)):
        if blocks.owner[b] < 0:
            blocks.owner[b] = i
            blocks.kinds[b] = 0
            for s in range(SETS):
                blocks.sets[b, s] = 0
            clear_observers(blocks, b)
            if window is not None:
                window.pos[b, 0] = 0
                window.pos[b, 1] = 0
            if ensemble is not None:
                ensemble_clear(ensemble, b)
            work.clock[BLOCKS] += 1
            return np.int64(b)
    return np.int64(-1)


@kernel
def give_back(nodes: Nodes, blocks: Blocks, work: Work, i: Whole) -> None:
    """Leaf ``i`` gives up its block."""
    b = nodes.link[i, BLOCK]
    if b >= 0:
        blocks.owner[b] = -1
        nodes.link[i, BLOCK] = -1
        work.clock[BLOCKS] -= 1


@kernel
def promise_of(nodes: Nodes, i: Whole) -> Real:
    """Labels a leaf got wrong: what splitting it could save."""
    found: Real = nodes.num[i, SEEN] * nodes.num[i, LOSS]
    return found


@kernel
def make_room(
    nodes: Nodes,
    blocks: Blocks,
    work: Work,
    leaves: Whole,
    promise: Real,
    but: Whole,
) -> bool:
    """Whether there may be one leaf more, of ``leaves`` at most.

    Takes the block of the leaf that promises least, if it promises less than the new one;
    never that of leaf ``but``.
    """
    if work.clock[NODES] + 2 > 2 * leaves - 1:
        return False
    while work.clock[BLOCKS] + 1 > work.clock[ALLOWED]:
        least = np.int64(-1)
        for j in range(len(nodes.link)):
            if nodes.link[j, ROLE] == LEAF and nodes.link[j, BLOCK] >= 0 and j != but:
                if least < 0 or promise_of(nodes, j) < promise_of(nodes, least):
                    least = np.int64(j)
        if least < 0 or promise_of(nodes, least) >= promise:
            return False
        give_back(nodes, blocks, work, least)
        work.clock[DEACTIVATED] += 1
    return True


@kernel
def lacks_room(nodes: Nodes, blocks: Blocks, work: Work, leaves: Whole) -> bool:
    """Whether the next event could want more nodes or blocks than the arrays hold."""
    few_nodes = len(nodes.link) < 2 * leaves + 8 and len(nodes.link) - work.clock[NODES] < 4
    few_blocks = (
        len(blocks.owner) <= work.clock[ALLOWED] and len(blocks.owner) - work.clock[BLOCKS] < 2
    )
    return bool(few_nodes or few_blocks or work.clock[LOGGED] >= FULL_LOG)
