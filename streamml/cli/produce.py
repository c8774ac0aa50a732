"""``streamml produce``: send any file of events to Kafka, labels at once or later."""

from __future__ import annotations

import math
from collections import Counter, deque
from typing import TYPE_CHECKING, Any

import click

from streamml.cli import words
from streamml.cli.config import config_option, with_environment
from streamml.cli.kafka import ConnectionOptions, connection_options, is_kafka
from streamml.cli.saying import say
from streamml.errors import ConfigError

if TYPE_CHECKING:
    from streamml.evaluate.delay import ArrivalClock
    from streamml.io import Source
    from streamml.io.pacing import Pace
    from streamml.types import Event, EventBatch
    from streamml_connectors.kafka import Producer

__all__ = ["produce"]


@click.command()
@click.argument("file")
@click.argument("target", metavar="kafka://HOST:PORT/TOPIC")
@click.option("--labels-topic", metavar="TOPIC", help="Send labels here, not with the events.")
@click.option(
    "--label-delay",
    metavar="D",
    default="0",
    help="Send labels later: 100 or 100events, or event time as 30s, 5m, 2h.",
)
@click.option("--rate", metavar="R", help="R events a second; x10: original timestamps.")
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="Stop after N events.")
@click.option("--labels", metavar="A,B,C", help="Names of the columns that are labels.")
@click.option("--label-list", metavar="COLUMN", help="The column that lists an event's labels.")
@click.option("--xml", metavar="FILE", help="Mulan's XML file that names the labels.")
@click.option(
    "--order",
    type=click.Choice(["natural", "shuffled"]),
    default="natural",
    show_default=True,
    help="Shuffled: always the same permutation of the rows.",
)
@config_option()
@connection_options
def produce(**options: Any) -> int:
    """Send the events of FILE (or of `demo`, the built-in stream) to a topic.

    Each goes out as {"id": ..., "timestamp": ..., "x": {...}, "y": [...]}; with
    --labels-topic "y" is left out, and {"id": ..., "y": [...]} follows there.
    """
    from streamml.cli.options import open_stream, parse_delay, parse_rate
    from streamml_connectors.kafka import Producer, parse_url

    connection = ConnectionOptions.pop_from(options)
    if not is_kafka(options["target"]):
        raise ConfigError(f"{options['target']} is no topic: write kafka://HOST:PORT/TOPIC.")
    servers, topics = parse_url(options["target"])
    if len(topics) > 1:
        raise ConfigError("Events go to one topic: name one.")
    delay = parse_delay(options["label_delay"])
    assert delay is not None
    if (delay.events or delay.seconds) and options["labels_topic"] is None:
        raise ConfigError("--label-delay needs --labels-topic: labels go there when they are due.")
    pace = parse_rate(options["rate"], options["order"])
    source = open_stream(
        None if options["file"] == "demo" else options["file"],
        labels=options["labels"],
        label_list=options["label_list"],
        xml=options["xml"],
        order=options["order"],
        seed=1,
    )
    from streamml.evaluate.delay import ArrivalClock

    left_out: Counter[str] = Counter()
    producer = Producer(connection.connection(servers), topics[0], options["labels_topic"])
    try:
        sent = _send(source, pace, producer, ArrivalClock(delay), options, left_out)
        producer.flush()
    finally:
        source.close()
        producer.close()
    say(f"{sent} events sent to {options['target']}")
    if left_out:
        why = words.counts(left_out)
        say(f"rows of {options['file']} that could not be used were left out: {why}")
    return 0


with_environment(produce)


def _send(
    source: Source,
    pace: Pace,
    producer: Producer,
    clock: ArrivalClock,
    options: dict[str, Any],
    left_out: Counter[str],
) -> int:
    """Send all; gives how many were sent, and counts rows that cannot be by their reason."""
    from streamml.io.pacing import SystemClock

    left, sent, apart = options["limit"] or math.inf, 0, options["labels_topic"] is not None
    waiting: deque[tuple[float, Event]] = deque()
    time = SystemClock()
    while sent < left:
        batch = pace.next_batch(source, int(min(500, left - sent)), time, lambda: False)
        left_out.update(letter.reason for letter in source.take_dead_letters())
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
