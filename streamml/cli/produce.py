"""``streamml produce``: send any file of events to Kafka, labels at once or later."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from streamml.cli import words
from streamml.cli.config import config_option, with_environment
from streamml.cli.kafka import is_kafka
from streamml.cli.notes import Notes
from streamml.cli.options import ReadingOptions
from streamml.cli.saying import say
from streamml.cli.tables import Command, Given, add_options, table, taken
from streamml.errors import ConfigError
from streamml.types.letters import LetterCounts
from streamml_connectors.kafka.settings import Connection
from streamml_connectors.options import option

if TYPE_CHECKING:
    from streamml.evaluate.delay import ArrivalClock
    from streamml.io import Source
    from streamml.io.pacing import Pace
    from streamml.types import Event, EventBatch
    from streamml_connectors.kafka import Producer

__all__ = ["SendOptions", "produce"]


@dataclass(frozen=True, slots=True)
class _Reading(ReadingOptions):
    """No topic is read here."""

    labels: str | None = option("Names of the columns that are labels.", metavar="A,B,C")


@dataclass(frozen=True, slots=True)
class SendOptions:
    """What is sent, where and when."""

    labels_topic: str | None = option("Send labels here, not with the events.", metavar="TOPIC")
    label_delay: str | None = option(
        "Send labels later: 100 or 100events, or event time as 30s, 5m, 2h.", metavar="D"
    )
    rate: str | None = option("R events a second; x10: original timestamps.", metavar="R")
    limit: int | None = option("Stop after N events.", metavar="N", least=1)


@dataclass(frozen=True, slots=True)
class _Options:
    """The options of the command, as given."""

    file: str
    target: str
    reading: _Reading = table("Input")
    send: SendOptions = table("Output")
    connection: Given[Connection] = table("Security")


@click.command(cls=Command, short_help="Send the events of a file to a Kafka topic.")
@click.argument("file")
@click.argument("target", metavar="kafka://HOST:PORT/TOPIC")
@add_options(_Options)
@config_option()
def produce(**values: Any) -> int:
    """Send the events of FILE (or of `demo`, the built-in stream) to a topic.

    Each goes out as {"id": ..., "timestamp": ..., "x": {...}, "y": [...]}; with
    --labels-topic "y" is left out, and {"id": ..., "y": [...]} follows there.
    """
    from streamml.cli.options import check_times, open_stream, parse_delay, parse_rate
    from streamml_connectors.kafka import Producer, parse_url

    options = taken(_Options, values)
    send = options.send
    if not is_kafka(options.target):
        raise ConfigError(f"{options.target} is no topic: write kafka://HOST:PORT/TOPIC.")
    servers, topics = parse_url(options.target)
    if len(topics) > 1:
        raise ConfigError("Events go to one topic: name one.")
    delay = parse_delay("0" if send.label_delay is None else send.label_delay)
    assert delay is not None
    if (delay.events or delay.seconds) and send.labels_topic is None:
        raise ConfigError("--label-delay needs --labels-topic: labels go there when they are due.")
    pace = parse_rate(send.rate, options.reading.order)
    file = None if options.file == "demo" else options.file
    source = open_stream(file, options.reading, seed=1)
    from streamml.evaluate.delay import ArrivalClock

    check_times(source, "--label-delay", send.label_delay)
    check_times(source, "--rate", send.rate)
    left_out, notes = LetterCounts(), Notes(source)
    notes.tell()
    producer = Producer(options.connection.make(servers), topics[0], send.labels_topic)
    try:
        sent = _send(source, pace, producer, ArrivalClock(delay), send, left_out)
        producer.flush()
    finally:
        source.close()
        producer.close()
    notes.tell()
    say(f"{sent} events sent to {options.target}")
    if left_out:
        why = words.counts(left_out) + words.first_text(left_out.first)
        say(f"rows of {options.file} that could not be used were left out: {why}")
    return 1 if left_out and not sent else 0


with_environment(produce)


def _send(
    source: Source,
    pace: Pace,
    producer: Producer,
    clock: ArrivalClock,
    options: SendOptions,
    left_out: LetterCounts,
) -> int:
    """Send all; gives how many were sent, and counts rows that cannot be by their reason."""
    from streamml.io.pacing import SystemClock

    left, sent, apart = options.limit or math.inf, 0, options.labels_topic is not None
    waiting: deque[tuple[float, Event]] = deque()
    time = SystemClock()
    while sent < left:
        batch = pace.next_batch(source, int(min(500, left - sent)), time, lambda: False)
        left_out.add(source.take_dead_letters())
        if batch is None:
            break
        sent += len(batch)
        if not len(batch):
            continue
        if apart:
            _send_apart(batch, producer, clock, waiting)
        else:
            producer.send_events(batch.events())
    if apart:
        producer.send_labels(event for _, event in waiting)
    return sent


def _send_apart(
    batch: EventBatch,
    producer: Producer,
    clock: ArrivalClock,
    waiting: deque[tuple[float, Event]],
) -> None:
    """Send events, and between them the labels that are due before each."""
    part = clock.admit(batch)
    for event, now, due in zip(batch.events(), part.now.tolist(), part.due.tolist(), strict=True):
        while waiting and waiting[0][0] <= now:
            producer.send_labels([waiting.popleft()[1]])
        producer.send_events([event])
        waiting.append((due, event))
