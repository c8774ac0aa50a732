"""Records of several partitions in one order: what is held, what waits, and what comes first."""

from types import SimpleNamespace

import pytest

from streamml_connectors.kafka.merge import Merger


def records(topic, partition, *timestamps):
    return [SimpleNamespace(topic=topic, partition=partition, timestamp=t) for t in timestamps]


def order(found):
    return [(r.timestamp, r.topic, r.partition) for r in found]


@pytest.fixture
def merger():
    merger = Merger()
    merger.add("a0", records("a", 0, 1, 4))
    merger.add("b0", records("b", 0, 2))
    merger.add("b0", records("b", 0, 3))
    return merger


def test_what_is_held_is_counted(merger):
    assert [merger.held(key) for key in ("a0", "b0", "c0")] == [2, 2, 0]
    assert len(merger) == 4
    merger.take(1, unread=())
    assert (merger.held("a0"), len(merger)) == (1, 3)
    merger.clear()
    assert (merger.held("a0"), len(merger)) == (0, 0)
    assert merger.take(9, unread=()) == []


@pytest.mark.parametrize("n", range(6))
def test_at_most_as_many_are_taken_as_asked_and_the_rest_stays(merger, n):
    whole = [(1, "a", 0), (2, "b", 0), (3, "b", 0), (4, "a", 0)]
    assert order(merger.take(n, unread=())) == whole[:n]
    assert order(merger.take(9, unread=())) == whole[n:]


def test_equal_times_go_by_topic_and_partition_and_each_partition_in_its_own_order():
    merger = Merger()
    merger.add("b1", records("b", 1, 5, 5))
    merger.add("b0", records("b", 0, 5, 3))  # its second is older: it waits behind the first
    merger.add("a1", records("a", 1, 5, 5))
    assert order(merger.take(9, unread=())) == [
        (5, "a", 1), (5, "a", 1), (5, "b", 0), (3, "b", 0), (5, "b", 1), (5, "b", 1),
    ]  # fmt: skip


def test_no_partition_with_records_to_come_is_overtaken(merger):
    assert merger.take(9, unread={"c0"}) == []  # nothing of it was fetched yet
    assert len(merger) == 4
    assert order(merger.take(9, unread={"b0"})) == [(1, "a", 0), (2, "b", 0), (3, "b", 0)]
    assert merger.take(9, unread={"b0"}) == []  # its next one may be older than 4
    assert order(merger.take(9, unread={"a0"})) == [(4, "a", 0)]


def test_one_alone_is_taken_to_its_end():
    merger = Merger()
    merger.add("a0", records("a", 0, 7, 6, 8))
    assert order(merger.take(9, unread={"a0"})) == [(7, "a", 0), (6, "a", 0), (8, "a", 0)]
