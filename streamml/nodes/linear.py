"""Linear classifiers for all labels at once: Kalman logistic regression, and AROW.

One weight and one variance for each feature and label: the variance is the step size and
shrinks where a feature was informative, so there is no learning rate. Rows run over labels,
so that a non-zero feature costs one contiguous pass; row 0 is the bias. The moderated
output is MacKay's (Neural Computation 4(5), 1992); AROW is Crammer, Kulesza and Dredze's
(NIPS 2009).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from streamml.kernels.compile import F4, Whole, kernel, part, sigmoid32
from streamml.nodes.arrays import Spec
from streamml.nodes.event import Event, Truth
from streamml.nodes.simd import rows_sums, rows_update
from streamml.types import Float32Array

_REGULARISATION = F4(0.3)  # AROW's r: a larger one moves less at a time


class Linear(NamedTuple):
    """Weights and variances ``[feature + 1, label]``, and scratch by label."""

    w: Float32Array
    s: Float32Array  # variance of each weight
    m: Float32Array  # workspace per label: margin, its variance, gain, shrink
    v: Float32Array
    g: Float32Array
    h: Float32Array


def spec(var: float) -> Spec:
    """Weights start at 0 with the given variance."""
    return {
        "w": (F4, 0, ("d1", "l")),
        "s": (F4, var, ("d1", "l")),
        "m": (F4, 0, ("l",)),
        "v": (F4, 0, ("l",)),
        "g": (F4, 0, ("l",)),
        "h": (F4, 0, ("l",)),
    }


@kernel
def linear_score(st: Linear, event: Event, x: Float32Array, raw: Float32Array, place: int) -> None:
    """Moderated margins of the inputs ``x``, to row ``place`` of ``raw`` (-1: no member)."""
    if place < 0:
        return
    out, m, v, L = raw[place], st.m, st.v, event.padded
    rows_sums(m, v, st.w, st.s, event.idx, x, event.n, L)
    for l in range(L):
        out[l] = m[l] / np.sqrt(F4(1.0) + F4(0.3927) * v[l])


@kernel
def linear_learn(
    st: Linear, event: Event, x: Float32Array, truth: Truth, raw: Float32Array, place: int
) -> None:
    """One diagonal Kalman step, from this event's scores in row ``place`` of ``raw``."""
    if place < 0:
        return
    L = event.padded
    kalman_gains(raw[place], st.v, truth.y, truth.known, L, st.g, st.h)
    rows_update(st.w, st.s, st.g, st.h, event.idx, x, event.n, L)


@part
def kalman_gains(
    z: Float32Array,
    v: Float32Array,
    y: Float32Array,
    known: Float32Array,
    L: Whole,
    g: Float32Array,
    h: Float32Array,
) -> None:
    """Step ``g`` and shrinkage ``h`` of logistic margins ``z`` with variances ``v``."""
    for l in range(L):
        p = sigmoid32(z[l])
        q = max(p * (F4(1.0) - p), F4(0.001))
        k = F4(1.0) / (F4(1.0) + q * v[l])
        g[l] = (y[l] - p) * k * known[l]
        h[l] = q * k * known[l]


@kernel
def arow_score(st: Linear, event: Event, raw: Float32Array, place: int) -> None:
    """Twice the margins."""
    if place < 0:
        return
    out, m, L = raw[place], st.m, event.padded
    rows_sums(m, st.v, st.w, st.s, event.idx, event.x1, event.n, L)
    for l in range(L):
        out[l] = F4(2.0) * m[l]


@kernel
def arow_learn(st: Linear, event: Event, truth: Truth, place: int) -> None:
    """Move only the labels whose margin is below 1."""
    if place < 0:
        return
    y, known, L = truth.y, truth.known, event.padded
    v = st.v
    m = st.m
    g = st.g
    h = st.h
    c = 0
    for l in range(L):
        s = F4(2.0) * y[l] - F4(1.0)
        e = max(F4(1.0) - s * m[l], F4(0.0)) * known[l]
        b = F4(1.0) / (v[l] + _REGULARISATION)
        g[l] = e * b * s
        h[l] = b if e > F4(0.0) else F4(0.0)
        c += e > F4(0.0)
    if c == 0:
        return
    rows_update(st.w, st.s, g, h, event.idx, event.x1, event.n, L)
