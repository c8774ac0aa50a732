"""Label sets seen in a leaf: the most frequent one, or pruned sets under a classifier."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from river.tree import HoeffdingTreeClassifier

from streamml.baselines._one_by_one import Answer, Row
from streamml.types import Int32Array

__all__ = ["LeafModel", "MajoritySet", "PrunedSets", "as_answer"]

Columns = tuple[int, ...]


class LeafModel(Protocol):
    """What a leaf predicts with."""

    @property
    def best(self) -> Columns:
        """The label set seen most often."""

    def answer(self, row: Row, n_labels: int) -> Answer:
        """Decide the labels of one event."""

    def learn(self, row: Row, positive: Int32Array) -> None:
        """Learn one event whose label set is wholly known."""


class MajoritySet:
    """The label set seen most often here; before the first event, that of the parent."""

    def __init__(self, parent: Columns = ()) -> None:
        self.counts: dict[Columns, int] = {}
        self.best = parent

    def answer(self, row: Row, n_labels: int) -> Answer:  # noqa: ARG002
        return as_answer(self.best, n_labels)

    def learn(self, row: Row, positive: Int32Array) -> None:  # noqa: ARG002
        key = tuple(positive.tolist())
        self.counts[key] = self.counts.get(key, 0) + 1
        if self.counts[key] > self.counts.get(self.best, 0):
            self.best = key


class PrunedSets:
    """A Hoeffding tree of river's over label sets as classes; rare sets go to frequent subsets.

    Parameters
    ----------
    parent
        What is predicted before the first event.
    prune
        A set seen at most so often is rare.
    keep
        A rare set is learned as its so many most frequent proper subsets that are not rare.
    """

    def __init__(self, parent: Columns, prune: int, keep: int, **tree: Any) -> None:
        self.majority = MajoritySet(parent)
        self.prune = prune
        self.keep = keep
        self.tree: Any = HoeffdingTreeClassifier(**tree)
        self.learned = False

    @property
    def best(self) -> Columns:
        return self.majority.best

    def answer(self, row: Row, n_labels: int) -> Answer:
        if not self.learned:
            return self.majority.answer(row, n_labels)
        shares = self.tree.predict_proba_one(_x(row))
        scores = np.zeros(n_labels, np.float32)
        total = sum(shares.values())
        for key, share in shares.items():
            scores[list(key)] += share / total if total > 0 else 0.0
        scores = np.minimum(scores, 1.0)
        return Answer(scores > 0.5, scores)

    def learn(self, row: Row, positive: Int32Array) -> None:
        self.majority.learn(row, positive)
        counts, key = self.majority.counts, tuple(positive.tolist())
        classes = [key]
        if counts[key] <= self.prune:
            mine = set(key)
            frequent = [s for s, n in counts.items() if n > self.prune and mine.issuperset(s)]
            classes = sorted(frequent, key=lambda s: (-len(s), -counts[s], s))[: self.keep]
        for found in classes:
            self.tree.learn_one(_x(row), found)
            self.learned = True


def _x(row: Row) -> dict[int, float]:
    return dict(zip(row.columns.tolist(), row.values.tolist(), strict=True))


def as_answer(columns: Columns, n_labels: int) -> Answer:
    """A decided label set; every decided label scores 1."""
    decided = np.zeros(n_labels, np.bool_)
    decided[[c for c in columns if c < n_labels]] = True
    return Answer(decided, decided.astype(np.float32))
