"""An alternate learner beside the main one, from a warning on until one of them proves better.

A cluster whose loss rises gets a competitor that starts from nothing. Where that one is
better by more than chance, its state of the cluster's labels replaces the old one; where it
is worse, the trial is over. So a true drift costs what was wrong anyway, and a false alarm
costs time only.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from streamml.ihomer.mixture import Mixture
from streamml.state.capture import capture, check, part_of, restore_value
from streamml.types import (
    LABELS_FULL,
    LABELS_UNKNOWN,
    BoolArray,
    EventBatch,
    Int32Array,
    Int64Array,
    Predictions,
    Schema,
)

__all__ = ["Alternate", "Competitor", "Verdict"]

_EVERY = 25  # labelled events between two looks
_LEAST = 50  # ... before the first verdict of a cluster
_MOST = 2_000  # ... after which what is undecided stays as it is
_SIGMAS = math.sqrt(2.0 * math.log(1.0 / 0.1))


class Competitor(Protocol):
    """What learns beside the main learner."""

    mixture: Mixture

    def test_then_train(self, batch: EventBatch) -> Predictions:
        """Predict, then learn."""

    def snapshot(self, copy: bool = True) -> dict[str, Any]:
        """All that it learned, as plain values."""

    def restore(self, snapshot: Mapping[str, Any], schema: Schema) -> None:
        """Go to a state that :meth:`snapshot` gave."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """A cluster whose trial is over: mean gain of the alternate's Hamming loss, and the bound."""

    leaf: int
    better: bool
    gain: float
    bound: float


class Alternate:
    """A learner on trial, and its paired Hamming losses with the main one by cluster.

    Parameters
    ----------
    learner
        The competitor, nothing learned yet.
    clusters
        Number of clusters now.

    References
    ----------
    Alternate trees: Hulten, Spencer and Domingos (2001), Mining time-changing data streams.
    The bound is Freedman's for a sum of bounded differences, with the variance seen and
    without its term in 1/n.
    """

    def __init__(self, learner: Competitor, clusters: int) -> None:
        self.learner = learner
        self.events = 0
        """Labelled events seen."""
        self.next_check = _EVERY
        self.restart(clusters)

    def restart(self, clusters: int) -> None:
        """New clusters: begin to compare anew."""
        self._n = np.zeros(clusters)
        self._sums = np.zeros((2, clusters))  # of gains and of their squares
        self._over = np.zeros(clusters, np.bool_)

    @property
    def until_check(self) -> int:
        """Labelled events until the next look at the comparison."""
        return self.next_check - self.events

    @property
    def ended(self) -> bool:
        """Whether nothing is left to find out."""
        return bool(self._over.all()) or self.events >= _MOST

    def is_over(self, leaf: int) -> bool:
        """Whether a cluster has its verdict."""
        return bool(self._over[leaf])

    def snapshot(self, copy: bool = True) -> dict[str, Any]:
        """The learner, and the comparison so far."""
        trial = {"events": self.events, "next_check": self.next_check, "over": self._over}
        trial |= {"n": self._n, "sums": self._sums}
        return {"trial": capture(trial, copy), "learner": self.learner.snapshot(copy)}

    def restore(self, snapshot: Mapping[str, Any], schema: Schema) -> None:
        """Go to a state that :meth:`snapshot` gave."""
        trial = part_of(snapshot, "trial", dict)
        for name, array in {"n": self._n, "sums": self._sums, "over": self._over}.items():
            found = restore_value(trial.get(name), array, f"alternate.{name}")
            check(found.shape == array.shape, f"alternate.{name}", "is of other clusters")
            array[...] = found
        self.events = restore_value(trial.get("events"), 0, "alternate.events")
        self.next_check = restore_value(trial.get("next_check"), 0, "alternate.next_check")
        check(0 <= self.events < self.next_check, "alternate.events", "is out of range")
        self.learner.restore(part_of(snapshot, "learner", dict), schema)

    def compare(
        self, events: EventBatch, made: Predictions, leaf_of: Int32Array, known_labels: int
    ) -> list[Verdict]:
        """Run the alternate over events that the main one has just learned.

        ``known_labels``: how many it knew before.
        """
        rival = self.learner.test_then_train(events)
        # an event counts on the labels known at it, wherever the run of events ends
        brought = np.where(events.y_kind == LABELS_UNKNOWN, 0, events.n_labels)
        so_far = np.maximum.accumulate(np.maximum(brought, known_labels))
        n_labels = int(so_far[-1])
        member = np.zeros((n_labels, len(self._n)))
        member[np.arange(n_labels), leaf_of[:n_labels]] = 1.0
        true = _dense(events.y_indptr, events.y_indices, n_labels)
        known = true | _dense(events.negative_indptr, events.negative_indices, n_labels)
        full = (events.y_kind == LABELS_FULL)[:, None]
        known |= full & (np.arange(n_labels) < so_far[:, None])
        wrong = (_dense(made.indptr, made.indices, n_labels) != true).astype(np.float64)
        wrong -= _dense(rival.indptr, rival.indices, n_labels) != true
        sizes = known @ member
        gains = (wrong * known) @ member / np.maximum(sizes, 1.0)
        self._n += (sizes > 0).sum(0)
        # one event after the other, so that the cut into runs changes no bit
        steps = np.stack([gains, gains**2], 1)
        self._sums = np.cumsum(np.concatenate([self._sums[None], steps]), 0)[-1]
        self.events += int((events.y_kind != LABELS_UNKNOWN).sum())
        return self._verdicts()

    def _verdicts(self) -> list[Verdict]:
        if self.events < self.next_check:
            return []
        self.next_check = self.events + _EVERY
        found = []
        for leaf in np.flatnonzero(~self._over & (self._n >= _LEAST)).tolist():
            n = float(self._n[leaf])
            gain, square = (self._sums[:, leaf] / n).tolist()
            bound = _SIGMAS * math.sqrt(max(square - gain**2, 1e-6) / n)
            if abs(gain) > bound:
                self._over[leaf] = True
                found.append(Verdict(leaf, gain > 0.0, gain, bound))
        return found


def _dense(indptr: Int64Array, indices: Int32Array, n_labels: int) -> BoolArray:
    rows = np.repeat(np.arange(len(indptr) - 1), np.diff(indptr))
    dense = np.zeros((len(indptr) - 1, n_labels), np.bool_)
    dense[rows, indices] = True
    return dense
