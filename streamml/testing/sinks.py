"""Sinks in memory."""

from __future__ import annotations

from collections.abc import Sequence

from streamml.types import DeadLetter, EventBatch, Predictions

__all__ = ["MemoryDeadLetters", "MemoryPredictions"]


class MemoryPredictions:
    """A :class:`streamml.io.PredictionSink` that keeps what it is given.

    Examples
    --------
    >>> import numpy as np
    >>> from streamml.types import Event, Schema
    >>> batch = EventBatch.from_events([Event(7, 0.0, {"f": 1.0})], Schema(labels=["a"]))
    >>> sink = MemoryPredictions()
    >>> sink.write(batch, Predictions(np.array([0, 1]), np.array([0], np.int32)))
    >>> sink.rows
    [(7, frozenset({'a'}))]
    """

    def __init__(self) -> None:
        self.rows: list[tuple[int | str, frozenset[str]]] = []
        """Event id and decided label set, in order."""
        self.closed = False

    def write(self, batch: EventBatch, predictions: Predictions) -> None:
        """Keep one row an event."""
        names = batch.schema.labels
        for i, event_id in enumerate(batch.ids):
            self.rows.append((event_id, frozenset(names[int(c)] for c in predictions.row(i))))

    def close(self) -> None:
        """Note that it was closed."""
        self.closed = True


class MemoryDeadLetters:
    """A :class:`streamml.io.DeadLetterSink` that keeps what it is given.

    Examples
    --------
    >>> sink = MemoryDeadLetters()
    >>> sink.write([DeadLetter("malformed", "No number.", "line 3")])
    >>> [letter.position for letter in sink.letters]
    ['line 3']
    """

    def __init__(self) -> None:
        self.letters: list[DeadLetter] = []
        self.closed = False

    def write(self, letters: Sequence[DeadLetter]) -> None:
        """Keep the letters."""
        self.letters.extend(letters)

    def close(self) -> None:
        """Note that it was closed."""
        self.closed = True
