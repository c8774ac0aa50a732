"""Rules to compare with: no clusters, single labels, random clusters, periodic linkage."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from streamml.hierarchy.counts import LabelCounts
from streamml.hierarchy.rules.evidence import EvidenceRule
from streamml.hierarchy.rules.linkage import average_linkage
from streamml.hierarchy.tree import LabelTree, TreeNode
from streamml.state.capture import part_of
from streamml.types import Change

__all__ = ["AloneRule", "FrozenRule", "LinkageRule", "OneRule", "RandomRule"]


class OneRule:
    """One cluster for all labels."""

    fading = 1.0

    def check(self, tree: LabelTree, counts: LabelCounts, position: int) -> list[Change]:
        """Change nothing."""
        del tree, counts, position
        return []


class AloneRule:
    """Every label is a cluster of its own."""

    fading = 1.0

    def check(self, tree: LabelTree, counts: LabelCounts, position: int) -> list[Change]:
        """Part what came in since the last check."""
        del counts
        if len(tree.leaves) == tree.n_labels:
            return []
        return [_replace(tree, [[label] for label in range(tree.n_labels)], "split", position)]


class RandomRule:
    """Random clusters of the sizes that the evidence-aware rule finds, at the same moments."""

    def __init__(self) -> None:
        self._evidence = EvidenceRule()
        self._shadow = LabelTree()
        self.fading = self._evidence.fading

    def check(self, tree: LabelTree, counts: LabelCounts, position: int) -> list[Change]:
        """Let the evidence-aware rule change its own tree; take over the sizes."""
        self._shadow.add_labels(tree.n_labels)
        if not self._evidence.check(self._shadow, counts, position):
            return []
        order = np.random.default_rng([1, position]).permutation(tree.n_labels).tolist()
        groups = []
        for group in self._shadow.groups():
            groups.append([order.pop() for _ in group])
        return [_replace(tree, groups, "rebuild", position)]

    def snapshot(self) -> dict[str, Any]:
        """The tree of its own."""
        return {"shadow": self._shadow.snapshot()}

    def restore(self, snapshot: Mapping[str, Any]) -> None:
        """Go to a state that :meth:`snapshot` gave."""
        self._shadow.restore(part_of(snapshot, "shadow", dict, "the rule"))


class FrozenRule(EvidenceRule):
    """The evidence-aware rule over all events alike: it splits, and never takes back."""

    def __init__(self) -> None:
        super().__init__(fading=1.0)

    def _contradicted(self, tree: LabelTree, links: object) -> list[TreeNode]:
        del tree, links
        return []


class LinkageRule:
    """Average linkage on sparse counts, done anew at 100, 200, 400, ... events.

    The dendrogram is cut where the mean Jaccard index across two groups falls below
    half of the mean within.
    """

    fading = 1.0

    def __init__(self) -> None:
        self._next = 100

    def check(self, tree: LabelTree, counts: LabelCounts, position: int) -> list[Change]:
        """Cluster all labels anew where the next doubling is reached."""
        if position < self._next:
            return []
        self._next = 2 * position
        labels, pairs = counts.labels(), counts.pairs()
        jaccard = pairs.weight / (labels[pairs.i] + labels[pairs.j] - pairs.weight)
        groups: list[list[int]] = []
        waiting = average_linkage(pairs.i, pairs.j, jaccard)
        while waiting:
            node = waiting.pop()
            if node.parts is not None and node.cross < 0.5 * max(p.within for p in node.parts):
                waiting.extend(node.parts)
            else:
                groups.append(node.labels)
        linked = {label for group in groups for label in group}
        rest = [label for label in range(tree.n_labels) if label not in linked]
        groups += [rest] if rest else []
        if sorted(map(tuple, groups)) == sorted(tree.groups()):
            return []
        return [_replace(tree, groups, "rebuild", position)]

    def snapshot(self) -> dict[str, Any]:
        """The next doubling."""
        return {"next": self._next}

    def restore(self, snapshot: Mapping[str, Any]) -> None:
        """Go to a state that :meth:`snapshot` gave."""
        self._next = part_of(snapshot, "next", int, "the rule")


def _replace(tree: LabelTree, groups: list[list[int]], kind: str, position: int) -> Change:
    groups = sorted(sorted(group) for group in groups)
    tree.replace(tree.root, groups, position)
    return Change(kind, "global", position, tuple(tuple(group) for group in groups))
