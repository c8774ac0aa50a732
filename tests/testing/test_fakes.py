"""The fakes keep the contracts they stand for."""

from __future__ import annotations

import inspect

import pytest

from streamml.errors import ContractError, DataError
from streamml.io import Committing, DeadLetterSink, InputLost, PredictionSink, Source
from streamml.pacing import Clock
from streamml.streams import DemoStream
from streamml.testing import (
    AbortingSource,
    CommittingSource,
    EventSource,
    MemoryDeadLetters,
    MemoryPredictions,
    SettableClock,
)
from streamml.types import Event, Schema

EVENTS = [Event(i, float(i), {"f": 1.0}, frozenset()) for i in range(5)]


@pytest.mark.parametrize(
    ("fake", "protocol"),
    [
        (EventSource, Source),
        (AbortingSource, Source),
        (CommittingSource, Source),
        (CommittingSource, Committing),
        (MemoryPredictions, PredictionSink),
        (MemoryDeadLetters, DeadLetterSink),
        (SettableClock, Clock),
    ],
)
def test_they_are_called_as_what_they_play(fake, protocol):
    methods = {n: f for n, f in vars(protocol).items() if inspect.isfunction(f) and n[0] != "_"}
    assert methods
    for name, method in methods.items():
        wanted, found = inspect.signature(method), inspect.signature(getattr(fake, name))
        assert list(found.parameters) == list(wanted.parameters), name
        assert found.return_annotation == wanted.return_annotation, name
    there = set(dir(fake)) | set(inspect.get_annotations(fake.__init__))
    properties = {n for n, p in vars(protocol).items() if isinstance(p, property)}
    assert properties <= there


@pytest.mark.parametrize(
    ("make", "name", "length"),
    [
        (lambda: EventSource(EVENTS), "memory", 5),
        (lambda: AbortingSource(EventSource(EVENTS), 9), "memory", 5),
        (lambda: CommittingSource([EVENTS[:3], EVENTS[3:]]), "log in memory", None),
    ],
)
def test_sources_resume_behind_the_last_event(make, name, length):
    source, again = make(), make()
    assert source.next_batch(2).ids == [0, 1]
    again.restore(source.snapshot())
    assert again.next_batch(9).ids == [2, 3, 4]
    assert again.next_batch(9) is None
    assert (again.name, again.length, len(again.schema.features)) == (name, length, 1)
    assert again.take_dead_letters() == []
    again.close()


@pytest.mark.parametrize("position", [{}, {"position": "3"}, {"position": -1}, {"position": 6}])
def test_what_is_no_position_in_a_list_is_refused(position):
    with pytest.raises(DataError, match="is no position here"):
        EventSource(EVENTS).restore(position)


# -- a log that others share --------------------------------------------------------------


def test_a_log_is_read_in_the_order_of_its_timestamps_and_says_how_far_it_is_behind():
    source = CommittingSource([EVENTS[1::2], EVENTS[::2], []], assigned=[0, 1])
    assert [p.lag for p in source.partitions()] == [2, 3]
    assert source.next_batch(4).ids == [0, 1, 2, 3]
    assert [(p.partition, p.lag) for p in source.partitions()] == [(0, 0), (1, 1)]


def test_what_cannot_be_used_in_a_log_is_a_dead_letter_and_is_passed():
    source = CommittingSource([[EVENTS[0], Event("bad", 0.5, {}), EVENTS[1]]])
    assert source.next_batch(9).ids == [0, 1]
    assert [letter.reason for letter in source.take_dead_letters()] == ["no_features"]
    assert source.take_dead_letters() == []
    assert source.snapshot()["offsets"] == {"0": 3}


def test_a_partition_goes_on_where_another_process_has_stored():
    group = {}
    one, two = (CommittingSource([EVENTS, []], group, assigned) for assigned in ([0, 1], []))
    assert two.next_batch(9) is None
    assert one.next_batch(2).ids == [0, 1]
    one.before_revoke = lambda: one.commit(one.snapshot()) is None
    one.revoke(0)
    two.assign(0)
    assert two.next_batch(2).ids == [2, 3]
    two.lose(0)  # after it had told nobody of more
    one.assign(0)
    assert one.next_batch(9).ids == [2, 3, 4]
    assert one.commits == [{0: 2, 1: 0}]
    with pytest.raises(InputLost, match="given to others"):
        two.next_batch(9)


def test_a_process_knows_its_own_commits_from_those_of_others():
    group = {}
    source, again = CommittingSource([EVENTS], group), CommittingSource([EVENTS], group)
    source.next_batch(1)
    stored = source.snapshot()
    source.next_batch(2)
    source.commit(source.snapshot())
    again.restore(stored)  # the snapshot behind that commit was lost
    assert again.next_batch(9).ids == [1, 2, 3, 4]
    other = CommittingSource([EVENTS], group)
    assert other.next_batch(1).ids == [3]
    other.commit(other.snapshot())
    again.restore(stored)
    assert again.next_batch(9).ids == [4]


def test_names_go_back_with_the_position():
    names = [Event(i, float(i), {f"f{i}": 1.0}, frozenset({f"l{i}"})) for i in range(3)]
    source = CommittingSource([names], schema=Schema(["known"]))
    source.next_batch(1)
    stored = source.snapshot()
    source.next_batch(9)
    source.restore(stored)
    assert source.schema.features.names == ["known", "f0"]
    assert source.schema.labels.names == ["l0"]


@pytest.mark.parametrize("part", ["offsets", "owner", "schema"])
def test_what_is_no_position_in_a_log_is_refused(part):
    source = CommittingSource([EVENTS])
    with pytest.raises(DataError, match="holds no position in a log"):
        source.restore({**source.snapshot(), part: 3})


def test_a_commit_is_refused_as_often_as_asked():
    source = CommittingSource([EVENTS])
    source.refusing = 1
    with pytest.raises(DataError, match="as asked"):
        source.commit(source.snapshot())
    source.commit(source.snapshot())
    assert source.commits == [{0: 0}]
    with pytest.raises(DataError, match="no position"):
        source.commit({"offsets": None})
    source.close()
    with pytest.raises(ContractError, match="closed"):
        source.next_batch(1)


def test_a_stream_aborts_where_it_is_told_to():
    assert len(AbortingSource(DemoStream(), 1).next_batch(9)) == 1
