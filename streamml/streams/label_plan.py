"""Which labels go together, how frequent each is, and which there are: state by state."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist
from typing import NamedTuple

import numpy as np

from streamml.streams.schedule import Blend
from streamml.types import BoolArray, Float64Array, Int64Array

__all__ = ["CORRELATION", "IMBALANCE", "LABELS", "LabelPlan", "LabelState", "cells", "cuts"]

IMBALANCE, CORRELATION, LABELS = 11, 12, 13  # random streams of their own
_SPREAD = 4.0  # the most frequent label stands this much more often than the rarest
_HIGHEST = 0.6  # share of the events that a label stands in at most


class LabelState(NamedTuple):
    """Group of each label, and the share of the events that it stands in."""

    groups: Int64Array
    rates: Float64Array


@dataclass(frozen=True, slots=True)
class LabelPlan:
    """The label side of a stream.

    Parameters
    ----------
    seed, n_labels
        As in the stream.
    cardinality
        Mean number of labels an event.
    what
        What drifts; the rest stays in state 0.
    """

    seed: int
    n_labels: int
    cardinality: float
    what: str

    @property
    def n_groups(self) -> int:
        """Groups of about four labels."""
        return max(2, self.n_labels // 4)

    @property
    def n_new(self) -> int:
        """Labels that appear at the first drift of the labels, and as many that vanish."""
        return max(1, self.n_labels // 4) if self.what == "labels" else 0

    def state(self, blend: Blend) -> LabelState:
        """Groups and rates of a state, or on the way between two."""
        old, new = self._state(blend.old), self._state(blend.new)
        # labels change their group one by one, in a fixed order, and their rate together
        order = np.random.default_rng([self.seed, CORRELATION]).permutation(self.n_labels)
        moved = order < blend.share * self.n_labels
        return LabelState(
            np.where(moved, new.groups, old.groups),
            (1.0 - blend.share) * old.rates + blend.share * new.rates,
        )

    def _state(self, number: int) -> LabelState:
        label = np.arange(self.n_labels)
        groups = label * self.n_groups // self.n_labels
        if self.what == "correlation" and number:
            groups = self._rng(CORRELATION, number).permutation(groups)
        weights = _SPREAD ** (-label / max(self.n_labels - 1, 1))
        weights = self._rng(IMBALANCE, 0).permutation(weights)
        if self.what == "imbalance" and number:
            weights = self._rng(IMBALANCE, number).permutation(weights)
        # a window of the labels that moves on, round and round
        absent = (label - number * self.n_new) % self.n_labels >= self.n_labels - self.n_new
        weights = np.where(absent, 0.0, weights)
        rates = np.minimum(self.cardinality * weights / weights.sum(), _HIGHEST)
        return LabelState(groups, rates)

    def _rng(self, stream: int, number: int) -> np.random.Generator:
        return np.random.default_rng([self.seed, stream, number])


def cuts(rates: Float64Array) -> Float64Array:
    """Where a standard normal score must lie above, to do so in these shares of the events."""
    normal = NormalDist()
    return np.array([normal.inv_cdf(1.0 - r) if r > 0.0 else np.inf for r in rates.tolist()])


def cells(scores: Float64Array, mass: Float64Array, rates: Float64Array) -> BoolArray:
    """Labels of cells of known mass: for each label the best cells, up to its rate.

    Parameters
    ----------
    scores
        ``(cells, labels)``.
    mass
        ``(cells,)``, sums to 1.
    rates
        ``(labels,)``.
    """
    order = np.argsort(-scores, axis=0, kind="stable")
    taken = np.cumsum(mass[order], axis=0) - 0.5 * mass[order]
    on = np.zeros(scores.shape, np.bool_)
    np.put_along_axis(on, order, taken < rates, axis=0)
    return on
