"""Multi-label Hoeffding trees: one tree for all labels, label sets in its leaves."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from streamml.baselines._hoeffding import SPLITS
from streamml.baselines._leaf_sets import LeafModel, MajoritySet, PrunedSets
from streamml.baselines._observers import Observers, Split
from streamml.baselines._one_by_one import Answer, OneByOne, Row, Truth
from streamml.state.capture import check
from streamml.state.parameters import COUNT, Constraints, Flag, Whole, check_parameters
from streamml.types import Float64Array, Int32Array, Schema

__all__ = ["MLHT", "MLHTPS"]


@dataclass(slots=True)
class _Leaf:
    model: LeafModel
    weight: float = 0.0
    counts: Float64Array = field(default_factory=lambda: np.zeros(0))
    observers: Observers = field(default_factory=Observers)
    last_attempt: float = 0.0

    def observe(self, row: Row, positive: Int32Array, n_labels: int) -> None:
        if n_labels > len(self.counts):
            self.counts = np.pad(self.counts, (0, n_labels - len(self.counts)))
        self.weight += 1.0
        self.counts[positive] += 1.0
        self.observers.observe(row.columns, row.values, positive)


@dataclass(slots=True)
class _Branch:
    feature: int
    threshold: float
    children: list[_Leaf | _Branch]
    seen: list[float]

    def side(self, row: Row) -> int:
        """0 or 1; without the feature, the side that more events took."""
        at = np.flatnonzero(row.columns == self.feature)
        if len(at):
            return int(row.values[at[0]] > self.threshold)
        return int(self.seen[1] > self.seen[0])


class MLHT(OneByOne):
    """Multi-label Hoeffding tree whose leaves predict their majority label set.

    Splits maximise the gain in the sum of the labels' binary entropies; features have a
    Gaussian observer for each label. A feature that is absent, and does not mean zero, is
    not observed, and an event without it follows the side that more events took. Only
    wholly known label sets are learned.

    Parameters
    ----------
    grace_period
        Events of a leaf between two looks for a split, at least 1.
    delta, tau
        One minus the confidence of the Hoeffding bound, and the bound at which ties split.
    n_splits
        Thresholds tried for each feature.
    max_depth
        Branches above a leaf at most.
    zeros
        Observe absent features as zeros where the schema says that absent means zero.

    Examples
    --------
    >>> learner = MLHT(grace_period=20)
    >>> for t in range(400):
    ...     learner.learn_one({"f": float(t % 7)}, {"high"} if t % 7 > 3 else {"low"})
    >>> learner.predict_one({"f": 6.0})["high"], learner.n_leaves
    (True, 2)

    References
    ----------
    Read, Bifet, Holmes and Pfahringer (2012), Scalable and efficient multi-label
    classification for evolving data streams, Machine Learning 88.
    """

    _learned = ("_root",)
    _constraints: ClassVar[Constraints] = {
        **SPLITS,
        "n_splits": Whole(1, 10_000),
        "max_depth": Whole(0, 500),  # of recursion
        "zeros": Flag(),
    }

    def __init__(
        self,
        grace_period: int = 200,
        delta: float = 1e-5,
        tau: float = 0.05,
        n_splits: int = 10,
        max_depth: int = 30,
        zeros: bool = True,
    ) -> None:
        self.grace_period = grace_period
        self.delta = delta
        self.tau = tau
        self.n_splits = n_splits
        self.max_depth = max_depth
        self.zeros = zeros
        check_parameters(self)
        self._root: _Leaf | _Branch = _Leaf(self._model(()))

    def _model(self, parent: tuple[int, ...]) -> LeafModel:
        return MajoritySet(parent)

    def _check_learned(self, learned: Mapping[str, Any], schema: Schema) -> None:  # noqa: ARG002
        check(type(learned["_root"]) in (_Leaf, _Branch), "the tree", "is none")

    @property
    def n_leaves(self) -> int:
        """Number of leaves."""

        def count(node: _Leaf | _Branch) -> int:
            return 1 if isinstance(node, _Leaf) else sum(map(count, node.children))

        return count(self._root)

    def _answer(self, row: Row, n_labels: int) -> Answer:
        row = row.with_zeros() if self.zeros else row
        node = self._root
        while isinstance(node, _Branch):
            node = node.children[node.side(row)]
        return node.model.answer(row, n_labels)

    def _study(self, row: Row, truth: Truth, n_labels: int) -> None:
        if not truth.full:
            return
        row = row.with_zeros() if self.zeros else row
        parent, side, depth, node = None, 0, 0, self._root
        while isinstance(node, _Branch):
            parent, side = node, node.side(row)
            parent.seen[side] += 1.0
            node, depth = node.children[side], depth + 1
        node.observe(row, truth.positive, n_labels)
        node.model.learn(row, truth.positive)
        if node.weight - node.last_attempt >= self.grace_period and depth < self.max_depth:
            node.last_attempt = node.weight
            split = self._split(node, n_labels)
            if split is not None and parent is None:
                self._root = self._branch(node, split)
            elif split is not None and parent is not None:
                parent.children[side] = self._branch(node, split)

    def _split(self, leaf: _Leaf, n_labels: int) -> Split | None:
        """The best split, where the bound says that it is, and that it gains anything."""
        if not ((leaf.counts > 0) & (leaf.counts < leaf.weight)).any():
            return None
        found = leaf.observers.best(leaf.weight, leaf.counts, self.n_splits)
        if not found or found[0].merit <= 0:
            return None
        second = max(found[1].merit if len(found) > 1 else 0.0, 0.0)
        spread = math.log2(max(n_labels, 2))
        bound = math.sqrt(spread**2 * math.log(1.0 / self.delta) / (2.0 * leaf.weight))
        return found[0] if found[0].merit - second > bound or bound < self.tau else None

    def _branch(self, leaf: _Leaf, split: Split) -> _Branch:
        children: list[_Leaf | _Branch] = [
            _Leaf(self._model(leaf.model.best), weight, counts, last_attempt=weight)
            for weight, counts in split.sides
        ]
        return _Branch(split.feature, split.threshold, children, [w for w, _ in split.sides])


class MLHTPS(MLHT):
    """Multi-label Hoeffding tree with pruned label sets under a Hoeffding tree in its leaves.

    Parameters
    ----------
    grace_period, delta, tau, n_splits, max_depth, zeros
        As in :class:`MLHT`; the first three also of the trees in the leaves.
    prune, keep
        A label set seen at most ``prune`` times in its leaf is learned as its ``keep``
        largest frequent subsets.

    Examples
    --------
    >>> learner = MLHTPS()
    >>> for t in range(30):
    ...     learner.learn_one({"f": t % 2 + 0.1 * (t % 3)}, {"odd"} if t % 2 else {"even"})
    >>> learner.predict_one({"f": 1.0})
    {'even': False, 'odd': True}

    References
    ----------
    Read, Pfahringer and Holmes (2008), Multi-label classification using ensembles of
    pruned sets; Read, Bifet, Holmes and Pfahringer (2012), as above.
    """

    _constraints: ClassVar[Constraints] = {
        **MLHT._constraints,
        "prune": Whole(0, 10**9),
        "keep": COUNT,
    }

    def __init__(
        self,
        grace_period: int = 200,
        delta: float = 1e-5,
        tau: float = 0.05,
        n_splits: int = 10,
        max_depth: int = 30,
        zeros: bool = True,
        prune: int = 1,
        keep: int = 2,
    ) -> None:
        self.prune = prune
        self.keep = keep
        super().__init__(grace_period, delta, tau, n_splits, max_depth, zeros)

    def _model(self, parent: tuple[int, ...]) -> LeafModel:
        tree = {"grace_period": self.grace_period, "delta": self.delta, "tau": self.tau}
        return PrunedSets(parent, self.prune, self.keep, **tree)
