"""MLHAT: one multi-label Hoeffding adaptive tree for all labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from streamml.base import MIN_SCORE, Learner
from streamml.base.changes import ChangeLog
from streamml.baselines._hoeffding import SPLITS
from streamml.baselines._tree_loop import run_tree, take_changes
from streamml.ihomer.loop.arrays import batch_arrays, new_output, predictions_of
from streamml.nodes.arrays import Spec, allocate, grow
from streamml.nodes.tree.arrays import (
    DEACTIVATED,
    GROWN,
    KNOWN,
    LEAF,
    POSITION,
    PRUNED,
    REFUSED,
    ROLE,
    SPLIT,
    SWAPPED,
    WAYS,
    Tree,
    grow_tree,
    make_tree_plan,
    new_tree,
)
from streamml.nodes.tree.ensemble import COLUMNS, MEMBERS, Ensemble, ensemble_spec
from streamml.nodes.tree.restore import check_shapes, check_window, restore_tree
from streamml.nodes.tree.text import tree_text
from streamml.nodes.tree.window import WIDEST, Window, window_spec
from streamml.state.capture import capture, check, part_of, restore_value
from streamml.state.parameters import (
    COUNT,
    SEED,
    SHARE,
    Constraints,
    Flag,
    Real,
    Whole,
    check_parameters,
)
from streamml.types import Change, EventBatch, Predictions, Schema

__all__ = ["MLHAT"]

_RUN = 512  # events a compiled call works through at most: bounds scratch memory
_LABEL_BLOCK = 8  # room for labels is a multiple of it
_OWN = np.zeros((1, 0, 1), np.float32)


class MLHAT(Learner):
    """Multi-label Hoeffding adaptive tree.

    Splits where that takes most multivariate Bernoulli entropy away. Leaves ask their
    nearest neighbours while they are light or their labels nearly certain, else bagged
    logistic regressions. A node whose loss rises grows an alternate, which takes its place
    once it is better by a bound; meanwhile the leaves of both vote with 1 / loss².

    What differs from the published code: detectors see each event's loss, not its running
    mean; alternates start on an alarm, not whenever the mean rises; events that the bootstrap
    gives weight 0 train nothing; children inherit their parent's neighbours and regressions;
    and all is bounded.

    Parameters
    ----------
    grace_period
        Weight a leaf takes between two attempts to split, at least 1.
    delta
        One minus the confidence that the best split is the best, in (0, 1).
    tau
        Bound below which the best split is taken though another is as good.
    drift_window_threshold
        Events an alternate is given before it may vote or take a node's place.
    switch_significance
        One minus the confidence that it is better, in (0, 1).
    drift_delta
        One minus the confidence of the detectors, in (0, 1).
    cardinality_threshold, entropy_threshold
        Leaves of less weight, or of less entropy in bits, ask their neighbours.
    neighbours, window
        How many, among how many events of the leaf.
    learning_rate
        Of the logistic regressions.
    adaptive
        Whether a leaf that would ask its neighbours listens to the regressions while these
        have the smaller loss; otherwise never.
    bootstrap
        Whether events get Poisson(1) weights.
    alternates
        Whether drift is answered at all.
    max_depth, max_leaves, max_observers, max_size
        Budgets: depth up to 64, leaves with those of alternates, observed features a leaf
        (a multiple of 8), megabytes of all leaves. Where leaves take more, those that
        promise least are deactivated: they go on predicting the shares of their labels.
    seed
        Everything random hangs on it.

    Examples
    --------
    >>> model = MLHAT()
    >>> for t in range(200):
    ...     sunny = t % 3 == 0
    ...     model.learn_one({"light": float(sunny), "wind": 1.0},
    ...                     {"sun": sunny, "warm": sunny, "rain": not sunny})
    >>> model.predict_one({"light": 1.0, "wind": 1.0})
    {'sun': True, 'warm': True, 'rain': False}

    References
    ----------
    Esteban, Cano, Zafra and Ventura, Hoeffding adaptive trees for multi-label classification
    on data streams, arXiv 2410.20242.
    """

    _constraints: ClassVar[Constraints] = {
        **SPLITS,
        "drift_window_threshold": COUNT,
        "switch_significance": SHARE,
        "drift_delta": SHARE,
        "cardinality_threshold": Real(0, 1e15),
        "entropy_threshold": Real(0, 1e9),
        "neighbours": Whole(1, 1000),
        "window": Whole(1, 100_000),
        "learning_rate": Real(0, 1000),
        "adaptive": Flag(),
        "bootstrap": Flag(),
        "alternates": Flag(),
        "max_depth": Whole(1, 64),
        "max_leaves": Whole(1, 1_000_000),
        "max_observers": Whole(WAYS, 65_536, step=WAYS),
        "max_size": Real(0, 1e6, closed="right"),
        "seed": SEED,
    }

    def __init__(
        self,
        grace_period: int = 200,
        delta: float = 1e-5,
        tau: float = 0.05,
        drift_window_threshold: int = 200,
        switch_significance: float = 0.05,
        drift_delta: float = 0.002,
        cardinality_threshold: float = 750.0,
        entropy_threshold: float = 0.3,
        neighbours: int = 4,
        window: int = 170,
        learning_rate: float = 0.3,
        adaptive: bool = True,
        bootstrap: bool = False,
        alternates: bool = True,
        max_depth: int = 32,
        max_leaves: int = 256,
        max_observers: int = 512,
        max_size: float = 100.0,
        seed: int = 1,
    ) -> None:
        self.grace_period = grace_period
        self.delta = delta
        self.tau = tau
        self.drift_window_threshold = drift_window_threshold
        self.switch_significance = switch_significance
        self.drift_delta = drift_delta
        self.cardinality_threshold = cardinality_threshold
        self.entropy_threshold = entropy_threshold
        self.neighbours = neighbours
        self.window = window
        self.learning_rate = learning_rate
        self.adaptive = adaptive
        self.bootstrap = bootstrap
        self.alternates = alternates
        self.max_depth = max_depth
        self.max_leaves = max_leaves
        self.max_observers = max_observers
        self.max_size = max_size
        self.seed = seed
        check_parameters(self)
        self._plan = make_tree_plan(
            seed=self.seed,
            grace=self.grace_period,
            delta=self.delta,
            tau=self.tau,
            bootstrap=self.bootstrap,
            alternates=self.alternates,
            drift_delta=self.drift_delta,
            drift_window=self.drift_window_threshold,
            significance=self.switch_significance,
            depth=self.max_depth,
            leaves=self.max_leaves,
            observers=self.max_observers,
            megabytes=self.max_size,
            heavy=self.cardinality_threshold,
            mixed=self.entropy_threshold,
            neighbours=self.neighbours,
            rate=self.learning_rate,
            adaptive=self.adaptive,
        )
        self._changes = ChangeLog()
        self._capacity = (1, _LABEL_BLOCK, 1)  # features, labels, widest row
        self._allocate()

    def _allocate(self) -> None:
        d, known, _ = self._capacity
        self._tree = new_tree(self._plan, d, known)
        self._window = allocate(Window, self._window_spec(), self._sizes())
        self._ensemble = allocate(Ensemble, ensemble_spec, self._sizes())
        self._y, self._known = np.zeros((2, known), np.float32)

    def _window_spec(self) -> Spec:
        return window_spec(self.window, self.neighbours)

    def _sizes(self) -> dict[str, int]:
        d, known, w = self._capacity
        return _sizes(len(self._tree.blocks.owner), d, known, w)

    # -- the contract ------------------------------------------------------------------

    def bind(self, schema: Schema) -> None:
        new = self._unbound
        super().bind(schema)
        if new:
            self._capacity = (max(schema.declared_features, 1), _padded(schema.declared_labels), 1)
            self._allocate()
            self._tree.work.clock[KNOWN] = schema.declared_labels

    def predict(self, batch: EventBatch, min_score: float = MIN_SCORE) -> Predictions:
        return self._run(batch, predict=True, learn=False, min_score=min_score)

    def learn(self, batch: EventBatch) -> None:
        self._run(batch, predict=False, learn=True, min_score=1.0)

    def test_then_train(self, batch: EventBatch, min_score: float = MIN_SCORE) -> Predictions:
        return self._run(batch, predict=True, learn=True, min_score=min_score)

    @property
    def changes(self) -> Sequence[Change]:
        """Splits, warnings (an alternate grows), drifts (it took the place) and prunings."""
        return self._changes

    @property
    def change_counts(self) -> dict[str, int]:
        return self._changes.totals

    @property
    def counts(self) -> dict[str, int]:
        """How often the tree changed, and how often a budget stood in the way."""
        clock = self._tree.work.clock
        return {
            "leaves": int((self._tree.nodes.link[:, ROLE] == LEAF).sum()),
            "splits": int(clock[SPLIT]),
            "alternates_grown": int(clock[GROWN]),
            "alternates_swapped": int(clock[SWAPPED]),
            "alternates_pruned": int(clock[PRUNED]),
            "leaves_deactivated": int(clock[DEACTIVATED]),
            "splits_refused": int(clock[REFUSED]),
        }

    def describe(self) -> str:
        """The tree as text, one line a node, with the alternates that grow now."""
        return tree_text(self._tree, self.schema.features.names, self.schema.labels.names)

    # -- snapshots ---------------------------------------------------------------------

    def _capture_learned(self, copy: bool) -> dict[str, Any]:
        tree = self._tree
        return {
            "tree": {
                "nodes": capture(tree.nodes, copy),
                "blocks": capture(tree.blocks, copy),
                "detectors": capture(tree.detectors, copy),
                "work": {"clock": capture(tree.work.clock, copy)},
            },
            "window": capture(self._window, copy),
            "ensemble": capture(self._ensemble, copy),
            "changes": self._changes.snapshot(),
        }

    def _restore_learned(self, learned: Mapping[str, Any], schema: Schema) -> None:
        changes = ChangeLog()
        changes.restore(part_of(learned, "changes", dict))
        window = restore_value(learned.get("window"), self._window, "the windows")
        ensemble = restore_value(learned.get("ensemble"), self._ensemble, "the regressions")
        d, known = len(window.times), len(ensemble.z) // MEMBERS
        check(d >= 1 and known >= 1 and known % _LABEL_BLOCK == 0, "the tree", "has no usable size")
        tree = restore_tree(part_of(learned, "tree", dict), self._plan, d, known)
        check(tree.work.clock[KNOWN] <= len(schema.labels), "the tree", "has labels without name")
        w = window.values.shape[2]
        check(1 <= w <= WIDEST, "the windows", "have no usable width")
        sizes = _sizes(len(tree.blocks.owner), d, known, w)
        check_shapes(window, self._window_spec(), sizes)
        check_shapes(ensemble, ensemble_spec, sizes)
        check_window(window, d)
        self._tree, self._window, self._ensemble, self._changes = tree, window, ensemble, changes
        self._capacity = (d, known, w)
        self._y, self._known = np.zeros((2, known), np.float32)

    # -- running -----------------------------------------------------------------------

    def _run(self, batch: EventBatch, predict: bool, learn: bool, min_score: float) -> Predictions:
        self.bind(batch.schema)
        if len(batch) == 0:
            return Predictions.concatenate([])
        self._reserve(batch)
        rows = batch_arrays(batch, _OWN)
        parts: list[Predictions] = []
        start = 0
        while start < len(batch):
            stop = min(start + _RUN, len(batch))
            labels = max(int(batch.n_labels.max()), int(self._tree.work.clock[KNOWN]))
            output = new_output(stop - start if predict else 0, labels)
            start = run_tree(
                self._plan,
                rows,
                start,
                stop,
                predict,
                learn,
                *self._tree,
                self._window,
                self._ensemble,
                self._y,
                self._known,
                output,
                np.float32(min_score),
                batch.schema.absent_is_zero,
            )
            if predict:
                parts.append(predictions_of(output))
            self._changes.extend(take_changes(self._tree.work))
            self._position = int(self._tree.work.clock[POSITION])
            if start < stop:
                self._extend_tree()
        return Predictions.concatenate(parts)

    def _reserve(self, batch: EventBatch) -> None:
        """Make room for the columns of a batch; how much there is changes no result."""
        d, known, w = self._capacity
        features = max(int(batch.x_indices.max(initial=-1)) + 1, int(batch.n_features.max()))
        labels = max(int(batch.n_labels.max()), int(self._tree.work.clock[KNOWN]))
        widest = min(int(np.diff(batch.x_indptr).max()), WIDEST)
        if features <= d and labels <= known and widest <= w:
            return
        if features > d:
            d = max(features, min(2 * d, d + 4096))
        if labels > known:
            known = _padded(max(labels, min(2 * known, known + 512)))
        if widest > w:
            w = min(max(widest, 2 * w), WIDEST)
        self._capacity = (d, known, w)
        self._grow(grow_tree(self._tree, self._plan, d, known))

    def _extend_tree(self) -> None:
        """More nodes and blocks, as the loop asked for."""
        d, known, _ = self._capacity
        self._grow(grow_tree(self._tree, self._plan, d, known, full=True))

    def _grow(self, tree: Tree) -> None:
        self._tree = tree
        self._window = grow(self._window, self._window_spec(), self._sizes())
        self._ensemble = grow(self._ensemble, ensemble_spec, self._sizes())
        if len(self._y) < self._capacity[1]:
            self._y, self._known = np.zeros((2, self._capacity[1]), np.float32)


def _sizes(b: int, d: int, known: int, w: int) -> dict[str, int]:
    return {
        "b": b,
        "d": d,
        "w": w,
        "words": -(-known // 64),
        "c1": min(d, COLUMNS) + 1,
        "le": known * MEMBERS,
    }


def _padded(n: int) -> int:
    return max(-(-n // _LABEL_BLOCK), 1) * _LABEL_BLOCK
