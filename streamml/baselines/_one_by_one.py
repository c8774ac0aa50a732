"""Learners that work through a batch event by event in Python, whatever they wrap."""

from __future__ import annotations

import abc
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from streamml.base import MIN_SCORE, Learner
from streamml.state.capture import check, part_of
from streamml.state.objects import capture_objects, restore_objects
from streamml.types import (
    LABELS_FULL,
    LABELS_UNKNOWN,
    BoolArray,
    EventBatch,
    Float32Array,
    Int32Array,
    Predictions,
    Schema,
)

__all__ = ["Answer", "OneByOne", "Row", "Truth"]


class Row(NamedTuple):
    """The features of one event: columns (unique) and values, and what an absent one means."""

    columns: Int32Array
    values: Float32Array
    n_features: int
    absent_is_zero: bool

    def with_zeros(self) -> Row:
        """The same with absent features as zeros, where that is what they mean."""
        if not self.absent_is_zero:
            return self
        width = max(self.n_features, int(self.columns.max(initial=-1)) + 1)
        values = np.zeros(width, np.float32)
        values[self.columns] = self.values
        return Row(np.arange(width, dtype=np.int32), values, self.n_features, True)


class Truth(NamedTuple):
    """What is known of the labels of one event: columns, ascending."""

    positive: Int32Array
    negative: Int32Array
    full: bool


class Answer(NamedTuple):
    """One decision and one score in [0, 1] for each known label."""

    decided: BoolArray
    scores: Float32Array


class OneByOne(Learner):
    """A learner that is given one event after the other.

    A subclass defines :meth:`_answer` (which must change nothing) and :meth:`_study`. What
    ``_learned`` names may be any objects of river's or of the baselines' own: they are saved
    as one graph. :meth:`_check_learned` says what their kinds must be.
    """

    _known: int = 0

    @abc.abstractmethod
    def _answer(self, row: Row, n_labels: int) -> Answer:
        """Decide the first ``n_labels`` labels of one event."""

    @abc.abstractmethod
    def _study(self, row: Row, truth: Truth, n_labels: int) -> None:
        """Learn one event whose labels are known, wholly or in part."""

    def predict(self, batch: EventBatch, min_score: float = MIN_SCORE) -> Predictions:
        known = max(self._known, batch.schema.declared_labels)
        answers = [self._answer(_row(batch, i), known) for i in range(len(batch))]
        return _predictions(answers, min_score)

    def learn(self, batch: EventBatch) -> None:
        self._run(batch, predict=False)

    def test_then_train(self, batch: EventBatch, min_score: float = MIN_SCORE) -> Predictions:
        return _predictions(self._run(batch, predict=True), min_score)

    def _capture_learned(self, copy: bool) -> dict[str, Any]:
        del copy  # a graph shares no memory with what it was taken of
        return {
            "known": self._known,
            "graph": capture_objects({name: getattr(self, name) for name in self._learned}),
        }

    def _restore_learned(self, learned: Mapping[str, Any], schema: Schema) -> None:
        known = part_of(learned, "known", int, "the learner")
        check(0 <= known <= len(schema.labels), "the learner", "knows labels without name")
        found = restore_objects(part_of(learned, "graph", dict, "the learner"))
        fits = type(found) is dict and bool(found) and set(found) <= set(self._learned)
        check(fits, "the learner", "has learned other things")
        if set(found) < set(self._learned):  # what is new begins as in a new one
            fresh = self.clone()
            found = {name: getattr(fresh, name) for name in self._learned} | found
        self._check_learned(found, schema)
        vars(self).update(found)
        self._known = known

    def _run(self, batch: EventBatch, predict: bool) -> list[Answer]:
        self.bind(batch.schema)
        answers = []
        for i in range(len(batch)):
            row = _row(batch, i)
            if predict:
                known = max(self._known, batch.schema.declared_labels)
                answers.append(self._answer(row, known))
            # labels that were late are learned after events that knew more
            self._known = max(self._known, int(batch.n_labels[i]))
            self._position += 1
            if batch.y_kind[i] != LABELS_UNKNOWN:
                self._study(row, _truth(batch, i, self._known), self._known)
        return answers


def _row(batch: EventBatch, i: int) -> Row:
    span = slice(batch.x_indptr[i], batch.x_indptr[i + 1])
    return Row(
        batch.x_indices[span],
        batch.x_values[span],
        int(batch.n_features[i]),
        batch.schema.absent_is_zero,
    )


def _truth(batch: EventBatch, i: int, known: int) -> Truth:
    positive = batch.y_indices[batch.y_indptr[i] : batch.y_indptr[i + 1]]
    if batch.y_kind[i] == LABELS_FULL:
        every = np.ones(known, np.bool_)
        every[positive] = False
        return Truth(positive, np.flatnonzero(every).astype(np.int32), True)
    span = slice(batch.negative_indptr[i], batch.negative_indptr[i + 1])
    return Truth(positive, batch.negative_indices[span], False)


def _predictions(answers: list[Answer], min_score: float) -> Predictions:
    if not answers:
        return Predictions.concatenate([])
    decided = [np.flatnonzero(a.decided) for a in answers]
    named = [np.flatnonzero(a.decided | (a.scores >= min_score)) for a in answers]
    scores = [a.scores[columns] for a, columns in zip(answers, named, strict=True)]
    return Predictions(
        np.cumsum([0, *map(len, decided)], dtype=np.int64),
        np.concatenate(decided).astype(np.int32),
        np.cumsum([0, *map(len, named)], dtype=np.int64),
        np.concatenate(named).astype(np.int32),
        np.concatenate(scores).astype(np.float32),
    )
