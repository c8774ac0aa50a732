"""The first half of an event: every member scores, the mixture combines, the set is decided."""

from __future__ import annotations

import numpy as np

from streamml.ihomer.loop.arrays import BatchArrays, Output
from streamml.kernels.compile import F4, Real, kernel, part, sigmoid32
from streamml.nodes.combine.decision import decide
from streamml.nodes.combine.decision_state import Decision
from streamml.nodes.combine.links import Second, second_scores
from streamml.nodes.combine.mixture import Mixer, mixer_scores
from streamml.nodes.inputs import Inputs
from streamml.nodes.knn import Knn, knn_scores, knn_search
from streamml.nodes.linear import Linear, arow_scores, linear_scores
from streamml.nodes.members import MixturePlan
from streamml.nodes.prior import Prior, last_scores, prior_probability, prior_scores
from streamml.nodes.rls import Rls, rls_features, rls_scores
from streamml.types import (
    Float32Array,
    UInt8Array,
)


@kernel
def _fill(out: Float32Array, value: Real, n: int) -> None:
    for k in range(n):
        out[k] = value


@kernel
def _copy_custom(
    scores: Float32Array, i: int, raw: Float32Array, first: int, n: int, n_labels: int
) -> None:
    for k in range(n):
        for label in range(n_labels):
            raw[first + k, label] = scores[i, k, label]


@part
def members_score(
    plan: MixturePlan,
    rows: BatchArrays,
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
    if plan.n_custom > 0:
        _copy_custom(
            rows.custom_scores,
            i,
            raw,
            plan.custom,
            plan.n_custom,
            min(padded, rows.custom_scores.shape[2]),
        )


@part
def _vote(
    plan: MixturePlan,
    inputs: Inputs,
    knn: Knn,
    prior: Prior,
    raw: Float32Array,
    dense: bool,
    padded: int,
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
def combine(
    plan: MixturePlan,
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
def write_prediction(
    output: Output, decided: UInt8Array, z: Float32Array, n_labels: int, min_score: Real
) -> None:
    """Write down one event: the labels decided for, and the scores that are told."""
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
