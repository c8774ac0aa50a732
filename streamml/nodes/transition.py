"""How often a label is true, given whether it was true in the event before; fading."""

from __future__ import annotations

from typing import NamedTuple

from streamml.kernels.compile import F4, kernel, log32
from streamml.nodes.arrays import Spec
from streamml.nodes.event import Event, Truth
from streamml.nodes.prior import Prior
from streamml.types import Float32Array

__all__ = ["SPEC", "Transition", "transition_learn", "transition_score"]

_FADING = F4(0.99)
_PRIOR_WEIGHT = F4(4.0)


class Transition(NamedTuple):
    """Fading counts ``[label]`` after the label was false (0) and after it was true (1)."""

    n0: Float32Array  # events
    c0: Float32Array  # ... in which the label is true now
    n1: Float32Array
    c1: Float32Array


SPEC: Spec = {
    "n0": (F4, 0, ("l",)),
    "c0": (F4, 0, ("l",)),
    "n1": (F4, 0, ("l",)),
    "c1": (F4, 0, ("l",)),
}


@kernel
def transition_score(
    st: Transition | None, event: Event, prior: Prior, raw: Float32Array, place: int
) -> None:
    """Logits, to row ``place`` of ``raw``."""
    if st is None:
        return
    n0, c0, n1, c1 = st.n0, st.c0, st.n1, st.c1
    last, p, out = prior.last, prior.p, raw[place]
    for l in range(event.padded):
        was = last[l] > F4(0.0)
        n = n1[l] if was else n0[l]
        c = c1[l] if was else c0[l]
        q = (c + _PRIOR_WEIGHT * p[l]) / (n + _PRIOR_WEIGHT)
        q = min(max(q, F4(1e-3)), F4(0.98))
        out[l] = log32(q / (F4(1.0) - q))


@kernel
def transition_learn(st: Transition | None, event: Event, prior: Prior, truth: Truth) -> None:
    """Count the event, before ``prior.last`` moves on to it."""
    if st is None:
        return
    n0, c0, n1, c1 = st.n0, st.c0, st.n1, st.c1
    last, y, known = prior.last, truth.y, truth.known
    for l in range(event.padded):
        one = known[l] if last[l] > F4(0.0) else F4(0.0)
        zero = known[l] - one
        n0[l] += zero * (F4(1.0) - (F4(1.0) - _FADING) * n0[l])
        c0[l] += zero * (y[l] - (F4(1.0) - _FADING) * c0[l])
        n1[l] += one * (F4(1.0) - (F4(1.0) - _FADING) * n1[l])
        c1[l] += one * (y[l] - (F4(1.0) - _FADING) * c1[l])
