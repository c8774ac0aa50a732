"""Any source of events sent to topics: the other end of the consumer, to try it with a file."""

from __future__ import annotations

import time
import zlib
from collections.abc import Iterable
from typing import Any

import msgspec

from streamml.errors import ConfigError, ContractError
from streamml.types import Event, EventId, PartialLabels
from streamml_connectors.kafka.client import kafka, make_producer, refused
from streamml_connectors.kafka.settings import Connection
from streamml_connectors.kafka.sinks import key_of

__all__ = ["Producer", "event_json", "labels_json"]

_FLUSH = 300.0


def event_json(event: Event, with_labels: bool = True) -> bytes:
    """An event as JSON: ``id``, ``timestamp``, ``x`` and, where it is known, ``y``.

    One whose features are all zeros that a file leaves out has an empty ``x``, and
    ``"sparse": true`` says that this is no mistake.

    Examples
    --------
    >>> event_json(Event("a", 1.0, {"f": 0.5}, frozenset({"sun"})))
    b'{"id":"a","timestamp":1.0,"x":{"f":0.5},"y":["sun"]}'
    """
    found: dict[str, Any] = {"id": event.id, "timestamp": event.timestamp, "x": event.x}
    if not event.x:
        found["sparse"] = True
    if with_labels and event.y is not None:
        found["y"] = _labels(event)
    return msgspec.json.encode(found)


def labels_json(event: Event) -> bytes:
    """The labels of an event as JSON: ``id`` and ``y``."""
    return msgspec.json.encode({"id": event.id, "y": _labels(event)})


def _labels(event: Event) -> Any:
    if isinstance(event.y, PartialLabels):
        return {"positive": sorted(event.y.positive), "negative": sorted(event.y.negative)}
    return sorted(event.y or ())


class Producer:
    """Sends events to a topic, and labels to another one.

    Records get timestamps so that a merge by (timestamp, topic, partition) gives them back
    in the order they were sent: now, or a millisecond behind the one before where now
    would be out of order.

    Parameters
    ----------
    connection, topic, labels_topic
        Where to; without a labels topic events bring their labels.

    Raises
    ------
    DataError, ConfigError
        The cluster cannot be reached, or a topic is not there.
    """

    def __init__(self, connection: Connection, topic: str, labels_topic: str | None = None) -> None:
        self._producer = make_producer(connection, linger_ms=20)
        self._topic, self._labels_topic = topic, labels_topic
        self._last: tuple[int, str, int] = (0, "", 0)
        self._partitions: dict[str, int] = {}
        self._failure: BaseException | None = None
        self._unsent = 0
        for name in (topic, labels_topic):
            if name is None:
                continue
            with refused(f"The topic {name} cannot be looked up"):
                there = self._producer.partitions_for(name)
            if not there:
                self._producer.close(timeout=1)
                raise ConfigError(f"There is no topic {name}: create it.")
            self._partitions[name] = len(there)

    def send_events(self, events: Iterable[Event]) -> None:
        """Send events; with their labels where there is no topic for those."""
        for event in events:
            self._send(self._topic, event.id, event_json(event, self._labels_topic is None))

    def send_labels(self, events: Iterable[Event]) -> None:
        """Send the labels of events that have some.

        Raises
        ------
        ContractError
            There is no topic for labels: they went with their events.
        """
        if self._labels_topic is None:
            raise ContractError("Labels went with their events: name a topic for them.")
        for event in events:
            if event.y is not None:
                self._send(self._labels_topic, event.id, labels_json(event))

    def _send(self, topic: str, event_id: EventId, value: bytes) -> None:
        key = key_of(event_id)
        partition = zlib.crc32(key) % self._partitions[topic]
        moment = max(int(time.time() * 1000), self._last[0])
        if (moment, topic, partition) < self._last:
            moment += 1
        self._last = (moment, topic, partition)
        with refused(f"A record for the topic {topic} cannot be sent"):
            future = self._producer.send(
                topic, value=value, key=key, partition=partition, timestamp_ms=moment
            )
        future.add_errback(self._note)
        self._unsent += 1
        if self._unsent >= 50_000:
            self.flush()

    def _note(self, failure: BaseException) -> None:
        self._failure = failure

    def flush(self) -> None:
        """Wait until the brokers have stored all of it.

        Raises
        ------
        DataError
            They did not.
        """
        with refused("The records were not stored"):
            self._producer.flush(timeout=_FLUSH)
            if self._failure is not None:
                failure, self._failure = self._failure, None
                error = failure if isinstance(failure, kafka().errors.KafkaError) else None
                raise error or kafka().errors.KafkaError(str(failure))
        self._unsent = 0

    def close(self) -> None:
        """Send what is left and close."""
        self._producer.close(timeout=_FLUSH)
