"""The tree as a member of the mixture: leaves answer with the shares of their labels.

Splits come far sooner than MLHAT's: the mixture finds out by itself whether to listen.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from streamml.drift.adwin import AdwinState
from streamml.kernels.compile import F4, Whole, kernel, log32
from streamml.nodes.event import Event, Row, Truth
from streamml.nodes.prior import Prior
from streamml.nodes.tree.arrays import (
    LOGGED,
    Blocks,
    Nodes,
    Tree,
    TreePlan,
    Work,
    grow_tree,
    make_tree_plan,
    new_tree,
)
from streamml.nodes.tree.learn import learn_event
from streamml.nodes.tree.restore import restore_tree
from streamml.nodes.tree.room import lacks_room, set_budget
from streamml.nodes.tree.walk import visit_leaves
from streamml.types import Float32Array

__all__ = [
    "MEGABYTES",
    "TreeMember",
    "grow_tree_member",
    "new_tree_member",
    "restore_tree_member",
    "tree_full",
    "tree_learn",
    "tree_score",
]

_PRIOR = 2.0  # events that the labels' frequencies count as in a leaf


class TreeMember(NamedTuple):
    """A tree without classifiers in its leaves, and its parameters."""

    plan: TreePlan
    nodes: Nodes
    blocks: Blocks
    detectors: AdwinState
    work: Work


MEGABYTES = 50.0
"""What a tree may take."""

_PLAN = make_tree_plan(
    delta=0.05, tau=0.3, bootstrap=False, leaves=128, observers=256, megabytes=MEGABYTES
)


def new_tree_member(n_features: int, n_labels: int) -> TreeMember:
    """A single leaf that has seen nothing; nothing in it is random."""
    return TreeMember(_PLAN, *new_tree(_PLAN, n_features, n_labels))


def restore_tree_member(saved: Mapping[str, Any], n_features: int, n_labels: int) -> TreeMember:
    """A tree out of a snapshot, as large as the other members.

    Raises
    ------
    StateError
        It does not fit.
    """
    return TreeMember(_PLAN, *restore_tree(saved, _PLAN, n_features, n_labels))


def grow_tree_member(
    member: TreeMember, n_features: int, n_labels: int, full: bool = False
) -> TreeMember:
    """The same with room for more features and labels; ``full``: and for more leaves."""
    tree = grow_tree(Tree(*member[1:]), member.plan, n_features, n_labels, full)
    tree.work.clock[LOGGED] = 0
    return TreeMember(member.plan, *tree)


@kernel
def tree_full(st: TreeMember | None, row: Row, n_labels: Whole) -> bool:
    """Whether the arrays must grow before the next event is learned."""
    if st is None:
        return False
    set_budget(st.plan, st.work, None, None, len(row.x), row.d, n_labels)
    st.work.clock[LOGGED] = 0
    return lacks_room(st.nodes, st.blocks, st.work, st.plan.leaves)


@kernel
def tree_score(
    st: TreeMember | None, event: Event, prior: Prior, raw: Float32Array, place: int
) -> None:
    """Shares of the labels in the row's leaves, as logits, to row ``place`` of ``raw``."""
    if st is None:
        return
    tree = Tree(st.nodes, st.blocks, st.detectors, st.work)
    nodes, work, out, p, n_labels = st.nodes, st.work, raw[place], prior.p, event.n_labels
    visit_leaves(st.plan, tree, None, None, event.row, n_labels)
    i = np.int64(work.leaf[0])
    weight = nodes.counts[i, 0] + nodes.given[i, 0]
    share = F4(weight / (weight + _PRIOR))
    for l in range(n_labels):
        q = share * work.mixed[l] + (F4(1.0) - share) * p[l]
        q = min(max(q, F4(5e-4)), F4(0.9995))
        out[l] = log32(q / (F4(1.0) - q))


@kernel
def tree_learn(st: TreeMember | None, event: Event, truth: Truth) -> None:
    """Learn the row that was scored last."""
    if st is None:
        return
    tree = Tree(st.nodes, st.blocks, st.detectors, st.work)
    learn_event(st.plan, tree, None, None, event.row, truth, event.n_labels, event.n_labels)
