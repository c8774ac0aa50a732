"""Drift: how soon it is found, how often alarms are false, and when the learner is back.

``python -m experiments.drift`` runs the learner over synthetic streams with known drifts
(random tree, RBF and hyperplane; sudden, gradual, incremental and recurring; 8 and 25
labels), over drifts of label correlation, imbalance and labels, the demo stream, and
stationary streams. Beside it: the same learner that never acts on drift, one that always
does (every 1,000 events), and one that knows the drifts and starts anew after each.
``--plot`` draws the recovery curves.

Recovery counts from the end of a drift, and asks for a window of 500 events that all lie
after it: 500 is the best figure there is, and 1,000 the bar for a sudden drift.
"""

from __future__ import annotations

import csv
import math
from pathlib import Path

import click
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from experiments.drift.plot import draw
from experiments.drift.runs import Case, Run, always_alarms, cases, run, variants
from streamml.metrics.drift import AlarmScores, Recovery

BAR_EVENTS, BAR_FALSE = 1_000, 1.0
NAMES = {"learner": "", "never": "never-fire", "always": "always-fire", "anew": "anew"}


def alarm_words(found: AlarmScores, detectors: float) -> list[str]:
    """Delay, missed, and false alarms in 10,000 events for each detector."""
    if not found.delays:
        delay, missed = "", ""
    else:
        delay = "-" if math.isnan(found.mean_delay) else f"{found.mean_delay:,.0f}"
        missed = f"{found.missed}/{len(found.delays)}"
    return [delay, missed, f"{found.false_per_10_000 / detectors:.2f}"]


def alarm_table(rows: dict[str, dict[str, Run]]) -> Table:
    """Alarms, one line a stream."""
    table = Table(title="Alarms, beside a detector that always fires")
    table.add_column("stream", no_wrap=True)
    for name in ("delay", "missed", "false", "detectors", "always: delay", "missed", "false"):
        table.add_column(name, justify="right")
    for title, found in rows.items():
        mine = found["learner"]
        table.add_row(
            title,
            *alarm_words(mine.alarms, mine.clusters),
            f"{mine.clusters:.1f}",
            *alarm_words(always_alarms(mine), 1.0),
        )
    return table


def back(found: tuple[Recovery, ...]) -> str:
    """Events to recovery, drift by drift; a dash where it did not come."""
    return "/".join("-" if r.events is None else f"{r.events}" for r in found)


def levels(found: tuple[Recovery, ...]) -> str:
    """Micro-F1 before, just after and late after, mean over the drifts."""
    parts = ("before", "after", "late")
    return " ".join(
        f"{sum(getattr(r, p) for r in found) / len(found):.3f}".lstrip("0") for p in parts
    )


def recovery_table(rows: dict[str, dict[str, Run]]) -> Table:
    """Recovery, one line a stream that drifts, two columns a learner."""
    table = Table(
        title="Events after each drift until 95 % of the micro-F1 before it; F1: mean "
        "micro-F1 of the 1,000 events before a drift, after it, and before the next"
    )
    table.add_column("stream", no_wrap=True)
    shown = [name for name in NAMES if name in next(iter(rows.values()))]
    for name in shown:
        table.add_column(f"{NAMES[name] or 'learner'}", justify="right", no_wrap=True)
        table.add_column("F1", justify="right", no_wrap=True)
    for title, found in rows.items():
        if found["learner"].drifts:
            cells = [f(found[name].recoveries) for name in shown for f in (back, levels)]
            table.add_row(title, *cells)
    return table


def verdict(rows: dict[str, dict[str, Run]]) -> list[str]:
    """How many sudden drifts and quiet streams pass the bars."""
    lines = []
    for name in NAMES:
        events = [
            r.events
            for found in rows.values()
            if name in found
            for drift, r in zip(found[name].drifts, found[name].recoveries, strict=True)
            if drift.width == 0
        ]
        if not events:
            continue
        good = sum(e is not None and e <= BAR_EVENTS for e in events)
        title = NAMES[name] or "learner"
        lines.append(f"{title}: back within {BAR_EVENTS:,} events of {good} of {len(events)} "
                     "sudden drifts")  # fmt: skip
    mine = [found["learner"] for found in rows.values()]
    loud = [r for r in mine if r.alarms.false_per_10_000 / r.clusters > BAR_FALSE]
    lines.append(f"more than {BAR_FALSE:g} false alarm in 10,000 events for each detector: "
                 f"{len(loud)} of {len(mine)} streams")  # fmt: skip
    return lines


