"""What all readers of files share: dead letters, positions, and how a stream is resumed."""

from __future__ import annotations

import abc
from collections.abc import Mapping, Sequence
from pathlib import Path

from streamml.errors import ConfigError, ContractError, DataError, SchemaError
from streamml.io import JSON, Iterated
from streamml.types import DeadLetter, EventBatch, Schema
from streamml_connectors.files.rows import letter
from streamml_connectors.files.text import MAX_LINE, Block, LineReader, TooLong, check_file

__all__ = ["FileSource", "LineSource", "check_names"]

_SKIP = 4096  # rows read at once while a position is restored


class FileSource(Iterated, abc.ABC):
    """A file of events in the order of its rows.

    Rows are numbered from 0, those that became dead letters too. A batch is made of the
    next rows of the file and of nothing behind them, so that a position is one number:
    how many rows were read when the last event was handed out.

    Attributes
    ----------
    name
        The path.
    schema
        Names of features and labels.
    left_out
        Names of attributes that are no features (identifiers, text), noted at the start.
    n_attributes
        Number of attributes that make features; a nominal one may make several.
        ``None`` for formats without a header.
    """

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        check_file(self.path)
        self.schema = Schema()
        self.left_out: tuple[str, ...] = ()
        self.n_attributes: int | None = None
        self._rows = 0
        self._letters: list[DeadLetter] = []
        self._closed = False

    @property
    def name(self) -> str:
        """The path."""
        return str(self.path)

    @property
    def length(self) -> int | None:
        """Number of events where it is known beforehand."""
        return None

    def next_batch(self, max_events: int) -> EventBatch | None:
        """The next 1 to ``max_events`` events; ``None`` at the end.

        Raises
        ------
        DataError
            The file is damaged here; what stood before was handed out.
        """
        if max_events < 1:
            raise ConfigError(f"max_events must be at least 1, not {max_events}.")
        if self._closed:
            raise ContractError(f"{self.path} is closed: open it again.")
        return self._read(max_events)

    @abc.abstractmethod
    def _read(self, n: int) -> EventBatch | None:
        """At most ``n`` further rows; adds to ``_rows`` and ``_letters``."""

    def take_dead_letters(self) -> list[DeadLetter]:
        """What could not be used since the last call."""
        letters, self._letters = self._letters, []
        return letters

    def snapshot(self) -> Mapping[str, JSON]:
        """``{"rows": n}``: the number of rows read so far, dead ones included."""
        return {"rows": self._rows}

    def restore(self, snapshot: Mapping[str, JSON]) -> None:
        """Read up to a position and drop what was read; names come in the same order.

        Raises
        ------
        ContractError
            Rows were read already.
        DataError
            The position is none of this file.
        """
        rows = snapshot.get("rows")
        if not isinstance(rows, int) or isinstance(rows, bool) or rows < 0:
            raise DataError(
                f"{snapshot!r} is no position in a file: give what snapshot() gave, of a stream in "
                "natural order."
            )
        if self._rows:
            raise ContractError("A position is restored before the first batch: open it again.")
        while self._rows < rows:
            if self._read(min(_SKIP, rows - self._rows)) is None:
                raise DataError(
                    f"{self.path} ends after {self._rows} rows, before the position {rows}: "
                    "restore with the file it was taken from."
                )
        self._letters.clear()

    def close(self) -> None:
        """Close the file; safe to call twice."""
        self._closed = True


class LineSource(FileSource):
    """A file with one row a line.

    Parameters
    ----------
    path
        File; ``.gz`` is unpacked.
    max_line
        Longest line in bytes; a longer one is a dead letter and never held in memory.
    """

    _comment = b""

    def __init__(self, path: Path | str, *, max_line: int = MAX_LINE) -> None:
        super().__init__(path)
        self._reader = LineReader(self.path, max_line)

    def _read(self, n: int) -> EventBatch | None:
        while (item := self._reader.take(n)) is not None:
            if isinstance(item, TooLong):
                self._letters.append(self._too_long(item))
                self._rows += 1
                return EventBatch.from_events([], self.schema)
            batch, letters = self._parse(item)
            self._rows += len(batch) + len(letters)
            self._letters += letters
            if len(batch) or letters:
                return batch
        return None

    @abc.abstractmethod
    def _parse(self, block: Block) -> tuple[EventBatch, list[DeadLetter]]:
        """Events and dead letters of some lines; one of the two a row."""

    def _too_long(self, item: TooLong) -> DeadLetter:
        detail = (
            f"The line is longer than {self._reader.max_line} bytes: raise max_line. "
            f"(Its bytes are cut at {len(item.raw)}.)"
        )
        return letter("too_large", detail, f"line {item.line}", item.raw)

    def _need_rows(self) -> bytes:
        """The first row after the header, or its beginning; it is still to be read."""
        item = self._reader.peek_row(self._comment)
        if item is None:
            raise DataError(f"{self.path} holds no events: name a file with rows of data.")
        return item

    def close(self) -> None:
        """Close the file; safe to call twice."""
        super().close()
        self._reader.close()


def check_names(wanted: Sequence[str], there: Sequence[str], path: Path, what: str) -> None:
    """Raise :class:`SchemaError` where a wanted column is not there."""
    known = set(there)
    for name in wanted:
        if name not in known:
            shown = ", ".join(map(repr, there[:5])) + (", ..." if len(there) > 5 else "")
            raise SchemaError(f"{path} has no {what} {name!r}: choose among {shown}.")
