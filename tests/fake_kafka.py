"""A small broker in memory, and the client of it that a source talks to: no JVM, no threads.

It keeps what matters for positions: logs with a beginning and an end, offsets that groups
have committed and by whom, partitions that come and go while somebody polls.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterable
from types import SimpleNamespace

import pytest
from kafka import OffsetAndMetadata, TopicPartition
from kafka.errors import (
    CommitFailedError,
    KafkaTimeoutError,
    NoOffsetForPartitionError,
    OffsetOutOfRangeError,
)

from streamml.types import Event
from streamml_connectors.kafka import Connection, Input, KafkaSource
from streamml_connectors.kafka.produce import event_json


def record(value, topic="t", partition=0, offset=0, timestamp=0, key=None):
    return SimpleNamespace(
        value=value, topic=topic, partition=partition, offset=offset, timestamp=timestamp, key=key
    )


class FakeBroker:
    """Topics with so many partitions each."""

    def __init__(self, **topics: int) -> None:
        self.topics = topics
        self.logs = {TopicPartition(t, p): [] for t, n in topics.items() for p in range(n)}
        self.begins = dict.fromkeys(self.logs, 0)
        self.ids: dict[str, str] = {}
        """What tells a topic from another one of its name."""
        self.told: dict[str, str] = {}
        """The ids as clients know them where they know old ones."""
        self.committed: dict[str, dict[TopicPartition, OffsetAndMetadata]] = defaultdict(dict)
        self.clients: list[FakeClient] = []
        self.fetch = 512
        """How many records of a partition a fetch brings at most."""
        self.admins = 0
        """How many clients for questions about topics are open."""
        self.stable: dict[TopicPartition, int] = {}
        """Where the first open transaction of a log begins."""
        self.away = 0
        """How many questions to come find no leader."""

    @classmethod
    def in_place(cls, monkeypatch: pytest.MonkeyPatch, **topics: int) -> FakeBroker:
        """A broker that is there wherever a source connects to."""
        broker = cls(**topics)
        monkeypatch.setattr("streamml_connectors.kafka.source.make_consumer", broker.client)
        monkeypatch.setattr("streamml_connectors.kafka.placing.make_admin", broker.admin)
        return broker

    def filled(self, n: int) -> FakeBroker:
        """With so many events, which go round the partitions of each topic."""
        for topic, number in self.topics.items():
            for p in range(number):
                self.send(topic, p, events(*range(p, n, number)))
        return self

    def client(self, _connection: object, **options: object) -> FakeClient:
        """In place of ``make_consumer``."""
        self.clients.append(FakeClient(self, options))
        return self.clients[-1]

    def send(self, topic: str, partition: int, events: Iterable[Event]) -> None:
        """Events at the end of a log; their timestamps are the records', in seconds."""
        log = self.logs[TopicPartition(topic, partition)]
        for event in events:
            when = int(event.timestamp * 1000)
            log.append(record(event_json(event), topic, partition, len(log), when))

    def tombstones(self, topic: str, partition: int, n: int) -> None:
        """Records without a value at the end of a log."""
        log = self.logs[TopicPartition(topic, partition)]
        log += [record(None, topic, partition, len(log) + k) for k in range(n)]

    def mark(self, topic: str, partition: int, n: int = 1) -> None:
        """Offsets at the end of a log that no client hands out: markers, aborted records."""
        self.logs[TopicPartition(topic, partition)] += [None] * n

    def admin(self, _connection: object) -> SimpleNamespace:
        """In place of ``make_admin``."""
        self.admins += 1
        return SimpleNamespace(
            describe_topics=lambda topics: [{"topic_id": self.ids.get(one)} for one in topics],
            close=self._admin_closed,
        )

    def _admin_closed(self) -> None:
        self.admins -= 1

    def end(self, partition: TopicPartition) -> int:
        return len(self.logs[partition])

    def make_anew(self, topic: str, *, told: bool = True) -> None:
        """Delete a topic, and make another one of that name; clients hear of it at once or not."""
        if not told:
            self.told[topic] = self.ids[topic]
        self.ids[topic] = f"not {self.ids.get(topic)}"
        for partition in self.logs:
            if partition.topic == topic:
                self.logs[partition], self.begins[partition] = [], 0


