"""The hot loop of IHOMER: score, decide, write down; then learn, event by event.

One compiled call works through a run of events. It stops early where a cluster's
detector fires, so that the caller can act before the next event is predicted.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from streamml.drift.adwin import AdwinState, adwin_update
from streamml.nodes.bayes import bayes_learn, bayes_scores
from streamml.nodes.decision import decide, decision_learn
from streamml.nodes.inputs import inputs_learn, inputs_row
from streamml.nodes.kernel import F4, Real, entry_point, kernel, part, sigmoid32
from streamml.nodes.knn import knn_learn, knn_scores, knn_search
from streamml.nodes.linear import arow_learn, arow_scores, linear_learn, linear_scores
from streamml.nodes.links import second_learn, second_neighbours, second_scores
from streamml.nodes.members import Plan
from streamml.nodes.mixture import mixer_learn, mixer_scores
from streamml.nodes.prior import last_scores, prior_learn, prior_probability, prior_scores
from streamml.nodes.rls import rls_features, rls_learn, rls_scores
from streamml.nodes.stack import N_LABELS, Stack
from streamml.nodes.transition import transition_learn, transition_scores
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

__all__ = ["Output", "Rows", "Watch", "run_events"]

_LANES = 8  # label loops run over a multiple of it


class Rows(NamedTuple):
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
    own: Float32Array  # [event, classifier, label]


class Watch(NamedTuple):
    """The clusters' drift detectors: which cluster a label is in, and who fired."""

    detectors: AdwinState
    leaf_of: Int32Array  # [label]
    wrong: Float64Array  # [cluster] scratch
    known: Float64Array  # [cluster] scratch
    fired: BoolArray  # [cluster]


class Output(NamedTuple):
    """Predictions of a run of events; ``fill`` counts rows, ``indices`` and ``scores``."""

    indptr: Int64Array
    indices: Int32Array
    score_indptr: Int64Array
    score_indices: Int32Array
    scores: Float32Array
    fill: Int64Array


@entry_point
def run_events(
    plan: Plan,
    rows: Rows,
    start: int,
    stop: int,
    predict: bool,
    learn: bool,
    s: Stack,
    watch: Watch,
    output: Output,
    delta: Real,
    min_score: Real,
    absent_is_zero: bool,
) -> int:
    """Predict and/or learn rows ``start`` to ``stop``; give the row after the last one done."""
    for i in range(start, stop):
        learns = learn and rows.y_kind[i] != LABELS_UNKNOWN
        if not (predict or learns):
            continue
        a, b = rows.x_indptr[i], rows.x_indptr[i + 1]
        d = max(rows.n_features[i], 1)
        dense = inputs_row(s.inputs, rows.x_indices, rows.x_values, a, b, d, absent_is_zero)
        n_labels = s.clock[N_LABELS]
        # an event that brings new labels is predicted without them and learned with them
        for again in range(1 + (learns and rows.n_labels[i] > n_labels)):
            if again:
                n_labels = rows.n_labels[i]
            padded = (n_labels + _LANES - 1) // _LANES * _LANES
            _members(plan, rows, i, s, dense, d, padded)
            _combine(plan, s, n_labels, padded)
            if predict and not again:
                _write(output, s.decision.out, s.decision.z, n_labels, min_score)
        if not learns:
            continue
        s.clock[N_LABELS] = n_labels
        full = rows.y_kind[i] == LABELS_FULL
        y0, y1 = rows.y_indptr[i], rows.y_indptr[i + 1]
        true = rows.y_indices[y0:y1]
        negative = rows.negative_indices[rows.negative_indptr[i] : rows.negative_indptr[i + 1]]
        _mark(s.y, s.known, true, negative, full, padded)
        alarm = _ask_detectors(watch, s.decision.out, s.y, s.known, n_labels, delta)
        if n_labels > 0:
            _learn_combination(plan, s, watch, true, full, n_labels, padded)
        _learn_members(plan, s, true, full, dense, d, padded)
        inputs_learn(s.inputs, rows.x_indices, rows.x_values, a, b, d, dense, absent_is_zero)
        _unmark(s.y, s.known, true, full, padded)
        if alarm:
            return i + 1
    return stop


# -- score ---------------------------------------------------------------------------------


@kernel
def _fill(out: Float32Array, value: Real, n: int) -> None:
    for k in range(n):
        out[k] = value


