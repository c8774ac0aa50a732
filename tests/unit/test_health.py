"""Alive and ready: each check by the clock, with its reason."""

from __future__ import annotations

import pytest

from streamml.errors import ConfigError
from streamml.io.operation import Operation, PartitionLag, SnapshotState
from streamml_connectors.health import Health, HealthBounds, healthy


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
