"""Label counts and the label tree as plain arrays, and back; all of it is checked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from streamml.state.capture import check, check_range, part_of, restore_value
from streamml.types import Float64Array

__all__ = ["count_arrays", "grow_tree", "tree_arrays"]

_DEEPEST = 800  # a walk down the tree is recursive


def count_arrays(saved: Mapping[str, Any], n_labels: int) -> dict[str, Any]:
    """Label and pair counts out of a snapshot: finite, and of labels that are known."""
    where = "the label counts"
    floats, whole = np.zeros(0), np.zeros(0, np.int64)
    found: dict[str, Any] = {
        name: restore_value(saved.get(name), floats, where) for name in ("label", "sizes", "value")
    }
    found["key"] = restore_value(saved.get("key"), whole, where)
    for name in ("increment", "total"):
        found[name] = part_of(saved, name, float, where)
    for name in ("work", "shed"):
        found[name] = part_of(saved, name, int, where)
    check(
        0.0 < found["increment"] < 1e300 and 0.0 <= found["total"] < 1e300, where, "are not finite"
    )
    for name in ("label", "sizes", "value"):
        _check_counts(found[name], where)
    check(
        len(found["label"]) == n_labels and len(found["sizes"]) >= 2, where, "are of other labels"
    )
    key = found["key"]
    check(len(key) == len(found["value"]), where, "have other pairs")
    check(bool((np.diff(key) > 0).all() and (key >= 0).all()), where, "have unordered pairs")
    i, j = key >> 32, key & 0xFFFFFFFF
    check(bool((i < j).all()), where, "have a pair of a label with itself")
    check_range(j, 0, n_labels, where)
    return found


def _check_counts(counts: Float64Array, where: str) -> None:
    check(bool((counts >= 0).all() and (counts < 1e300).all()), where, "are not finite")


def tree_arrays(tree: Any) -> dict[str, Any]:
    """A label tree as arrays, parents before children, and the cluster of every label."""
    nodes, stack = [], [tree.root]
    while stack:
        node = stack.pop()
        nodes.append(node)
        stack.extend(reversed(node.children))
    place = {node.id: k for k, node in enumerate(nodes)}
    parents = [-1 if node.parent is None else place[node.parent.id] for node in nodes]
    return {
        "ids": np.array([node.id for node in nodes], np.int64),
        "parents": np.array(parents, np.int64),
        "born": np.array([node.born for node in nodes], np.int64),
        "diameters": np.array([[node.diameter, node.bound] for node in nodes]),
        "leaf_of": tree.leaf_of.copy(),
        "next_id": tree._next_id,
    }


def grow_tree(saved: Mapping[str, Any], tree: Any, node_kind: Any) -> None:
    """Put a saved tree into an empty one."""
    where, whole = "the label tree", np.zeros(0, np.int64)
    ids, parents, born = (
        restore_value(saved.get(name), whole, where) for name in ("ids", "parents", "born")
    )
    diameters = restore_value(saved.get("diameters"), np.zeros((0, 2)), where)
    leaf_of = restore_value(saved.get("leaf_of"), tree.leaf_of, where)
    next_id = part_of(saved, "next_id", int, where)
    _check_shape(ids, parents, born, next_id, where)
    check(diameters.shape == (len(ids), 2), where, "has other diameters")
    nodes: list[Any] = []
    for k, parent in enumerate(parents.tolist()):
        above = nodes[parent] if parent >= 0 else None
        node = node_kind(int(ids[k]), above, [], int(born[k]))
        node.diameter, node.bound = diameters[k].tolist()
        nodes.append(node)
        if above is not None:
            above.children.append(node)
    check(
        min((len(n.children) for n in nodes if n.children), default=2) >= 2, where, "has one child"
    )
    leaves = list(nodes[0].leaves())
    check_range(leaf_of, 0, len(leaves), "the cluster of a label")
    for label, leaf in enumerate(leaf_of.tolist()):
        leaves[leaf].labels.append(label)
    check(len(leaves) == 1 or all(leaf.labels for leaf in leaves), where, "has an empty cluster")
    tree.root, tree.leaves, tree.leaf_of, tree._next_id = nodes[0], leaves, leaf_of, next_id


def _check_shape(ids: Any, parents: Any, born: Any, next_id: int, where: str) -> None:
    """One root, parents before children in the order of a walk, not too deep, no id twice."""
    n = len(ids)
    check(n >= 1 and len(parents) == len(born) == n, where, "has no nodes")
    check(parents[0] == -1 and bool((parents[1:] >= 0).all()), where, "has no single root")
    check(bool((parents < np.arange(n)).all()), where, "has a node above its parent")
    depth = np.zeros(n, np.int64)
    for k in range(1, n):
        depth[k] = depth[parents[k]] + 1
    check(depth.max() < _DEEPEST, where, "is too deep")
    check(len(np.unique(ids)) == n and ids.min() >= 0, where, "has a node twice")
    check(int(ids.max()) < next_id < 2**62, where, "has a node of the future")
    check(bool((born >= 0).all() and (born < 2**62).all()), where, "has a node of no time")
