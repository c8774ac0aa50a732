"""Average ranks, the Friedman test, and which learners do not differ (Nemenyi)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from experiments.bench.report.data import Figures, ranks_of
from streamml.errors import MissingDependencyError, install_hint

__all__ = ["Ranking", "rank"]

ALPHA = 0.05


@dataclass(frozen=True)
class Ranking:
    """Learners by average rank on one metric.

    Parameters
    ----------
    ranks
        Name and average rank, best first.
    cliques
        First and last position of each group whose members do not differ significantly.
    datasets
        How many datasets it rests on: those on which every learner was run.
    p_value
        Of the Friedman test; NaN with fewer than 3 learners or 2 datasets.
    unfinished
        Name -> cells that were not finished.
    """

    ranks: list[tuple[str, float]]
    cliques: list[tuple[int, int]]
    datasets: int
    p_value: float
    unfinished: dict[str, int]


def rank(figures: Figures, metric: str, names: Sequence[str]) -> Ranking:
    """Rank ``names`` over the datasets on which all of them were run.

    References
    ----------
    Demsar (2006), Statistical comparisons of classifiers over multiple data sets, JMLR 7.
    """
    datasets = figures.complete(names)
    table = ranks_of(figures, metric, names, datasets)
    unfinished = {n: sum(figures.cells[d][n].status != "finished" for d in datasets) for n in names}
    if len(datasets) < 2 or len(names) < 3:
        mean = table.mean(axis=0) if len(datasets) else np.full(len(names), np.nan)
        ordered = sorted(zip(names, mean.tolist(), strict=True), key=lambda item: item[1])
        return Ranking(ordered, [], len(datasets), float("nan"), unfinished)
    from scipy.stats import friedmanchisquare

    p_value = float(friedmanchisquare(*table.T).pvalue)
    order = np.argsort(table.mean(axis=0), kind="stable")
    ordered = [(names[k], float(table[:, k].mean())) for k in order]
    return Ranking(ordered, _cliques(table[:, order]), len(datasets), p_value, unfinished)


def _cliques(table: np.ndarray) -> list[tuple[int, int]]:
    """Longest runs of neighbours, by average rank, of which no pair differs."""
    try:
        from scikit_posthocs import posthoc_nemenyi_friedman
    except ImportError as error:
        raise MissingDependencyError(
            f"The report needs scikit-posthocs: {install_hint('bench')}."
        ) from error
    same = posthoc_nemenyi_friedman(table).to_numpy() > ALPHA
    n, found, reached = len(same), list[tuple[int, int]](), 0
    for first in range(n):
        last = first
        while last + 1 < n and same[first : last + 1, last + 1].all():
            last += 1
        if last > first and last > reached:
            found.append((first, last))
            reached = last
    return found
