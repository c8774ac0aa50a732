"""How fast a stream is read, and how long labels take: all by a clock that is set."""

from __future__ import annotations

from itertools import pairwise

import pytest

from streamml.baselines import NoChange
from streamml.errors import ConfigError
from streamml.evaluate import Delay
from streamml.evaluate.delay import ArrivalClock
from streamml.pacing import EventsPerSecond, OriginalTimestamps, SystemClock, Unpaced
from streamml.service import Every, Service
from streamml.snapshots import SnapshotFolder
from streamml.streams import DemoStream
from streamml.testing import EventSource, MemoryPredictions, SettableClock
from streamml.types import Event, EventBatch, Schema
from streamml.types.saved import batch_state

PACES = [Unpaced, lambda: EventsPerSecond(1e9), lambda: OriginalTimestamps(1e9)]


def events(n: int, step: float = 1.0) -> list[Event]:
    """Label sets {a}, {b}, {a}, ..."""
    sets = [frozenset({"a"}), frozenset({"b"})]
    return [Event(i, i * step, {"f": 1.0}, sets[i % 2]) for i in range(n)]


def batch(*times: float) -> EventBatch:
    """Events with these timestamps."""
    return EventBatch.from_events(
        [Event(i, t, {"f": 1.0}, frozenset({"a"})) for i, t in enumerate(times)], Schema()
    )


def test_rate_paces_by_the_clock_without_spinning():
    clock, sink = SettableClock(), MemoryPredictions()
    pace = EventsPerSecond(10.0)
    result = Service(
        EventSource(events(31)), NoChange(), pace=pace, predictions=sink, clock=clock
    ).run()
    assert len(sink.rows) == 31
    assert clock.now() == pytest.approx(3.0)
    assert result.progress.times.waited == pytest.approx(3.0)
    assert len(clock.slept) <= 31


def test_a_high_rate_takes_events_together():
    clock = SettableClock()
    Service(DemoStream(), NoChange(), pace=EventsPerSecond(10_000), limit=10_000, clock=clock).run()
    assert clock.now() == pytest.approx(1.0, abs=0.03)
    assert len(clock.slept) < 100


def test_original_timestamps_set_the_pace():
    clock, times = SettableClock(), []
    stream = [
        Event(i, t, {"f": 1.0}, frozenset()) for i, t in enumerate([100.0, 110.0, 110.0, 140.0])
    ]
    Service(
        EventSource(stream),
        NoChange(),
        pace=OriginalTimestamps(10.0),
        clock=clock,
        observers=[lambda p: times.append((round(p.seconds, 6), p.events))],
        every=0,
    ).run()
    first = {n: seconds for seconds, n in reversed(times)}
    assert first == {1: 0.0, 3: 1.0, 4: 4.0}


@pytest.mark.parametrize("make", [EventsPerSecond, OriginalTimestamps])
def test_a_slow_stream_is_no_run_that_stands_still(make, tmp_path):
    """Events come every 100 seconds; observers (health) hear of the run in between."""
    clock, told = SettableClock(), []
    folder = SnapshotFolder(tmp_path)
    result = Service(
        EventSource(events(4)), NoChange(), pace=make(0.01), clock=clock,
        observers=[lambda _: told.append(clock.now())],
        snapshots=folder, snapshot_every=Every(seconds=20.0),
    ).run()  # fmt: skip
    assert result.progress.events == 4
    assert clock.now() == pytest.approx(300.0)
    assert max(b - a for a, b in pairwise(told)) < 2.0
    assert result.progress.operation.snapshot.saved > 10


@pytest.mark.parametrize("make", [EventsPerSecond, OriginalTimestamps])
def test_waiting_can_be_stopped(make):
    class ImpatientClock(SettableClock):
        def sleep(self, seconds: float) -> None:
            super().sleep(seconds)
            if self.now() > 5.0:
                service.stop()

    clock = ImpatientClock()
    service = Service(EventSource(events(5)), NoChange(), pace=make(0.01), clock=clock)
    result = service.run()
    assert result.stopped
    assert result.progress.events == 1
    assert clock.now() < 6.0


@pytest.mark.parametrize("make", [EventsPerSecond, OriginalTimestamps])
def test_what_is_not_due_is_kept_and_once_stopped_there_is_no_batch(make):
    """Ten seconds between events: after one an empty batch says that the run is alive."""
    pace = make(0.1)
    clock, source = SettableClock(), EventSource(events(3))
    assert pace.next_batch(source, 1, clock, lambda: False).ids == [0]
    assert (pace.waited, pace.snapshot()) == (0.0, {})
    empty = pace.next_batch(source, 1, clock, lambda: False)
    assert (empty.ids, empty.x_indptr.tolist(), list(empty.events())) == ([], [0], [])
    assert pace.waited == pytest.approx(1.0)
    assert pace.next_batch(source, 1, clock, lambda: clock.now() > 1.25) is None
    assert pace.waited == clock.now() == pytest.approx(1.3)
    assert pace.snapshot()["ahead"]["ids"] == [1]
    clock.advance(8.0)
    assert pace.next_batch(source, 1, clock, lambda: False).ids == [1]
    assert pace.waited == pytest.approx(2.0)
    assert clock.now() == pytest.approx(10.0)
    clock.advance(10.0)
    assert pace.next_batch(source, 1, clock, lambda: True) is None  # due, and stopped
    assert pace.next_batch(source, 1, clock, lambda: False).ids == [2]
    assert pace.next_batch(source, 1, clock, lambda: False) is None
    assert max(clock.slept) <= 0.1


