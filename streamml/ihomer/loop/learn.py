"""The second half of an event: decision, mixture and members learn its labels."""

from __future__ import annotations

from streamml.ihomer.loop.arrays import ClusterDetectors
from streamml.kernels.compile import F4, kernel, part
from streamml.nodes.bayes import bayes_learn
from streamml.nodes.combine.decision import decision_learn
from streamml.nodes.combine.links import second_learn, second_neighbours
from streamml.nodes.combine.mixture import mixer_learn
from streamml.nodes.combine.propensity import propensity_learn
from streamml.nodes.event import Event, Truth
from streamml.nodes.forest.forest import forest_learn
from streamml.nodes.knn import knn_learn
from streamml.nodes.linear import arow_learn, linear_learn
from streamml.nodes.member_states import MemberStates, OptionalMembers
from streamml.nodes.members import MixturePlan
from streamml.nodes.prior import Prior, prior_learn
from streamml.nodes.rls import rls_learn
from streamml.nodes.transition import transition_learn
from streamml.nodes.tree.member import tree_learn
from streamml.types import Int32Array

__all__ = ["learn_combination", "learn_members", "mark", "unmark"]


@kernel
def mark(event: Event, truth: Truth, negative: Int32Array, prior: Prior) -> None:
    """Write the event's labels to the arrays of ``truth``."""
    y, known, soft, true, padded = truth.y, truth.known, truth.soft, truth.true, event.padded
    if not truth.full:
        for label in range(padded):
            known[label] = F4(0.0)
        for q in range(len(negative)):
            known[negative[q]] = F4(1.0)
    for q in range(len(true)):
        y[true[q]] = F4(1.0)
        known[true[q]] = F4(1.0)
    p = prior.p
    for label in range(padded):
        soft[label] = known[label] * y[label] + (F4(1.0) - known[label]) * p[label]


@kernel
def unmark(event: Event, truth: Truth) -> None:
    """Take the marks of an event's labels away again."""
    y, known, true = truth.y, truth.known, truth.true
    for q in range(len(true)):
        y[true[q]] = F4(0.0)
    if not truth.full:
        for label in range(event.padded):
            known[label] = F4(1.0)


@part
def learn_combination(
    plan: MixturePlan,
    states: MemberStates,
    optional: OptionalMembers,
    clusters: ClusterDetectors,
    event: Event,
    truth: Truth,
) -> None:
    """Second level, mixture and decision, from what they said of this event."""
    mixture, links, decision = states.mixture, states.links, states.decision
    if event.n_labels > 0:
        if plan.links > 0:
            second_learn(links, plan.links, event.padded, truth)
            second_neighbours(links, plan.links, truth.true, plan.link_variance, clusters.leaf_of)
        mixer_learn(mixture, event, truth, plan)
        decision_learn(decision, truth, event.n_labels, plan.sets)
        propensity_learn(optional.propensity, decision, event, truth, plan.propensity)


@part
def learn_members(
    plan: MixturePlan,
    states: MemberStates,
    optional: OptionalMembers,
    event: Event,
    truth: Truth,
) -> None:
    """Every member learns the event, from its own scores of it; ``prior`` last."""
    prior, raw, scratch = states.prior, states.raw, states.mixture.g
    bayes_learn(optional.bayes, event, truth)
    rls_learn(optional.fourier, event, truth, scratch, plan.fourier, plan.rls_every)
    transition_learn(optional.transition, event, prior, truth)
    forest_learn(optional.forest, event, prior, truth, plan.forest_budget)
    tree_learn(optional.tree, event, truth)
    linear_learn(states.linear, event, event.x1, truth, raw, plan.linear)
    linear_learn(states.linear_raw, event, event.x0, truth, raw, plan.linear_raw)
    arow_learn(states.arow, event, truth, plan.arow)
    knn_learn(states.knn, event, truth, plan)
    rls_learn(states.rls, event, truth, scratch, plan.rls, plan.rls_every)
    prior_learn(prior, event, truth)
