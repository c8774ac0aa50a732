"""How often each label was true: what to say of a label before its features say more."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numba import njit

from streamml.types import Float64Array

__all__ = ["PriorState", "grow_prior", "new_prior_state", "prior_learn", "prior_score"]


class PriorState(NamedTuple):
    """float64 ``(L,)``: events in which a label was true, and in which it was known."""

    positive: Float64Array
    known: Float64Array


def new_prior_state(n_labels: int) -> PriorState:
    """Nothing seen."""
    return PriorState(np.zeros(n_labels), np.zeros(n_labels))


def grow_prior(state: PriorState, n_labels: int) -> PriorState:
    """The same state with room for ``n_labels`` columns."""
    grown = new_prior_state(n_labels)
    for old, new in zip(state, grown, strict=True):
        new[: len(old)] = old
    return grown


@njit(cache=True)
def prior_score(state, label):  # type: ignore[no-untyped-def]
    """Logit of the label's smoothed frequency."""
    positive = state.positive[label] + 0.05
    return math.log(positive / (state.known[label] + 0.5 - positive + 0.05))


@njit(cache=True)
def prior_learn(state, target, known, n_labels):  # type: ignore[no-untyped-def]
    """Count one event."""
    for label in range(n_labels):
        state.known[label] += known[label]
        state.positive[label] += known[label] * target[label]
