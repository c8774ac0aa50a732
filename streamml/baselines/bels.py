"""ML-BELS: a broad ensemble learning system for many labels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from streamml.baselines._bels_ensemble import RidgeEnsemble
from streamml.baselines._bels_features import BroadFeatures
from streamml.baselines._one_by_one import Answer, OneByOne, Row, Truth
from streamml.errors import ConfigError
from streamml.state.capture import check
from streamml.state.parameters import SEED, Constraints, Real, Whole, check_parameters
from streamml.types import BoolArray, Float64Array, Schema

__all__ = ["MLBELS"]

_WIDEST = 4000  # features: a regression holds a matrix of their square
_ALL_LABELS = 2  # regressions of the ensemble over all labels together


class MLBELS(OneByOne):
    """Broad learning on small batches: one feature layer, an ensemble for each label.

    Where the last batch had many labels an event (``tau`` and more), what an ensemble over
    all labels together says weighs the labels' answers. Where no label is on, the likeliest
    is. An absent feature counts as zero; only wholly known label sets are learned. Before
    the first full batch the empty set is predicted.

    Parameters
    ----------
    n1, n2, n3
        Mapped features of a window, windows, enhancement nodes; each at least 1, and
        ``n1 * n2 + n3`` at most 4,000.
    max_learners
        Regressions of a label's ensemble at most.
    shrink
        Scale of the enhancement nodes.
    ridge
        Regularisation of the regressions.
    batch
        Events learned together, at least 2.
    tau
        Mean number of labels an event from which labels inform each other.
    seed
        Everything random hangs on it.

    Examples
    --------
    >>> learner = MLBELS(batch=20)
    >>> for t in range(60):
    ...     learner.learn_one({"f": float(t % 2), "g": 1.0 - t % 2}, {"odd"} if t % 2 else {"even"})
    >>> learner.predict_one({"f": 1.0, "g": 0.0})
    {'even': False, 'odd': True}

    Notes
    -----
    Written from the paper and from what its public code does. Not checked: parts of the
    paper that the code leaves out (missing labels), and the random numbers themselves. A
    label that appears late begins with an empty ensemble.

    References
    ----------
    Bakhshi and Can (2023), Balancing efficiency vs. effectiveness and providing missing
    label robustness in multi-label stream classification, arXiv 2310.00665.
    """

    _learned = ("_features", "_each", "_all", "_rows", "_sets", "_cardinality")
    _constraints: ClassVar[Constraints] = {
        "n1": Whole(1, 500),
        "n2": Whole(1, 1000),
        "n3": Whole(1, 1000),
        "max_learners": Whole(1, 10_000),
        "shrink": Real(0, 1000),
        "ridge": Real(0, 1e6, closed="right"),
        "batch": Whole(2, 100_000),
        "tau": Real(0, 1e6),
        "seed": SEED,
    }

    def __init__(
        self,
        n1: int = 3,
        n2: int = 25,
        n3: int = 1,
        max_learners: int = 100,
        shrink: float = 0.8,
        ridge: float = 2.0**-30,
        batch: int = 50,
        tau: float = 1.5,
        seed: int = 1,
    ) -> None:
        self.n1 = n1
        self.n2 = n2
        self.n3 = n3
        self.max_learners = max_learners
        self.shrink = shrink
        self.ridge = ridge
        self.batch = batch
        self.tau = tau
        self.seed = seed
        check_parameters(self)
        width = self.n1 * self.n2 + self.n3
        if width > _WIDEST:
            raise ConfigError(
                f"n1 * n2 + n3 of MLBELS must be at most {_WIDEST}, not {width}: lower one of them."
            )
        self._features = BroadFeatures(
            self.n1, self.n2, self.n3, self.shrink, np.random.default_rng(self.seed)
        )
        self._each: list[RidgeEnsemble] = []
        self._all: RidgeEnsemble | None = None
        self._rows: list[Row] = []
        self._sets: list[list[int]] = []
        self._cardinality = 0.0

    def _check_learned(self, learned: Mapping[str, Any], schema: Schema) -> None:
        each = learned["_each"]
        check(type(each) is list and len(each) <= len(schema.labels), "the ensembles", "are odd")
        ensembles = each if learned["_all"] is None else [*each, learned["_all"]]
        fits = all(type(ensemble) is RidgeEnsemble for ensemble in ensembles)
        check(fits and type(learned["_features"]) is BroadFeatures, "the ensembles", "are none")
        rows, sets = learned["_rows"], learned["_sets"]
        check(type(rows) is list and all(type(row) is Row for row in rows), "the batch", "is none")
        check(type(sets) is list and len(sets) == len(rows), "the batch", "is uneven")

    def _answer(self, row: Row, n_labels: int) -> Answer:
        scores = np.zeros(n_labels)
        if not self._each:
            return Answer(np.zeros(n_labels, np.bool_), scores.astype(np.float32))
        found = self._scores(self._features.transform(self._matrix([row])))[0, :, 0]
        scores[: len(found)] = found[:n_labels]
        decided = self._decide(scores)
        return Answer(decided, np.clip(scores, 0.0, 1.0).astype(np.float32))

    def _decide(self, scores: Float64Array) -> BoolArray:
        decided = scores > 0.5
        if not decided.any() and len(scores):
            decided[scores.argmax()] = True
        return decided

    def _scores(self, features: Float64Array) -> Float64Array:
        """Score in [0, 1] of every label, ``(n, labels, 1)``."""
        votes = np.stack([ensemble.scores(features) for ensemble in self._each], axis=1)
        if self._all is not None and self._cardinality >= self.tau:
            every = self._all.scores(features)
            low, high = every.min(axis=1, keepdims=True), every.max(axis=1, keepdims=True)
            together = (every - low) / np.maximum(high - low, 1e-12)
            together = np.pad(together, ((0, 0), (0, len(self._each) - together.shape[1])))
            votes = np.abs(votes) * np.stack([1.0 - together, together], axis=2)
        off, on = votes[:, :, 0], votes[:, :, 1]
        return _share(on, off)[:, :, None]

    def _study(self, row: Row, truth: Truth, n_labels: int) -> None:
        if not truth.full:
            return
        self._rows.append(Row(row.columns.copy(), row.values.copy(), *row[2:]))
        self._sets.append(truth.positive.tolist())
        if len(self._rows) >= self.batch:
            self._learn_batch(n_labels)
            self._rows, self._sets = [], []

    def _learn_batch(self, n_labels: int) -> None:
        x = self._matrix(self._rows)
        y = np.zeros((len(x), n_labels))
        for i, columns in enumerate(self._sets):
            y[i, columns] = 1.0
        first = not self._each
        before = None if first else self._features.transform(x)
        after = self._features.learn(x)
        before = after if before is None else before
        while len(self._each) < n_labels:
            self._each.append(
                RidgeEnsemble(self._features.width, 2, self.max_learners, self.ridge, 0.5)
            )
        for k, ensemble in enumerate(self._each):
            ensemble.learn(before, after, np.stack([1.0 - y[:, k], y[:, k]], axis=1))
        if self._all is None or self._all.cross.shape[2] < n_labels:
            self._all = RidgeEnsemble(self._features.width, n_labels, _ALL_LABELS, self.ridge, 0.3)
        self._all.learn(before, after, y)
        self._cardinality = float(y.sum() / len(y))

    def _matrix(self, rows: list[Row]) -> Float64Array:
        d = max(max(row.n_features, int(row.columns.max(initial=-1)) + 1) for row in rows)
        x = np.zeros((len(rows), max(d, 1)))
        for i, row in enumerate(rows):
            x[i, row.columns] = row.values
        return x


def _share(on: Float64Array, off: Float64Array) -> Float64Array:
    """Above one half where ``on`` exceeds ``off``; a score between 0 and 1."""
    found: Float64Array = 1.0 / (1.0 + np.exp(-np.clip(4.0 * (on - off), -60.0, 60.0)))
    return found
