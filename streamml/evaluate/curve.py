"""Scores over a stream: some points of it, however long it is, and a picture of them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape

from streamml.metrics import Prequential, Scores

__all__ = ["CurvePlot", "CurvePoint", "CurveRecorder"]

_MOST = 200  # points kept; twice as far apart whenever there would be more
_STEP = 50  # events between the first of them

_WIDTH, _HEIGHT = 560, 300
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 16, 30, 40  # room around the lines
_COLOURS = ("#1f77b4", "#d9730d", "#2a9d5c", "#b03a8c", "#8a6d3b", "#6b6ecf")  # on light and dark


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """What had been scored when so many events had come.

    Parameters
    ----------
    events
        Number of events handed out by then.
    scores
        Name of a learner -> scores of the window of its metrics, its last events scored.
    """

    events: int
    scores: Mapping[str, Scores]


class CurveRecorder:
    """Keeps points at equal distances, at most 200, and the end; how events are cut is no matter.

    Parameters
    ----------
    metrics
        Name of a learner -> its metrics.
    """

    def __init__(self, metrics: Mapping[str, Prequential]) -> None:
        self._metrics = metrics
        self._step = _STEP
        self._points: list[CurvePoint] = []

    def cuts(self, start: int, events: int) -> Iterator[tuple[int, int]]:
        """Parts of a batch, each up to the next point: first and last row of each."""
        row = 0
        while row < events:
            stop = min(events, row + self._step - (start + row) % self._step)
            yield row, stop
            row = stop

    def note(self, events: int) -> None:
        """So many events have come: keep a point if one is due."""
        if events % self._step:
            return
        self._points.append(self._point(events))
        if len(self._points) > _MOST:
            self._step *= 2
            self._points = [point for point in self._points if not point.events % self._step]

    def end(self, events: int) -> tuple[CurvePoint, ...]:
        """All points, with one for the end of the stream, where all was scored."""
        kept = [point for point in self._points if point.events < events]
        return (*kept, *([self._point(events)] if events else []))

    def _point(self, events: int) -> CurvePoint:
        scores = {name: metrics.windowed() for name, metrics in self._metrics.items()}
        return CurvePoint(events, scores)


@dataclass(frozen=True, slots=True)
class CurvePlot:
    """A picture of one score over a stream, a line a learner; notebooks show it by themselves.

    Parameters
    ----------
    points
        The curve, in order.
    score
        Field of :class:`~streamml.metrics.Scores`.

    Examples
    --------
    >>> CurvePlot((), "exact_match").svg()[:4]
    '<svg'
    """

    points: Sequence[CurvePoint]
    score: str

    def svg(self) -> str:
        """It scales; text has the colour of the page (``currentColor``)."""
        names = list(self.points[-1].scores) if self.points else []
        title = f"{self.score.replace('_', ' ')}, sliding window"
        parts = [_text(_LEFT, 16, title, weight="bold")]
        if not names:
            parts.append(_text(_LEFT, 60, "no events"))
        else:
            parts += self._axes()
            parts += [self._line(k, name) for k, name in enumerate(names)]
        height = _HEIGHT + 18 * len(names)
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" '
            f'width="{_WIDTH}" height="{height}" font-family="sans-serif" font-size="12" '
            f'fill="currentColor" role="img" aria-label="{escape(self.score)} over the stream">'
            f"{''.join(parts)}</svg>"
        )

    def _repr_svg_(self) -> str:
        return self.svg()

    def _axes(self) -> list[str]:
        parts = []
        for k in range(6):
            value = self._top() * k / 5
            y = self._y(value)
            parts.append(_rule(_LEFT, y, _WIDTH - _RIGHT, y))
            parts.append(_text(_LEFT - 6, y + 4, f"{value:.2g}", anchor="end"))
        for events in _ticks(self.points[-1].events):
            x = self._x(events)
            parts.append(_rule(x, _HEIGHT - _BOTTOM, x, _HEIGHT - _BOTTOM + 4))
            parts.append(_text(x, _HEIGHT - _BOTTOM + 18, f"{events:,}", anchor="middle"))
        parts.append(_text(_WIDTH - _RIGHT, _HEIGHT - 6, "events", anchor="end"))
        return parts

    def _line(self, k: int, name: str) -> str:
        values = self._values(name)
        spots = [
            f"{self._x(point.events):.1f} {self._y(value):.1f}"
            for point, value in zip(self.points, values, strict=True)
            if math.isfinite(value)
        ]
        colour, y = _COLOURS[k % len(_COLOURS)], _HEIGHT + 10 + 18 * k
        last = f"{values[-1]:.3f}" if math.isfinite(values[-1]) else "not scored"
        width = 2.2 if k == 0 else 1.4
        drawn = f"M{'L'.join(spots)}" if len(spots) > 1 else f"M{spots[0]}h1" if spots else "M0 0"
        return (
            f'<path d="{drawn}" fill="none" stroke="{colour}" stroke-width="{width}" '
            f'stroke-linejoin="round"><title>{escape(name)}</title></path>'
            f'<path d="M{_LEFT} {y - 4}h22" stroke="{colour}" stroke-width="{width + 1}"/>'
            + _text(_LEFT + 30, y, f"{name}  {last}")
        )

    def _values(self, name: str) -> list[float]:
        return [float(getattr(point.scores[name], self.score)) for point in self.points]

    def _top(self) -> float:
        """The end of the axis: all that is drawn lies below it."""
        values = [value for name in self.points[-1].scores for value in self._values(name)]
        most = max((value for value in values if math.isfinite(value)), default=1.0)
        return next(top for top in (0.1, 0.2, 0.5, 1.0) if most <= top)

    def _x(self, events: int) -> float:
        return _LEFT + (_WIDTH - _LEFT - _RIGHT) * events / max(self.points[-1].events, 1)

    def _y(self, value: float) -> float:
        return _HEIGHT - _BOTTOM - (_HEIGHT - _TOP - _BOTTOM) * value / self._top()


def _ticks(most: int) -> list[int]:
    """Round numbers from 0 on, four to seven of them, or fewer where there are fewer events."""
    unit = 10 ** max(len(str(most)) - 2, 0)
    step = next(unit * m for m in (1, 2, 5, 10, 20, 50) if most / (unit * m) <= 6)
    return list(range(0, most + 1, step))


def _text(x: float, y: float, text: str, anchor: str = "start", weight: str = "normal") -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-weight="{weight}">'
        f"{escape(text)}</text>"
    )


def _rule(x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<path d="M{x1:.1f} {y1:.1f}L{x2:.1f} {y2:.1f}" stroke="currentColor" opacity="0.25"/>'
