"""A piece of a Parquet file as arrays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from streamml.types import BoolArray, Float32Array, Float64Array, UInt8Array
from streamml_connectors.files.columns import BadRow
from streamml_connectors.files.parquet_columns import (
    LABEL_BAD,
    LABEL_UNKNOWN,
    Layout,
    is_text,
    text_codes,
)

__all__ = ["Piece", "read_piece"]


@dataclass(frozen=True, slots=True)
class Piece:
    """Some rows as arrays: one row of each array per column.

    Attributes
    ----------
    numbers, known
        float32 and bool ``(columns, rows)``; ``known`` is ``None`` where no value is null.
    labels
        uint8 ``(labels, rows)``: 0, 1, ``LABEL_UNKNOWN``, ``LABEL_BAD``.
    nominal
        A list of values (or ``None``) a column.
    sides
        The same for identifiers, timestamps, label lists.
    bad
        Row -> why it cannot be used.
    records
        The rows themselves, for dead letters.
    """

    n_rows: int
    numbers: Float32Array
    known: BoolArray | None
    labels: UInt8Array
    nominal: list[list[str | None]]
    sides: dict[str, list[Any]]
    bad: dict[int, BadRow]
    records: Any


def read_piece(plan: Layout, records: Any) -> Piece:
    """Turn a record batch into arrays."""
    n, columns = records.num_rows, {name: k for k, name in enumerate(records.schema.names)}
    get = {name: records.column(k) for name, k in columns.items()}
    numbers = np.empty((len(plan.numbers), n), np.float32)
    bad: dict[int, BadRow] = {}
    k = 0
    with np.errstate(over="ignore"):  # infinity is found later
        for name, length in plan.sources:
            if length is None:
                numbers[k] = _floats(get[name])
            else:
                numbers[k : k + length] = _listed(get[name], length, name, bad)
            k += 1 if length is None else length
    absent = np.isnan(numbers)
    known = ~absent if absent.any() else None
    numbers[absent] = 0.0
    labels = np.empty((len(plan.labels), n), np.uint8)
    for k, name in enumerate(plan.labels):
        labels[k] = _label_codes(get[name], plan.signed)
    nominal = [get[column.name].to_pylist() for column in plan.nominal]
    sides = {use: get[name].to_pylist() for use, name in plan.sides.items()}
    return Piece(n, numbers, known, labels, nominal, sides, bad, records)


def _listed(column: Any, length: int, name: str, bad: dict[int, BadRow]) -> Float32Array:
    """A column of lists of numbers, a row a place; NaN where there is none."""
    import pyarrow.compute

    found = np.full((length, len(column)), np.nan, np.float32)
    sizes = pyarrow.compute.list_value_length(column).fill_null(0).to_numpy(zero_copy_only=False)
    flat = _floats(pyarrow.compute.list_flatten(column))
    rows = np.repeat(np.arange(len(column)), sizes)
    places = np.arange(len(flat)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    fits = places < length
    found[places[fits], rows[fits]] = flat[fits]
    for i in np.flatnonzero(sizes > length):
        detail = f"Column {name!r} holds {sizes[i]} numbers, not {length} as in the first rows."
        bad[int(i)] = BadRow("malformed", detail)
    return found


def _floats(column: Any) -> Float64Array | Float32Array:
    """A column of numbers; null becomes NaN."""
    import pyarrow

    if pyarrow.types.is_boolean(column.type) or pyarrow.types.is_decimal(column.type):
        column = column.cast(pyarrow.uint8() if pyarrow.types.is_boolean(column.type)
                             else pyarrow.float64())  # fmt: skip
    array: Float64Array = column.to_numpy(zero_copy_only=False)
    return array


def _label_codes(column: Any, signed: bool) -> UInt8Array:
    if is_text(column.type):
        return text_codes(column.to_pylist(), signed=signed)
    values = _floats(column)
    codes = np.full(len(values), LABEL_BAD, np.uint8)
    codes[values == 0] = 0
    codes[values == 1] = 1
    if signed:
        codes[values == -1] = 0
    if values.dtype.kind == "f":
        codes[np.isnan(values)] = LABEL_UNKNOWN
    return codes
