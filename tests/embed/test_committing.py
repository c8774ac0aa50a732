"""The stage over a log that processes share: nothing is read ahead, all is stored in time."""

from __future__ import annotations

from inspect import getattr_static

import pytest

from streamml.baselines import NoChange
from streamml.embed import EmbeddingSource, InlineEmbeddingSource
from streamml.embed.hashing import HashedWords
from streamml.errors import DataError
from streamml.io import Committing, Source
from streamml.join import JoinPolicy
from streamml.service import Every, Service
from streamml.snapshots import SnapshotFolder
from streamml.testing import CommittingSource, EventSource, MemoryPredictions
from streamml.types import Event, Schema

N = 60
STAGES = [EmbeddingSource, InlineEmbeddingSource]


def log():
    """Events with text that go round two partitions; an event's id is its number."""
    events = [Event(k, float(k), f"word{k % 5}", frozenset({f"l{k // 20}"})) for k in range(N)]
    return [events[::2], events[1::2]]


def shared(group=None, assigned=None):
    return CommittingSource(log(), group, assigned, Schema(takes_text=True))


def service(stage, folder, sink):
    made = Service(
        stage, NoChange(), join=JoinPolicy(), snapshots=SnapshotFolder(folder),
        snapshot_every=Every(events=25), predictions=sink,
    )  # fmt: skip
    made.resume()
    return made


@pytest.mark.parametrize("kind", STAGES)
def test_a_stage_commits_where_its_source_does(kind):
    members = ("before_revoke", "commit", "partitions")
    log, alone = shared(), EventSource([Event(0, 0.0, "x")], Schema(takes_text=True))
    stage = kind(log, HashedWords(8))
    assert isinstance(stage, Source)
    assert isinstance(stage, Committing)
    for name in members:  # as newer Pythons look for them
        getattr_static(stage, name)
    assert not isinstance(kind(alone, HashedWords(8)), Committing)

    class Half(EventSource):
        before_revoke = partitions = None

    half = kind(Half([Event(0, 0.0, "x")], Schema(takes_text=True)), HashedWords(8))
    assert not isinstance(half, Committing)
    stage.before_revoke = lambda: True
    assert log.before_revoke is stage.before_revoke
    assert stage.partitions() == log.partitions()


@pytest.mark.parametrize("kind", STAGES)
def test_what_is_committed_is_behind_what_was_handed_out(kind):
    log = shared()
    stage = kind(log, HashedWords(8))
    assert stage.next_batch(7).ids == [*range(7)]
    stage.commit(stage.snapshot())
    assert log.commits == [{0: 4, 1: 3}]
    for wrong in ({}, {"source": 7}):
        with pytest.raises(DataError, match="holds no position"):
            stage.commit(wrong)


@pytest.mark.parametrize("kind", STAGES)
def test_a_rebalance_in_the_middle_stores_and_every_event_is_learned_once(kind, tmp_path):
    """The first gives a partition away at 30, gets it back at 45; the second had it meanwhile."""
    group, sinks = {}, (MemoryPredictions(), MemoryPredictions())
    first, second = shared(group), shared(group, assigned=())
    stored = []

    def goes():
        first.revoke(1)
        stored.append(dict(first.commits[-1]))
        second.assign(1)
        second.at(5, lambda: second.revoke(1))
        service(kind(second, HashedWords(8)), tmp_path / "b", sinks[1]).run()

    first.at(30, goes)
    first.at(45, lambda: first.assign(1))
    result = service(kind(first, HashedWords(8)), tmp_path / "a", sinks[0]).run()
    assert stored == [{0: 15, 1: 15}]
    seen = [[event for event, _ in sink.rows] for sink in sinks]
    assert seen[1] == [31, 33, 35, 37, 39]
    assert sorted(seen[0] + seen[1]) == [*range(N)]
    assert result.metrics["learner"].events == N - 5
    assert {p: offset for p, (offset, _) in group.items()} == {0: 30, 1: 30}


@pytest.mark.parametrize("kind", STAGES)
def test_a_run_whose_input_is_lost_goes_back_to_its_snapshot(kind, tmp_path):
    source, sink = shared(), MemoryPredictions()
    source.at(25, lambda: None)
    source.at(40, lambda: source.lose(0, 1))
    source.at(40, lambda: source.assign(0, 1))
    result = service(kind(source, HashedWords(8)), tmp_path, sink).run()
    assert [event for event, _ in sink.rows] == [*range(40), *range(25, N)]
    assert result.progress.events == N
    assert result.progress.labels == 3
