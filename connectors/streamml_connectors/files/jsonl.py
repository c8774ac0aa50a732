"""JSON Lines: the JSON event of this project, or flat objects."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from streamml.errors import DataError, SchemaError
from streamml.types import DeadLetter, EventBatch
from streamml_connectors.files.column_kinds import FIRST_ROWS
from streamml_connectors.files.columns import BadRow
from streamml_connectors.files.described import Column, Kind
from streamml_connectors.files.json_event import decode_object, plain
from streamml_connectors.files.jsonl_fields import Fields, Names, described
from streamml_connectors.files.learned import as_learned
from streamml_connectors.files.rows import assemble, plain_rows, row_text
from streamml_connectors.files.source import Caps, LineSource, check_label_options, check_names
from streamml_connectors.files.text import MAX_LINE, Block

__all__ = ["JsonlSource"]

_FIRST_BYTES: Final = 1024 * 1024  # in which the first objects are looked at


class JsonlSource(LineSource):
    r"""Reads JSON Lines, one object a line.

    By itself it reads events ``{"id": ..., "timestamp": ..., "x": {...}, "y": ...}`` with
    ``y`` a list of labels, a mapping label -> truth, ``null``, or
    ``{"positive": [...], "negative": [...]}`` where labels are known in part. With ``labels`` or
    ``label_list`` objects are flat: all other fields are features.

    A number is the feature ``field``, a text ``field=text`` of value 1 (or the number that it
    is by its looks), a list of numbers ``field.0``, ``field.1``, ..., and an object has dotted
    names (``field.inner``). What is missing (``null``, ``NaN``, ``"N/A"``, ...) is absent. In flat
    objects a text field is left out that is an identifier, a time or a free text by the first
    1,000 objects. MongoDB's extended JSON is understood.

    Parameters
    ----------
    path
        ``.jsonl``, ``.ndjson``, ``.json`` (an object a line there, too), plain or packed.
    labels
        Names of the label fields of flat objects (0 or 1, or words such as true and false);
        ``outer.inner`` is a field within an object, here and for ``label_list``.
    label_list
        Instead: the field that lists the labels, as an array, as a mapping label -> truth or as
        text. Both: the field is a row of 0 and 1, whose places ``labels`` names.
    separator
        What stands between the labels in such text; by default what the first objects show.
    id, timestamp
        Fields with the identifier (else MongoDB's ``_id``) and with the time, in seconds since
        1970 or smaller units, or as ISO 8601; the number of the row, from 0, where there is none.
        An event without a time among others takes that of the event before it.
    text
        Field with the text for an embedding stage, beside ``x``, in it, or ``x`` itself
        (``"x"``); other numeric features stay.
    ignore
        Fields of flat objects to leave out.
    learned
        Features that a learner knows: a field that makes some is read so that it does.
    max_line
        Longest line in bytes; a longer one is a dead letter.

    Raises
    ------
    ConfigError, DataError, SchemaError
        Options do not fit, the file cannot be read or is no JSON Lines, a named field is not
        there.

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
        separator: str | None = None,
        id: str = "id",  # noqa: A002  # the field's name
        timestamp: str = "timestamp",
        text: str | None = None,
        ignore: Sequence[str] = (),
        learned: Collection[str] = (),
        max_features: int | None = None,
        max_labels: int | None = None,
        max_line: int = MAX_LINE,
    ) -> None:
        super().__init__(path, max_line=max_line)
        none = labels is not None and not labels and label_list is None
        names = Names(tuple(labels or ()), label_list, id, timestamp, text, frozenset(ignore), none)
        with self._closing_on_error():
            self._need_rows()
            block = self._reader.peek_rows(FIRST_ROWS, _FIRST_BYTES)
            objects = list(_objects(block, self.path))
            flat = [one for one in objects if names.flat(one)]
            columns = described(flat, names) if flat else _named(objects[:1], id, timestamp)
            columns = as_learned(columns, [()] * len(columns), learned)
            self._columns = Fields(names, columns, objects, separator)
            if not names.unlabelled:
                self._check(names, objects, columns, separator)
            self._start(
                [], names.labels, Caps(max_features, max_labels), columns,
                takes_text=text is not None,
            )  # fmt: skip
        self._notes += self._columns.notes
        self._times = self._columns.times

    def _check(
        self,
        names: Names,
        objects: Sequence[Mapping[str, Any]],
        columns: Sequence[Column],
        separator: str | None,
    ) -> None:
        """Raise where the first objects show that the options do not fit the file."""
        by_place = bool(names.labels) and self._columns.are_rows_of_truth
        check_label_options(None if by_place else names.labels, names.label_list, separator)
        wanted = [*(() if by_place else names.labels), *filter(None, [names.label_list])]
        there = {field: None for one in objects for field in [*one, *(c.name for c in columns)]}
        if objects and wanted:
            check_names([*wanted, *filter(None, [names.text])], list(there), self.path, "field")
        elif objects and "x" not in there and names.text not in there:
            raise SchemaError(
                f'{self.path} holds no events with "x" and "y": name its label fields, '
                "or the field that lists the labels."
            )
        if self._columns.are_rows_of_truth and not by_place:
            field = names.label_list or "y"
            raise SchemaError(
                f"The labels of {self.path} are rows of 0 and 1 ({field!r}): name them in order "
                f"(--label-list {field} --labels a,b,...), or list those that are true."
            )

    def _seen(self) -> list[str]:
        return self._columns.later.notes()

    def _parse(self, block: Block) -> tuple[EventBatch, list[DeadLetter]]:
        parsed = plain_rows(block.data)
        return assemble(parsed, self._columns, self.schema, block.data, block.line, self._rows)


def _objects(block: Block | None, path: Path) -> Iterator[Mapping[str, Any]]:
    """The first objects; lines that hold none become dead letters later.

    Raises
    ------
    DataError
        It is JSON, but not an object a line.
    """
    lines = block.data.split(b"\n") if block is not None else []
    lines = [line for line in lines if line.strip()]
    if lines and lines[0].lstrip().startswith(b"["):
        after = b"".join([lines[0].lstrip()[1:], *lines[1:2]]).lstrip()
        if after.startswith((b"{", b"]")):
            raise DataError(
                f"{path} is a JSON array: write one object a line (jq -c '.[]' {path.name})."
            )
    for k, line in enumerate(lines):
        try:
            found = decode_object(row_text(line))
        except BadRow:
            if k == 0 and _goes_on(b"\n".join(lines)):
                raise DataError(
                    f"{path} holds objects over several lines: write one object a line "
                    f"(jq -c . {path.name})."
                ) from None
            continue
        yield plain(found)


def _named(first: Sequence[Mapping[str, Any]], id_field: str, time_field: str) -> list[Column]:
    """Which of the two the first event has; the others are expected to have them, too."""
    kinds: dict[str, Kind] = {id_field: "id", time_field: "timestamp"}
    return [Column(name, kinds[name]) for one in first for name in one if name in kinds]


def _goes_on(text: bytes) -> bool:
    """Whether the first object ends on a later line."""
    try:
        found, _ = json.JSONDecoder().raw_decode(text.decode(errors="replace").lstrip())
    except (ValueError, RecursionError):
        return False
    return isinstance(found, dict)
