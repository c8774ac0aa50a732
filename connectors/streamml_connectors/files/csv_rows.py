"""Rows of CSV text (RFC 4180): a field in quotes may hold delimiters, quotes and line breaks."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import numpy as np

from streamml.types import Int64Array
from streamml_connectors.files.columns import BadRow
from streamml_connectors.files.text import MAX_LINE, RAW_BYTES, LineReader, TooLong

__all__ = ["RowReader", "split_fields"]

_DELIMITERS: Final = (",", ";", "\t", "|")


def _quoted(delimiter: str) -> re.Pattern[bytes]:
    """A field in quotes; it goes to the end of the data where it is not closed.

    A quote opens at the beginning of a field and closes at its end; one in the middle of a field
    is a character like others, if a doubtful one.
    """
    edge = rb"[\r\n" + re.escape(delimiter.encode()) + rb"]"
    return re.compile(
        rb'"(?:(?<=\A")|(?<=' + edge + rb'")|(?<=\A ")|(?<=' + edge + rb' "))'
        rb'(?:[^"]++|""|"(?! *' + edge + rb'))*+(?:" *(?=' + edge + rb")|\Z)"
    )


class RowReader(LineReader):
    r"""Hands out the rows of a CSV file; one may go over several lines within quotes.

    Where a quote is not closed before the file ends, or within ``max_line`` bytes, nobody knows
    where its row ends: from there on every line is a row again.

    Parameters
    ----------
    path, max_line
        As for :class:`~streamml_connectors.files.text.LineReader`; the bound is that of a row.

    Attributes
    ----------
    delimiter
        What stands between fields; :meth:`use` sets it before the first row is taken.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.NamedTemporaryFile() as f:
    ...     _ = f.write(b'a,"two\nlines"\r\nb,c')
    ...     f.flush()
    ...     reader = RowReader(Path(f.name))
    ...     reader.take(9).data, reader.take(9).line, reader.take(9)
    (b'a,"two\nlines"\n', 3, None)
    """

    _lines_only = False

    def __init__(self, path: Path, max_line: int = MAX_LINE) -> None:
        super().__init__(path, max_line)
        self.delimiter = ","

    def first_line(self) -> str:
        """The first line that is not empty, or its beginning; it is still to be read."""
        while not (text := self._buffer.lstrip(b"\r\n")) and (data := self._read()):
            self._buffer += data
        return re.split(rb"[\r\n]", text, maxsplit=1)[0].decode(errors="replace")

    def use(self, delimiter: str) -> None:
        """Say what stands between fields."""
        self.delimiter = delimiter
        if self._buffer:
            self._split(self._buffer[self._start :], at_end=False)

    def _grow(self, held: bytes, more: bytes) -> None:
        self._split(held + more, at_end=not more)

    def _outside(self, data: bytes) -> bytes:
        return _quoted(self.delimiter).sub(b"", data) if b'"' in data else data

    def _fill(self) -> TooLong | None:
        data = self._buffer[self._start :]
        while True:
            more = self._read()
            data += more
            if more or data:
                self._split(data, at_end=not more)
            else:
                self._hold(b"", np.zeros(0, np.int64))
            if len(self._ends) or not more:
                return None
            data = self._buffer
            if len(data) > self.max_line:
                self._hold_lines(data)  # a quote is never closed, or the line is too long
                if not len(self._ends):
                    return self._skip_line(data[:RAW_BYTES], data)

    def _split(self, data: bytes, *, at_end: bool) -> None:
        """Hold the rows in some data, of which the last one may not be whole."""
        if at_end and not data.endswith(b"\n"):
            data += b"\n"
        quoted = _quoted(self.delimiter)
        spans = [found.span() for found in quoted.finditer(data)] if b'"' in data else []
        if b"\r" in data:
            data, spans = self._without_returns(data, spans)
        if at_end and spans and spans[-1][1] == len(data):
            self._hold_lines(data)
            return
        ends = _newlines(data)
        if spans:
            starts, stops = np.array(spans, np.int64).T
            ends = self._of_rows(ends, starts, stops)
        self._can_grow = True
        self._hold(data, ends)

    def _of_rows(self, lines: Int64Array, starts: Int64Array, stops: Int64Array) -> Int64Array:
        """The line ends that end rows, and all of them in a row beyond the bound."""
        last = np.searchsorted(starts, lines) - 1
        ends = lines[(last < 0) | (lines >= stops[last])]
        long = np.append(np.diff(ends, prepend=-1) - 1 > self.max_line, False)
        return np.union1d(ends, lines[long[np.searchsorted(ends, lines)]]) if long.any() else ends

    def _hold_lines(self, data: bytes) -> None:
        data = self._translated(data)
        self._can_grow = False
        self._hold(data, _newlines(data))

    def _without_returns(
        self, data: bytes, spans: list[tuple[int, int]]
    ) -> tuple[bytes, list[tuple[int, int]]]:
        """The data with newlines for line ends outside of quotes, and where those are then."""
        pieces, moved, at, size = [], [], 0, 0
        for start, stop in spans:
            outside = self._translated(data[at:start])
            size += len(outside) + stop - start
            pieces += [outside, data[start:stop]]
            moved.append((size - (stop - start), size))
            at = stop
        pieces.append(self._translated(data[at:]))
        return b"".join(pieces), moved

    def _tidy(self, data: bytes) -> bytes:
        return data  # it was done when the rows were told apart


def _newlines(data: bytes) -> Int64Array:
    return np.flatnonzero(np.frombuffer(data, np.uint8) == 10)


def split_fields(text: str, delimiter: str) -> list[tuple[str, bool]]:
    r"""Fields of a row, without the white space around them, and whether each was in quotes.

    Raises
    ------
    BadRow
        A quote opens that is not closed at the end of its field.

    Examples
    --------
    >>> split_fields('1, "2"" wide, flat",5" pipe', ",")
    [('1', False), ('2" wide, flat', True), ('5" pipe', False)]
    """
    if '"' not in text:
        return [(field.strip(" \t\r"), False) for field in text.split(delimiter)]
    fields, at = [], 0
    pattern = _field(delimiter)
    while True:
        found = pattern.match(text, at)
        if found is None:
            raise BadRow("malformed", _broken(text, at))
        if found[1] is None:
            fields.append((found[2].strip(" \t\r"), False))
        else:
            fields.append((found[1].replace('""', '"').strip(" \t\r"), True))
        at = found.end() + 1
        if at > len(text):
            return fields


def _field(delimiter: str) -> re.Pattern[str]:
    edge = re.escape(delimiter)
    return re.compile(rf' ?"((?:[^"]++|"")*+)"[ \r]*(?={edge}|\Z)|(?! ?")([^{edge}]*+)')


def _broken(text: str, at: int) -> str:
    closed = text.count('"') % 2 == 0
    return f"Its quotes do not fit at character {at + 1}: " + (
        "a quote within a field is written twice."
        if closed
        else "one is opened and never closed, or stands alone within a field."
    )
