"""What the columns of a Parquet file are."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast

import numpy as np

from streamml.errors import SchemaError
from streamml.types import UInt8Array
from streamml.types.truth import is_signed, truth
from streamml_connectors.files.column_kinds import (
    column_kind,
    is_identifier,
    is_time_column,
    one_kept,
)
from streamml_connectors.files.columns import BadRow
from streamml_connectors.files.described import FEATURES, Column, Kind
from streamml_connectors.files.learned import as_learned
from streamml_connectors.files.source import check_names

__all__ = ["LABEL_BAD", "LABEL_UNKNOWN", "Layout", "is_text", "layout", "text_codes"]

_PREFIX: Final = "label:"
_INDEX: Final = re.compile(r"__index_level_\d+__", re.ASCII)
LABEL_UNKNOWN: Final = 2
"""In ``Piece.labels``: null."""
LABEL_BAD: Final = 3
"""In ``Piece.labels``: neither 0 nor 1."""


@dataclass(frozen=True, slots=True)
class Layout:
    """The columns by what they are used for.

    Attributes
    ----------
    sources
        Columns of numbers, and the length of their lists; ``None``: they hold a number each.
    numbers
        The features that these make.
    nominal
        Columns of texts, and what is told of each.
    sides
        Use -> column.
    positions
        Labels of the places of a row of 0 and 1; empty: labels are listed by name.
    signed
        Whether -1 is the false of labels.
    """

    sources: list[tuple[str, int | None]]
    numbers: list[str]
    nominal: list[Column]
    labels: list[str]
    label_names: list[str]
    sides: dict[str, str]
    positions: tuple[str, ...]
    signed: bool
    described: list[Column]

    @property
    def used(self) -> list[str]:
        """Every column that is read, once."""
        return list(
            dict.fromkeys([
                *(name for name, _ in self.sources), *(column.name for column in self.nominal),
                *self.labels, *self.sides.values(),
            ])
        )  # fmt: skip


Peek = Callable[[str], list[Any]]
"""Gives the first values of a column."""


def layout(
    path: Path,
    schema: Any,
    peek: Peek,
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
        Features that a learner knows: a text column that makes some is read so that it does.

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
    told: dict[str, Column] = {name: Column(name, "left out", "as told") for name in ignore}
    told |= {name: Column(name, "label") for name in columns}
    told |= {name: Column(name, cast(Kind, use)) for use, name in used.items()}
    texts = {field.name for field in schema if is_text(field.type)}
    try:
        described = _described(schema, peek, told, used, texts, learned)
    except SchemaError as error:
        raise SchemaError(f"{path} {error}") from None
    used |= {column.kind: column.name for column in described if column.kind in ("id", "timestamp")}
    sources = [(c.name, _length(c, peek)) for c in described
               if c.kind in ("number", "numbers") and c.name not in texts]  # fmt: skip
    positions = _positions(labels, used)
    return Layout(
        sources,
        [feature for name, length in sources for feature in _places(name, length)],
        [column for column in described if column.kind in FEATURES and column.name in texts],
        columns,
        [name.removeprefix(_PREFIX) for name in columns] + list(positions),
        used,
        positions,
        _signed(path, schema, columns, peek),
        described,
    )


def _described(
    schema: Any,
    peek: Peek,
    told: Mapping[str, Column],
    used: Mapping[str, str],
    texts: Collection[str],
    learned: Collection[str],
) -> list[Column]:
    """How each column is read: as told, or by what it holds; texts as a learner knows them."""
    found = [
        told.get(field.name) or Column(field.name, *_kind(field, peek, used)) for field in schema
    ]
    described = one_kept(found, told)
    if not learned:  # else texts only: the type of others says what they are
        return described
    values = [peek(column.name) if column.name in texts else () for column in described]
    asked = as_learned(described, values, learned)
    return [
        known if column.name in texts else column
        for known, column in zip(asked, described, strict=True)
    ]


def _places(name: str, length: int | None) -> list[str]:
    return [name] if length is None else [f"{name}.{k}" for k in range(length)]


def _length(column: Column, peek: Peek) -> int | None:
    """How many numbers the lists of a column hold at most."""
    if column.kind == "number":
        return None
    return max((len(value) for value in peek(column.name) if value is not None), default=0)


def _positions(labels: Sequence[str] | None, used: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(labels or ()) if "labels" in used else ()


def _signed(path: Path, schema: Any, columns: Sequence[str], peek: Peek) -> bool:
    """Whether -1 is the false of labels; raises where a label column cannot be one."""
    import pyarrow.types as t

    values: set[Any] = set()
    for name in columns:
        kind = schema.field(name).type
        found = set() if t.is_boolean(kind) or t.is_unsigned_integer(kind) else set(peek(name))
        words = is_text(kind) and not (text_codes([*found], signed=True) == LABEL_BAD).all()
        if not _is_number(kind) and not words:
            raise SchemaError(
                f"The label column {name!r} of {path} is no number, nor does it say yes and no: "
                "make it 0 or 1."
            )
        values |= found
    return is_signed(values)


def _kind(field: Any, peek: Peek, used: Mapping[str, str]) -> tuple[Kind, str]:
    """How a column that is told to be nothing else is read, and why."""
    import pyarrow.types as t

    name, kind = field.name, field.type
    if name.startswith(_PREFIX):
        return "left out", "a label that is not chosen"
    if _INDEX.fullmatch(name):
        return "left out", "the table's index, as pandas writes it"
    keys = t.is_integer(kind) or is_text(kind)
    if keys and name.lower() == "id" and "id" not in used and is_identifier(name, peek(name)):
        return "id", "by its name"
    seconds = t.is_timestamp(kind) or t.is_integer(kind) or t.is_floating(kind)
    if seconds and name.lower() == "timestamp" and "timestamp" not in used:
        return "timestamp", "by its name"
    if _is_number(kind):
        return "number", ""
    if is_text(kind):
        values = [value for value in peek(name) if value is not None]
        if is_time_column(name, values) and "timestamp" not in used:
            return "timestamp", "by its name"
        return column_kind(name, values)
    if (t.is_list(kind) or t.is_large_list(kind) or t.is_fixed_size_list(kind)) and _is_number(
        kind.value_type
    ):
        return "numbers", ""
    if t.is_temporal(kind):
        return "left out", "times: name it as the timestamp to use it"
    return "left out", f"its type is {kind}"


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


def is_text(kind: Any) -> bool:
    """Whether a type of Arrow is one of texts, encoded as a dictionary or not."""
    import pyarrow.types as t

    if t.is_dictionary(kind):
        kind = kind.value_type
    return bool(t.is_string(kind) or t.is_large_string(kind))


def text_codes(values: list[str | None], *, signed: bool) -> UInt8Array:
    """What each text says of a label: 0, 1, ``LABEL_UNKNOWN``, ``LABEL_BAD``."""
    codes: dict[str | None, int] = {}
    for value in set(values):
        try:
            said = truth(value, "", signed=signed)
            codes[value] = LABEL_UNKNOWN if said is None else int(said)
        except BadRow:
            codes[value] = LABEL_BAD
    return np.array([codes[value] for value in values], np.uint8)
