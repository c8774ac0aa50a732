"""One cell of the benchmark, run here: predict, score, learn, under a budget."""

from __future__ import annotations

import gc
import importlib.metadata
import os
import platform
import resource
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from experiments.bench.learners import build
from experiments.bench.store import Cell, Result
from experiments.common.watching import resident_mib
from experiments.datasets.data import data_dir, read
from experiments.datasets.registry import Dataset, find, sha256_of
from streamml.base import LabelNode, Learner
from streamml.metrics import Prequential
from streamml.types import EventBatch

__all__ = ["Limits", "run_cell"]

POINTS = 60
_SAMPLE = 0.02  # share of the budget after which the pace is looked at
_QUICK, _SLOW = 0.1, 0.5  # a chunk should take between these many seconds
_TREES, _TREE_LABELS, _CHANGES = 8, 160, 2000
_CURVE = ("exact_match", "hamming_loss", "micro_f1", "macro_f1", "example_f1")
_PACKAGES = ("streamml", "river", "numpy", "numba", "scipy", "scikit-learn", "scikit-multilearn",
             "vowpalwabbit", "napkinxc")  # fmt: skip


@dataclass(frozen=True)
class Limits:
    """What a cell may use.

    Parameters
    ----------
    seconds
        CPU seconds of learning and scoring.
    memory_mib
        MiB of memory.
    give_up
        Stop as soon as the pace so far would take this many times ``seconds``; 0 never does.
        A cell stopped so is as unfinished as one that runs to its budget, and says why.
    """

    seconds: float = 600.0
    memory_mib: float = 8192.0
    give_up: float = 0.0

    def hopeless(self, spent: float, done: int, length: int) -> bool:
        """Whether ``spent`` seconds for ``done`` events leave no hope for ``length`` of them."""
        if not self.give_up or spent < _SAMPLE * self.seconds:
            return False
        return spent / done * length > self.give_up * self.seconds


@dataclass
class _Run:
    """A cell under way."""

    cell: Cell
    batch: EventBatch
    learner: Learner
    metrics: Prequential
    curve: dict[str, list[float]] = field(default_factory=dict)
    trees: list[tuple[int, LabelNode]] = field(default_factory=list)
    done: int = 0
    seconds: float = 0.0

    def step(self, stop: int) -> float:
        """Predict, learn and score up to ``stop``; gives the CPU seconds of it."""
        part = self.batch.slice(self.done, stop)
        start = time.process_time()
        found = self.learner.test_then_train(part)
        self.seconds += time.process_time() - start
        self.metrics.update(part, found)
        self.done = stop
        return time.process_time() - start

    def point(self) -> None:
        """Note where the run stands."""
        now, window = self.metrics.cumulative(), self.metrics.windowed()
        row = {
            "event": float(self.done),
            "seconds": self.seconds,
            "rss_mib": resident_mib(),
            "clusters": float(self.learner.n_clusters),
        }
        row |= {name: getattr(now, name) for name in _CURVE}
        row |= {f"window_{name}": getattr(window, name) for name in _CURVE}
        for name, value in row.items():
            self.curve.setdefault(name, []).append(value)
        tree = self.learner.label_tree()
        known = self.trees[-1][1] if self.trees else None
        if tree is not None and len(tree[0]) <= _TREE_LABELS and tree != known:
            self.trees.append((self.done, tree))