def write_csv(path: Path, rows: dict[str, dict[str, Run]]) -> None:
    """One line a drift and learner, and one a stream."""
    with path.open("w", encoding="utf-8", newline="") as file:
        out = csv.writer(file)
        out.writerow(("stream", "learner", "drift", "back", "before", "after", "late", "delay",
                      "false_per_10_000", "detectors"))  # fmt: skip
        for title, found in rows.items():
            for name, r in found.items():
                rate = r.alarms.false_per_10_000
                pairs = zip(r.drifts, r.recoveries, r.alarms.delays, strict=True)
                lines = [
                    (d.start, x.events, x.before, x.after, x.late, delay) for d, x, delay in pairs
                ]
                for line in lines or [("", "", "", "", "", "")]:
                    out.writerow((title, name, *line, rate, r.clusters))


@click.command()
@click.option("--learner", default="ihomer", show_default=True)
@click.option("--set", "settings", multiple=True, metavar="NAME=VALUE", help="Learner parameter.")
@click.option("--events", default=50_000, show_default=True, type=click.IntRange(100))
@click.option("--labels", default="8,25", show_default=True, help="Numbers of labels.")
@click.option("--only", default="", help="Streams whose name holds one of these, by commas.")
@click.option("--seed", default=1, show_default=True, type=click.IntRange(0))
@click.option("--plot", type=click.Path(dir_okay=False, path_type=Path), help="PNG or SVG.")
@click.option("--csv", "csv_path", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--quick", is_flag=True, help="Two short streams.")
def main(
    learner: str,
    settings: tuple[str, ...],
    events: int,
    labels: str,
    only: str,
    seed: int,
    plot: Path | None,
    csv_path: Path | None,
    quick: bool,
) -> None:
    """Print alarms and recovery on synthetic streams with known drifts."""
    if quick:
        events, labels, only = 5_000, "8", "hyperplane 8 sudden,rbf 8 recurring"
    numbers = tuple(int(n) for n in labels.split(","))
    wanted = [c for c in cases(events, numbers) if any(o in c.title for o in only.split(","))]
    if not wanted:
        raise click.BadParameter(f"no stream's name holds {only!r}", param_hint="--only")
    console = Console(width=190)
    rows = run_all(wanted, learner, settings, seed, console)
    console.print(alarm_table(rows))
    if any(found["learner"].drifts for found in rows.values()):
        console.print(recovery_table(rows))
    for line in verdict(rows):
        console.print(line, highlight=False)
    if csv_path:
        write_csv(csv_path, rows)
    if plot:
        draw(rows, plot, NAMES)


def run_all(
    wanted: list[Case], learner: str, settings: tuple[str, ...], seed: int, console: Console
) -> dict[str, dict[str, Run]]:
    """Every learner over every stream, with progress on the terminal."""
    rows: dict[str, dict[str, Run]] = {}
    with Progress(console=console, transient=True) as progress:
        task = progress.add_task("", total=sum(c.open(seed).length or 0 for c in wanted))
        for case in wanted:
            chosen = variants(learner, settings, case, seed)
            rows[case.title] = {}
            for name, (made, act) in chosen.items():
                if name == "anew" and not case.open(seed).drifts:
                    continue
                progress.update(task, description=f"{case.title}: {NAMES[name] or learner}")
                share = 1.0 / len(chosen)
                tick = lambda n, share=share: progress.advance(task, n * share)  # noqa: E731
                rows[case.title][name] = run(case, made, seed, tick, act)
    return dict(sorted(rows.items(), key=lambda row: not row[1]["learner"].drifts))
