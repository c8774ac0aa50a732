"""Predictions and dead letters to topics."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from streamml.errors import ConfigError, DataError
from streamml.io import JSON
from streamml.types import DeadLetter, EventBatch, EventId, Predictions
from streamml_connectors.dead_letters import plain
from streamml_connectors.kafka.client import kafka, make_producer, refused
from streamml_connectors.kafka.settings import Connection
from streamml_connectors.predictions import encoded

__all__ = ["KafkaDeadLetterSink", "KafkaPredictionSink", "key_of"]

_MOST_PENDING: Final = 50_000  # records sent and not known to be stored: bounds memory
_PATIENCE: Final = 5.0  # seconds that a snapshot waits for them
_CLOSING: Final = 2.0


def key_of(event_id: EventId) -> bytes:
    """The key of a record about an event.

    Examples
    --------
    >>> key_of("a"), key_of(17)
    (b'a', b'17')
    """
    return event_id.encode() if isinstance(event_id, str) else b"%d" % event_id


class _Sink:
    """Sends records to one topic, and knows when all of them are stored.

    Parameters
    ----------
    connection
        The cluster.
    topic
        It must exist, or the brokers must make it.
    **options
        Of kafka-python's producer.

    Raises
    ------
    DataError
        The cluster cannot be reached.
    ConfigError
        There is no such topic.
    """

    def __init__(self, connection: Connection, topic: str, **options: Any) -> None:
        self.topic = topic
        self._producer = make_producer(connection, **options)
        self._pending: list[Any] = []  # what the client promised, since the last flush
        self._partition: int | None = None
        self._closed = False
        try:
            with refused(f"The topic {topic} cannot be written to"):
                there = self._producer.partitions_for(topic)
        except DataError as error:
            self.close()
            raise ConfigError(f"There is no topic {topic} to write to: create it.") from error
        if not there:
            self.close()
            raise ConfigError(f"There is no topic {topic} to write to: create it.")
        self._look_up()

    def _look_up(self) -> None:
        # Of one partition the client need not compute which: that takes a sixth of a send.
        there = self._producer.partitions_for(self.topic)
        self._partition = 0 if there == {0} else None

    def _send(self, key: bytes | None, value: bytes) -> None:
        try:
            promise = self._producer.send(
                self.topic, key=key, value=value, partition=self._partition
            )
        except kafka().errors.KafkaError as error:
            raise DataError(
                f"A record for the topic {self.topic} cannot be sent ({error})."
            ) from error
        self._pending.append(promise)

    def _sent(self) -> None:
        """Called after some records: keeps what is pending bounded."""
        if len(self._pending) >= _MOST_PENDING:
            self.flush(60 * _PATIENCE)

    def flush(self, seconds: float = _PATIENCE) -> None:
        """Wait until all that was sent is stored by the brokers.

        Raises
        ------
        DataError
            That took longer, or a record was refused.
        """
        try:
            self._producer.flush(timeout=seconds)
        except kafka().errors.KafkaError:
            raise DataError(
                f"The topic {self.topic} took no records for {seconds:g} s: are its brokers up?"
            ) from None
        pending, self._pending = self._pending, []
        failure = next((one.exception for one in pending if one.failed()), None)
        if failure is not None:
            raise DataError(f"The topic {self.topic} refused a record ({failure}).")
        self._look_up()

    def snapshot(self) -> Mapping[str, JSON]:
        """Nothing to keep; once this returns, the brokers have stored all that was sent."""
        self.flush()
        return {}

    def restore(self, snapshot: Mapping[str, JSON]) -> None:
        """Nothing to do: what was sent after a snapshot is sent again."""

    def close(self) -> None:
        """Send what is left, as far as that goes in a moment; safe to call twice."""
        if self._closed:
            return
        self._closed = True
        until = time.monotonic() + _CLOSING
        try:
            self._producer.flush(timeout=_CLOSING)
        except kafka().errors.KafkaError:
            pass  # it was part of no snapshot: it is made again after the next start
        self._producer.close(timeout=max(until - time.monotonic(), 0.1))


class KafkaPredictionSink(_Sink):
    """Sends a JSON object per event, with the event's id as key: ``id``, ``labels``, ``scores``.

    At least once: after a crash the predictions made since the last snapshot are made and
    sent again; the last one with a key counts (a compacted topic keeps only that).
    """

    def write(self, batch: EventBatch, predictions: Predictions) -> None:
        """Send one record an event."""
        for event_id, line in zip(batch.ids, encoded(batch, predictions), strict=True):
            self._send(key_of(event_id), line)
        self._sent()


class KafkaDeadLetterSink(_Sink):
    """Sends a JSON object per dead letter, with its position as key.

    ``reason``, ``detail``, ``position``, and ``raw`` (text) or ``raw_base64``. At least
    once, as predictions.
    """

    def write(self, letters: Sequence[DeadLetter]) -> None:
        """Send one record a letter."""
        for letter in letters:
            self._send(letter.position.encode(), msgspec.json.encode(plain(letter)))
        self._sent()
