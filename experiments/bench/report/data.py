"""Results as tables: what the report and the parity list read."""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from experiments.bench.learners import learners
from experiments.bench.store import Result
from experiments.datasets.registry import Dataset, find
from streamml.metrics import LOWER_IS_BETTER, TITLES

__all__ = ["LOWER_IS_BETTER", "METRICS", "Figures", "best_of", "ranks_of"]

METRICS = TITLES


def best_of(metric: str, values: Iterable[float]) -> float | None:
    """The best value of a metric; ``None`` of none."""
    return (min if metric in LOWER_IS_BETTER else max)(values, default=None)


_ORDER = ("finished", "unfinished", "failed")


@dataclass(frozen=True)
class Figures:
    """Results of one order: dataset -> learner -> result, seeds averaged."""

    order: str
    cells: dict[str, dict[str, Result]]
    names: list[str]
    seeds: int

    @classmethod
    def of(cls, results: Iterable[Result], order: str) -> Figures:
        """Datasets by size, learners as in the table."""
        grouped: dict[str, dict[str, list[Result]]] = defaultdict(lambda: defaultdict(list))
        for result in results:
            if result.cell.order == order:
                grouped[result.cell.dataset][result.cell.learner].append(result)
        cells = {
            dataset: {name: _mean(found) for name, found in by_name.items()}
            for dataset, by_name in sorted(grouped.items(), key=lambda item: _size(item[0]))
        }
        seen = {name for by_name in cells.values() for name in by_name}
        names = [*(n for n in learners() if n in seen), *sorted(seen - set(learners()))]
        most = max((len(f) for d in grouped.values() for f in d.values()), default=0)
        return cls(order, cells, names, most)

    def of_groups(self, *groups: str) -> list[str]:
        """Names of the learners of some groups."""
        return [n for n in self.names if group_of(n) in groups]

    def complete(self, names: Sequence[str]) -> list[str]:
        """Datasets on which every one of ``names`` was run, whatever came of it."""
        return [d for d, row in self.cells.items() if all(n in row for n in names)]

    def panels(self, names: Sequence[str]) -> list[list[str]]:
        """Groups of learners to rank: a group is ranked where every one of it was run.

        The fewest learners on the most datasets, all learners on the fewest, and between
        them the group with the most cells.
        """
        runs = {n: sum(n in row for row in self.cells.values()) for n in names}
        groups = [
            [n for n in names if runs[n] >= least] for least in sorted({*runs.values()})[::-1]
        ]
        groups = [group for group in groups if self.complete(group)]
        largest = sorted(groups, key=lambda g: -len(g) * len(self.complete(g)))[:1]
        chosen = groups[:1] + largest + groups[-1:]
        return [group for k, group in enumerate(chosen) if group not in chosen[:k]]

    def finished(self, names: Sequence[str]) -> list[str]:
        """Datasets that every one of ``names`` finished."""
        return [d for d in self.complete(names)
                if all(self.cells[d][n].status == "finished" for n in names)]  # fmt: skip

    def mean(self, name: str, metric: str, datasets: Sequence[str]) -> float:
        """Average of a metric over datasets."""
        return statistics.fmean(self.cells[d][name].scores[metric] for d in datasets)


def group_of(name: str) -> str:
    """Group of a learner in the table."""
    return learners()[name].group if name in learners() else "yours"


def _size(name: str) -> tuple[int, str]:
    row = find(name)
    return (row.size if isinstance(row, Dataset) else 1 << 60), name


def _mean(found: list[Result]) -> Result:
    """One result out of several seeds: the worst status, figures averaged."""
    if len(found) == 1:
        return found[0]
    worst = max(found, key=lambda r: _ORDER.index(r.status))
    scored = [r for r in found if r.scores]
    metrics = scored[0].scores if scored else {}
    scores = {m: statistics.fmean(r.scores[m] for r in scored) for m in metrics}
    rates = [r.facts["events_per_second"] for r in found if "events_per_second" in r.facts]
    facts = {**worst.facts, "events_per_second": statistics.fmean(rates) if rates else float("nan")}
    return replace(worst, scores=scores, facts=facts)


def ranks_of(
    figures: Figures, metric: str, names: Sequence[str], datasets: Sequence[str]
) -> np.ndarray:
    """Ranks ``(datasets, names)``, 1 the best, ties shared.

    A learner that did not finish stands behind all that did; of two such, the one that came
    further is before, or would have at its pace if it was given up early; one that failed is
    last.
    """
    from scipy.stats import rankdata

    sign = 1.0 if metric in LOWER_IS_BETTER else -1.0
    rows = []
    for dataset in datasets:
        keys = []
        for name in names:
            result = figures.cells[dataset][name]
            if result.status == "finished":
                keys.append(sign * result.scores[metric])
            elif result.status == "unfinished":
                keys.append(1e6 - _reached(result))
            else:
                keys.append(2e6)
        rows.append(rankdata(np.round(keys, 12)))
    return np.array(rows).reshape(len(datasets), len(names))


def _reached(result: Result) -> float:
    """Share of the stream that an unfinished cell scored, or would have within its budget."""
    share = result.events / max(result.length, 1)
    if not result.reason.startswith("given up"):
        return share
    spent, budget = result.facts["cpu_seconds"], result.facts["budget_seconds"]
    return min(share * budget / spent, 1.0) if spent > 0 else share
