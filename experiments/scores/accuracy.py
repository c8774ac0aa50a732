"""Accuracy of streamml on real streams, beside published and measured figures.

``python -m experiments.accuracy`` runs the learner over every dataset from its first
event, in natural and in shuffled order, with one configuration for all, and prints the
table per dataset and on average. What was tuned was tuned on half A of the datasets
and checked on half B.
"""

from __future__ import annotations

import csv
import time
from collections.abc import Iterable
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from experiments.datasets.data import ACCURACY_17, HALF_A, HALF_B, read, reference_dir
from streamml.cli.learners import make_learner
from streamml.metrics import Prequential

METRICS = ("exact_match", "hamming_loss", "micro_f1", "macro_f1", "example_f1")
SHORT = ("exact", "Hamming", "micro-F1", "macro-F1", "example-F1")

Row = dict[str, float]


def evaluate(name: str, order: str, settings: tuple[str, ...]) -> Row:
    """Full-stream prequential figures of one dataset."""
    batch = read(name, order)
    learner, metrics = make_learner("ihomer", settings), Prequential()
    started = time.process_time()
    metrics.update(batch, learner.test_then_train(batch))
    seconds = time.process_time() - started
    row = {m: float(getattr(metrics.cumulative(), m)) for m in METRICS}
    row.update(
        events_per_second=len(batch) / max(seconds, 1e-9),
        clusters=learner.n_clusters,
        changes=sum(learner.change_counts.values()),
    )
    return row


def mean(rows: Iterable[Row]) -> Row:
    """Average of every figure."""
    found = list(rows)
    return {key: sum(row[key] for row in found) / len(found) for key in found[0]}


def peers(order: str, names: Iterable[str]) -> dict[str, Row]:
    """Average figures of each measured peer that ran on all of the datasets."""
    path, wanted = reference_dir() / "peers.csv", set(names)
    if not path.is_file():
        return {}
    found: dict[str, dict[str, dict[str, float]]] = {}
    with path.open(newline="") as file:
        for row in csv.DictReader(file):
            if row["order"] == order and row["dataset"] in wanted and row["metric"] in METRICS:
                by_dataset = found.setdefault(row["learner"], {})
                by_dataset.setdefault(row["dataset"], {})[row["metric"]] = float(row["value"])
    return {
        learner: mean(by_dataset.values())
        for learner, by_dataset in found.items()
        if len(by_dataset) == len(wanted) and all(len(r) == 5 for r in by_dataset.values())
    }


def table(title: str, rows: dict[str, Row]) -> Table:
    """One line a dataset or learner."""
    found = Table(title=title)
    found.add_column("")
    for name in (*SHORT, "events/s", "clusters", "changes"):
        found.add_column(name, justify="right")
    for name, row in rows.items():
        figures = [f"{row[m]:.4f}" for m in METRICS]
        rest = [f"{row[k]:,.0f}" if k in row else "" for k in
                ("events_per_second", "clusters", "changes")]  # fmt: skip
        found.add_row(name, *figures, *rest)
    return found


@click.command()
@click.option("--datasets", default=",".join(ACCURACY_17), help="Names, separated by commas.")
@click.option("--orders", default="natural,shuffled", show_default=True)
@click.option("--set", "settings", multiple=True, metavar="NAME=VALUE", help="Learner parameter.")
@click.option("--csv", "csv_path", type=click.Path(dir_okay=False), help="Also write the figures.")
def main(datasets: str, orders: str, settings: tuple[str, ...], csv_path: str | None) -> None:
    """Print accuracy per dataset and on average, beside the measured peers."""
    console = Console(width=120)
    names = datasets.split(",")
    lines = []
    evaluate(names[0], "natural", settings)  # compile before anything is timed
    for order in orders.split(","):
        rows: dict[str, Row] = {}
        for name in names:
            with console.status(f"{order}: {name}"):
                rows[name] = evaluate(name, order, settings)
            lines += [(name, order, m, rows[name][m]) for m in METRICS]
        for title, half in (("half A", HALF_A), ("half B", HALF_B), ("all", names)):
            chosen = [rows[name] for name in half if name in rows]
            if chosen:
                rows[f"mean, {title}"] = mean(chosen)
        console.print(table(f"{order} order", rows))
        beside = peers(order, names)
        best = sorted(beside.items(), key=lambda item: -item[1]["example_f1"])
        if best:
            console.print(table(f"{order} order, mean of the peers on the same files", dict(best)))
    if csv_path:
        with Path(csv_path).open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([("dataset", "order", "metric", "value"), *lines])
