"""The plots of the report."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence

from experiments.bench.report.claims import OURS
from experiments.bench.report.data import METRICS, Figures, ranks_of
from experiments.bench.store import Result
from experiments.common.svg import Axis, Line, Plot, Point

__all__ = ["cost", "curve", "curve_learners", "pareto"]

_GROUPS = ("ours", "global", "local", "reference", "peer", "batch", "yours")


def curve_learners(figures: Figures) -> list[str]:
    """Ours, both references, and the best of the others by average rank of example-F1."""
    first = [n for n in (OURS, "no-change", "majority") if n in figures.names]
    others = figures.of_groups("global", "local", "peer", "batch", "yours")
    datasets = figures.complete(others)
    if not datasets:
        return first
    mean = ranks_of(figures, "example_f1", others, datasets).mean(axis=0)
    best = sorted(zip(mean.tolist(), others, strict=True))[:3]
    return [*first, *(name for _, name in best)]


def curve(figures: Figures, dataset: str, names: Sequence[str]) -> Plot:
    """Micro-F1 over a sliding window, with drifts and our learner's structure changes."""
    row = figures.cells[dataset]
    lines = [
        Line(
            _named(row[n]),
            row[n].curve["event"],
            row[n].curve["window_micro_f1"],
            2.2 if n == OURS else 1.2,
        )
        for n in names
        if n in row and row[n].curve.get("event")
    ]
    ours = row.get(OURS)
    facts = ours.facts if ours else {}
    marks = [(float(start), f"known drift, {kind}") for kind, start, _ in facts.get("drifts", ())]
    ticks = [
        (float(position), f"{kind} ({scope}) at event {position}")
        for kind, scope, position in facts.get("changes", ())
        if scope == "global"
    ]
    window = facts.get("window", 1000)
    return Plot(
        f"{dataset}, {figures.order} order",
        Axis("event"),
        Axis(f"micro-F1, last {window}", low=0.0, high=1.0),
        lines,
        marks=marks,
        ticks=ticks,
    )


def _named(result: Result) -> str:
    if result.status == "finished":
        return result.cell.learner
    return f"{result.cell.learner} ({result.status} at {result.events})"


def pareto(figures: Figures, metric: str, names: Sequence[str]) -> Plot:
    """Average rank against speed; hollow where cells were not finished."""
    datasets = figures.complete(names)
    points = []
    if datasets:
        mean = ranks_of(figures, metric, names, datasets).mean(axis=0)
        for k, name in enumerate(names):
            results = [figures.cells[d][name] for d in datasets]
            rates = [r.facts.get("events_per_second", math.nan) for r in results]
            rates = [r for r in rates if r and math.isfinite(r)]
            if not rates:
                continue
            rate = statistics.geometric_mean(rates)
            group = figures_group(name)
            whole = all(r.status == "finished" for r in results)
            points.append(Point(f"{name}: rank {mean[k]:.2f}, {rate:,.0f} events/s", rate,
                                float(mean[k]), _GROUPS.index(group), not whole, name))  # fmt: skip
    front, lowest = [], math.inf
    for point in sorted(points, key=lambda p: -p.x):
        if point.y < lowest:
            lowest = point.y
            front.append(point)
    return Plot(
        f"Average rank in {METRICS[metric]} against speed, {figures.order} order, "
        f"{len(datasets)} datasets",
        Axis("events per CPU second (geometric mean)", log=True, margin=0.06),
        Axis("average rank (best on top)", reverse=True, margin=0.06),
        lines=[
            Line(
                "no other is both faster and better ranked",
                [p.x for p in front],
                [p.y for p in front],
                1.0,
            )
        ]
        if front
        else [],
        points=points,
        width=760,
        height=460,
    )


def figures_group(name: str) -> str:
    """Group of a learner, for its colour."""
    from experiments.bench.report.data import group_of

    group = group_of(name)
    return group if group in _GROUPS else "yours"


def cost(figures: Figures, names: Sequence[str], what: str) -> Plot:
    """Microseconds an event on each dataset, against its labels or its non-zero features."""
    points, key = [], {"labels": "labels", "non-zero features an event": "nonzeros"}[what]
    for k, name in enumerate(names):
        for dataset, row in figures.cells.items():
            facts = row[name].facts if name in row else {}
            rate = facts.get("events_per_second", math.nan)
            if rate and math.isfinite(rate) and facts.get(key, 0) > 0:
                points.append(Point(f"{name} on {dataset}: {1e6 / rate:,.0f} µs an event",
                                    facts[key], 1e6 / rate, k))  # fmt: skip
    found = Plot(f"Cost as {what} grow", Axis(what, log=True, margin=0.04),
                 Axis("µs an event", log=True, margin=0.04),
                 points=points, width=560, height=320)  # fmt: skip
    found.lines = [Line(name, [], []) for name in names] if points else []
    return found
