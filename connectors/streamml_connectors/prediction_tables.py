"""Predictions as tables, for spreadsheets and data frames: CSV, and Parquet."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import repeat
from pathlib import Path
from typing import Any, Final

import msgspec

from streamml.types import EventBatch, Predictions
from streamml_connectors.output import OutputFile, open_output, told
from streamml_connectors.predictions import Truth, answers, true_labels

__all__ = ["CsvPredictionSink", "ParquetPredictionSink"]

_COLUMNS: Final = ("id", "labels", "scores", "true_labels")
_GROUP: Final = 8192  # rows of a row group of Parquet, which is held in memory
_SEPARATOR: Final = ";"
_SPECIAL: Final = re.compile('[",\r\n]')
_MISSING: Final = frozenset({"?", "na", "n/a", "nan", "null", "none"})


class CsvPredictionSink(OutputFile):
    r"""Writes one row an event under a header: ``id,labels,scores``.

    Labels stand as ``sun;warm``, which the reader of CSV takes as a list of labels. Where a
    name itself holds ``;``, is empty or looks like a missing value, the list is JSON:
    ``["a;b"]``. Scores are a JSON object.

    Parameters
    ----------
    path
        File to write; an old one is replaced. ``-`` is standard output.
    append
        Whether to write behind what is there instead (a resumed run).
    truth
        Whether to write a column ``true_labels`` too; ``?`` while they are not known.

    Raises
    ------
    DataError
        The file cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> from streamml.types import Event, Schema
    >>> batch = EventBatch.from_events([Event(7, 0.0, {"f": 1.0}, None)], Schema(labels=["sun"]))
    >>> one = np.array([0, 1], np.int64), np.zeros(1, np.int32)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     sink = CsvPredictionSink(Path(folder) / "out.csv", truth=True)
    ...     sink.write(batch, Predictions(*one))
    ...     sink.close()
    ...     sink.path.read_text()
    'id,labels,scores,true_labels\n7,sun,{},?\n'
    """

    def __init__(self, path: Path | str, *, append: bool = False, truth: bool = False) -> None:
        super().__init__(path, append=append)
        self._columns = _COLUMNS if truth else _COLUMNS[:-1]

    def write(self, batch: EventBatch, predictions: Predictions) -> None:
        """Write one row an event; the header before the first one of the file."""
        rows: list[tuple[str, ...]] = [self._columns] if self.fresh else []
        known = true_labels(batch) if "true_labels" in self._columns else repeat(None)
        for answer, truth in zip(answers(batch, predictions), known, strict=False):
            row = (str(answer.id), _listed(answer.labels), _json(answer.scores), _known(truth))
            rows.append(row[: len(self._columns)])
        text = "".join(",".join(map(_quoted, row)) + "\n" for row in rows)
        self.append(text.encode(errors="backslashreplace"))


def _quoted(cell: str) -> str:
    """A cell as RFC 4180 has it; :mod:`csv` forgets a lone carriage return."""
    return '"' + cell.replace('"', '""') + '"' if _SPECIAL.search(cell) else cell


def _listed(names: Sequence[str]) -> str:
    """Names in one cell, so that the same names are read from it."""
    odd = any(_SEPARATOR in name or name != name.strip() or name[:1] in ("", "[", "{", '"')
              for name in names)  # fmt: skip
    if odd or (len(names) == 1 and names[0].casefold() in _MISSING):
        return _json(names)
    return _SEPARATOR.join(names)


def _known(truth: Truth) -> str:
    if truth is None:
        return "?"
    return _listed(truth) if isinstance(truth, list) else _json(truth)


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()


class ParquetPredictionSink:
    """Writes one row an event: ``id`` (text), ``labels`` (list), ``scores`` (map).

    A file of Parquet is whole only once it is closed: it cannot be gone on with, and a run that
    is stored writes JSON Lines or CSV.

    Parameters
    ----------
    path
        File to write; an old one is replaced.
    truth
        Whether to write ``true_labels`` too, null while they are not known, and
        ``true_negatives``, null unless labels are known in part.

    Raises
    ------
    DataError
        The file cannot be written.

    Examples
    --------
    >>> import tempfile, pyarrow.parquet
    >>> import numpy as np
    >>> from streamml.types import Event, Schema
    >>> batch = EventBatch.from_events([Event(7, 0.0, {"f": 1.0}, None)], Schema(labels=["sun"]))
    >>> one = np.array([0, 1], np.int64), np.zeros(1, np.int32)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     sink = ParquetPredictionSink(Path(folder) / "out.parquet")
    ...     sink.write(batch, Predictions(*one))
    ...     sink.close()
    ...     pyarrow.parquet.read_table(sink.path).to_pylist()
    [{'id': '7', 'labels': ['sun'], 'scores': []}]
    """

    def __init__(self, path: Path | str, *, truth: bool = False) -> None:
        self.path = Path(path)
        self._file = open_output(self.path, append=False)
        import pyarrow
        import pyarrow.parquet

        names = pyarrow.list_(pyarrow.string())
        kinds = {"id": pyarrow.string(), "labels": names,
                 "scores": pyarrow.map_(pyarrow.string(), pyarrow.float32())}  # fmt: skip
        if truth:
            kinds |= {"true_labels": names, "true_negatives": names}
        self._kinds: Any = pyarrow.schema(kinds)
        self._truth = truth
        self._rows: list[dict[str, Any]] = []
        self._writer: Any = pyarrow.parquet.ParquetWriter(self._file, self._kinds)

    def write(self, batch: EventBatch, predictions: Predictions) -> None:
        """Write one row an event."""
        rows: list[dict[str, Any]] = [
            {"id": str(answer.id), "labels": answer.labels, "scores": list(answer.scores.items())}
            for answer in answers(batch, predictions)
        ]
        if self._truth:
            for row, known in zip(rows, true_labels(batch), strict=True):
                row["true_labels"] = known["positive"] if isinstance(known, dict) else known
                row["true_negatives"] = known["negative"] if isinstance(known, dict) else None
        self._rows += rows
        if len(self._rows) >= _GROUP:
            self._write_group()

    def _write_group(self) -> None:
        import pyarrow

        table = pyarrow.Table.from_pylist(self._rows, self._kinds)
        self._rows = []
        with told(self.path):
            self._writer.write_table(table)

    def close(self) -> None:
        """Write what is left and what makes the file whole; safe to call twice."""
        if self._writer is not None:
            if self._rows:
                self._write_group()
            writer, self._writer = self._writer, None
            with told(self.path), self._file:
                writer.close()
