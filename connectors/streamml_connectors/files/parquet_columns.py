"""What the columns of a Parquet file are, and a piece of them as arrays."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast

import numpy as np

from streamml.errors import SchemaError
from streamml.types import BoolArray, Float32Array, Float64Array, UInt8Array
from streamml_connectors.files.described import Column, Kind
from streamml_connectors.files.learned import nominal_in
from streamml_connectors.files.source import check_names

__all__ = ["LABEL_BAD", "LABEL_UNKNOWN", "Layout", "Piece", "layout", "read_piece"]

_PREFIX: Final = "label:"
_MOST_VALUES: Final = 64
LABEL_UNKNOWN: Final = 2
"""In ``Piece.labels``: null."""
LABEL_BAD: Final = 3
"""In ``Piece.labels``: neither 0 nor 1."""


@dataclass(frozen=True, slots=True)
class Layout:
    """The columns by what they are used for; ``sides`` maps a use to a column."""

    numbers: list[str]
    nominal: list[str]
    labels: list[str]
    label_names: list[str]
    sides: dict[str, str]
    described: list[Column]

    @property
    def used(self) -> list[str]:
        """Every column that is read, once."""
        return list(
            dict.fromkeys([*self.numbers, *self.nominal, *self.labels, *self.sides.values()])
        )


def layout(
    path: Path,
    schema: Any,
    peek: Callable[[str], list[Any]],
    labels: Sequence[str] | None,
    sides: Mapping[str, str | None],
    ignore: Sequence[str],
    learned: Collection[str] = (),
) -> Layout:
    """Find out what each column is.

    Parameters
    ----------
    schema, peek
        The Arrow schema, and what gives the first values of a column.
    labels, sides, ignore
        Columns that the user names: labels; ``{"labels": ..., "id": ..., "timestamp": ...}``;
        those to leave out.
    learned
        Features that a learner knows: a column that makes some is nominal.

    Raises
    ------
    SchemaError
        There are no labels, a column is not there or stands twice, or does not fit.
    """
    used = {use: name for use, name in sides.items() if name is not None}
    names = list(schema.names)
    for name in set(names):
        if names.count(name) > 1:
            raise SchemaError(f"{path} has the column {name!r} twice: names must be unique.")
    columns = _label_columns(path, names, labels, used)
    check_names([*used.values(), *ignore], names, path, "column")
    uses: dict[str, Kind] = dict.fromkeys(columns, "label")
    uses |= {name: cast(Kind, use) for use, name in used.items()}
    described, nominal_columns = [], nominal_in(learned)
    for field in schema:
        if field.name in uses:
            described.append(Column(field.name, uses[field.name]))
        elif field.name in ignore:
            described.append(Column(field.name, "left out", "as told"))
        else:
            described.append(_feature(field, peek, field.name in nominal_columns))
    for name in columns:
        if not _is_number(schema.field(name).type):
            raise SchemaError(f"The label column {name!r} of {path} is no number: make it 0 or 1.")
    made = [name.removeprefix(_PREFIX) for name in columns]
    numbers = [column.name for column in described if column.kind == "number"]
    nominal = [column.name for column in described if column.kind == "nominal"]
    return Layout(numbers, nominal, columns, made, used, described)


def _feature(field: Any, peek: Callable[[str], list[Any]], nominal: bool) -> Column:
    """How a column that is told to be nothing else is read."""
    if field.name.startswith(_PREFIX):
        return Column(field.name, "left out", "a label that is not chosen")
    if _is_number(field.type):
        return Column(field.name, "number")
    if not _is_text(field.type):
        return Column(field.name, "left out", f"its type is {field.type}")
    if nominal or _repeats(peek(field.name)):
        return Column(field.name, "nominal")
    return Column(field.name, "left out", "an identifier: nearly every value is another one")


def _label_columns(
    path: Path, names: list[str], labels: Sequence[str] | None, used: dict[str, str]
) -> list[str]:
    """The label columns, in file order."""
    if "labels" in used:
        return []
    if labels is None:
        found = [name for name in names if name.startswith(_PREFIX)]
    else:
        there = set(names)
        wanted = [name if name in there else _PREFIX + name for name in labels]
        for name, given in zip(wanted, labels, strict=True):
            if name not in there:
                check_names([given], names, path, "column")
        found = [name for name in names if name in set(wanted)]
    if not found and labels is None:
        raise SchemaError(
            f"{path} has no columns named 'label:...': name its label columns, or rename them."
        )
    return found


def _is_number(kind: Any) -> bool:
    import pyarrow.types as t

    return bool(t.is_boolean(kind) or t.is_integer(kind) or t.is_floating(kind)
                or t.is_decimal(kind))  # fmt: skip


def _is_text(kind: Any) -> bool:
    import pyarrow.types as t

    if t.is_dictionary(kind):
        kind = kind.value_type
    return bool(t.is_string(kind) or t.is_large_string(kind))


def _repeats(values: list[Any]) -> bool:
    """Whether the first values of a string column look like those of a nominal attribute."""
    known = [value for value in values if value is not None]
    return len(set(known)) <= _MOST_VALUES and len(set(known)) < len(known)


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
    records
        The rows themselves, for dead letters.
    """

    n_rows: int
    numbers: Float32Array
    known: BoolArray | None
    labels: UInt8Array
    nominal: list[list[str | None]]
    sides: dict[str, list[Any]]
    records: Any


def read_piece(plan: Layout, records: Any) -> Piece:
    """Turn a record batch into arrays."""
    n, columns = records.num_rows, {name: k for k, name in enumerate(records.schema.names)}
    get = {name: records.column(k) for name, k in columns.items()}
    numbers = np.empty((len(plan.numbers), n), np.float32)
    known: BoolArray | None = None
    with np.errstate(over="ignore"):  # infinity is found later
        for k, name in enumerate(plan.numbers):
            numbers[k] = _floats(get[name])
            if get[name].null_count:
                known = np.ones(numbers.shape, np.bool_) if known is None else known
                known[k] = get[name].is_valid().to_numpy(zero_copy_only=False)
                numbers[k, ~known[k]] = 0.0
    labels = np.empty((len(plan.labels), n), np.uint8)
    for k, name in enumerate(plan.labels):
        labels[k] = _label_codes(get[name])
    nominal = [get[name].to_pylist() for name in plan.nominal]
    sides = {use: get[name].to_pylist() for use, name in plan.sides.items()}
    return Piece(n, numbers, known, labels, nominal, sides, records)


def _floats(column: Any) -> Float64Array | Float32Array:
    """A column of numbers; null becomes NaN."""
    import pyarrow

    if pyarrow.types.is_boolean(column.type) or pyarrow.types.is_decimal(column.type):
        column = column.cast(pyarrow.uint8() if pyarrow.types.is_boolean(column.type)
                             else pyarrow.float64())  # fmt: skip
    array: Float64Array = column.to_numpy(zero_copy_only=False)
    return array


def _label_codes(column: Any) -> UInt8Array:
    values = _floats(column)
    codes = np.full(len(values), LABEL_BAD, np.uint8)
    codes[values == 0] = 0
    codes[values == 1] = 1
    if column.null_count:
        codes[column.is_null().to_numpy(zero_copy_only=False)] = LABEL_UNKNOWN
    return codes
