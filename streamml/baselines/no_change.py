"""No-change: tomorrow's labels are today's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numba import njit

from streamml.base import MIN_SCORE, Learner
from streamml.baselines._answer import answer, known_before, repeat_row
from streamml.state.capture import check, check_range
from streamml.types import (
    LABELS_FULL,
    LABELS_PARTIAL,
    EventBatch,
    Int32Array,
    Int64Array,
    Predictions,
    Schema,
    UInt8Array,
)

__all__ = ["NoChange"]


class NoChange(Learner):
    """Predicts the previous label set; the empty set at the first event.

    A partially known event changes the labels it knows and leaves the others as they
    were: ``(previous | positive) - negative``. An event without labels changes nothing.
    Memory and time an event are those of one label set.

    Examples
    --------
    >>> learner = NoChange()
    >>> learner.learn_one({"f": 1.0}, {"rain"})
    >>> learner.predict_one({"f": 2.0})
    {'rain': True}

    References
    ----------
    Bifet, Read, Zliobaite, Pfahringer and Holmes (2013), Pitfalls in benchmarking data
    stream classification and how to avoid them: the no-change classifier.
    """

    _learned = ("_previous", "_known")

    def __init__(self) -> None:
        self._previous = np.zeros(0, np.int32)
        self._known = 0

    def predict(self, batch: EventBatch, min_score: float = MIN_SCORE) -> Predictions:
        n = len(batch)
        known = np.full(n, max(self._known, batch.schema.declared_labels), np.int32)
        return answer(*repeat_row(self._previous, n), known, min_score)

    def learn(self, batch: EventBatch) -> None:
        self._follow(batch)

    def test_then_train(self, batch: EventBatch, min_score: float = MIN_SCORE) -> Predictions:
        known = known_before(self._known, batch)
        indptr, indices = self._follow(batch)
        return answer(indptr, indices, known, min_score)

    def _check_learned(self, learned: Mapping[str, Any], schema: Schema) -> None:
        check(0 <= learned["_known"] <= len(schema.labels), "the previous label set", "is too long")
        check_range(learned["_previous"], 0, learned["_known"], "the previous label set")
        check(
            bool((np.diff(learned["_previous"]) > 0).all()),
            "the previous label set",
            "is unordered",
        )

    def _follow(self, batch: EventBatch) -> tuple[Int64Array, Int32Array]:
        self.bind(batch.schema)
        indptr, indices, last = _follow(
            self._previous,
            batch.y_indptr,
            batch.y_indices,
            np.require(batch.y_kind, requirements="W"),
            batch.negative_indptr,
            batch.negative_indices,
        )
        self._previous = last.copy()
        if len(batch):
            self._known = max(self._known, int(batch.n_labels.max()))
            self._position += len(batch)
        return indptr, indices


@njit(cache=True)
def _follow(
    current: Int32Array,
    y_indptr: Int64Array,
    y_indices: Int32Array,
    y_kind: UInt8Array,
    negative_indptr: Int64Array,
    negative_indices: Int32Array,
) -> tuple[Int64Array, Int32Array, Int32Array]:
    """The label set that stood before each event, and the one after the last."""
    n = len(y_kind)
    indptr = np.zeros(n + 1, np.int64)
    indices = np.empty(len(current) + len(y_indices) + 16, np.int32)
    for i in range(n):
        end = indptr[i] + len(current)
        if end > len(indices):
            grown = np.empty(2 * end, np.int32)
            for k in range(indptr[i]):
                grown[k] = indices[k]
            indices = grown
        for k in range(len(current)):
            indices[indptr[i] + k] = current[k]
        indptr[i + 1] = end
        true = y_indices[y_indptr[i] : y_indptr[i + 1]]
        if y_kind[i] == LABELS_FULL:
            current = true
        elif y_kind[i] == LABELS_PARTIAL:
            negative = negative_indices[negative_indptr[i] : negative_indptr[i + 1]]
            current = _revise(current, true, negative)
    return indptr, indices[: indptr[n]], current


@njit(cache=True)
def _revise(current: Int32Array, positive: Int32Array, negative: Int32Array) -> Int32Array:
    """``(current | positive) - negative``; all three ascend, and so does the result."""
    out = np.empty(len(current) + len(positive), np.int32)
    i = j = k = n = 0
    while i < len(current) or j < len(positive):
        if j == len(positive) or (i < len(current) and current[i] <= positive[j]):
            column = current[i]
            j += j < len(positive) and positive[j] == column
            i += 1
        else:
            column = positive[j]
            j += 1
        while k < len(negative) and negative[k] < column:
            k += 1
        if k == len(negative) or negative[k] != column:
            out[n] = column
            n += 1
    return out[:n]
