"""The second half of an event: detectors, decision, mixture and members learn its labels."""

from __future__ import annotations

from streamml.drift.adwin import adwin_differs, adwin_tested, adwin_update
from streamml.ihomer.loop.arrays import CALM, DRIFT, WARNING, ClusterDetectors
from streamml.kernels.compile import F4, Real, kernel, part
from streamml.nodes.combine.decision import decision_learn
from streamml.nodes.combine.decision_state import Decision
from streamml.nodes.combine.links import Second, second_learn, second_neighbours
from streamml.nodes.combine.mixture import Mixer, mixer_learn
from streamml.nodes.inputs import Inputs
from streamml.nodes.knn import Knn, knn_learn
from streamml.nodes.linear import Linear, arow_learn, linear_learn
from streamml.nodes.members import MixturePlan
from streamml.nodes.prior import Prior, prior_learn
from streamml.nodes.rls import Rls, rls_learn
from streamml.types import (
    Float32Array,
    Int32Array,
    UInt8Array,
)

_LOOSER = 100.0  # a warning asks for less confidence, by this factor of one minus it


@kernel
def mark(
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
def unmark(y: Float32Array, known: Float32Array, true: Int32Array, full: bool, padded: int) -> None:
    """Take the marks of an event's labels away again."""
    for q in range(len(true)):
        y[true[q]] = F4(0.0)
    if not full:
        for label in range(padded):
            known[label] = F4(1.0)


@kernel
def ask_detectors(
    clusters: ClusterDetectors,
    decided: UInt8Array,
    y: Float32Array,
    known: Float32Array,
    n_labels: int,
    delta: Real,
) -> bool:
    """Give each cluster's detector its Hamming loss; true where one warns or finds a rise."""
    n_leaves = len(clusters.level)
    for leaf in range(n_leaves):
        clusters.wrong[leaf] = 0.0
        clusters.known[leaf] = 0.0
    for label in range(n_labels):
        leaf = clusters.leaf_of[label]
        clusters.known[leaf] += known[label]
        clusters.wrong[leaf] += known[label] * abs(F4(decided[label]) - y[label])
    alarm = False
    for leaf in range(n_leaves):
        clusters.level[leaf] = CALM
        if clusters.known[leaf] > 0.0 and delta > 0.0:
            loss = clusters.wrong[leaf] / clusters.known[leaf]
            if adwin_update(clusters.detectors, leaf, loss, delta):
                sums = clusters.detectors.sums
                if sums[leaf, 0] / sums[leaf, 2] > sums[leaf, 4]:
                    clusters.level[leaf] = DRIFT
            elif (
                clusters.warn
                and adwin_tested(clusters.detectors, leaf)
                and adwin_differs(clusters.detectors, leaf, _LOOSER * delta, True)
            ):
                clusters.level[leaf] = WARNING
        alarm |= clusters.level[leaf] != CALM
    return alarm


@part
def learn_combination(
    plan: MixturePlan,
    mixture: Mixer,
    links: Second,
    decision: Decision,
    y: Float32Array,
    known: Float32Array,
    clusters: ClusterDetectors,
    true: Int32Array,
    full: bool,
    n_labels: int,
    padded: int,
) -> None:
    """Decision, second level and mixture, from what they said of this event."""
    if plan.links > 0:
        second_learn(links, plan.links, padded, y, known)
        second_neighbours(links, plan.links, true, len(true), plan.link_variance, clusters.leaf_of)
    mixer_learn(mixture, plan.size, n_labels, padded, y, known, plan.forget, plan.variance)
    decision_learn(decision, true, len(true), y, known, full, n_labels, plan.sets)


@kernel
def soften(
    y: Float32Array, known: Float32Array, p: Float32Array, n: int, soft: Float32Array
) -> None:
    """The labels, with their frequency where they are unknown."""
    for label in range(n):
        soft[label] = known[label] * y[label] + (F4(1.0) - known[label]) * p[label]


@part
def learn_members(
    plan: MixturePlan,
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
    soften(y, known, prior.p, padded, soft)
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
