"""Streams that name what is true and never what is not: how often a true label is named.

What an event does not name is learned as not true, so a score says how likely the label is to
be *named*. Named at random, with the propensity c of its label, a true label is likelier by
1 / c (Elkan and Noto, KDD 2008, lemma 1): thresholds and told scores take that into account,
and of the events decided for, only c of 1 is expected to be found right.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from streamml.kernels.compile import F4, Real, Whole, kernel, log32, sigmoid32
from streamml.nodes.arrays import Spec
from streamml.nodes.combine.decision_state import PREDICTED_AND_TRUE, Decision
from streamml.nodes.event import Event, Truth
from streamml.types import Float32Array, Float64Array

OFF: Final = 0.0
LEARNED: Final = -1.0
"""Values of a plan's ``propensity`` that are none: not asked for; learned on line."""

_EVENTS, _WHOLE = 0, 1  # places in ``n``
_DOUBT = 10.0  # true labels that the propensity over all labels counts for
_LEAST = 0.01  # a label named more seldom than that cannot be told from one that is not there


class Propensity(NamedTuple):
    """How often a true label is named, and what it was counted from."""

    c: Float32Array  # [label] in (0, 1]
    named: Float64Array  # [label] events that name it
    whole: Float64Array  # [label] the same of events whose labels are all known
    n: Float64Array  # events learned, and those whose labels are all known
    z: Float32Array  # [label + 1] scratch: the logits that are told


def spec(given: float) -> Spec:
    """Arrays of a plan whose ``propensity`` is ``given``."""
    return {
        "c": (F4, given if given > 0.0 else 1.0, ("l",)),
        "named": (np.float64, 0, ("l",)),
        "whole": (np.float64, 0, ("l",)),
        "n": (np.float64, 0, (2,)),
        "z": (F4, 0, ("l1",)),
    }


@kernel
def scale_thresholds(st: Propensity | None, decision: Decision, n_labels: Whole) -> None:
    """Thresholds for the probability to be true, as ones for the probability to be named."""
    if st is None:
        return
    for label in range(n_labels):
        q = sigmoid32(decision.th[label + 1]) * st.c[label]
        decision.th[label + 1] = log32(q / (F4(1.0) - q))


@kernel
def scale_scores(st: Propensity | None, decision: Decision, n_labels: Whole) -> None:
    """Logits of the probability to be true, to ``st.z``: they are told, not ``decision.z``."""
    if st is None:
        return
    for label in range(n_labels):
        p = min(sigmoid32(decision.z[label + 1]) / st.c[label], F4(1.0 - 1e-6))
        st.z[label + 1] = log32(max(p, F4(1e-30)) / (F4(1.0) - p))


@kernel
def propensity_learn(
    st: Propensity | None, decision: Decision, event: Event, truth: Truth, given: Real
) -> None:
    """Count what the event names, and estimate where nothing is given. After ``decision_learn``."""
    if st is None:
        return
    _expect_less(st, decision, event.n_labels)
    st.n[_EVENTS] += 1.0
    st.n[_WHOLE] += truth.whole
    for q in range(len(truth.true)):
        st.named[truth.true[q]] += 1.0
        st.whole[truth.true[q]] += truth.whole
    if given <= 0.0 and st.n[_WHOLE] > 0.0:
        _estimate(st, event.n_labels)


@kernel
def _expect_less(st: Propensity, decision: Decision, n_labels: Whole) -> None:
    """Of true labels decided for, ``c`` is found right: F1 is that of what is named, corrected."""
    total = F4(0.0)
    for label in range(n_labels):
        less = (F4(1.0) - st.c[label]) * F4(decision.out[label])
        decision.d[label] -= less
        total += less
    decision.f[PREDICTED_AND_TRUE] -= total


@kernel
def _estimate(st: Propensity, n_labels: Whole) -> None:
    """Events that name a label, beside as many as would if all were as the whole ones."""
    share = st.n[_EVENTS] / st.n[_WHOLE]
    named = expected = 0.0
    for label in range(n_labels):
        named += st.named[label]
        expected += st.whole[label] * share
    usual = named / expected if expected > 0.0 else 1.0
    for label in range(n_labels):
        c = (st.named[label] + _DOUBT * usual) / (st.whole[label] * share + _DOUBT)
        st.c[label] = F4(min(max(c, _LEAST), 1.0))
