"""What the fields of a row mean, and the plain-Python way to read one field."""

from __future__ import annotations

import abc
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from streamml.types import EventId, Int32Array, Schema, UInt8Array
from streamml_connectors.files.kernels import LABEL, SIDE, SKIP

__all__ = ["FLOAT32_MAX", "BadRow", "Columns", "Row", "binary", "commit", "number"]

FLOAT32_MAX: Final = float(np.finfo(np.float32).max)
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
_NOT_FINITE = re.compile(r"[+-]?(?:nan|inf|infinity)", re.ASCII | re.IGNORECASE)


class BadRow(Exception):  # noqa: N818  # a row, not an error of the program
    """A row that cannot be used, and why: it becomes a dead letter.

    ``refused`` is the number of labels that the cap kept out.
    """

    def __init__(self, reason: str, detail: str, refused: int = 0) -> None:
        super().__init__(detail)
        self.refused = refused
        self.reason = reason
        self.detail = detail


def number(text: str, what: str) -> float:
    """A finite number that float32 can hold.

    Examples
    --------
    >>> number("-1.5e3", "field 1")
    -1500.0
    """
    if not _NUMBER.fullmatch(text):
        if _NOT_FINITE.fullmatch(text):
            raise BadRow("not_finite", f"{what} is {_short(text)}: leave out what is not known.")
        raise BadRow("not_a_number", f"{what} is {_short(text)}, which is no number.")
    value = float(text)
    if not abs(value) <= FLOAT32_MAX:
        raise BadRow("not_finite", f"{what} is {_short(text)}: float32 cannot hold it.")
    return value


def binary(text: str, what: str) -> bool:
    """Whether a field that must be 0 or 1 is 1.

    Examples
    --------
    >>> binary("1.0", "label 'a'")
    True
    """
    value = number(text, what) if text.lower() not in _WORDS else _WORDS[text.lower()]
    if value not in (0.0, 1.0):
        raise BadRow("unknown_value", f"{what} is {_short(text)}: it must be 0 or 1.")
    return value == 1.0


_WORDS: Final = {"true": 1.0, "false": 0.0}


def _short(text: str) -> str:
    return repr(text if len(text) <= 40 else text[:40] + "...")


@dataclass(slots=True)
class Row:
    """One row by names, before it is given columns.

    Attributes
    ----------
    unknown
        Label columns whose value is missing; all other declared labels are known.
    negative
        The negatives where labels are known in part; ``None`` where they are not.
    y_known
        False where nothing is known of the labels.
    sparse
        Whether features that are left out are zero, so that none at all is a row, too.
    text
        For an embedding stage; ``None`` where the row has none.
    """

    x: dict[str, float] = field(default_factory=dict)
    positive: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    negative: list[str] | None = None
    y_known: bool = True
    sparse: bool = False
    id: EventId | None = None
    timestamp: float | None = None
    text: str | None = None


class Columns(abc.ABC):
    """The fields of a row in order: what each is, and how Python reads it.

    Parameters
    ----------
    names
        One a field.
    role
        One a field: a role of :mod:`~streamml_connectors.files.kernels`.
    column
        One a field: its column among features or labels, -1 where there is none (yet).
    sparse
        Whether rows as a rule are sparse: a feature that is left out is zero.
    """

    def __init__(
        self, names: Sequence[str], role: UInt8Array, column: Int32Array, *, sparse: bool
    ) -> None:
        self.names = names
        self.role = role
        self.column = column
        self.sparse = sparse

    @abc.abstractmethod
    def value(self, attribute: int, text: str) -> tuple[str, float] | None:
        """Feature name and number of an unquoted field; ``None``: it is missing."""

    @abc.abstractmethod
    def row(self, text: str) -> Row:
        """Read a whole row the slow way."""

    def side(self, attribute: int, text: str, row: Row) -> None:  # noqa: B027
        """Read a field that is no feature into ``row``."""

    def learned(self, attribute: int, name: str, column: int) -> None:  # noqa: B027
        """A field made the feature ``name``, which has a column."""

    def fill(self, fields: Iterable[tuple[int, str, bool]]) -> Row:
        """A row of fields given as attribute, text, and whether the text was quoted."""
        row = Row()
        for attribute, text, quoted in fields:
            role = self.role[attribute]
            if role == SKIP:
                continue
            if role == SIDE:
                self.side(attribute, text, row)
            elif self.is_label(attribute):
                self.label(attribute, text, quoted, row)
            elif quoted or text != "?":
                found = self.value(attribute, text)
                if found is not None:
                    row.x[found[0]] = found[1]
        return row

    def is_label(self, attribute: int) -> bool:
        """Whether a field is a label column."""
        return bool(self.role[attribute] == LABEL)

    def label(self, attribute: int, text: str, quoted: bool, row: Row) -> None:
        """Read a label field into ``row``."""
        name = self.names[attribute]
        if text == "" or (text == "?" and not quoted):
            row.unknown.append(name)
        elif binary(text, f"Label {name!r}"):
            row.positive.append(name)


def commit(row: Row, schema: Schema) -> None:
    """Give the names of a row their columns, or refuse the row before any is new.

    Raises
    ------
    BadRow
        It has no features (no text, where the schema takes it), or a label beyond the cap.
    """
    if schema.takes_text:
        if row.text is None or not row.text.strip():
            raise BadRow("no_text", "It has no text: the embedding stage needs one.")
    elif not row.x and not row.sparse:
        raise BadRow("no_features", "It has no features: give it at least one.")
    labels, names = schema.labels, row.positive + (row.negative or [])
    if labels.limit is not None:
        new = len({name for name in names if name not in labels})
        if len(labels) + new > labels.limit:
            detail = f"It brings a label beyond the cap of {labels.limit}: raise it."
            raise BadRow("over_label_cap", detail, refused=new)
    for name in row.x:
        schema.features.add(name)
    for name in names:
        labels.add(name)
