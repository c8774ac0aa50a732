"""IHOMER: an on-line multi-label learner over an incremental hierarchy of labels.

After iHOMER (arXiv 2507.20894): labels that occur together share a cluster, every
cluster has classifiers and a drift detector, and the clusters follow the stream. State
that belongs to a label lies in arrays by label column, so a structure change moves an
index and loses nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from streamml._loop import Watch, new_output, predictions_of, rows_of, run_events
from streamml.base import MIN_SCORE, LabelNode, Learner
from streamml.drift.adwin import new_adwin_state
from streamml.errors import ConfigError
from streamml.hierarchy import RULES, LabelHierarchy, TreeNode
from streamml.nodes import NodeClassifier
from streamml.nodes.members import PRESETS, equal_start, make_plan
from streamml.nodes.stack import (
    N_LABELS,
    label_variances,
    new_extras,
    new_stack,
    resize,
    resize_extras,
)
from streamml.types import (
    LABELS_FULL,
    LABELS_UNKNOWN,
    Change,
    EventBatch,
    Float32Array,
    Predictions,
    Schema,
)

__all__ = ["IHOMER"]

_RUN = 512  # events a compiled call works through at most: bounds scratch memory
_LANES = 16  # room for labels is a multiple of it
_ALERT_VARIANCE = np.float32(1.0)


class IHOMER(Learner):
    """Streaming multi-label classifier that clusters its labels as it learns.

    Parameters
    ----------
    preset
        ``"fast"`` (linear classifiers), ``"default"`` or ``"accurate"``: the same code
        with fewer or more node classifiers.
    members
        Names of the node classifiers to mix instead of the preset's.
    classifiers
        Node classifiers of your own (:class:`streamml.nodes.NodeClassifier`) that join the
        mixture; they make every event a run of its own.
    rule
        How clusters are found: ``"evidence"`` (co-occurrence beyond chance, with a bound
        by its own sample), ``"odac"`` (the paper's) or ``"one"`` (no clusters).
    decision
        ``"label"`` (thresholds), ``"set"`` (the best label set seen) or ``"adaptive"``
        (learns when to trust which).
    lean
        From 0 (exact match and Hamming loss) to 1 (F1): how far thresholds follow F1.
    window
        Events that the nearest-neighbour classifiers look back on, 32 to 100,000; by default
        the preset's.
    n_min
        Events between two checks of the clusters, at least 1.
    drift_delta
        One minus the confidence of the detector at each cluster, in (0, 1); 0 turns
        the detectors off.
    links
        Whether the labels of a cluster inform each other (the second level).
    rebuild
        Forget everything at a structure change, as the paper does; for comparison.
    seed
        Everything random hangs on it.

    Examples
    --------
    >>> model = IHOMER()
    >>> for t in range(200):
    ...     sunny = t % 3 == 0
    ...     model.learn_one({"light": float(sunny), "wind": 1.0},
    ...                     {"sun": sunny, "warm": sunny, "rain": not sunny})
    >>> model.predict_one({"light": 1.0, "wind": 1.0})
    {'sun': True, 'warm': True, 'rain': False}

    References
    ----------
    iHOMER, arXiv 2507.20894 (ECAI 2025); ODAC, Rodrigues, Gama and Pedroso, IEEE TKDE
    20(5), 2008; ADWIN, Bifet and Gavaldà, SDM 2007.
    """

    def __init__(
        self,
        preset: str = "default",
        members: tuple[str, ...] | None = None,
        classifiers: Sequence[NodeClassifier] | None = None,
        rule: str = "evidence",
        decision: str = "adaptive",
        lean: float = 0.5,
        window: int | None = None,
        n_min: int = 100,
        drift_delta: float = 1e-4,
        links: bool = True,
        rebuild: bool = False,
        seed: int = 1,
    ) -> None:
        if preset not in PRESETS:
            raise ConfigError(f"There is no preset {preset!r}: use one of {', '.join(PRESETS)}.")
        if rule not in RULES:
            raise ConfigError(f"There is no rule {rule!r}: use one of {', '.join(RULES)}.")
        if not 0.0 <= drift_delta < 1.0:
            raise ConfigError(f"drift_delta must lie in [0, 1), not {drift_delta}.")
        self.preset = preset
        self.members = members
        self.classifiers = classifiers
        self.rule = rule
        self.decision = decision
        self.lean = lean
        self.window = window
        self.n_min = n_min
        self.drift_delta = drift_delta
        self.links = links
        self.rebuild = rebuild
        self.seed = seed
        start, constants = PRESETS[preset]
        if members is not None:
            start = equal_start(tuple(members))
        if not links:
            constants = {**constants, "links": 0}
        if window is not None:
            constants = {**constants, "window": window}
        self._plan = make_plan(
            tuple(start),
            n_own=len(classifiers or ()),
            decision=decision,
            lean=lean,
            **constants,
        )
        self._start = start
        self._hierarchy = LabelHierarchy(rule, n_min)
        self._changes: list[Change] = []
        self._leaf_ids: list[int] = [0]
        self._stack = new_stack(self._plan, start, 16, _LANES, seed)
        self._extras = new_extras(self._plan, 16, _LANES, seed)
        self._detectors = new_adwin_state(1)

    # -- the contract ------------------------------------------------------------------

    def bind(self, schema: Schema) -> None:
        new = self._schema is None
        super().bind(schema)
        if new:
            self._reserve(schema.declared_features, schema.declared_labels)
            self._stack.clock[N_LABELS] = schema.declared_labels
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

    def mixture_weights(self) -> dict[str, float]:
        """How far the mixture trusts each member now, shared over all labels."""
        weights = self._stack.mixture.wg
        return {name: float(weights[getattr(self._plan, name)]) for name in self._start}

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
        if self.classifiers and len(batch) > 1:
            events = (batch.slice(i, i + 1) for i in range(len(batch)))
            return Predictions.concatenate(
                [self._run(event, predict, learn, min_score) for event in events]
            )
        rows = rows_of(batch, self._own_scores(batch))
        parts: list[Predictions] = []
        start = 0
        while start < len(batch):
            stop = self._run_stop(batch, start, learn)
            output = new_output(stop - start if predict else 0, int(batch.n_labels[-1]))
            if learn:
                self._hierarchy.reserve_labels(int(batch.n_labels[stop - 1]))
            watch = self._watch()
            done = run_events(
                self._plan,
                rows,
                start,
                stop,
                predict,
                learn,
                *self._stack,
                *self._extras,
                watch,
                output,
                self.drift_delta,
                np.float32(min_score),
                batch.schema.absent_is_zero,
            )
            if predict:
                parts.append(predictions_of(output))
            if learn:
                self._teach_own(batch)
                self._after(batch, start, done, np.flatnonzero(watch.fired).tolist())
            start = done
        return Predictions.concatenate(parts)

    def _own_scores(self, batch: EventBatch) -> Float32Array:
        """Scores of the user's own classifiers for the one event of the batch."""
        n_labels = int(batch.n_labels[-1]) if self.classifiers else 1
        scores = np.zeros((1, len(self.classifiers or ()), n_labels), np.float32)
        for k, classifier in enumerate(self.classifiers or ()):
            scores[0, k] = classifier.scores(batch.x_indices, batch.x_values, n_labels)
        return scores

    def _teach_own(self, batch: EventBatch) -> None:
        if not self.classifiers or batch.y_kind[0] == LABELS_UNKNOWN:
            return
        n_labels, true = int(batch.n_labels[0]), batch.y_indices
        false = batch.negative_indices
        if batch.y_kind[0] == LABELS_FULL:
            false = np.setdiff1d(np.arange(n_labels, dtype=np.int32), true)
        for classifier in self.classifiers:
            classifier.learn(batch.x_indices, batch.x_values, true, false, n_labels)

    def _watch(self) -> Watch:
        leaves = self.n_clusters
        scratch = np.zeros((2, leaves))
        return Watch(
            self._detectors,
            self._hierarchy.tree.leaf_of,
            scratch[0],
            scratch[1],
            np.zeros(leaves, np.bool_),
        )

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
            if self.rebuild:
                self._start_over()

    def _refresh(self, leaf: int) -> None:
        """Drift in a cluster: let its labels learn fast again, from what they know."""
        labels = self._hierarchy.tree.leaves[leaf].labels
        sums = self._detectors.sums[leaf]
        loss, before = float(sums[0] / sums[2]), float(sums[4])
        self._changes.append(
            Change("drift", "local", self._position, (tuple(labels),), loss, before)
        )
        for variance in label_variances(self._stack, self._plan):
            variance[:, labels] = np.maximum(variance[:, labels], _ALERT_VARIANCE)

    def _start_over(self) -> None:
        """Forget what the node classifiers learned; the hierarchy stays."""
        n_labels = self._stack.clock[N_LABELS]
        self._stack = new_stack(
            self._plan, self._start, len(self._stack.inputs.top), len(self._stack.y), self.seed
        )
        self._stack.clock[N_LABELS] = n_labels
        self._extras = new_extras(
            self._plan, len(self._stack.inputs.top), len(self._stack.y), self.seed
        )

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

    def _reserve(self, n_features: int, n_labels: int) -> None:
        """Make room; the size of the arrays changes no result."""
        d, labels = len(self._stack.inputs.top), len(self._stack.y)
        if n_features <= d and n_labels <= labels:
            return
        if n_features > d:
            d = max(n_features, min(2 * d, d + 4096))
        if n_labels > labels:
            labels = -(-max(n_labels, min(2 * labels, labels + 512)) // _LANES) * _LANES
        self._stack = resize(self._stack, self._plan, d, labels, self.seed)
        self._extras = resize_extras(self._extras, self._plan, d, labels, self.seed)
