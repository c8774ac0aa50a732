"""What the label clusters are worth: the learner with them, without them, with others.

``python -m experiments.clusters`` runs the same node classifiers under every rule, in
natural and shuffled order, and prints accuracy, cost and upkeep, on average and per
dataset. ``--changes`` looks at the 200 events around each structure change.
"""

from __future__ import annotations

import time
from typing import Any

import click
import numpy as np
from rich.console import Console
from rich.table import Table

from experiments.datasets.data import ACCURACY_17, read
from experiments.scores.accuracy import METRICS, SHORT, Row, mean
from streamml import IHOMER
from streamml.metrics import Prequential
from streamml.types import EventBatch, Predictions

MORE = ("delicious", "corel5k", "reuters_k500", "stackex_cs", "yahoo_business")

VARIANTS: dict[str, dict[str, Any]] = {
    "whole learner": {},
    "one cluster": {"rule": "one"},
    "labels alone": {"rule": "alone", "decision": "label"},
    "random clusters": {"rule": "random"},
    "paper's rule": {"rule": "odac"},
    "periodic linkage": {"rule": "linkage"},
    "no second level": {"links": False},
    "no local drift": {"drift_delta": 0.0},
    "no global drift": {"rule": "frozen"},
    "rebuild from nothing": {"rebuild": True},
}


def evaluate(batch: EventBatch, parameters: dict[str, Any]) -> Row:
    """Full-stream figures of one variant, with the share of time the hierarchy took."""
    learner, metrics = IHOMER(**parameters), Prequential()
    started = time.process_time()
    metrics.update(batch, learner.test_then_train(batch))
    seconds = time.process_time() - started
    row = {m: float(getattr(metrics.cumulative(), m)) for m in METRICS}
    row["microseconds"] = 1e6 * seconds / len(batch)
    row["upkeep"] = learner.hierarchy.seconds / seconds
    row["clusters"] = learner.n_clusters
    return row


def show(console: Console, title: str, rows: dict[str, Row]) -> None:
    """One line a variant."""
    found = Table(title=title)
    found.add_column("")
    for name in (*SHORT, "us/event", "upkeep", "clusters"):
        found.add_column(name, justify="right")
    for name, row in rows.items():
        found.add_row(
            name,
            *(f"{row[m]:.4f}" for m in METRICS),
            f"{row['microseconds']:.0f}",
            f"{100 * row['upkeep']:.1f} %",
            f"{row['clusters']:.1f}",
        )
    console.print(found)


def micro_f1(batch: EventBatch, found: Predictions, start: int, stop: int) -> float:
    """Micro-F1 of events ``start`` to ``stop``."""
    metrics = Prequential(window=stop - start)
    part = Predictions(
        found.indptr[start : stop + 1] - found.indptr[start],
        found.indices[found.indptr[start] : found.indptr[stop]],
    )
    metrics.update(batch.slice(start, stop), part)
    return metrics.cumulative().micro_f1


def around_changes(names: list[str], console: Console) -> None:
    """Micro-F1 in the 200 events before and after each structure change, shuffled order."""
    before, after = [], []
    for name in names:
        batch, learner = read(name, "shuffled"), IHOMER()
        found = learner.test_then_train(batch)
        for change in learner.changes:
            p = change.position
            if change.scope == "global" and 200 <= p <= len(batch) - 200:
                before.append(micro_f1(batch, found, p - 200, p))
                after.append(micro_f1(batch, found, p, p + 200))
    gap = np.array(after) - np.array(before)
    console.print(
        f"{len(gap)} structure changes on shuffled streams: micro-F1 in the 200 events before "
        f"{np.mean(before):.4f}, after {np.mean(after):.4f}, difference {gap.mean():+.4f} "
        f"(standard error {gap.std() / np.sqrt(len(gap)):.4f})"
    )


@click.command()
@click.option("--datasets", default=",".join((*ACCURACY_17, *MORE)))
@click.option("--orders", default="natural,shuffled", show_default=True)
@click.option("--variants", default=",".join(VARIANTS))
@click.option("--per-dataset", is_flag=True, help="Also one table a dataset.")
@click.option("--changes", is_flag=True, help="Only the events around structure changes.")
def main(datasets: str, orders: str, variants: str, per_dataset: bool, changes: bool) -> None:
    """Print the ablation of the clusters."""
    console = Console(width=120)
    names = datasets.split(",")
    if changes:
        around_changes(names, console)
        return
    IHOMER().test_then_train(read("flags"))  # compile before anything is timed
    for order in orders.split(","):
        rows: dict[str, dict[str, Row]] = {variant: {} for variant in variants.split(",")}
        for name in names:
            batch = read(name, order)
            for variant in rows:
                with console.status(f"{order}: {name}, {variant}"):
                    rows[variant][name] = evaluate(batch, VARIANTS[variant])
            if per_dataset:
                show(console, f"{name}, {order}", {v: found[name] for v, found in rows.items()})
        for title, group in (("the 17", ACCURACY_17), ("100 labels or more", MANY)):
            chosen = [name for name in group if name in names]
            if chosen:
                means = {v: mean(found[name] for name in chosen) for v, found in rows.items()}
                show(console, f"mean over {title}, {order}", means)


MANY = ("bibtex", "stackex_chess", "reuters_k500", "stackex_cs", "corel5k", "delicious")
