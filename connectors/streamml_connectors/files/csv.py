"""CSV with a header: label columns by name, or one column with a list of labels."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Final

from streamml.errors import SchemaError
from streamml.types import DeadLetter, EventBatch
from streamml.types.label_lists import find_separator, unsplit
from streamml_connectors.files.column_kinds import FIRST_ROWS, marked_notes
from streamml_connectors.files.csv_columns import CsvColumns, described, label_notes
from streamml_connectors.files.csv_header import (
    aligned,
    by_column,
    find_delimiter,
    read_header,
    split_rows,
)
from streamml_connectors.files.csv_rows import RowReader
from streamml_connectors.files.described import Kind
from streamml_connectors.files.learned import as_learned
from streamml_connectors.files.parsing import Parsed, byte_classes, parse_dense
from streamml_connectors.files.rows import assemble
from streamml_connectors.files.source import Caps, LineSource, check_label_options, check_names
from streamml_connectors.files.text import MAX_LINE, Block, is_utf8

__all__ = ["CsvSource"]

_FIRST_BYTES: Final = 1024 * 1024  # in which the first rows are looked at


class CsvSource(LineSource):
    r"""Reads a CSV file as RFC 4180 writes it: a field in quotes may hold line breaks.

    What a column is, its first 1,000 rows show. A column of numbers is the feature ``column``,
    a text in it the feature ``column=text`` with value 1. A column of texts makes such features
    only; one of ``yes`` and ``no`` (or the like) is 1 and 0; one of times, or of identifiers
    (more than 64 different texts, or none that comes twice) is left out, and so is a first
    column without a name. A missing value (an empty field, ``?``, ``NA``, ``nan``, ``null``, ...)
    is absent, a label without a value unknown. :attr:`columns` says how each column is read.

    Parameters
    ----------
    path
        ``.csv``, ``.tsv``, plain or packed.
    labels
        Names of the label columns (0 and 1, or true/false, yes/no, y/n, t/f, on/off; -1 is false
        where 0 does not occur); ``()``: none is one.
    label_list
        Instead: the column that lists the labels, also as a JSON or Python list; empty: no labels;
        ``?`` (or the like): not known.
    separator
        What stands between the labels of that list; by default what the first rows show.
    id, timestamp
        Columns with the identifier, and with seconds, ISO 8601 times or dates such as
        ``31.12.2025 10:00``; by default those of these names, or else the number of the row,
        from 0. A row without a time takes that of the row before it.
    text
        Column with the text for an embedding stage; other columns stay features.
    ignore
        Columns to leave out.
    delimiter
        One ASCII character; by default what the header shows (``,`` ``;`` ``|`` or a tab).
    keep_zeros
        Whether explicit zeros are kept as known zeros.
    learned
        Features that a learner knows: a column that makes some is read so that it does.
    max_line
        Longest row in bytes; a longer one is a dead letter.

    Raises
    ------
    ConfigError, DataError, SchemaError
        Options do not fit, the file cannot be read, a named column is not there, numbers are
        written with a decimal comma.

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
    >>> source.columns[1]
    Column(name='sky', kind='nominal', note='')
    """

    has_header = True
    _reader: RowReader
    _reads = RowReader

    def __init__(
        self,
        path: Path | str,
        *,
        labels: Sequence[str] | None = None,
        label_list: str | None = None,
        separator: str | None = None,
        id: str | None = None,  # noqa: A002  # the field's name
        timestamp: str | None = None,
        text: str | None = None,
        ignore: Sequence[str] = (),
        delimiter: str | None = None,
        keep_zeros: bool = True,
        learned: Collection[str] = (),
        max_features: int | None = None,
        max_labels: int | None = None,
        max_line: int = MAX_LINE,
    ) -> None:
        super().__init__(path, max_line=max_line)
        self._keep_zeros = keep_zeros
        with self._closing_on_error():
            check_label_options(labels, label_list, separator)
            told = _told(labels, label_list, id, timestamp, text, ignore)
            if labels is None and label_list is None:
                raise SchemaError(
                    f"{self.path} does not say which columns are labels: name them (--labels a,b), "
                    "or the column that lists them (--label-list)."
                )
            self._look(told, delimiter, separator, learned)
            self._start(
                self._declared,
                [column.name for column in self.columns if column.kind == "label"],
                Caps(max_features, max_labels),
                self.columns,
                absent_is_zero=not keep_zeros,
                takes_text=text is not None,
            )

    def _look(
        self,
        told: dict[str, tuple[Kind, str]],
        delimiter: str | None,
        separator: str | None,
        learned: Collection[str],
    ) -> None:
        """Find out what the columns are, by the header and the first rows."""
        reader = self._reader
        reader.use(find_delimiter(reader, delimiter, list(told), self.path))
        names = read_header(reader, self.path)
        check_names(list(told), names, self.path, "column")
        self._need_rows()
        block = reader.peek_rows(FIRST_ROWS, _FIRST_BYTES)
        rows = split_rows(block, reader.delimiter) if block is not None else []
        rows = [row for row in rows if not row or any(row)]  # blank ones show nothing
        names = aligned(names, rows)
        values = by_column(names, rows)
        try:
            found = described(names, values, told)
        except SchemaError as error:
            raise SchemaError(f"{self.path} {error}") from None
        self.columns = tuple(as_learned(found, values, learned))
        lists = [v for c, v in zip(self.columns, values, strict=True) if c.kind == "labels"]
        between = separator or find_separator(lists[0] if lists else ())
        self._columns = CsvColumns(self.columns, values, reader.delimiter, between)
        self._times = self._columns.times
        self._declared = self._columns.declare(rows[0] if rows else [])
        self._tables = {ok: byte_classes(reader.delimiter, '"', ok) for ok in (False, True)}
        if delimiter is None and reader.delimiter not in ",\t":
            self._notes.append(f"The fields of a row are separated by {reader.delimiter!r}.")
        self._notes += label_notes(self.columns, values, self._columns.signed)
        self._notes += marked_notes(self.columns, values)
        self._notes += filter(None, [unsplit(lists[0], between) if lists else None])
        if separator is None and between != ";":
            self._notes.append(f"The labels of a list are separated by {between!r}.")

    @property
    def _blank_rows(self) -> int:
        return self._columns.blank

    def _seen(self) -> list[str]:
        notes, blank = self._columns.later.notes(), self._blank_rows
        if blank:
            rows, are = ("1 row holds", "is") if blank == 1 else (f"{blank} rows hold", "are")
            notes.append(f"{rows} delimiters only and {are} passed over.")
        return notes

    def _parse(self, block: Block) -> tuple[EventBatch, list[DeadLetter]]:
        parsed = self._fast(block)
        return assemble(
            parsed, self._columns, self.schema, block.data, block.line, self._rows,
            keep_zeros=self._keep_zeros,
        )  # fmt: skip

    def _fast(self, block: Block) -> Parsed:
        return parse_dense(
            block.data, block.n_lines, self._tables[is_utf8(block.data)],
            self._columns.role, self._columns.column,
            words=self._columns.words, ends=block.ends,
        )  # fmt: skip


def _told(
    labels: Sequence[str] | None,
    label_list: str | None,
    id_column: str | None,
    time_column: str | None,
    text: str | None,
    ignore: Sequence[str],
) -> dict[str, tuple[Kind, str]]:
    """What the user says of columns."""
    told: dict[str, tuple[Kind, str]] = dict.fromkeys(ignore, ("left out", "as told"))
    sides: dict[str | None, Kind] = {
        label_list: "labels", id_column: "id", time_column: "timestamp", text: "text",
    }  # fmt: skip
    told |= {name: (kind, "") for name, kind in sides.items() if name is not None}
    told |= dict.fromkeys(labels or (), ("label", ""))
    return told
