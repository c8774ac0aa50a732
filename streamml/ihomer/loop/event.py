"""An event cut out of a batch, as the loop and the members take it; nothing is copied."""

from __future__ import annotations

import numpy as np

from streamml.ihomer.loop.arrays import BatchArrays
from streamml.kernels.compile import Whole, part
from streamml.nodes.event import Event, Row, Truth
from streamml.nodes.inputs import Inputs
from streamml.types import LABELS_FULL, Float32Array, Int32Array

__all__ = ["event_of", "negative_of", "row_of", "truth_of"]

_LANES = 8  # label loops run over a multiple of it


@part
def row_of(rows: BatchArrays, i: Whole, d: Whole, absent_is_zero: bool) -> Row:
    """Row ``i`` as it came, where ``d`` features are known."""
    a, b = rows.x_indptr[i], rows.x_indptr[i + 1]
    return Row(rows.x_indices[a:b], rows.x_values[a:b], d, absent_is_zero)


@part
def event_of(row: Row, inputs: Inputs, dense: bool, n_labels: Whole) -> Event:
    """The row with the inputs that ``inputs_row`` made of it, when so many labels are known."""
    known = np.int64(n_labels)
    padded = (known + _LANES - 1) // _LANES * _LANES
    return Event(row, inputs.idx, inputs.x1, inputs.x0, inputs.num[0], dense, known, padded)


@part
def truth_of(
    rows: BatchArrays,
    i: Whole,
    y: Float32Array,
    known: Float32Array,
    soft: Float32Array,
    rest_is_false: bool,
) -> Truth:
    """What row ``i`` says of its labels, with the arrays it is to be written to.

    ``rest_is_false``: what a partly known row does not name counts as not true.
    """
    true = rows.y_indices[rows.y_indptr[i] : rows.y_indptr[i + 1]]
    whole = rows.y_kind[i] == LABELS_FULL
    return Truth(y, known, soft, true, whole or rest_is_false, whole)


@part
def negative_of(rows: BatchArrays, i: Whole) -> Int32Array:
    """Labels that a partly known row says are not true."""
    return rows.negative_indices[rows.negative_indptr[i] : rows.negative_indptr[i + 1]]
