"""Parquet, piece by piece: label columns are named ``label:...``."""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import IO, Any

from streamml.errors import DataError, SchemaError
from streamml.types import EventBatch
from streamml.types.label_lists import find_separator, is_multi_hot
from streamml_connectors.files.column_kinds import FIRST_ROWS, marked_notes
from streamml_connectors.files.json_event import objects_note
from streamml_connectors.files.later import Later
from streamml_connectors.files.packed import PACKED
from streamml_connectors.files.parquet_columns import Layout, layout
from streamml_connectors.files.parquet_pieces import Piece, read_piece
from streamml_connectors.files.parquet_rows import piece_batch
from streamml_connectors.files.source import Caps, FileSource, check_label_options
from streamml_connectors.files.text import chunks
from streamml_connectors.files.times import Times

__all__ = ["ParquetSource"]

_CELLS = 1_000_000  # of a piece that is held in memory
_BUFFER = 65_536  # bytes of a column that are read at once


class ParquetSource(FileSource):
    """Reads a Parquet file; memory holds one piece of a row group at a time.

    Numbers and booleans are features; a list of numbers is one a position (``emb.0``, ...), an
    object is its fields (``meta.likes``).
    What a string column is, its first 1,000 rows show: ``column=value`` features that appear as
    the stream goes on; 1 and 0 for yes and no; or an identifier (more than 64 different texts, or
    none that comes twice), which is left out, as are times, binary and other nested columns, and
    label columns that are not chosen. Null, NaN and the usual words for them are absent; as a
    label, unknown. :attr:`columns` says how each column is read.

    Parameters
    ----------
    path
        ``.parquet``, plain or packed (unpacked to a temporary file first).
    labels
        Label columns (numbers, booleans, or words such as yes and no), by default those named
        ``label:...``; that prefix is no part of the label's name.
    label_list
        Instead: a column with lists of strings or integers, or text. With ``labels``: rows of 0
        and 1, one a label, in this order.
    separator
        What stands between the labels in such text; by default what the first rows show.
    id, timestamp
        Columns with the identifier and with seconds or times; by default those of these
        names, or else the number of the row, from 0. A row without a time takes that of the
        row before it.
    text
        String column with the text for an embedding stage.
    ignore
        Columns to leave out.
    keep_zeros
        Whether explicit zeros are kept as known zeros.
    learned
        Features that a learner knows: a text column that makes some is read so that it does.

    Raises
    ------
    DataError, SchemaError
        The file cannot be read, or its columns do not fit.

    Examples
    --------
    >>> import tempfile, pyarrow, pyarrow.parquet
    >>> table = pyarrow.table({"t": [0.5], "label:sun": [True]})
    >>> with tempfile.NamedTemporaryFile(suffix=".parquet") as f:
    ...     pyarrow.parquet.write_table(table, f.name)
    ...     source = ParquetSource(f.name)
    ...     batch = source.next_batch(10)
    ...     source.close()
    >>> next(batch.events())
    Event(id=0, timestamp=0.0, x={'t': 0.5}, y=frozenset({'sun'}))
    """

    has_header = True
    _file: Any = None

    def __init__(
        self,
        path: Path | str,
        *,
        labels: Sequence[str] | None = None,
        label_list: str | None = None,
        separator: str | None = None,
        id: str | None = None,  # noqa: A002  # the column's name
        timestamp: str | None = None,
        text: str | None = None,
        ignore: Sequence[str] = (),
        keep_zeros: bool = True,
        learned: Collection[str] = (),
        max_features: int | None = None,
        max_labels: int | None = None,
    ) -> None:
        super().__init__(path)
        self._unpacked: IO[bytes] | None = None
        self._pieces: Iterator[Piece] = iter(())
        self._piece: Piece | None = None
        self._later = Later()
        self._used = 0  # rows of the piece that were handed out
        self._keep_zeros = keep_zeros
        with self._closing_on_error():
            self._open()
            self._whole = label_list
            schema = _flat(self._file.schema_arrow.empty_table(), label_list).schema
            rows = self._multi_hot(label_list) if label_list in schema.names else None
            check_label_options(labels if rows is None else None, label_list, separator)
            if rows is not None and len(rows) != len(labels or ()):
                raise SchemaError(
                    f"The column {label_list!r} of {self.path} holds rows of 0 and 1 and no names: "
                    f"name the {len(rows)} labels in their order, too (--labels)."
                )
            sides = {"labels": label_list, "id": id, "timestamp": timestamp, "text": text}
            self._layout: Layout = layout(
                self.path, schema, self._peek, labels, sides, ignore, learned
            )
            if not self._file.metadata.num_rows:
                raise DataError(f"{self.path} holds no events: name a file with rows of data.")
            self._start(
                self._layout.numbers,
                self._layout.label_names,
                Caps(max_features, max_labels),
                self._layout.described,
                absent_is_zero=not keep_zeros,
                takes_text=text is not None,
            )
            self._separator = separator or self._found_separator(label_list)
            time_column = self._layout.sides.get("timestamp")
            self._times = Times(self._peek(time_column) if time_column is not None else ())
            texts = self._layout.nominal
            self._notes += marked_notes(texts, [self._texts(column.name) for column in texts])
        self._pieces = self._read_pieces()

    def _seen(self) -> list[str]:
        return self._later.notes()

    def _multi_hot(self, name: str | None) -> list[Any] | None:
        """The first row of 0 and 1 of a column that holds nothing else."""
        rows = [value for value in self._peek(name or "") if value is not None]
        if not rows or not all(isinstance(row, list) for row in rows):
            return None
        same = len({len(row) for row in rows}) == 1 and len(rows[0]) > 1
        marks = all(value in (0, 1) and not isinstance(value, str) for row in rows for value in row)
        return rows[0] if same and marks and any(map(is_multi_hot, rows)) else None

    def _found_separator(self, name: str | None) -> str:
        if name is None:
            return ";"
        lists = self._peek(name)
        self._notes += objects_note(lists)
        texts = [value for value in lists if isinstance(value, str)]
        found = find_separator(texts)
        self._later.watch_lists(texts, found)
        if found != ";":
            self._notes.append(f"The labels of a list are separated by {found!r}.")
        return found

    def _open(self) -> None:
        import pyarrow
        import pyarrow.parquet

        source: Any = str(self.path)
        if self.path.suffix.lower() in PACKED or not self.path.is_file():  # it is read in leaps
            source = self._unpacked = tempfile.TemporaryFile()  # noqa: SIM115  # closed in close()
            for chunk in chunks(self.path):
                source.write(chunk)
            source.seek(0)
        try:
            self._file = pyarrow.parquet.ParquetFile(
                source,
                pre_buffer=False,
                buffer_size=_BUFFER,  # or it holds whole row groups
            )
        except (pyarrow.ArrowInvalid, OSError) as error:
            raise DataError(
                f"{self.path} is no Parquet file or is damaged: get a whole copy of it."
            ) from error

    def _peek(self, name: str) -> list[Any]:
        """The first values of a column."""
        batches = self._file.iter_batches(batch_size=FIRST_ROWS, columns=[name])
        first = next(batches, None)
        batches.close()
        return _flat_batch(first, self._whole).column(0).to_pylist() if first is not None else []

    def _texts(self, name: str) -> list[str]:
        return [value for value in self._peek(name) if value is not None]

    @property
    def length(self) -> int | None:
        """Number of rows."""
        return int(self._file.metadata.num_rows)

    def _read_pieces(self) -> Iterator[Piece]:
        import pyarrow

        plan = self._layout
        rows = max(16, min(8192, _CELLS // max(1, len(plan.used))))
        try:
            for group in range(self._file.num_row_groups):  # memory of a group is let go
                for records in self._file.iter_batches(rows, [group], plan.used):
                    yield read_piece(plan, _flat_batch(records, self._whole))
        except (pyarrow.ArrowInvalid, OSError) as error:
            raise DataError(f"{self.path} is damaged: get a whole copy of it.") from error

    def _read(self, n: int) -> EventBatch | None:
        if self._piece is None or self._used >= self._piece.n_rows:
            self._piece, self._used = next(self._pieces, None), 0
            if self._piece is None:
                return None
        stop = min(self._piece.n_rows, self._used + n)
        batch, letters = piece_batch(
            self._piece, self._layout, self.schema, slice(self._used, stop), self._rows,
            self._times, self._later,
            separator=self._separator, keep_zeros=self._keep_zeros,
        )  # fmt: skip
        self._rows += stop - self._used
        self._used = stop
        self._letters += letters
        return batch

    def close(self) -> None:
        """Close the file; safe to call twice."""
        super().close()
        self._piece = None
        if self._file is not None:
            self._file.close()
        if self._unpacked is not None:
            self._unpacked.close()


def _flat(table: Any, whole: str | None) -> Any:
    """A table whose nested columns of objects, but the whole one, are columns with dotted names."""
    while any(_nested(field, whole) for field in table.schema):
        kept = table.schema.get_field_index(whole) if whole in table.schema.names else -1
        if kept < 0:
            table = table.flatten()
            continue
        labels = table.column(kept)
        table = table.remove_column(kept).flatten().append_column(whole, labels)
    return table


def _nested(field: Any, whole: str | None) -> bool:
    import pyarrow.types

    return bool(pyarrow.types.is_struct(field.type) and field.name != whole)


def _flat_batch(records: Any, whole: str | None) -> Any:
    import pyarrow

    if not any(_nested(field, whole) for field in records.schema):
        return records
    return _flat(pyarrow.Table.from_batches([records]), whole).combine_chunks().to_batches()[0]