class FakeClient:
    """As much of kafka-python's consumer as a source asks of it."""

    def __init__(self, broker: FakeBroker, options: dict[str, object]) -> None:
        self.broker, self.options = broker, options
        self.fetches_again = 0
        """How many records before the position the next fetch brings once more."""
        self.closed = False
        self._listener = None
        self._paused: set[TopicPartition] = set()
        self._seen: dict[TopicPartition, int] = {}  # ends, as the last fetch told them
        self._coming: list[tuple[str, list[TopicPartition]]] = []
        self._cluster = SimpleNamespace(topic_id=self._topic_id)
        self._subscription = SimpleNamespace(assignment={})
        self._manager = SimpleNamespace(_conns={})
        self._coordinator = SimpleNamespace(request_rejoin=lambda: None)

    def _topic_id(self, topic: str) -> str | None:
        return self.broker.told.get(topic, self.broker.ids.get(topic))

    # -- what happens to it: at its next poll ------------------------------------------

    def rebalance(self, *partitions: tuple[str, int]) -> None:
        """All partitions go, after it was asked, and these come."""
        self._coming.append(("revoked", [TopicPartition(*one) for one in partitions]))

    def cut_off(self, *partitions: tuple[str, int]) -> None:
        """All partitions are gone, without asking, and then these come."""
        self._coming.append(("lost", [TopicPartition(*one) for one in partitions]))

    def _rebalance(self, how: str, partitions: list[TopicPartition]) -> None:
        before = list(self._subscription.assignment)
        if how == "lost":
            self._subscription.assignment.clear()
        asyncio.run(getattr(self._listener, f"on_partitions_{how}")(before))
        self.assign(partitions)
        asyncio.run(self._listener.on_partitions_assigned(partitions))

    # -- the group ---------------------------------------------------------------------

    def partitions_for_topic(self, topic: str) -> set[int]:
        return set(range(self.broker.topics.get(topic, 0)))

    def subscribe(self, topics: list[str], listener: object) -> None:
        self._listener = listener
        self.rebalance(*(p for p in self.broker.logs if p.topic in topics))

    def assign(self, partitions: list[TopicPartition]) -> None:
        self._paused.clear()
        self._seen.clear()
        self._subscription.assignment.clear()
        for one in partitions:
            self._subscription.assignment[one] = SimpleNamespace(position=None)

    def committed(self, partition, metadata, timeout_ms):
        self._answer()
        assert metadata
        return self._offsets.get(partition)

    def commit(self, offsets, timeout_ms=None):
        if not offsets.keys() <= self._subscription.assignment.keys():
            raise CommitFailedError
        self._offsets.update(offsets)

    async def commit_async(self, offsets):
        self.commit(offsets)

    @property
    def _offsets(self) -> dict[TopicPartition, OffsetAndMetadata]:
        return self.broker.committed[self.options["group_id"]]

    # -- the log -----------------------------------------------------------------------

    def _answer(self) -> None:
        if self.broker.away:
            self.broker.away -= 1
            raise KafkaTimeoutError

    def end_offsets(self, partitions, timeout_ms):
        self._answer()
        return {one: self.broker.stable.get(one, self.broker.end(one)) for one in partitions}

    def beginning_offsets(self, partitions, timeout_ms):
        return {one: self.broker.begins[one] for one in partitions}

    def highwater(self, partition):
        return self._seen.get(partition)

    # -- reading -----------------------------------------------------------------------

    def pause(self, *partitions):
        self._paused.update(partitions)

    def resume(self, *partitions):
        self._paused.difference_update(partitions)

    def paused(self):
        return set(self._paused)

    def seek(self, partition, offset):
        state = self._subscription.assignment[partition]
        state.position = SimpleNamespace(offset=offset)

    def poll(self, timeout_ms, max_records):
        while self._coming:
            self._rebalance(*self._coming.pop(0))
        reading = {p: s for p, s in self._subscription.assignment.items() if p not in self._paused}
        for partition, state in reading.items():  # before anything is fetched
            self._check(partition, state.position)
        found = {}
        for partition, state in reading.items():
            most = min(self.broker.fetch, max_records)
            last = self.broker.stable.get(partition, self.broker.end(partition))
            most = min(most, last - state.position.offset)
            entries = self._fetch(partition, state.position.offset, most)
            self.seek(partition, state.position.offset + most)
            if records := [one for one in entries if one is not None]:
                found[partition] = records
        self.fetches_again = 0
        return found

    def _check(self, partition, position):
        if position is None:
            raise NoOffsetForPartitionError(partition)
        if not self.broker.begins[partition] <= position.offset <= self.broker.end(partition):
            raise OffsetOutOfRangeError({partition: position.offset})

    def _fetch(self, partition, offset, most):
        self._seen[partition] = self.broker.end(partition)
        start = max(offset - self.fetches_again, self.broker.begins[partition])
        return self.broker.logs[partition][start : offset + most]

    def close(self, autocommit, timeout_ms):
        assert not autocommit
        self.closed = True


# -- a source of it ---------------------------------------------------------------------


def events(*numbers):
    """Events that bring their labels, a second apart, named by their number."""
    return [Event(k, float(k), {f"f{k % 3}": 1.0}, frozenset({f"l{k % 2}"})) for k in numbers]


def opened(**options):
    problems = []
    source = KafkaSource(Connection("b:9092"), Input(("t",), **options), problems.append)
    source.problems = problems
    return source


def read(source, n=10**6):
    """Ids of the next ``n`` events, or of those that come until nothing does."""
    found, silent = [], 0
    while len(found) < n and silent < 2:
        batch = source.next_batch(n - len(found))
        if batch is None:
            break
        found += batch.ids
        silent = 0 if len(batch) else silent + 1
    return found
