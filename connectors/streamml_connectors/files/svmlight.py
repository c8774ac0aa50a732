"""Multi-label svmlight: ``1,5 3:0.5 7:1.2``; features and labels go by their numbers."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import numpy as np

from streamml.errors import DataError
from streamml.types import DeadLetter, EventBatch
from streamml.types.values import BadValueError, is_missing, number
from streamml_connectors.files.columns import BadRow, Columns, Row
from streamml_connectors.files.packed import plain_name
from streamml_connectors.files.rows import assemble, plain_rows, row_text
from streamml_connectors.files.source import Caps, LineSource
from streamml_connectors.files.text import MAX_LINE, Block

__all__ = ["SvmlightSource"]

_SIZES: Final = re.compile(rb"\s*[0-9]+[ \t]+[0-9]+([ \t]+[0-9]+)?\s*")


class SvmlightSource(LineSource):
    r"""Reads multi-label svmlight (libsvm) files.

    A line lists labels, then ``index:value`` pairs; what it leaves out is zero. A line
    that begins with a pair or white space has no labels; ``?`` says they are not known.
    ``#`` begins a comment, ``qid:`` is passed over. Features and labels are named by their
    numbers as written, whether they begin at 0 or at 1. The extreme classification
    repository's files are the same behind a line with the numbers of events, features and
    labels, which is passed over.

    Parameters
    ----------
    path
        ``.svm``, ``.svmlight``, ``.libsvm``, ``.txt``, plain or packed.
    max_line
        Longest line in bytes; a longer one is a dead letter.

    Raises
    ------
    DataError
        The file cannot be read, or is no svmlight as its first line shows.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.NamedTemporaryFile("w", suffix=".svm") as f:
    ...     _ = f.write("1,5 3:0.5 7:1.25\n")
    ...     f.flush()
    ...     source = SvmlightSource(f.name)
    ...     event = next(source.next_batch(10).events())
    ...     source.close()
    >>> event.x, sorted(event.y)
    ({'3': 0.5, '7': 1.25}, ['1', '5'])
    """

    _comment = b"#"

    def __init__(
        self,
        path: Path | str,
        *,
        max_features: int | None = None,
        max_labels: int | None = None,
        max_line: int = MAX_LINE,
    ) -> None:
        super().__init__(path, max_line=max_line)
        self._columns = _Pairs()
        with self._closing_on_error():
            self._pass_header()
            self._start([], [], Caps(max_features, max_labels), absent_is_zero=True)

    def _pass_header(self) -> None:
        """Go past the numbers of events, features and labels, and look at the first row."""
        sizes = _SIZES.fullmatch(self._need_rows())
        if sizes is not None and sizes[1] is None:
            raise DataError(
                f"{self.path} begins with two numbers only, as where features and labels stand in "
                "files of their own: put the labels before the features, line by line."
            )
        if sizes is not None:
            self._reader.take(1)
        first = self._need_rows()
        try:
            self._columns.row(row_text(first))
        except BadValueError as bad:
            if plain_name(self.path).lower().endswith(".txt"):
                raise DataError(
                    f"{self.path} is no svmlight, which .txt is read as: write lines such as "
                    f"'1,5 3:0.5 7:1.2', or use the suffix of what it is. ({bad.detail})"
                ) from bad

    def _parse(self, block: Block) -> tuple[EventBatch, list[DeadLetter]]:
        parsed = plain_rows(block.data, self._comment)
        return assemble(parsed, self._columns, self.schema, block.data, block.line, self._rows)


class _Pairs(Columns):
    """How a line becomes a row."""

    _index = re.compile(r"[0-9]{1,18}")
    _label = re.compile(r"[+-]?[0-9]{1,18}(?:\.0*)?")

    def __init__(self) -> None:
        super().__init__((), np.zeros(0, np.uint8), np.zeros(0, np.int32), sparse=True)

    def value(self, attribute: int, text: str) -> tuple[str, float] | None:
        """Nothing is ever left open."""
        raise NotImplementedError

    def row(self, text: str) -> Row:
        """Read one line."""
        row = Row(sparse=True)
        fields = text.split("#", 1)[0].split()
        if fields and not text[0].isspace() and ":" not in fields[0]:
            self._labels(fields.pop(0), row)
        seen: set[str] = set()
        for field in fields:
            index, colon, value = field.partition(":")
            if index == "qid" and colon:
                continue
            if not colon or not self._index.fullmatch(index) or index in seen:
                raise BadRow("malformed", f"{field[:40]!r} is no new index:value pair.")
            seen.add(index)
            try:
                found = number(value, f"Feature {index}")
            except BadRow:
                if not value or not is_missing(value):
                    raise
                continue
            if found != 0.0:
                row.x[index] = found
        return row

    def _labels(self, text: str, row: Row) -> None:
        if is_missing(text):
            row.y_known = False
            return
        labels = text.removesuffix(",").split(",")
        for label in labels:
            if not self._label.fullmatch(label):
                raise BadRow("malformed", f"{label[:40]!r} is no label number.")
        plain = (label.partition(".")[0].lstrip("+") for label in labels)
        row.positive = list(dict.fromkeys(plain))
