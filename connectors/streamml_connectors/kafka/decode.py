"""Records to arrivals: JSON events and labels as sparse rows, bad ones as dead letters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec
import numpy as np

from streamml.join.arrivals import Arrivals
from streamml.types import (
    LABELS_FULL,
    LABELS_PARTIAL,
    LABELS_UNKNOWN,
    DeadLetter,
    EventId,
    Float32Array,
    Int32Array,
    Schema,
)
from streamml_connectors.files.columns import FLOAT32_MAX, BadRow, Row, commit
from streamml_connectors.files.fields import seconds
from streamml_connectors.files.json_event import (
    decode_object,
    identify,
    read_event,
    read_labels,
    take_text,
)
from streamml_connectors.files.rows import letter
from streamml_connectors.kafka.shape import Document, LabelDocument, Shape

__all__ = ["Decoder"]

_ODD: Final = (msgspec.DecodeError, RecursionError, UnicodeDecodeError, OverflowError)
_INT64: Final = 2**63
_MAX_ID: Final = 1_024
_PREFIX: Final = 5  # bytes of a schema registry: 0, and the number of a schema


class Decoder:
    """Turns records into arrivals; both ways of reading give the same rows.

    A row's features stand in the order of their columns, whatever the order in the JSON,
    so that no bit depends on which way an event was read.

    Parameters
    ----------
    schema
        Grows with the names that come.
    labels_topic
        Records of this topic are labels.
    max_message
        Bytes; a larger record is a dead letter.
    text
        The field with the text, for an embedding stage, or ``None``.
    """

    def __init__(
        self,
        schema: Schema,
        labels_topic: str | None = None,
        max_message: int = 1_048_576,
        text: str | None = None,
    ) -> None:
        self.schema = schema
        self._labels_topic = labels_topic
        self._max_message = max_message
        self._text = text
        self._event = msgspec.json.Decoder(Document).decode
        self._label = msgspec.json.Decoder(LabelDocument).decode
        self._shape: Shape | None = None
        self._shapes_left = 8  # an attempt costs a new decoder

    def decode(
        self, records: Sequence[Any], moments: Sequence[float]
    ) -> tuple[Arrivals, list[DeadLetter]]:
        """The rows of some records in their order, and the dead letters of the others.

        ``moments``: when each record was fetched. Records without a value are counted.
        """
        rows = _Builder(self.schema)
        letters: list[DeadLetter] = []
        for record, moment in zip(records, moments, strict=True):
            rows.moment = moment
            if record.value is None:  # of a compacted topic, or a deletion of a changed table
                rows.tombstones += 1
                continue
            try:
                self._read(record, rows)
            except BadRow as bad:
                self.schema.labels.refused += bad.refused
                position = f"{record.topic}/{record.partition}@{record.offset}"
                letters.append(letter(bad.reason, bad.detail, position, record.value))
        return rows.build(), letters

    def _read(self, record: Any, rows: _Builder) -> None:
        raw = record.value
        if len(raw) > self._max_message:
            detail = f"It has {len(raw)} bytes, more than {self._max_message}: raise max_message."
            raise BadRow("too_large", detail)
        if record.topic == self._labels_topic:
            self._read_labels(record, rows)
        elif self._text is not None or not self._read_fast(record, rows):
            self._read_slowly(record, rows)

    # -- events ------------------------------------------------------------------------

    def _read_fast(self, record: Any, rows: _Builder) -> bool:
        """Read an event like most; false: leave it to the careful way."""
        shape = self._shape
        if shape is not None:
            try:
                document = shape.decode(record.value)
                values = np.array(shape.values(document))[shape.order]
            except _ODD:
                shape.missed += 1
                if shape.useless:
                    self._shape = None
            else:
                shape.missed = 0
                return self._add(record, document, shape.columns, values, rows)
        try:
            document = self._event(record.value)
        except _ODD:
            return False
        return self._read_names(record, document, rows)

    def _read_names(self, record: Any, document: Any, rows: _Builder) -> bool:
        """Read an event by the names of its features."""
        features = self.schema.features
        columns = np.array([features.find(name) for name in document.x], np.int32)
        if not len(columns) or columns.min() < 0:
            return False  # new names are for the careful way
        order = np.argsort(columns, kind="stable")
        values = np.array(list(document.x.values()), np.float64)[order]
        if self._shape is None and self._shapes_left > 0:
            self._shapes_left -= 1
            self._shape = Shape.of(document.x, self.schema)
        return self._add(record, document, columns[order], values, rows)

    def _add(
        self,
        record: Any,
        document: Any,
        columns: Int32Array,
        values: Any,
        rows: _Builder,
    ) -> bool:
        if values.max() > FLOAT32_MAX or values.min() < -FLOAT32_MAX:
            return False
        labels: list[int] | None = None
        if document.y is not None:
            find = self.schema.labels.find
            labels = sorted({find(name) for name in document.y})
            if labels and labels[0] < 0:
                return False
        time = document.timestamp
        rows.add(
            record,
            _id(document.id, record),
            record.timestamp / 1000 if time is None else seconds(time),
            (columns, values),
            LABELS_UNKNOWN if labels is None else LABELS_FULL,
            labels or [],
        )
        return True

    def _read_slowly(self, record: Any, rows: _Builder) -> None:
        row = Row()
        found = _object(record.value)
        identify(found, row, "id", "timestamp")
        if self._text is not None:
            row.text = take_text(found, self._text)
        read_event(found, row)
        event_id = _id(row.id, record)
        commit(row, self.schema)
        pairs = sorted((self.schema.features.find(name), v) for name, v in row.x.items())
        pairs = [pair for pair in pairs if pair[0] >= 0]
        if not pairs and row.text is None and (row.x or not row.sparse):
            raise BadRow("no_features", "None of its features has room: raise max_features.")
        columns = np.array([column for column, _ in pairs], np.int32)
        rows.add(
            record,
            event_id,
            record.timestamp / 1000 if row.timestamp is None else row.timestamp,
            (columns, np.array([value for _, value in pairs], np.float64)),
            *self._known(row),
            text=row.text or "",
        )

    # -- labels ------------------------------------------------------------------------

    def _read_labels(self, record: Any, rows: _Builder) -> None:
        row = Row(sparse=True, text="-")  # needs neither features nor text
        try:
            document = self._label(record.value)
        except _ODD:
            found = _object(record.value)
            identify(found, row, "id", "timestamp")
            read_labels(found, row)
        else:
            row.id = document.id
            row.timestamp = None if document.timestamp is None else seconds(document.timestamp)
            row.positive = [name for name in dict.fromkeys(document.y) if name]
        if not row.y_known:
            raise BadRow("no_labels", 'It has no "y": send the labels of an event.')
        if row.id in (None, "") and not record.key:
            raise BadRow("no_id", 'It has no "id": say which event the labels are of.')
        event_id = _id(row.id, record)
        commit(row, self.schema)
        time = record.timestamp / 1000 if row.timestamp is None else row.timestamp
        rows.add(record, event_id, time, None, *self._known(row))

    def _known(self, row: Row) -> tuple[int, list[int], list[int]]:
        """Kind, positive and negative columns of the labels."""
        find = self.schema.labels.find
        positive = sorted({find(name) for name in row.positive})
        if row.negative is not None:
            return LABELS_PARTIAL, positive, sorted({find(name) for name in row.negative})
        return (LABELS_FULL if row.y_known else LABELS_UNKNOWN), positive, []


def _object(raw: bytes) -> dict[str, Any]:
    """The JSON object in a record.

    Raises
    ------
    BadRow
        It is none; what a schema registry's serializer has put before it is named.
    """
    if raw[:1] == b"\0" and len(raw) >= _PREFIX:  # no JSON begins so
        schema_id = int.from_bytes(raw[1:_PREFIX], "big")
        raise BadRow(
            "malformed",
            f"It begins with a schema registry's prefix (magic byte 0, schema id {schema_id}): "
            "only plain JSON is read, so send it without a registry's serializer.",
        )
    return decode_object(raw)


def _id(given: EventId | None, record: Any) -> EventId:
    """The identifier of an event: its own, else the record's key, else its position.

    Raises
    ------
    BadRow
        It is larger than any identifier.
    """
    if given is None or given == "":
        if record.key:
            given = bytes(record.key).decode(errors="replace")
        else:
            return f"{record.topic}/{record.partition}@{record.offset}"
    if isinstance(given, int):
        if not -_INT64 <= given < _INT64:
            raise BadRow("wrong_type", "Its 'id' has more than 64 bits: send it as a string.")
    elif len(given) > _MAX_ID:
        raise BadRow("too_large", f"Its 'id' is longer than {_MAX_ID} characters.")
    return given


@dataclass(slots=True)
class _Builder:
    """Collects rows."""

    schema: Schema
    ids: list[EventId] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    arrived: list[float] = field(default_factory=list)
    columns: list[Int32Array] = field(default_factory=list)
    values: list[Any] = field(default_factory=list)
    kinds: list[int] = field(default_factory=list)
    positive: list[int] = field(default_factory=list)
    negative: list[int] = field(default_factory=list)
    ends: list[tuple[int, int, int, int]] = field(default_factory=list)
    sizes: list[tuple[int, int]] = field(default_factory=list)
    origins: dict[tuple[str, int], int] = field(default_factory=dict)
    origin: list[int] = field(default_factory=list)
    offsets: list[int] = field(default_factory=list)
    fetched: list[float] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    moment: float = 0.0
    tombstones: int = 0
    _x: int = 0

    def add(
        self,
        record: Any,
        event_id: EventId,
        time: float,
        features: tuple[Int32Array, Any] | None,
        kind: int,
        positive: list[int],
        negative: Sequence[int] = (),
        text: str = "",
    ) -> None:
        """One row; without features it brings labels only."""
        if features is not None:
            self.columns.append(features[0])
            self.values.append(features[1])
            self._x += len(features[0])
        self.ids.append(event_id)
        self.times.append(time)
        self.arrived.append(record.timestamp / 1000)
        self.kinds.append(kind)
        self.positive += positive
        self.negative += negative
        end = (self._x, len(self.positive), len(self.negative), features is None)
        self.ends.append(end)
        self.sizes.append((len(self.schema.features), len(self.schema.labels)))
        where = (record.topic, record.partition)
        self.origin.append(self.origins.setdefault(where, len(self.origins)))
        self.offsets.append(record.offset)
        self.fetched.append(self.moment)
        if self.schema.takes_text:
            self.texts.append(text)

    def build(self) -> Arrivals:
        """The rows so far."""
        ends = np.array([(0, 0, 0, 0), *self.ends], np.int64)
        sizes = np.array(self.sizes, np.int32).reshape(-1, 2)
        values: Float32Array = np.concatenate([np.zeros(0), *self.values]).astype(np.float32)
        return Arrivals(
            self.schema,
            self.ids,
            np.array(self.times, np.float64),
            ends[:, 0].copy(),
            np.concatenate([np.zeros(0, np.int32), *self.columns]),
            values,
            ends[:, 1].copy(),
            np.array(self.positive, np.int32),
            np.array(self.kinds, np.uint8),
            ends[:, 2].copy(),
            np.array(self.negative, np.int32),
            sizes[:, 0].copy(),
            sizes[:, 1].copy(),
            ends[1:, 3] != 0,
            np.array(self.arrived, np.float64),
            [f"{topic}/{partition}" for topic, partition in self.origins],
            np.array(self.origin, np.int32),
            np.array(self.offsets, np.int64),
            np.array(self.fetched, np.float64),
            texts=self.texts if self.schema.takes_text else None,
            tombstones=self.tombstones,
        )
