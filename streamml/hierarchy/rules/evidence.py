"""The evidence-aware rule: restructure where co-occurrence is surely not chance.

Two changes against the paper's rule. The similarity of two labels is their Jaccard
index less what independent labels of the same frequency would show, so that frequent
labels do not look related. And every comparison has the bound of its own sample:
u_ij, the events with either label, not the n events of the cluster.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from streamml.hierarchy.counts import LabelCounts
from streamml.hierarchy.rules.linkage import Merge, average_linkage
from streamml.hierarchy.tree import LabelTree, TreeNode
from streamml.types import Change, Float64Array, Int32Array

__all__ = ["EvidenceRule"]


@dataclass(slots=True)
class _Links:
    """Pairs whose excess similarity is surely above zero, and how often labels occur."""

    i: Int32Array
    j: Int32Array
    similarity: Float64Array
    labels: Float64Array


class EvidenceRule:
    """Split, merge and regroup clusters by average linkage on significant co-occurrence.

    - A cluster **splits** along its dendrogram where the mean similarity across a cut is
      below the mean within one side by more than the bound.
    - Two clusters **merge** when the similarity across them is sure and not below the
      one within either.
    - A subtree is **rebuilt** when one of its labels belongs surely more to another
      cluster of it than to its own. Only this subtree changes.

    Parameters
    ----------
    delta
        One minus the confidence of a single comparison, in (0, 1).
    fading
        Weight factor of older events, in (0, 1].
    """

    def __init__(self, delta: float = 1e-4, fading: float = 0.999) -> None:
        self.delta = delta
        self.fading = fading

    def check(self, tree: LabelTree, counts: LabelCounts, position: int) -> list[Change]:
        """Restructure ``tree`` where the counts ask for it."""
        links = self._links(counts)
        if len(links.i) == 0:
            return []
        changes = [
            change
            for node in self._contradicted(tree, links)
            if (change := self._regrow(tree, node, links, counts, position)) is not None
        ]
        for leaf in list(tree.leaves):
            if len(leaf.labels) < 2:  # nothing to part
                continue
            change = self._regrow(tree, leaf, links, counts, position)
            if change is not None:
                changes.append(change)
        return changes

    # -- evidence --------------------------------------------------------------------

    def _bound(self, sample: Float64Array | float) -> Float64Array:
        with np.errstate(divide="ignore"):
            return np.asarray(np.sqrt(math.log(1 / self.delta) / (2 * np.asarray(sample))))

    def _links(self, counts: LabelCounts) -> _Links:
        labels, pairs, n = counts.labels(), counts.pairs(), max(counts.total, 1.0)
        ni, nj = labels[pairs.i], labels[pairs.j]
        union = ni + nj - pairs.weight
        chance = ni * nj / n
        similarity = pairs.weight / union - chance / (ni + nj - chance)
        sure = similarity > self._bound(union)
        return _Links(pairs.i[sure], pairs.j[sure], similarity[sure], labels)

    # -- where the tree contradicts the evidence ----------------------------------------

    def _contradicted(self, tree: LabelTree, links: _Links) -> list[TreeNode]:
        """Topmost nodes whose clusters should exchange labels or be one."""
        leaves = tree.leaves
        pairs = self._moves(tree, links) | self._merges(tree, links)
        nodes = [tree.common_ancestor([leaves[a], leaves[b]]) for a, b in sorted(pairs)]
        unique = {node.id: node for node in nodes}
        return [
            node
            for node in unique.values()
            if not any(above.id in unique for above in node.path()[:-1])
        ]

    def _moves(self, tree: LabelTree, links: _Links) -> set[tuple[int, int]]:
        """(own, other) clusters of labels that surely belong more to the other."""
        n_leaves = len(tree.leaves)
        size = np.array([len(leaf.labels) for leaf in tree.leaves], np.float64)
        label = np.concatenate([links.i, links.j]).astype(np.int64)
        leaf = tree.leaf_of[np.concatenate([links.j, links.i])]
        keys, inverse = np.unique(label * n_leaves + leaf, return_inverse=True)
        total = np.bincount(inverse, np.tile(links.similarity, 2), len(keys))
        label, leaf = keys // n_leaves, keys % n_leaves
        own = tree.leaf_of[label] == leaf
        affinity = total / np.where(own, np.maximum(size[leaf] - 1, 1), size[leaf])
        at_home = np.zeros(tree.n_labels)
        at_home[label[own]] = affinity[own]
        gain = affinity - at_home[label]
        sure = ~own & (gain > self._bound(links.labels[label]))
        return {
            (int(tree.leaf_of[a]), int(b)) for a, b in zip(label[sure], leaf[sure], strict=True)
        }

    def _merges(self, tree: LabelTree, links: _Links) -> set[tuple[int, int]]:
        """Pairs of clusters that are no less similar to each other than within."""
        n_leaves = len(tree.leaves)
        size = np.array([len(leaf.labels) for leaf in tree.leaves], np.float64)
        a, b = tree.leaf_of[links.i], tree.leaf_of[links.j]
        low, high = np.minimum(a, b).astype(np.int64), np.maximum(a, b)
        keys, inverse = np.unique(low * n_leaves + high, return_inverse=True)
        total = np.bincount(inverse, links.similarity, len(keys))
        low, high = keys // n_leaves, keys % n_leaves
        same = low == high
        within = np.full(n_leaves, np.inf)  # a single label asks nothing of its kind
        within[low[same]] = total[same] / (size[low[same]] * (size[low[same]] - 1) / 2)
        occurrences = np.bincount(tree.leaf_of, links.labels, n_leaves)
        cross = total / (size[low] * size[high])
        bound = self._bound(np.minimum(occurrences[low], occurrences[high]))
        needed = np.minimum(within[low], within[high])
        needed = np.where(np.isinf(needed), 0.0, needed)
        sure = ~same & (cross > bound) & (cross >= needed)
        return {(int(p), int(q)) for p, q in zip(low[sure], high[sure], strict=True)}

    # -- new clusters for a part of the tree ----------------------------------------------

    def _regrow(
        self, tree: LabelTree, node: TreeNode, links: _Links, counts: LabelCounts, position: int
    ) -> Change | None:
        """Cluster the labels below ``node`` anew; ``None`` where nothing changes."""
        before = sorted(tuple(leaf.labels) for leaf in node.leaves())
        groups, statistic, bound = self._cluster(node.all_labels(), links, counts.modal_size())
        after = sorted(tuple(group) for group in groups)
        if before == after:
            return None
        tree.replace(node, after, position)
        return Change(_kind(before, after), "global", position, tuple(after), statistic, bound)

    def _cluster(
        self, labels: list[int], links: _Links, modal_size: int
    ) -> tuple[list[list[int]], float, float]:
        """Groups of the labels, with the closest comparison that parted two of them."""
        member = np.zeros(len(links.labels), np.bool_)
        member[labels] = True
        inside = member[links.i] & member[links.j]
        trees = average_linkage(links.i[inside], links.j[inside], links.similarity[inside])
        closest = [math.inf, math.nan]
        groups = [g for tree in trees for g in self._cut(tree, links.labels, modal_size, closest)]
        linked = {label for group in groups for label in group}
        rest = [label for label in labels if label not in linked]
        if rest:
            groups.append(rest)
        if math.isinf(closest[0]):  # parted only where nothing links them
            closest = [max((tree.within for tree in trees), default=0.0), 0.0]
        return groups, closest[0], closest[1]

    def _cut(
        self, tree: Merge, labels: Float64Array, modal_size: int, closest: list[float]
    ) -> list[list[int]]:
        if tree.parts is None:
            return [tree.labels]
        left, right = tree.parts
        gap = max(left.within, right.within) - tree.cross
        bound = float(self._bound(min(labels[left.labels].sum(), labels[right.labels].sum())))
        small = min(len(left.labels), len(right.labels)) < min(modal_size, 2)
        if gap <= bound or small:
            return [tree.labels]
        if gap < closest[0]:
            closest[:] = [gap, bound]
        return [
            group
            for part in (left, right)
            for group in self._cut(part, labels, modal_size, closest)
        ]


def _kind(before: Sequence[tuple[int, ...]], after: Sequence[tuple[int, ...]]) -> str:
    if _refines(after, before):
        return "split"
    return "merge" if _refines(before, after) else "rebuild"


def _refines(fine: Sequence[tuple[int, ...]], coarse: Sequence[tuple[int, ...]]) -> bool:
    home = {label: k for k, group in enumerate(coarse) for label in group}
    return all(len({home[label] for label in group}) == 1 for group in fine)
