"""Multi-label svmlight: ``1,5 3:0.5 7:1.2``; features and labels go by their numbers."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from streamml.types import DeadLetter, EventBatch
from streamml_connectors.files.columns import BadRow, Columns, Row, number
from streamml_connectors.files.rows import assemble, plain_rows
from streamml_connectors.files.source import Caps, LineSource
from streamml_connectors.files.text import MAX_LINE, Block

__all__ = ["SvmlightSource"]


class SvmlightSource(LineSource):
    r"""Reads multi-label svmlight (libsvm) files.

    A line lists labels, then ``index:value`` pairs; what it leaves out is zero. A line
    that begins with a pair or white space has no labels; ``?`` says they are not known.
    ``#`` begins a comment. Features and labels are named by their numbers as written.

    Parameters
    ----------
    path
        ``.svm``, ``.svmlight``, ``.libsvm``, plain or packed.
    max_line
        Longest line in bytes; a longer one is a dead letter.

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
        with self._closing_on_error():
            self._need_rows()
            self._start([], [], Caps(max_features, max_labels), absent_is_zero=True)
        self._columns = _Pairs()

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
            found = number(value, f"Feature {index}")
            if found != 0.0:
                row.x[index] = found
        return row

    def _labels(self, text: str, row: Row) -> None:
        if text == "?":
            row.y_known = False
            return
        for label in text.split(","):
            if not self._label.fullmatch(label):
                raise BadRow("malformed", f"{label[:40]!r} is no label number.")
        plain = (label.partition(".")[0].lstrip("+") for label in text.split(","))
        row.positive = list(dict.fromkeys(plain))
