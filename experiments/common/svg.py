"""Small plots as inline SVG: they take the page's colours, need no script, and print well."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path

__all__ = ["STYLE", "Axis", "Line", "Plot", "Point", "rank_diagram"]

STYLE = Path(__file__).with_name("report.css")
"""What a page, or a plot that stands for itself, takes its colours from."""

COLOURS = 8
"""The page defines so many series colours, ``--c0`` and up."""


@dataclass(frozen=True)
class Line:
    """A named line through points; ``width`` in pixels."""

    name: str
    xs: Sequence[float]
    ys: Sequence[float]
    width: float = 1.4


@dataclass(frozen=True)
class Point:
    """A named point; hollow where what it shows is not complete."""

    name: str
    x: float
    y: float
    colour: int = 0
    hollow: bool = False
    label: str = ""


@dataclass(frozen=True)
class Axis:
    """What an axis shows; ``reverse`` puts small values up or right."""

    label: str
    log: bool = False
    low: float | None = None
    high: float | None = None
    reverse: bool = False
    margin: float = 0.0
    """Share of the axis left free at either end that is not given, so that no point is cut."""


@dataclass
class Plot:
    """A plot of lines or points.

    Parameters
    ----------
    title
        Stands above, and is what a screen reader says.
    x, y
        Axes.
    lines, points
        What is drawn.
    marks, ticks
        Vertical dashed lines ``(x, what)``, and small marks on the x axis ``(x, what)``.
    """

    title: str
    x: Axis
    y: Axis
    lines: list[Line] = field(default_factory=list)
    points: list[Point] = field(default_factory=list)
    marks: list[tuple[float, str]] = field(default_factory=list)
    ticks: list[tuple[float, str]] = field(default_factory=list)
    width: int = 460
    height: int = 250

    def svg(self) -> str:
        """The picture; an empty one says that there is nothing to show."""
        xs = [v for line in self.lines for v in line.xs] + [p.x for p in self.points]
        ys = [v for line in self.lines for v in line.ys] + [p.y for p in self.points]
        sx, sy = _Scale.of(xs, self.x), _Scale.of(ys, self.y)
        if sx is None or sy is None:
            return _frame(self.title, self.width, 40, '<text x="4" y="30">no figures</text>')
        legend = 16 * len(self.lines)
        left, right, top, bottom = 52, self.width - 12, 22, self.height - 34
        parts = [f'<text class="t" x="{left}" y="14">{escape(self.title)}</text>']
        parts += _axes(sx, sy, self.x, self.y, left, right, top, bottom)
        for where, what in self.marks:
            if sx.holds(where):
                at = sx.place(where, left, right)
                parts.append(
                    f'<path class="mark" d="M{at:.1f} {top}V{bottom}"><title>{escape(what)}'
                    "</title></path>"
                )
        for where, what in self.ticks:
            if sx.holds(where):
                at = sx.place(where, left, right)
                parts.append(
                    f'<path class="tick" d="M{at:.1f} {bottom - 7}V{bottom}"><title>'
                    f"{escape(what)}</title></path>"
                )
        for k, line in enumerate(self.lines):
            parts.append(_polyline(line, k, sx, sy, left, right, top, bottom))
            at = self.height + 4 + 16 * k
            parts.append(
                f'<path class="s s{k % COLOURS}" style="stroke-width:{line.width + 1}" '
                f'd="M{left} {at}h18"/>'
                f'<text x="{left + 24}" y="{at + 4}">{escape(line.name)}</text>'
            )
        parts += [_dot(p, sx, sy, left, right, top, bottom) for p in self.points]
        return _frame(self.title, self.width, self.height + legend, "".join(parts))


@dataclass(frozen=True)
class _Scale:
    low: float
    high: float
    log: bool
    reverse: bool

    @classmethod
    def of(cls, values: Sequence[float], axis: Axis) -> _Scale | None:
        good = [v for v in values if math.isfinite(v) and (v > 0 or not axis.log)]
        if not good:
            return None
        low = axis.low if axis.low is not None else min(good)
        high = axis.high if axis.high is not None else max(good)
        if low == high:
            low, high = (low / 2, high * 2) if axis.log else (low - 0.5, high + 0.5)
        spread = math.log(high / low) if axis.log else high - low
        below = spread * axis.margin * (axis.low is None)
        above = spread * axis.margin * (axis.high is None)
        if axis.log:
            return cls(low / math.exp(below), high * math.exp(above), True, axis.reverse)
        return cls(low - below, high + above, False, axis.reverse)

    def holds(self, value: float) -> bool:
        return self.low <= value <= self.high

    def place(self, value: float, start: float, end: float) -> float:
        low, high, v = self.low, self.high, value
        if self.log:
            low, high, v = math.log(low), math.log(high), math.log(max(v, 1e-300))
        share = min(max((v - low) / (high - low), 0.0), 1.0)
        return start + (1.0 - share if self.reverse else share) * (end - start)

    def steps(self) -> list[float]:
        if self.log:
            first, last = math.ceil(math.log10(self.low)), math.floor(math.log10(self.high))
            powers = [10.0**k for k in range(first, last + 1)]
            return powers if len(powers) > 1 else [self.low, self.high]
        raw = (self.high - self.low) / 4
        unit = 10.0 ** math.floor(math.log10(raw))
        step = next(unit * m for m in (1, 2, 5, 10) if unit * m >= raw)
        k = math.ceil(self.low / step)
        found = []
        while k * step <= self.high * (1 + 1e-12):
            found.append(k * step)
            k += 1
        return found


def _axes(sx: _Scale, sy: _Scale, x: Axis, y: Axis, left: float, right: float, top: float,
          bottom: float) -> list[str]:  # fmt: skip
    parts = [f'<path class="axis" d="M{left} {top}V{bottom}H{right}"/>']
    for value in sx.steps():
        at = sx.place(value, left, right)
        parts.append(
            f'<path class="grid" d="M{at:.1f} {top}V{bottom}"/><text class="n" x="{at:.1f}" '
            f'y="{bottom + 13}" text-anchor="middle">{number(value)}</text>'
        )
    for value in sy.steps():
        at = sy.place(value, bottom, top)
        parts.append(
            f'<path class="grid" d="M{left} {at:.1f}H{right}"/><text class="n" x="{left - 5}" '
            f'y="{at + 3:.1f}" text-anchor="end">{number(value)}</text>'
        )
    parts.append(f'<text class="n" x="{(left + right) / 2}" y="{bottom + 27}" '
                 f'text-anchor="middle">{escape(x.label)}</text>')  # fmt: skip
    middle = (top + bottom) / 2
    parts.append(f'<text class="n" x="11" y="{middle}" text-anchor="middle" '
                 f'transform="rotate(-90 11 {middle})">{escape(y.label)}</text>')  # fmt: skip
    return parts


def _polyline(line: Line, k: int, sx: _Scale, sy: _Scale, left: float, right: float, top: float,
              bottom: float) -> str:  # fmt: skip
    spots = [
        f"{sx.place(x, left, right):.1f} {sy.place(y, bottom, top):.1f}"
        for x, y in zip(line.xs, line.ys, strict=True)
        if math.isfinite(x) and math.isfinite(y)
    ]
    if not spots:
        return ""
    return (f'<path class="s s{k % COLOURS}" style="stroke-width:{line.width}" '
            f'd="M{"L".join(spots)}"><title>{escape(line.name)}</title></path>')  # fmt: skip


def _dot(p: Point, sx: _Scale, sy: _Scale, left: float, right: float, top: float,
         bottom: float) -> str:  # fmt: skip
    if not (math.isfinite(p.x) and math.isfinite(p.y)):
        return ""
    x, y = sx.place(p.x, left, right), sy.place(p.y, bottom, top)
    kind = "hollow" if p.hollow else "dot"
    text = ""
    if p.label:
        end = x > right - 90
        text = (f'<text class="n" x="{x - 6 if end else x + 6:.1f}" y="{y + 3:.1f}" '
                f'text-anchor="{"end" if end else "start"}">{escape(p.label)}</text>')  # fmt: skip
    return (f'<circle class="{kind} f{p.colour % COLOURS}" cx="{x:.1f}" cy="{y:.1f}" r="3.5">'
            f"<title>{escape(p.name)}</title></circle>{text}")  # fmt: skip


def _frame(title: str, width: float, height: float, inside: str) -> str:
    return (f'<svg class="plot" role="img" aria-label="{escape(title, quote=True)}" '
            f'viewBox="0 0 {width} {height}" width="{width}" height="{height}">'
            f"{inside}</svg>")  # fmt: skip


def number(value: float) -> str:
    """A number on an axis."""
    if abs(value) >= 1e6 or 0 < abs(value) < 1e-3:
        return f"{value:.0e}".replace("e+0", "e").replace("e-0", "e-")
    return f"{value:,.10g}" if abs(value) >= 1 else f"{value:.3g}"


def rank_diagram(
    title: str, ranks: Sequence[tuple[str, float]], cliques: Sequence[tuple[int, int]], worst: float
) -> str:
    """Average ranks, best first; a bar joins what does not differ significantly.

    Parameters
    ----------
    ranks
        Name and average rank, ascending.
    cliques
        First and last position of each group without a significant difference.
    worst
        The largest possible rank.
    """
    row, left, bars = 17, 190, 9 * len(cliques)
    width, height = 620 + bars, 30 + row * len(ranks)
    scale = _Scale(1.0, max(worst, 2.0), False, False)
    parts = [f'<text class="t" x="4" y="14">{escape(title)}</text>']
    right = 590.0
    for value in scale.steps():
        at = scale.place(value, left, right)
        parts.append(
            f'<path class="grid" d="M{at:.1f} 22V{height}"/><text class="n" '
            f'x="{at:.1f}" y="20" text-anchor="middle">{number(value)}</text>'
        )
    for k, (name, rank) in enumerate(ranks):
        y = 34 + row * k
        at = scale.place(rank, left, right)
        parts.append(
            f'<text x="{left - 8}" y="{y + 4}" text-anchor="end">{escape(name)}</text>'
            f'<path class="grid" d="M{left} {y}H{at:.1f}"/><circle class="dot f0" cx="{at:.1f}" '
            f'cy="{y}" r="3.5"><title>{escape(name)}: {rank:.2f}</title></circle>'
            f'<text class="n" x="{at + 6:.1f}" y="{y + 3}">{rank:.2f}</text>'
        )
    for k, (first, last) in enumerate(cliques):
        x = right + 20 + 9 * k
        said = f"{ranks[first][0]} to {ranks[last][0]}: no significant difference"
        parts.append(
            f'<path class="clique" d="M{x} {34 + row * first - 5}V{34 + row * last + 5}">'
            f"<title>{escape(said)}</title></path>"
        )
    return _frame(title, width, height + 8, "".join(parts))
