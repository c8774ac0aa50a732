"""Events of which only some labels are known, for the forest: the others are drawn."""

from __future__ import annotations

from streamml.kernels.compile import F4, Whole, kernel, part
from streamml.nodes.forest.arrays import LABELS, Forest
from streamml.nodes.forest.forest import forest_learn
from streamml.nodes.forest.grow import draw
from streamml.types import Float32Array, Int32Array, UInt64Array

__all__ = ["forest_learn_partly"]


@kernel
def _draw_labels(
    rng: UInt64Array,
    y: Float32Array,
    known: Float32Array,
    p: Float32Array,
    L: int,
    drawn: Int32Array,
) -> Whole:
    """A label set in which the unknown labels are drawn by their frequency; its size.

    So an event of which little is known says nothing of the rest, on average.
    """
    n: Whole = 0
    for l in range(L):
        chance = y[l]
        if known[l] == F4(0.0):
            chance = p[l] if F4(draw(rng) & 65535) < p[l] * F4(65536.0) else F4(0.0)
        if chance > F4(0.0) and n < LABELS:
            drawn[n] = l
            n += 1
    return n


@part
def forest_learn_partly(
    st: Forest,
    idx: Int32Array,
    x: Float32Array,
    n: int,
    d: int,
    dense: bool,
    y: Float32Array,
    known: Float32Array,
    p: Float32Array,
    L: int,
    budget: int,
) -> None:
    """As ``forest_learn``, where only some labels are known; ``p``: their frequencies."""
    drawn = st.order[1]  # scratch until a tree grows
    m = _draw_labels(st.rng, y, known, p, L, drawn)
    forest_learn(st, idx, x, n, d, dense, drawn, m, budget)
