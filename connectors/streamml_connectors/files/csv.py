"""CSV with a header: label columns by name, or one column with a list of labels."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from streamml.errors import ConfigError, DataError, SchemaError
from streamml.types import DeadLetter, EventBatch
from streamml.types.values import is_missing
from streamml_connectors.files.columns import BadRow, Columns, Row, number
from streamml_connectors.files.described import Column, Kind
from streamml_connectors.files.fields import event_id, label_set, timestamp
from streamml_connectors.files.kernels import LABEL, NUMBER, SIDE, SKIP
from streamml_connectors.files.packed import plain_name
from streamml_connectors.files.parsing import Parsed, byte_classes, parse_dense
from streamml_connectors.files.rows import assemble, row_text
from streamml_connectors.files.source import Caps, LineSource, check_label_options, check_names
from streamml_connectors.files.text import MAX_LINE, Block, is_utf8

__all__ = ["CsvSource"]


class CsvSource(LineSource):
    r"""Reads a CSV file; one row a line, quoted fields hold no line breaks.

    A field that is a number is the feature ``column``, any other text the feature
    ``column=text`` with value 1: such features appear as the stream goes on. An empty
    field, ``?``, ``NA`` and ``null`` are absent; a label column without a value is unknown.

    Parameters
    ----------
    path
        ``.csv``, ``.tsv``, plain or packed.
    labels
        Names of the label columns (0 or 1, true or false).
    label_list
        Instead: the column that lists the labels; empty: no labels; ``?``: not known.
    separator
        What stands between the labels of that list.
    id, timestamp
        Columns with the identifier, and with seconds or ISO 8601 times; by default the
        number of the row, from 0.
    text
        Column with the text for an embedding stage; other columns stay features.
    ignore
        Columns to leave out.
    delimiter
        One ASCII character; by default a comma, or a tab for ``.tsv``.
    keep_zeros
        Whether explicit zeros are kept as known zeros.
    max_line
        Longest line in bytes; a longer one is a dead letter.

    Raises
    ------
    ConfigError, DataError, SchemaError
        Options do not fit, the file cannot be read, a named column is not there.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.NamedTemporaryFile("w", suffix=".csv") as f:
    ...     _ = f.write("t,sky,tags\n0.5,blue,sun;warm\n")
    ...     f.flush()
    ...     source = CsvSource(f.name, label_list="tags")
    ...     event = next(source.next_batch(10).events())
    ...     source.close()
    >>> event.x, sorted(event.y)
    ({'t': 0.5, 'sky=blue': 1.0}, ['sun', 'warm'])
    """

    has_header = True

    def __init__(
        self,
        path: Path | str,
        *,
        labels: Sequence[str] | None = None,
        label_list: str | None = None,
        separator: str = ";",
        id: str | None = None,  # noqa: A002  # the field's name
        timestamp: str | None = None,
        text: str | None = None,
        ignore: Sequence[str] = (),
        delimiter: str | None = None,
        keep_zeros: bool = True,
        max_features: int | None = None,
        max_labels: int | None = None,
        max_line: int = MAX_LINE,
    ) -> None:
        super().__init__(path, max_line=max_line)
        with self._closing_on_error():
            delimiter = _delimiter(delimiter, self.path)
            labels = _check_labels(labels, label_list, separator, self.path)
            names = self._header(delimiter)
            sides: dict[str | None, Kind] = {
                label_list: "labels",
                id: "id",
                timestamp: "timestamp",
                text: "text",
            }
            sides.pop(None, None)
            check_names([*labels, *ignore, *filter(None, sides)], names, self.path, "column")
            self._columns = _CsvColumns(
                names, set(labels), sides, set(ignore), delimiter, separator
            )
            self._start(
                self._columns.declare(self._need_rows()),
                [n for n in names if n in set(labels)],
                Caps(max_features, max_labels),
                self._columns.described(),
                absent_is_zero=not keep_zeros,
                takes_text=text is not None,
            )
        self._keep_zeros = keep_zeros
        self._tables = {ok: byte_classes(delimiter, '"', ok) for ok in (False, True)}

    def _header(self, delimiter: str) -> list[str]:
        self._reader.peek_row()
        block = self._reader.take(1)
        if not isinstance(block, Block):
            raise DataError(f"{self.path} has no header line: write the names of its columns.")
        try:
            names = [name.strip() for name in _split(row_text(block.data), delimiter)]
        except BadRow as bad:
            raise DataError(f"The header of {self.path} cannot be read: {bad.detail}") from bad
        for name in names:
            if not name or names.count(name) > 1:
                raise SchemaError(
                    f"{self.path} has the column name {name!r} "
                    + ("twice: names must be unique." if name else "somewhere: name all columns.")
                )
        return names

    def _parse(self, block: Block) -> tuple[EventBatch, list[DeadLetter]]:
        parsed = self._fast(block.data, block.n_lines)
        return assemble(
            parsed, self._columns, self.schema, block.data, block.line, self._rows,
            keep_zeros=self._keep_zeros,
        )  # fmt: skip

    def _fast(self, data: bytes, n_lines: int) -> Parsed:
        role, column = self._columns.role, self._columns.column
        return parse_dense(data, n_lines, self._tables[is_utf8(data)], role, column)


class _CsvColumns(Columns):
    """Columns of a CSV file; a column is a number or a name, field by field."""

    def __init__(
        self,
        names: Sequence[str],
        labels: set[str],
        sides: Mapping[str | None, Kind],
        ignore: set[str],
        delimiter: str,
        separator: str,
    ) -> None:
        n = len(names)
        super().__init__(names, np.zeros(n, np.uint8), np.full(n, -1, np.int32), sparse=False)
        self._delimiter, self._separator = delimiter, separator
        self._sides = {names.index(name): kind for name, kind in sides.items() if name}
        found = 0
        for j, name in enumerate(names):
            if name in labels:
                self.role[j], self.column[j] = LABEL, found
                found += 1
            elif j in self._sides:
                self.role[j] = SIDE
            elif name in ignore:
                self.role[j] = SKIP

    def described(self) -> list[Column]:
        """How each column is read."""
        kinds: dict[int, Kind] = {NUMBER: "number", LABEL: "label", SKIP: "left out"}
        return [
            Column(
                name,
                self._sides.get(j) or kinds[int(self.role[j])],
                "as told" if self.role[j] == SKIP else "",
            )
            for j, name in enumerate(self.names)
        ]

    def declare(self, first: bytes) -> list[str]:
        """Features of the columns whose first value is a number: known from the start."""
        declared: list[str] = []
        try:
            fields = _split(row_text(first), self._delimiter)
        except BadRow:
            return declared
        for j, text in enumerate(fields[: len(self.names)]):
            try:
                found = self.value(j, text.strip(" \t\r")) if self.role[j] == NUMBER else None
            except BadRow:
                continue
            if found is not None and found[0] == self.names[j]:
                self.column[j] = len(declared)
                declared.append(found[0])
        return declared

    def value(self, attribute: int, text: str) -> tuple[str, float] | None:
        """The number of a field, or the feature that its text makes."""
        if is_missing(text):
            return None
        name = self.names[attribute]
        try:
            return name, number(text, f"Column {name!r}")
        except BadRow as bad:
            if bad.reason != "not_a_number":
                raise
        return f"{name}={text}", 1.0

    def learned(self, attribute: int, name: str, column: int) -> None:
        """A column has shown its first number."""
        if name == self.names[attribute]:
            self.column[attribute] = column

    def side(self, attribute: int, text: str, row: Row) -> None:
        """Identifier, timestamp, text or list of labels."""
        kind = self._sides[attribute]
        if kind == "id":
            row.id = event_id(text)
        elif kind == "timestamp":
            row.timestamp = timestamp(text)
        elif kind == "text":
            row.text = text
        else:
            labels = label_set(text, self._separator)
            row.positive, row.y_known = labels or [], labels is not None

    def row(self, text: str) -> Row:
        """Read a row the slow way."""
        fields = _split(text, self._delimiter)
        if len(fields) != len(self.names):
            raise BadRow(
                "malformed", f"It has {len(fields)} fields, but the header {len(self.names)}."
            )
        return self.fill((j, field.strip(" \t\r"), False) for j, field in enumerate(fields))


def _split(text: str, delimiter: str) -> list[str]:
    """Fields of a line; quotes go around a field and are doubled within."""
    if '"' not in text:
        return text.split(delimiter)
    try:
        with _fields_up_to(len(text)):
            return next(csv.reader([text], delimiter=delimiter, strict=True))
    except csv.Error as error:
        raise BadRow("malformed", f"Its quotes do not fit ({error}).") from error


@contextmanager
def _fields_up_to(length: int) -> Iterator[None]:
    """The library's own bound (131,072 characters) is set aside: a line has one already."""
    before = csv.field_size_limit()
    if length <= before:
        yield
        return
    csv.field_size_limit(length)
    try:
        yield
    finally:
        csv.field_size_limit(before)


def _delimiter(delimiter: str | None, path: Path) -> str:
    if delimiter is None:
        return "\t" if plain_name(path).lower().endswith(".tsv") else ","
    if len(delimiter) != 1 or not delimiter.isascii() or delimiter in '"\n\r 0123456789.?-+':
        raise ConfigError(f"The delimiter {delimiter!r} cannot be used: give one, such as ';'.")
    return delimiter


def _check_labels(
    labels: Sequence[str] | None, label_list: str | None, separator: str, path: Path
) -> Sequence[str]:
    check_label_options(labels, label_list, separator)
    if labels is None and label_list is None:
        raise SchemaError(
            f"{path} does not say which columns are labels: name them (--labels a,b), or the "
            "column that lists them (--label-list)."
        )
    return labels or ()
