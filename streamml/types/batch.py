"""A batch of events: names in a schema, numbers in arrays.

It is only a container: nothing that is learned, predicted or scored may depend on how
events were cut into batches.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import repeat
from typing import Any

import numpy as np

from streamml.arrays import Float32Array, Float64Array, Int32Array, Int64Array, UInt8Array
from streamml.errors import SchemaError
from streamml.types import frames
from streamml.types.encode import BatchBuilder
from streamml.types.event import (
    LABELS_FULL,
    LABELS_PARTIAL,
    DeadLetter,
    Event,
    EventId,
    Labels,
    PartialLabels,
)
from streamml.types.names import labels as named_labels
from streamml.types.offsets import joined_offsets
from streamml.types.schema import Schema, Vocabulary

__all__ = ["EventBatch"]


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
        :class:`SchemaError` where no list is given. Where one is given, as in a stream, an
        event without features is among them, unless the schema says that absent means zero.

        Examples
        --------
        >>> s = Schema()
        >>> b = EventBatch.from_events([Event(0, 0.0, {"f": 2.0}, frozenset({"a"}))], s)
        >>> b.x_values.tolist(), b.y_indices.tolist(), s.labels.names
        ([2.0], [0], ['a'])
        """
        builder = BatchBuilder(schema, takes_empty=dead_letters is None)
        for event in events:
            letter = builder.append(event)
            if letter is not None:
                if dead_letters is None:
                    raise SchemaError(
                        f"Event {event.id!r} cannot be used ({letter.reason}): {letter.detail}"
                    )
                dead_letters.append(letter)
        return cls.built(builder)

    @classmethod
    def from_arrays(
        cls,
        X: Any,
        Y: Any = None,
        *,
        features: Sequence[Hashable] | None = None,
        labels: Sequence[Hashable] | None = None,
        schema: Schema | None = None,
        first_id: int = 0,
    ) -> EventBatch:
        """The rows of a table as events, one a row; their numbers are ids and timestamps.

        Parameters
        ----------
        X
            A DataFrame (pandas, polars, pyarrow) with a column a feature, where a missing cell
            is an absent feature; a matrix (numpy; scipy.sparse, where absent means zero); or a
            list of mappings.
        Y
            Such a table with a column a label, true or false, where a missing cell is not known;
            a series of mappings or sets; or ``None``, where nothing is known.
        features, labels
            Names of the columns, in order; by default those of a frame, else their numbers.
        schema
            That of the stream, where the batch is not its first; grows.
        first_id
            Number of the first row.

        Raises
        ------
        SchemaError
            There is not one row of labels an event, or a row cannot be used.

        Examples
        --------
        >>> import numpy as np
        >>> X, Y = np.array([[1.0, np.nan], [2.0, 0.5]]), np.array([[1, 0], [0, 1]])
        >>> batch = EventBatch.from_arrays(X, Y, features=["f", "g"], labels=["a", "b"])
        >>> [(event.x, set(event.y)) for event in batch]
        [({'f': 1.0}, {'a'}), ({'f': 2.0, 'g': 0.5}, {'b'})]
        """
        if schema is None:
            declared = frames.names_of(Y, Vocabulary(), labels) or labels or ()
            schema = Schema(labels=declared, absent_is_zero=frames.is_sparse(X))
        rows = list(frames.rows(X, schema, features))
        unknown = repeat(None, len(rows))
        known: list[Any] = list(unknown if Y is None else frames.label_rows(Y, schema, labels))
        if len(rows) != len(known):
            raise SchemaError(
                f"{len(rows)} events have {len(known)} rows of labels: give each event one."
            )
        builder = BatchBuilder(schema, takes_empty=True)
        for k, (x, y) in enumerate(zip(rows, known, strict=True)):
            try:
                told = None if Y is None else named_labels(y, schema)
            except SchemaError as error:
                raise SchemaError(f"Row {k} cannot be used: {error}") from error
            letter = builder.append(Event(first_id + k, float(first_id + k), x, told))
            if letter is not None:
                raise SchemaError(f"Row {k} cannot be used: {letter.detail}")
        return cls.built(builder)

    @classmethod
    def built(cls, builder: BatchBuilder) -> EventBatch:
        """What a builder has collected so far; it can go on collecting."""
        return cls(builder.schema, **builder.columns(), texts=builder.texts())

    @classmethod
    def concatenate(cls, parts: Sequence[EventBatch]) -> EventBatch:
        """Join consecutive batches of one stream into one."""
        if not parts:
            raise SchemaError("There is no batch to join: give at least one.")
        return cls(
            parts[0].schema,
            [event_id for part in parts for event_id in part.ids],
            np.concatenate([part.timestamps for part in parts]),
            joined_offsets([part.x_indptr for part in parts]),
            np.concatenate([part.x_indices for part in parts]),
            np.concatenate([part.x_values for part in parts]),
            joined_offsets([part.y_indptr for part in parts]),
            np.concatenate([part.y_indices for part in parts]),
            np.concatenate([part.y_kind for part in parts]),
            joined_offsets([part.negative_indptr for part in parts]),
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

    def label_set(self, row: int) -> frozenset[Any]:
        """The positive labels of a row, by the keys that they came with."""
        keys = self.schema.labels.keys
        columns = self.y_indices[self.y_indptr[row] : self.y_indptr[row + 1]]
        return frozenset(keys[c] for c in columns.tolist())

    def __iter__(self) -> Iterator[Event]:
        return self.events()

    def events(self) -> Iterator[Event]:
        """Decode the batch, event by event; an event with text shows its text alone.

        So does a loop over the batch. Out of the events the same batch can be made again.
        """
        features, labels = self.schema.features.keys, self.schema.labels.keys
        for i, event_id in enumerate(self.ids):
            row = slice(self.x_indptr[i], self.x_indptr[i + 1])
            x: Mapping[Any, float] | str = {
                features[j]: v
                for j, v in zip(
                    self.x_indices[row].tolist(), self.x_values[row].tolist(), strict=True
                )
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
                y = PartialLabels(self.label_set(i), frozenset(labels[c] for c in columns.tolist()))
            yield Event(event_id, float(self.timestamps[i]), x, y)
