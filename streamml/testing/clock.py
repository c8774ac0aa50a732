"""A clock that is set."""

from __future__ import annotations

__all__ = ["SettableClock"]


class SettableClock:
    """A clock that moves only when told to; sleeping moves it at once.

    Parameters
    ----------
    start
        What it shows first, in seconds.

    Examples
    --------
    >>> clock = SettableClock(10.0)
    >>> clock.sleep(2.5)
    >>> clock.advance(1.0)
    >>> clock.now(), clock.slept
    (13.5, [2.5])
    """

    def __init__(self, start: float = 0.0) -> None:
        self._now = start
        self.slept: list[float] = []
        """Every sleep asked for, in seconds."""

    def now(self) -> float:
        """Seconds it shows."""
        return self._now

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self._now += seconds

    def sleep(self, seconds: float) -> None:
        """Let time pass, and note that somebody slept."""
        self.slept.append(seconds)
        self._now += seconds
