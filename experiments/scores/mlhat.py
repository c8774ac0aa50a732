"""The multi-label Hoeffding adaptive tree beside measured figures of the published MLHAT.

``python -m experiments.mlhat`` runs it over the events that the published code was run on, in
natural order, with several seeds, and prints micro-F1, exact match and events per second of
both. A figure more than 0.02 below the reference, or a rate below 300 times its rate, is marked.
The second table has every event weighted by the bootstrap, as the reference has it, except that
weight 0 trains nothing here: for a single tree that throws away a third of the events.
"""

from __future__ import annotations

import csv
import time
from collections import defaultdict

import click
import numpy as np
from rich.console import Console
from rich.table import Table

from experiments.datasets.data import read, reference_dir
from streamml.baselines import MLHAT
from streamml.errors import DataError
from streamml.metrics import Prequential

BELOW, FASTER = 0.02, 300.0
FIGURES = ("micro_f1", "exact_match", "events_per_second")

Reference = dict[str, tuple[int, dict[str, float]]]


def reference() -> Reference:
    """Dataset -> events the published code was run on, and its figures (mean over seeds)."""
    path = reference_dir() / "mlhat.csv"
    if not path.is_file():
        raise DataError(f"There is no {path}: set STREAMML_REFERENCE to where it lies.")
    values: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    events: dict[str, int] = {}
    with path.open(newline="") as file:
        for row in csv.DictReader(file):
            if row["learner"].startswith("MLHAT (authors"):
                values[row["dataset"]][row["metric"]].append(float(row["value"]))
                events[row["dataset"]] = int(row["events"])
    return {
        name: (events[name], {m: float(np.mean(found[m])) for m in FIGURES})
        for name, found in values.items()
    }


def measure(name: str, events: int, seed: int, bootstrap: bool) -> dict[str, float]:
    """Our figures on the first events of a dataset."""
    batch = read(name).slice(0, events)
    best = np.inf
    for _ in range(3):  # streams of a few hundred events are over in milliseconds
        learner, metrics = MLHAT(seed=seed, bootstrap=bootstrap), Prequential()
        started = time.process_time()
        found = learner.test_then_train(batch)
        best = min(best, time.process_time() - started)
    metrics.update(batch, found)
    scores = metrics.cumulative()
    rate = events / max(best, 1e-9)
    figures = {"micro_f1": scores.micro_f1, "exact_match": scores.exact_match}
    return {**figures, "events_per_second": rate, "splits": learner.counts["splits"]}


def add_row(
    table: Table, name: str, events: int, ours: dict[str, float], other: dict[str, float]
) -> None:
    """One dataset, ours and theirs, with a word where a bar is missed."""
    cells = []
    for metric in FIGURES[:2]:
        gap = ours[metric] - other[metric]
        mark = " [red]below[/]" if gap < -BELOW else ""
        cells += [f"{ours[metric]:.4f}", f"{other[metric]:.4f}", f"{gap:+.4f}{mark}"]
    times = ours["events_per_second"] / other["events_per_second"]
    mark = " [red]slow[/]" if times < FASTER else ""
    cells += [f"{ours['events_per_second']:,.0f}", f"{other['events_per_second']:,.1f}"]
    table.add_row(name, f"{events:,}", *cells, f"{times:,.0f}{mark}", f"{ours['splits']:.1f}")


def new_table(title: str) -> Table:
    """The head of the table."""
    table = Table(title=title)
    names = ("events", "micro-F1", "theirs", "", "exact", "theirs", "", "events/s", "theirs",
             "times", "splits")  # fmt: skip
    table.add_column("")
    for name in names:
        table.add_column(name, justify="right")
    return table


@click.command()
@click.option("--datasets", help="Names, separated by commas; all of the reference by default.")
@click.option("--seeds", default=5, show_default=True)
def main(datasets: str | None, seeds: int) -> None:
    """Print accuracy and speed beside the published code's, and what misses a bar."""
    console = Console(width=140)
    known = reference()
    names = datasets.split(",") if datasets else list(known)
    missing = [name for name in names if name not in known]
    if missing:
        raise DataError(f"The reference has no {missing[0]!r}: use one of {', '.join(known)}.")
    measure(names[0], 50, 1, False)  # compile before anything is timed
    for bootstrap, title in ((False, "MLHAT"), (True, "MLHAT with bootstrap=True")):
        table = new_table(f"{title}, mean of {seeds} seeds")
        for name in names:
            events, other = known[name]
            runs = []
            for seed in range(1, seeds + 1):
                with console.status(f"{title}: {name}, seed {seed}"):
                    runs.append(measure(name, events, seed, bootstrap))
            ours = {key: float(np.mean([run[key] for run in runs])) for key in runs[0]}
            add_row(table, name, events, ours, other)
        console.print(table)
