"""What the Hoeffding tree is worth as a member of the mixture, and what it costs.

``python -m experiments.tree_member`` runs the default learner with and without it on the real
streams, in both orders, and on synthetic ones whose labels follow a random tree, the same from
the first event to the last or another one from the middle on.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import click
import numpy as np
from rich.console import Console
from rich.table import Table

from experiments.accuracy import METRICS, SHORT
from experiments.data import ACCURACY_17, read
from streamml import IHOMER
from streamml.metrics import Prequential
from streamml.nodes.members import PRESETS, Preset
from streamml.types import BoolArray, Event, EventBatch, Float64Array, Schema

_DEPTH, _FEATURES, _NOISE = 4, 15, 0.02
_DEFAULT = PRESETS["default"]
_WITH = Preset({**_DEFAULT.start, "tree": 0.0}, _DEFAULT.constants)


def evaluate(batch: EventBatch, tree: bool) -> list[float]:
    """The five figures, and microseconds an event."""
    PRESETS["default"] = _WITH if tree else _DEFAULT
    learner, metrics = IHOMER(), Prequential()
    PRESETS["default"] = _DEFAULT
    started = time.process_time()
    metrics.update(batch, learner.test_then_train(batch))
    seconds = time.process_time() - started
    scores = metrics.cumulative()
    return [*(float(getattr(scores, m)) for m in METRICS), seconds / len(batch) * 1e6]


def random_tree(n_labels: int, seed: int) -> Callable[[Float64Array], BoolArray]:
    """Labels of a complete tree of random tests, whose leaves have random label sets."""
    rng = np.random.default_rng(seed)
    leaves = 2**_DEPTH
    feature, bound = rng.integers(0, _FEATURES, leaves), rng.random(leaves) * 0.5 + 0.25
    sets = rng.random((leaves, n_labels)) < 0.3

    def labels(x: Float64Array) -> BoolArray:
        node = np.ones(len(x), int)
        for _ in range(_DEPTH):
            node = 2 * node + (x[np.arange(len(x)), feature[node]] > bound[node])
        found: BoolArray = sets[node - leaves]
        return found

    return labels


def synthetic(n: int, n_labels: int, drift: bool) -> EventBatch:
    """Uniform features; a little of the labels is noise."""
    rng = np.random.default_rng(0)
    x = rng.random((n, _FEATURES))
    y = random_tree(n_labels, 1)(x)
    if drift:
        y[n // 2 :] = random_tree(n_labels, 2)(x[n // 2 :])
    y ^= rng.random(y.shape) < _NOISE
    names = [f"f{j}" for j in range(_FEATURES)]
    labels = [f"l{k}" for k in range(n_labels)]
    events = (
        Event(t, float(t), dict(zip(names, x[t].tolist(), strict=True)),
              frozenset(labels[k] for k in np.flatnonzero(y[t])))
        for t in range(n)
    )  # fmt: skip
    return EventBatch.from_events(events, Schema(names, labels))


def streams(names: list[str], orders: list[str], n: int) -> Iterator[tuple[str, str, EventBatch]]:
    """Group, name and events."""
    for order in orders:
        for name in names:
            yield f"{order} order", name, read(name, order)
    for n_labels in (8, 25):
        for drift in (False, True):
            what = "another from the middle on" if drift else "one tree"
            yield "synthetic", f"{n_labels} labels, {what}", synthetic(n, n_labels, drift)


@click.command()
@click.option("--datasets", default=",".join(ACCURACY_17), help="Names, separated by commas.")
@click.option("--orders", default="natural,shuffled", show_default=True)
@click.option("--events", default=30_000, show_default=True, help="Of a synthetic stream.")
def main(datasets: str, orders: str, events: int) -> None:
    """Print the figures without the tree, and what they change by with it."""
    console = Console(width=140)
    groups: dict[str, dict[str, np.ndarray]] = {}
    for tree in (False, True):
        evaluate(synthetic(200, 8, False), tree)  # compile before anything is timed
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


if __name__ == "__main__":
    main()
