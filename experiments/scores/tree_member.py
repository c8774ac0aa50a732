"""What the Hoeffding tree is worth as a member of the mixture, and what it costs.

``python -m experiments.tree_member`` runs the default learner with and without it on the real
streams, in both orders, and on synthetic ones without drift, with a sudden and a gradual one.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

import click
import numpy as np
from rich.console import Console
from rich.table import Table

from experiments.datasets.data import ACCURACY_17, read
from experiments.scores.accuracy import METRICS, SHORT
from streamml import IHOMER
from streamml.metrics import Prequential
from streamml.nodes.members import PRESETS, Preset
from streamml.streams import make_stream
from streamml.types import EventBatch

_DEFAULT = PRESETS["default"]
_WITH = Preset({**_DEFAULT.start, "tree": 0.0}, _DEFAULT.constants)


def evaluate(batch: EventBatch, tree: bool) -> list[float]:
    """The five figures, and microseconds an event."""
    PRESETS["default"] = _WITH if tree else _DEFAULT
    learner, metrics = IHOMER(), Prequential()
    started = time.process_time()
    metrics.update(batch, learner.test_then_train(batch))
    seconds = time.process_time() - started
    PRESETS["default"] = _DEFAULT  # not before: alternates are made of it too
    scores = metrics.cumulative()
    return [*(float(getattr(scores, m)) for m in METRICS), seconds / len(batch) * 1e6]


def synthetic(name: str, n: int, n_labels: int, drift: str) -> EventBatch:
    """A synthetic stream whose concept changes in the middle."""
    source = make_stream(
        name, seed=1, n_events=n, n_labels=n_labels, drift=drift, positions=(n // 2,), width=n // 10
    )
    return EventBatch.concatenate(list(iter(lambda: source.next_batch(4096), None)))


def streams(names: list[str], orders: list[str], n: int) -> Iterator[tuple[str, str, EventBatch]]:
    """Group, name and events."""
    for order in orders:
        for name in names:
            yield f"{order} order", name, read(name, order)
    for kind in ("random-tree", "rbf", "hyperplane"):
        for n_labels in (8, 25):
            for drift in ("none", "sudden", "gradual"):
                batch = synthetic(kind, n, n_labels, drift)
                yield kind, f"{n_labels} labels, drift {drift}", batch


@click.command()
@click.option("--datasets", default=",".join(ACCURACY_17), help="Names, separated by commas.")
@click.option("--orders", default="natural,shuffled", show_default=True)
@click.option("--events", default=20_000, show_default=True, help="Of a synthetic stream.")
def main(datasets: str, orders: str, events: int) -> None:
    """Print the figures without the tree, and what they change by with it."""
    console = Console(width=140)
    groups: dict[str, dict[str, np.ndarray]] = {}
    for tree in (False, True):
        evaluate(synthetic("rbf", 200, 8, "none"), tree)  # compile before anything is timed
    for group, name, batch in streams(datasets.split(","), orders.split(","), events):
        with console.status(f"{group}: {name}"):
            pair = np.array([evaluate(batch, tree) for tree in (False, True)])
        groups.setdefault(group, {})[name] = pair
    for group, rows in groups.items():
        table = Table(title=f"{group}: without the tree, and the change with it")
        table.add_column("")
        for column in (*SHORT, "us an event"):
            table.add_column(column, justify="right")
        mean = np.mean(list(rows.values()), axis=0)
        for name, (without, tree_too) in {**rows, "mean": mean}.items():
            gaps = tree_too - without
            cells = [f"{a:.4f} {g:+.4f}" for a, g in zip(without[:5], gaps[:5], strict=True)]
            table.add_row(name, *cells, f"{without[5]:.0f} {gaps[5]:+.0f}")
        console.print(table)
