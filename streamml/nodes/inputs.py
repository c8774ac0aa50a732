"""Raw features to the inputs of the node classifiers, with statistics learned on line.

Dense streams (at most 15 % zeros) are standardised, clipped and divided by the square
root of the number of features; sparse ones are divided by the running maximum of each
feature and brought to unit length, never centred, so that a row costs its non-zeros.
That common scale is what lets one configuration serve all streams.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numba import njit

from streamml.types import Float32Array, Float64Array

__all__ = ["InputState", "grow_inputs", "new_input_state", "observe_inputs", "scale_inputs"]

_DENSE_ABOVE = 0.85  # share of non-zeros
_CLIP = 4.0
_EVENTS, _NONZEROS, _CELLS = range(3)


class InputState(NamedTuple):
    """Running statistics of each feature column.

    ``mean``, ``spread`` (sum of squared deviations) and ``seen`` are float64 ``(d,)``;
    ``peak``, the largest absolute value, is float32 ``(d,)``; ``sums`` holds events,
    non-zeros and cells (events times features known then).
    """

    mean: Float64Array
    spread: Float64Array
    seen: Float64Array
    peak: Float32Array
    sums: Float64Array


def new_input_state(n_features: int) -> InputState:
    """State with room for ``n_features`` columns."""
    d = n_features
    return InputState(np.zeros(d), np.zeros(d), np.zeros(d), np.zeros(d, np.float32), np.zeros(3))


def grow_inputs(state: InputState, n_features: int) -> InputState:
    """The same state with room for ``n_features`` columns."""
    grown = new_input_state(n_features)
    for old, new in zip(state, grown, strict=True):
        new[: len(old)] = old  # type: ignore[index, arg-type]
    return grown


@njit(cache=True)
def scale_inputs(state, indices, values, a, b, n_features, out):  # type: ignore[no-untyped-def]
    """Write the inputs of ``values[a:b]`` to ``out[: b - a]``; changes nothing else."""
    nonzeros = 0
    for p in range(a, b):
        nonzeros += values[p] != 0.0
    cells = state.sums[_CELLS] + n_features
    if (state.sums[_NONZEROS] + nonzeros) > _DENSE_ABOVE * cells:
        _standardise(state, indices, values, a, b, 1.0 / math.sqrt(n_features), out)
    else:
        _to_unit_length(state, indices, values, a, b, out)


@njit(cache=True)
def _standardise(state, indices, values, a, b, scale, out):  # type: ignore[no-untyped-def]
    for p in range(a, b):
        j = indices[p]
        z = 0.0
        if state.seen[j] >= 2.0 and state.spread[j] > 0.0:
            sd = math.sqrt(state.spread[j] / state.seen[j])
            z = (values[p] - state.mean[j]) / sd
            z = min(max(z, -_CLIP), _CLIP)
        out[p - a] = z * scale


@njit(cache=True)
def _to_unit_length(state, indices, values, a, b, out):  # type: ignore[no-untyped-def]
    squares = 0.0
    for p in range(a, b):
        v = values[p]
        peak = max(state.peak[indices[p]], abs(v))
        z = v / peak if peak > 0.0 else 0.0
        out[p - a] = z
        squares += z * z
    if squares > 0.0:
        scale = 1.0 / math.sqrt(squares)
        for p in range(b - a):
            out[p] *= scale


@njit(cache=True)
def observe_inputs(state, indices, values, a, b, n_features):  # type: ignore[no-untyped-def]
    """Learn the statistics of one event."""
    for p in range(a, b):
        j, v = indices[p], values[p]
        state.seen[j] += 1.0
        gap = v - state.mean[j]
        state.mean[j] += gap / state.seen[j]
        state.spread[j] += gap * (v - state.mean[j])
        if abs(v) > state.peak[j]:
            state.peak[j] = abs(v)
        state.sums[_NONZEROS] += v != 0.0
    state.sums[_EVENTS] += 1.0
    state.sums[_CELLS] += n_features
