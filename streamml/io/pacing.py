"""How fast a stream is read: at once, so many events a second, or as it was recorded."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol

from streamml.errors import ConfigError
from streamml.io.protocols import Source
from streamml.types import EventBatch, Schema
from streamml.types.saved import batch_state, restore_batch

__all__ = ["Clock", "EventsPerSecond", "OriginalTimestamps", "Pace", "SystemClock", "Unpaced"]

_NAP: Final = 0.1  # longest sleep (s) before asking whether to stop
_PATIENCE: Final = 1.0  # longest wait (s); then an empty batch, so that the run shows it is alive
_TICK: Final = 0.02  # events due within it (s) go together, so that a high rate costs no spinning

Stopped = Callable[[], bool]


class Clock(Protocol):
    """Seconds that pass; :class:`streamml.testing.SettableClock` is one for tests."""

    def now(self) -> float:
        """Seconds since some fixed moment, never going back."""

    def sleep(self, seconds: float) -> None:
        """Come back after ``seconds``."""


class SystemClock:
    """The computer's clock.

    Examples
    --------
    >>> clock = SystemClock()
    >>> before = clock.now()
    >>> clock.sleep(0.0)
    >>> clock.now() >= before
    True
    """

    def now(self) -> float:
        """Seconds since some fixed moment, never going back."""
        return time.perf_counter()

    def sleep(self, seconds: float) -> None:
        """Come back after ``seconds``."""
        time.sleep(seconds)


class Pace(Protocol):
    """Reads a source no faster than it should."""

    waited: float
    """Seconds spent waiting so far."""

    def next_batch(
        self, source: Source, max_events: int, clock: Clock, stopped: Stopped
    ) -> EventBatch | None:
        """The next 1 to ``max_events`` events that are due, waiting for the first one.

        An empty batch where that is not due within a second. ``None`` at the end of the
        stream, and where ``stopped()`` became true meanwhile.
        """

    def snapshot(self) -> Mapping[str, Any]:
        """The events that were read from the source and not handed out yet.

        The source's own position is behind them: the two belong together.
        """

    def restore(self, snapshot: Mapping[str, Any], schema: Schema) -> None:
        """Hand those events out first; ``schema`` holds their names."""


class _ReadsAhead:
    """Keeps events that were read before their time."""

    def __init__(self) -> None:
        self.waited = 0.0
        self._ahead: EventBatch | None = None

    def snapshot(self) -> Mapping[str, Any]:
        """The events read ahead."""
        return {} if self._ahead is None else {"ahead": batch_state(self._ahead)}

    def restore(self, snapshot: Mapping[str, Any], schema: Schema) -> None:
        """Hand out the events read ahead first."""
        ahead = snapshot.get("ahead")
        self._ahead = None if ahead is None else restore_batch(ahead, schema)

    def _take_ahead(self, most: int) -> EventBatch | None:
        ahead, self._ahead = self._ahead, None
        if ahead is None or len(ahead) <= most:
            return ahead
        self._ahead = ahead.slice(most, len(ahead))
        return ahead.slice(0, most)


class Unpaced(_ReadsAhead):
    """As fast as it goes.

    Examples
    --------
    >>> from streamml.streams import DemoStream
    >>> len(Unpaced().next_batch(DemoStream(), 10, SystemClock(), lambda: False))
    10
    """

    def next_batch(
        self,
        source: Source,
        max_events: int,
        clock: Clock,  # noqa: ARG002 - needs no time
        stopped: Stopped,  # noqa: ARG002 - never waits
    ) -> EventBatch | None:
        """What the source gives; first what was left by a run that was paced."""
        ahead = self._take_ahead(max_events)
        return ahead if ahead is not None else source.next_batch(max_events)


class EventsPerSecond(_ReadsAhead):
    """A steady rate. Reads ahead of what it hands out.

    Parameters
    ----------
    rate
        Events a second, above 0. What could not be kept up with is caught up later.

    Raises
    ------
    ConfigError
        ``rate`` is not a number above 0.

    Examples
    --------
    >>> from streamml.streams import DemoStream
    >>> from streamml.testing import SettableClock
    >>> clock, stream, pace = SettableClock(), DemoStream(), EventsPerSecond(2.0)
    >>> for _ in range(3):
    ...     _ = pace.next_batch(stream, 100, clock, lambda: False)
    >>> clock.now(), stream.snapshot()["position"]
    (1.0, 3)
    """

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = _above_zero("The rate", rate)
        self._start: float | None = None
        self._handed = 0

    def next_batch(
        self, source: Source, max_events: int, clock: Clock, stopped: Stopped
    ) -> EventBatch | None:
        """As many events as are due, or the next ones when they are."""
        if self._start is None:
            self._start = clock.now()
        ready = int((clock.now() - self._start) * self.rate) + 1 - self._handed
        together = max(int(self.rate * _TICK), 1)
        # Read first, wait then: the end of a stream is not waited for.
        batch = self._take_ahead(max_events)
        if batch is None:
            wanted = max(ready, together if self._handed else 1)
            batch = source.next_batch(min(wanted, max_events))
        self._handed += len(batch) if batch is not None else 0
        if batch is None or not len(batch):
            return batch
        due = self._start + (self._handed - 1) / self.rate
        waited, reached = _wait_until(due, clock, stopped)
        self.waited += waited
        if not reached:
            self._ahead = batch
            self._handed -= len(batch)
            return None if stopped() else batch.slice(0, 0)
        return batch


class OriginalTimestamps(_ReadsAhead):
    """As the events were recorded, times a factor. Reads ahead of what it hands out.

    Parameters
    ----------
    factor
        Above 0; 10 plays ten recorded seconds in one.

    Raises
    ------
    ConfigError
        ``factor`` is not a number above 0.

    Examples
    --------
    >>> from streamml.streams import DemoStream
    >>> from streamml.testing import SettableClock
    >>> clock, stream, pace = SettableClock(), DemoStream(), OriginalTimestamps(2.0)
    >>> batches = [pace.next_batch(stream, 100, clock, lambda: False) for _ in range(3)]
    >>> clock.now(), [batch.ids for batch in batches]
    (1.0, [[0], [1], [2]])
    """

    def __init__(self, factor: float) -> None:
        super().__init__()
        self.factor = _above_zero("The factor of the rate", factor)
        self._offset: float | None = None  # clock time at event time 0

    def next_batch(
        self, source: Source, max_events: int, clock: Clock, stopped: Stopped
    ) -> EventBatch | None:
        """The events whose time has come."""
        if self._ahead is None:
            self._ahead = source.next_batch(max_events)
        batch = self._ahead
        if batch is None or not len(batch):
            self._ahead = None
            return batch
        due = batch.timestamps / self.factor
        if self._offset is None:
            self._offset = clock.now() - float(due[0])
        waited, reached = _wait_until(self._offset + float(due[0]), clock, stopped)
        self.waited += waited
        if not reached:
            return None if stopped() else batch.slice(0, 0)
        late = due > clock.now() + _TICK - self._offset
        ready = int(late.argmax()) if late.any() else len(batch)
        ready = min(max(ready, 1), max_events)
        self._ahead = batch.slice(ready, len(batch)) if ready < len(batch) else None
        return batch.slice(0, ready)


def _wait_until(due: float, clock: Clock, stopped: Stopped) -> tuple[float, bool]:
    """Seconds waited, and whether ``due`` was reached: in time, and before being stopped."""
    start = clock.now()
    until = min(due, start + _PATIENCE)
    # Naps, because a signal handler can ask to stop but cannot end a sleep.
    while (left := until - clock.now()) > 0 and not stopped():
        clock.sleep(min(left, _NAP))
    return clock.now() - start, due <= until and not stopped()


def _above_zero(what: str, value: float) -> float:
    if not 0 < value < float("inf"):
        raise ConfigError(f"{what} must be a number above 0, not {value}.")
    return value
