"""What all readers of files share: dead letters, positions, and how a stream is resumed."""

from __future__ import annotations

import abc
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from streamml.errors import ConfigError, ContractError, DataError, SchemaError
from streamml.io import JSON, Iterated
from streamml.types import DeadLetter, EventBatch, Schema
from streamml_connectors.files.described import FEATURES, Column, left_out_notes
from streamml_connectors.files.rows import letter
from streamml_connectors.files.text import MAX_LINE, Block, LineReader, TooLong, check_file
from streamml_connectors.files.times import Times

__all__ = ["Caps", "FileSource", "LineSource", "check_label_options", "check_names"]

_SKIP = 4096  # rows read at once while a position is restored


class Caps(NamedTuple):
    """The most features and labels that a stream may have; ``None``: any number."""

    features: int | None = None
    labels: int | None = None


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
    columns
        How each column of the file is read, as far as it is known at the start.
    """

    has_header = False
    """Whether the file declares all its columns."""

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        check_file(self.path)
        self.schema = Schema()
        self.columns: tuple[Column, ...] = ()
        self._notes: list[str] = []
        self._times = Times()
        self._rows = 0
        self._letters: list[DeadLetter] = []
        self._closed = False

    @property
    def name(self) -> str:
        """The path."""
        return str(self.path)

    @property
    def notes(self) -> list[str]:
        """What a run should say once of how this file is read, a sentence each.

        More come with the rows, and count what was filled in up to here.
        """
        return [*self._notes, *self._times.notes(), *self._seen()]

    def _seen(self) -> list[str]:
        """What the rows have shown beside, a sentence each."""
        return []

    @contextmanager
    def _closing_on_error(self) -> Iterator[None]:
        """While the file is looked at: what goes wrong closes it."""
        try:
            yield
        except BaseException:
            self.close()
            raise

    def _start(
        self,
        features: Iterable[str],
        labels: Iterable[str],
        caps: Caps,
        columns: Iterable[Column] = (),
        *,
        absent_is_zero: bool = False,
        takes_text: bool = False,
    ) -> None:
        """Say what the file holds: its schema, and how each column is read."""
        self.columns = tuple(columns)
        self._notes += left_out_notes(self.columns)
        self.schema = Schema(
            features, labels, *caps, absent_is_zero=absent_is_zero, takes_text=takes_text
        )

    @property
    def left_out(self) -> tuple[str, ...]:
        """Names of columns that are not used (identifiers, text), in their order."""
        return tuple(column.name for column in self.columns if column.kind == "left out")

    @property
    def n_attributes(self) -> int | None:
        """Number of columns that make features; ``None`` for formats without a header."""
        if not self.has_header:
            return None
        return sum(column.kind in FEATURES for column in self.columns)

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
        File, plain or packed.
    max_line
        Longest line in bytes; a longer one is a dead letter and never held in memory.
    """

    _comment = b""
    _reads: type[LineReader] = LineReader

    def __init__(self, path: Path | str, *, max_line: int = MAX_LINE) -> None:
        super().__init__(path)
        self._reader = self._reads(self.path, max_line)

    def _read(self, n: int) -> EventBatch | None:
        while (item := self._reader.take(n)) is not None:
            if isinstance(item, TooLong):
                self._letters.append(self._too_long(item))
                self._rows += 1
                return EventBatch.from_events([], self.schema)
            before = self._blank_rows
            batch, letters = self._parse(item)
            read = len(batch) + len(letters) + self._blank_rows - before
            self._rows += read
            self._letters += letters
            if read:
                return batch
        return None

    @property
    def _blank_rows(self) -> int:
        """How many rows were passed over because they hold nothing."""
        return 0

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


def check_label_options(
    labels: Sequence[str] | None, label_list: str | None, separator: str | None
) -> None:
    """Raise :class:`ConfigError` where options say in two ways where the labels are."""
    if labels and label_list is not None:
        raise ConfigError("Both labels and label_list are given: labels stand in one of them.")
    if separator == "":
        raise ConfigError("The separator of a label list is empty: give one, such as ';'.")
