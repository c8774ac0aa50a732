"""All node classifiers of a learner with their mixture, second level and decision: one state."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from streamml.kernels.compile import F4
from streamml.nodes import bayes, inputs, knn, linear, prior, rls, transition
from streamml.nodes.arrays import Spec, allocate, grow
from streamml.nodes.combine import decision_state, links, mixture, propensity
from streamml.nodes.forest import arrays as forest
from streamml.nodes.forest.forest import init as init_forest
from streamml.nodes.members import MEMBERS, MixturePlan
from streamml.nodes.tree import member as tree_member
from streamml.types import Float32Array, Int64Array

__all__ = [
    "KINDS",
    "NEGATIVES",
    "N_LABELS",
    "OPTIONAL_KINDS",
    "MemberStates",
    "OptionalMembers",
    "extend_tree",
    "label_variances",
    "new_member_states",
    "new_optional_members",
    "optional_sizes",
    "optional_specs",
    "resize",
    "resize_optional",
    "shared",
    "sizes",
    "specs",
    "start_labels",
    "take_labels",
]

N_LABELS, NEGATIVES = 0, 1
"""Places in ``MemberStates.clock``: labels known; events that said that a label is not true."""

_RIDGE = 0.3
_FOURIER_RIDGE = 0.1


class MemberStates(NamedTuple):
    """Everything that is learned of features and labels; a cluster is a list of its columns."""

    inputs: inputs.Inputs
    linear: linear.Linear
    linear_raw: linear.Linear
    arow: linear.Linear
    knn: knn.Knn
    rls: rls.Rls
    prior: prior.Prior
    mixture: mixture.Mixer
    links: links.Second
    decision: decision_state.Decision
    y: Float32Array  # [label] the event's labels, 0 between events
    known: Float32Array  # [label] 1 where the event says, 1 between events
    soft: Float32Array  # [label] scratch: y, with the frequency where it is unknown
    raw: Float32Array  # [member, label] scores of the members
    clock: Int64Array  # labels known, events that said that a label is not true


def specs(plan: MixturePlan) -> dict[str, tuple[Spec, bool]]:
    """Arrays of each part, and whether the plan uses it."""
    uses = {name: getattr(plan, name) >= 0 for name in MEMBERS}
    any_knn = plan.neighbours > 0
    return {
        "inputs": (inputs.SPEC, True),
        "linear": (linear.spec(4.0), uses["linear"]),
        "linear_raw": (linear.spec(16.0), uses["linear_raw"]),
        "arow": (linear.spec(1.0), uses["arow"]),
        "knn": (knn.spec(plan.window if any_knn else 32, max(plan.neighbours, 1)), any_knn),
        "rls": (rls.spec(plan.rls_size if uses["rls"] else 4), uses["rls"]),
        "prior": (prior.SPEC, True),
        "mixture": (mixture.spec(plan.size), True),
        "links": (links.spec(max(plan.links, 1), plan.link_variance), True),
        "decision": (decision_state.spec(plan.sets), True),
    }


def sizes(n_features: int, n_labels: int, used: bool) -> dict[str, int]:
    """Axis name -> length; a part that is not used takes next to no room."""
    d, labels = (n_features, n_labels) if used else (1, 16)
    return {"d": d, "d1": d + 1, "l": labels, "l1": labels + 1, "c": min(d, knn.COLUMNS)}


def new_member_states(
    plan: MixturePlan, start: Mapping[str, float], n_features: int, n_labels: int, seed: int
) -> MemberStates:
    """Nothing learned yet; room for some features and labels (a multiple of 16)."""
    parts: dict[str, Any] = {
        name: allocate(KINDS[name], spec, sizes(n_features, n_labels, used))
        for name, (spec, used) in specs(plan).items()
    }
    states = MemberStates(**parts, **shared(plan, n_labels), clock=np.zeros(2, np.int64))  # type: ignore[arg-type]
    _prepare(states, plan, 0, 0, seed)
    rls.init(states.rls, plan.rls_size if plan.rls >= 0 else 4, _RIDGE, _FOURIER_RIDGE, (seed, 1))
    for name, weight in start.items():
        states.mixture.wg[getattr(plan, name)] = weight
    np.fill_diagonal(states.mixture.lam, 1.0)
    decision_state.init(states.decision)
    return states


def shared(plan: MixturePlan, n_labels: int) -> dict[str, Float32Array]:
    """What the members have in common."""
    return {
        "y": np.zeros(n_labels, F4),
        "known": np.ones(n_labels, F4),
        "soft": np.zeros(n_labels, F4),
        "raw": np.zeros((plan.size, n_labels), F4),
    }


def resize(
    states: MemberStates, plan: MixturePlan, n_features: int, n_labels: int, seed: int
) -> MemberStates:
    """The same state with room for more; how much room there is changes no result."""
    before = len(states.inputs.top), len(states.y)
    parts = {
        name: grow(getattr(states, name), spec, sizes(n_features, n_labels, used))
        for name, (spec, used) in specs(plan).items()
    }
    grown = MemberStates(**parts, **shared(plan, n_labels), clock=states.clock)  # type: ignore[arg-type]
    _prepare(grown, plan, *before, seed)
    return grown


def _prepare(
    states: MemberStates, plan: MixturePlan, old_features: int, old_labels: int, seed: int
) -> None:
    """Give new columns their start where it is more than one number."""
    new = len(states.inputs.top)
    start_labels(states, plan, old_labels)
    if plan.rls >= 0:
        rls.fill_projection(states.rls, plan.rls_size, old_features, new, (seed, 1), 1.0)


def start_labels(states: MemberStates, plan: MixturePlan, first: int) -> None:
    """Give label columns from ``first`` on their start where it is more than one number."""
    states.linear_raw.s[0, first:] = 4.0
    mixture.init_cov(states.mixture, first, plan.variance)


class OptionalMembers(NamedTuple):
    """What only some plans have; of the parts that are ``None`` no code is compiled."""

    bayes: bayes.Bayes | None
    fourier: rls.Rls | None
    transition: transition.Transition | None
    forest: forest.Forest | None
    propensity: propensity.Propensity | None
    tree: tree_member.TreeMember | None


def optional_specs(plan: MixturePlan) -> dict[str, Spec]:
    """Arrays of each optional member that the plan has."""
    rows = {
        "bayes": (plan.bayes, bayes.SPEC),
        "fourier": (plan.fourier, rls.spec(plan.rls_size)),
        "transition": (plan.transition, transition.SPEC),
        "forest": (plan.forest, forest.spec()),
    }
    found = {name: spec for name, (row, spec) in rows.items() if row >= 0}
    if plan.propensity != propensity.OFF:
        found["propensity"] = propensity.spec(plan.propensity)
    return found


def new_optional_members(
    plan: MixturePlan, n_features: int, n_labels: int, seed: int
) -> OptionalMembers:
    """The optional members that the plan names, nothing learned yet."""
    lengths = optional_sizes(n_features, n_labels)
    parts: dict[str, Any] = dict.fromkeys(OptionalMembers._fields)
    for name, spec in optional_specs(plan).items():
        parts[name] = allocate(OPTIONAL_KINDS[name], spec, lengths)
    if plan.fourier >= 0:
        rls.init(parts["fourier"], 0, _RIDGE, _FOURIER_RIDGE, (seed, 2))
        rls.fill_projection(parts["fourier"], 0, 0, n_features, (seed, 2), 1.0)
    if plan.forest >= 0:
        init_forest(parts["forest"], (seed, 3))
    if plan.tree >= 0:
        parts["tree"] = tree_member.new_tree_member(n_features, n_labels)
    return OptionalMembers(**parts)


def resize_optional(
    optional: OptionalMembers, plan: MixturePlan, n_features: int, n_labels: int, seed: int
) -> OptionalMembers:
    """The same optional members with room for more."""
    lengths = optional_sizes(n_features, n_labels)
    parts: dict[str, Any] = optional._asdict()
    for name, spec in optional_specs(plan).items():
        parts[name] = grow(parts[name], spec, lengths)
    if optional.fourier is not None:
        rls.fill_projection(
            parts["fourier"], 0, len(optional.fourier.r), n_features, (seed, 2), 1.0
        )
    if optional.tree is not None:
        parts["tree"] = tree_member.grow_tree_member(optional.tree, n_features, n_labels)
    return OptionalMembers(**parts)


def extend_tree(optional: OptionalMembers, n_features: int, n_labels: int) -> OptionalMembers:
    """The same optional members, the tree with room for more leaves."""
    if optional.tree is None:
        return optional
    tree = tree_member.grow_tree_member(optional.tree, n_features, n_labels, full=True)
    return optional._replace(tree=tree)


def optional_sizes(n_features: int, n_labels: int) -> dict[str, int]:
    """The same for optional members."""
    return {
        **sizes(n_features, n_labels, used=True),
        "columns": min(n_features, forest.DENSE_COLUMNS),
    }


def label_variances(states: MemberStates, plan: MixturePlan) -> list[Float32Array]:
    """Variances ``[feature + 1, label]`` of the plan's members that slow down as they learn."""
    rows = {"linear": plan.linear, "linear_raw": plan.linear_raw, "arow": plan.arow}
    return [getattr(states, name).s for name, row in rows.items() if row >= 0]


