"""The hot loop of IHOMER: score, decide, write down; then learn, event by event.

One compiled call works through a run of events. It stops early where a cluster's
detector fires, so that the caller can act before the next event is predicted.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from streamml._kernel import F4, Real, entry_point, kernel, part, sigmoid32
from streamml.drift.adwin import AdwinState, adwin_update
from streamml.nodes.bayes import Bayes, bayes_learn, bayes_scores
from streamml.nodes.decision import Decision, decide, decision_learn
from streamml.nodes.forest import Forest, forest_learn, forest_scores
from streamml.nodes.inputs import Inputs, inputs_learn, inputs_row
from streamml.nodes.knn import Knn, knn_learn, knn_scores, knn_search
from streamml.nodes.linear import Linear, arow_learn, arow_scores, linear_learn, linear_scores
from streamml.nodes.links import Second, second_learn, second_neighbours, second_scores
from streamml.nodes.members import Plan
from streamml.nodes.mixture import Mixer, mixer_learn, mixer_scores
from streamml.nodes.prior import Prior, last_scores, prior_learn, prior_probability, prior_scores
from streamml.nodes.rls import Rls, rls_features, rls_learn, rls_scores
from streamml.nodes.stack import N_LABELS
from streamml.nodes.transition import Transition, transition_learn, transition_scores
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
    inputs: Inputs,
    linear: Linear,
    linear_raw: Linear,
    arow: Linear,
    knn: Knn,
    rls: Rls,
    prior: Prior,
    mixture: Mixer,
    links: Second,
    decision: Decision,
    y: Float32Array,
    known: Float32Array,
    soft: Float32Array,
    raw: Float32Array,
    clock: Int64Array,
    bayes: Bayes | None,
    fourier: Rls | None,
    transition: Transition | None,
    forest: Forest | None,
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
        raw_idx, raw_x = rows.x_indices[a:b], rows.x_values[a:b]
        d = max(rows.n_features[i], 1)
        dense = inputs_row(inputs, rows.x_indices, rows.x_values, a, b, d, absent_is_zero)
        n_labels = clock[N_LABELS]
        # an event that brings new labels is predicted without them and learned with them
        for again in range(1 + (learns and rows.n_labels[i] > n_labels)):
            if again:
                n_labels = rows.n_labels[i]
            padded = (n_labels + _LANES - 1) // _LANES * _LANES
            _members(
                plan,
                rows,
                i,
                inputs,
                linear,
                linear_raw,
                arow,
                knn,
                rls,
                prior,
                raw,
                dense,
                d,
                padded,
            )
            idx, x1, n = inputs.idx, inputs.x1, inputs.num[0]
            if bayes is not None:
                bayes_scores(bayes, idx, x1, n, d, dense, padded, raw[plan.bayes])
            if fourier is not None:
                rls_features(fourier, idx, x1, n, d, dense, np.int64(0), plan.rls_size)
                rls_scores(fourier, padded, raw[plan.fourier])
            if transition is not None:
                transition_scores(transition, prior.last, prior.p, padded, raw[plan.transition])
            if forest is not None:  # it wants the row itself: scales that move unsettle trees
                forest_scores(
                    forest, raw_idx, raw_x, b - a, dense, padded, prior.p, raw[plan.forest]
                )
            _combine(plan, prior, mixture, links, decision, raw, n_labels, padded)
            if predict and not again:
                _write(output, decision.out, decision.z, n_labels, min_score)
        if not learns:
            continue
        clock[N_LABELS] = n_labels
        full = rows.y_kind[i] == LABELS_FULL
        y0, y1 = rows.y_indptr[i], rows.y_indptr[i + 1]
        true = rows.y_indices[y0:y1]
        negative = rows.negative_indices[rows.negative_indptr[i] : rows.negative_indptr[i + 1]]
        _mark(y, known, true, negative, full, padded)
        alarm = _ask_detectors(watch, decision.out, y, known, n_labels, delta)
        if n_labels > 0:
            _learn_combination(
                plan, mixture, links, decision, y, known, watch, true, full, n_labels, padded
            )
        idx, x1, n = inputs.idx, inputs.x1, inputs.num[0]
        if bayes is not None:
            if full:
                bayes_learn(bayes, idx, x1, n, d, dense, padded, true, len(true))
        if fourier is not None:
            rls_learn(fourier, padded, y, known, mixture.g, plan.rls_every)
        if transition is not None:
            transition_learn(transition, prior.last, y, known, padded)
        if forest is not None:
            if full:
                forest_learn(
                    forest, raw_idx, raw_x, b - a, d, dense, true, len(true), plan.forest_budget
                )
        _learn_members(
            plan,
            inputs,
            linear,
            linear_raw,
            arow,
            knn,
            rls,
            prior,
            mixture,
            y,
            known,
            soft,
            raw,
            dense,
            padded,
        )
        inputs_learn(inputs, rows.x_indices, rows.x_values, a, b, d, dense, absent_is_zero)
        _unmark(y, known, true, full, padded)
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
def _members(
    plan: Plan,
    rows: Rows,
    i: int,
    inputs: Inputs,
    linear: Linear,
    linear_raw: Linear,
    arow: Linear,
    knn: Knn,
    rls: Rls,
    prior: Prior,
    raw: Float32Array,
    dense: bool,
    d: int,
    padded: int,
) -> None:
    """Every member's scores of the current event, to ``raw``."""
    idx, x1, n = inputs.idx, inputs.x1, inputs.num[0]
    prior_probability(prior, padded)
    if plan.linear >= 0:
        linear_scores(linear, idx, x1, n, padded, raw[plan.linear])
    if plan.linear_raw >= 0:
        linear_scores(linear_raw, idx, inputs.x0, n, padded, raw[plan.linear_raw])
    if plan.arow >= 0:
        arow_scores(arow, idx, x1, n, padded, raw[plan.arow])
    if plan.neighbours > 0:
        _vote(plan, inputs, knn, prior, raw, dense, padded)
    if plan.rls >= 0:
        rls_features(rls, idx, x1, n, d, dense, plan.rls_size, plan.rls_size)
        rls_scores(rls, padded, raw[plan.rls])
    if plan.prior >= 0:
        prior_scores(prior, padded, raw[plan.prior])
    if plan.last >= 0:
        last_scores(prior, padded, raw[plan.last])
    if plan.constant >= 0:
        _fill(raw[plan.constant], F4(3.0), padded)
    if plan.n_own > 0:
        _own(rows.own, i, raw, plan.own, plan.n_own, min(padded, rows.own.shape[2]))


