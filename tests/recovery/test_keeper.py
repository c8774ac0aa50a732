"""How a run over a shared log is stored: the order of steps, what fails, what is taken away."""

from __future__ import annotations

import pytest

from streamml.baselines import MajorityLabelSet, NoChange
from streamml.errors import ConfigError, DataError
from streamml.io import Committing
from streamml.join import JoinPolicy
from streamml.pacing import EventsPerSecond
from streamml.service import Every, Service
from streamml.snapshots import SnapshotFolder
from streamml.testing import CommittingSource, EventSource, MemoryPredictions, SettableClock
from streamml.types import Event

N = 60


def log(partitions=2, n=N):
    """Events one second apart that go round the partitions; an event's id is its number."""
    labels = [frozenset({"a"}), frozenset({"b"})]
    events = [Event(k, float(k), {"f": k % 7}, labels[k // 5 % 2]) for k in range(n)]
    return [events[p::partitions] for p in range(partitions)]


def cut(source, every=10, call=lambda: None, n=N):
    """Let no batch go beyond a multiple of so many events."""
    for k in range(every, n, every):
        source.at(k, call)
    return source


class Folder(SnapshotFolder):
    """Says when it stores, and fails as often as it is told to."""

    def __init__(self, path, fails=0, told=None):
        super().__init__(path)
        self.fails, self.told = fails, told if told is not None else []

    def save(self, mapping):
        if self.fails:
            self.fails -= 1
            raise OSError(28, "No space left on device")
        saved = super().save(mapping)
        self.told.append("stored")
        return saved


def service(source, folder, *, every=Every(events=20), clock=None, resume=True, **more):  # noqa: B008
    made = Service(
        source, NoChange(), join=JoinPolicy(), snapshots=folder, snapshot_every=every,
        clock=clock or SettableClock(), **more,
    )  # fmt: skip
    if resume:
        made.resume()
    return made


# -- the order of steps -------------------------------------------------------------------


class DurablePredictions(MemoryPredictions):
    """Says when what was written is made durable, and fails as often as it is told to."""

    def __init__(self, told):
        super().__init__()
        self.told, self.fails = told, 0

    def snapshot(self):
        if self.fails:
            self.fails -= 1
            raise DataError("The topic took no records.")
        self.told.append("durable")
        return {"rows": len(self.rows)}

    def restore(self, snapshot):
        del self.rows[snapshot["rows"] :]


class ToldSource(CommittingSource):
    """Says when it is asked for its position, and when it is told what is stored."""

    def __init__(self, told, *args):
        super().__init__(*args)
        self.told = told

    def snapshot(self):
        self.told.append("position")
        return super().snapshot()

    def commit(self, snapshot):
        self.told.append("committed")
        super().commit(snapshot)


def test_the_steps_of_a_snapshot_come_in_their_order(tmp_path):
    told = []
    run = service(ToldSource(told, log()), Folder(tmp_path, told=told),
                  predictions=DurablePredictions(told))  # fmt: skip
    assert told == []
    assert run.store()
    assert told == ["durable", "position", "stored", "committed"]


@pytest.mark.parametrize(("disk", "topic"), [(1, 0), (0, 1)])
def test_nothing_is_committed_that_is_not_stored(tmp_path, disk, topic):
    told, problems = [], []
    source, sink = ToldSource(told, log()), DurablePredictions(told)
    run = service(source, Folder(tmp_path, disk, told), problem=problems.append, predictions=sink)
    sink.fails = topic
    assert not run.store()
    assert source.commits == []
    assert "stored" not in told
    why = "No space left on device." if disk else "The topic took no records."
    assert problems == [f"no snapshot was stored, the one before stays: {why}"]
    assert run.store()
    assert source.commits == [{0: 0, 1: 0}]


def test_a_run_says_how_it_stands_with_its_snapshots(tmp_path):
    clock, folder = SettableClock(50.0), Folder(tmp_path, fails=1)
    run = service(CommittingSource(log()), folder, clock=clock, problem=lambda _: None)

    def stands():
        return run.progress().operation.snapshot

    assert (stands().age, stands().size, stands().seconds) == (None, None, None)
    assert [run.store() for _ in range(3)] == [False, True, True]
    clock.advance(3.0)
    assert (stands().age, stands().saved, stands().failures) == (3.0, 2, 1)
    assert 0 < stands().seconds < 10
    assert stands().size == max(path.stat().st_size for path in tmp_path.iterdir())
    again = service(CommittingSource(log()), folder, clock=clock)
    clock.advance(2.0)
    assert again.progress().operation.snapshot.age == 2.0


def test_what_was_written_after_the_snapshot_is_taken_back(tmp_path):
    sink = DurablePredictions([])
    assert service(CommittingSource(log()), Folder(tmp_path), predictions=sink).store()
    sink.rows.append((0, {"a"}))
    service(CommittingSource(log()), Folder(tmp_path), predictions=sink)
    assert sink.rows == []


def test_a_broken_snapshot_is_told_and_the_one_before_is_used(tmp_path):
    problems, folder = [], Folder(tmp_path)
    service(cut(CommittingSource(log())), folder).run()
    newest = max(path for path in tmp_path.iterdir() if path.name.startswith("snapshot"))
    newest.write_bytes(b"broken")
    run = service(CommittingSource(log()), Folder(tmp_path), problem=problems.append)
    assert run.progress().resumed == N  # that at its last event, and that at its end
    assert [said.split(",")[0] for said in problems] == [f"the snapshot {newest.name} is broken"]


def test_a_run_that_goes_on_is_stored_so_many_events_after_its_snapshot(tmp_path):
    service(cut(CommittingSource(log(n=30)), n=30), Folder(tmp_path)).run()
    told = []
    service(cut(CommittingSource(log())), Folder(tmp_path, told=told)).run()
    assert told == ["stored"] * 2  # at 50, and at the end


def test_a_sink_that_is_new_is_left_as_it_is(tmp_path):
    assert service(CommittingSource(log()), Folder(tmp_path)).store()
    sink = DurablePredictions([])
    sink.rows.append((0, {"a"}))
    service(CommittingSource(log()), Folder(tmp_path), predictions=sink)
    assert sink.rows == [(0, {"a"})]


def test_a_run_of_another_learner_does_not_go_on(tmp_path):
    assert service(CommittingSource(log()), Folder(tmp_path)).store()
    other = Service(
        CommittingSource(log()), MajorityLabelSet(), join=JoinPolicy(), snapshots=Folder(tmp_path)
    )
    with pytest.raises(ConfigError, match=r"are of another learner .*name another folder"):
        other.resume()


def test_the_group_has_what_the_newest_snapshot_has(tmp_path):
    group, folder = {}, Folder(tmp_path)
    source = cut(CommittingSource(log(), group))
    service(source, folder).run()
    assert source.commits == [{0: 10, 1: 10}, {0: 20, 1: 20}, {0: 30, 1: 30}, {0: 30, 1: 30}]
    stored = folder.newest()["source"]["offsets"]
    assert {str(p): offset for p, (offset, _) in group.items()} == stored == {"0": 30, "1": 30}


def test_a_commit_that_is_refused_is_told_and_the_run_goes_on(tmp_path):
    group, problems = {}, []
    source = cut(CommittingSource(log(), group))
    source.refusing = 2
    result = service(source, Folder(tmp_path), problem=problems.append).run()
    assert problems == ["The offsets were not committed (refused, as asked)."] * 2
    assert result.error is None
    assert result.progress.events == N
    assert result.progress.operation.snapshot.failures == 0
    assert group.keys() == {0, 1}


# -- when it is stored --------------------------------------------------------------------


def moments(tmp_path, every, fails):
    """When it was tried to store a run of an event a second; the last is that at its end."""
    clock, tried = SettableClock(), []

    class Timed(Folder):
        def save(self, mapping):
            tried.append(clock.now())
            return super().save(mapping)

    def second():
        clock.advance(1.0)

    source = cut(CommittingSource(log()), 1, second)
    service(source, Timed(tmp_path, fails), every=every, clock=clock).run()
    return tried[:-1]


@pytest.mark.parametrize(
    ("every", "fails", "when"),
    [
        (Every(seconds=20.0), 0, [20, 40]),
        (Every(seconds=20.0), 2, [20, 25, 30, 50]),
        (Every(seconds=2.0), 3, [*range(2, 60, 2)]),
        (Every(seconds=1e9, events=20), 0, [19, 39, 59]),
        (Every(seconds=1e9, events=20), 2, [19, 24, 29, 49]),
    ],
)
def test_what_could_not_be_stored_is_tried_again_soon_but_not_at_each_batch(
    tmp_path, every, fails, when
):
    assert moments(tmp_path, every, fails) == when


@pytest.mark.parametrize(
    "wrong",
    [{"seconds": 0.0}, {"seconds": -1.0}, {"seconds": float("nan")}, {"events": 0}, {"events": -1}],
    ids=str,
)
def test_a_run_is_stored_every_so_many_seconds_or_events_above_0(wrong):
    with pytest.raises(ConfigError, match="above 0"):
        Every(**wrong)
    assert Every() == Every(seconds=60.0, events=None)
    assert Every(seconds=0.5, events=1).events == 1


# -- where a run goes on ------------------------------------------------------------------


def test_a_run_whose_input_is_lost_goes_back_to_its_newest_snapshot(tmp_path):
    sink = MemoryPredictions()
    source = cut(CommittingSource(log()))

    def frozen():
        source.lose(0, 1)
        source.assign(0, 1)

    source.at(50, frozen)
    result = service(source, Folder(tmp_path), predictions=sink).run()
    assert [event for event, _ in sink.rows] == [*range(50), *range(40, N)]
    assert result.progress.events == result.metrics["learner"].events == N


def test_what_was_read_ahead_of_its_time_is_stored_with_the_run(tmp_path):
    """It is behind the position of the input, and has not been predicted."""

    def predicted(rate, resumed):
        clock, sink = SettableClock(), MemoryPredictions()
        run = Service(
            EventSource(log(1, 6)[0]), NoChange(), predictions=sink, clock=clock, every=0,
            observers=[lambda _: run.stop() if clock.now() > 250.0 else None],
            pace=EventsPerSecond(rate), snapshots=Folder(tmp_path),
        )  # fmt: skip
        assert run.resume() == resumed
        run.run()
        return [event for event, _ in sink.rows]

    assert predicted(0.01, resumed=False) == [0, 1, 2]
    assert predicted(1e9, resumed=True) == [3, 4, 5]


@pytest.mark.parametrize("resume", [True, False])
def test_a_run_whose_input_is_lost_before_anything_is_stored_starts_anew(tmp_path, resume):
    sink = MemoryPredictions()
    source = CommittingSource(log())
    source.at(30, lambda: source.lose(1))
    source.at(30, lambda: source.assign(1))
    run = service(source, Folder(tmp_path), every=Every(), predictions=sink, resume=resume)
    result = run.run()
    assert [event for event, _ in sink.rows] == [*range(30), *range(N)]
    assert result.progress.events == N


def test_a_rebalance_to_another_process_and_back_learns_every_event_once(tmp_path):
    """The first has both partitions, gives one away, and gets it back further on."""
    group, sinks = {}, (MemoryPredictions(), MemoryPredictions())
    first = CommittingSource(log(), group)
    second = CommittingSource(log(), group, assigned=())

    def goes():
        first.revoke(1)
        second.assign(1)
        second.at(8, lambda: second.revoke(1))
        service(second, Folder(tmp_path / "b"), predictions=sinks[1]).run()

    first.at(20, goes)
    first.at(40, lambda: first.assign(1))
    result = service(first, Folder(tmp_path / "a"), predictions=sinks[0]).run()
    seen = [[event for event, _ in sink.rows] for sink in sinks]
    assert seen[1] == [*range(21, 36, 2)]
    assert sorted(seen[0] + seen[1]) == [*range(N)]
    assert result.progress.events == N - 8
    assert {p: offset for p, (offset, _) in group.items()} == {0: 30, 1: 30}


def test_what_could_not_be_stored_before_a_rebalance_is_forgotten(tmp_path):
    """Whoever gets the partition learns it; the first goes back to before that."""
    group, sinks = {}, (MemoryPredictions(), MemoryPredictions())
    first = CommittingSource(log(), group)
    second = CommittingSource(log(), group, assigned=())
    folder = Folder(tmp_path / "a")

    def goes():
        folder.fails = 1
        first.revoke(1)
        second.assign(1)
        service(second, Folder(tmp_path / "b"), predictions=sinks[1]).run()

    first.at(20, lambda: None)
    first.at(30, goes)
    result = service(first, folder, predictions=sinks[0]).run()
    learned = [k for k in range(N) if k < 20 or k % 2 == 0]
    assert [event for event, _ in sinks[0].rows][30:] == learned[20:]
    assert [event for event, _ in sinks[1].rows] == [*range(21, N, 2)]
    assert result.progress.events == len(learned)


def test_a_log_in_memory_is_what_it_plays():
    assert isinstance(CommittingSource(log()), Committing)
