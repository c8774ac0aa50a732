"""From scores to a label set: between per-label thresholds and the best label set seen.

The threshold of a label follows the F1 it has reached (half of it is the optimal
threshold, Lipton, Elkan and Naryanaswamy 2014). The best set is the seen set with the
highest sum of scores, weights of its count and of its size, learned on line. Which of the
two decides is learned from which scored better, by a logistic step.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from streamml._kernel import (
    F4,
    Real,
    Whole,
    exp32,
    kernel,
    log32,
    ordered,
    part,
    sum_products,
    total32,
)
from streamml.nodes.arrays import Spec
from streamml.nodes.lanes import two_sums
from streamml.types import (
    Float32Array,
    Float64Array,
    Int32Array,
    Int64Array,
    UInt8Array,
    UInt64Array,
)

SIZES = 12  # set sizes from 11 on share one weight
BLOCK = 16  # sets are scored in blocks, each as deep as its largest set
_BY_LABEL, _BY_SET = 0, 1  # other rules learn between the two
FEW = 48  # up to so many labels the sets are scored as a product with a 0/1 matrix
WIDEST = 64  # larger sets are not kept
LOG_DECAY = 0.0020020027  # -log(.998)


SETS, BEST, USE_T, EMPTY, NT, EVENTS = range(6)
A, GA, B, W, V, GB, GW, GV, NU, GAP, PU, TP, D, BASE, SH = range(15)


class Decision(NamedTuple):
    """Thresholds, label sets seen and what was learned of when to trust which."""

    z: Float32Array  # [label + 1] scores, entry 0 is 0
    th: Float32Array  # [label + 1] logit thresholds, entry 0 is 0
    tp: Float32Array  # [label] true positives, d: predicted + true
    d: Float32Array
    t: UInt8Array  # uint8 [label] threshold decision, out: final decision
    out: UInt8Array
    lab: Int32Array  # [place, set] int32 label + 1, 0 = none
    has: Float32Array  # [label below FEW, set] 1 where the set has the label
    size: Int32Array  # [set] int32
    key: UInt64Array  # [set] uint64
    lc: Float32Array  # [set] log count, in units that do not decay
    depth: Int64Array  # [block] int64
    sc: Float32Array  # [set] score, shifted score
    ss: Float32Array
    gam: Float32Array  # [SIZES] weight of a set size, and its AdaGrad sum
    gg: Float32Array
    qk: Float32Array
    f: Float64Array  # float64: see the constants above
    i: Int64Array  # int64: see the constants above


def spec(N: int) -> Spec:
    """Arrays for ``N`` label sets, a multiple of 16."""
    return {
        "z": (F4, 0, ("l1",)),
        "th": (F4, 0, ("l1",)),
        "tp": (F4, 0, ("l",)),
        "d": (F4, 0, ("l",)),
        "t": (np.uint8, 0, ("l",)),
        "out": (np.uint8, 0, ("l",)),
        "lab": (np.int32, 0, (WIDEST, N)),
        "has": (F4, 0, (FEW, N)),
        "size": (np.int32, 0, (N,)),
        "key": (np.uint64, 0, (N,)),
        "lc": (F4, 0, (N,)),
        "depth": (np.int64, 0, (N // BLOCK,)),
        "sc": (F4, -1e30, (N,)),
        "ss": (F4, -1e30, (N,)),
        "gam": (F4, 0, (SIZES,)),
        "gg": (F4, 1e-8, (SIZES,)),
        "qk": (F4, 0, (SIZES,)),
        "f": (np.float64, 0, (15,)),
        "i": (np.int64, 0, (6,)),
    }


def init(st: Decision) -> None:
    """Start values of what is learned on line."""
    st.f[A] = 0.3
    st.f[GA] = st.f[GB] = st.f[GW] = st.f[GV] = 1e-8
    st.f[W] = 1.0
    st.f[NU] = 0.5
    st.i[BEST] = -1


@part
def _thresholds(
    st: Decision,
    s: Float32Array,
    L: int,
    omega: Real,
    theta0: Real,
    kappa: Real,
    lo: Real,
    hi: Real,
) -> None:
    f = F4(st.f[TP] / st.f[D]) if st.f[D] > 0 else F4(0.5)
    base = F4((1.0 - omega) * theta0)
    om = F4(omega)
    ka = F4(kappa)
    kf = ka * f
    lo = F4(lo)
    hi = F4(hi)
    for l in range(L):
        q = min(max(base + om * (st.tp[l] + kf) / (st.d[l] + ka), lo), hi)
        st.th[l + 1] = log32(q / (F4(1.0) - q))
        st.z[l + 1] = s[l]


@part
def _threshold_rule(st: Decision, L: int) -> None:
    z = st.z
    th = st.th
    n = 0
    sh = F4(0.0)
    for l in range(L):
        u = z[l + 1] - th[l + 1]
        b = u >= F4(0.0)
        st.t[l] = b
        n += b
        sh += u if b else F4(0.0)
    if n == 0 and L > 0 and st.i[EMPTY] <= 0.05 * st.i[EVENTS]:
        j = 0
        best = z[1] - th[1]
        for l in range(1, L):
            u = z[l + 1] - th[l + 1]
            if u > best:
                best = u
                j = l
        st.t[j] = 1
        n = 1
        sh = best
    st.i[NT] = n
    st.f[SH] = sh


@part
def _score_few(st: Decision, L: int) -> None:
    a = F4(st.f[A])
    n = (st.i[SETS] + BLOCK - 1) // BLOCK * BLOCK
    sc, ss, lc, size, gam = st.sc, st.ss, st.lc, st.size, st.gam
    for i in range(n):
        sc[i] = a * lc[i] + gam[min(size[i], SIZES - 1)]
    two_sums(sc, ss, st.has, st.z, st.th, L, n)
    for i in range(n):
        ss[i] = sc[i] - ss[i]


@part
def _score_sets(st: Decision, L: int) -> None:
    if L <= FEW:
        _score_few(st, L)
        return
    z = st.z
    th = st.th
    a = F4(st.f[A])
    n = st.i[SETS]
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
                l = lab[i]
                sc[i] += z[l]
                ss[i] += th[l]
        for i in range(BLOCK):
            ss[i] = sc[i] - ss[i]


@kernel
def _argmax(x: Float32Array, n: int) -> Whole:
    """First position of the largest; as integers, so that it vectorises and knows NaN."""
    m: Whole = np.int32(-2147483648)
    for i in range(n):
        m = max(m, ordered(x[i]))
    at = np.int32(2147483647)
    for i in range(n):
        at = min(at, np.int32(i) if ordered(x[i]) == m else np.int32(2147483647))
    return at


@kernel
def decide(
    st: Decision,
    s: Float32Array,
    L: int,
    omega: Real,
    theta0: Real,
    kappa: Real,
    lo: Real,
    hi: Real,
    rule: int,
) -> None:
    """Decide st.out (0/1 per label) from the scores s (logits)."""
    _thresholds(st, s, L, omega, theta0, kappa, lo, hi)
    _threshold_rule(st, L)
    out = st.out
    st.i[BEST] = -1
    st.i[USE_T] = 1
    n = st.i[SETS]
    if n > 0 and rule != _BY_LABEL:
        _score_sets(st, L)
        b = _argmax(st.ss, n)
        st.i[BEST] = b
        top = 0.0
        for q in range(st.size[b]):
            l = st.lab[q, b]
            top += st.z[l] - st.th[l]
        gap = min(max(st.f[SH] - top, -5.0), 5.0) / 3.0
        g = st.f[B] + st.f[W] * gap + st.f[V] * (2.0 * st.f[NU] - 1.0)
        st.f[GAP] = gap
        st.f[PU] = 1.0 / (1.0 + np.exp(-g))
        if rule == _BY_SET or not g > 0.0:
            st.i[USE_T] = 0
            for l in range(L):
                out[l] = 0
            for q in range(st.size[b]):
                out[st.lab[q, b] - 1] = 1
            return
    for l in range(L):
        out[l] = st.t[l]


@part
def _set_key(ys: Int32Array, ny: int) -> Whole:
    h = np.uint64(0)
    for i in range(ny):
        x = np.uint64(ys[i]) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(0x9E3779B97F4A7C15)
        x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        h += x ^ (x >> np.uint64(31))
    return h + np.uint64(ny)


@part
def _find(key: UInt64Array, n: int, h: Whole) -> int:
    p = -1
    for i in range(n):
        p = max(p, i if key[i] == h else -1)
    return p


@kernel
def _reward(hit: Whole, n: Whole, ny: int) -> Real:
    r = 2.0 * hit / (n + ny) if n + ny > 0 else 1.0
    return r + 1.0 if hit == n and hit == ny else r


@part
def _learn_backoff(st: Decision, ys: Int32Array, ny: int, y: Float32Array) -> None:
    b = st.i[BEST]
    ht = np.int64(0)
    for i in range(ny):
        ht += st.t[ys[i]]
    hs = np.int64(0)
    for q in range(st.size[b]):
        hs += y[st.lab[q, b] - 1] > F4(0.0)
    e = _reward(ht, st.i[NT], ny) - _reward(hs, np.int64(st.size[b]), ny)
    if e == 0.0:
        return
    f = st.f
    d = ((1.0 if e > 0.0 else 0.0) - f[PU]) * abs(e)
    x = d * f[GAP]
    u = d * (2.0 * f[NU] - 1.0)
    f[GB] += d * d
    f[GW] += x * x
    f[GV] += u * u
    f[B] += 0.1 * d / np.sqrt(f[GB])
    f[W] += 0.1 * x / np.sqrt(f[GW])
    f[V] += 0.1 * u / np.sqrt(f[GV])


@part
def _softmax(st: Decision, n: int) -> tuple[Real, Real]:
    """Sc becomes exp(sc - max); returns the sum and the sum weighted with the log counts."""
    sc = st.sc
    lc = st.lc
    top = sc[_argmax(sc, n)]
    for i in range(n):
        sc[i] = exp32(sc[i] - top)
    tot = total32(sc, n)
    el = sum_products(sc, lc, n)
    return tot, el / tot


@part
def _learn_sets(st: Decision, cur: int, ny: int) -> None:
    """Gradient steps on the weights of log count and set sizes, by softmax over the sets."""
    n = st.i[SETS]
    tot, el = _softmax(st, n)
    f = st.f
    d = el - st.lc[cur]
    f[GA] += d * d
    f[A] = min(max(f[A] - 0.1 * d / np.sqrt(f[GA]), 0.0), 1.0)
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
def _store(st: Decision, cur: int, ys: Int32Array, ny: int, h: Whole, cap: int) -> None:
    """Count the set, in a new place (or that of the rarest) if it was not held."""
    base = st.f[BASE] + LOG_DECAY
    st.f[BASE] = base
    if base > 50.0:
        for i in range(st.i[SETS]):
            st.lc[i] = max(st.lc[i] - F4(base), F4(-25.0))
        st.f[BASE] = base = 0.0
    if cur >= 0:
        st.lc[cur] = F4(base + np.log1p(np.exp(min(st.lc[cur] - base, 50.0))))
        return
    if ny > WIDEST:
        return
    if st.i[SETS] < cap:
        cur = st.i[SETS]
        st.i[SETS] += 1
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


@kernel
def decision_learn(
    st: Decision,
    ys: Int32Array,
    ny: int,
    y: Float32Array,
    known: Float32Array,
    full: bool,
    L: int,
    cap: int,
) -> None:
    """After decide: ys the true labels (sorted or not), y the same as 0/1 per label."""
    _count(st, y, known, L)
    if not full:
        return
    h = _set_key(ys, ny)
    cur = _find(st.key, st.i[SETS], h)
    if st.i[BEST] >= 0:
        _learn_backoff(st, ys, ny, y)
        if cur >= 0:
            _learn_sets(st, cur, ny)
    f = st.f
    f[NU] += 0.02 * ((1.0 if cur < 0 else 0.0) - f[NU])
    st.i[EMPTY] += ny == 0
    st.i[EVENTS] += 1
    _store(st, cur, ys, ny, h, cap)


@part
def _count(st: Decision, y: Float32Array, known: Float32Array, L: int) -> None:
    tp = F4(0.0)
    d = F4(0.0)
    for l in range(L):
        o = F4(st.out[l]) * known[l]
        a = o * y[l]
        b = o + y[l]
        st.tp[l] += a
        st.d[l] += b
        tp += a
        d += b
    st.f[TP] += tp
    st.f[D] += d
