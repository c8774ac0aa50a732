"""IHOMER: an on-line multi-label learner over an incremental hierarchy of labels.

After iHOMER (arXiv 2507.20894): labels that occur together share a cluster, every
cluster has classifiers and a drift detector, and the clusters follow the stream. State
that belongs to a label lies in arrays by label column, so a structure change moves an
index and loses nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from streamml._loop import (
    N_LABELS,
    Nodes,
    Output,
    Rows,
    Scratch,
    fired_mask,
    run_events,
)
from streamml.base import MIN_SCORE, LabelNode, Learner
from streamml.drift.adwin import adwin_reset, new_adwin_state
from streamml.errors import ConfigError
from streamml.hierarchy import RULES, LabelHierarchy, TreeNode
from streamml.nodes.inputs import grow_inputs, new_input_state
from streamml.nodes.linear import grow_linear, new_linear_state
from streamml.nodes.prior import grow_prior, new_prior_state
from streamml.types import LABELS_UNKNOWN, Change, EventBatch, Predictions, Schema

__all__ = ["IHOMER"]

_RUN = 512  # events a compiled call works through at most: bounds scratch memory
_ALERT_VARIANCE = np.float32(1.0)


class IHOMER(Learner):
    """Streaming multi-label classifier that clusters its labels as it learns.

    Parameters
    ----------
    rule
        How clusters are found: ``"evidence"`` (co-occurrence beyond chance, with a bound
        by its own sample), ``"odac"`` (the paper's) or ``"one"`` (no clusters).
    n_min
        Events between two checks of the clusters, at least 1.
    drift_delta
        One minus the confidence of the detector at each cluster, in (0, 1); 0 turns
        the detectors off.
    seed
        Everything random hangs on it.

    Examples
    --------
    >>> model = IHOMER()
    >>> for t in range(200):
    ...     sunny = t % 3 == 0
    ...     model.learn_one({"light": float(sunny), "bias": 1.0},
    ...                     {"sun": sunny, "warm": sunny, "rain": not sunny})
    >>> model.predict_one({"light": 1.0, "bias": 1.0})
    {'sun': True, 'warm': True, 'rain': False}

    References
    ----------
    iHOMER, arXiv 2507.20894 (ECAI 2025); ODAC, Rodrigues, Gama and Pedroso, IEEE TKDE
    20(5), 2008; ADWIN, Bifet and Gavaldà, SDM 2007.
    """

    def __init__(
        self,
        rule: str = "evidence",
        n_min: int = 100,
        drift_delta: float = 1e-4,
        seed: int = 1,
    ) -> None:
        if rule not in RULES:
            raise ConfigError(f"There is no rule {rule!r}: use one of {', '.join(RULES)}.")
        if not 0.0 <= drift_delta < 1.0:
            raise ConfigError(f"drift_delta must lie in [0, 1), not {drift_delta}.")
        self.rule = rule
        self.n_min = n_min
        self.drift_delta = drift_delta
        self.seed = seed
        self._hierarchy = LabelHierarchy(rule, n_min)
        self._changes: list[Change] = []
        self._leaf_ids: list[int] = [0]
        self._nodes = Nodes(
            new_input_state(16),
            new_linear_state(16, 8),
            new_prior_state(8),
            new_adwin_state(1),
            np.zeros(4),
        )
        self._new_scratch(16, 8)

    # -- the contract ------------------------------------------------------------------

    def bind(self, schema: Schema) -> None:
        new = self._schema is None
        super().bind(schema)
        if new:
            self._reserve(schema.declared_features, schema.declared_labels)
            self._nodes.clock[N_LABELS] = schema.declared_labels
            self._hierarchy.reserve_labels(schema.declared_labels)

    def predict(self, batch: EventBatch, min_score: float = MIN_SCORE) -> Predictions:
        return self._run(batch, predict=True, learn=False, min_score=min_score)

    def learn(self, batch: EventBatch) -> None:
        self._run(batch, predict=False, learn=True, min_score=1.0)

    def test_then_train(self, batch: EventBatch, min_score: float = MIN_SCORE) -> Predictions:
        return self._run(batch, predict=True, learn=True, min_score=min_score)

    @property
    def n_clusters(self) -> int:
        return len(self._hierarchy.tree.leaves)

    @property
    def changes(self) -> Sequence[Change]:
        return self._changes

    @property
    def hierarchy(self) -> LabelHierarchy:
        """The label hierarchy: statistics, tree and changes."""
        return self._hierarchy

    def label_tree(self) -> LabelNode:
        def node(n: TreeNode) -> LabelNode:
            return tuple(n.all_labels()), tuple(node(child) for child in n.children)

        return node(self._hierarchy.tree.root)

    # -- running -----------------------------------------------------------------------

    def _run(self, batch: EventBatch, predict: bool, learn: bool, min_score: float) -> Predictions:
        self.bind(batch.schema)
        if len(batch) == 0:
            return Predictions.concatenate([])
        highest = int(batch.x_indices.max(initial=-1)) + 1
        self._reserve(max(highest, int(batch.n_features[-1])), int(batch.n_labels[-1]))
        rows = _rows(batch)
        parts: list[Predictions] = []
        start = 0
        while start < len(batch):
            stop = self._run_stop(batch, start, learn)
            output = _new_output(stop - start if predict else 0, int(batch.n_labels[-1]))
            if learn:
                self._hierarchy.reserve_labels(int(batch.n_labels[stop - 1]))
            fired = fired_mask(self.n_clusters)
            done = run_events(
                rows,
                start,
                stop,
                predict,
                learn,
                self._nodes,
                self._scratch,
                output,
                self._hierarchy.tree.leaf_of,
                fired,
                self.drift_delta,
                np.float32(min_score),
            )
            if predict:
                parts.append(_predictions(output))
            if learn:
                self._after(batch, start, done, np.flatnonzero(fired).tolist())
            start = done
        return Predictions.concatenate(parts)

    def _run_stop(self, batch: EventBatch, start: int, learn: bool) -> int:
        """Row after the last one that may run before the clusters must be looked at."""
        stop = min(start + _RUN, len(batch))
        if not learn:
            return stop
        left = self._hierarchy.next_check - self._hierarchy.position
        labelled = np.cumsum(batch.y_kind[start:stop] != LABELS_UNKNOWN)
        return start + int(np.searchsorted(labelled, left)) + 1 if labelled[-1] >= left else stop

    def _after(self, batch: EventBatch, start: int, stop: int, fired: list[int]) -> None:
        """Count labels, act on drifts, and let the hierarchy change."""
        labelled = batch.y_kind[start:stop] != LABELS_UNKNOWN
        if labelled.all():
            self._hierarchy.observe(batch.y_indptr, batch.y_indices, start, stop)
        else:
            for row in (start + np.flatnonzero(labelled)).tolist():
                self._hierarchy.observe(batch.y_indptr, batch.y_indices, row, row + 1)
        self._position += int(labelled.sum())
        for leaf in fired:
            self._refresh(leaf)
        changes = self._hierarchy.check()
        if changes:
            self._changes.extend(changes)
            self._move_detectors()

    def _refresh(self, leaf: int) -> None:
        """Drift in a cluster: let its labels learn fast again, from what they know."""
        node = self._hierarchy.tree.leaves[leaf]
        sums = self._nodes.detectors.sums[leaf]
        change = Change(
            "drift",
            "local",
            self._position,
            (tuple(node.labels),),
            float(sums[0] / sums[2]),
            float(sums[4]),
        )
        self._changes.append(change)
        variance = self._nodes.linear.variance
        variance[:, node.labels] = np.maximum(variance[:, node.labels], _ALERT_VARIANCE)

    def _move_detectors(self) -> None:
        """Clusters that stayed keep their detector; new ones start with an empty one."""
        old, ids = self._nodes.detectors, [leaf.id for leaf in self._hierarchy.tree.leaves]
        new = new_adwin_state(len(ids))
        for k, node_id in enumerate(ids):
            if node_id in self._leaf_ids and self._hierarchy.tree.leaves[k].born < self._position:
                source = self._leaf_ids.index(node_id)
                for a, b in zip(old, new, strict=True):
                    b[k] = a[source]
            else:
                adwin_reset(new, k)
        self._leaf_ids = ids
        self._nodes = self._nodes._replace(detectors=new)
        self._new_scratch(len(self._scratch.z), len(self._scratch.p))

    # -- room ----------------------------------------------------------------------------

    def _reserve(self, n_features: int, n_labels: int) -> None:
        """Make room; the size of the arrays changes no result."""
        d, labels = len(self._nodes.inputs.seen), len(self._nodes.prior.known)
        if n_features <= d and n_labels <= labels:
            return
        d = _doubled(d, n_features)
        labels = _doubled(labels, n_labels)
        self._nodes = self._nodes._replace(
            inputs=grow_inputs(self._nodes.inputs, d),
            linear=grow_linear(self._nodes.linear, d, labels),
            prior=grow_prior(self._nodes.prior, labels),
        )
        self._new_scratch(d, labels)

    def _new_scratch(self, n_features: int, n_labels: int) -> None:
        by_label = np.zeros((7, n_labels), np.float32)
        by_leaf = np.zeros((2, len(self._leaf_ids)))
        self._scratch = Scratch(
            np.zeros(n_features, np.float32),
            by_label[0],
            by_label[1],
            by_label[2],
            by_label[3],
            by_label[4],
            by_label[5],
            by_label[6],
            np.zeros(n_labels, np.int32),
            by_leaf[0],
            by_leaf[1],
        )


def _doubled(size: int, needed: int) -> int:
    while size < needed:
        size *= 2
    return size


def _rows(batch: EventBatch) -> Rows:
    return Rows(
        batch.x_indptr,
        batch.x_indices,
        batch.x_values,
        batch.y_indptr,
        batch.y_indices,
        batch.y_kind,
        batch.negative_indptr,
        batch.negative_indices,
        batch.n_features,
        batch.n_labels,
    )


def _new_output(n: int, n_labels: int) -> Output:
    return Output(
        np.zeros(n + 1, np.int64),
        np.zeros(n * n_labels, np.int32),
        np.zeros(n + 1, np.int64),
        np.zeros(n * n_labels, np.int32),
        np.zeros(n * n_labels, np.float32),
        np.zeros(3, np.int64),
    )


def _predictions(output: Output) -> Predictions:
    rows, n, m = output.fill.tolist()
    return Predictions(
        output.indptr[: rows + 1].copy(),
        output.indices[:n].copy(),
        output.score_indptr[: rows + 1].copy(),
        output.score_indices[:m].copy(),
        output.scores[:m].copy(),
    )