@kernel
def _own(own: Float32Array, i: int, raw: Float32Array, first: int, n: int, n_labels: int) -> None:
    for k in range(n):
        for label in range(n_labels):
            raw[first + k, label] = own[i, k, label]


@part
def _members(plan: Plan, rows: Rows, i: int, s: Stack, dense: bool, d: int, padded: int) -> None:
    """Every member's scores of the current event, to ``s.raw``."""
    idx, x1, n = s.inputs.idx, s.inputs.x1, s.inputs.num[0]
    prior_probability(s.prior, padded)
    if plan.linear >= 0:
        linear_scores(s.linear, idx, x1, n, padded, s.raw[plan.linear])
    if plan.linear_raw >= 0:
        linear_scores(s.linear_raw, idx, s.inputs.x0, n, padded, s.raw[plan.linear_raw])
    if plan.arow >= 0:
        arow_scores(s.arow, idx, x1, n, padded, s.raw[plan.arow])
    if plan.bayes >= 0:
        bayes_scores(s.bayes, idx, x1, n, d, dense, padded, s.raw[plan.bayes])
    if plan.knn30 >= 0 or plan.knn10 >= 0 or plan.knn5 >= 0 or plan.knn1 >= 0:
        _vote(plan, s, dense, padded)
    if plan.rls >= 0:
        rls_features(s.rls, idx, x1, n, d, dense, plan.rls_size, plan.rls_size)
        rls_scores(s.rls, padded, s.raw[plan.rls])
    if plan.fourier >= 0:
        rls_features(s.fourier, idx, x1, n, d, dense, np.int64(0), plan.rls_size)
        rls_scores(s.fourier, padded, s.raw[plan.fourier])
    if plan.prior >= 0:
        prior_scores(s.prior, padded, s.raw[plan.prior])
    if plan.last >= 0:
        last_scores(s.prior, padded, s.raw[plan.last])
    if plan.transition >= 0:
        transition_scores(s.transition, s.prior.last, s.prior.p, padded, s.raw[plan.transition])
    if plan.constant >= 0:
        _fill(s.raw[plan.constant], F4(3.0), padded)
    if plan.n_own > 0:
        _own(rows.own, i, s.raw, plan.own, plan.n_own, min(padded, rows.own.shape[2]))


@part
def _vote(plan: Plan, s: Stack, dense: bool, padded: int) -> None:
    """One search of the window serves every number of neighbours."""
    have = knn_search(s.knn, s.inputs.idx, s.inputs.x1, s.inputs.num[0], dense, plan.neighbours)
    for asked, row in (
        (30, plan.knn30),
        (10, plan.knn10),
        (5, plan.knn5),
        (1, plan.knn1),
    ):
        if row >= 0:
            weight = F4(1.0) if asked == 1 else F4(2.0)
            knn_scores(s.knn, min(have, asked), dense, padded, s.prior.p, weight, s.raw[row])


@part
def _combine(plan: Plan, s: Stack, n_labels: int, padded: int) -> None:
    """From the members' scores to the label set."""
    mixer_scores(s.mixture, s.raw, plan.size, padded)
    z = s.mixture.s
    if plan.links > 0:
        second_scores(s.links, s.mixture.s, s.prior.p, plan.links, padded)
        z = s.links.s
    decide(
        s.decision,
        z,
        n_labels,
        plan.lean,
        plan.threshold,
        plan.evidence,
        plan.lowest,
        plan.highest,
        plan.decision,
    )


@kernel
def _write(
    output: Output, decided: UInt8Array, z: Float32Array, n_labels: int, min_score: Real
) -> None:
    row, n, m = output.fill[0], output.fill[1], output.fill[2]
    for label in range(n_labels):
        p = sigmoid32(z[label + 1])
        if decided[label]:
            output.indices[n] = label
            n += 1
        if decided[label] or p >= min_score:
            output.score_indices[m] = label
            output.scores[m] = p
            m += 1
    output.indptr[row + 1] = n
    output.score_indptr[row + 1] = m
    output.fill[0], output.fill[1], output.fill[2] = row + 1, n, m


# -- learn ---------------------------------------------------------------------------------


