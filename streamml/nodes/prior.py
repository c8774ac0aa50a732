"""How often each label was true, and whether it was true just before."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from streamml.kernels.compile import F4, kernel, log32
from streamml.nodes.arrays import Spec
from streamml.nodes.event import Event, Truth
from streamml.types import Float32Array, Float64Array

__all__ = ["SPEC", "Prior", "last_score", "prior_learn", "prior_probability", "prior_score"]

_HIGHEST = F4(0.98)


class Prior(NamedTuple):
    """Counts of labels; ``p`` is the smoothed frequency for the current event."""

    c: Float32Array  # [label] times true; an unknown label counts as its own frequency
    p: Float32Array  # [label]
    last: Float32Array  # [label] twice the previous value
    t: Float64Array  # [1] events


SPEC: Spec = {
    "c": (F4, 0, ("l",)),
    "p": (F4, 0, ("l",)),
    "last": (F4, 0, ("l",)),
    "t": (np.float64, 0, (1,)),
}


@kernel
def prior_probability(st: Prior, event: Event) -> None:
    """Write the labels' smoothed frequencies to ``p``."""
    r = F4(1.0 / (st.t[0] + 0.5))
    c = st.c
    p = st.p
    for l in range(event.padded):
        p[l] = min((c[l] + F4(0.05)) * r, _HIGHEST)


@kernel
def prior_score(st: Prior, event: Event, raw: Float32Array, place: int) -> None:
    """Logits of the frequencies in ``p``, to row ``place`` of ``raw`` (-1: no member)."""
    if place < 0:
        return
    p, out = st.p, raw[place]
    for l in range(event.padded):
        out[l] = log32(p[l] / (F4(1.0) - p[l]))


@kernel
def last_score(st: Prior, event: Event, raw: Float32Array, place: int) -> None:
    """2 where the label was true in the event before, else 0."""
    if place < 0:
        return
    last, out = st.last, raw[place]
    for l in range(event.padded):
        out[l] = last[l]


@kernel
def prior_learn(st: Prior, event: Event, truth: Truth) -> None:
    """Count one event."""
    soft, known = truth.soft, truth.known
    c = st.c
    last = st.last
    for l in range(event.padded):
        c[l] += soft[l]
        last[l] += known[l] * (F4(2.0) * soft[l] - last[l])
    st.t[0] += 1.0
