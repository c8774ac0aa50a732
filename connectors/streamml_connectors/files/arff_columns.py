"""What the attributes of an ARFF file become, and the plain-Python way to read its rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

import numpy as np

from streamml.errors import SchemaError
from streamml.types.truth import is_signed, truth, two_values
from streamml.types.values import BadValueError, is_missing
from streamml_connectors.files.arff_header import Attribute, Header
from streamml_connectors.files.arff_rows import read_fields
from streamml_connectors.files.columns import BadRow, Columns, Row, binary, number
from streamml_connectors.files.described import Column, Kind
from streamml_connectors.files.fields import event_id
from streamml_connectors.files.kernels import (
    BINARY,
    LABEL,
    NUMBER,
    SIDE,
    SKIP,
    TEXT,
    WORD,
    WORD_LABEL,
)
from streamml_connectors.files.parsing import Words
from streamml_connectors.files.times import Times

__all__ = ["ArffColumns"]

_ZERO_ONE: Final = ({"0"}, {"1"}, {"0", "1"})


class ArffColumns(Columns):
    """Attributes of an ARFF file as columns.

    Parameters
    ----------
    header
        The attributes.
    labels
        Names of those that are labels.
    path
        For messages.
    told
        What the user says of other attributes, by name.

    Attributes
    ----------
    words
        Of attributes with two words the false one and the true one, for the kernels.
    plain
        Whether all rows are for plain Python: a label is unknown where a row leaves it out.
    notes
        Sentences on what was taken for something by convention.
    weighted
        Whether a row had a weight, which was passed over.
    """

    def __init__(
        self, header: Header, labels: set[str], path: Path, told: Mapping[str, Kind] | None = None
    ) -> None:
        n = len(header.attributes)
        super().__init__(
            header.names, np.zeros(n, np.uint8), np.full(n, -1, np.int32), sparse=False
        )
        self._told = told or {}
        self._made: dict[int, dict[str, tuple[str, float]]] = {}  # nominal value -> feature
        self._said: dict[int, dict[str, bool]] = {}  # of attributes of two words
        self._defaults: list[tuple[int, str, bool]] = []  # what a sparse row leaves out
        self.feature_names: list[str] = []
        self.label_names: list[str] = []
        self.described: list[Column] = []
        self._by_convention: dict[tuple[str, ...], list[str]] = {}  # two words -> labels
        self.plain = self.weighted = False
        kind: Kind
        for j, attribute in enumerate(header.attributes):
            if attribute.name in labels:
                kind, note = "label", self._add_label(j, attribute, path)
            elif attribute.name in self._told:
                kind = self._told[attribute.name]
                self.role[j], note = (SKIP, "as told") if kind == "left out" else (SIDE, "")
            elif attribute.is_text:
                self.role[j] = SKIP
                kind, note = "left out", "neither a number nor nominal"
            else:
                kind, note = self._add_feature(j, attribute), ""
            self.described.append(Column(attribute.name, kind, note))
            if attribute.first_is_missing:
                self.plain |= self.is_label(j)
                self._defaults.append((j, "?", False))
            elif attribute.values and self._is_set(j, attribute.values[0]):
                self._defaults.append((j, attribute.values[0], True))
        self.default = np.array([j for j, _, is_value in self._defaults if is_value], np.int64)
        self.notes = [_note(words, *names) for words, names in self._by_convention.items()]
        self.words = Words.of([_false_and_true(self._said.get(j)) for j in range(n)])

    def _add_label(self, j: int, attribute: Attribute, path: Path) -> str:
        name, values = attribute.name, attribute.values
        if attribute.is_text or (values is not None and not 1 <= len(values) <= 2):
            raise SchemaError(
                f"The label {name!r} of {path} is not binary: declare it {{0,1}}, "
                "or name other labels."
            )
        self.role[j], note = LABEL, None
        if values is not None and set(values) not in _ZERO_ONE:
            self.role[j] = WORD_LABEL
            self._said[j], note = two_values(values, f"the label {name!r}")
            if note:
                self._by_convention.setdefault(values, []).append(name)
        self.column[j] = len(self.label_names)
        self.label_names.append(name)
        return note or ""

    def _add_feature(self, j: int, attribute: Attribute) -> Kind:
        name, values = attribute.name, attribute.values
        self.column[j] = len(self.feature_names)
        if values is None or set(values) in _ZERO_ONE:
            self.role[j] = NUMBER if values is None else BINARY
            self.feature_names.append(name)
            return "number" if values is None else "boolean"
        if len(values) == 2:
            self.role[j] = WORD
            self._said[j], _ = two_values(values, name)
            self.feature_names.append(name)
            return "boolean"
        self.role[j] = TEXT
        self._made[j] = {value: (f"{name}={value}", 1.0) for value in values}
        self.feature_names += [made for made, _ in self._made[j].values()]
        return "nominal"

    def _is_set(self, j: int, value: str) -> bool:
        """Whether a value makes a feature or label that is not zero."""
        if self.role[j] == TEXT:
            return True
        if j in self._said:
            return self._said[j][value]
        return value == "1" and self.role[j] in (LABEL, BINARY)

    def look_at_signs(self, rows: Iterable[str]) -> None:
        """Find out by some rows whether -1 is the false of numeric labels."""
        labels, said = np.flatnonzero(self.role == LABEL).tolist(), {"1"}
        for there in self._texts(rows):
            said |= {there.get(j, "0") for j in labels}
        self.signed = is_signed(said)

    def look_at_times(self, rows: Iterable[str], name: str) -> None:
        """Find out by some rows how the times of an attribute are written."""
        j = self.names.index(name)
        self.times = Times([there[j] for there in self._texts(rows) if j in there])

    def _texts(self, rows: Iterable[str]) -> Iterator[dict[int, str]]:
        for row in rows:
            with suppress(BadRow):
                fields = read_fields(row, len(self.names))
                yield {j: text for j, text, _ in fields.found}

    def value(self, attribute: int, text: str) -> tuple[str, float] | None:
        """Feature name and number of a field; what the header declares is never missing."""
        name, role = self.names[attribute], self.role[attribute]
        if role == WORD:
            said = self._word(attribute, text)
            return None if said is None else (name, float(said))
        if role == TEXT and text in self._made[attribute]:
            return self._made[attribute][text]
        text, what = text.strip(), f"Attribute {name!r}"  # of blanks that WEKA takes for letters
        if is_missing(text):
            return None
        if role == TEXT and text in self._made[attribute]:
            return self._made[attribute][text]
        if role == NUMBER:
            return name, number(text, what)
        if role == BINARY:
            return name, float(binary(text, what))
        raise BadRow("unknown_value", f"{what} has no value {text[:40]!r}.")

    def _word(self, attribute: int, text: str) -> bool | None:
        """What one of two words says; in other letters, too, where both say it themselves."""
        said = self._said[attribute]
        if text in said or text.strip() in said:
            return said[text if text in said else text.strip()]
        try:
            found = truth(text, "", signed="-1" in said)
            if found is None or all(truth(word, "", signed=True) is said[word] for word in said):
                return found
        except BadValueError:
            pass
        name = self.names[attribute]
        what = "Label" if self.role[attribute] == WORD_LABEL else "Attribute"
        raise BadRow("unknown_value", f"{what} {name!r} has no value {text[:40]!r}.")

    def side(self, attribute: int, text: str, row: Row) -> None:
        """The text for the embedding stage, the identifier, the time."""
        kind = self._told[self.names[attribute]]
        if kind == "text":
            row.text = text
        elif kind == "id":
            row.id = event_id(text)
        else:
            row.timestamp = self.times.read(text)

    def is_label(self, attribute: int) -> bool:
        """Whether a field is a label column."""
        return self.role[attribute] in (LABEL, WORD_LABEL)

    def said(self, attribute: int, text: str) -> bool | None:
        """What a label field says; of two nominal values the words say which is true."""
        if self.role[attribute] == WORD_LABEL:
            return self._word(attribute, text)
        return super().said(attribute, text)

    def row(self, text: str) -> Row:
        """Read a row the slow way."""
        fields = read_fields(text, len(self.names))
        if fields.sparse:
            seen = {j for j, _, _ in fields.found}
            fields.found += [left_out for left_out in self._defaults if left_out[0] not in seen]
        row = self.fill(fields.found)
        if fields.sparse:
            row.x = {name: value for name, value in row.x.items() if value != 0.0}
            row.sparse = True
        self.weighted |= fields.weighted
        return row


def _note(words: tuple[str, ...], name: str, *others: str) -> str:
    """What is taken for true in labels that are declared alike."""
    more = f" and {len(others)} others declared alike" if others else ""
    return two_values(words, f"the label {name!r}{more}")[1] or ""


def _false_and_true(said: dict[str, bool] | None) -> tuple[str, str] | None:
    """The two words in this order; nothing where one is missing."""
    if said is None:
        return None
    words = {is_true: word for word, is_true in said.items()}
    return words.get(False, ""), words.get(True, "")
