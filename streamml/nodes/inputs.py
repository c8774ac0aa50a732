"""Raw features to the inputs of the node classifiers, with statistics learned on line.

Dense streams are standardised, clipped and divided by the square root of the number of
features; sparse ones are divided by the running maximum of each feature and brought to
unit length, never centred, so that a row costs its non-zeros. That common scale is what
lets one configuration serve all streams. Which it is, is settled in the first events; from
then on the statistics are robust: the maximum rises by a tenth at a time, as one wild value
must not make all later ones look alike.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from streamml.kernels.compile import F4, Whole, kernel, part, sum_products
from streamml.nodes.arrays import Spec
from streamml.nodes.event import Row
from streamml.types import Float32Array, Int32Array, Int64Array

__all__ = ["SPEC", "Inputs", "inputs_learn", "inputs_row"]

_SETTLED = 64  # events after which dense or sparse does not change
_DENSE = 0.3  # share of non-zeros from which a stream is dense
_FEW = 64  # up to so many features every stream is dense
_MIN_RATE = F4(1e-4)  # slowest forgetting of means and variances
_CLIP = F4(4.0)
_HUGE = F4(1e15)  # larger values count as this, so that squares stay finite
_WILD = F4(30.0)  # deviations: once settled, a value further off the mean counts as this ...
_STEP = F4(1.1)  # ... and makes the maximum so many times larger at most
_IS_DENSE, _NONZEROS, _CELLS, _EVENTS = range(4)


class Inputs(NamedTuple):
    """Statistics of each feature, and the current event as the classifiers see it."""

    top: Float32Array  # [feature] running maximum of |value|
    mean: Float32Array  # [feature]
    var: Float32Array  # [feature]
    mode: Int64Array  # dense?, non-zeros, cells and events so far
    idx: Int32Array  # [place] columns of the current event ...
    x1: Float32Array  # [place] ... scaled
    x0: Float32Array  # [place] ... of unit length only
    num: Int64Array  # [1] places in use


SPEC: Spec = {
    "top": (F4, 0, ("d",)),
    "mean": (F4, 0, ("d",)),
    "var": (F4, 0, ("d",)),
    "mode": (np.int64, 0, (4,)),
    "idx": (np.int32, 0, ("d",)),
    "x1": (F4, 0, ("d",)),
    "x0": (F4, 0, ("d",)),
    "num": (np.int64, 0, (1,)),
}


@part
def _sparse_row(st: Inputs, row: Row) -> None:
    idx, x = row.idx, row.x
    k = np.int64(0)
    for p in range(len(x)):
        v = min(max(x[p], -_HUGE), _HUGE)
        if v == F4(0.0):
            continue
        j = idx[p]
        z = v / max(st.top[j], abs(v))
        st.idx[k] = j
        st.x1[k] = z
        st.x0[k] = v
        k += 1
    r1 = F4(1.0) / np.sqrt(sum_products(st.x1, st.x1, k) + F4(1e-12))
    r0 = F4(1.0) / np.sqrt(sum_products(st.x0, st.x0, k) + F4(1e-12))
    for p in range(k):
        st.x1[p] *= r1
        st.x0[p] *= r0
    st.num[0] = k


@kernel
def _spread(st: Inputs, row: Row) -> None:
    """Write the raw row to ``x0``; what is absent is zero or, where unknown, the mean."""
    idx, x, absent_is_zero = row.idx, row.x, row.absent_is_zero
    x0 = st.x0
    mean = st.mean
    for j in range(row.d):
        x0[j] = F4(0.0) if absent_is_zero else mean[j]
    for p in range(len(x)):
        x0[idx[p]] = min(max(x[p], -_HUGE), _HUGE)


@part
def _standardise(st: Inputs, d: Whole) -> None:
    """From the raw row in ``x0`` to ``x1`` and ``x0``; the row itself counts as seen."""
    x0 = st.x0
    x1 = st.x1
    mean = st.mean
    var = st.var
    top = st.top
    eta = max(F4(1.0) / F4(st.mode[_EVENTS] + 1), _MIN_RATE)
    r = F4(1.0) / np.sqrt(F4(d))
    for j in range(d):
        v = x0[j]
        e = v - mean[j]
        w = (F4(1.0) - eta) * (var[j] + eta * e * e)
        z = (F4(1.0) - eta) * e / np.sqrt(w + F4(1e-18))
        x1[j] = min(max(z, -_CLIP), _CLIP) * r
        u = v / max(max(top[j], abs(v)), F4(1e-30))
        x0[j] = u
    q = F4(1.0) / np.sqrt(sum_products(x0, x0, d) + F4(1e-12))
    for j in range(d):
        x0[j] *= q
        st.idx[j] = j
    st.num[0] = d


@kernel
def _nonzeros(x: Float32Array) -> int:
    n = 0
    for p in range(len(x)):
        n += x[p] != F4(0.0)
    return n


@part
def inputs_row(st: Inputs, row: Row) -> bool:
    """Write the event to ``idx``, ``x1`` and ``x0``; true where it is dense."""
    d = row.d
    dense: bool = st.mode[_IS_DENSE] == 1
    if st.mode[_EVENTS] < _SETTLED:
        share = st.mode[_NONZEROS] + _nonzeros(row.x)
        dense = bool(share >= _DENSE * (st.mode[_CELLS] + d) or d <= _FEW)
    if dense:
        _spread(st, row)
        _standardise(st, d)
    else:
        _sparse_row(st, row)
    return dense


@part
def _risen(top: np.float32, size: np.float32, settled: bool) -> np.float32:
    """The running maximum, which one wild value does not raise by much."""
    if settled and top > F4(0.0):
        size = min(size, _STEP * top)
    return max(top, size)


@part
def _learn_dense(st: Inputs, d: Whole) -> None:
    eta = max(F4(1.0) / F4(st.mode[_EVENTS] + 1), _MIN_RATE)
    row = st.x0
    mean = st.mean
    var = st.var
    top = st.top
    settled = st.mode[_EVENTS] >= _SETTLED
    for j in range(d):
        e = row[j] - mean[j]
        if settled and e * e > _WILD * _WILD * var[j] > F4(0.0):
            e = np.sign(e) * _WILD * np.sqrt(var[j])
        mean[j] += eta * e
        var[j] = (F4(1.0) - eta) * (var[j] + eta * e * e)
        top[j] = _risen(top[j], abs(row[j]), settled)


@part
def inputs_learn(st: Inputs, row: Row, dense: bool) -> None:
    """Learn the statistics of the event; its scaled form in the state is used up."""
    if dense:
        _spread(st, row)
        _learn_dense(st, row.d)
    else:
        idx, x = row.idx, row.x
        settled = st.mode[_EVENTS] >= _SETTLED
        for p in range(len(x)):
            j = idx[p]
            st.top[j] = _risen(st.top[j], min(abs(x[p]), _HUGE), settled)
    if st.mode[_EVENTS] < _SETTLED:
        st.mode[_IS_DENSE] = 1 if dense else 0
        st.mode[_NONZEROS] += _nonzeros(row.x)
        st.mode[_CELLS] += row.d
    st.mode[_EVENTS] += 1
