"""The beginning of a CSV file: its delimiter, its header, and its first rows by column."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from streamml.errors import ConfigError, DataError, SchemaError
from streamml_connectors.files.column_kinds import all_numbers
from streamml_connectors.files.columns import BadRow
from streamml_connectors.files.csv_rows import RowReader, split_fields
from streamml_connectors.files.packed import plain_name
from streamml_connectors.files.rows import row_text
from streamml_connectors.files.text import Block

__all__ = ["aligned", "by_column", "find_delimiter", "read_header", "split_rows"]

_DELIMITERS: Final = (",", ";", "\t", "|")
_SEP: Final = re.compile(r'"?sep=(.)"?', re.IGNORECASE)  # how Excel is told the delimiter


def find_delimiter(reader: RowReader, given: str | None, wanted: Sequence[str], path: Path) -> str:
    """What stands between fields: as told, else what the header shows.

    The suffix's own (a tab for ``.tsv``, else a comma) where the wanted columns are found with
    it; else the first of ``,`` ``;`` tab ``|`` with which they are, or which occurs most often.

    Raises
    ------
    ConfigError
        The given one cannot be used.
    SchemaError
        Blanks separate the wanted columns.
    """
    line = reader.first_line()
    if given is not None:
        if len(given) != 1 or not given.isascii() or given in '"\n\r 0123456789.?-+':
            raise ConfigError(f"The delimiter {given!r} cannot be used: give one, such as ';'.")
        return given
    if (excel := _SEP.fullmatch(line)) is not None:
        reader.use(excel[1])
        reader.take(1)
        return excel[1]
    default = "\t" if plain_name(path).lower().endswith(".tsv") else ","
    counts = {}
    for delimiter in (default, *_DELIMITERS):
        try:
            names = {name for name, _ in split_fields(line, delimiter)}
        except BadRow:  # it goes on over the next line
            continue
        if names.issuperset(wanted):
            return delimiter
        counts[delimiter] = len(names)
    if {word.strip('"') for word in line.split()}.issuperset(wanted):
        raise SchemaError(
            f"{path} separates its fields by blanks, as R's write.table does: write it with "
            "write.csv, or with sep = ','."
        )
    return default if counts.get(default, 2) > 1 else max(counts, key=lambda one: counts[one])


def read_header(reader: RowReader, path: Path) -> list[str]:
    """The names of the columns; one may be empty.

    Raises
    ------
    DataError, SchemaError
        There is none, or a name stands twice.
    """
    reader.peek_row()
    block = reader.take(1)
    if not isinstance(block, Block):
        raise DataError(f"{path} has no header line: write the names of its columns.")
    try:
        names = [name for name, _ in split_fields(row_text(block.data), reader.delimiter)]
    except BadRow as bad:
        raise DataError(f"The header of {path} cannot be read: {bad.detail}") from bad
    for name in names:
        if name and names.count(name) > 1:
            raise SchemaError(
                f"{path} has the column name {name!r} twice: names must be unique"
                + (" (has it a header line?)." if all_numbers([name]) else ".")
            )
    return names


def split_rows(block: Block, delimiter: str) -> list[list[str]]:
    """The fields of some rows; none of a row that cannot be read."""
    rows, lines, start = [], block.data.split(b"\n"), 0
    if block.ends is not None:
        lines = []
        for end in block.ends.tolist():
            lines.append(block.data[start:end])
            start = end + 1
    for line in lines:
        if line.strip():
            try:
                rows.append(_texts(row_text(line), delimiter))
            except BadRow:
                rows.append([])
    return rows


def _texts(text: str, delimiter: str) -> list[str]:
    """The fields of a row, fast where there is nothing to take off them."""
    if any(mark in text for mark in '" \t\r'):
        return [field for field, _ in split_fields(text, delimiter)]
    return text.split(delimiter)


def aligned(names: list[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """The names, and an empty one where every row has one field more than the header.

    The last field is none where it is always empty (a delimiter at the end of each row); the
    first is the row's number, as R writes it, where it counts. Else the rows do not fit.

    Examples
    --------
    >>> aligned(["f", "l"], [["1", "0.5", "1"], ["2", "0.7", "0"]])
    ['', 'f', 'l']
    >>> aligned(["f", "l"], [["0.5", "1", ""]]), aligned(["f", "l"], [["0.5", "1"]])
    (['f', 'l', ''], ['f', 'l'])
    """
    if not rows or any(len(row) != len(names) + 1 for row in rows) or "" in names:
        return names
    if not any(row[-1] for row in rows):
        return [*names, ""]
    counts = any(all(row[0] == str(k) for k, row in enumerate(rows, first)) for first in (0, 1))
    return ["", *names] if counts else names


def by_column(names: Sequence[str], rows: Sequence[Sequence[str]]) -> list[Sequence[str]]:
    """The values of each column in the rows that have as many fields as there are names."""
    whole = [row for row in rows if len(row) == len(names)]
    return list(zip(*whole, strict=True)) if whole else [()] * len(names)
