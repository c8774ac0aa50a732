"""Recursive least squares with one covariance for all labels.

Inputs are the row itself where it fits, else a Gaussian projection of it, or random Fourier
features (Rahimi and Recht, NIPS 2007). The covariance does not depend on the labels, so its
update is shared by all of them.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from streamml.kernels.compile import F4, Real, Whole, kernel, part, summing_kernel
from streamml.nodes.arrays import Spec
from streamml.nodes.event import Event, Truth
from streamml.types import Float32Array, Int32Array, Int64Array

_BLOCK = 256  # features whose projection is drawn together


class Rls(NamedTuple):
    """Covariance, weights, and the projection of the inputs."""

    p: Float32Array  # [z, z] covariance, exactly symmetric
    w: Float32Array  # [z, label]
    z: Float32Array
    k: Float32Array  # p z
    c: Float32Array  # workspace: 1, or the inflation of a row
    r: Float32Array  # [feature, z] projection
    b: Float32Array  # [z] phases
    q: Float32Array  # [1] z p z
    yh: Float32Array  # [label] prediction
    t: Int64Array  # int64 events, dimensions in use


def spec(m: int) -> Spec:
    """Arrays for ``m`` dimensions, a multiple of 4."""
    return {
        "p": (F4, 0, (m, m)),
        "w": (F4, 0, (m, "l")),
        "z": (F4, 0, (m,)),
        "k": (F4, 0, (m,)),
        "c": (F4, 0, (m,)),
        "r": (F4, 0, ("d", m)),
        "b": (F4, 0, (m,)),
        "q": (F4, 0, (1,)),
        "yh": (F4, 0, ("l",)),
        "t": (np.int64, 0, (2,)),
    }


def init(st: Rls, ml: int, ridge_lin: Real, ridge_rff: Real, seed: tuple[int, int]) -> None:
    """Start covariance and phases; the first ``ml`` dimensions are linear."""
    m = len(st.z)
    st.p[np.arange(m), np.arange(m)] = np.where(np.arange(m) < ml, 1 / ridge_lin, 1 / ridge_rff)
    st.b[:] = np.random.default_rng([*seed, 7]).uniform(0, 2 * np.pi, m) + 20 * np.pi


def fill_projection(st: Rls, ml: int, lo: int, hi: int, seed: tuple[int, int], scale: Real) -> None:
    """Random rows of features ``lo`` to ``hi``; they hang on the seed and the column only."""
    for block in range(lo // _BLOCK, -(-hi // _BLOCK)):
        first = block * _BLOCK
        rows = np.random.default_rng([*seed, block]).normal(size=(_BLOCK, len(st.z)))
        rows[:, :ml] /= np.sqrt(max(ml, 1))
        rows[:, ml:] *= scale
        a, b = max(lo, first), min(hi, first + _BLOCK)
        st.r[a:b] = rows[a - first : b - first]


@kernel
def _project(st: Rls, idx: Int32Array, x: Float32Array, n: Whole, lo: Whole, hi: Whole) -> None:
    z = st.z[lo:hi]
    m = hi - lo
    for i in range(m):
        z[i] = F4(0.0)
    k = 0
    while k + 4 <= n:
        a0 = x[k]
        a1 = x[k + 1]
        a2 = x[k + 2]
        a3 = x[k + 3]
        r0 = st.r[idx[k]][lo:hi]
        r1 = st.r[idx[k + 1]][lo:hi]
        r2 = st.r[idx[k + 2]][lo:hi]
        r3 = st.r[idx[k + 3]][lo:hi]
        for i in range(m):
            z[i] += (a0 * r0[i] + a1 * r1[i]) + (a2 * r2[i] + a3 * r3[i])
        k += 4
    while k < n:
        a0 = x[k]
        r0 = st.r[idx[k]][lo:hi]
        for i in range(m):
            z[i] += a0 * r0[i]
        k += 1


@part
def _cosines(st: Rls, lo: Whole, hi: Whole) -> None:
    z = st.z[lo:hi]
    b = st.b[lo:hi]
    a = -np.sqrt(F4(2.0) / F4(hi - lo))
    for i in range(hi - lo):
        t = abs((z[i] + b[i]) * F4(0.15915494))
        t = t - np.floor(t) - F4(0.5)  # cos(2 pi u) for u in [0, 1) = -cos(2 pi (u - .5))
        t = t * t * F4(39.4784176)
        c = F4(-2.605e-7) * t + F4(2.47609e-5)
        c = c * t - F4(1.3888397e-3)
        c = c * t + F4(4.16666418e-2)
        c = c * t - F4(0.5)
        z[i] = (c * t + F4(1.0)) * a


@part
def _features(st: Rls, event: Event, ml: Whole, m: Whole) -> Whole:
    """Write [1, linear features, Fourier features from ``ml`` on]; give the dimensions in use."""
    idx, x, n, d = event.idx, event.x1, event.n, event.row.d
    z = st.z
    if ml > 0:
        if event.dense and d < ml and m == ml:
            m = (d + 4) // 4 * 4
            for i in range(m):
                z[i] = F4(0.0)
            for k in range(n):
                z[idx[k] + 1] = x[k]
        else:
            _project(st, idx, x, n, np.int64(0), ml)
        z[0] = F4(1.0)
    if m > ml:
        _project(st, idx, x, n, ml, m)
        _cosines(st, ml, m)
    return m


@kernel
def rls_score(
    st: Rls | None, event: Event, raw: Float32Array, place: int, linear: Whole, size: Whole
) -> None:
    """Scores by ``linear`` linear and then Fourier features, ``size`` in all, to a row of ``raw``.

    Where ``place`` is -1 it is no member.
    """
    if st is None:
        return
    if place < 0:
        return
    st.t[1] = _features(st, event, linear, size)
    out, L = raw[place], event.padded
    m = (st.t[1] + 3) // 4 * 4
    z = st.z
    yh = st.yh
    for l in range(L):
        yh[l] = F4(0.0)
    for i in range(0, m, 4):
        a0 = z[i]
        a1 = z[i + 1]
        a2 = z[i + 2]
        a3 = z[i + 3]
        w0 = st.w[i]
        w1 = st.w[i + 1]
        w2 = st.w[i + 2]
        w3 = st.w[i + 3]
        for l in range(L):
            yh[l] += (a0 * w0[l] + a1 * w1[l]) + (a2 * w2[l] + a3 * w3[l])
    for l in range(L):
        out[l] = F4(6.0) * (yh[l] - F4(0.35))


@summing_kernel
def _gain(st: Rls, m: int) -> Real:
    z = st.z
    kk = st.k
    q = F4(0.0)
    for i in range(0, m, 4):
        p0 = st.p[i]
        p1 = st.p[i + 1]
        p2 = st.p[i + 2]
        p3 = st.p[i + 3]
        s0 = F4(0.0)
        s1 = F4(0.0)
        s2 = F4(0.0)
        s3 = F4(0.0)
        for j in range(m):
            a = z[j]
            s0 += p0[j] * a
            s1 += p1[j] * a
            s2 += p2[j] * a
            s3 += p3[j] * a
        kk[i] = s0
        kk[i + 1] = s1
        kk[i + 2] = s2
        kk[i + 3] = s3
        q += s0 * z[i] + s1 * z[i + 1] + s2 * z[i + 2] + s3 * z[i + 3]
    return max(q, F4(0.0))


@kernel
def _shrink(st: Rls, m: int, g: Real) -> None:
    """P -= g k k', symmetric to the last bit because the factor is split evenly."""
    kk = st.k
    g = np.sqrt(g)
    for i in range(m):
        kk[i] *= g
    for i in range(m):
        a = kk[i]
        p = st.p[i]
        for j in range(m):
            p[j] -= a * kk[j]


@kernel
def rls_learn(
    st: Rls | None, event: Event, truth: Truth, e: Float32Array, place: int, every: int
) -> None:
    """One step for all labels; ``e`` is scratch.

    Once every direction was seen often, the covariance takes every n-th event n-fold.
    """
    if st is None:
        return
    if place < 0:
        return
    y, known, L = truth.y, truth.known, event.padded
    m = st.t[1]
    q = _gain(st, m)
    kk = st.k
    yh = st.yh
    g = F4(1.0) / (F4(1.0) + q)
    for l in range(L):
        e[l] = (y[l] - yh[l]) * g * known[l]
    for i in range(m):
        a = kk[i]
        w = st.w[i]
        for l in range(L):
            w[l] += a * e[l]
    t = st.t[0]
    st.t[0] = t + 1
    if t < 4 * m or every == 1:
        _shrink(st, m, g)
    elif t % every == 0:
        n = F4(every)
        _shrink(st, m, n / (F4(1.0) + n * q))
