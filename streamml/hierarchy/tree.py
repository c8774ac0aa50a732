"""The label tree: every label stands in exactly one leaf, and a leaf is a cluster."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from streamml.errors import ContractError
from streamml.hierarchy.saved import grow_tree, tree_arrays
from streamml.types import Int32Array

__all__ = ["LabelTree", "TreeNode"]


@dataclass(slots=True)
class TreeNode:
    """A node; a leaf is a cluster and holds label columns in ascending order."""

    id: int
    parent: TreeNode | None
    labels: list[int]
    born: int = 0
    children: list[TreeNode] = field(default_factory=list)
    diameter: float = float("nan")
    """Diameter and bound when it was split (the paper's merge test compares with them)."""
    bound: float = float("nan")

    @property
    def is_leaf(self) -> bool:
        return not self.children

    def leaves(self) -> Iterator[TreeNode]:
        """Leaves below, left to right."""
        if self.is_leaf:
            yield self
        for child in self.children:
            yield from child.leaves()

    def all_labels(self) -> list[int]:
        """Labels of all leaves below, ascending."""
        return sorted(label for leaf in self.leaves() for label in leaf.labels)

    def path(self) -> list[TreeNode]:
        """Nodes from the root down to this one."""
        above = self.parent.path() if self.parent is not None else []
        return [*above, self]


class LabelTree:
    """A tree over label columns that starts as one cluster.

    ``leaf_of[label]`` is the position of the label's cluster in :attr:`leaves`; moving a
    label between clusters moves this index, not the label's state.

    Examples
    --------
    >>> tree = LabelTree()
    >>> tree.add_labels(4)
    >>> _ = tree.replace(tree.root, [[0, 1], [2, 3]], position=100)
    >>> [leaf.labels for leaf in tree.leaves], tree.leaf_of.tolist()
    ([[0, 1], [2, 3]], [0, 0, 1, 1])
    """

    def __init__(self) -> None:
        self.root = TreeNode(0, None, [])
        self._next_id = 1
        self.leaves: list[TreeNode] = [self.root]
        self.leaf_of: Int32Array = np.zeros(0, np.int32)

    @property
    def n_labels(self) -> int:
        return len(self.leaf_of)

    def add_labels(self, n_labels: int) -> None:
        """Place new columns below ``n_labels`` in the largest cluster."""
        new = range(self.n_labels, n_labels)
        if not new:
            return
        largest = max(range(len(self.leaves)), key=lambda k: (len(self.leaves[k].labels), -k))
        self.leaves[largest].labels.extend(new)
        self.leaf_of = np.concatenate([self.leaf_of, np.full(len(new), largest, np.int32)])

    def replace(
        self, node: TreeNode, groups: Sequence[Iterable[int]], position: int
    ) -> list[TreeNode]:
        """Make ``groups`` the clusters below ``node``; one group makes it a leaf again.

        Raises
        ------
        ContractError
            The groups are not a partition of the labels below the node.
        """
        parts = [sorted(group) for group in groups]
        if sorted(label for part in parts for label in part) != node.all_labels():
            raise ContractError("The groups must be a partition of the labels below the node.")
        node.children = []
        if len(parts) == 1:
            node.labels, node.born = parts[0], position
        else:
            node.labels = []
            for part in parts:
                node.children.append(TreeNode(self._next_id, node, part, position))
                self._next_id += 1
        self._index()
        return node.children or [node]

    def _index(self) -> None:
        self.leaves = list(self.root.leaves())
        for k, leaf in enumerate(self.leaves):
            self.leaf_of[leaf.labels] = k

    def common_ancestor(self, nodes: Sequence[TreeNode]) -> TreeNode:
        """The deepest node above (or at) all the given ones."""
        best = self.root
        for level in zip(*(node.path() for node in nodes), strict=False):
            if all(node is level[0] for node in level):
                best = level[0]
        return best

    def groups(self) -> tuple[tuple[int, ...], ...]:
        """Label columns of every cluster, left to right."""
        return tuple(tuple(leaf.labels) for leaf in self.leaves)

    def snapshot(self) -> dict[str, Any]:
        """The tree as arrays."""
        return tree_arrays(self)

    def restore(self, snapshot: Mapping[str, Any]) -> None:
        """Go to a state that :meth:`snapshot` gave.

        Examples
        --------
        >>> tree, again = LabelTree(), LabelTree()
        >>> tree.add_labels(3)
        >>> _ = tree.replace(tree.root, [[0, 2], [1]], position=100)
        >>> again.restore(tree.snapshot())
        >>> again.groups()
        ((0, 2), (1,))
        """
        grow_tree(snapshot, self, TreeNode)
