"""What travels through streamml: events, batches of events, predictions, dead letters.

Names live in a :class:`Schema` (append-only vocabularies), numbers in arrays. An
:class:`EventBatch` is only a container: nothing that is learned, predicted or scored
may depend on how events were cut into batches.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from streamml._schema import Schema, Vocabulary
from streamml.errors import SchemaError

__all__ = [
    "LABELS_FULL",
    "LABELS_PARTIAL",
    "LABELS_UNKNOWN",
    "BoolArray",
    "Change",
    "DeadLetter",
    "Event",
    "EventBatch",
    "EventId",
    "Float32Array",
    "Float64Array",
    "Int8Array",
    "Int16Array",
    "Int32Array",
    "Int64Array",
    "Labels",
    "PartialLabels",
    "Predictions",
    "Schema",
    "UInt8Array",
    "UInt64Array",
    "Vocabulary",
]

Float32Array = NDArray[np.float32]
Float64Array = NDArray[np.float64]
Int32Array = NDArray[np.int32]
Int64Array = NDArray[np.int64]
UInt8Array = NDArray[np.uint8]
UInt64Array = NDArray[np.uint64]
Int8Array = NDArray[np.int8]
Int16Array = NDArray[np.int16]
BoolArray = NDArray[np.bool_]

EventId = str | int

LABELS_UNKNOWN: Final = 0
"""``EventBatch.y_kind``: the labels of the event are not known (yet)."""
LABELS_FULL: Final = 1
"""``EventBatch.y_kind``: every label that is not positive is negative."""
LABELS_PARTIAL: Final = 2
"""``EventBatch.y_kind``: a label that is neither positive nor negative is unknown."""


@dataclass(frozen=True, slots=True)
class PartialLabels:
    """Partial knowledge of a label set; a label in neither set is unknown, never negative.

    Examples
    --------
    >>> PartialLabels(positive=frozenset({"sun"}), negative=frozenset({"rain"})).negative
    frozenset({'rain'})
    """

    positive: frozenset[str]
    negative: frozenset[str]

    def __post_init__(self) -> None:
        both = self.positive & self.negative
        if both:
            raise SchemaError(
                f"Label {min(both)!r} is both positive and negative: give it one side only."
            )


Labels = frozenset[str] | PartialLabels


@dataclass(frozen=True, slots=True)
class Event:
    """One instance of a stream.

    Parameters
    ----------
    id
        Identifies the event; labels that arrive later name it.
    timestamp
        Seconds, event time.
    x
        Feature name -> finite number; a feature that is absent is absent, not zero.
        Text where an embedding stage is on (``Schema(takes_text=True)``).
    y
        The label set; ``None`` while it is not known.

    Examples
    --------
    >>> Event(1, 0.0, {"height": 1.8}, frozenset({"tall"})).y
    frozenset({'tall'})
    """

    id: EventId
    timestamp: float
    x: Mapping[str, float] | str
    y: Labels | None = None


def _empty_int64() -> Int64Array:
    return np.zeros(1, np.int64)


def _joined_offsets(arrays: Sequence[Int64Array]) -> Int64Array:
    """Row offsets of arrays of rows that are put one behind the other."""
    if len(arrays) == 1:
        return arrays[0]
    ends = np.cumsum([a[-1] for a in arrays])
    rest = [a[1:] + end for a, end in zip(arrays[1:], ends[:-1], strict=True)]
    return np.concatenate([arrays[0], *rest])


def _joined_texts(parts: Sequence[EventBatch]) -> list[str] | None:
    if any(part.texts is None for part in parts):
        return None
    return [text for part in parts for text in part.texts or ()]


@dataclass(slots=True)
class EventBatch:
    """A run of consecutive events as sparse rows (CSR).

    Attributes
    ----------
    schema
        What the columns mean; shared by all batches of a stream.
    ids, timestamps
        One an event; timestamps in seconds, float64 ``(n,)``.
    x_indptr, x_indices, x_values
        Features: int64 ``(n + 1,)``, int32 and float32 ``(nnz,)``; finite; explicit
        zeros are kept (a known zero); a column stands at most once a row.
    y_indptr, y_indices
        Positive labels, columns ascending in a row.
    y_kind
        uint8 ``(n,)``: ``LABELS_UNKNOWN``, ``LABELS_FULL`` or ``LABELS_PARTIAL``.
    negative_indptr, negative_indices
        Negative labels of partially known rows, columns ascending; other rows are empty.
    n_features, n_labels
        int32 ``(n,)``: vocabulary sizes once this event, its labels included, was read.
        They make batches of any size mean the same.
    texts
        One an event where the schema takes text, for an embedding stage; learners never
        see it. Numeric features may stand beside it.
    """

    schema: Schema
    ids: list[EventId]
    timestamps: Float64Array
    x_indptr: Int64Array
    x_indices: Int32Array
    x_values: Float32Array
    y_indptr: Int64Array
    y_indices: Int32Array
    y_kind: UInt8Array
    negative_indptr: Int64Array
    negative_indices: Int32Array
    n_features: Int32Array
    n_labels: Int32Array
    texts: list[str] | None = field(default=None, kw_only=True)

    def __len__(self) -> int:
        return len(self.ids)

    @classmethod
    def from_events(
        cls,
        events: Iterable[Event],
        schema: Schema,
        dead_letters: list[DeadLetter] | None = None,
    ) -> EventBatch:
        """Encode events; new names are appended to ``schema``.

        An event that cannot be used is appended to ``dead_letters``, or raises
        :class:`SchemaError` where no list is given.

        Examples
        --------
        >>> s = Schema()
        >>> b = EventBatch.from_events([Event(0, 0.0, {"f": 2.0}, frozenset({"a"}))], s)
        >>> b.x_values.tolist(), b.y_indices.tolist(), s.labels.names
        ([2.0], [0], ['a'])
        """
        from streamml._encode import BatchBuilder

        builder = BatchBuilder(schema)
        for event in events:
            letter = builder.append(event)
            if letter is not None:
                if dead_letters is None:
                    raise SchemaError(
                        f"Event {event.id!r} cannot be used ({letter.reason}): {letter.detail}"
                    )
                dead_letters.append(letter)
        return builder.build()

    @classmethod
    def concatenate(cls, parts: Sequence[EventBatch]) -> EventBatch:
        """Join consecutive batches of one stream into one."""
        if not parts:
            raise SchemaError("There is no batch to join: give at least one.")
        return cls(
            parts[0].schema,
            [event_id for part in parts for event_id in part.ids],
            np.concatenate([part.timestamps for part in parts]),
            _joined_offsets([part.x_indptr for part in parts]),
            np.concatenate([part.x_indices for part in parts]),
            np.concatenate([part.x_values for part in parts]),
            _joined_offsets([part.y_indptr for part in parts]),
            np.concatenate([part.y_indices for part in parts]),
            np.concatenate([part.y_kind for part in parts]),
            _joined_offsets([part.negative_indptr for part in parts]),
            np.concatenate([part.negative_indices for part in parts]),
            np.concatenate([part.n_features for part in parts]),
            np.concatenate([part.n_labels for part in parts]),
            texts=_joined_texts(parts),
        )

    def slice(self, start: int, stop: int) -> EventBatch:
        """Events ``start`` to ``stop`` as a batch of its own (arrays are views)."""
        x0, x1 = self.x_indptr[start], self.x_indptr[stop]
        y0, y1 = self.y_indptr[start], self.y_indptr[stop]
        n0, n1 = self.negative_indptr[start], self.negative_indptr[stop]
        return EventBatch(
            self.schema,
            self.ids[start:stop],
            self.timestamps[start:stop],
            self.x_indptr[start : stop + 1] - x0,
            self.x_indices[x0:x1],
            self.x_values[x0:x1],
            self.y_indptr[start : stop + 1] - y0,
            self.y_indices[y0:y1],
            self.y_kind[start:stop],
            self.negative_indptr[start : stop + 1] - n0,
            self.negative_indices[n0:n1],
            self.n_features[start:stop],
            self.n_labels[start:stop],
            texts=None if self.texts is None else self.texts[start:stop],
        )

    def label_set(self, row: int) -> frozenset[str]:
        """Names of the positive labels of a row."""
        names = self.schema.labels
        columns = self.y_indices[self.y_indptr[row] : self.y_indptr[row + 1]]
        return frozenset(names[int(c)] for c in columns)

    def events(self) -> Iterator[Event]:
        """Decode the batch, event by event; an event with text shows its text alone."""
        features, labels = self.schema.features, self.schema.labels
        for i, event_id in enumerate(self.ids):
            row = slice(self.x_indptr[i], self.x_indptr[i + 1])
            x: Mapping[str, float] | str = {
                features[int(j)]: float(v)
                for j, v in zip(self.x_indices[row], self.x_values[row], strict=True)
            }
            if self.texts is not None:
                x = self.texts[i]
            y: Labels | None = None
            if self.y_kind[i] == LABELS_FULL:
                y = self.label_set(i)
            elif self.y_kind[i] == LABELS_PARTIAL:
                columns = self.negative_indices[
                    self.negative_indptr[i] : self.negative_indptr[i + 1]
                ]
                y = PartialLabels(self.label_set(i), frozenset(labels[int(c)] for c in columns))
            yield Event(event_id, float(self.timestamps[i]), x, y)


@dataclass(slots=True)
class Predictions:
    """What was predicted for the events of a batch, before any of them was learned.

    Attributes
    ----------
    indptr, indices
        The decided label sets: int64 ``(n + 1,)``; int32 columns, ascending in a row.
    score_indptr, score_indices, scores
        Probabilities in [0, 1], float32, of every decided label and of every other
        label the learner finds worth naming; columns ascending in a row.
    """

    indptr: Int64Array
    indices: Int32Array
    score_indptr: Int64Array = field(default_factory=_empty_int64)
    score_indices: Int32Array = field(default_factory=lambda: np.zeros(0, np.int32))
    scores: Float32Array = field(default_factory=lambda: np.zeros(0, np.float32))

    def __len__(self) -> int:
        return len(self.indptr) - 1

    def row(self, i: int) -> Int32Array:
        """Columns of the label set decided for row ``i``."""
        return self.indices[self.indptr[i] : self.indptr[i + 1]]

    @classmethod
    def concatenate(cls, parts: Sequence[Predictions]) -> Predictions:
        """Join predictions of consecutive batches."""
        if not parts:
            return cls(_empty_int64(), np.zeros(0, np.int32))
        return cls(
            _joined_offsets([p.indptr for p in parts]),
            np.concatenate([p.indices for p in parts]),
            _joined_offsets([p.score_indptr for p in parts]),
            np.concatenate([p.score_indices for p in parts]),
            np.concatenate([p.scores for p in parts]),
        )


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """Something of the input that could not be used, kept with where and why.

    Parameters
    ----------
    reason
        Short, from a small fixed set (a metric label): ``"not_a_number"``, ``"malformed"``, ...
    detail
        One sentence for a person.
    position
        Where it stood: ``"line 17"``, ``"row 3"``, ``"topic/0@42"``.
    raw
        Its bytes, cut at a bound that ``detail`` names where it was cut.
    """

    reason: str
    detail: str
    position: str
    raw: bytes = b""


@dataclass(frozen=True, slots=True)
class Change:
    """A structural change of a learner: of its label tree, or a drift that was acted on.

    Parameters
    ----------
    kind
        ``"split"``, ``"merge"``, ``"rebuild"`` (label tree); ``"warning"`` (an alternate is
        grown), ``"drift"``, ``"swap"`` (the alternate took over), ``"prune"`` (it did not).
    scope
        ``"global"`` (label correlations) or ``"local"`` (one cluster's loss).
    position
        Number of events learned when it happened.
    labels
        Columns of the labels concerned, grouped as they stand after the change.
    statistic, bound
        What was compared, where the rule has such a pair.
    """

    kind: str
    scope: str
    position: int
    labels: tuple[tuple[int, ...], ...]
    statistic: float = float("nan")
    bound: float = float("nan")
