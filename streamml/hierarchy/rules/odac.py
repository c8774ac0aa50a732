"""The paper's rule: ODAC on Jaccard dissimilarity, split and merge by Hoeffding bounds.

Rodrigues, Gama and Pedroso, "Hierarchical clustering of time-series data streams",
IEEE TKDE 20(5), 2008, with d_ij = 1 - n_ij / u_ij as iHOMER (arXiv 2507.20894) uses it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from streamml.hierarchy.counts import LabelCounts, Pairs
from streamml.hierarchy.tree import LabelTree, TreeNode
from streamml.types import Change, Float64Array

__all__ = ["OdacRule"]


@dataclass(slots=True)
class _Distances:
    """What ODAC asks of one cluster's dissimilarities."""

    d0: float
    d1: float
    d2: float
    mean: float
    pivots: tuple[int, int]


class OdacRule:
    """Split a cluster when its diameter stands out, merge siblings when a split did not pay.

    Counts run since a cluster became a leaf; n is the number of events since then.

    Parameters
    ----------
    delta
        One minus the confidence of the Hoeffding bound, in (0, 1).
    tau
        A bound below it counts as a tie, and the cluster may split.
    """

    fading = 1.0

    def __init__(self, delta: float = 0.05, tau: float = 0.05) -> None:
        self.delta = delta
        self.tau = tau

    def check(self, tree: LabelTree, counts: LabelCounts, position: int) -> list[Change]:
        """Restructure ``tree`` where the counts ask for it; one step a cluster."""
        return self._merges(tree, counts, position) or self._splits(tree, counts, position)

    # -- split -----------------------------------------------------------------------

    def _splits(self, tree: LabelTree, counts: LabelCounts, position: int) -> list[Change]:
        changes = []
        labels, by_leaf = counts.labels(), _pairs_by_leaf(tree, counts.pairs())
        for k, leaf in enumerate(list(tree.leaves)):
            bound = self._bound(position - leaf.born)
            pairs = by_leaf.get(k)
            found = _distances(leaf.labels, labels, pairs)
            if found is None or not self._wants_split(found, bound):
                continue
            groups = _assign(leaf.labels, found.pivots, labels, pairs)
            if _too_small(groups, counts.modal_size(), pairs):
                continue
            leaf.diameter, leaf.bound = found.d1, bound
            tree.replace(leaf, groups, position)
            _forget(counts, tree, leaf)
            statistic = found.d1 - found.d2
            changes.append(Change("split", "global", position, _columns(groups), statistic, bound))
        return changes

    def _wants_split(self, d: _Distances, bound: float) -> bool:
        stands_out = d.d1 - d.d2 > bound or bound < self.tau
        return stands_out and (d.d1 - d.d0) * abs(d.d1 + d.d0 - 2 * d.mean) > bound

    def _bound(self, n: float) -> float:
        return math.sqrt(math.log(1 / self.delta) / (2 * n)) if n > 0 else math.inf

    # -- merge -----------------------------------------------------------------------

    def _merges(self, tree: LabelTree, counts: LabelCounts, position: int) -> list[Change]:
        labels, by_leaf = counts.labels(), _pairs_by_leaf(tree, counts.pairs())
        for k, leaf in enumerate(tree.leaves):
            parent = leaf.parent
            if parent is None or not all(child.is_leaf for child in parent.children):
                continue
            found = _distances(leaf.labels, labels, by_leaf.get(k))
            if found is None:
                continue
            bound = max(self._bound(position - leaf.born), parent.bound)
            if found.d1 - parent.diameter > bound:
                group = parent.all_labels()
                tree.replace(parent, [group], position)
                _forget(counts, tree, parent)
                excess = found.d1 - parent.diameter
                return [Change("merge", "global", position, (tuple(group),), excess, bound)]
        return []


def _columns(groups: list[list[int]]) -> tuple[tuple[int, ...], ...]:
    return tuple(tuple(group) for group in groups)


def _forget(counts: LabelCounts, tree: LabelTree, node: TreeNode) -> None:
    mask = np.zeros(tree.n_labels, np.bool_)
    mask[node.all_labels()] = True
    counts.forget_pairs(mask)


