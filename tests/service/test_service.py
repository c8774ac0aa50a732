"""The service: order of things, stopping, sinks, dead letters, observers."""

from __future__ import annotations

import pytest

from streamml.baselines import MajorityLabelSet, NoChange
from streamml.errors import ConfigError, DataError
from streamml.evaluate import Delay
from streamml.join import JoinPolicy
from streamml.pacing import EventsPerSecond
from streamml.service import Progress, Service
from streamml.streams import DemoStream
from streamml.testing import (
    Aborted,
    AbortingSource,
    EventSource,
    MemoryDeadLetters,
    MemoryPredictions,
    SettableClock,
)
from streamml.types import Event, EventBatch


def events(n: int, step: float = 1.0) -> list[Event]:
    """Label sets {a}, {b}, {a}, ..."""
    sets = [frozenset({"a"}), frozenset({"b"})]
    return [Event(i, i * step, {"f": 1.0}, sets[i % 2]) for i in range(n)]


class CutSource(EventSource):
    """Hands out batches of at most ``most`` events."""

    most = 1

    def next_batch(self, max_events: int) -> EventBatch | None:
        return super().next_batch(min(max_events, self.most))


def test_runs_to_the_end_and_closes_everything():
    source, predictions, letters = EventSource(events(10)), MemoryPredictions(), MemoryDeadLetters()
    result = Service(source, NoChange(), predictions=predictions, dead_letters=letters).run()
    assert result.progress.events == 10
    assert not result.stopped
    assert result.error is None
    assert source.closed
    assert predictions.closed
    assert letters.closed


def test_predictions_are_made_before_the_labels_are_learned():
    sink = MemoryPredictions()
    result = Service(EventSource(events(4)), NoChange(), predictions=sink).run()
    assert sink.rows == [(0, set()), (1, {"a"}), (2, {"b"}), (3, {"a"})]
    assert result.metrics["learner"].cumulative().exact_match == 0


def test_delayed_labels_are_joined_later():
    sink = MemoryPredictions()
    # After one more event: every second label set is the same, so no-change is right.
    service = Service(EventSource(events(6)), NoChange(), predictions=sink, delay=Delay(events=1))
    result = service.run()
    assert [sorted(labels) for _, labels in sink.rows] == [[], [], ["a"], ["b"], ["a"], ["b"]]
    assert result.metrics["learner"].events == 6
    assert result.metrics["learner"].cumulative().exact_match == pytest.approx(4 / 6)


def test_delay_in_seconds_follows_event_time():
    sink = MemoryPredictions()
    source = EventSource(events(4, step=10.0))
    Service(source, NoChange(), predictions=sink, delay=Delay(seconds=15)).run()
    assert [sorted(labels) for _, labels in sink.rows] == [[], [], ["a"], ["b"]]


def test_what_waits_at_the_end_is_scored():
    result = Service(EventSource(events(5)), NoChange(), delay=Delay(events=100)).run()
    assert result.metrics["learner"].events == 5


def test_limit_cuts_the_stream():
    sink = MemoryPredictions()
    result = Service(DemoStream(), NoChange(), limit=1_234, predictions=sink).run()
    assert result.progress.events == len(sink.rows) == result.metrics["learner"].events == 1_234
    assert result.progress.length == 1_234
    assert not result.stopped
    with pytest.raises(ConfigError, match="limit"):
        Service(DemoStream(), NoChange(), limit=0)


@pytest.mark.parametrize("delay", [None, Delay(events=13), Delay(seconds=40.0)])
def test_batch_size_changes_nothing(delay):
    def run(most: int):
        source, sink = CutSource(list(DemoStream().next_batch(500).events())), MemoryPredictions()
        source.most = most
        result = Service(source, MajorityLabelSet(), predictions=sink, delay=delay).run()
        return sink.rows, {k: m.cumulative() for k, m in result.metrics.items()}

    assert run(1) == run(7) == run(4_096)


def test_dead_letters_are_counted_by_reason_and_handed_on():
    stream = events(6)
    stream[1] = Event(1, 1.0, {})
    stream[3] = Event(3, 3.0, {"f": float("inf")}, frozenset({"a"}))
    stream[4] = Event(4, 4.0, {})
    sink = MemoryDeadLetters()
    result = Service(EventSource(stream), NoChange(), dead_letters=sink).run()
    assert result.progress.dead_letters == {"no_features": 2, "not_finite": 1}
    assert [letter.reason for letter in sink.letters] == [
        "no_features",
        "not_finite",
        "no_features",
    ]
    assert result.progress.events == 3


