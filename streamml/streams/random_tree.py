"""Labels that a random decision tree gives: a label set in every leaf."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np

from streamml.errors import ConfigError
from streamml.streams.label_plan import LabelState, cells
from streamml.streams.schedule import Blend
from streamml.streams.synthetic import Draws, SyntheticStream
from streamml.types import BoolArray, Float64Array, Int64Array

__all__ = ["RandomTreeStream"]


class _Tree(NamedTuple):
    """A full binary tree in heap order; children of node i are 2 i + 1 and 2 i + 2."""

    feature: Int64Array
    threshold: Float64Array
    labels: BoolArray  # (leaves, labels)


class _Concept(NamedTuple):
    old: _Tree
    new: _Tree
    switched: BoolArray  # (leaves of old): events there follow the new tree


@dataclass(eq=False)
class RandomTreeStream(SyntheticStream):
    """A full random tree over features uniform in [0, 1) gives the label set.

    In an incremental drift of the concept one leaf after the other goes over to the new
    tree. Other parameters are :class:`~streamml.streams.synthetic.SyntheticStream`'s.

    Parameters
    ----------
    depth
        Tests from root to leaf, 1 to 12: the tree has ``2 ** depth`` leaves.

    Examples
    --------
    >>> stream = RandomTreeStream(seed=1, n_labels=25, drift="recurring")
    >>> len(stream.next_batch(500)), len(stream.schema.labels)
    (500, 25)

    References
    ----------
    Domingos and Hulten, Mining high-speed data streams, KDD 2000.
    """

    depth: int = 5

    NAME: ClassVar[str] = "random-tree"

    def _check(self) -> None:
        super()._check()
        if not 1 <= self.depth <= 12:
            raise ConfigError(f"depth must lie between 1 and 12, not {self.depth}.")

    def _draw(self, rng: np.random.Generator, n: int) -> Draws:
        return (rng.random((n, self.n_features)),)

    def _concept(self, blend: Blend, labels: LabelState) -> _Concept:
        old, new = (self._tree(number, labels) for number in (blend.old, blend.new))
        leaves = 1 << self.depth
        order = self._rng(blend.old, 1).permutation(leaves)
        return _Concept(old, new, order < blend.share * leaves)

    def _tree(self, number: int, labels: LabelState) -> _Tree:
        rng = self._rng(number)
        nodes = (1 << self.depth) - 1
        feature = rng.integers(0, self.n_features, nodes)
        place = rng.uniform(0.3, 0.7, nodes)
        threshold, mass = _split_space(feature, place, self.n_features)
        leaves = nodes + 1
        group = rng.standard_normal((leaves, self._plan.n_groups))[:, labels.groups]
        own = rng.standard_normal((leaves, self.n_labels))
        scores = np.sqrt(self.correlation) * group + np.sqrt(1.0 - self.correlation) * own
        return _Tree(feature, threshold, cells(scores, mass, labels.rates))

    def _make(self, concept: _Concept, draws: Draws) -> tuple[Float64Array, BoolArray]:
        x = draws[0]
        leaf = self._leaf(concept.old, x)
        on = concept.old.labels[leaf]
        rows = np.flatnonzero(concept.switched[leaf])
        if len(rows):
            on[rows] = concept.new.labels[self._leaf(concept.new, x[rows])]
        return x, on

    def _leaf(self, tree: _Tree, x: Float64Array) -> Int64Array:
        node = np.zeros(len(x), np.int64)
        rows = np.arange(len(x))
        for _ in range(self.depth):
            node = 2 * node + 1 + (x[rows, tree.feature[node]] > tree.threshold[node])
        return node - ((1 << self.depth) - 1)


def _split_space(
    feature: Int64Array, place: Float64Array, n_features: int
) -> tuple[Float64Array, Float64Array]:
    """Thresholds that cut each node's box at ``place``, and the leaves' shares of the space."""
    nodes = len(feature)
    low = np.zeros((2 * nodes + 1, n_features))
    high = np.ones((2 * nodes + 1, n_features))
    threshold = np.empty(nodes)
    for node in range(nodes):
        j, left, right = feature[node], 2 * node + 1, 2 * node + 2
        threshold[node] = low[node, j] + place[node] * (high[node, j] - low[node, j])
        low[left], low[right] = low[node], low[node]
        high[left], high[right] = high[node], high[node]
        high[left, j] = low[right, j] = threshold[node]
    return threshold, (high - low)[nodes:].prod(axis=1)