def _pairs_by_leaf(tree: LabelTree, pairs: Pairs) -> dict[int, Pairs]:
    """Pairs that lie within one cluster, by the cluster's index."""
    leaf = tree.leaf_of[pairs.i]
    inside = np.flatnonzero(leaf == tree.leaf_of[pairs.j])
    inside = inside[np.argsort(leaf[inside], kind="stable")]
    cuts = np.flatnonzero(np.diff(leaf[inside])) + 1
    return {
        int(leaf[part[0]]): Pairs(pairs.i[part], pairs.j[part], pairs.weight[part])
        for part in np.split(inside, cuts)
        if len(part)
    }


def _distances(members: list[int], labels: Float64Array, pairs: Pairs | None) -> _Distances | None:
    """Diameters, mean and pivots of a cluster; ``None`` where no pair is defined."""
    n = labels[members]
    seen, unseen = int((n > 0).sum()), int((n <= 0).sum())
    defined = len(members) * (len(members) - 1) // 2 - unseen * (unseen - 1) // 2
    if seen < 2:
        return None
    d, u = np.zeros(0), np.zeros(0)
    if pairs is not None:
        u = labels[pairs.i] + labels[pairs.j] - pairs.weight
        d = 1.0 - pairs.weight / u
    apart = defined - len(d)
    ordered = np.sort(d)[::-1]
    top = ([1.0] * min(apart, 2) + ordered[:2].tolist())[:2]
    top += top[: 2 - len(top)]  # a single pair is both its diameters
    lowest = float(ordered[-1]) if len(d) else 1.0
    mean = (float(d.sum()) + apart) / defined
    if apart:
        pivots = _heaviest_apart(members, labels, pairs)
    else:
        best = np.lexsort((u, d))[-1]
        assert pairs is not None
        pivots = int(pairs.i[best]), int(pairs.j[best])
    return _Distances(lowest, top[0], top[1], mean, pivots)


def _heaviest_apart(
    members: list[int], labels: Float64Array, pairs: Pairs | None
) -> tuple[int, int]:
    """Of all pairs at distance 1, which are ties, the one with the most evidence.

    Labels are tried by falling count, so the search ends after at most as many steps
    as there are labels and co-occurring pairs.
    """
    together: set[tuple[int, int]] = set()
    if pairs is not None:
        together = set(zip(pairs.i.tolist(), pairs.j.tolist(), strict=True))
    order = sorted(members, key=lambda label: (-labels[label], label))
    best, best_weight = (order[0], order[1]), -1.0
    for rank, a in enumerate(order[:-1]):
        if labels[a] + labels[order[rank + 1]] <= best_weight:
            break
        for b in order[rank + 1 :]:
            if labels[a] + labels[b] <= best_weight:
                break
            if (min(a, b), max(a, b)) not in together:
                best, best_weight = (a, b), float(labels[a] + labels[b])
                break
    return best


def _assign(
    members: list[int], pivots: tuple[int, int], labels: Float64Array, pairs: Pairs | None
) -> list[list[int]]:
    """Each label joins the nearer pivot; a tie goes by average linkage to those placed."""
    near: dict[int, dict[int, float]] = {label: {} for label in members}
    if pairs is not None:
        similarity = pairs.weight / (labels[pairs.i] + labels[pairs.j] - pairs.weight)
        for i, j, s in zip(pairs.i.tolist(), pairs.j.tolist(), similarity.tolist(), strict=True):
            near[i][j] = near[j][i] = s
    groups = [[pivots[0]], [pivots[1]]]
    later = []
    for label in members:
        if label in pivots:
            continue
        a, b = (near[label].get(pivot, 0.0) for pivot in pivots)
        if a == b:
            later.append(label)
        else:
            groups[a < b].append(label)
    side = {label: k for k, group in enumerate(groups) for label in group}
    for label in later:
        linked = [0.0, 0.0]
        for other, s in near[label].items():
            if other in side:
                linked[side[other]] += s
        k = int(linked[0] / len(groups[0]) < linked[1] / len(groups[1]))
        groups[k].append(label)
        side[label] = k
    return [sorted(group) for group in groups]


def _too_small(groups: list[list[int]], modal_size: int, pairs: Pairs | None) -> bool:
    """No cluster below the modal label-set size, unless its labels never co-occur."""
    linked = set() if pairs is None else {*pairs.i.tolist(), *pairs.j.tolist()}
    return any(
        len(group) < modal_size and any(label in linked for label in group) for group in groups
    )
