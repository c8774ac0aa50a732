"""What a service says of a run: rates, what became of events, changes."""

from __future__ import annotations

import numpy as np
import pytest

from streamml import IHOMER
from streamml.baselines import NoChange
from streamml.io.operation import JoinState, LatencyCounts, Operation
from streamml.join import JoinPolicy
from streamml.join.arrivals import Arrivals
from streamml.pacing import EventsPerSecond
from streamml.service import Progress, Service
from streamml.snapshots import SnapshotFolder
from streamml.streams import DemoStream
from streamml.testing import EventSource, SettableClock
from streamml.types import Event, EventBatch


def events(n: int) -> list[Event]:
    return [Event(i, float(i), {"f": 1.0}, frozenset({"a"})) for i in range(n)]


def test_the_rate_is_that_of_this_process(tmp_path):
    """What an earlier one handed out took none of its time."""
    clock, folder = SettableClock(), SnapshotFolder(tmp_path)
    first = Service(EventSource(events(30)), NoChange(), snapshots=folder).run()
    assert first.progress.events == 30
    service = Service(
        EventSource(events(50)),
        NoChange(),
        snapshots=folder,
        clock=clock,
        pace=EventsPerSecond(1.0),
    )
    assert service.progress().events_per_second == 0
    service.resume()
    progress = service.run().progress
    assert (progress.events, progress.resumed, progress.seconds) == (50, 30, 19.0)
    assert progress.events_per_second == pytest.approx(20 / 19)


class ArrivingSource(EventSource):
    """Events whose labels come in records of their own; all were fetched a while ago."""

    def __init__(self, rows: list[Event], labels_only: list[bool], fetched: list[float]) -> None:
        super().__init__(rows)
        self.columns = np.array(labels_only), np.array(fetched)

    def next_batch(self, max_events: int) -> EventBatch | None:
        found = super().next_batch(max_events)
        if found is None:
            return None
        arrivals = Arrivals.of(found)
        arrivals.labels_only, arrivals.fetched = self.columns
        return arrivals


def test_a_join_says_what_became_of_events_and_how_long_they_took():
    """Five events, of which one expires, two wait, and two have their labels."""
    labels = frozenset({"a"})
    rows = [Event(k, float(k), {"f": 1.0}) for k in range(4)]
    rows += [Event(k, 4.0, {"f": 1.0}, labels) for k in (1, 9)]
    rows += [Event(4, 5.0, {"f": 1.0}, frozenset({"b"}))]
    only = [False] * 4 + [True] * 2 + [False]
    source = ArrivingSource(rows, only, [98.0, 99.5, 99.5, 99.5, 0.0, 0.0, 99.0])
    result = Service(
        source, NoChange(), join=JoinPolicy(max_events=3, max_age=None), clock=SettableClock(100.0)
    ).run()
    bounds = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
    bounds += (10.0, 30.0, 60.0, 300.0)
    counts = dict.fromkeys(bounds, 0) | {0.5: 3, 1.0: 1, 2.5: 1}
    assert result.progress.operation == Operation(
        outcomes={"learned": 2, "unlabelled": 0, "expired": 1, "tombstones": 0},
        end_to_end=LatencyCounts(bounds, (*counts.values(), 0), 3 * 0.5 + 1.0 + 2.0),
        join=JoinState(events=2, labels=1, oldest=3.0, joined=2, event_expired=1),
    )


def test_changes_are_told_once_and_not_again_after_a_resume(tmp_path):
    def run(limit: int) -> list[Progress]:
        told: list[Progress] = []
        learner = IHOMER("fast", n_min=50)
        service = Service(
            DemoStream(), learner, limit=limit, snapshots=SnapshotFolder(tmp_path),
            observers=[told.append], every=0,
        )  # fmt: skip
        service.resume()
        service.run()
        assert sum(len(progress.new_changes) for progress in told) <= len(learner.changes)
        return told

    first = run(1_000)
    changes = sum(len(progress.new_changes) for progress in first)
    assert changes == first[-1].structure_changes + first[-1].drifts > 0
    (again,) = run(1_000)
    assert again.structure_changes == first[-1].structure_changes
    assert again.new_changes == ()
