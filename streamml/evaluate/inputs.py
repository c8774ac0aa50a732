"""Whatever a stream is given as, as batches: a source, a file, batches, events, river's pairs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import chain, islice
from pathlib import Path
from typing import Any

from streamml.errors import ConfigError, SchemaError
from streamml.io import Source
from streamml.types import DeadLetter, Event, EventBatch, Schema
from streamml.types.names import features, labels

__all__ = ["Stream", "batches_of"]

Stream = Source | str | Path | EventBatch | Iterable[EventBatch] | Iterable[Event] | Iterable[Any]
"""A source, the path of a file, or batches, events or pairs ``(x, y)``."""


def batches_of(
    stream: Stream, schema: Schema, size: int, letters: Counter[str]
) -> Iterator[EventBatch]:
    """The batches of a stream.

    Parameters
    ----------
    stream
        What :func:`~streamml.evaluate.prequential` takes, a file aside.
    schema
        For events and pairs, which have none of their own.
    size
        Number of events read at a time.
    letters
        Reasons of events that cannot be used are counted here.

    Raises
    ------
    ConfigError
        It is something else.
    SchemaError
        A pair cannot be used.
    """
    if isinstance(stream, Source):
        yield from _read(stream, size, letters)
        return
    if isinstance(stream, EventBatch):
        yield stream
        return
    if not isinstance(stream, Iterable) or isinstance(stream, bytes):
        raise _no_stream(f"is of type {type(stream).__name__}")
    items = iter(stream)
    first = list(islice(items, 1))
    kind: Any = type(first[0]) if first else EventBatch
    items = chain(first, items)
    if issubclass(kind, EventBatch):
        yield from (_checked(item, EventBatch) for item in items)
    elif issubclass(kind, Event):
        events: Iterator[Event] = (_checked(item, Event) for item in items)
        while part := list(islice(events, size)):
            yield _encoded(part, schema, letters)
    else:
        yield from _of_pairs(items, schema, size)


def _read(source: Source, size: int, letters: Counter[str]) -> Iterator[EventBatch]:
    batch = source.next_batch(size)
    while batch is not None:
        letters.update(letter.reason for letter in source.take_dead_letters())
        yield batch
        batch = source.next_batch(size)
    letters.update(letter.reason for letter in source.take_dead_letters())


def _encoded(events: list[Event], schema: Schema, letters: Counter[str]) -> EventBatch:
    dead: list[DeadLetter] = []
    batch = EventBatch.from_events(events, schema, dead)
    letters.update(letter.reason for letter in dead)
    return batch


def _of_pairs(items: Iterable[Any], schema: Schema, size: int) -> Iterator[EventBatch]:
    """Pairs as river's streams give them, as ``learn_one`` takes them; their number is the time."""
    pairs = enumerate(items)
    while part := list(islice(pairs, size)):
        yield EventBatch.from_events([_event(k, item, schema) for k, item in part], schema)


def _event(k: int, item: Any, schema: Schema) -> Event:
    if not isinstance(item, tuple) or len(item) != 2:
        raise _no_stream(f"gives a {type(item).__name__}")
    x, y = item
    try:
        given = features(x)
        return Event(k, float(k), given, None if y is None else labels(y, schema))
    except SchemaError as error:
        raise SchemaError(f"Event {k} cannot be used: {error}") from error


def _checked(item: Any, kind: type) -> Any:
    if not isinstance(item, kind):
        raise _no_stream(f"gives a {type(item).__name__}")
    return item


def _no_stream(what: str) -> ConfigError:
    return ConfigError(
        f"The stream {what}: give a source, the path of a file, EventBatches, Events, or pairs "
        "(x, y) as river's streams give them."
    )