def run_cell(cell: Cell, limits: Limits, tell: Callable[[Result], None] | None = None) -> Result:
    """Run a cell to its end or to its budget, telling now and then how far it is."""
    batch = read(cell.dataset, cell.order, cell.seed)
    learner = build(cell.learner, cell.seed)
    warm_up(cell, batch)
    gc.collect()
    base_memory = resident_mib()
    window = int(min(1000, max(100, len(batch) // 10)))
    run = _Run(cell, batch, learner, Prequential(window=window))
    status, reason = "finished", ""
    told = time.monotonic()
    size, spent = 16, 0.0
    points = np.unique(np.linspace(0, len(batch), POINTS + 1).astype(int)[1:]).tolist()
    while run.done < len(batch):
        goal = next(p for p in points if p > run.done)
        taken = run.step(min(run.done + size, goal))
        spent += taken
        if run.done == goal:
            run.point()
        size = max(size // 2, 1) if taken > _SLOW else size * 2 if taken < _QUICK else size
        if tell is not None and time.monotonic() - told > 1.0:
            tell(_result(run, limits, base_memory, "unfinished", "stopped from outside"))
            told = time.monotonic()
        if run.done < len(batch) and spent > limits.seconds:
            status, reason = "unfinished", f"over its budget of {limits.seconds:g} s"
            break
        if limits.hopeless(spent, run.done, len(batch)):
            needed = spent / run.done * len(batch)
            status = "unfinished"
            reason = f"given up: at its pace {needed:,.0f} s, its budget is {limits.seconds:g} s"
            break
        if resident_mib() > limits.memory_mib:
            status, reason = "unfinished", f"over {limits.memory_mib:g} MiB of memory"
            break
    if not run.curve or run.curve["event"][-1] != run.done:
        run.point()
    return _result(run, limits, base_memory, status, reason)


def warm_up(cell: Cell, batch: EventBatch) -> None:
    """Compile what the learner and the metrics compile, outside the clock."""
    start = time.monotonic()
    for size in (2, 16, 128):  # more is compiled where more is learned
        few = batch.slice(0, min(size, len(batch)))
        Prequential().update(few, build(cell.learner, cell.seed).test_then_train(few))
        if time.monotonic() - start > 0.3:
            return


def _result(run: _Run, limits: Limits, base_memory: float, status: str, reason: str) -> Result:
    changes = [(c.kind, c.scope, c.position) for c in run.learner.changes]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    facts: dict[str, Any] = {
        "budget_seconds": limits.seconds,
        "budget_memory_mib": limits.memory_mib,
        "gave_up_at": limits.give_up,
        "cpu_seconds": run.seconds,
        "events_per_second": run.done / run.seconds if run.seconds > 0 else float("nan"),
        "peak_mib": peak,
        "peak_mib_above_start": max(peak - base_memory, 0.0),
        "window": run.metrics.window,
        "features": len(run.batch.schema.features),
        "labels": len(run.batch.schema.labels),
        "nonzeros": float(len(run.batch.x_indices) / max(len(run.batch), 1)),
        "clusters": run.learner.n_clusters,
        "changes": changes[:_CHANGES],
        "changes_in_all": len(changes),
        "trees": _spread(run.trees),
        "label_names": list(run.batch.schema.labels.names) if run.trees else [],
        "versions": _versions(),
        "machine": _machine(),
        "checksum": _checksum(run.cell.dataset),
        "drifts": _known_drifts(run.cell),
    }
    curve = {name: list(values) for name, values in run.curve.items()}
    scores = run.metrics.cumulative().as_dict()
    return Result(run.cell, status, reason, run.done, len(run.batch), scores, facts, curve)


def _spread(trees: list[tuple[int, LabelNode]]) -> list[tuple[int, LabelNode]]:
    """At most ``_TREES`` of them: the first, the last, and some between."""
    chosen = np.unique(np.linspace(0, len(trees) - 1, min(_TREES, len(trees))).astype(int))
    return [trees[k] for k in chosen.tolist()] if trees else []


def _known_drifts(cell: Cell) -> list[tuple[str, int, int]]:
    """Where a synthetic stream drifts; a shuffled one does not."""
    row = find(cell.dataset)
    if isinstance(row, Dataset) or cell.order != "natural":
        return []
    source: Any = row.open()
    return [(d.kind, d.start, d.end) for d in getattr(source, "drifts", ())]


@cache
def _checksum(name: str) -> str:
    row = find(name)
    if not isinstance(row, Dataset):
        return f"synthetic, seed {row.seed}"
    path = row.path(data_dir())
    return sha256_of(path) if path else ""


@cache
def _versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


@cache
def _machine() -> dict[str, Any]:
    cpu = platform.processor()
    info = Path("/proc/cpuinfo")
    if info.is_file():
        names = [
            line
            for line in info.read_text(encoding="utf-8").splitlines()
            if line.startswith("model name")
        ]
        cpu = names[0].partition(":")[2].strip() if names else cpu
    return {"cpu": cpu, "cores": os.cpu_count(), "system": platform.platform()}
