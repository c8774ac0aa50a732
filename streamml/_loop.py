"""The hot loop of IHOMER: score, decide, write down; then learn, event by event.

One compiled call works through a run of events. It stops early where a cluster's
detector fires, so that the caller can act before the next event is predicted.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numba import njit

from streamml.drift.adwin import AdwinState, adwin_update
from streamml.nodes.inputs import InputState, observe_inputs, scale_inputs
from streamml.nodes.linear import LinearState, linear_learn, linear_scores
from streamml.nodes.prior import PriorState, prior_learn, prior_score
from streamml.nodes.threshold import decide
from streamml.types import (
    LABELS_FULL,
    LABELS_UNKNOWN,
    BoolArray,
    Float32Array,
    Float64Array,
    Int32Array,
    Int64Array,
    UInt8Array,
)

__all__ = ["Nodes", "Output", "Rows", "Scratch", "run_events"]

EVENTS, EMPTY_SETS, N_FEATURES, N_LABELS = range(4)
_TRUST = 3.0  # positives of a label after which its features weigh as much as its prior


class Rows(NamedTuple):
    """The arrays of an event batch."""

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


class Nodes(NamedTuple):
    """All that is learned. ``clock``: events learned, empty sets, features, labels known."""

    inputs: InputState
    linear: LinearState
    prior: PriorState
    detectors: AdwinState
    clock: Float64Array


class Scratch(NamedTuple):
    """Room for one event's numbers, by feature or by label; holds nothing between events."""

    z: Float32Array
    margin: Float32Array
    spread: Float32Array
    p: Float32Array
    target: Float32Array
    known: Float32Array
    gain: Float32Array
    curvature: Float32Array
    decided: Int32Array
    wrong: Float64Array
    labels_known: Float64Array


class Output(NamedTuple):
    """Predictions of a run of events; ``fill`` counts entries of ``indices`` and ``scores``."""

    indptr: Int64Array
    indices: Int32Array
    score_indptr: Int64Array
    score_indices: Int32Array
    scores: Float32Array
    fill: Int64Array


@njit(cache=True)
def run_events(  # type: ignore[no-untyped-def]
    rows, start, stop, predict, learn, nodes, scratch, output, leaf_of, fired, delta, min_score
):
    """Predict and/or learn rows ``start`` to ``stop``; give the row after the last one done.

    ``fired`` (bool, one a cluster) is set where a detector fired at that last row.
    """
    for i in range(start, stop):
        _score(rows, i, nodes, scratch, predict)
        n_decided = decide(
            scratch.p, int(nodes.clock[N_LABELS]), _empty_share(nodes.clock), scratch.decided
        )
        if predict:
            _write(output, scratch, n_decided, int(nodes.clock[N_LABELS]), min_score)
        if learn and rows.y_kind[i] != LABELS_UNKNOWN:
            if _know(rows, i, nodes.clock, scratch):
                _margins(rows, i, nodes, scratch)
            alarm = _watch(nodes, scratch, n_decided, leaf_of, fired, delta)
            _learn(rows, i, nodes, scratch)
            if alarm:
                return i + 1
    return stop


@njit(cache=True)
def _empty_share(clock):  # type: ignore[no-untyped-def]
    return clock[EMPTY_SETS] / clock[EVENTS] if clock[EVENTS] > 0.0 else 0.0


@njit(cache=True)
def _score(rows, i, nodes, scratch, unlabelled_too):  # type: ignore[no-untyped-def]
    """Probabilities of all known labels for row ``i``."""
    if not unlabelled_too and rows.y_kind[i] == LABELS_UNKNOWN:
        return
    a, b = rows.x_indptr[i], rows.x_indptr[i + 1]
    scale_inputs(
        nodes.inputs, rows.x_indices, rows.x_values, a, b, max(rows.n_features[i], 1), scratch.z
    )
    _margins(rows, i, nodes, scratch)
    for label in range(int(nodes.clock[N_LABELS])):
        trust = nodes.prior.positive[label] / (nodes.prior.positive[label] + _TRUST)
        logit = trust * scratch.margin[label] + (1.0 - trust) * prior_score(nodes.prior, label)
        scratch.p[label] = 1.0 / (1.0 + math.exp(-logit))


