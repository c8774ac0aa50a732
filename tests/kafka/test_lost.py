"""Records that are gone from a log, over a broker in memory: said, counted, gone on."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from kafka import TopicPartition

from streamml_connectors.kafka import Connection, Input
from streamml_connectors.kafka.lost import found_again
from streamml_connectors.kafka.placing import Placing
from tests.fake_kafka import FakeBroker, events, opened, read

ZERO, ONE = ("t", 0), ("t", 1)


@pytest.fixture
def broker(monkeypatch):
    """A topic with two partitions: events 0, 2, 4, ... and 1, 3, 5, ..., twenty in all."""
    return FakeBroker.in_place(monkeypatch, t=2).filled(20)


@pytest.mark.parametrize(
    ("due", "begin", "end", "goes_on", "said"),
    [
        (0, 0, 0, 0, None),
        (5, 5, 9, 5, None),
        (9, 5, 9, 9, None),
        (4, 5, 9, 5, "1 records of t/0 from offset 4 on were deleted"),
        (10, 5, 9, 9, "ends at offset 9, before 10"),
    ],
)
def test_where_a_log_goes_on(due, begin, end, goes_on, said):
    offset, what = found_again("t/0", due, begin, end, anew=False)
    assert offset == goes_on
    assert (what is None) is (said is None)
    assert said is None or said in what


@pytest.mark.parametrize(("due", "cut", "goes_on"), [(8, 5, 5), (12, 11, 10), (12, None, 10)])
def test_a_log_that_was_cut_off_goes_on_at_the_cut(broker, due, cut, goes_on):
    one, other, problems = TopicPartition(*ZERO), TopicPartition(*ONE), []
    client = broker.client(None, group_id="g")
    placing = Placing(Connection("b:9092"), client, Input(("t",)), problems.append)
    cuts = {one: None if cut is None else SimpleNamespace(offset=cut)}
    assert placing.find_again({one: due, other: 3}, cuts) == {one: (goes_on, 10)}
    assert [f"ends at offset {goes_on}, before {due}" in said for said in problems] == [True]
    (letter,) = placing.take_letters()
    assert (letter.position, letter.detail) == (f"t/0/{goes_on}", problems[0])


def test_records_deleted_before_they_were_read_are_said_and_the_rest_is_read(broker):
    source = opened()
    read(source, 4)
    stored = source.snapshot()
    broker.begins[ZERO] = 5
    broker.begins[ONE] = 2
    again = opened()
    again.restore(stored)
    assert read(again) == [5, 7, 9, *range(10, 20)]
    (letter,) = again.take_dead_letters()
    assert (letter.reason, letter.position) == ("records_lost", "t/0/5")
    assert again.problems == [letter.detail]
    assert "3 records of t/0 from offset 2 on were deleted" in letter.detail


@pytest.mark.parametrize("told", [True, False])
def test_a_topic_made_anew_is_read_from_its_beginning(broker, told):
    """Of both partitions, once, and whenever the client hears of it."""
    broker.ids["t"] = "first"
    source = opened()
    assert read(source) == [*range(20)]
    broker.make_anew("t", told=told)
    broker.send("t", 0, events(100, 102, 104))
    broker.send("t", 1, events(101))
    assert read(source) == [100, 101, 102, 104]
    broker.told.clear()
    broker.send("t", 0, events(106))
    assert read(source) == [106]
    assert broker.admins == 0
    assert [letter.reason for letter in source.take_dead_letters()] == ["records_lost"] * 2
    assert all("was made anew" in problem for problem in source.problems)
    broker.make_anew("t")  # once more, and longer than what was read of the one before
    for p in (0, 1):
        broker.send("t", p, events(*range(200 + p, 220, 2)))
    assert read(source) == [*range(200, 220)]


def test_a_topic_whose_id_is_not_known_for_a_while_is_read_on(broker):
    broker.fetch = 1  # so that each read polls
    broker.ids["t"] = "first"
    source = opened()
    assert read(source, 5) == [0, 1, 2, 3, 4]
    broker.ids.clear()
    assert read(source, 5) == [5, 6, 7, 8, 9]
    broker.ids["t"] = "first"
    assert read(source) == [*range(10, 20)]
    assert source.problems == []


@pytest.mark.parametrize("away", [1, 2, 3])
def test_a_topic_made_anew_whose_leader_is_away_is_waited_for(broker, away):
    broker.ids["t"] = "first"
    source = opened()
    read(source)
    broker.make_anew("t")
    broker.send("t", 1, events(101))
    broker.away = away
    assert read(source) == [101]


@pytest.mark.parametrize("told", [True, False])
def test_a_topic_made_anew_while_nobody_read_is_read_from_its_beginning(broker, told):
    broker.ids["t"] = "first"
    source = opened()
    read(source)
    stored = source.snapshot()
    broker.make_anew("t", told=told)
    for p in (0, 1):
        broker.send("t", p, events(*range(100 + p, 106, 2)))
    again = opened()
    again.restore(stored)
    assert read(again) == [*range(100, 106)]
    broker.told.clear()
    assert read(again) == []
    assert all("was made anew" in problem for problem in again.problems)
