"""Offsets that no client hands out, over a broker in memory: markers, aborted records."""

from __future__ import annotations

import pytest

from streamml_connectors.kafka.intake import Intake
from tests.fake_kafka import FakeBroker, events, opened, read, record

ZERO, ONE = ("t", 0), ("t", 1)


@pytest.fixture
def broker(monkeypatch):
    """Committed events with their markers; the second partition ends with an aborted batch."""
    broker = FakeBroker.in_place(monkeypatch, t=2)
    for numbers in ((0, 2), (4,)):
        broker.send("t", 0, events(*numbers))
        broker.mark("t", 0)
    broker.send("t", 1, events(1, 3))
    broker.mark("t", 1, 6)
    return broker


def committed(broker):
    return {p: found.offset for (_, p), found in broker.committed["streamml"].items()}


@pytest.mark.parametrize("fetch", [1, 3, 512])
@pytest.mark.parametrize("until_end", [False, True])
def test_at_the_end_of_a_topic_with_transactions_nothing_is_behind(broker, fetch, until_end):
    broker.fetch = fetch
    source = opened(until_end=until_end)
    assert read(source) == [0, 1, 2, 3, 4]
    assert source.next_batch(9) is None if until_end else len(source.next_batch(9)) == 0
    assert [one.lag for one in source.partitions()] == [0, 0]
    assert source.snapshot()["offsets"] == {"t/0": 5, "t/1": 8}
    source.commit(source.snapshot())
    assert committed(broker) == {0: 5, 1: 8}
    again = opened()
    broker.send("t", 1, events(5))
    assert read(again) == [5]
    assert again.take_dead_letters() == again.problems == []


def test_what_was_not_handed_out_is_not_committed(broker):
    source = opened()
    assert read(source, 1) == [0]
    assert source.snapshot()["offsets"] == {"t/0": 1, "t/1": 0}
    assert [one.lag for one in source.partitions()] == [4, 8]


def test_with_an_end_markers_behind_it_are_not_passed():
    intake = Intake()
    intake.place(ZERO, 2, 4)
    intake.reach(ZERO, 9, until_end=True)
    assert (intake.positions, intake.due) == ({ZERO: 4}, {ZERO: 4})
    intake.reach(ZERO, 3)  # the client was sent back
    intake.reach(ZERO, 9)
    assert (intake.positions, intake.due) == ({ZERO: 9}, {ZERO: 9})


def test_a_position_waits_for_what_is_held():
    intake = Intake()
    intake.place(ZERO, 0, 9)
    intake.place(ONE, 0, 9)
    intake.add(ZERO, [record(b"", offset=0), record(b"", offset=1)])
    intake.reach(ZERO, 5)
    assert (intake.positions[ZERO], intake.due[ZERO]) == (0, 5)
    intake.take(1, ())
    assert intake.positions == {ZERO: 1, ONE: 0}
    intake.take(1, ())
    assert intake.positions == {ZERO: 5, ONE: 0}


def test_only_committed_records_are_read_unless_asked_and_no_topic_is_made(broker):
    opened()
    opened(isolation_level="read_uncommitted")
    levels = [client.options["isolation_level"] for client in broker.clients]
    assert levels == ["read_committed", "read_uncommitted"]
    assert {client.options["allow_auto_create_topics"] for client in broker.clients} == {False}


@pytest.fixture
def open_one(broker):
    """The first partition goes on with a transaction that is open."""
    broker.stable[ZERO] = broker.end(ZERO)
    broker.send("t", 0, events(5, 7))
    return broker


def test_an_open_transaction_holds_up_its_own_partition_alone(open_one):
    source = opened()
    assert read(source) == [0, 1, 2, 3, 4]
    open_one.send("t", 1, events(6, 8))
    assert read(source) == [6, 8]
    assert [one.lag for one in source.partitions()] == [0, 0]  # nothing can be read
    assert source.snapshot()["offsets"] == {"t/0": 5, "t/1": 10}
    del open_one.stable[ZERO]
    assert read(source) == [5, 7]
    assert [one.lag for one in source.partitions()] == [0, 0]


def test_what_came_before_an_open_transaction_is_the_end(open_one):
    source = opened(until_end=True)
    assert read(source) == [0, 1, 2, 3, 4]
    assert source.next_batch(9) is None
    assert source.snapshot()["offsets"] == {"t/0": 5, "t/1": 8}


def test_a_broker_that_does_not_say_where_a_transaction_is_open_is_asked_again(open_one):
    source = opened()
    assert read(source) == [0, 1, 2, 3, 4]
    open_one.away = 1
    open_one.send("t", 0, events(9))
    open_one.stable[ZERO] += 1
    open_one.send("t", 1, events(6))
    assert read(source) == [5, 6]
