"""A logistic mixture of the members: shared weights, and a full-covariance part per label.

Both learn by second-order steps with forgetting: the shared weights by one aggregated
Newton step an event, the weights of a label by a Kalman step of its own.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from streamml.kernels.compile import F4, Real, Whole, kernel, part, sigmoid32
from streamml.nodes.arrays import Spec
from streamml.nodes.combine.simd_mixture import label_steps, rows_dots
from streamml.nodes.event import Event, Truth
from streamml.nodes.members import MixturePlan
from streamml.nodes.simd import set_product
from streamml.types import Float32Array, Float64Array


class Mixer(NamedTuple):
    """Weights ``wg[expert] + d[expert, label]`` and their precision or covariance."""

    phi: Float32Array  # [expert, label]
    wg: Float32Array  # [expert]
    lam: Float64Array  # [expert, expert] float64 information of the shared part
    chol: Float64Array
    rhs: Float64Array  # [expert] float64
    d: Float32Array  # [expert, label] per-label weights
    cov: Float32Array  # [pair i <= j, label]
    a: Float32Array  # [expert, label]
    s: Float32Array  # [label] score
    e: Float32Array  # [label] error, weight, gain
    q: Float32Array
    g: Float32Array
    dots: Float32Array  # [expert] scratch


def spec(K: int) -> Spec:
    """Arrays for ``K`` members."""
    return {
        "phi": (F4, 0, (K, "l")),
        "wg": (F4, 0, (K,)),
        "lam": (np.float64, 0, (K, K)),
        "chol": (np.float64, 0, (K, K)),
        "rhs": (np.float64, 0, (K,)),
        "d": (F4, 0, (K, "l")),
        "cov": (F4, 0, (K * (K + 1) // 2, "l")),
        "a": (F4, 0, (K, "l")),
        "s": (F4, 0, ("l",)),
        "e": (F4, 0, ("l",)),
        "q": (F4, 0, ("l",)),
        "g": (F4, 0, ("l",)),
        "dots": (F4, 0, (K,)),
    }


def init_cov(st: Mixer, lo: int, var: Real) -> None:
    """Start variance for label columns from lo on (also after the arrays grew)."""
    K = len(st.wg)
    r = 0
    for i in range(K):
        st.cov[r, lo:] = var
        r += K - i


@kernel
def mixer_scores(st: Mixer, raw: Float32Array, K: int, L: Whole) -> None:
    """Mixed score of each label, from the members' raw scores ``[expert, label]``."""
    for k in range(K):
        r = raw[k]
        f = st.phi[k]
        for l in range(L):
            f[l] = min(max(r[l], F4(-8.0)), F4(8.0)) * F4(0.333333333)
    s = st.s
    for l in range(L):
        s[l] = F4(0.0)
    for k in range(K):
        w = st.wg[k]
        d = st.d[k]
        f = st.phi[k]
        for l in range(L):
            s[l] += (w + d[l]) * f[l]


@part
def _errors(st: Mixer, truth: Truth, L: Whole) -> None:
    y, known = truth.y, truth.known
    s = st.s
    e = st.e
    q = st.q
    for l in range(L):
        p = sigmoid32(s[l])
        e[l] = (y[l] - p) * known[l]
        q[l] = max(p * (F4(1.0) - p), F4(1e-4)) * known[l]


@part
def _shared_sums(st: Mixer, K: int, L: Whole, Lp: Whole, forget: Real) -> None:
    """Information and gradient of the shared part, summed over labels with weight 1 / sqrt(L)."""
    om = 1.0 / np.sqrt(L)
    e = st.a[0]
    q = st.q
    g = st.g
    for l in range(Lp):
        e[l] = st.e[l] if l < L else F4(0.0)
    rows_dots(st.phi, e, 0, K, Lp, st.dots)
    for i in range(K):
        st.rhs[i] = om * st.dots[i]
    for i in range(K):
        f = st.phi[i]
        set_product(g, q, f, Lp)
        for l in range(L, Lp):
            g[l] = F4(0.0)
        rows_dots(st.phi, g, i, K, Lp, st.dots)
        for j in range(i, K):
            v = forget * st.lam[i, j] + om * st.dots[j]
            if i == j:
                v += 1.0 - forget
            st.lam[i, j] = v


@part
def _shared_step(st: Mixer, K: int) -> None:
    """Solve lam x = rhs by Cholesky and add x to the shared weights."""
    c = st.chol
    b = st.rhs
    lam = st.lam
    for i in range(K):
        for j in range(i + 1):
            v = lam[j, i]
            for k in range(j):
                v -= c[i, k] * c[j, k]
            if i == j:
                c[i, i] = 1.0 / np.sqrt(max(v, 1e-9))
            else:
                c[i, j] = v * c[j, j]
    for i in range(K):
        v = b[i]
        for k in range(i):
            v -= c[i, k] * b[k]
        b[i] = v * c[i, i]
    for i in range(K - 1, -1, -1):
        v = b[i]
        for k in range(i + 1, K):
            v -= c[k, i] * b[k]
        b[i] = v * c[i, i]
        st.wg[i] += F4(b[i])


@kernel
def mixer_learn(st: Mixer, event: Event, truth: Truth, plan: MixturePlan) -> None:
    """Move shared and per-label weights toward the event's labels."""
    K, Lp, forget = plan.size, event.padded, plan.forget
    _errors(st, truth, Lp)
    _shared_sums(st, K, event.n_labels, Lp, forget)
    inflate = F4(np.sqrt(1.0 / forget))
    label_steps(st.cov, st.a, st.phi, st.d, st.e, st.q, F4(plan.variance), inflate, K, Lp)
    _shared_step(st, K)
