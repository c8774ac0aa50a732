"""The hot loop of IHOMER: score, decide, write down; then learn, event by event.

One compiled call works through a run of events. It stops early where a cluster's
detector fires, so that the caller can act before the next event is predicted.
"""

from __future__ import annotations

import numpy as np

from streamml.ihomer.loop.arrays import BatchArrays, ClusterDetectors, Output
from streamml.ihomer.loop.learn import (
    ask_detectors,
    learn_combination,
    learn_members,
    mark,
    soften,
    unmark,
)
from streamml.ihomer.loop.score import combine, members_score, write_prediction
from streamml.kernels.compile import Real, entry_point
from streamml.nodes.bayes import Bayes, bayes_learn, bayes_learn_partly, bayes_scores
from streamml.nodes.combine.decision_state import Decision
from streamml.nodes.combine.links import Second
from streamml.nodes.combine.mixture import Mixer
from streamml.nodes.forest.arrays import Forest
from streamml.nodes.forest.forest import forest_learn, forest_scores
from streamml.nodes.forest.partly import forest_learn_partly
from streamml.nodes.inputs import Inputs, inputs_learn, inputs_row
from streamml.nodes.knn import Knn
from streamml.nodes.linear import Linear
from streamml.nodes.member_states import N_LABELS
from streamml.nodes.members import MixturePlan
from streamml.nodes.prior import Prior
from streamml.nodes.rls import Rls, rls_features, rls_learn, rls_scores
from streamml.nodes.transition import Transition, transition_learn, transition_scores
from streamml.nodes.tree.member import (
    TreeMember,
    tree_member_full,
    tree_member_learn,
    tree_member_scores,
)
from streamml.types import (
    LABELS_FULL,
    LABELS_UNKNOWN,
    Float32Array,
    Int64Array,
)

__all__ = ["run_events"]

_LANES = 8  # label loops run over a multiple of it


@entry_point
def run_events(
    plan: MixturePlan,
    rows: BatchArrays,
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
    tree: TreeMember | None,
    clusters: ClusterDetectors,
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
        if tree is not None:
            if learns and tree_member_full(tree, b - a, np.int64(d), np.int64(rows.n_labels[i])):
                return i
        dense = inputs_row(inputs, rows.x_indices, rows.x_values, a, b, d, absent_is_zero)
        n_labels = clock[N_LABELS]
        # an event that brings new labels is predicted without them and learned with them
        for again in range(1 + (learns and rows.n_labels[i] > n_labels)):
            if again:
                n_labels = rows.n_labels[i]
            padded = (n_labels + _LANES - 1) // _LANES * _LANES
            members_score(
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
            if tree is not None:
                tree_member_scores(
                    tree, raw_idx, raw_x, b - a, n_labels, absent_is_zero, prior.p, raw[plan.tree]
                )
            combine(plan, prior, mixture, links, decision, raw, n_labels, padded)
            if predict and not again:
                write_prediction(output, decision.out, decision.z, n_labels, min_score)
        if not learns:
            continue
        clock[N_LABELS] = n_labels
        full = rows.y_kind[i] == LABELS_FULL
        y0, y1 = rows.y_indptr[i], rows.y_indptr[i + 1]
        true = rows.y_indices[y0:y1]
        negative = rows.negative_indices[rows.negative_indptr[i] : rows.negative_indptr[i + 1]]
        mark(y, known, true, negative, full, padded)
        alarm = ask_detectors(clusters, decision.out, y, known, n_labels, delta)
        if n_labels > 0:
            learn_combination(
                plan, mixture, links, decision, y, known, clusters, true, full, n_labels, padded
            )
        idx, x1, n = inputs.idx, inputs.x1, inputs.num[0]
        if bayes is not None:
            if full:
                bayes_learn(bayes, idx, x1, n, d, dense, padded, true, len(true))
            else:
                soften(y, known, prior.p, padded, soft)
                bayes_learn_partly(bayes, idx, x1, n, d, dense, padded, soft)
        if fourier is not None:
            rls_learn(fourier, padded, y, known, mixture.g, plan.rls_every)
        if transition is not None:
            transition_learn(transition, prior.last, y, known, padded)
        if forest is not None:
            if full:
                forest_learn(
                    forest, raw_idx, raw_x, b - a, d, dense, true, len(true), plan.forest_budget
                )
            else:
                forest_learn_partly(
                    forest,
                    raw_idx,
                    raw_x,
                    b - a,
                    d,
                    dense,
                    y,
                    known,
                    prior.p,
                    n_labels,
                    plan.forest_budget,
                )
        if tree is not None:
            tree_member_learn(
                tree,
                raw_idx,
                raw_x,
                b - a,
                true,
                y,
                known,
                full,
                np.int64(n_labels),
                np.int64(d),
                absent_is_zero,
            )
        learn_members(
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
        unmark(y, known, true, full, padded)
        if alarm:
            return i + 1
    return stop
