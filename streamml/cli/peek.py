"""``streamml peek``: how the first events of a source would be read."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

import click

from streamml.cli.config import config_option, with_environment
from streamml.cli.kafka import is_kafka
from streamml.cli.options import ReadingOptions, open_stream, split_names
from streamml.cli.saying import say
from streamml.cli.tables import Command, Given, add_options, table, taken
from streamml.errors import StreamMLError
from streamml_connectors.kafka.settings import Connection, Input
from streamml_connectors.options import option

if TYPE_CHECKING:
    from streamml.io import Source
    from streamml.types import DeadLetter, Event

__all__ = ["Peeked", "peek"]

_EXAMPLES = """
\b
Examples:
  streamml peek shop.csv --labels toys,books
  streamml peek log.jsonl --label-list tags --events 20
  streamml peek kafka://localhost:9092/events --labels-topic labels
"""
_SHORT: Final = "Show how the first events of a file or topic would be read."
_ALL_PARTITIONS: Final = tuple(range(10_000))  # those that are there
_LETTERS: Final = 100  # then it is enough


@dataclass(frozen=True, slots=True)
class _PeekOptions:
    events: int = option("How many events to show.", metavar="N", default=5, least=1)
    unlabelled: bool = option(
        "Take nothing in the file for a label, as streamml predict does.", default=False
    )


@dataclass(frozen=True, slots=True)
class _Options:
    """The options of the command, as given."""

    source: str
    reading: ReadingOptions = table("Input")
    peek: _PeekOptions = table("Input")
    kafka: Given[Input] = table("Kafka")
    connection: Given[Connection] = table("Security")


@dataclass(slots=True)
class Peeked:
    """The beginning of a source.

    Parameters
    ----------
    source
        As it is once these were read: its schema, columns and notes.
    events
        The first of them; where labels came by themselves there are no features.
    labels_only
        Ids of those.
    letters
        What could not be used among them.
    error
        What the source broke off with.
    """

    source: Source
    events: list[Event] = field(default_factory=list)
    labels_only: set[int | str] = field(default_factory=set)
    letters: list[DeadLetter] = field(default_factory=list)
    error: StreamMLError | None = None


@click.command(cls=Command, epilog=_EXAMPLES, short_help=_SHORT)
@click.argument("source")
@add_options(_Options)
@config_option()
def peek(**values: Any) -> int:
    """Show how the first events of SOURCE would be read: nothing is learned, nothing written.

    SOURCE is a file or kafka://HOST:PORT/TOPIC, with the options that streamml run would have.
    Shown are columns and what becomes of them, what is left out and why, names of labels, the
    first events, and what of them could not be used. Of a topic the oldest records are shown;
    no offset is committed, and no partition is taken from a consumer that runs.
    """
    from rich.console import Console

    from streamml.cli.peek_view import print_peeked

    options = taken(_Options, values)
    with closing(_open(options)) as source:
        found = _read(source, options.peek.events)
        print_peeked(found, Console(highlight=False))
    if found.error is not None:
        say(str(found.error))
        return 2
    return 1 if found.letters and not found.events else 0


with_environment(peek)


def _open(options: _Options) -> Source:
    if not is_kafka(options.source):
        return open_stream(
            options.source, options.reading, seed=1, labelled=not options.peek.unlabelled
        )
    from streamml_connectors import kafka

    servers, topics = kafka.parse_url(options.source)
    what = options.kafka.make(topics, labels=split_names(options.reading.labels) or ())
    aside = replace(  # in no group that anybody is in, and with partitions of its own choice
        what,
        group=f"{what.group}-peek",
        instance=None,
        partitions=what.partitions or _ALL_PARTITIONS,
        until_end=True,
    )
    return kafka.KafkaSource(options.connection.make(servers), aside, say)


def _read(source: Source, n: int) -> Peeked:
    """The first events, as far as there are so many."""
    from streamml.join import Arrivals

    found = Peeked(source)
    while len(found.events) < n and len(found.letters) < _LETTERS:
        try:
            batch = source.next_batch(n - len(found.events))
        except StreamMLError as error:
            found.error, batch = error, None
        found.letters += source.take_dead_letters()
        if batch is None:
            break
        found.events += batch.events()
        if isinstance(batch, Arrivals):
            found.labels_only |= {batch.ids[i] for i in batch.labels_only.nonzero()[0]}
    return found