@njit(cache=True)
def _margins(rows, i, nodes, scratch):  # type: ignore[no-untyped-def]
    a, b = rows.x_indptr[i], rows.x_indptr[i + 1]
    linear_scores(
        nodes.linear,
        rows.x_indices,
        scratch.z,
        a,
        b - a,
        int(nodes.clock[N_LABELS]),
        scratch.margin,
        scratch.spread,
    )


@njit(cache=True)
def _write(output, scratch, n_decided, n_labels, min_score):  # type: ignore[no-untyped-def]
    row = output.fill[0]
    n, m = output.fill[1], output.fill[2]
    d = 0
    for label in range(n_labels):
        is_decided = d < n_decided and scratch.decided[d] == label
        if is_decided:
            output.indices[n] = label
            n += 1
            d += 1
        if is_decided or scratch.p[label] >= min_score:
            output.score_indices[m] = label
            output.scores[m] = scratch.p[label]
            m += 1
    output.indptr[row + 1] = n
    output.score_indptr[row + 1] = m
    output.fill[0], output.fill[1], output.fill[2] = row + 1, n, m


@njit(cache=True)
def _know(rows, i, clock, scratch):  # type: ignore[no-untyped-def]
    """Write row ``i``'s labels to ``target`` and ``known``; true where it brings new labels."""
    before = int(clock[N_LABELS])
    n_labels = max(before, rows.n_labels[i])
    clock[N_LABELS] = n_labels
    clock[N_FEATURES] = max(clock[N_FEATURES], rows.n_features[i])
    full = np.float32(1.0) if rows.y_kind[i] == LABELS_FULL else np.float32(0.0)
    for label in range(n_labels):
        scratch.target[label] = 0.0
        scratch.known[label] = full
    for q in range(rows.y_indptr[i], rows.y_indptr[i + 1]):
        scratch.target[rows.y_indices[q]] = 1.0
        scratch.known[rows.y_indices[q]] = 1.0
    for q in range(rows.negative_indptr[i], rows.negative_indptr[i + 1]):
        scratch.known[rows.negative_indices[q]] = 1.0
    clock[EVENTS] += 1.0
    if full and rows.y_indptr[i] == rows.y_indptr[i + 1]:
        clock[EMPTY_SETS] += 1.0
    return n_labels > before


@njit(cache=True)
def _watch(nodes, scratch, n_decided, leaf_of, fired, delta):  # type: ignore[no-untyped-def]
    """Give each cluster's detector its Hamming loss; true where one fired on a rise."""
    n_labels = int(nodes.clock[N_LABELS])
    n_leaves = len(fired)
    scratch.wrong[:n_leaves] = 0.0
    scratch.labels_known[:n_leaves] = 0.0
    d = 0
    for label in range(n_labels):
        decided = d < n_decided and scratch.decided[d] == label
        d += decided
        leaf = leaf_of[label]
        scratch.labels_known[leaf] += scratch.known[label]
        scratch.wrong[leaf] += scratch.known[label] * (decided != (scratch.target[label] > 0.5))
    alarm = False
    for leaf in range(n_leaves):
        fired[leaf] = False
        if scratch.labels_known[leaf] > 0.0:
            loss = scratch.wrong[leaf] / scratch.labels_known[leaf]
            if adwin_update(nodes.detectors, leaf, loss, delta):
                sums = nodes.detectors.sums[leaf]
                fired[leaf] = sums[0] / sums[2] > sums[4]  # the loss rose
                alarm |= fired[leaf]
    return alarm


@njit(cache=True)
def _learn(rows, i, nodes, scratch):  # type: ignore[no-untyped-def]
    a, b = rows.x_indptr[i], rows.x_indptr[i + 1]
    n_labels = int(nodes.clock[N_LABELS])
    for label in range(n_labels):  # the classifier's own probability, not the blend
        scratch.p[label] = 1.0 / (1.0 + math.exp(-scratch.margin[label]))
    linear_learn(
        nodes.linear,
        rows.x_indices,
        scratch.z,
        a,
        b - a,
        n_labels,
        scratch.p,
        scratch.spread,
        scratch.target,
        scratch.known,
        scratch.gain,
        scratch.curvature,
    )
    prior_learn(nodes.prior, scratch.target, scratch.known, n_labels)
    observe_inputs(nodes.inputs, rows.x_indices, rows.x_values, a, b, max(rows.n_features[i], 1))


def fired_mask(n_leaves: int) -> BoolArray:
    """Room for one flag a cluster."""
    return np.zeros(n_leaves, np.bool_)
