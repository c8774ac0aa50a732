"""Naive Bayes: the likelihood ratio of every label, without the prior.

Multinomial for sparse rows, Gaussian for dense ones. Sums over all events and over those
with a label are kept, so an event touches its own labels only.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from streamml.kernels.compile import F4, Real, Whole, kernel, log32, part
from streamml.nodes.arrays import Spec
from streamml.nodes.event import Event, Truth
from streamml.types import Float32Array


class Bayes(NamedTuple):
    """Sums of feature values, over all events and by label."""

    s: Float32Array  # [feature, label] sum of values where the label is set
    q: Float32Array  # [feature, label] sum of squares (dense only)
    all_s: Float32Array  # [feature] sums over all events
    all_q: Float32Array
    n: Float32Array  # [label] events (dense) or mass (sparse) with the label
    a: Float32Array  # [label] workspace
    b: Float32Array
    tot: Float32Array  # [2] float32: mass, events


HALVE = 1048576.0  # sums are halved here, so that float32 goes on counting


SPEC: Spec = {
    "s": (F4, 0, ("d", "l")),
    "q": (F4, 0, ("d", "l")),
    "all_s": (F4, 0, ("d",)),
    "all_q": (F4, 0, ("d",)),
    "n": (F4, 0, ("l",)),
    "a": (F4, 0, ("l",)),
    "b": (F4, 0, ("l",)),
    "tot": (F4, 0, (2,)),
}


@kernel
def _sparse_scores(st: Bayes, event: Event, out: Float32Array) -> None:
    idx, x, L = event.idx, event.x1, event.padded
    h = F4(0.5) * F4(event.row.d)
    mass = st.tot[0]
    r = st.a
    for l in range(L):
        r[l] = (mass - st.n[l] + h) / (st.n[l] + h)
        out[l] = F4(0.0)
    for k in range(event.n):
        j = idx[k]
        f = st.all_s[j]
        sm = h * (f + F4(0.5)) / (mass + h)
        w = F4(3.0) * x[k]
        s = st.s[j]
        for l in range(L):
            out[l] += w * log32(r[l] * (s[l] + sm) / (f - s[l] + sm))


@kernel
def _dense_scores(st: Bayes, event: Event, out: Float32Array) -> None:
    """The event's inputs are all features, in order."""
    x, d, L = event.x1, event.row.d, event.padded
    t = st.tot[1]
    a = st.a
    b = st.b
    for l in range(L):
        a[l] = F4(1.0) / (st.n[l] + F4(5.0))
        b[l] = F4(1.0) / (t - st.n[l] + F4(5.0))
        out[l] = F4(0.0)
    if t == F4(0.0):
        return
    root = np.sqrt(F4(d))
    for j in range(d):
        v = x[j] * root
        fs = st.all_s[j]
        fq = st.all_q[j]
        m0 = F4(5.0) * fs / t
        q0 = F4(5.0) * (fq / t + F4(0.01))
        s = st.s[j]
        q = st.q[j]
        for l in range(L):
            mu = (s[l] + m0) * a[l]
            va = max((q[l] + q0) * a[l] - mu * mu, F4(0.05))
            nu = (fs - s[l] + m0) * b[l]
            vb = max((fq - q[l] + q0) * b[l] - nu * nu, F4(0.05))
            ra = F4(1.0) / va
            rb = F4(1.0) / vb
            out[l] += log32(vb * ra) + (v - nu) * (v - nu) * rb - (v - mu) * (v - mu) * ra
    root = F4(0.5) / root
    for l in range(L):
        out[l] *= root


@kernel
def bayes_score(st: Bayes | None, event: Event, raw: Float32Array, place: int) -> None:
    """Log likelihood ratios, to row ``place`` of ``raw``."""
    if st is None:
        return
    if event.dense:
        _dense_scores(st, event, raw[place])
    else:
        _sparse_scores(st, event, raw[place])


@kernel
def _halve(st: Bayes, d: Whole, L: Whole) -> None:
    for j in range(d):
        s = st.s[j]
        q = st.q[j]
        for l in range(L):
            s[l] *= F4(0.5)
            q[l] *= F4(0.5)
        st.all_s[j] *= F4(0.5)
        st.all_q[j] *= F4(0.5)
    for l in range(L):
        st.n[l] *= F4(0.5)
    st.tot[0] *= F4(0.5)
    st.tot[1] *= F4(0.5)


@kernel
def _count_event(st: Bayes, mass: Real, d: Whole, L: Whole) -> None:
    """One more event of so much mass; sums that grew large are halved."""
    st.tot[0] += mass
    st.tot[1] += F4(1.0)
    if max(st.tot[0], st.tot[1]) > F4(HALVE):
        _halve(st, d, L)


@part
def _add(sums: Float32Array, v: Real, truth: Truth, L: Whole) -> None:
    """Add to the labels that are set: by so much as 0 or 1 says, or a frequency."""
    if truth.full:  # only the labels that are set are touched
        true = truth.true
        for q in range(len(true)):
            sums[true[q]] += v
    else:
        soft = truth.soft
        for l in range(L):
            sums[l] += v * soft[l]


@kernel
def bayes_learn(st: Bayes | None, event: Event, truth: Truth) -> None:
    """Add the event's values to the sums of its labels, and to those over all events."""
    if st is None:
        return
    idx, x, dense, L = event.idx, event.x1, event.dense, event.padded
    root = np.sqrt(F4(event.row.d)) if dense else F4(1.0)
    mass = F4(0.0)
    for k in range(event.n):
        j = idx[k]
        v = x[k] * root if dense else abs(x[k])
        mass += v
        st.all_s[j] += v
        _add(st.s[j], v, truth, L)
        if dense:
            st.all_q[j] += v * v
            _add(st.q[j], v * v, truth, L)
    _add(st.n, F4(1.0) if dense else mass, truth, L)
    _count_event(st, mass, event.row.d, L)
