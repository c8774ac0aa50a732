"""What the attributes of an ARFF file become, and the plain-Python way to read its rows."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from streamml.errors import SchemaError
from streamml_connectors.files.arff_header import Attribute, Header, unescape
from streamml_connectors.files.columns import BadRow, Columns, Row, binary, number
from streamml_connectors.files.described import Column, Kind
from streamml_connectors.files.kernels import BINARY, LABEL, NUMBER, SIDE, SKIP, SLOW_FIELD, TEXT

__all__ = ["ArffColumns"]

_FIELD = r"""(?:'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)"|([^\s,'"{}%]+))"""
_DENSE = re.compile(rf"\s*{_FIELD}(\s*)", re.ASCII)
_SPARSE = re.compile(rf"\s*(\d+)\s+{_FIELD}\s*", re.ASCII)
_END = re.compile(r"\s*(?:%.*)?", re.ASCII)
_ZERO_ONE = ({"0"}, {"1"}, {"0", "1"})


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
    text
        The string attribute that an embedding stage takes.
    """

    def __init__(
        self, header: Header, labels: set[str], path: Path, text: str | None = None
    ) -> None:
        n = len(header.attributes)
        super().__init__(
            header.names, np.zeros(n, np.uint8), np.full(n, -1, np.int32), sparse=False
        )
        self._attributes = header.attributes
        self._made: dict[int, dict[str, tuple[str, float]]] = {}  # nominal value -> feature
        self._defaults: list[tuple[int, str]] = []  # attribute, value that is left out
        self.feature_names: list[str] = []
        self.label_names: list[str] = []
        self.described: list[Column] = []
        kind: Kind
        for j, attribute in enumerate(header.attributes):
            if attribute.name in labels:
                self._add_label(j, attribute, path)
                kind, note = "label", ""
            elif attribute.is_text and attribute.name == text:
                self.role[j] = SIDE
                kind, note = "text", ""
            elif attribute.is_text:
                self.role[j] = SKIP
                kind, note = "left out", "neither a number nor nominal"
            else:
                kind, note = self._add_feature(j, attribute), ""
            self.described.append(Column(attribute.name, kind, note))
            if attribute.values and self._is_set(j, attribute.values[0]):
                self._defaults.append((j, attribute.values[0]))
        self.default = np.array([j for j, _ in self._defaults], np.int64)

    def _add_label(self, j: int, attribute: Attribute, path: Path) -> None:
        values = attribute.values
        if attribute.is_text or (values is not None and not _is_binary(values)):
            raise SchemaError(
                f"The label {attribute.name!r} of {path} is not binary: declare it {{0,1}}, "
                "or name other labels."
            )
        plain = values is None or set(values) in _ZERO_ONE
        self.role[j] = LABEL if plain else SLOW_FIELD
        self.column[j] = len(self.label_names)
        self.label_names.append(attribute.name)

    def _add_feature(self, j: int, attribute: Attribute) -> Kind:
        name, values = attribute.name, attribute.values
        self.column[j] = len(self.feature_names)
        if values is None or set(values) in _ZERO_ONE:
            self.role[j] = NUMBER if values is None else BINARY
            self.feature_names.append(name)
            return "number" if values is None else "boolean"
        self.role[j] = TEXT
        if len(values) == 2:
            self._made[j] = {values[0]: (name, 0.0), values[1]: (name, 1.0)}
            self.feature_names.append(name)
            return "boolean"
        self._made[j] = {value: (f"{name}={value}", 1.0) for value in values}
        self.feature_names += [made for made, _ in self._made[j].values()]
        return "nominal"

    def _is_set(self, j: int, value: str) -> bool:
        """Whether a value makes a feature or label that is not zero."""
        if self.role[j] == TEXT:
            return self._made[j][value][1] != 0.0
        return self.role[j] in (LABEL, BINARY) and value == "1"

    def value(self, attribute: int, text: str) -> tuple[str, float] | None:
        """Feature name and number of a field."""
        name, role = self.names[attribute], self.role[attribute]
        what = f"Attribute {name!r}"
        if role == NUMBER:
            return name, number(text, what)
        if role == BINARY:
            return name, float(binary(text, what))
        found = self._made[attribute].get(text)
        if found is None:
            raise BadRow("unknown_value", f"{what} has no value {text[:40]!r}.")
        return found

    def side(self, attribute: int, text: str, row: Row) -> None:  # noqa: ARG002
        """The text for the embedding stage."""
        row.text = text

    def is_label(self, attribute: int) -> bool:
        """Whether a field is a label column."""
        return self.role[attribute] in (LABEL, SLOW_FIELD)

    def label(self, attribute: int, text: str, quoted: bool, row: Row) -> None:
        """Read a label field; of two nominal values the second is 1."""
        values = self._attributes[attribute].values
        if self.role[attribute] == SLOW_FIELD and values and (quoted or text != "?"):
            if text not in values:
                name = self.names[attribute]
                raise BadRow("unknown_value", f"Label {name!r} has no value {text[:40]!r}.")
            text, quoted = str(values.index(text)), True
        super().label(attribute, text, quoted, row)

    def row(self, text: str) -> Row:
        """Read a row the slow way."""
        if not text.lstrip().startswith("{"):
            return self._dense(text)
        fields = list(_sparse_fields(text, len(self.names)))
        seen = {j for j, _, _ in fields}
        if len(seen) < len(fields):
            raise BadRow("malformed", "It gives a value to the same attribute twice.")
        fields += [(j, value, True) for j, value in self._defaults if j not in seen]
        row = self.fill(fields)
        row.x = {name: value for name, value in row.x.items() if value != 0.0}
        row.sparse = True
        return row

    def _dense(self, text: str) -> Row:
        fields = [(j, value, quoted) for j, (value, quoted) in enumerate(_dense_fields(text))]
        if len(fields) != len(self.names):
            raise BadRow(
                "malformed", f"It has {len(fields)} fields, not {len(self.names)} as declared."
            )
        return self.fill(fields)


def _is_binary(values: tuple[str, ...]) -> bool:
    return len(values) == 2 or set(values) in _ZERO_ONE


def _unquoted(found: re.Match[str], first: int) -> tuple[str, bool]:
    """Text of a field and whether it was quoted."""
    single, double, bare = found[first], found[first + 1], found[first + 2]
    if bare is not None:
        return bare, False
    return unescape(single if single is not None else double), True


def _broken(text: str, position: int) -> BadRow:
    return BadRow(
        "malformed",
        f"It cannot be read from character {position + 1} on ({text[position : position + 20]!r}): "
        "a quote, a value or a comma is missing there.",
    )


def _dense_fields(text: str) -> Iterator[tuple[str, bool]]:
    """Fields between commas or white space, up to a comment."""
    position = 0
    while True:
        found = _DENSE.match(text, position)
        if found is None:
            raise _broken(text, position)
        yield _unquoted(found, 1)
        position = found.end()
        if position == len(text) or text[position] == "%":
            return
        if text[position] == ",":
            position += 1
        elif not found[4]:
            raise _broken(text, position)


def _sparse_fields(text: str, n: int) -> Iterator[tuple[int, str, bool]]:
    """Index and value pairs between braces."""
    position = text.index("{") + 1
    while True:
        found = _SPARSE.match(text, position)
        if found is None:
            break
        digits = found[1]
        if len(digits) > 10 or int(digits) >= n:
            raise BadRow("malformed", f"Index {digits[:20]} is beyond the {n} attributes.")
        yield int(digits), *_unquoted(found, 2)
        position = found.end()
        if text[position : position + 1] != ",":
            break
        position += 1
        if _SPARSE.match(text, position) is None:
            raise _broken(text, position)
    closing = _END.match(text, position)
    position = closing.end() if closing and text[closing.end() - 1 : closing.end()] != "%" else 0
    if text[position : position + 1] != "}":
        raise _broken(text, position)
    ending = _END.match(text, position + 1)
    if ending is None or ending.end() != len(text):
        raise _broken(text, position + 1)