def take_labels(
    states: MemberStates, other: MemberStates, plan: MixturePlan, labels: list[int], known_for: int
) -> None:
    """Take over what ``other`` learned of some labels; neighbours older than it lose their vote."""
    for name in ("linear", "linear_raw", "arow"):
        if getattr(plan, name) >= 0:
            mine, its = getattr(states, name), getattr(other, name)
            mine.w[:, labels], mine.s[:, labels] = its.w[:, labels], its.s[:, labels]
    if plan.rls >= 0:
        states.rls.w[:, labels] = other.rls.w[:, labels]
        states.rls.p[...] = other.rls.p
    share = states.prior.t[0] / max(other.prior.t[0], 1.0)
    states.prior.c[labels] = other.prior.c[labels] * np.float32(share)
    for name in ("d", "cov"):
        getattr(states.mixture, name)[:, labels] = getattr(other.mixture, name)[:, labels]
    states.decision.tp[labels], states.decision.d[labels] = (
        other.decision.tp[labels],
        other.decision.d[labels],
    )
    if plan.neighbours > 0:
        slots = len(states.knn.norm)
        age = (states.knn.pos[0] - 1 - np.arange(slots)) % slots
        old = np.flatnonzero(age >= known_for)
        frequency = np.round(255.0 * states.prior.p[labels]).astype(np.uint8)
        states.knn.y[np.ix_(old, np.array(labels))] = frequency[None, :]


KINDS: dict[str, Any] = {
    "inputs": inputs.Inputs,
    "linear": linear.Linear,
    "linear_raw": linear.Linear,
    "arow": linear.Linear,
    "knn": knn.Knn,
    "rls": rls.Rls,
    "prior": prior.Prior,
    "mixture": mixture.Mixer,
    "links": links.Second,
    "decision": decision_state.Decision,
}

OPTIONAL_KINDS: dict[str, Any] = {
    "bayes": bayes.Bayes,
    "fourier": rls.Rls,
    "transition": transition.Transition,
    "forest": forest.Forest,
    "propensity": propensity.Propensity,
}
