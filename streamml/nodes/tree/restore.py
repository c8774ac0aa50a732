"""A tree out of a snapshot: shapes first, then whatever its kernels take as a place."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from streamml.drift.adwin import check_adwin
from streamml.nodes.arrays import Spec, shape_of
from streamml.nodes.tree.arrays import (
    ALLOWED,
    ALTERNATE,
    BLOCK,
    BLOCKS,
    DEPTH,
    FEATURE,
    FREE,
    INNER,
    KNOWN,
    LEAF,
    LEFT,
    LOGGED,
    NODES,
    PASSED,
    RIGHT,
    ROLE,
    ROOT,
    SETS,
    TEST,
    VISITED,
    Tree,
    TreePlan,
    empty_tree,
)
from streamml.nodes.tree.window import Window
from streamml.state.capture import check, check_range, part_of, restore_value

__all__ = ["check_shapes", "check_window", "restore_tree"]


def restore_tree(saved: Mapping[str, Any], plan: TreePlan, n_features: int, n_labels: int) -> Tree:
    """A tree with room for so many features and labels.

    Raises
    ------
    StateError
        It does not fit.
    """
    where = "the tree"
    link = part_of(part_of(saved, "nodes", dict, where), "link", np.ndarray, where)
    owner = part_of(part_of(saved, "blocks", dict, where), "owner", np.ndarray, where)
    check(link.ndim == 2 and owner.ndim == 1, where, "has no nodes")
    check(len(owner) >= 1 and len(link) >= 1, where, "has no nodes")
    like = empty_tree(plan, len(link), len(owner), n_features, n_labels)
    parts = {
        name: restore_value(saved.get(name), getattr(like, name), f"{where}.{name}")
        for name in ("nodes", "blocks", "detectors")
    }
    for name, part in parts.items():
        for field in part._fields:
            fits = getattr(part, field).shape == getattr(getattr(like, name), field).shape
            check(fits, f"{where}.{name}.{field}", "has another shape")
    work = part_of(saved, "work", dict, where)
    clock = restore_value(work.get("clock"), like.work.clock, f"{where}.clock")
    check(len(clock) == len(like.work.clock), f"{where}.clock", "has another shape")
    like.work.clock[:] = clock
    like.work.clock[[VISITED, PASSED, LOGGED]] = 0
    found = Tree(work=like.work, **parts)
    _check(found, plan, n_features, n_labels)
    return found


def _check(tree: Tree, plan: TreePlan, n_features: int, n_labels: int) -> None:
    link, blocks, clock = tree.nodes.link, tree.blocks, tree.work.clock
    check_range(clock, 0, 2**60, "the tree's clock")
    check(clock[KNOWN] <= n_labels, "the tree's clock", "has labels without room")
    check(clock[ALLOWED] <= max(plan.leaves, 2), "the tree's clock", "allows too much")
    used = link[:, ROLE] != FREE
    check_range(link[:, ROLE], FREE, INNER + 1, "the role of a node")
    check(used.sum() == clock[NODES], "the tree", "counts other nodes")
    check_range(link[used, BLOCK], -1, len(blocks.owner), "the block of a node")
    inner = link[:, ROLE] == INNER
    check_range(link[inner, FEATURE], 0, n_features, "the feature of a node")
    check_range(link[inner, TEST], 0, 2, "the test of a node")
    check(_walk(link, int(clock[ROOT]), plan.depth) == used.sum(), "the tree", "is no tree")
    check(bool((link[~(link[:, ROLE] == LEAF), BLOCK] < 0).all()), "a node", "has a block")
    held = np.flatnonzero(link[:, BLOCK] >= 0)
    owned = np.full(len(blocks.owner), -1, np.int32)
    owned[link[held, BLOCK]] = held
    check(bool((owned == blocks.owner).all()), "a block", "has another owner")
    check((owned >= 0).sum() == clock[BLOCKS] == len(held), "the tree", "counts other blocks")
    check_range(blocks.feature, -1, n_features, "an observed feature")
    check_range(blocks.kinds, 0, SETS * 3 // 4 + 1, "the label sets of a leaf")
    fits = (blocks.sets != 0).sum(axis=1) == blocks.kinds
    check(bool(fits.all()), "the label sets of a leaf", "are miscounted")
    check_adwin(tree.detectors, "the tree's detectors")


def _walk(link: NDArray[np.int32], root: int, depth: int) -> int:
    """How many nodes there are from the root on; every one must be reached once."""
    where = "the tree"
    seen: set[int] = set()
    todo = [(root, -1, 0)]
    while todo:
        i, parent, level = todo.pop()
        check(0 <= i < len(link) and i not in seen, where, "is no tree")
        check(link[i, ROLE] != FREE, where, "has a free node")
        alternate = parent < 0 and len(seen) > 0
        check(level == link[i, DEPTH] and level <= depth, where, "has another depth")
        check(alternate or link[i, 0] == parent, where, "has another parent")
        seen.add(i)
        if link[i, ROLE] == INNER:
            todo += [(int(link[i, LEFT]), i, level + 1), (int(link[i, RIGHT]), i, level + 1)]
        if link[i, ALTERNATE] >= 0:
            check(link[i, ROLE] == INNER, where, "has a leaf with an alternate")
            todo.append((int(link[i, ALTERNATE]), -1, level))
    return len(seen)


def check_shapes(found: Any, spec: Spec, sizes: Mapping[str, int]) -> None:
    """Refuse arrays of other shapes than their axes say."""
    for name, (_, _, axes) in spec.items():
        fits = getattr(found, name).shape == shape_of(axes, sizes)
        check(fits, f"{name} of the leaves", "has another shape")


def check_window(window: Window, n_features: int) -> None:
    """Refuse windows out of a snapshot that name slots or columns that are not there."""
    slots, width = window.size.shape[1], window.values.shape[2]
    at, held = window.pos[:, 0], window.pos[:, 1]
    check_range(at, 0, slots, "the window of a leaf")
    check_range(held, 0, slots + 1, "the window of a leaf")
    check(bool(((at == held) | (held == slots)).all()), "the window of a leaf", "has a gap")
    check_range(window.size[:, :, 0], 0, width + 1, "the rows of a leaf")
    check_range(window.columns, 0, n_features, "the rows of a leaf")