class QuietSource(EventSource):
    """Has nothing new at first, which is not its end."""

    quiet = True

    def next_batch(self, max_events: int) -> EventBatch | None:
        found = super().next_batch(0 if self.quiet else max_events)
        self.quiet = False
        return found


@pytest.mark.parametrize("make", PACES)
def test_a_source_that_has_nothing_new_is_not_at_its_end(make):
    pace, clock, source = make(), SettableClock(), QuietSource(events(2))
    found = [pace.next_batch(source, 9, clock, lambda: False) for _ in range(3)]
    assert found[0].ids == []
    assert found[1].ids[0] == 0
    assert clock.slept == [] or clock.now() < 1e-6


def test_the_clock_of_the_computer_goes_on_while_it_sleeps():
    clock = SystemClock()
    before = clock.now()
    clock.sleep(0.01)
    assert clock.now() - before >= 0.01


def test_no_more_is_due_at_once_than_is_asked_for():
    clock, pace, source = SettableClock(), OriginalTimestamps(1.0), EventSource(events(9, step=0.0))
    sizes = [len(pace.next_batch(source, most, clock, lambda: False)) for most in (5, 2, 1)]
    assert sizes == [5, 2, 1]
    assert pace.next_batch(source, 9, clock, lambda: False).ids == [8]


@pytest.mark.parametrize("make", PACES)
def test_what_a_stored_run_had_read_ahead_comes_first_however_small_the_batches(make):
    pace, ahead, clock = make(), batch(*map(float, range(10))), SettableClock()
    pace.restore({"ahead": batch_state(ahead)}, ahead.schema)
    source = EventSource([Event("next", 99.0, {"f": 1.0})], ahead.schema)
    found = [pace.next_batch(source, 4, clock, lambda: False).ids for _ in range(4)]
    assert found == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9], ["next"]]
    assert pace.snapshot() == {}
    pace.restore({}, ahead.schema)
    assert pace.next_batch(source, 4, clock, lambda: False) is None


def test_a_rate_catches_up_and_goes_together_where_it_is_high():
    clock, source = SettableClock(50.0), EventSource(events(100))
    pace = EventsPerSecond(200.0)

    def taken(most=100):
        return len(pace.next_batch(source, most, clock, lambda: False))

    assert [taken(), taken()] == [1, 4]  # 200 a second: four within 0.02 s
    assert clock.now() == pytest.approx(50.0 + 4 / 200)
    clock.advance(0.1)
    assert [taken(5), taken()] == [5, 15]
    assert clock.now() == pytest.approx(50.0 + 24 / 200)


def test_recorded_events_within_a_tick_go_together():
    clock, pace = SettableClock(), OriginalTimestamps(2.0)
    times = [7.0, 7.03, 7.06, 8.0]
    source = EventSource([Event(i, t, {"f": 1.0}) for i, t in enumerate(times)])
    found = [pace.next_batch(source, 9, clock, lambda: False).ids for _ in range(3)]
    assert found == [[0, 1], [2], [3]]
    assert clock.now() == pytest.approx(0.5)
    just = EventSource([Event(i, t, {"f": 1.0}) for i, t in enumerate((0.0, 0.02, 0.021))])
    found = OriginalTimestamps(1.0).next_batch(just, 9, SettableClock(), lambda: False)
    assert found.ids == [0, 1]
    assert pace.next_batch(source, 9, clock, lambda: False) is None


@pytest.mark.parametrize("wrong", [0.0, -1.0, float("nan"), float("inf")])
def test_a_rate_that_is_none_is_refused(wrong):
    with pytest.raises(ConfigError, match="above 0"):
        EventsPerSecond(wrong)
    with pytest.raises(ConfigError, match="above 0"):
        OriginalTimestamps(wrong)


def test_the_clock_of_a_delay_in_seconds_never_goes_back():
    """An event that is late itself counts from the time it came, in a later batch, too."""
    clock = ArrivalClock(Delay(seconds=15))
    seen = [clock.admit(batch(*times)) for times in ((90.0, 100.0, 95.0), (10.0,), (110.0,))]
    assert [part.now.tolist() for part in seen] == [[90.0, 100.0, 100.0], [100.0], [110.0]]
    assert [part.due.tolist() for part in seen] == [[105.0, 115.0, 115.0], [115.0], [125.0]]
    assert clock.now == 110.0
    assert ArrivalClock(Delay(seconds=15)).admit(batch(-90.0)).due.tolist() == [-75.0]
