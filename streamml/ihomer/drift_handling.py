"""Clusters under watch: a detector each, and an alternate learner from a warning on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np

from streamml.base import Learner
from streamml.drift.adwin import AdwinState, adwin_reset, new_adwin_state
from streamml.ihomer.alternate import Alternate
from streamml.ihomer.growing_state import GrowingState
from streamml.ihomer.loop import DRIFT, ClusterDetectors
from streamml.nodes import NodeClassifier
from streamml.nodes.custom_classifiers import fresh_custom
from streamml.nodes.layout import Layout
from streamml.nodes.member_states import N_LABELS, MemberStates, label_variances, take_labels
from streamml.types import Change, EventBatch, Predictions, Schema

__all__ = ["DriftHandling"]

_ALERT_VARIANCE = np.float32(1.0)


class DriftHandling(GrowingState, Learner):
    """What a learner does where the loss of a cluster rises."""

    alternates: bool
    classifiers: Sequence[NodeClassifier] | None
    _detectors: AdwinState
    _leaf_ids: list[int]

    def clone(
        self, new_params: dict[str, Any] | None = None, include_attributes: bool = False
    ) -> Self:
        """A learner with the same parameters that has seen nothing, nor have its classifiers."""
        fresh: Any = self.classifiers
        if fresh is not None and not include_attributes:
            fresh = (tuple if isinstance(fresh, tuple) else list)(map(fresh_custom, fresh))
        return super().clone({"classifiers": fresh, **(new_params or {})}, include_attributes)

    def _make_members(self, layout: Layout) -> None:
        raise NotImplementedError

    def _cluster_detectors(self) -> ClusterDetectors:
        leaves = self.n_clusters
        scratch = np.zeros((2, leaves))
        return ClusterDetectors(
            self._detectors,
            self._hierarchy.tree.leaf_of,
            scratch[0],
            scratch[1],
            np.zeros(leaves, np.uint8),
            self.alternates and self._alternate is None,
        )

    def _heed(self, leaf: int, level: int) -> None:
        """At a warning grow an alternate; at a drift let the cluster learn fast again too."""
        sums = self._detectors.sums[leaf]
        if not sums[2]:
            return  # a swap has just started its detector anew
        loss, before = float(sums[0] / sums[2]), float(sums[4])
        if level == DRIFT:
            self._note("drift", leaf, loss, before)
            adwin_reset(self._detectors, leaf)
            labels = self._hierarchy.tree.leaves[leaf].labels
            for variance in label_variances(self._states, self._plan):
                variance[:, labels] = np.maximum(variance[:, labels], _ALERT_VARIANCE)
        rival = self._alternate
        late = rival is not None and level == DRIFT and rival.is_over(leaf)
        wanted = self.alternates and not self.classifiers and (rival is None or late)
        if wanted and self._two_fit():
            self._note("warning", leaf, loss, before)
            newcomer = self._newcomer(self.schema, self._states, self._layout)
            known = int(self._states.clock[N_LABELS])
            self._alternate = Alternate(newcomer, self.n_clusters, known)

    def _newcomer(self, schema: Schema, states: MemberStates, layout: Layout) -> Self:
        """A learner that knows nothing but how features are scaled."""
        changed = {"rule": "one", "drift_delta": 0.0, "alternates": False}
        newcomer = type(self)(**{**self._get_params(), **changed})
        newcomer._make_members(layout)
        newcomer.bind(schema)
        newcomer._reserve(len(states.inputs.top), len(states.y))
        for name, array in states.inputs._asdict().items():
            getattr(newcomer._states.inputs, name)[...] = array
        return newcomer

    def _compare(self, alternate: Alternate, events: EventBatch, made: Predictions) -> None:
        """Let the alternate take over the clusters it serves better."""
        for verdict in alternate.compare(events, made, self._hierarchy.tree.leaf_of):
            kind = "swap" if verdict.better else "prune"
            self._note(kind, verdict.leaf, verdict.gain, verdict.bound)
            if verdict.better:
                assert isinstance(alternate.learner, DriftHandling)
                labels = self._hierarchy.tree.leaves[verdict.leaf].labels
                self._same_size(alternate.learner)
                its = alternate.learner._states
                take_labels(self._states, its, self._plan, labels, alternate.events)
                adwin_reset(self._detectors, verdict.leaf)
        if alternate.ended:
            self._alternate = None

    def _note(self, kind: str, leaf: int, statistic: float, bound: float) -> None:
        labels = tuple(self._hierarchy.tree.leaves[leaf].labels)
        self._changes.append(Change(kind, "local", self._position, (labels,), statistic, bound))

    def _move_detectors(self) -> None:
        """Clusters that stayed keep their detector; new ones start with an empty one."""
        leaves = self._hierarchy.tree.leaves
        old, new = self._detectors, new_adwin_state(len(leaves))
        for k, leaf in enumerate(leaves):
            if leaf.id in self._leaf_ids and leaf.born < self._position:
                source = self._leaf_ids.index(leaf.id)
                for a, b in zip(old, new, strict=True):
                    b[k] = a[source]
        self._leaf_ids = [leaf.id for leaf in leaves]
        self._detectors = new
