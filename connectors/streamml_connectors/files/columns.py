"""What the fields of a row mean, and the plain-Python way to read one field."""

from __future__ import annotations

import abc
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from streamml.types import EventId, Int32Array, Schema, UInt8Array
from streamml.types.truth import truth
from streamml.types.values import FLOAT32_MAX, number, shown
from streamml.types.values import BadValueError as BadRow
from streamml_connectors.files.kernels import LABEL, SIDE, SKIP
from streamml_connectors.files.later import Later
from streamml_connectors.files.times import Times

__all__ = ["FLOAT32_MAX", "BadRow", "BlankRow", "Columns", "Row", "binary", "commit", "number"]


class BlankRow(BadRow):
    """A row of delimiters only, as spreadsheets write below a table: it is passed over."""

    def __init__(self) -> None:
        super().__init__("malformed", "It holds nothing.")


def binary(text: str, what: str) -> bool:
    """Whether a field that must say true or false says true.

    Examples
    --------
    >>> binary("1.0", "label 'a'"), binary("No", "label 'a'")
    (True, False)
    """
    said = truth(text, what)
    if said is None:
        raise BadRow("unknown_value", f"{what} is {shown(text)}: it must be 0 or 1.")
    return said


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
        self.signed = False  # whether -1 is the false of labels
        self.times = Times()
        self.later = Later()
        self.blank = 0  # rows that hold nothing

    @abc.abstractmethod
    def value(self, attribute: int, text: str) -> tuple[str, float] | None:
        """Feature name and number of an unquoted field; ``None``: it is missing."""

    def quoted_value(self, attribute: int, text: str) -> tuple[str, float] | None:
        """The same of a field in quotes."""
        return self.value(attribute, text)

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
                read = self.quoted_value if quoted else self.value
                found = read(attribute, text)
                if found is not None:
                    row.x[found[0]] = found[1]
        return row

    def is_label(self, attribute: int) -> bool:
        """Whether a field is a label column."""
        return bool(self.role[attribute] == LABEL)

    def label(self, attribute: int, text: str, quoted: bool, row: Row) -> None:
        """Read a label field into ``row``."""
        name = self.names[attribute]
        if quoted and text == "?":
            raise BadRow("unknown_value", f"Label {name!r} is '?' in quotes: leave them out.")
        said = self.said(attribute, text)
        if said is None:
            row.unknown.append(name)
        elif said:
            row.positive.append(name)

    def said(self, attribute: int, text: str) -> bool | None:
        """What a label field says; ``None``: it is not known."""
        return truth(text, f"Label {self.names[attribute]!r}", signed=self.signed)


def commit(row: Row, schema: Schema, times: Times | None = None) -> None:
    """Give the names of a row their columns, or refuse the row before any is new.

    Parameters
    ----------
    times
        Those of the stream: a row without one takes its time from them.

    Raises
    ------
    BadRow
        It has no features (no text, where the schema takes it), a label beyond the cap, or no
        time where it must have one.
    """
    if times is not None:
        times.check(row.timestamp)
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
    if times is not None:
        row.timestamp = times.of(row.timestamp)
