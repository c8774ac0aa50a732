"""What the columns of a CSV file are, found out by its first rows, and how its rows are read."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from streamml.errors import SchemaError
from streamml.types.truth import is_signed, truth, words_of_pair
from streamml.types.values import is_missing, number, shown
from streamml_connectors.files.column_kinds import (
    all_numbers,
    column_kind,
    is_identifier,
    is_time_column,
    one_kept,
)
from streamml_connectors.files.columns import BadRow, BlankRow, Columns, Row
from streamml_connectors.files.csv_rows import split_fields
from streamml_connectors.files.described import Column, Kind
from streamml_connectors.files.fields import event_id
from streamml_connectors.files.json_event import take_labels
from streamml_connectors.files.kernels import LABEL, NUMBER, SIDE, SKIP, TEXT, WORD, WORD_LABEL
from streamml_connectors.files.parsing import Words
from streamml_connectors.files.times import Times

__all__ = ["CsvColumns", "Told", "described", "label_notes"]

Told = Mapping[str, tuple[Kind, str]]
"""Column -> its kind and note, where the user says what it is."""

_ROLES: Final[Mapping[Kind, int]] = {
    "number": NUMBER, "boolean": TEXT, "nominal": TEXT, "label": LABEL, "left out": SKIP,
}  # fmt: skip
_ROW_NUMBER: Final = re.compile(r"Unnamed: \d+")
_REMEMBERED: Final = 1024  # texts a column whose features are kept at hand


def described(names: Sequence[str], columns: Sequence[Sequence[str]], told: Told) -> list[Column]:
    """How each column is read.

    Parameters
    ----------
    names
        Those of the header; the first may be empty, as may one without values.
    columns
        The values of each in the first rows.
    told
        Those that are told.

    Raises
    ------
    SchemaError
        A column has no name, or writes numbers with a decimal comma.

    Examples
    --------
    >>> [c.kind for c in described(["", "f", "city"], [["0", "1"], ["2", "3"], ["Rome", "?"]], {})]
    ['left out', 'number', 'nominal']
    """
    found = [
        Column(name, *(told.get(name) or _judged(name, values, j, told)))
        for j, (name, values) in enumerate(zip(names, columns, strict=True))
    ]
    return one_kept(_single_words(found, columns), told)


def _judged(name: str, values: Sequence[str], place: int, told: Told) -> tuple[Kind, str]:
    """Kind and note of a column by its name and values."""
    if not name:
        if place == 0:
            return "left out", "it has no name: the row's number"
        if values and all(map(is_missing, set(values))):
            return "left out", "it has neither name nor values"
        raise SchemaError("has the column name '' somewhere: name all columns.")
    kinds = [kind for kind, _ in told.values()]
    if is_identifier(name, values) and "id" not in kinds:
        return "id", "by its name"
    if is_time_column(name, values) and "timestamp" not in kinds:
        return "timestamp", "by its name"
    if _ROW_NUMBER.fullmatch(name) and list(values) == [str(k) for k in range(len(values))]:
        return "left out", "the row's number, as pandas writes it"
    return column_kind(name, values)


def _single_words(found: list[Column], columns: Sequence[Sequence[str]]) -> list[Column]:
    """A column of one word of a pair such as yes and no is boolean where others have both."""
    pairs = [
        {value.lower() for value in values if not is_missing(value)}
        for column, values in zip(found, columns, strict=True)
        if column.kind == "boolean" and words_of_pair([v for v in values if not is_missing(v)])
    ]
    if not pairs:
        return found
    boolean = next(column.note for column in found if column.kind == "boolean")
    return [
        replace(column, kind="boolean", note=boolean)
        if column.kind == "nominal"
        and any({v.lower() for v in values if not is_missing(v)} <= pair for pair in pairs)
        else column
        for column, values in zip(found, columns, strict=True)
    ]


def label_notes(
    found: Sequence[Column], columns: Sequence[Sequence[str]], signed: bool
) -> list[str]:
    """A sentence for label columns of which no value says true or false."""
    bad = []
    for column, values in zip(found, columns, strict=True):
        if column.kind == "label" and values and not any(_says(v, signed) for v in set(values)):
            bad.append((column.name, values[0]))
    if not bad:
        return []
    name, value = bad[0]
    more = f", and {len(bad) - 1} more label columns," if len(bad) > 1 else ""
    return [
        f"The label column {name!r}{more} says neither true nor false (it holds {shown(value)}): "
        "write 1 and 0, or true/false, yes/no, y/n, t/f, on/off, or 1/-1."
    ]


def _says(value: str, signed: bool) -> bool:
    try:
        truth(value, "", signed=signed)
    except BadRow:
        return False
    return True


class CsvColumns(Columns):
    """Columns of a CSV file.

    Parameters
    ----------
    found
        What each is.
    first
        The first values of each.
    delimiter, separator
        What stands between fields, and between the labels of a list.
    """

    def __init__(
        self,
        found: Sequence[Column],
        first: Sequence[Sequence[str]],
        delimiter: str,
        separator: str,
    ) -> None:
        n = len(found)
        names = [column.name for column in found]
        super().__init__(names, np.zeros(n, np.uint8), np.full(n, -1, np.int32), sparse=False)
        self.kinds = [column.kind for column in found]
        self.role[:] = [_ROLES.get(kind, SIDE) for kind in self.kinds]
        labels = self.role == LABEL
        self.column[labels] = np.arange(labels.sum())
        self.signed = is_signed(
            {value for kind, values in zip(self.kinds, first, strict=True) if kind == "label"
             for value in values}
        )  # fmt: skip
        self.words = Words.of([self._pair(j, values) for j, values in enumerate(first)])
        self.times = Times(
            value for kind, values in zip(self.kinds, first, strict=True) if kind == "timestamp"
            for value in values
        )  # fmt: skip
        self._numbers = {
            name for name, kind, values in zip(names, self.kinds, first, strict=True)
            if kind == "number" and all_numbers([v for v in values if not is_missing(v)])
        }  # fmt: skip
        for kind, values in zip(self.kinds, first, strict=True):
            if kind == "labels":
                self.later.watch_lists(values, separator)
        self._delimiter, self._separator = delimiter, separator
        self._remembered: list[dict[str, tuple[str, float] | None]] = [{} for _ in names]

    def _pair(self, attribute: int, values: Sequence[str]) -> tuple[str, str] | None:
        """The words for false and true that a column holds most: the kernels read these."""
        if self.kinds[attribute] not in ("boolean", "label"):
            return None
        pair: dict[bool, str] = {}
        for word, _ in Counter(values).most_common():
            try:
                said = truth(word, "", signed=self.signed)
            except BadRow:
                continue
            if said is not None:
                pair.setdefault(said, word)
        if self.role[attribute] == LABEL and set(pair.values()) <= {"0", "1"}:
            return None
        self.role[attribute] = WORD if self.role[attribute] == TEXT else WORD_LABEL
        return pair.get(False, ""), pair.get(True, "")

    def is_label(self, attribute: int) -> bool:
        """Whether a field is a label column."""
        return self.kinds[attribute] == "label"

    def declare(self, first: Sequence[str]) -> list[str]:
        """Features of the columns whose value in the first row is a number: known at the start."""
        declared: list[str] = []
        for j, text in enumerate(first[: len(self.names)]):
            try:
                found = self.value(j, text) if self.role[j] == NUMBER else None
            except BadRow:
                continue
            if found is not None and found[0] == self.names[j]:
                self.column[j] = len(declared)
                declared.append(found[0])
        return declared

    def value(self, attribute: int, text: str) -> tuple[str, float] | None:
        """The number of a field, or the feature that its text makes."""
        if self.role[attribute] == NUMBER:
            return self._number(self.names[attribute], text)
        remembered = self._remembered[attribute]
        if text not in remembered:
            found = None if is_missing(text) else self._word(attribute, text)
            if len(remembered) >= _REMEMBERED:
                return found
            remembered[text] = found
        return remembered[text]

    def _number(self, name: str, text: str) -> tuple[str, float] | None:
        try:
            return name, number(text, f"Column {name!r}")
        except BadRow as bad:
            if is_missing(text):
                return None
            if bad.reason != "not_a_number":
                raise
        if name in self._numbers:
            self.later.saw_text(name, text)
        return f"{name}={text}", 1.0

    def _word(self, attribute: int, text: str) -> tuple[str, float]:
        name = self.names[attribute]
        if self.kinds[attribute] == "boolean":
            try:
                return name, float(bool(truth(text, name)))
            except BadRow:
                pass
        return f"{name}={text}", 1.0

    def quoted_value(self, attribute: int, text: str) -> tuple[str, float] | None:
        """The same in quotes: in a column of texts, NA is a value there."""
        if self.kinds[attribute] == "nominal" and text:
            return f"{self.names[attribute]}={text}", 1.0
        return self.value(attribute, text)

    def learned(self, attribute: int, name: str, column: int) -> None:
        """A column has shown its first number."""
        if name == self.names[attribute]:
            self.column[attribute] = column

    def label(self, attribute: int, text: str, quoted: bool, row: Row) -> None:  # noqa: ARG002
        """Read a label field into ``row``, in quotes or not."""
        super().label(attribute, text, False, row)

    def side(self, attribute: int, text: str, row: Row) -> None:
        """Identifier, timestamp, text or list of labels."""
        kind = self.kinds[attribute]
        if kind == "id":
            row.id = event_id(text)
        elif kind == "timestamp":
            row.timestamp = self.times.read(text)
        elif kind == "text":
            row.text = text
        else:
            self.later.saw_list(text)
            take_labels(text, "Its list of labels", row, self._separator)

    def row(self, text: str) -> Row:
        """Read a row the slow way."""
        fields = split_fields(text, self._delimiter)
        if not any(field for field, _ in fields):
            raise BlankRow
        if len(fields) != len(self.names):
            raise BadRow(
                "malformed", f"It has {len(fields)} fields, but the header {len(self.names)}."
            )
        return self.fill((j, field, quoted) for j, (field, quoted) in enumerate(fields))