@part
def _vote(
    plan: Plan, inputs: Inputs, knn: Knn, prior: Prior, raw: Float32Array, dense: bool, padded: int
) -> None:
    """One search of the window serves every number of neighbours."""
    have = knn_search(knn, inputs.idx, inputs.x1, inputs.num[0], dense, plan.neighbours)
    for asked, row in (
        (30, plan.knn30),
        (10, plan.knn10),
        (5, plan.knn5),
        (1, plan.knn1),
    ):
        if row >= 0:
            weight = F4(1.0) if asked == 1 else F4(2.0)
            knn_scores(knn, min(have, asked), dense, padded, prior.p, weight, raw[row])


@part
def _combine(
    plan: Plan,
    prior: Prior,
    mixture: Mixer,
    links: Second,
    decision: Decision,
    raw: Float32Array,
    n_labels: int,
    padded: int,
) -> None:
    """From the members' scores to the label set."""
    mixer_scores(mixture, raw, plan.size, padded)
    z = mixture.s
    if plan.links > 0:
        second_scores(links, mixture.s, prior.p, plan.links, padded)
        z = links.s
    decide(
        decision,
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
    q = min(max(min_score, F4(1e-9)), F4(1.0))
    least = np.log(q / max(F4(1.0) - q, F4(1e-30)))  # the score as a logit
    for label in range(n_labels):
        if decided[label]:
            output.indices[n] = label
            n += 1
        if decided[label] or z[label + 1] >= least:
            output.score_indices[m] = label
            output.scores[m] = sigmoid32(z[label + 1])
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
    mixture: Mixer,
    links: Second,
    decision: Decision,
    y: Float32Array,
    known: Float32Array,
    watch: Watch,
    true: Int32Array,
    full: bool,
    n_labels: int,
    padded: int,
) -> None:
    """Decision, second level and mixture, from what they said of this event."""
    if plan.links > 0:
        second_learn(links, plan.links, padded, y, known)
        second_neighbours(links, plan.links, true, len(true), plan.link_variance, watch.leaf_of)
    mixer_learn(mixture, plan.size, n_labels, padded, y, known, plan.forget, plan.variance)
    decision_learn(decision, true, len(true), y, known, full, n_labels, plan.sets)


@kernel
def _soften(
    y: Float32Array, known: Float32Array, p: Float32Array, n: int, soft: Float32Array
) -> None:
    """The labels, with their frequency where they are unknown."""
    for label in range(n):
        soft[label] = known[label] * y[label] + (F4(1.0) - known[label]) * p[label]


@part
def _learn_members(
    plan: Plan,
    inputs: Inputs,
    linear: Linear,
    linear_raw: Linear,
    arow: Linear,
    knn: Knn,
    rls: Rls,
    prior: Prior,
    mixture: Mixer,
    y: Float32Array,
    known: Float32Array,
    soft: Float32Array,
    raw: Float32Array,
    dense: bool,
    padded: int,
) -> None:
    """Every member learns the event, from its own scores of it."""
    idx, x1, n = inputs.idx, inputs.x1, inputs.num[0]
    _soften(y, known, prior.p, padded, soft)
    if plan.linear >= 0:
        linear_learn(linear, idx, x1, n, padded, y, known, raw[plan.linear])
    if plan.linear_raw >= 0:
        linear_learn(linear_raw, idx, inputs.x0, n, padded, y, known, raw[plan.linear_raw])
    if plan.arow >= 0:
        arow_learn(arow, idx, x1, n, padded, y, known, F4(0.3))
    if plan.neighbours > 0:
        knn_learn(knn, idx, x1, n, soft, padded, plan.window, dense)
    if plan.rls >= 0:
        rls_learn(rls, padded, y, known, mixture.g, plan.rls_every)
    prior_learn(prior, padded, soft, known)
