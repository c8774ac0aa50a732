"""Fakes for tests, yours too: a clock that is set, a source in memory, one that aborts, sinks.

They keep the contracts of :mod:`streamml.io` and :mod:`streamml.pacing`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from streamml._capture import part_of
from streamml.errors import ContractError
from streamml.io import JSON, Source
from streamml.types import DeadLetter, Event, EventBatch, Predictions, Schema

__all__ = [
    "Aborted",
    "AbortingSource",
    "EventSource",
    "MemoryDeadLetters",
    "MemoryPredictions",
    "SettableClock",
]


class SettableClock:
    """A clock that moves only when told to; sleeping moves it at once.

    Parameters
    ----------
    start
        What it shows first, in seconds.

    Examples
    --------
    >>> clock = SettableClock(10.0)
    >>> clock.sleep(2.5)
    >>> clock.advance(1.0)
    >>> clock.now(), clock.slept
    (13.5, [2.5])
    """

    def __init__(self, start: float = 0.0) -> None:
        self._now = start
        self.slept: list[float] = []
        """Every sleep asked for, in seconds."""

    def now(self) -> float:
        """Seconds it shows."""
        return self._now

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self._now += seconds

    def sleep(self, seconds: float) -> None:
        """Let time pass, and note that somebody slept."""
        self.slept.append(seconds)
        self._now += seconds


class EventSource:
    """Events from memory as a :class:`streamml.io.Source`.

    Parameters
    ----------
    events
        The stream. One that cannot be used becomes a dead letter when its turn comes.
    schema
        Names known beforehand; grows as events are handed out.

    Examples
    --------
    >>> source = EventSource([Event(0, 0.0, {"f": 1.0}, frozenset({"a"})), Event(1, 1.0, {})])
    >>> source.next_batch(10).ids, [letter.reason for letter in source.take_dead_letters()]
    ([0], ['no_features'])
    """

    def __init__(self, events: Iterable[Event], schema: Schema | None = None) -> None:
        self._events = list(events)
        self._schema = schema or Schema()
        self._position = 0
        self._letters: list[DeadLetter] = []
        self.closed = False

    @property
    def name(self) -> str:
        return "memory"

    @property
    def schema(self) -> Schema:
        return self._schema

    @property
    def length(self) -> int | None:
        return len(self._events)

    def next_batch(self, max_events: int) -> EventBatch | None:
        if self.closed:
            raise ContractError("The source is closed: open a new one.")
        if self._position >= len(self._events):
            return None
        events = self._events[self._position : self._position + max_events]
        self._position += len(events)
        return EventBatch.from_events(events, self._schema, self._letters)

    def take_dead_letters(self) -> list[DeadLetter]:
        letters, self._letters = self._letters, []
        return letters

    def snapshot(self) -> Mapping[str, JSON]:
        return {"position": self._position}

    def restore(self, snapshot: Mapping[str, JSON]) -> None:
        self._position = part_of(snapshot, "position", int, "a source of events")

    def close(self) -> None:
        self.closed = True


class Aborted(Exception):  # noqa: N818 - it plays the part of a crash, not of an error
    """What :class:`AbortingSource` raises."""


class AbortingSource:
    """Another source that breaks at a chosen event, as a crash would.

    Parameters
    ----------
    source
        What it hands out.
    after
        Number of events handed out before :class:`Aborted` is raised, at least 0.

    Examples
    --------
    >>> from streamml.streams import DemoStream
    >>> source = AbortingSource(DemoStream(), after=3)
    >>> len(source.next_batch(10))
    3
    >>> source.next_batch(10)
    Traceback (most recent call last):
        ...
    streamml.testing.Aborted: after 3 events, as asked
    """

    def __init__(self, source: Source, after: int) -> None:
        self._source = source
        self._left = self._after = after

    @property
    def name(self) -> str:
        return self._source.name

    @property
    def schema(self) -> Schema:
        return self._source.schema

    @property
    def length(self) -> int | None:
        return self._source.length

    def next_batch(self, max_events: int) -> EventBatch | None:
        if self._left <= 0:
            raise Aborted(f"after {self._after} events, as asked")
        batch = self._source.next_batch(min(max_events, self._left))
        self._left -= len(batch) if batch is not None else 0
        return batch

    def take_dead_letters(self) -> list[DeadLetter]:
        return self._source.take_dead_letters()

    def snapshot(self) -> Mapping[str, JSON]:
        return self._source.snapshot()

    def restore(self, snapshot: Mapping[str, JSON]) -> None:
        self._source.restore(snapshot)

    def close(self) -> None:
        self._source.close()


class MemoryPredictions:
    """A :class:`streamml.io.PredictionSink` that keeps what it is given.

    Examples
    --------
    >>> import numpy as np
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
