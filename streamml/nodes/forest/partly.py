"""Events of which only some labels are known, for the forest: the others are drawn."""

from __future__ import annotations

from streamml.kernels.compile import F4, Whole, kernel
from streamml.nodes.event import Event, Truth
from streamml.nodes.forest.arrays import LABELS
from streamml.nodes.forest.grow import draw
from streamml.nodes.prior import Prior
from streamml.types import Int32Array, UInt64Array

__all__ = ["draw_labels"]


@kernel
def draw_labels(
    rng: UInt64Array, event: Event, prior: Prior, truth: Truth, drawn: Int32Array
) -> Whole:
    """A label set in which the unknown labels are drawn by their frequency; its size.

    So an event of which little is known says nothing of the rest, on average.
    """
    y, known, p = truth.y, truth.known, prior.p
    n: Whole = 0
    for l in range(event.n_labels):
        chance = y[l]
        if known[l] == F4(0.0):
            chance = p[l] if F4(draw(rng) & 65535) < p[l] * F4(65536.0) else F4(0.0)
        if chance > F4(0.0) and n < LABELS:
            drawn[n] = l
            n += 1
    return n