@kernel
def _mark(
    y: Float32Array,
    known: Float32Array,
    true: Int32Array,
    negative: Int32Array,
    full: bool,
    padded: int,
) -> None:
    """Write the event's labels to ``y`` and ``known``."""
    if not full:
        for label in range(padded):
            known[label] = F4(0.0)
        for q in range(len(negative)):
            known[negative[q]] = F4(1.0)
    for q in range(len(true)):
        y[true[q]] = F4(1.0)
        known[true[q]] = F4(1.0)


@kernel
def _unmark(
    y: Float32Array, known: Float32Array, true: Int32Array, full: bool, padded: int
) -> None:
    for q in range(len(true)):
        y[true[q]] = F4(0.0)
    if not full:
        for label in range(padded):
            known[label] = F4(1.0)


@kernel
def _ask_detectors(
    watch: Watch,
    decided: UInt8Array,
    y: Float32Array,
    known: Float32Array,
    n_labels: int,
    delta: Real,
) -> bool:
    """Give each cluster's detector its Hamming loss; true where one fired on a rise."""
    n_leaves = len(watch.fired)
    for leaf in range(n_leaves):
        watch.wrong[leaf] = 0.0
        watch.known[leaf] = 0.0
    for label in range(n_labels):
        leaf = watch.leaf_of[label]
        watch.known[leaf] += known[label]
        watch.wrong[leaf] += known[label] * abs(F4(decided[label]) - y[label])
    alarm = False
    for leaf in range(n_leaves):
        watch.fired[leaf] = False
        if watch.known[leaf] > 0.0 and delta > 0.0:
            loss = watch.wrong[leaf] / watch.known[leaf]
            if adwin_update(watch.detectors, leaf, loss, delta):
                sums = watch.detectors.sums
                watch.fired[leaf] = sums[leaf, 0] / sums[leaf, 2] > sums[leaf, 4]
                alarm |= watch.fired[leaf]
    return alarm


@part
def _learn_combination(
    plan: Plan,
    s: Stack,
    watch: Watch,
    true: Int32Array,
    full: bool,
    n_labels: int,
    padded: int,
) -> None:
    """Decision, second level and mixture, from what they said of this event."""
    if plan.links > 0:
        second_learn(s.links, plan.links, padded, s.y, s.known)
        second_neighbours(s.links, plan.links, true, len(true), plan.link_variance, watch.leaf_of)
    mixer_learn(s.mixture, plan.size, n_labels, padded, s.y, s.known, plan.forget, plan.variance)
    decision_learn(s.decision, true, len(true), s.y, s.known, full, n_labels, plan.sets)


@kernel
def _soften(
    y: Float32Array, known: Float32Array, p: Float32Array, n: int, soft: Float32Array
) -> None:
    """The labels, with their frequency where they are unknown."""
    for label in range(n):
        soft[label] = known[label] * y[label] + (F4(1.0) - known[label]) * p[label]


@part
def _learn_members(
    plan: Plan, s: Stack, true: Int32Array, full: bool, dense: bool, d: int, padded: int
) -> None:
    """Every member learns the event, from its own scores of it."""
    idx, x1, n = s.inputs.idx, s.inputs.x1, s.inputs.num[0]
    _soften(s.y, s.known, s.prior.p, padded, s.soft)
    if plan.linear >= 0:
        linear_learn(s.linear, idx, x1, n, padded, s.y, s.known, s.raw[plan.linear])
    if plan.linear_raw >= 0:
        linear_learn(
            s.linear_raw, idx, s.inputs.x0, n, padded, s.y, s.known, s.raw[plan.linear_raw]
        )
    if plan.arow >= 0:
        arow_learn(s.arow, idx, x1, n, padded, s.y, s.known, F4(0.3))
    if plan.bayes >= 0 and full:
        bayes_learn(s.bayes, idx, x1, n, d, dense, padded, true, len(true))
    if plan.knn30 >= 0 or plan.knn10 >= 0 or plan.knn5 >= 0 or plan.knn1 >= 0:
        knn_learn(s.knn, idx, x1, n, s.soft, padded, plan.window, dense)
    if plan.rls >= 0:
        rls_learn(s.rls, padded, s.y, s.known, s.mixture.g, plan.rls_every)
    if plan.fourier >= 0:
        rls_learn(s.fourier, padded, s.y, s.known, s.mixture.g, plan.rls_every)
    if plan.transition >= 0:
        transition_learn(s.transition, s.prior.last, s.y, s.known, padded)
    prior_learn(s.prior, padded, s.soft, s.known)
