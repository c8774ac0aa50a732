"""Logistic regression for all labels at once, by diagonal extended Kalman updates.

One weight and one variance for each feature and label: the variance is the step size,
shrinks where a feature was informative, and needs no learning rate. Rows of the weight
matrix run over labels, so that a non-zero feature costs one contiguous pass.
The moderated output is MacKay's (Neural Computation 4(5), 1992), eq. 14.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numba import njit

from streamml.types import Float32Array

__all__ = ["LinearState", "grow_linear", "linear_learn", "linear_scores", "new_linear_state"]

_PRIOR_VARIANCE = np.float32(4.0)
_LEAST_CURVATURE = np.float32(1e-3)
_MODERATION = np.float32(0.3927)  # pi / 8


class LinearState(NamedTuple):
    """float32 arrays: weights and variances ``(1 + d, L)``, row 0 is the bias."""

    weight: Float32Array
    variance: Float32Array


def new_linear_state(n_features: int, n_labels: int) -> LinearState:
    """Weights zero, variances at their prior."""
    shape = (1 + n_features, n_labels)
    return LinearState(np.zeros(shape, np.float32), np.full(shape, _PRIOR_VARIANCE, np.float32))


def grow_linear(state: LinearState, n_features: int, n_labels: int) -> LinearState:
    """The same state with room for more columns."""
    grown = new_linear_state(n_features, n_labels)
    for old, new in zip(state, grown, strict=True):
        new[: old.shape[0], : old.shape[1]] = old
    return grown


@njit(cache=True)
def linear_scores(state, indices, z, a, n, n_labels, margin, spread):  # type: ignore[no-untyped-def]
    """Margins and their variances of ``n_labels`` labels for the inputs ``z[:n]``."""
    for label in range(n_labels):
        margin[label] = state.weight[0, label]
        spread[label] = state.variance[0, label]
    for p in range(n):
        x = np.float32(z[p])
        if x == 0.0:
            continue
        row = indices[a + p] + 1
        square = x * x
        for label in range(n_labels):
            margin[label] += state.weight[row, label] * x
            spread[label] += state.variance[row, label] * square
    for label in range(n_labels):
        margin[label] /= math.sqrt(np.float32(1.0) + _MODERATION * spread[label])


@njit(cache=True)
def linear_learn(  # type: ignore[no-untyped-def]
    state, indices, z, a, n, n_labels, p, spread, target, known, gain, curvature
):
    """One Kalman step toward ``target``; labels with ``known`` 0 stay as they are.

    ``gain`` and ``curvature`` are scratch of ``n_labels``.
    """
    for label in range(n_labels):
        c = max(p[label] * (np.float32(1.0) - p[label]), _LEAST_CURVATURE) * known[label]
        c /= np.float32(1.0) + c * spread[label]
        curvature[label] = c
        step = (target[label] - p[label]) * known[label]
        # the same denominator as the curvature's, so that both are one Kalman gain
        full = max(p[label] * (np.float32(1.0) - p[label]), _LEAST_CURVATURE)
        gain[label] = step / (np.float32(1.0) + full * spread[label])
    for label in range(n_labels):
        v = state.variance[0, label]
        state.weight[0, label] += v * gain[label]
        state.variance[0, label] = v - curvature[label] * v * v
    for k in range(n):
        x = np.float32(z[k])
        if x == 0.0:
            continue
        row = indices[a + k] + 1
        square = x * x
        for label in range(n_labels):
            v = state.variance[row, label]
            state.weight[row, label] += v * x * gain[label]
            state.variance[row, label] = v - curvature[label] * square * v * v