def test_what_the_join_cannot_use_is_handed_on_too():
    stream = [Event(i, float(i), {"f": 1.0}) for i in range(3)]
    sink = MemoryDeadLetters()
    join = JoinPolicy(max_events=1)
    result = Service(EventSource(stream), NoChange(), dead_letters=sink, join=join).run()
    assert result.progress.dead_letters == {"event_expired": 2}
    assert [letter.reason for letter in sink.letters] == ["event_expired"] * 2
    assert result.progress.events == 3


def test_dead_letters_are_handed_on_as_they_come():
    """Not at the end: most streams have none."""
    source, sink, seen = (
        CutSource([*events(2), Event(2, 2.0, {}), *events(3)]),
        MemoryDeadLetters(),
        [],
    )
    observers = [lambda p: seen.append((p.events, len(sink.letters), p.dead_letters))]
    Service(source, NoChange(), dead_letters=sink, observers=observers, every=0).run()
    assert seen[:4] == [
        (1, 0, {}), (2, 0, {}), (2, 1, {"no_features": 1}), (3, 1, {"no_features": 1})
    ]  # fmt: skip


def test_a_stream_of_dead_letters_alone_ends():
    sink = MemoryDeadLetters()
    result = Service(EventSource([Event(0, 0.0, {})]), NoChange(), dead_letters=sink).run()
    assert result.progress.events == 0
    assert result.progress.dead_letters == {"no_features": 1}
    assert len(sink.letters) == 1


def test_stop_ends_between_batches_and_keeps_what_was_done():
    seen: list[int] = []

    def observe(progress: Progress) -> None:
        seen.append(progress.events)
        if progress.events >= 100:
            service.stop()

    sink = MemoryPredictions()
    service = Service(DemoStream(), NoChange(), predictions=sink, observers=[observe], every=0)
    result = service.run()
    assert result.stopped
    assert 100 <= result.progress.events < 20_000
    assert result.progress.events == len(sink.rows) == result.metrics["learner"].events
    assert sink.closed


def test_a_crash_of_the_source_closes_everything():
    sink = MemoryPredictions()
    with pytest.raises(Aborted):
        Service(AbortingSource(DemoStream(), 100), NoChange(), predictions=sink).run()
    assert sink.closed
    assert len(sink.rows) == 100


class DamagedSource(EventSource):
    """Breaks off where its events end."""

    def next_batch(self, max_events: int) -> EventBatch | None:
        batch = super().next_batch(max_events)
        if batch is None:
            raise DataError("The file is damaged here.")
        return batch


def test_a_damaged_source_keeps_what_was_read():
    result = Service(DamagedSource(events(5)), NoChange()).run()
    assert result.progress.events == result.metrics["learner"].events == 5
    assert str(result.error) == "The file is damaged here."


def test_a_source_damaged_from_the_start_raises():
    with pytest.raises(DataError, match="damaged"):
        Service(DamagedSource([]), NoChange()).run()


class BrokenSink(MemoryPredictions):
    """Cannot be closed."""

    def close(self) -> None:
        raise OSError("disk full")


def test_one_sink_that_cannot_be_closed_leaves_no_other_open():
    letters, source = MemoryDeadLetters(), EventSource(events(3))
    service = Service(source, NoChange(), predictions=BrokenSink(), dead_letters=letters)
    with pytest.raises(OSError, match="disk full"):
        service.run()
    assert letters.closed
    assert source.closed


def test_observers_are_told_first_now_and_then_and_last():
    clock, seen = SettableClock(), []
    pace = EventsPerSecond(1.0)
    Service(
        EventSource(events(10)),
        NoChange(),
        pace=pace,
        clock=clock,
        observers=[lambda p: seen.append(p.events)],
        every=4.0,
    ).run()
    assert seen == [1, 5, 9, 10]


def test_time_splits_without_gaps():
    result = Service(DemoStream(), MajorityLabelSet()).run()
    times = result.progress.times
    parts = (times.read, times.predict, times.learn, times.score, times.beside, times.sinks)
    assert all(part >= 0 for part in parts)
    assert times.predict > 0  # measured on samples
    assert sum(parts) <= result.progress.seconds


def test_the_learner_has_its_name_and_stands_first():
    result = Service(EventSource(events(3)), MajorityLabelSet(), name="mine").run()
    assert list(result.metrics) == ["mine", "no-change", "majority"]
