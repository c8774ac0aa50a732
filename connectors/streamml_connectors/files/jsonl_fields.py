"""What the fields of flat JSON objects are, by the first of them, and how they are read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from streamml.types.label_lists import find_separator, is_multi_hot, labels_at, unsplit
from streamml.types.truth import is_signed, truth
from streamml.types.values import flat_features, is_missing, plain_number
from streamml_connectors.files.column_kinds import is_text_column, text_kind
from streamml_connectors.files.columns import BadRow, Columns, Row
from streamml_connectors.files.described import FEATURES, Column, Kind
from streamml_connectors.files.json_event import (
    decode_object,
    identify,
    objects_note,
    plain,
    read_event,
    take_labels,
    take_text,
)
from streamml_connectors.files.times import Times

__all__ = ["Fields", "Names", "described"]

_KEPT: Final = "kept, as there is no other feature"


@dataclass(frozen=True, slots=True)
class Names:
    """The fields that the user names, as :class:`JsonlSource` has them.

    ``unlabelled``: no field is a label, and what ``y`` says is not asked for.
    """

    labels: tuple[str, ...]
    label_list: str | None
    id: str
    timestamp: str
    text: str | None
    ignore: frozenset[str]
    unlabelled: bool = False

    def flat(self, found: Mapping[str, Any]) -> bool:
        """Whether an object is flat, and no event with ``x`` and ``y``."""
        if self.unlabelled:
            return not isinstance(found.get("x"), dict | str)
        return bool(self.labels) or self.label_list is not None

    @property
    def named(self) -> set[str]:
        """All fields that are told, by default the identifier's and the time's, too."""
        more = {self.label_list, self.text, self.id, "_id", self.timestamp} - {None}
        return {*self.labels, *self.ignore, *map(str, more)}

    def kind(self, field: str) -> tuple[Kind, str] | None:
        """What a field is by its name alone."""
        if field == self.label_list:
            return "labels", ""
        if field in self.labels:
            return "label", ""
        if field == self.text:
            return "text", ""
        if field in self.ignore:
            return "left out", "as told"
        if field in (self.id, "_id"):
            return "id", ""
        return ("timestamp", "") if field == self.timestamp else None


def described(objects: Sequence[Mapping[str, Any]], names: Names) -> list[Column]:
    """How each field of some flat objects is read; one within an object has a dotted name.

    Examples
    --------
    >>> names = Names((), "tags", "id", "timestamp", None, frozenset())
    >>> first = {"f": 0.5, "open": True, "emb": [1, 2], "from": {"city": "Rome"}, "tags": []}
    >>> [(c.name, c.kind) for c in described([first], names)]
    [('f', 'number'), ('open', 'boolean'), ('emb', 'numbers'), ('from.city', 'nominal'), \
('tags', 'labels')]
    """
    values: dict[str, list[Any]] = {}
    for one in objects:
        for field, value in _leaves(one, names):
            values.setdefault(field, []).append(value)
    found = [Column(field, *(names.kind(field) or _judged(held))) for field, held in values.items()]
    if any(column.kind in FEATURES or column.kind == "text" for column in found):
        return found
    return [
        Column(column.name, "nominal", _KEPT)
        if column.kind == "left out" and names.kind(column.name) is None
        else column
        for column in found
    ]


def _leaves(one: Mapping[str, Any], names: Names, prefix: str = "") -> Iterator[tuple[str, Any]]:
    for field, value in one.items():
        name = f"{prefix}{field}"
        if isinstance(value, dict) and names.kind(name) is None:
            yield from _leaves(value, names, f"{name}.")
        else:
            yield name, value


def _judged(values: Sequence[Any]) -> tuple[Kind, str]:
    """Kind and note of a field by its first values."""
    known = [value for value in values if not is_missing(value)]
    strings = [value for value in known if isinstance(value, str)]
    if any(isinstance(value, list) for value in known):
        held = [part for value in known if isinstance(value, list) for part in value]
        return ("nominal" if any(isinstance(part, str) for part in held) else "numbers"), ""
    if known and all(isinstance(value, bool) for value in known):
        return "boolean", ""
    texts = [value for value in strings if not _is_number(value)]
    if not strings or len(strings) < len(known) or not is_text_column(strings, texts):
        return "number", ""
    return text_kind(strings)


def _is_number(text: str) -> bool:
    try:
        return plain_number(text, "") is not None
    except BadRow:
        return True  # one that is too large


class Fields(Columns):
    """How an object becomes a row.

    Parameters
    ----------
    names
        The fields that are named.
    columns
        How each field is read.
    first
        The first objects.
    separator
        What stands between labels in a text; ``None``: what the first objects show.

    Attributes
    ----------
    are_rows_of_truth
        Whether lists of labels are rows of 0 and 1, one place a label.
    notes
        Sentences on what was found out.
    """

    def __init__(
        self,
        names: Names,
        columns: Sequence[Column],
        first: Sequence[Mapping[str, Any]],
        separator: str | None,
    ) -> None:
        super().__init__((), np.zeros(0, np.uint8), np.zeros(0, np.int32), sparse=False)
        self._fields = names
        self.times = Times(one.get(names.timestamp) for one in first)
        self._out = {*names.named, *(c.name for c in columns if c.kind not in FEATURES)}
        self._words = {c.name for c in columns if c.kind == "boolean"}
        self._nested = any("." in field for field in self._out | self._words)
        self.signed = is_signed(_at(one, label) for one in first for label in names.labels)
        lists = [_at(one, names.label_list or "y") for one in first]
        texts = [text for text in lists if isinstance(text, str)]
        self._separator = separator or find_separator(texts)
        self.later.watch_lists(texts, self._separator)
        self.are_rows_of_truth = _are_rows_of_truth(lists)
        self.notes = list(filter(None, [unsplit(_single(lists), self._separator)]))
        self.notes += objects_note(lists)
        if separator is None and self._separator != ";":
            self.notes.append(f"The labels of a list are separated by {self._separator!r}.")

    def value(self, attribute: int, text: str) -> tuple[str, float] | None:
        """Nothing is ever left open."""
        raise NotImplementedError

    def row(self, text: str) -> Row:
        """Read one line."""
        found, names = decode_object(text), self._fields
        row, flat = Row(), names.flat(found)
        identify(found, row, names.id, names.timestamp, self.times.read)
        if names.text is not None:
            row.text = take_text(found, names.text)
        if names.unlabelled:
            found = {**found, "y": None} if not flat else found
            row.y_known = False
        if flat:
            self._flat(found, row)
        else:
            read_event(found, row)
        return row

    def _flat(self, found: Mapping[str, Any], row: Row) -> None:
        names = self._fields
        row.x = flat_features(self._kept(found))
        if names.label_list is not None:
            listed = _at(found, names.label_list)
            what = f"Its {names.label_list!r}"
            if names.labels and isinstance(listed, list):
                row.positive = labels_at(listed, names.labels, what)
            else:
                if isinstance(listed, str):
                    self.later.saw_list(listed)
                take_labels(listed, what, row, self._separator)
            return
        for name in names.labels:
            said = truth(_at(found, name), f"Label {name!r}", signed=self.signed)
            if said is None:
                row.unknown.append(name)
            elif said:
                row.positive.append(name)

    def _kept(self, found: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
        """The fields that make features; of two words such as yes and no, what they say."""
        kept = {}
        for field, value in found.items():
            name = prefix + field if prefix else field
            if name in self._out:
                continue
            if type(value) in {dict, list}:
                value = plain(value)
            if self._words and isinstance(value, str) and name in self._words:
                value = _said(value)
            elif self._nested and isinstance(value, dict):
                value = self._kept(value, f"{name}.")
            kept[field] = value
        return kept


def _at(found: Mapping[str, Any], field: str) -> Any:
    """What a field holds, within an object where its name is dotted; ``None``: there is none."""
    if field in found or "." not in field:
        return found.get(field)
    outer, _, inner = field.partition(".")
    return _at(found[outer], inner) if isinstance(found.get(outer), dict) else None


def _said(text: str) -> bool | str | None:
    try:
        return truth(text, "")
    except BadRow:
        return text


def _single(lists: Sequence[Any]) -> list[str]:
    """Lists of labels that are a text, or one text in brackets; none where others hold more."""
    if any(isinstance(value, list) and len(value) > 1 for value in lists):
        return []
    texts = [value[0] if isinstance(value, list) and value else value for value in lists]
    return [text for text in texts if isinstance(text, str)]


def _are_rows_of_truth(lists: Sequence[Any]) -> bool:
    known = [value for value in lists if isinstance(value, list)]
    parts = [part for value in known for part in value]
    numbers = all(type(part) in {bool, int, float} and part in (0, 1) for part in parts)
    if not numbers or len({len(value) for value in known}) != 1:
        return False
    return any(map(is_multi_hot, known)) or ([0, 1] in known and [1, 0] in known)
