"""Memory of a learner over a long stream whose features keep coming: a curve, and a verdict.

``python -m experiments.memory`` runs a million events in which 50,000 features arrive over
time, with 2,000 labels, and prints what is held. ``--svg FILE`` or ``--png FILE`` draws it.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from experiments.common.watching import resident_mib
from streamml import IHOMER
from streamml.ihomer.budget import bytes_of
from streamml.types import LABELS_FULL, EventBatch, Schema

_COMMON = 200  # features that never go out of use
_PER_EVENT = 10
_RECENT = 0.1  # share of the features that are in use beside them


def stream(n: int, features: int, labels: int, size: int = 1000) -> Iterator[EventBatch]:
    """Sparse events; which labels are true hangs on the common features."""
    rng, schema = np.random.default_rng(1), Schema()
    for k in range(labels):
        schema.labels.add(f"label {k}")
    for start in range(0, n, size):
        m = min(size, n - start)
        high = _COMMON + max((features - _COMMON) * (start + m) // n, 50)
        low = max(_COMMON, high - int(features * _RECENT))
        while len(schema.features) < high:
            schema.features.add(f"feature {len(schema.features)}")
        old = rng.integers(0, _COMMON, (m, 3))
        new = rng.integers(low, high, (m, _PER_EVENT - 3))
        x = [np.unique(row) for row in np.concatenate([old, new], axis=1)]
        y = [np.unique([row[0] * 7 % labels, row[1] * 11 % labels]) for row in old]
        yield EventBatch(
            schema,
            list(range(start, start + m)),
            np.arange(start, start + m, dtype=np.float64),
            np.cumsum([0, *map(len, x)], dtype=np.int64),
            np.concatenate(x).astype(np.int32),
            rng.random(sum(map(len, x)), np.float32) + np.float32(0.1),
            np.cumsum([0, *map(len, y)], dtype=np.int64),
            np.concatenate(y).astype(np.int32),
            np.full(m, LABELS_FULL, np.uint8),
            np.zeros(m + 1, np.int64),
            np.zeros(0, np.int32),
            np.full(m, len(schema.features), np.int32),
            np.full(m, labels, np.int32),
        )


def curve(
    model: IHOMER, n: int, features: int, labels: int, every: int
) -> Iterator[tuple[int, int, dict[str, int], float]]:
    """Events, features known, bytes held and resident MiB, every so many events."""
    for batch in stream(n, features, labels):
        model.learn(batch)
        done = int(batch.timestamps[-1]) + 1
        if done % every < len(batch) or done == n:
            yield done, len(batch.schema.features), model.memory, resident_mib()


def draw(rows: list[tuple[int, int, dict[str, int], float]], budget: int, path: Path) -> None:
    """The curve as a picture."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    events = [row[0] for row in rows]
    held = [sum(row[2].values()) / 2**20 for row in rows]
    figure, axes = plt.subplots(figsize=(7, 3.2))
    axes.plot(events, held, label="held by the learner")
    axes.plot(events, [row[3] for row in rows], label="resident, whole process", alpha=0.5)
    axes.axhline(budget / 2**20, linestyle=":", color="black", label="budget")
    axes.set(xlabel="events", ylabel="MiB", ylim=(0, None))
    axes.legend(frameon=False)
    figure.tight_layout()
    figure.savefig(path)


def main(arguments: list[str] | None = None) -> int:
    """Run it; 1 where the budget was not kept."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--features", type=int, default=50_000)
    parser.add_argument("--labels", type=int, default=2_000)
    parser.add_argument("--budget", default="512MiB")
    parser.add_argument("--preset", default="fast")
    parser.add_argument("--svg", "--png", dest="picture", type=Path)
    chosen = parser.parse_args(arguments)
    model, budget = IHOMER(chosen.preset, memory_budget=chosen.budget), bytes_of(chosen.budget)
    print(f"{'events':>10} {'features':>9} {'held MiB':>9} {'of budget':>9} {'resident':>9}  shed")
    rows, started = [], time.process_time()
    every = max(chosen.events // 20, 1)
    for row in curve(model, chosen.events, chosen.features, chosen.labels, every):
        rows.append(row)
        held = sum(row[2].values())
        bar = "#" * round(40 * held / budget)
        print(f"{row[0]:>10,} {row[1]:>9,} {held / 2**20:>9.1f} {held / budget:>9.1%} "
              f"{row[3]:>9.0f}  {bar} {model.shed}", flush=True)  # fmt: skip
    most = max(sum(row[2].values()) for row in rows)
    seconds = time.process_time() - started
    print(f"most held: {most / budget:.1%} of the budget; {chosen.events / seconds:,.0f} events/s")
    if chosen.picture:
        draw(rows, budget, chosen.picture)
    return int(most > 1.05 * budget)
