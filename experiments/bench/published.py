"""Published figures, and how a learner of ours stands beside the best of them."""

from __future__ import annotations

import csv
import statistics
from dataclasses import dataclass
from pathlib import Path

from experiments.bench.report.data import LOWER_IS_BETTER, Figures, best_of
from experiments.datasets.registry import Dataset, find

__all__ = ["APART", "Published", "Standing", "standing"]

APART = "iHomer"
"""Its published figures are of the tails of streams, and comparable with no others."""


@dataclass(frozen=True)
class Published:
    """The published comparison: (dataset, learner, metric) -> value, names as published."""

    values: dict[tuple[str, str, str], float]

    @classmethod
    def read(cls, directory: Path) -> Published:
        """Empty where the file is not there."""
        path = directory / "published.csv"
        if not path.is_file():
            return cls({})
        with path.open(newline="") as file:
            rows = list(csv.DictReader(file))
        return cls({(r["dataset"], r["learner"], r["metric"]): float(r["value"])
                    for r in rows if r["value"]})  # fmt: skip

    def learners(self) -> list[str]:
        """Names as published, in the order of the file."""
        return list(dict.fromkeys(key[1] for key in self.values))

    def best(self, dataset: str, metric: str) -> float | None:
        """The best figure over a whole stream, of any learner; ``None`` where there is none."""
        return best_of(metric, (v for (d, n, m), v in self.values.items()
                                if (d, m) == (dataset, metric) and n != APART))  # fmt: skip


@dataclass(frozen=True)
class Standing:
    """A learner beside the best published figure of each dataset, on one metric.

    Parameters
    ----------
    ahead, datasets
        On how many of the datasets its figure is better than every published one.
    mean, best
        Averages over those datasets: of the learner, and of the best figures.
    """

    ahead: int
    datasets: int
    mean: float
    best: float


def standing(
    figures: Figures, published: Published, name: str, metric: str, same_order: bool = False
) -> Standing | None:
    """How ``name`` stands where it finished; ``None`` where nothing can be compared.

    Parameters
    ----------
    figures
        In natural order, which the published figures have.
    published
        The best of all its learners on a dataset is what ``name`` has to beat there.
    name, metric
        Which figures.
    same_order
        Only datasets whose file and order are the published ones.
    """
    pairs = list[tuple[float, float]]()
    for dataset in figures.finished([name]):
        row = find(dataset)
        if not isinstance(row, Dataset) or (same_order and row.compared != "same order"):
            continue
        best = published.best(row.published, metric)
        if best is not None:
            pairs.append((figures.cells[dataset][name].scores[metric], best))
    if not pairs:
        return None
    sign = -1.0 if metric in LOWER_IS_BETTER else 1.0
    ahead = sum(sign * mine > sign * best for mine, best in pairs)
    mean, best = (statistics.fmean(column) for column in zip(*pairs, strict=True))
    return Standing(ahead, len(pairs), mean, best)
