"""State of a multi-label Hoeffding adaptive tree, as arrays that grow when asked to.

A node is a row of ``Nodes``; a leaf that may still split holds a block: observers of its
features, the label sets it saw and, where the plan has them, its classifiers. Blocks are what
memory goes into, so they are what the budget counts. Counts of labels stand at column
label + 1, column 0 counts events.

A. Esteban, A. Cano, A. Zafra, S. Ventura: Hoeffding adaptive trees for multi-label
classification on data streams (MLHAT), arXiv 2410.20242; A. Bifet, R. Gavaldà: Adaptive
learning from evolving data streams, IDA 2009.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from streamml.drift.adwin import AdwinState, new_adwin_state
from streamml.errors import ConfigError
from streamml.kernels.compile import F4
from streamml.nodes.arrays import Spec, allocate, grow
from streamml.types import (
    Float32Array,
    Float64Array,
    Int32Array,
    Int64Array,
)

__all__ = [
    "VISITS",
    "Blocks",
    "Nodes",
    "Tree",
    "TreePlan",
    "Work",
    "empty_tree",
    "grow_tree",
    "make_tree_plan",
    "new_tree",
]

PARENT, LEFT, RIGHT, ALTERNATE, BLOCK, FEATURE, TEST, DEPTH, ROLE, BACK = range(10)
"""Columns of ``Nodes.link``; -1: none. ``BACK``: part of an alternate."""
FREE, LEAF, INNER = range(3)
"""``ROLE`` of a node."""
OVER, THERE = range(2)
"""``TEST``: right where the value lies over the bound, or where it is not 0."""
SEEN, TRIED, ENTROPY, ASKED, LOSS, LOSSES, NEAR_LOSS, LINE_LOSS = range(8)
BOUND, AGE, TRIALS, TRIAL_LOSS, ALTERNATE_LOSS = range(8, 13)
"""Columns of ``Nodes.num``: weight since it became a leaf, at the last attempt to split;
entropy in bits, weight when it was found; fading Hamming loss, events in it, fading set losses
of neighbours and of regressions; threshold; age of
the alternate, events both were compared on, sums of their losses."""
ROOT, POSITION, KNOWN, NODES, BLOCKS, VISITED, PASSED, WIDE, ALLOWED, LOGGED = range(10)
"""Places in ``Work.clock``: root, events learned, labels known, nodes and blocks in use, leaves
and inner nodes of the event, longest row, blocks allowed, changes in the log."""
SPLIT, GROWN, SWAPPED, PRUNED, DEACTIVATED, REFUSED = range(10, 16)
"""More of them: how often it happened."""
SHARES, LINES, NEAR, BOTH_NEAR, BOTH_LINES = range(5)
"""``Work.asked``: whom a leaf asked, and whose answer it gave."""
VISITS = 9
"""Leaves an event is scored by: one, and those of up to 8 alternates."""
WAYS = 8
"""Places where the observer of a feature may lie in its leaf."""
SETS = 1024
"""Room for the label sets of a leaf; of more than 3/4 of it, no more are told apart."""
LOG = 64
NAMED = 8
"""Rows of the log of changes, and labels named in one."""
_FIRST_NODES, _FIRST_BLOCKS = 8, 3


class TreePlan(NamedTuple):
    """Parameters of a tree; see :class:`streamml.baselines.MLHAT`."""

    seed: int
    grace: float
    delta: float
    tau: float
    bootstrap: bool
    alternates: bool
    drift_delta: float
    drift_window: float
    significance: float
    depth: int
    leaves: int
    observers: int
    room: float  # bytes that blocks may take
    heavy: float  # leaves of less weight ask neighbours
    mixed: float  # leaves of less entropy ask neighbours
    neighbours: int
    rate: float
    adaptive: bool


class Nodes(NamedTuple):
    """One row a node."""

    link: Int32Array
    num: Float64Array
    counts: Float64Array  # [node, label + 1] weights since it became a leaf
    given: Float64Array  # [node, label + 1] weights estimated from its parent


class Blocks(NamedTuple):
    """What a leaf needs to split."""

    owner: Int32Array  # [block] its leaf, or -1
    feature: Int32Array  # [block, slot] observed feature, or -1
    credit: Float32Array  # [block, slot] weight seen, less what was asked for in vain
    span: Float32Array  # [block, slot, 2] least and largest value that is not 0
    stat: Float32Array  # [block, slot, label + 1, 4] of values that are not 0: weight, mean,
    #                     sum of squares about it; then the weight of zeros or, where what is
    #                     absent is zero, the leaf's count when the observer began
    sets: Int64Array  # [block, SETS] hashes of the label sets seen
    kinds: Int64Array  # [block] how many


class Work(NamedTuple):
    """The event at hand and scratch; ``clock`` and ``log`` are state."""

    clock: Int64Array
    log: Float64Array  # [LOG, 4 + NAMED] kind, position, statistic, bound, labels or -1
    row: Float32Array  # [feature] values of the event, 0 between events
    here: Float32Array  # [feature] 1 where it has a value, 0 between events
    path: Int32Array  # [depth + 2] inner nodes from the root
    leaf: Int32Array  # [VISITS] leaves that score it, the tree's own first
    under: Int32Array  # [VISITS] the node whose alternate the leaf is of
    p: Float32Array  # [VISITS, label]
    other: Float32Array  # [VISITS, label] what the classifier said that was not listened to
    asked: Int32Array  # [VISITS]
    mixed: Float32Array  # [label]
    loss: Float64Array  # [VISITS]
    stack: Int32Array  # [node]
    active: Int32Array  # [label + 1] columns with a count
    left: Float64Array  # [label + 1]
    right: Float64Array  # [label + 1]
    gains: Float32Array  # [slot]
    found: Float64Array  # best gain, slot, test, bound; second gain
    best: Float64Array  # the same of one feature: gain, test, bound


class Tree(NamedTuple):
    """Everything a tree is, apart from the classifiers of its leaves."""

    nodes: Nodes
    blocks: Blocks
    detectors: AdwinState  # [node]
    work: Work


_NODES: Spec = {
    "link": (np.int32, -1, ("n", 10)),
    "num": (np.float64, 0, ("n", 13)),
    "counts": (np.float64, 0, ("n", "l1")),
    "given": (np.float64, 0, ("n", "l1")),
}
_BLOCKS: Spec = {
    "owner": (np.int32, -1, ("b",)),
    "feature": (np.int32, -1, ("b", "o")),
    "credit": (F4, 0, ("b", "o")),
    "span": (F4, 0, ("b", "o", 2)),
    "stat": (F4, 0, ("b", "o", "l1", 4)),
    "sets": (np.int64, 0, ("b", SETS)),
    "kinds": (np.int64, 0, ("b",)),
}
_WORK: Spec = {
    "clock": (np.int64, 0, (16,)),
    "log": (np.float64, -1, (LOG, 4 + NAMED)),
    "row": (F4, 0, ("d",)),
    "here": (F4, 0, ("d",)),
    "path": (np.int32, 0, ("depth",)),
    "leaf": (np.int32, 0, (VISITS,)),
    "under": (np.int32, 0, (VISITS,)),
    "p": (F4, 0, (VISITS, "l")),
    "other": (F4, 0, (VISITS, "l")),
    "asked": (np.int32, 0, (VISITS,)),
    "mixed": (F4, 0, ("l",)),
    "loss": (np.float64, 0, (VISITS,)),
    "stack": (np.int32, 0, ("n",)),
    "active": (np.int32, 0, ("l1",)),
    "left": (np.float64, 0, ("l1",)),
    "right": (np.float64, 0, ("l1",)),
    "gains": (F4, 0, ("o",)),
    "found": (np.float64, 0, (5,)),
    "best": (np.float64, 0, (3,)),
}


def tree_sizes(plan: TreePlan, n: int, b: int, d: int, l: int) -> dict[str, int]:
    """Axes of a tree with room for nodes, blocks, features and labels."""
    return {
        "n": n,
        "b": b,
        "d": d,
        "l": l,
        "l1": l + 1,
        "o": min(d, plan.observers),
        "depth": plan.depth + 2,
    }


def empty_tree(plan: TreePlan, n: int, b: int, d: int, l: int) -> Tree:
    """Arrays for nodes, blocks, features and labels, without a root."""
    sizes = tree_sizes(plan, n, b, d, l)
    nodes, blocks = allocate(Nodes, _NODES, sizes), allocate(Blocks, _BLOCKS, sizes)
    nodes.link[:, [ROLE, BACK]] = FREE, 0
    return Tree(nodes, blocks, new_adwin_state(n), allocate(Work, _WORK, sizes))


def new_tree(plan: TreePlan, n_features: int, n_labels: int) -> Tree:
    """A single leaf that has seen nothing."""
    tree = empty_tree(plan, _FIRST_NODES, _FIRST_BLOCKS, n_features, n_labels)
    tree.nodes.link[0, [BLOCK, DEPTH, ROLE]] = 0, 0, LEAF
    tree.blocks.owner[0] = 0
    tree.work.clock[[NODES, BLOCKS]] = 1
    return tree


def grow_tree(
    tree: Tree, plan: TreePlan, n_features: int, n_labels: int, full: bool = False
) -> Tree:
    """The same tree with room for more features and labels; ``full``: and for more leaves."""
    n, b = len(tree.nodes.link), len(tree.blocks.owner)
    if full:
        n, b = min(2 * n, 2 * plan.leaves + 8), min(2 * b, int(tree.work.clock[ALLOWED]) + 1)
    sizes = tree_sizes(plan, n, b, n_features, n_labels)
    nodes = grow(tree.nodes, _NODES, sizes)
    nodes.link[len(tree.nodes.link) :, ROLE] = FREE
    detectors = tree.detectors
    if len(detectors.levels) < n:
        detectors = new_adwin_state(n)
        for new, old in zip(detectors, tree.detectors, strict=True):
            new[: len(old)] = old
    blocks = grow(tree.blocks, _BLOCKS, sizes)
    return Tree(nodes, blocks, detectors, grow(tree.work, _WORK, sizes))


def make_tree_plan(
    *,
    seed: int = 1,
    grace: int = 200,
    delta: float = 1e-5,
    tau: float = 0.05,
    bootstrap: bool = True,
    alternates: bool = True,
    drift_delta: float = 0.002,
    drift_window: int = 200,
    significance: float = 0.05,
    depth: int = 32,
    leaves: int = 256,
    observers: int = 512,
    megabytes: float = 100.0,
    heavy: float = 750.0,
    mixed: float = 0.3,
    neighbours: int = 4,
    rate: float = 0.3,
    adaptive: bool = True,
) -> TreePlan:
    """Parameters of a tree, checked.

    Raises
    ------
    ConfigError
        A number is out of range.
    """
    whole = {"grace": grace, "depth": depth, "leaves": leaves, "neighbours": neighbours,
             "drift_window": drift_window}  # fmt: skip
    for name, value in whole.items():
        if value < 1:
            raise ConfigError(f"{name} must be at least 1, not {value}.")
    shares = {"delta": delta, "drift_delta": drift_delta, "significance": significance}
    for name, share in shares.items():
        if not 0.0 < share < 1.0:
            raise ConfigError(f"{name} must lie between 0 and 1, not {share}.")
    if observers < WAYS or observers % WAYS:
        raise ConfigError(f"observers must be a multiple of {WAYS} above 0, not {observers}.")
    if depth > 64:
        raise ConfigError(f"depth must be at most 64, not {depth}.")
    return TreePlan(
        seed,
        float(grace),
        delta,
        float(tau),
        bootstrap,
        alternates,
        drift_delta,
        float(drift_window),
        significance,
        depth,
        leaves,
        observers,
        megabytes * 1e6,
        float(heavy),
        float(mixed),
        neighbours,
        float(rate),
        adaptive,
    )
