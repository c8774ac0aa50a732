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

from streamml.kernels.compile import F4, Real, kernel, sigmoid32
from streamml.nodes.arrays import Spec
from streamml.nodes.simd import rows_sums, rows_update
from streamml.types import Float32Array, Int32Array


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
def linear_scores(
    st: Linear, idx: Int32Array, x: Float32Array, n: int, L: int, out: Float32Array
) -> None:
    """Moderated margins of ``L`` labels."""
    m = st.m
    v = st.v
    rows_sums(m, v, st.w, st.s, idx, x, n, L)
    for l in range(L):
        out[l] = m[l] / np.sqrt(F4(1.0) + F4(0.3927) * v[l])


@kernel
def update(st: Linear, idx: Int32Array, x: Float32Array, n: int, L: int) -> None:
    """W += s x g and s -= s^2 x^2 h for the bias and the row's features."""
    rows_update(st.w, st.s, st.g, st.h, idx, x, n, L)


@kernel
def linear_learn(
    st: Linear,
    idx: Int32Array,
    x: Float32Array,
    n: int,
    L: int,
    y: Float32Array,
    known: Float32Array,
    z: Float32Array,
) -> None:
    """z: the scores of this event, y: 0/1 per label (float32)."""
    v = st.v
    g = st.g
    h = st.h
    for l in range(L):
        p = sigmoid32(z[l])
        q = max(p * (F4(1.0) - p), F4(0.001))
        k = F4(1.0) / (F4(1.0) + q * v[l])
        g[l] = (y[l] - p) * k * known[l]
        h[l] = q * k * known[l]
    update(st, idx, x, n, L)


@kernel
def arow_scores(
    st: Linear, idx: Int32Array, x: Float32Array, n: int, L: int, out: Float32Array
) -> None:
    """Twice the margins of ``L`` labels."""
    linear_scores(st, idx, x, n, L, out)
    m = st.m
    for l in range(L):
        out[l] = F4(2.0) * m[l]


@kernel
def arow_learn(
    st: Linear,
    idx: Int32Array,
    x: Float32Array,
    n: int,
    L: int,
    y: Float32Array,
    known: Float32Array,
    r: Real,
) -> None:
    """Move only the labels whose margin is below 1."""
    v = st.v
    m = st.m
    g = st.g
    h = st.h
    c = 0
    for l in range(L):
        s = F4(2.0) * y[l] - F4(1.0)
        e = max(F4(1.0) - s * m[l], F4(0.0)) * known[l]
        b = F4(1.0) / (v[l] + r)
        g[l] = e * b * s
        h[l] = b if e > F4(0.0) else F4(0.0)
        c += e > F4(0.0)
    if c == 0:
        return
    update(st, idx, x, n, L)
