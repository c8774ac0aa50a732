"""Clusters under watch: a detector each, and an alternate learner from a warning on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from streamml.drift.adwin import adwin_reset, check_adwin, new_adwin_state
from streamml.hierarchy import LabelTree, TreeNode
from streamml.ihomer.alternate import Alternate, Competitor
from streamml.ihomer.loop import DRIFT, ClusterDetectors
from streamml.ihomer.mixture import Mixture
from streamml.state.capture import capture, check, part_of, restore_value
from streamml.types import Change, EventBatch, Predictions, Schema, UInt8Array

__all__ = ["DriftHandling"]


class DriftHandling:
    """What is done where the loss of a cluster rises.

    Parameters
    ----------
    delta
        One minus the confidence of the detectors, in [0, 1); 0 turns them off.
    alternates
        Whether a warning grows an alternate learner.

    References
    ----------
    ADWIN: Bifet and Gavaldà, SDM 2007. Alternates: :mod:`streamml.ihomer.alternate`.
    """

    def __init__(self, delta: float, alternates: bool) -> None:
        self.delta = float(delta)
        self.alternates = alternates
        self.alternate: Alternate | None = None
        """The learner on trial, if there is one."""
        self._detectors = new_adwin_state(1)
        self._leaf_ids = [0]

    def watch(self, tree: LabelTree) -> ClusterDetectors:
        """The detectors as the loop takes them, one a cluster."""
        leaves = len(tree.leaves)
        scratch = np.zeros((2, leaves))
        return ClusterDetectors(
            self._detectors,
            tree.leaf_of,
            scratch[0],
            scratch[1],
            np.zeros(leaves, np.uint8),
            self.alternates and self.alternate is None,
        )

    # -- after events ----------------------------------------------------------------------

    def heed(
        self,
        level: UInt8Array,
        tree: LabelTree,
        mixture: Mixture,
        position: int,
        compete: Callable[[], Competitor | None],
    ) -> list[Change]:
        """At a warning grow an alternate; at a drift let the cluster learn fast again too.

        Parameters
        ----------
        level
            What each cluster's detector said.
        compete
            Gives a learner that has learned nothing; ``None`` where there is no room for one.
        """
        changes: list[Change] = []
        for k in np.flatnonzero(level).tolist():
            leaf, sums = tree.leaves[k], self._detectors.sums[k]
            if not sums[2]:
                continue  # a swap has just started its detector anew
            loss, before = float(sums[0] / sums[2]), float(sums[4])
            if level[k] == DRIFT:
                changes.append(_change("drift", leaf, position, loss, before))
                adwin_reset(self._detectors, k)
                mixture.learn_fast(leaf.labels)
            rival = compete() if self._wants_alternate(k, int(level[k])) else None
            if rival is not None:
                changes.append(_change("warning", leaf, position, loss, before))
                self.alternate = Alternate(rival, len(tree.leaves))
        return changes

    def _wants_alternate(self, k: int, level: int) -> bool:
        """One at a time; another one where a cluster drifts that has its verdict."""
        late = self.alternate is not None and level == DRIFT and self.alternate.is_over(k)
        return self.alternates and (self.alternate is None or late)

    def compare(
        self,
        events: EventBatch,
        made: Predictions,
        tree: LabelTree,
        mixture: Mixture,
        position: int,
        known_labels: int,
    ) -> list[Change]:
        """Let the alternate, if there is one, take over the clusters it serves better.

        Parameters
        ----------
        events, made
            Events just learned, and what was predicted of them.
        known_labels
            Labels known before them.
        """
        rival, changes = self.alternate, []
        if rival is None:
            return []
        for verdict in rival.compare(events, made, tree.leaf_of, known_labels):
            leaf, kind = tree.leaves[verdict.leaf], "swap" if verdict.better else "prune"
            changes.append(_change(kind, leaf, position, verdict.gain, verdict.bound))
            if verdict.better:
                mixture.take_labels(rival.learner.mixture, leaf.labels, rival.events)
                adwin_reset(self._detectors, verdict.leaf)
        if rival.ended:
            self.alternate = None
        return changes

    def follow(self, tree: LabelTree, position: int) -> None:
        """After a structure change: clusters that stayed keep their detector, new ones have none.

        An alternate is compared anew.
        """
        old, new = self._detectors, new_adwin_state(len(tree.leaves))
        for k, leaf in enumerate(tree.leaves):
            if leaf.id in self._leaf_ids and leaf.born < position:
                source = self._leaf_ids.index(leaf.id)
                for a, b in zip(old, new, strict=True):
                    b[k] = a[source]
        self._leaf_ids = [leaf.id for leaf in tree.leaves]
        self._detectors = new
        if self.alternate is not None:
            self.alternate.restart(len(tree.leaves))

    # -- state -------------------------------------------------------------------------------

    def snapshot(self, copy: bool = True) -> dict[str, Any]:
        """Detectors, and the learner on trial."""
        return {
            "detectors": capture(self._detectors, copy),
            "alternate": None if self.alternate is None else self.alternate.snapshot(copy),
        }

    def restore(
        self,
        snapshot: Mapping[str, Any],
        tree: LabelTree,
        compete: Callable[[], Competitor],
        schema: Schema,
    ) -> None:
        """Go to a state that :meth:`snapshot` gave, of clusters as in ``tree``."""
        detectors = restore_value(snapshot.get("detectors"), self._detectors, "detectors")
        check(len(detectors.levels) == len(tree.leaves), "detectors", "are of other clusters")
        check_adwin(detectors, "detectors")
        alternate = None
        if snapshot.get("alternate") is not None:
            alternate = Alternate(compete(), len(tree.leaves))
            alternate.restore(part_of(snapshot, "alternate", dict), schema)
        self._detectors, self.alternate = detectors, alternate
        self._leaf_ids = [leaf.id for leaf in tree.leaves]


def _change(kind: str, leaf: TreeNode, position: int, statistic: float, bound: float) -> Change:
    return Change(kind, "local", position, (tuple(leaf.labels),), statistic, bound)
