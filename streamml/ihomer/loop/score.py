"""The first half of an event: every member scores, the mixture combines, the set is decided."""

from __future__ import annotations

import numpy as np

from streamml.ihomer.loop.arrays import BatchArrays, Output
from streamml.kernels.compile import F4, Real, Whole, kernel, part, sigmoid32
from streamml.nodes.bayes import bayes_score
from streamml.nodes.combine.decision import decide
from streamml.nodes.combine.decision_state import Decision
from streamml.nodes.combine.links import second_scores
from streamml.nodes.combine.mixture import mixer_scores
from streamml.nodes.combine.propensity import Propensity
from streamml.nodes.constant import constant_score
from streamml.nodes.custom_classifiers import custom_score
from streamml.nodes.event import Event
from streamml.nodes.forest.forest import forest_score
from streamml.nodes.knn import knn_score
from streamml.nodes.linear import arow_score, linear_score
from streamml.nodes.member_states import MemberStates, OptionalMembers
from streamml.nodes.members import MixturePlan
from streamml.nodes.prior import last_score, prior_probability, prior_score
from streamml.nodes.rls import rls_score
from streamml.nodes.transition import transition_score
from streamml.nodes.tree.member import tree_score

__all__ = ["combine", "score_members", "write_prediction"]


@part
def score_members(
    plan: MixturePlan,
    rows: BatchArrays,
    i: Whole,
    states: MemberStates,
    optional: OptionalMembers,
    event: Event,
) -> None:
    """Every member's scores of event ``i``, each to its row of ``raw``."""
    prior, raw, size = states.prior, states.raw, plan.rls_size
    prior_probability(prior, event)
    linear_score(states.linear, event, event.x1, raw, plan.linear)
    linear_score(states.linear_raw, event, event.x0, raw, plan.linear_raw)
    arow_score(states.arow, event, raw, plan.arow)
    knn_score(states.knn, event, prior, raw, plan)
    rls_score(states.rls, event, raw, plan.rls, size, size)
    prior_score(prior, event, raw, plan.prior)
    last_score(prior, event, raw, plan.last)
    constant_score(event, raw, plan.constant)
    custom_score(rows.custom_scores, i, event, raw, plan.custom, plan.n_custom)
    bayes_score(optional.bayes, event, raw, plan.bayes)
    rls_score(optional.fourier, event, raw, plan.fourier, np.int64(0), size)
    transition_score(optional.transition, event, prior, raw, plan.transition)
    forest_score(optional.forest, event, prior, raw, plan.forest)
    tree_score(optional.tree, event, prior, raw, plan.tree)


@part
def combine(
    plan: MixturePlan, states: MemberStates, optional: OptionalMembers, event: Event
) -> None:
    """From the members' scores to the label set."""
    mixture, links, decision = states.mixture, states.links, states.decision
    raw, p, padded = states.raw, states.prior.p, event.padded
    mixer_scores(mixture, raw, plan.size, padded)
    z = mixture.s
    if plan.links > 0:
        second_scores(links, mixture.s, p, plan.links, padded)
        z = links.s
    decide(decision, z, event.n_labels, plan, optional.propensity)


@kernel
def write_prediction(
    output: Output,
    decision: Decision,
    propensity: Propensity | None,
    n_labels: Whole,
    min_score: Real,
) -> None:
    """Write down one event: the labels decided for, and the scores that are told."""
    decided, z = decision.out, decision.z
    if propensity is not None:
        z = propensity.z
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
