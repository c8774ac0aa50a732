"""Second level: the scores of the labels a label occurs with most inform its own.

This is where the labels of a cluster help each other: a label listens to up to eight labels
of its cluster, by a linear function of their centred probabilities.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from streamml.kernels.compile import F4, Real, Whole, kernel, sigmoid32
from streamml.nodes.arrays import Spec
from streamml.nodes.event import Truth
from streamml.nodes.linear import kalman_gains
from streamml.types import Float32Array, Int32Array


class Second(NamedTuple):
    """Whom each label listens to, and how much."""

    nbr: Int32Array  # [q, label] the other label, -1 where there is none
    cnt: Float32Array  # [q, label] times seen together; the smallest is worn down by others
    a: Float32Array  # [q, label]
    v: Float32Array  # [q, label] variance
    u: Float32Array  # [label] centred probability
    uu: Float32Array  # [q, label] gathered
    s: Float32Array
    e: Float32Array
    h: Float32Array


def spec(Q: int, var: float) -> Spec:
    """Arrays for up to ``Q`` labels to listen to."""
    return {
        "nbr": (np.int32, -1, (Q, "l")),
        "cnt": (F4, 0, (Q, "l")),
        "a": (F4, 0, (Q, "l")),
        "v": (F4, var, (Q, "l")),
        "u": (F4, 0, ("l",)),
        "uu": (F4, 0, (Q, "l")),
        "s": (F4, 0, ("l",)),
        "e": (F4, 0, ("l",)),
        "h": (F4, 0, ("l",)),
    }


@kernel
def second_scores(st: Second, s1: Float32Array, freq: Float32Array, Q: int, L: Whole) -> None:
    """Scores of the second level, from those of the first."""
    u = st.u
    s = st.s
    h = st.h
    for l in range(L):
        u[l] = sigmoid32(s1[l]) - freq[l]
        s[l] = s1[l]
        h[l] = F4(0.0)
    for q in range(Q):
        nb = st.nbr[q]
        uu = st.uu[q]
        a = st.a[q]
        v = st.v[q]
        for l in range(L):
            m = nb[l]
            x = u[np.uint32(max(m, 0))]  # unsigned: no wrapping of negative places
            uu[l] = x if m >= 0 else F4(0.0)
        for l in range(L):
            x = uu[l]
            s[l] += a[l] * x
            h[l] += v[l] * x * x


@kernel
def second_learn(st: Second, Q: int, L: Whole, truth: Truth) -> None:
    """One diagonal Kalman step on how much to listen."""
    s = st.s
    e = st.e
    h = st.h
    kalman_gains(s, h, truth.y, truth.known, L, e, h)
    for q in range(Q):
        uu = st.uu[q]
        a = st.a[q]
        v = st.v[q]
        for l in range(L):
            x = v[l] * uu[l]
            a[l] += x * e[l]
            v[l] -= x * x * h[l]


@kernel
def second_neighbours(st: Second, Q: int, ys: Int32Array, var: Real, leaf_of: Int32Array) -> None:
    """Keep, for each label of this event, the labels it occurs with most."""
    ny = len(ys)
    for i in range(ny):
        l = ys[i]
        for j in range(ny):
            m = ys[j]
            if i == j or leaf_of[l] != leaf_of[m]:
                continue
            low = 0
            hit = False
            for q in range(Q):
                if st.nbr[q, l] == m:
                    st.cnt[q, l] += F4(1.0)
                    hit = True
                    break
                if st.cnt[q, l] < st.cnt[low, l]:
                    low = q
            if hit:
                continue
            if st.cnt[low, l] > F4(1.0):
                st.cnt[low, l] -= F4(1.0)
            else:
                st.nbr[low, l] = m
                st.cnt[low, l] = F4(1.0)
                st.a[low, l] = F4(0.0)
                st.v[low, l] = F4(var)
