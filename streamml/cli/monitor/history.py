"""The past of a run in bounded memory: the last minutes in detail, the whole in outline."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, fields

__all__ = ["History", "Point", "columns"]


@dataclass(frozen=True, slots=True)
class Point:
    """What stood at one moment.

    Parameters
    ----------
    at
        Seconds since the start.
    events
        Handed out so far.
    rate
        Events a second since the point before; ``None`` at the first.
    f1, exact
        Micro-F1 and exact match over the sliding window; ``None`` before the first score.
    baseline
        Micro-F1 of the better baseline over its window.
    lag
        Records behind, where there are any to be behind of.
    """

    at: float
    events: int
    rate: float | None
    f1: float | None = None
    exact: float | None = None
    baseline: float | None = None
    lag: int | None = None


class History:
    """Points of a run, the newest last.

    The outline keeps at most ``size`` points: once full, it drops every second one and
    takes points half as often from then on.

    Parameters
    ----------
    size
        Largest number of points in each of the two, at least 4 and even.
    detail
        Seconds between two points of the last minutes.

    Examples
    --------
    >>> history = History(size=4, detail=1.0)
    >>> for second in range(20):
    ...     history.add(Point(float(second), 0, 0.0))
    >>> [point.at for point in history.recent]
    [16.0, 17.0, 18.0, 19.0]
    >>> [point.at for point in history.whole()]
    [0.0, 8.0, 16.0, 19.0]
    """

    def __init__(self, size: int = 300, detail: float = 2.0) -> None:
        self.size = size
        self.detail = detail
        self.recent: deque[Point] = deque(maxlen=size)
        self._outline: list[Point] = []
        self._gap = detail

    def add(self, point: Point) -> None:
        """Note a point; kept where the last one is old enough."""
        if not self.recent or point.at - self.recent[-1].at >= self.detail:
            self.recent.append(point)
        if self._outline and point.at - self._outline[-1].at < self._gap:
            return
        if len(self._outline) == self.size:
            self._outline = self._outline[::2]
            self._gap *= 2
            if point.at - self._outline[-1].at < self._gap:
                return
        self._outline.append(point)

    def whole(self) -> list[Point]:
        """The outline from the start until now."""
        newest = [self.recent[-1]] if self.recent else []
        return self._outline + [p for p in newest if p.at > self._outline[-1].at]


def columns(points: list[Point]) -> dict[str, list[float | int | None]]:
    """Name -> values, one list a field: shorter than one object a point."""
    return {f.name: [_rounded(getattr(p, f.name)) for p in points] for f in fields(Point)}


def _rounded(value: float | None) -> float | None:
    return round(value, 4) if isinstance(value, float) else value
