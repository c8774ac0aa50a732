"""Nearest neighbours in a window of recent events; one search serves several k.

Rows are quantised to a byte and stored column by column, so that a feature of the query
costs one contiguous pass of multiply-adds over the window. Norms of 200 and 127 steps keep
every inner product within 16 bits (Cauchy-Schwarz).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from streamml.kernels.compile import (
    F4,
    Real,
    Whole,
    exp32,
    kernel,
    log32,
    ordered,
    part,
    sum_products,
)
from streamml.nodes.arrays import Spec
from streamml.nodes.event import Event, Truth
from streamml.nodes.members import MixturePlan
from streamml.nodes.prior import Prior
from streamml.types import (
    Float32Array,
    Int8Array,
    Int16Array,
    Int32Array,
    Int64Array,
    UInt8Array,
)

I16, I32 = np.int16, np.int32
COLUMNS = 16384  # features beyond share a column
RUN = 32  # slots skipped at a time while looking for the nearest
KEPT = 512  # rows with more entries are cleared column by column over all columns


class Knn(NamedTuple):
    """The window as a ring of slots, and scratch for one search."""

    cols: Int8Array  # [column, slot] int8
    scale: Float32Array  # [slot] value of one step
    norm: Float32Array  # [slot] squared norm of the quantised row
    y: UInt8Array  # [slot, label] uint8
    num: Int64Array  # [slot] int64 entries kept in ix (-1: all columns)
    ix: Int32Array  # [slot, KEPT] the row's columns
    q: Int16Array  # [feature] the quantised query
    qf: Float32Array  # its step, squared norm, 127 / norm, norm / 127
    acc: Int16Array  # [slot] int16
    top: Int32Array  # [block of RUN slots] largest similarity
    dot: Float32Array  # [slot]
    best: Float32Array  # [k] similarities, descending, and their slots
    slot: Int64Array
    pos: Int64Array  # int64: next slot, slots filled
    vote: Float32Array  # [label]


def spec(window: int, k: int) -> Spec:
    """Arrays for a window of events and up to ``k`` neighbours."""
    return {
        "cols": (np.int8, 0, ("c", window)),
        "scale": (F4, 0, (window,)),
        "norm": (F4, 0, (window,)),
        "y": (np.uint8, 0, (window, "l")),
        "num": (np.int64, 0, (window,)),
        "ix": (np.int32, 0, (window, KEPT)),
        "q": (np.int16, 0, ("d",)),
        "qf": (F4, 0, (4,)),
        "acc": (np.int16, 0, (window,)),
        "top": (np.int32, 0, (window // RUN + 1,)),
        "dot": (F4, 0, (window,)),
        "best": (F4, 0, (k,)),
        "slot": (np.int64, 0, (k,)),
        "pos": (np.int64, 0, (2,)),
        "vote": (F4, 0, ("l",)),
    }


@kernel
def _col(j: int) -> int:
    return j if j < COLUMNS else (j * 40503) % COLUMNS


@kernel
def _step(v: Real, r: Real) -> Whole:
    v = v * r
    return I16(v + F4(0.5)) if v >= F4(0.0) else I16(v - F4(0.5))


@part
def _quantise(st: Knn, x: Float32Array, n: Whole) -> None:
    """Write the query as steps of 1/200 of its norm."""
    s = np.sqrt(sum_products(x, x, n))
    r = F4(1.0) / s if s > F4(0.0) else F4(0.0)
    q = st.q
    for k in range(n):
        q[k] = _step(x[k], F4(200.0) * r)
    st.qf[0] = s / F4(200.0)
    st.qf[1] = s * s
    st.qf[2] = r * F4(127.0)
    st.qf[3] = s / F4(127.0)


@part
def _dots(st: Knn, idx: Int32Array, n: Whole, m: Whole) -> None:
    acc = st.acc
    cols = st.cols
    q = st.q
    for i in range(m):
        acc[i] = 0
    k = 0
    while k + 4 <= n:
        a0 = q[k]
        a1 = q[k + 1]
        a2 = q[k + 2]
        a3 = q[k + 3]
        r0 = cols[_col(idx[k])]
        r1 = cols[_col(idx[k + 1])]
        r2 = cols[_col(idx[k + 2])]
        r3 = cols[_col(idx[k + 3])]
        for i in range(m):
            acc[i] = I16(acc[i] + (a0 * r0[i] + a1 * r1[i]) + (a2 * r2[i] + a3 * r3[i]))
        k += 4
    while k < n:
        a0 = q[k]
        r0 = cols[_col(idx[k])]
        for i in range(m):
            acc[i] = I16(acc[i] + a0 * r0[i])
        k += 1


@part
def _tops(dot: Float32Array, m: int, top: Int32Array) -> None:
    """Largest of each block of RUN, as ordered integers (so that it vectorises)."""
    for b in range((m + RUN - 1) // RUN):
        x = dot[b * RUN : min(b * RUN + RUN, m)]
        t: Whole = I32(-2147483648)
        for i in range(len(x)):
            t = max(t, ordered(x[i]))
        top[b] = t


@kernel
def _scan(
    dot: Float32Array,
    top: Int32Array,
    lo: Whole,
    hi: Whole,
    best: Float32Array,
    slot: Int64Array,
    k: int,
    have: Whole,
) -> Whole:
    """Keep the k largest of dot[lo:hi], newest first, in best (descending); how many it holds."""
    i = hi
    while i > lo:
        b = (i - 1) // RUN
        j = max(lo, b * RUN)
        if have == k and top[b] <= ordered(best[k - 1]):
            i = j
            continue
        for q in range(i - 1, j - 1, -1):
            s = dot[q]
            if have < k or s > best[k - 1]:
                if have < k:
                    have += 1
                p = have - 1
                while p > 0 and best[p - 1] < s:
                    best[p] = best[p - 1]
                    slot[p] = slot[p - 1]
                    p -= 1
                best[p] = s
                slot[p] = q
        i = j
    return have


@part
def _search(st: Knn, event: Event, k: int) -> Whole:
    """Find the k nearest, by cosine (sparse) or distance (dense); give how many there are."""
    _quantise(st, event.x1, event.n)
    none = np.int64(0)  # a plain 0 would be compiled as a type of its own
    m = st.pos[1]
    if m == 0:
        return none
    _dots(st, event.idx, event.n, m)
    dot = st.dot
    acc = st.acc
    scale = st.scale
    if event.dense:
        a = F4(2.0) * st.qf[0]
        b = st.qf[1]
        norm = st.norm
        for i in range(m):
            dot[i] = min(a * scale[i] * F4(acc[i]) - norm[i] - b, F4(0.0))
    else:
        a = st.qf[0]
        for i in range(m):
            dot[i] = a * scale[i] * F4(acc[i])
    _tops(dot, m, st.top)
    pos = st.pos[0]
    have = _scan(st.dot, st.top, none, pos, st.best, st.slot, k, none)
    return _scan(st.dot, st.top, pos, m, st.best, st.slot, k, have)


@part
def _votes(
    st: Knn, event: Event, have: Whole, prior: Prior, weight: Real, out: Float32Array
) -> None:
    """Votes of the first neighbours, shrunk to the prior probability, as logits."""
    dense, L, p = event.dense, event.padded, prior.p
    num = st.vote
    for l in range(L):
        num[l] = F4(0.0)
    tot = F4(0.0)
    if have > 0:
        scale = F4(1.0) / (F4(1e-9) - st.best[have - 1])
        for i in range(have):
            b = st.best[i]
            w = F4(2.0) * exp32(b * scale) if dense else F4(2.0) * b
            if w <= F4(0.0):
                continue
            tot += w
            w *= F4(1.0 / 255.0)
            y = st.y[st.slot[i]]
            for l in range(L):
                num[l] += w * F4(y[l])
    r = F4(1.0) / (tot + weight)
    for l in range(L):
        q = (num[l] + weight * p[l]) * r
        q = min(max(q, F4(1e-4)), F4(0.9999))
        out[l] = log32(q / (F4(1.0) - q))


@kernel
def knn_score(st: Knn, event: Event, prior: Prior, raw: Float32Array, plan: MixturePlan) -> None:
    """Logits by so many neighbours as the plan asks for; one search serves every number."""
    if plan.neighbours == 0:
        return
    have = _search(st, event, plan.neighbours)
    for asked, place in (
        (30, plan.knn30),
        (10, plan.knn10),
        (5, plan.knn5),
        (1, plan.knn1),
    ):
        if place >= 0:
            weight = F4(1.0) if asked == 1 else F4(2.0)
            _votes(st, event, min(have, asked), prior, weight, raw[place])


@part
def _clear(st: Knn, pos: int) -> None:
    cols = st.cols
    if st.num[pos] < 0:
        for j in range(cols.shape[0]):
            cols[j, pos] = 0
    for k in range(st.num[pos]):
        cols[st.ix[pos, k], pos] = 0


@kernel
def knn_learn(st: Knn, event: Event, truth: Truth, plan: MixturePlan) -> None:
    """Store the row that was searched last (its quantised form is in st.q) over the oldest."""
    if plan.neighbours == 0:
        return
    idx, x, n = event.idx, event.x1, event.n
    y, window = truth.soft, plan.window  # a label that is not known counts as its frequency
    pos = st.pos[0]
    cols = st.cols
    if not event.dense:
        _clear(st, pos)
    for k in range(n):
        j = _col(idx[k])
        v = _step(x[k], st.qf[2])
        if j != idx[k]:
            v += cols[j, pos]
        cols[j, pos] = min(max(v, -127), 127)
        if k < KEPT:
            st.ix[pos, k] = j
    st.num[pos] = n if n <= KEPT else -1
    st.scale[pos] = st.qf[3]
    st.norm[pos] = st.qf[1]
    row = st.y[pos]
    for l in range(event.padded):
        row[l] = np.uint8(y[l] * F4(255.0) + F4(0.5))
    st.pos[0] = pos + 1 if pos + 1 < window else 0
    st.pos[1] = min(st.pos[1] + 1, window)
