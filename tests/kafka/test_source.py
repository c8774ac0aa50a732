"""A Kafka source over a broker in memory: where it begins, what it gives, who has committed."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest

from streamml.baselines import NoChange
from streamml.cli import main
from streamml.errors import DataError
from streamml.io import Committing, InputLost, Source
from streamml.join import JoinPolicy
from streamml.service import Every, Service
from streamml.snapshots import SnapshotFolder
from streamml.testing import MemoryPredictions
from streamml_connectors.kafka import Connection, Input, KafkaSource
from streamml_connectors.kafka.intake import Intake
from tests.fake_kafka import FakeBroker, events, opened, read, record

ZERO, ONE = ("t", 0), ("t", 1)
NO_OFFSETS = [{"offsets": wrong} for wrong in (None, [1], "t/0", {"t/0": "x"}, {"t/0": -1})]


@pytest.fixture
def broker(monkeypatch):
    """A topic with two partitions: events 0, 2, 4, ... and 1, 3, 5, ..., twenty in all."""
    return FakeBroker.in_place(monkeypatch, t=2).filled(20)


def store(source):
    """What a service does before partitions go."""
    source.commit(source.snapshot())
    return True


def offsets(broker, group="streamml"):
    return {p: found.offset for (_, p), found in broker.committed[group].items()}


# -- what is given ------------------------------------------------------------------------


def test_both_partitions_are_merged_by_time_and_said_to_be_behind(broker):
    source = opened()
    assert isinstance(source, Source)
    assert isinstance(source, Committing)
    assert read(source, 5) == [0, 1, 2, 3, 4]
    assert [(p.partition, p.lag) for p in source.partitions()] == [(0, 7), (1, 8)]
    assert read(source) == [*range(5, 20)]
    assert [p.lag for p in source.partitions()] == [0, 0]
    assert source.take_dead_letters() == source.problems == []
    source.close()
    assert broker.clients[0].closed


@pytest.mark.parametrize("again", [1, 3, 100])
def test_records_that_are_fetched_twice_are_given_once(broker, again):
    source = opened()
    client = broker.clients[0]
    found = read(source, 4)
    for p in (0, 1):
        broker.send("t", p, events(*range(20 + p, 30, 2)))
    client.fetches_again = again
    assert found + read(source) == [*range(30)]
    client.fetches_again = again
    broker.send("t", 0, events(30))
    assert read(source) == [30]


def test_until_the_end_is_what_the_log_held_at_the_start(broker):
    source = opened(until_end=True)
    found = read(source, 3)
    for p in (0, 1):
        broker.send("t", p, events(*range(20 + p, 30, 2)))
    assert found + read(source) == [*range(20)]
    assert source.next_batch(9) is None
    assert source.snapshot()["offsets"] == {"t/0": 10, "t/1": 10}


@pytest.mark.parametrize("away", [1, 2, 3])
def test_a_leader_that_is_away_when_partitions_come_is_waited_for(broker, away):
    source = opened(partitions=(0,))
    broker.away = away
    assert [p.lag for p in source.partitions()] == [None]  # assigned, and not known yet
    assert [x for _ in range(away + 1) for x in read(source, 10)] == [*range(0, 20, 2)]
    assert [p.lag for p in source.partitions()] == [0]


def intake_at(monkeypatch, *seconds):
    """What comes in, at these moments one after another."""
    clock = SimpleNamespace(perf_counter=iter(seconds).__next__)
    monkeypatch.setattr("streamml_connectors.kafka.intake.time", clock)
    return placed(0)


def placed(offset, end=100):
    """An intake with one partition, to be read from an offset on."""
    intake = Intake()
    intake.place(ZERO, offset, end)
    return intake


def fetched(*offsets):
    return [record(b"", offset=offset, timestamp=offset) for offset in offsets]


def handed_out(intake):
    """Offsets, and when each record was fetched."""
    return [(r.offset, intake.fetched_at(r)) for r in intake.take(10, ())]


def test_what_was_fetched_twice_or_lies_behind_the_end_is_left_out():
    intake = placed(2, end=4)
    intake.add(ZERO, fetched(0, 1, 2, 3, 4, 5), until_end=True)
    intake.add(ZERO, fetched(4, 5), until_end=True)
    intake.add(ONE, fetched(0))  # not placed: it stands at the wrong offset
    assert (len(intake), intake.held(ZERO), intake.due) == (2, 2, {ZERO: 4})
    intake.add(ZERO, fetched(3, 4, 5))
    assert [r.offset for r in intake.take(10, ())] == [2, 3, 4, 5]


def test_a_partition_stands_behind_what_was_handed_out_of_it():
    intake = placed(2)
    assert (intake.positions, intake.due, intake.end(ZERO)) == ({ZERO: 2}, {ZERO: 2}, 100)
    intake.add(ZERO, fetched(2, 3, 7))
    assert (intake.positions, intake.due) == ({ZERO: 2}, {ZERO: 8})
    intake.take(2, ())
    assert (intake.positions, intake.due) == ({ZERO: 4}, {ZERO: 8})
    intake.go_on(ZERO, 20, 30)  # what is held comes first
    assert (intake.positions, intake.due, intake.end(ZERO)) == ({ZERO: 4}, {ZERO: 20}, 30)
    intake.take(1, ())
    intake.go_on(ZERO, 25, 30)
    assert (intake.positions, intake.due) == ({ZERO: 25}, {ZERO: 25})
    intake.drop()
    assert (intake.positions, intake.due, ZERO in intake) == ({}, {}, False)


def test_each_record_has_the_moment_at_which_its_fetch_came(monkeypatch):
    intake = intake_at(monkeypatch, 1.0, 2.0, 3.0)
    intake.add(ZERO, fetched(0, 1))
    intake.add(ZERO, fetched(2, 3))
    intake.go_on(ZERO, 7, 100)  # there is a gap in the log
    assert intake.due == {ZERO: 7}
    intake.add(ZERO, fetched(7))
    assert handed_out(intake) == [(0, 1.0), (1, 1.0), (2, 2.0), (3, 2.0), (7, 3.0)]


def test_a_log_that_begins_anew_has_moments_of_its_own(monkeypatch):
    intake = intake_at(monkeypatch, 1.0, 2.0)
    intake.add(ZERO, fetched(0, 1, 2))
    intake.take(10, ())
    intake.go_on(ZERO, 0, 100)
    assert (len(intake), intake.due) == (0, {ZERO: 0})
    intake.add(ZERO, fetched(0))
    assert handed_out(intake) == [(0, 2.0)]


def test_what_was_let_go_of_is_fetched_again(monkeypatch):
    intake = intake_at(monkeypatch, 1.0, 2.0)
    intake.add(ZERO, fetched(0, 1))
    intake.take(1, ())
    intake.clear()
    assert (len(intake), intake.held(ZERO), intake.due) == (0, 0, {ZERO: 1})
    intake.add(ZERO, fetched(1, 2))
    assert handed_out(intake) == [(1, 2.0), (2, 2.0)]


# -- where it begins ----------------------------------------------------------------------


def test_it_begins_where_the_group_stands_else_at_the_start_asked_for(broker):
    assert read(opened(start="latest")) == []
    first = opened()
    read(first, 6)
    store(first)
    assert offsets(broker) == {0: 3, 1: 3}
    assert read(opened(), 4) == [6, 7, 8, 9]
    assert read(opened(group="another"), 2) == [0, 1]


def test_a_run_goes_on_behind_its_snapshot_with_its_names(broker):
    first, second = opened(), opened()
    assert read(first, 7) == [*range(7)]
    stored = json.loads(json.dumps(first.snapshot()))
    names = list(first.schema.features.names)
    read(first)
    second.restore(stored)
    assert second.schema.features.names == names
    assert read(second, 3) == [7, 8, 9]
    second.restore(stored)  # and once more, in the middle
    assert read(second) == [*range(7, 20)]


def test_its_own_commits_do_not_count_where_the_snapshot_behind_them_was_lost(broker):
    first, second = opened(), opened()
    read(first, 4)
    stored = first.snapshot()
    read(first, 6)
    store(first)
    second.restore(stored)
    assert read(second) == [*range(4, 20)]


def test_what_another_process_has_committed_since_counts(broker):
    first, other, again = opened(), opened(), opened()
    read(first, 4)
    stored = first.snapshot()
    store(first)
    assert read(other, 8) == [*range(4, 12)]
    store(other)
    again.restore(stored)
    assert read(again) == [*range(12, 20)]
    again.restore(again.snapshot())
    assert read(again) == []


def test_what_another_process_has_committed_before_does_not(broker):
    other, first, again = opened(), opened(), opened()
    read(other, 4)
    store(other)
    read(first, 8)
    again.restore(first.snapshot())
    assert read(again, 2) == [12, 13]


@pytest.mark.parametrize("wrong", [{"owner": 3}, {"schema": None}, *NO_OFFSETS])
def test_what_is_no_position_in_topics_is_refused(broker, wrong):
    source = opened()
    with pytest.raises(DataError, match=r"is none in Kafka topics: use another folder\.$"):
        source.restore({**source.snapshot(), **wrong})


@pytest.mark.parametrize("wrong", NO_OFFSETS)
def test_offsets_that_are_none_are_not_committed(broker, wrong):
    with pytest.raises(DataError, match=r"is none in Kafka topics: use another folder\.$"):
        opened().commit(wrong)
    assert offsets(broker) == {}


# -- rebalances ---------------------------------------------------------------------------


def test_a_partition_that_comes_back_is_read_on_behind_what_the_other_has_stored(broker):
    """A has both, B one of them for a while; nothing is read twice, and nothing is left out."""
    broker.fetch = 1  # so that each read polls
    a = opened()
    a.before_revoke = lambda: store(a)
    assert read(a, 6) == [*range(6)]
    broker.clients[0].rebalance(ZERO)
    b = opened()
    b.before_revoke = lambda: store(b)
    broker.clients[1].rebalance(ONE)
    assert read(a, 3) == [6, 8, 10]
    assert offsets(broker) == {0: 3, 1: 3}
    assert read(b, 4) == [7, 9, 11, 13]
    broker.clients[1].rebalance()
    assert read(b) == []
    broker.clients[0].rebalance(ZERO, ONE)
    assert read(a) == [12, 14, 15, 16, 17, 18, 19]
    assert [p.partition for p in a.partitions()] == [0, 1]


def test_before_partitions_go_the_position_is_that_of_what_was_given(broker):
    source, seen = opened(), []

    def stored():
        seen.append(source.snapshot()["offsets"])
        return store(source)

    source.before_revoke = stored
    read(source, 3)  # all of the log is fetched
    broker.clients[0].rebalance()
    assert read(source) == []
    assert seen == [{"t/0": 2, "t/1": 1}]
    assert offsets(broker) == {0: 2, 1: 1}
    assert source.snapshot()["offsets"] == {"t/0": 2, "t/1": 1}  # for a start without any
    assert source.partitions() == ()


@pytest.mark.parametrize("how", ["not stored", "cut off"])
def test_input_is_lost_where_nothing_could_be_stored_before_it_went(broker, how):
    broker.fetch = 1  # so that each read polls
    source = opened()
    assert read(source, 4) == [0, 1, 2, 3]
    stored = source.snapshot()
    read(source, 4)
    source.before_revoke = lambda: False
    client = broker.clients[0]
    (client.rebalance if how == "not stored" else client.cut_off)(ZERO, ONE)
    with pytest.raises(InputLost):
        read(source)
    assert offsets(broker) == {}
    source.restore(stored)
    assert read(source) == [*range(4, 20)]


# -- a run --------------------------------------------------------------------------------


def test_a_run_that_was_cut_off_goes_back_to_its_last_snapshot(broker, tmp_path):
    """Others took over while it was frozen, and told nobody how far they came."""
    broker.fetch, sink = 1, MemoryPredictions()
    cuts = {15: lambda: broker.clients[0].cut_off(ZERO, ONE)}

    def frozen(progress):
        cuts.pop(len(sink.rows), lambda: None)()

    class ThreeAtOnce(KafkaSource):
        def next_batch(self, max_events):
            return super().next_batch(min(max_events, 3 - len(sink.rows) % 3))

    source = ThreeAtOnce(Connection("b:9092"), Input(("t",), until_end=True))
    run = Service(
        source, NoChange(), join=JoinPolicy(), predictions=sink, observers=[frozen], every=0,
        snapshots=SnapshotFolder(tmp_path), snapshot_every=Every(events=6),
    )  # fmt: skip
    run.resume()
    result = run.run()
    assert [event for event, _ in sink.rows] == [*range(15), *range(12, 20)]
    assert result.progress.events == result.metrics["learner"].events == 20
    assert offsets(broker) == {0: 10, 1: 10}


def run_cli(*args):
    with pytest.raises(SystemExit) as caught:
        main(["run", "kafka://b:9092/t", "--until-end", "--learner", "prior", "--json", *args])
    return caught.value.code


def test_what_the_command_line_says_of_the_group_reaches_the_client(broker, tmp_path, capsys):
    asked = ("--session-timeout", "12", "--instance", "pod-1", "--group", "mine")
    assert run_cli(*asked, "--snapshot-dir", str(tmp_path)) == 0
    assert json.loads(capsys.readouterr().out)["events"] == 20
    options = broker.clients[0].options
    assert (options["group_id"], options["group_instance_id"]) == ("mine", "pod-1")
    assert (options["session_timeout_ms"], options["heartbeat_interval_ms"]) == (12_000, 3_000)
    assert options["enable_auto_commit"] is False
    assert offsets(broker, "mine") == {0: 10, 1: 10}


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("--predictions-topic t", "The topic t is named for events and for predictions"),
        ("--dead-letter-topic u", "The topic u is named for events and for dead letters"),
        ("--labels-topic l --predictions-topic l", "named for labels and for predictions"),
        ("--labels-topic l --dead-letter-topic l", "named for labels and for dead letters"),
        (
            "--predictions-topic p --dead-letter-topic p",
            "named for predictions and for dead letters: name a topic of its own for each.",
        ),
        ("--labels-topic u", "Name every topic once"),
    ],
)
def test_what_is_sent_is_not_read_again(broker, tmp_path, capsys, asked, said):
    where = ("kafka://b:9092/t,u", "--snapshot-dir", str(tmp_path))
    with pytest.raises(SystemExit) as caught:
        main(["run", *where, *asked.split()])
    assert caught.value.code == 2
    assert said in " ".join(capsys.readouterr().err.split())
    assert broker.clients == []  # before anything is read


def test_an_embedded_topic_is_stored_and_committed_alike(broker, tmp_path, capsys):
    assert run_cli("--embed", "rff:16", "--snapshot-dir", str(tmp_path)) == 0
    broker.send("t", 1, events(*range(20, 25)))
    assert run_cli("--embed", "rff:16", "--snapshot-dir", str(tmp_path)) == 0
    reports = [json.loads(line) for line in capsys.readouterr().out.splitlines() if line[0] == "{"]
    assert [report["events"] for report in reports] == [20, 25]
    assert offsets(broker) == {0: 10, 1: 15}


def test_a_second_start_of_the_command_learns_only_what_came_since(broker, tmp_path, capsys):
    assert run_cli("--snapshot-dir", str(tmp_path)) == 0
    broker.send("t", 0, events(*range(20, 25)))
    assert run_cli("--snapshot-dir", str(tmp_path)) == 0
    reports = [json.loads(line) for line in capsys.readouterr().out.splitlines() if line[0] == "{"]
    assert [report["events"] for report in reports] == [20, 25]
