"""JSON Lines: the JSON event of this project, or flat objects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from streamml.errors import SchemaError
from streamml.types import DeadLetter, EventBatch
from streamml_connectors.files.columns import BadRow, Columns, Row
from streamml_connectors.files.described import Column, Kind
from streamml_connectors.files.fields import label_set
from streamml_connectors.files.json_event import (
    decode_object,
    feature,
    identify,
    label_names,
    read_event,
    take_text,
)
from streamml_connectors.files.rows import assemble, plain_rows, row_text
from streamml_connectors.files.source import Caps, LineSource, check_label_options, check_names
from streamml_connectors.files.text import MAX_LINE, Block

__all__ = ["JsonlSource"]


class JsonlSource(LineSource):
    r"""Reads JSON Lines, one object a line.

    By itself it reads events ``{"id": ..., "timestamp": ..., "x": {...}, "y": ...}`` with
    ``y`` a list of labels, ``null``, or ``{"positive": [...], "negative": [...]}`` where
    labels are known in part. With ``labels`` or ``label_list`` objects are flat: all other
    fields are features; a string makes the feature ``field=string`` of value 1. ``null`` is absent.

    Parameters
    ----------
    path
        ``.jsonl``, ``.ndjson``, plain or packed.
    labels
        Names of the label fields of flat objects (0 or 1, true or false).
    label_list
        Instead: the field that lists the labels, as an array or as text.
    separator
        What stands between the labels in such text.
    id, timestamp
        Fields with the identifier and with seconds (or an ISO 8601 time); the number of
        the row, from 0, where there is none.
    text
        Field with the text for an embedding stage, beside ``x``, in it, or ``x`` itself
        (``"x"``); other numeric features stay.
    ignore
        Fields of flat objects to leave out.
    max_line
        Longest line in bytes; a longer one is a dead letter.

    Raises
    ------
    ConfigError, DataError, SchemaError
        Options do not fit, the file cannot be read, a named field is not there.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.NamedTemporaryFile("w", suffix=".jsonl") as f:
    ...     _ = f.write('{"id": "e1", "x": {"t": 0.5}, "y": ["sun"]}\n')
    ...     f.flush()
    ...     source = JsonlSource(f.name)
    ...     batch = source.next_batch(10)
    ...     source.close()
    >>> next(batch.events())
    Event(id='e1', timestamp=0.0, x={'t': 0.5}, y=frozenset({'sun'}))
    """

    def __init__(
        self,
        path: Path | str,
        *,
        labels: Sequence[str] | None = None,
        label_list: str | None = None,
        separator: str = ";",
        id: str = "id",  # noqa: A002  # the field's name
        timestamp: str = "timestamp",
        text: str | None = None,
        ignore: Sequence[str] = (),
        max_features: int | None = None,
        max_labels: int | None = None,
        max_line: int = MAX_LINE,
    ) -> None:
        super().__init__(path, max_line=max_line)
        unlabelled = labels is not None and not labels and label_list is None
        labels = labels or ()
        with self._closing_on_error():
            check_label_options(labels, label_list, separator)
            self._columns = _Fields(
                None if unlabelled else labels,
                label_list,
                separator,
                id,
                timestamp,
                text,
                set(ignore),
            )
            wanted = [*labels, *([label_list] if label_list else [])]
            first = self._need_rows()
            if not unlabelled:
                self._check_first(first, wanted, text)
            self._start(
                [], labels, Caps(max_features, max_labels),
                _named(first, id, timestamp) + [Column(n, "left out", "as told") for n in ignore],
                takes_text=text is not None,
            )  # fmt: skip

    def _check_first(self, first: bytes, wanted: Sequence[str], text: str | None) -> None:
        """Raise where the first object shows that the options do not fit the file."""
        try:
            found = decode_object(row_text(first))
        except BadRow:
            return  # it becomes a dead letter
        if wanted:
            check_names([*wanted, *filter(None, [text])], list(found), self.path, "field")
        elif "x" not in found and (text is None or text not in found):
            raise SchemaError(
                f'{self.path} holds no events with "x" and "y": name its label fields, '
                "or the field that lists the labels."
            )

    def _parse(self, block: Block) -> tuple[EventBatch, list[DeadLetter]]:
        parsed = plain_rows(block.data)
        return assemble(parsed, self._columns, self.schema, block.data, block.line, self._rows)


def _named(first: bytes, id_field: str, time_field: str) -> list[Column]:
    """Which of the two the first object has; the others are expected to have them, too."""
    try:
        found = decode_object(row_text(first))
    except BadRow:
        return []
    kinds: list[tuple[str, Kind]] = [(id_field, "id"), (time_field, "timestamp")]
    return [Column(name, kind) for name, kind in kinds if name in found]


class _Fields(Columns):
    """How an object becomes a row."""

    def __init__(
        self,
        labels: Sequence[str] | None,
        label_list: str | None,
        separator: str,
        id_field: str,
        time_field: str,
        text_field: str | None,
        ignore: set[str],
    ) -> None:
        super().__init__((), np.zeros(0, np.uint8), np.zeros(0, np.int32), sparse=False)
        self._labels, self._label_list, self._separator = tuple(labels or ()), label_list, separator
        self._id, self._time, self._text = id_field, time_field, text_field
        self._unlabelled = labels is None
        self._out = {*self._labels, *ignore, id_field, time_field, label_list, text_field}

    def value(self, attribute: int, text: str) -> tuple[str, float] | None:
        """Nothing is ever left open."""
        raise NotImplementedError

    def row(self, text: str) -> Row:
        """Read one line."""
        found = decode_object(text)
        row = Row()
        identify(found, row, self._id, self._time)
        flat = bool(self._labels) or self._label_list is not None
        if self._unlabelled:
            flat, row.y_known = not isinstance(found.get("x"), dict | str), False
        if self._text is not None:
            row.text = take_text(found, self._text)
        if flat:
            self._flat(found, row)
        elif self._unlabelled:
            read_event({**found, "y": None}, row)
        else:
            read_event(found, row)
        return row

    def _flat(self, found: Mapping[str, Any], row: Row) -> None:
        for name, value in found.items():
            if value is None or name in self._out:
                continue
            if isinstance(value, str):
                row.x[f"{name}={value}"] = 1.0
            else:
                row.x[name] = feature(name, value)
        for name in self._labels:
            value = found.get(name)
            if value is None:
                row.unknown.append(name)
            elif value not in (0, 1):
                raise BadRow("unknown_value", f"Label {name!r} must be 0 or 1.")
            elif value == 1:
                row.positive.append(name)
        if self._label_list is not None:
            listed = found.get(self._label_list)
            if isinstance(listed, str):
                listed = label_set(listed, self._separator)
            row.y_known = listed is not None
            row.positive = label_names(listed or [], self._label_list)
