"""Whether a run is alive, and whether it is ready: judged when somebody asks."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from streamml.errors import ConfigError
from streamml.io.operation import Operation
from streamml_connectors.options import option

__all__ = ["Check", "Health", "HealthBounds", "healthy"]


@dataclass(frozen=True, slots=True)
class HealthBounds:
    """How much is too much.

    Parameters
    ----------
    stall
        Seconds without progress of the main loop, above 0.
    lag
        Records behind, over all assigned partitions, at least 0.
    snapshot_age
        Seconds since the newest snapshot, above 0.
    start
        Seconds that the first events may take instead, above 0: the very first run compiles.

    Raises
    ------
    ConfigError
        A bound cannot be used.
    """

    stall: float = option(
        "/healthz fails after so long without progress.",
        flag="alive-within",
        metavar="SECONDS",
        default=60.0,
        above=0,
    )
    lag: int = option(
        "/readyz fails further behind than N records.",
        flag="ready-lag",
        metavar="N",
        default=10_000,
        least=0,
    )
    snapshot_age: float = option(
        "/readyz fails where the newest snapshot is older.",
        flag="ready-snapshot-age",
        metavar="SECONDS",
        default=1800.0,
        above=0,
    )
    start: float = 300.0

    def __post_init__(self) -> None:
        seconds = (self.stall, self.snapshot_age, self.start)
        if not all(one > 0 for one in seconds) or self.lag < 0:
            raise ConfigError(
                "Bounds of health are above 0 (seconds) and at least 0 (records behind), "
                f"{self} is not."
            )


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at.

    Parameters
    ----------
    name
        From a small fixed set.
    ok
        Whether it is within its bound.
    reason
        What was seen, for a person.
    """

    name: str
    ok: bool
    reason: str


def healthy(checks: list[Check]) -> bool:
    """Whether all checks are."""
    return all(check.ok for check in checks)


class Health:
    """Remembers the newest word of the main loop and judges it by the clock.

    Parameters
    ----------
    bounds
        How much is too much.
    now
        A clock in seconds that never goes back.

    Examples
    --------
    >>> seconds = [0.0]
    >>> health = Health(HealthBounds(stall=60), now=lambda: seconds[0])
    >>> health.ready()[1]
    Check(name='started', ok=False, reason='No event was read yet.')
    >>> health.progressed(Operation())
    >>> seconds[0] = 61.0
    >>> health.alive()
    [Check(name='main_loop', ok=False, reason='No progress for 61 s; the bound is 60 s.')]
    """

    def __init__(
        self, bounds: HealthBounds | None = None, now: Callable[[], float] = time.monotonic
    ) -> None:
        self.bounds = bounds if bounds is not None else HealthBounds()
        self._now = now
        self._born = now()
        self._seen: tuple[float, Operation | None] = (self._born, None)
        self._warm = False  # no word of the main loop is due soon before its first events

    def progressed(self, operation: Operation | None = None, *, warm: bool = True) -> None:
        """The main loop went round; ``None`` says nothing new of its surroundings.

        ``warm``: whether events were processed by now, so that the next round is a short one.
        """
        self._warm = self._warm or warm
        if operation is None:
            operation = self._seen[1]
        self._seen = (self._now(), operation)  # one assignment: read by other threads

    def alive(self) -> list[Check]:
        """Whether the main loop goes on."""
        age = self._now() - self._seen[0]
        bound = self.bounds.stall if self._warm else max(self.bounds.stall, self.bounds.start)
        if age <= bound:
            what = "Started" if self._seen[1] is None else "Progress"
            return [Check("main_loop", True, f"{what} {age:.0f} s ago.")]
        reason = f"No progress for {age:.0f} s; the bound is {bound:g} s."
        return [Check("main_loop", False, reason)]

    def ready(self) -> list[Check]:
        """Whether it is alive, has its partitions, has caught up, and is safely stored."""
        told, operation = self._seen
        if operation is None:
            return [*self.alive(), Check("started", False, "No event was read yet.")]
        checks = [*self.alive(), Check("started", True, "Events are being read.")]
        if operation.partitions is not None:
            checks += [_assigned(operation), self._caught_up(operation)]
        if operation.snapshot is not None:
            checks.append(self._stored(operation.snapshot.age, told))
        return checks

    def _caught_up(self, operation: Operation) -> Check:
        bound, lag = self.bounds.lag, operation.lag
        if lag is None:
            return Check("caught_up", False, "The lag is not known: no broker answers, or not yet.")
        return Check("caught_up", lag <= bound, f"{lag:,} records behind; the bound is {bound:,}.")

    def _stored(self, age: float | None, told: float) -> Check:
        bound = self.bounds.snapshot_age
        if age is None:
            age = self._now() - self._born
            said = f"No snapshot yet, {age:.0f} s after the start"
        else:
            age += self._now() - told
            said = f"The newest snapshot is {age:.0f} s old"
        return Check("snapshot", age <= bound, f"{said}; the bound is {bound:g} s.")


def _assigned(operation: Operation) -> Check:
    n = len(operation.partitions or ())
    plural = "" if n == 1 else "s"
    return Check("assigned", n > 0, f"{n} partition{plural} assigned.")
