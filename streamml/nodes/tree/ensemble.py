"""Bagged logistic regressions in each leaf, one ensemble a label.

Members of a label lie side by side, so that a value of the row costs one pass over all labels
and members. A member learns an event as often as a Poisson(1) number says (Oza and Russell,
2001); its margin after each step is known without looking at the row again, so that the row
is read once and written once however often it is learned.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from streamml.kernels.compile import F4, Real, Whole, kernel, sigmoid32, sum_products
from streamml.nodes.arrays import Spec
from streamml.nodes.event import Row, Truth
from streamml.nodes.tree.arrays import TreePlan
from streamml.nodes.tree.random import poisson1
from streamml.types import Float32Array, Int64Array

__all__ = [
    "COLUMNS",
    "MEMBERS",
    "Ensemble",
    "ensemble_clear",
    "ensemble_copy",
    "ensemble_learn",
    "ensemble_scores",
    "ensemble_spec",
]

COLUMNS = 4096
"""Columns of weights; features beyond share them."""
MEMBERS = 10
_BIAS_RATE = F4(0.01)
_HUGE = F4(1e15)


class Ensemble(NamedTuple):
    """Weights of all leaves, and scratch for one event."""

    w: Float32Array  # [block, column + 1, label * MEMBERS] row 0: bias
    z: Float32Array  # [label * MEMBERS] margins
    g: Float32Array  # [label * MEMBERS] steps
    times: Int64Array  # [MEMBERS] how often each learns the event


ensemble_spec: Spec = {
    "w": (F4, 0, ("b", "c1", "le")),
    "z": (F4, 0, ("le",)),
    "g": (F4, 0, ("le",)),
    "times": (np.int64, 0, (MEMBERS,)),
}


@kernel
def _column(j: Whole) -> Whole:
    return 1 + (j if j < COLUMNS else (np.int64(j) * 40503) % COLUMNS)


@kernel
def _margins(st: Ensemble, b: Whole, row: Row, cells: Whole) -> None:
    idx, x = row.idx, row.x
    z = st.z
    w = st.w[b, 0]
    for c in range(cells):
        z[c] = w[c]
    for k in range(len(x)):
        v = min(max(x[k], -_HUGE), _HUGE)
        if v == F4(0.0):
            continue
        w = st.w[b, _column(idx[k])]
        for c in range(cells):
            z[c] += v * w[c]


@kernel
def ensemble_scores(st: Ensemble, b: Whole, row: Row, n_labels: Whole, out: Float32Array) -> None:
    """Mean probability over members."""
    _margins(st, b, row, n_labels * MEMBERS)
    for l in range(n_labels):
        total = F4(0.0)
        for m in range(MEMBERS):
            total += sigmoid32(st.z[l * MEMBERS + m])
        out[l] = total / F4(MEMBERS)


@kernel
def _steps(st: Ensemble, truth: Truth, n_labels: Whole, w: Real, pull: Real) -> None:
    """Sum of the gradients of each member; a step moves its margin by ``pull`` times that."""
    y, known = truth.y, truth.known
    for l in range(n_labels):
        for m in range(MEMBERS):
            c = l * MEMBERS + m
            z, g = st.z[c], F4(0.0)
            for _ in range(st.times[m]):
                step = w * (sigmoid32(z) - y[l])
                g += step
                z -= pull * step
            st.g[c] = g * known[l]


@kernel
def ensemble_learn(
    st: Ensemble,
    b: Whole,
    row: Row,
    truth: Truth,
    n_labels: Whole,
    weight: Whole,
    plan: TreePlan,
    position: Whole,
) -> None:
    """Gradient steps of the members that the bootstrap chooses, on the labels that are known."""
    idx, x, rate = row.idx, row.x, plan.rate
    cells = n_labels * MEMBERS
    for m in range(MEMBERS):
        st.times[m] = poisson1(plan.seed, position, np.int64(1 + m))
    _margins(st, b, row, cells)
    pull = F4(rate) * sum_products(x, x, len(x)) + _BIAS_RATE
    _steps(st, truth, n_labels, F4(weight), pull)
    g = st.g
    w = st.w[b, 0]
    for c in range(cells):
        w[c] -= _BIAS_RATE * g[c]
    for k in range(len(x)):
        v = F4(rate) * min(max(x[k], -_HUGE), _HUGE)
        if v == F4(0.0):
            continue
        w = st.w[b, _column(idx[k])]
        for c in range(cells):
            w[c] -= v * g[c]


@kernel
def ensemble_clear(st: Ensemble, b: Whole) -> None:
    """Weights of a leaf that knows nothing."""
    for j in range(st.w.shape[1]):
        row = st.w[b, j]
        for c in range(st.w.shape[2]):
            row[c] = F4(0.0)


@kernel
def ensemble_copy(st: Ensemble, b: Whole, to: Whole) -> None:
    """Hand the weights of a leaf on to a child."""
    for j in range(st.w.shape[1]):
        row = st.w[b, j]
        copy = st.w[to, j]
        for c in range(st.w.shape[2]):
            copy[c] = row[c]
