"""Alive and ready: each check by the clock, with its reason."""

from __future__ import annotations

import pytest

from streamml.errors import ConfigError
from streamml.io.operation import Operation, PartitionLag, SnapshotState
from streamml_connectors.health import Check, Health, HealthBounds, healthy


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def health(clock: Clock) -> Health:
    return Health(HealthBounds(stall=60, lag=1000, snapshot_age=600, start=60), now=clock)


def failing(health: Health) -> list[str]:
    return [check.name for check in health.ready() if not check.ok]


def assigned(*lags: int | None, age: float | None = 1.0) -> Operation:
    partitions = tuple(PartitionLag("t", i, lag) for i, lag in enumerate(lags))
    return Operation(partitions=partitions, snapshot=SnapshotState(age=age))


def test_it_is_alive_until_the_main_loop_stands_still(health: Health, clock: Clock) -> None:
    clock.now = 60
    assert healthy(health.alive())
    clock.now = 61
    assert not healthy(health.alive())
    health.progressed()
    assert healthy(health.alive())
    assert failing(health) == ["started"]  # a sign of life is no event


def test_the_first_events_may_take_as_long_as_compiling_takes(clock: Clock) -> None:
    """Else the very first start on a slow machine is killed while it compiles, again and again."""
    health = Health(HealthBounds(stall=60, start=300), now=clock)
    clock.now = 20
    health.progressed(Operation(), warm=False)  # a consumer waits for its first record
    clock.now = 320
    assert healthy(health.alive())
    clock.now = 321
    assert not healthy(health.alive())
    health.progressed(Operation())
    health.progressed(Operation(), warm=False)
    clock.now += 61
    assert not healthy(health.alive())


def test_a_file_is_ready_once_it_is_read(health: Health, clock: Clock) -> None:
    assert failing(health) == ["started"]
    health.progressed(Operation())
    assert failing(health) == []
    clock.now = 61
    assert failing(health) == ["main_loop"]


@pytest.mark.parametrize(
    ("operation", "expected"),
    [
        (assigned(500, 500), []),
        (assigned(500, 501), ["caught_up"]),
        (assigned(500, None), ["caught_up"]),
        (assigned(), ["assigned"]),
        (assigned(0, age=601.0), ["snapshot"]),
        (assigned(0, age=None), []),  # just started
        (Operation(partitions=(PartitionLag("t", 0, 0),)), []),  # takes no snapshots
    ],
)
def test_a_consumer_is_ready(health: Health, operation: Operation, expected: list[str]) -> None:
    health.progressed(operation)
    assert failing(health) == expected


def test_a_snapshot_ages_between_two_words_of_the_main_loop(health: Health, clock: Clock) -> None:
    health.progressed(assigned(0, age=590.0))
    clock.now = 9
    assert failing(health) == []
    clock.now = 11
    assert failing(health) == ["snapshot"]


def test_without_any_snapshot_the_start_counts(health: Health, clock: Clock) -> None:
    clock.now = 601
    health.progressed(assigned(0, age=None))
    assert failing(health) == ["snapshot"]


@pytest.mark.parametrize("bounds", [{"stall": 0}, {"lag": -1}, {"snapshot_age": float("nan")}])
def test_bounds_that_are_none_are_refused(bounds: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match="Bounds of health"):
        HealthBounds(**bounds)


@pytest.mark.parametrize("name", ["stall", "snapshot_age", "start"])
def test_each_bound_is_above_0_and_the_lag_may_be(name: str) -> None:
    assert HealthBounds(**{name: 0.5, "lag": 0}).lag == 0
    for wrong in (0.0, -1.0):
        with pytest.raises(ConfigError, match=rf"above 0 \(seconds\).*{name}={wrong}"):
            HealthBounds(**{name: wrong})


def test_the_bounds_that_are_documented_are_used_where_none_are_given() -> None:
    assert Health().bounds == HealthBounds(60.0, 10_000, 1800.0, 300.0)
    bounds = HealthBounds(stall=1)
    assert Health(bounds).bounds is bounds


def test_each_check_says_what_was_seen(clock: Clock) -> None:
    health = Health(HealthBounds(), now=clock)
    assert health.alive() == [Check("main_loop", True, "Started 0 s ago.")]
    clock.now = 100
    health.progressed(assigned(12_000, 0, age=None))
    clock.now = 103
    assert health.ready() == [
        Check("main_loop", True, "Progress 3 s ago."),
        Check("started", True, "Events are being read."),
        Check("assigned", True, "2 partitions assigned."),
        Check("caught_up", False, "12,000 records behind; the bound is 10,000."),
        Check("snapshot", True, "No snapshot yet, 103 s after the start; the bound is 1800 s."),
    ]
    health.progressed(assigned(None, age=7.0))
    clock.now = 105
    assert health.ready()[2:] == [
        Check("assigned", True, "1 partition assigned."),
        Check("caught_up", False, "The lag is not known: no broker answers, or not yet."),
        Check("snapshot", True, "The newest snapshot is 9 s old; the bound is 1800 s."),
    ]
    health.progressed(assigned())
    assert health.ready()[2] == Check("assigned", False, "0 partitions assigned.")


def test_time_counts_from_the_making_and_not_from_the_zero_of_the_clock(clock: Clock) -> None:
    clock.now = 1000
    health = Health(HealthBounds(stall=60, snapshot_age=600, start=60), now=clock)
    assert healthy(health.alive())
    health.progressed(assigned(0, age=None))
    clock.now = 1060
    assert failing(health) == []
    clock.now = 1601
    assert failing(health) == ["main_loop", "snapshot"]


def test_a_snapshot_is_fresh_enough_at_its_bound(health: Health, clock: Clock) -> None:
    health.progressed(assigned(0, age=600.0))
    assert failing(health) == []
    health.progressed(assigned(0, age=None))
    clock.now = 600
    health.progressed()
    assert failing(health) == []


def test_a_long_stall_that_is_allowed_holds_for_the_first_events_too(clock: Clock) -> None:
    health = Health(HealthBounds(stall=400, start=300), now=clock)
    clock.now = 400
    assert healthy(health.alive())
    clock.now = 401
    assert not healthy(health.alive())


def test_all_checks_count() -> None:
    good, bad = Check("a", True, ""), Check("b", False, "")
    assert healthy([])
    assert healthy([good, good])
    assert not healthy([good, bad])
