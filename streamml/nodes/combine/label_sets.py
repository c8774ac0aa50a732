"""Label sets seen: their scores, the best one, and their counts.

A set scores the sum of its labels' scores, plus learned weights of its count and of its
size; the weights follow the gradient of a softmax over all sets held.
"""

from __future__ import annotations

import numpy as np

from streamml.kernels.compile import (
    F4,
    Real,
    Whole,
    exp32,
    kernel,
    ordered,
    part,
    sum_products,
    total32,
)
from streamml.nodes.combine.decision_state import (
    BLOCK,
    COUNT_BASE,
    COUNT_WEIGHT,
    COUNT_WEIGHT_SQUARES,
    FEW,
    N_SETS,
    SIZES,
    WIDEST,
    Decision,
)
from streamml.nodes.simd import two_sums
from streamml.types import Float32Array, Int32Array, UInt64Array

LOG_DECAY = 0.0020020027  # -log(.998)


@part
def _score_few(st: Decision, L: Whole) -> None:
    a = F4(st.f[COUNT_WEIGHT])
    n = (st.i[N_SETS] + BLOCK - 1) // BLOCK * BLOCK
    sc, ss, lc, size, gam = st.sc, st.ss, st.lc, st.size, st.gam
    for i in range(n):
        sc[i] = a * lc[i] + gam[min(size[i], SIZES - 1)]
    two_sums(sc, ss, st.has, st.z, st.th, L, n)
    for i in range(n):
        ss[i] = sc[i] - ss[i]


@part
def score_sets(st: Decision, L: Whole) -> None:
    """Score every set held: ``sc``, and ``ss`` less the thresholds of its labels."""
    if L <= FEW:
        _score_few(st, L)
        return
    z = st.z
    th = st.th
    a = F4(st.f[COUNT_WEIGHT])
    n = st.i[N_SETS]
    for b in range((n + BLOCK - 1) // BLOCK):
        i0 = b * BLOCK
        sc = st.sc[i0 : i0 + BLOCK]
        ss = st.ss[i0 : i0 + BLOCK]
        lc = st.lc[i0 : i0 + BLOCK]
        size = st.size[i0 : i0 + BLOCK]
        for i in range(BLOCK):
            sc[i] = a * lc[i] + st.gam[min(size[i], SIZES - 1)]
            ss[i] = F4(0.0)
        for q in range(st.depth[b]):
            lab = st.lab[q][i0 : i0 + BLOCK]
            for i in range(BLOCK):
                l = np.uint32(lab[i])  # unsigned: no wrapping of negative places
                sc[i] += z[l]
                ss[i] += th[l]
        for i in range(BLOCK):
            ss[i] = sc[i] - ss[i]


@kernel
def argmax(x: Float32Array, n: int) -> Whole:
    """First position of the largest; as integers, so that it vectorises and knows NaN."""
    m: Whole = np.int32(-2147483648)
    for i in range(n):
        m = max(m, ordered(x[i]))
    at = np.int32(2147483647)
    for i in range(n):
        at = min(at, np.int32(i) if ordered(x[i]) == m else np.int32(2147483647))
    return at


@part
def set_key(ys: Int32Array, ny: int) -> Whole:
    """Hash of a set of columns, whatever their order."""
    h = np.uint64(0)
    for i in range(ny):
        x = np.uint64(ys[i]) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(0x9E3779B97F4A7C15)
        x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        h += x ^ (x >> np.uint64(31))
    return h + np.uint64(ny)


@part
def find_set(key: UInt64Array, n: int, h: Whole) -> int:
    """Place of the set with this key, or -1."""
    p = -1
    for i in range(n):
        p = max(p, i if key[i] == h else -1)
    return p


@part
def _softmax(st: Decision, n: int) -> tuple[Real, Real]:
    """Sc becomes exp(sc - max); returns the sum and the sum weighted with the log counts."""
    sc = st.sc
    lc = st.lc
    top = sc[argmax(sc, n)]
    for i in range(n):
        sc[i] = exp32(sc[i] - top)
    tot = total32(sc, n)
    el = sum_products(sc, lc, n)
    return tot, el / tot


@part
def learn_sets(st: Decision, cur: int, ny: int) -> None:
    """Gradient steps on the weights of log count and set sizes, by softmax over the sets."""
    n = st.i[N_SETS]
    tot, el = _softmax(st, n)
    f = st.f
    d = el - st.lc[cur]
    f[COUNT_WEIGHT_SQUARES] += d * d
    f[COUNT_WEIGHT] = min(
        max(f[COUNT_WEIGHT] - 0.1 * d / np.sqrt(f[COUNT_WEIGHT_SQUARES]), 0.0), 1.0
    )
    qk = st.qk
    sc = st.sc
    for k in range(SIZES):
        qk[k] = F4(0.0)
    eps = tot * F4(1e-5)
    r = F4(1.0) / tot
    for b in range((n + BLOCK - 1) // BLOCK):
        hi = min(n, (b + 1) * BLOCK)
        c = 0
        for i in range(b * BLOCK, hi):
            c += sc[i] > eps
        if c:
            for i in range(b * BLOCK, hi):
                qk[min(st.size[i], SIZES - 1)] += sc[i] * r
    qk[min(ny, SIZES - 1)] -= F4(1.0)
    for k in range(SIZES):
        d = qk[k]
        st.gg[k] += d * d
        st.gam[k] -= F4(0.2) * d / np.sqrt(st.gg[k])


@part
def store_set(st: Decision, cur: int, ys: Int32Array, ny: int, h: Whole, cap: int) -> None:
    """Count the set, in a new place (or that of the rarest) if it was not held."""
    base = st.f[COUNT_BASE] + LOG_DECAY
    st.f[COUNT_BASE] = base
    if base > 50.0:
        for i in range(st.i[N_SETS]):
            st.lc[i] = max(st.lc[i] - F4(base), F4(-25.0))
        st.f[COUNT_BASE] = base = 0.0
    if cur >= 0:
        st.lc[cur] = F4(base + np.log1p(np.exp(min(st.lc[cur] - base, 50.0))))
        return
    if ny > WIDEST:
        return
    if st.i[N_SETS] < cap:
        cur = st.i[N_SETS]
        st.i[N_SETS] += 1
    else:
        cur = 0
        for i in range(cap):
            if st.lc[i] < st.lc[cur]:
                cur = i
    for q in range(st.size[cur]):
        if st.lab[q, cur] <= FEW:
            st.has[st.lab[q, cur] - 1, cur] = F4(0.0)
    for q in range(ny):
        if ys[q] < FEW:
            st.has[ys[q], cur] = F4(1.0)
    for q in range(max(st.size[cur], ny)):
        st.lab[q, cur] = ys[q] + 1 if q < ny else 0
    st.size[cur] = ny
    st.key[cur] = h
    st.lc[cur] = F4(base)
    b = cur // BLOCK
    m = 0
    for i in range(b * BLOCK, (b + 1) * BLOCK):
        m = max(m, st.size[i])
    st.depth[b] = m
