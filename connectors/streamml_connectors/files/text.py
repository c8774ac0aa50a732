"""Lines of plain and packed files, in bounded memory."""

from __future__ import annotations

import sys
from collections.abc import Generator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np

from streamml.errors import ConfigError, DataError
from streamml.types import Int64Array
from streamml_connectors.files.packed import unpacked

__all__ = [
    "MAX_LINE",
    "RAW_BYTES",
    "STDIN",
    "Block",
    "LineReader",
    "TooLong",
    "check_file",
    "chunks",
    "is_utf8",
]

MAX_LINE: Final = 16 * 1024 * 1024
"""Longest line in bytes that is read; a longer one is a dead letter."""
RAW_BYTES: Final = 4096
"""A dead letter holds this many bytes of its line at most."""
STDIN: Final = Path("-")
"""Stands for standard input."""
_CHUNK: Final = 512 * 1024
_HEAD: Final = 64  # bytes that show whether a text is UTF-16
_BOM: Final = b"\xef\xbb\xbf"


def check_file(path: Path) -> None:
    """Raise :class:`DataError` where ``path`` is no file that holds something.

    Examples
    --------
    >>> check_file(Path("/nowhere/at.all"))
    Traceback (most recent call last):
    ...
    streamml.errors.DataError: There is no file /nowhere/at.all: check the path.
    """
    if path == STDIN:
        return
    if not path.exists():
        raise DataError(f"There is no file {path}: check the path.")
    if path.is_dir():
        raise DataError(f"{path} is a directory: name one file in it.")
    if path.is_file() and path.stat().st_size == 0:
        raise DataError(f"{path} is empty: name a file with events in it.")


def chunks(path: Path, size: int = _CHUNK) -> Generator[bytes, None, None]:
    """The bytes of a file in pieces of at most about ``size``; what is packed is unpacked.

    Raises
    ------
    DataError
        The file cannot be read, or what is packed is cut short or damaged; everything
        before that point was handed out.
    """
    try:
        if path == STDIN:
            piped: Any = sys.stdin.buffer
            yield from iter(lambda: piped.read1(size), b"")
        else:
            yield from unpacked(path, size)
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror}): check its rights.") from error


