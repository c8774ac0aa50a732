"""Sources in memory: events from a list, and another source that breaks where it is told to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from streamml.errors import ContractError, DataError
from streamml.io import JSON, Iterated, Source
from streamml.types import DeadLetter, Event, EventBatch, Schema

__all__ = ["Aborted", "AbortingSource", "EventSource"]


class EventSource(Iterated):
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
        position = snapshot.get("position")
        if type(position) is not int or not 0 <= position <= len(self._events):
            raise DataError(f"{snapshot!r} is no position here: give what snapshot() gave.")
        self._position = position

    def close(self) -> None:
        self.closed = True


class Aborted(Exception):  # noqa: N818 - it plays the part of a crash, not of an error
    """What :class:`AbortingSource` raises."""


class AbortingSource(Iterated):
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
    streamml.testing.sources.Aborted: after 3 events, as asked
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
