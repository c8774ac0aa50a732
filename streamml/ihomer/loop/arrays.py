"""What the hot loop is handed and what it fills: named tuples of arrays."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from streamml.drift.adwin import AdwinState
from streamml.types import (
    EventBatch,
    Float32Array,
    Float64Array,
    Int32Array,
    Int64Array,
    Predictions,
    UInt8Array,
)

__all__ = [
    "CALM",
    "DRIFT",
    "WARNING",
    "BatchArrays",
    "ClusterDetectors",
    "Output",
    "Settings",
    "batch_arrays",
    "new_output",
    "predictions_of",
]

CALM, WARNING, DRIFT = 0, 1, 2
"""What a detector says of a cluster."""


class BatchArrays(NamedTuple):
    """The arrays of an event batch, and the scores of the user's own classifiers."""

    x_indptr: Int64Array
    x_indices: Int32Array
    x_values: Float32Array
    y_indptr: Int64Array
    y_indices: Int32Array
    y_kind: UInt8Array
    negative_indptr: Int64Array
    negative_indices: Int32Array
    n_features: Int32Array
    n_labels: Int32Array
    custom_scores: Float32Array  # [event, classifier, label]


class ClusterDetectors(NamedTuple):
    """The clusters' drift detectors: which cluster a label is in, and what they say."""

    detectors: AdwinState
    leaf_of: Int32Array  # [label]
    wrong: Float64Array  # [cluster] scratch
    known: Float64Array  # [cluster] scratch
    level: UInt8Array  # [cluster] CALM, WARNING or DRIFT
    warn: bool  # whether warnings are wanted


class Output(NamedTuple):
    """Predictions of a run of events; ``fill`` counts rows, ``indices`` and ``scores``."""

    indptr: Int64Array
    indices: Int32Array
    score_indptr: Int64Array
    score_indices: Int32Array
    scores: Float32Array
    fill: Int64Array


class Settings(NamedTuple):
    """What a run is told beside the members' plan."""

    delta: float  # of the clusters' detectors; 0 turns them off
    min_score: np.float32  # least score that is told of a label that is not decided for
    absent_is_zero: bool  # of the stream's schema


def batch_arrays(batch: EventBatch, custom_scores: Float32Array) -> BatchArrays:
    """The arrays of a batch, as the loop takes them."""
    named = (getattr(batch, name) for name in BatchArrays._fields[:-1])
    return BatchArrays._make((*named, custom_scores))


def new_output(n: int, n_labels: int) -> Output:
    """Room for the predictions of ``n`` events."""
    return Output(
        np.zeros(n + 1, np.int64),
        np.empty(n * n_labels, np.int32),
        np.zeros(n + 1, np.int64),
        np.empty(n * n_labels, np.int32),
        np.empty(n * n_labels, np.float32),
        np.zeros(3, np.int64),
    )


def predictions_of(output: Output) -> Predictions:
    """What the loop wrote, in arrays of its own."""
    rows, n, m = output.fill.tolist()
    return Predictions(
        output.indptr[: rows + 1].copy(),
        output.indices[:n].copy(),
        output.score_indptr[: rows + 1].copy(),
        output.score_indices[:m].copy(),
        output.scores[:m].copy(),
    )