def is_utf8(data: bytes) -> bool:
    """Whether bytes are valid UTF-8."""
    if data.isascii():
        return True
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def _utf16(head: bytes) -> str | None:
    """Which UTF-16 a text is in by its first bytes, of which every other one is mostly zero."""
    if head[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return "UTF-16"
    first, second = head[::2].count(0), head[1::2].count(0)
    if len(head) < 8 or 4 * max(first, second) <= len(head):
        return None
    return "UTF-16LE" if second > first else "UTF-16BE"


@dataclass(slots=True)
class Block:
    """Whole rows, each ended by a newline; ``line`` numbers the first line, from 1.

    A row is a line, unless ``ends`` says where the newlines stand that end one.
    """

    data: bytes
    line: int
    n_lines: int
    ends: Int64Array | None = field(default=None, compare=False)


@dataclass(slots=True)
class TooLong:
    """A line beyond the bound: its number and its first bytes."""

    raw: bytes
    line: int


class LineReader:
    r"""Hands out the lines of a file, many at once, and never holds an over-long one.

    Parameters
    ----------
    path
        File; ``.gz``, ``.bz2``, ``.xz`` and ``.zst`` are unpacked.
    max_line
        Bytes; a longer line is handed out as :class:`TooLong`.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.NamedTemporaryFile() as f:
    ...     _ = f.write(b"one\ntwo\nthree")
    ...     f.flush()
    ...     reader = LineReader(Path(f.name))
    ...     reader.take(2).data, reader.take(2).data, reader.take(2)
    (b'one\ntwo\n', b'three\n', None)
    """

    _lines_only = True  # a carriage return is never text
    _can_grow = True  # more data changes nothing about the rows at hand

    def __init__(self, path: Path, max_line: int = MAX_LINE) -> None:
        if max_line < 1:
            raise ConfigError(f"max_line must be at least 1 byte, not {max_line}.")
        self.path = path
        self.max_line = max_line
        self._chunks = chunks(path)
        self._buffer = b""
        self._ends: Int64Array = np.zeros(0, np.int64)  # newlines in the buffer
        self._long: list[int] = []  # which lines of the buffer are over-long, ascending
        self._next = 0  # index in _ends of the next line to hand out
        self._start = 0  # where it begins
        self._line = 1
        self._before = 0  # where the lines handed out last begin
        self._pushed: TooLong | None = None
        self._error: DataError | None = None
        self._fresh = True
        self._returns = False  # lines end with a carriage return alone
        self._waits = not path.is_file()  # more may come late: it is not asked for early

    def take(self, n: int) -> Block | TooLong | None:
        """The next 1 to ``n`` lines; ``None`` at the end of the file."""
        if self._pushed is not None:
            pushed, self._pushed = self._pushed, None
            return pushed
        if self._next >= len(self._ends):
            too_long = self._fill()
            if too_long is not None:
                return too_long
            if not len(self._ends):
                return None
        stop = min(self._next + n, len(self._ends))
        if self._long:
            if self._long[0] == self._next:
                self._long.pop(0)
                block = self._cut(self._next + 1)
                return TooLong(block.data[:RAW_BYTES].rstrip(b"\n"), block.line)
            stop = min(stop, self._long[0])
        return self._cut(stop)

    def peek_row(self, comment: bytes = b"") -> bytes | None:
        """Go past empty lines and comments; the line that comes next, if any."""
        while (item := self.take(1)) is not None:
            if isinstance(item, Block):
                text = item.data.strip()
                if not text or (comment and text.startswith(comment)):
                    continue
                self.give_back(item)
                return item.data
            self._pushed = item
            return item.raw
        return None

    def peek_rows(self, n: int, size: int) -> Block | None:
        """At most ``n`` rows that stand within ``size`` bytes, one at least; still to be read."""
        if self.peek_row() is None or self._pushed is not None:
            return None
        while (
            len(self._ends) - self._next < n
            and len(self._buffer) - self._start < size
            and self._can_grow
            and not self._waits
        ):
            try:
                data = self._read()
            except DataError:  # what stands before the damage is read first
                break
            held = self._buffer[self._start :]
            if data or not held.endswith(b"\n"):
                self._grow(held, data)
            if not data:
                break
        ends = self._ends[self._next : self._next + n] - self._start
        ends = ends[: max(1, int(np.searchsorted(ends, size)))]
        data = self._buffer[self._start : self._start + int(ends[-1]) + 1]
        lines = data.count(b"\n") == len(ends)
        return Block(self._tidy(data), self._line, len(ends), None if lines else ends)

    def _grow(self, held: bytes, more: bytes) -> None:
        """Hold some data with what follows it; that is nothing at the end of the file."""
        self._hold(held + (more or b"\n"))

    def give_back(self, row: Block, start: int = 0) -> None:
        """Hand the one row that was taken last out again, from its byte ``start`` on."""
        self._start, self._next, self._line = self._before + start, self._next - 1, row.line

    def close(self) -> None:
        """Close the file; safe to call twice."""
        self._chunks.close()

    def _cut(self, stop: int) -> Block:
        end = int(self._ends[stop - 1]) + 1
        data = self._tidy(self._buffer[self._start : end])
        block, lines = Block(data, self._line, stop - self._next), data.count(b"\n")
        if lines != block.n_lines:
            block.ends = self._ends[self._next : stop] - self._start
        self._line += lines
        self._before, self._start, self._next = self._start, end, stop
        return block

    def _tidy(self, data: bytes) -> bytes:
        """Some rows with a newline alone at the end of each line."""
        return self._translated(data) if b"\r" in data else data

    def _translated(self, data: bytes) -> bytes:
        """Text outside of quotes with a newline alone at the end of each line."""
        data = data.replace(b"\r\n", b"\n")
        return data.replace(b"\r", b"\n") if self._returns else data

    def _outside(self, data: bytes) -> bytes:
        """What shows how lines end."""
        return data

    def _read(self) -> bytes:
        """More bytes; empty at the end, where an error is raised at every call."""
        if self._error is not None:
            raise self._error
        try:
            data = next(self._chunks, b"")
        except DataError as error:
            self._error = error
            raise
        if self._fresh and data:
            self._fresh = False
            if (wide := _utf16(data[:_HEAD])) is not None:
                raise DataError(
                    f"{self.path} is {wide}: save it as UTF-8, or use 'iconv -f {wide} -t UTF-8'."
                )
            data = data.removeprefix(_BOM)
            text = self._outside(data)
            self._returns = b"\r" in text and b"\n" not in text
            data = data or self._read()
        return data.replace(b"\r", b"\n") if self._returns and self._lines_only else data

    def _fill(self) -> TooLong | None:
        """Get a buffer that holds a whole line at least, or is empty at the end."""
        pieces = [self._buffer[self._start :]]
        size = len(pieces[0])
        self._buffer, self._start, self._next = b"", 0, 0
        self._ends = np.zeros(0, np.int64)
        while data := self._read():
            cut = data.find(b"\n")
            if cut < 0 and size + len(data) <= self.max_line:
                pieces.append(data)
                size += len(data)
            elif cut < 0 or size + cut > self.max_line:
                return self._skip_line(b"".join([*pieces, data])[:RAW_BYTES], data)
            else:
                self._hold(b"".join([*pieces, data]))
                return None
        if size:
            self._hold(pieces[0] + b"".join(pieces[1:]) + b"\n")
        return None

    def _hold(self, data: bytes, ends: Int64Array | None = None) -> None:
        """Have some data at hand, of which rows end there (by default where lines do)."""
        if ends is None:
            ends = np.flatnonzero(np.frombuffer(data, np.uint8) == 10)
        self._buffer, self._ends = data, ends
        self._start, self._next = 0, 0
        lengths = np.diff(self._ends, prepend=-1) - 1
        self._long = np.flatnonzero(lengths > self.max_line).tolist()

    def _skip_line(self, raw: bytes, data: bytes) -> TooLong:
        """Go to the end of an over-long line; what follows it stays for the next turn."""
        while data and (cut := data.find(b"\n")) < 0:
            data = self._translated(self._read())
        rest = data[cut + 1 :] if data else b""
        self._hold(rest)
        self._line += 1
        return TooLong(raw.split(b"\n", 1)[0], self._line - 1)
