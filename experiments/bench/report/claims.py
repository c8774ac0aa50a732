"""Which published claims hold when the whole stream is scored."""

from __future__ import annotations

import csv
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from experiments.bench.report.data import Figures

__all__ = ["CLAIMS", "Claim", "Verdict", "as_described", "check"]

OURS = "streamml"
CLAIM_METRICS = ("exact_match", "micro_f1", "macro_f1", "example_f1")


@dataclass(frozen=True)
class Claim:
    """iHOMER is better than some learners by so many percent (arXiv 2507.20894)."""

    text: str
    percent: float
    group: str
    against: tuple[str, ...] = ()


CLAIMS = (
    Claim("better than the global baselines", 23.0, "global"),
    Claim("better than the local baselines", 32.0, "local"),
    Claim("better than random clusters of labels", 40.0, "", ("streamml, random clusters",)),
)


@dataclass(frozen=True)
class Verdict:
    """What was measured for a claim: gains in percent, each on its own datasets."""

    claim: Claim
    order: str
    learner: str
    gain: float
    by_metric: dict[str, float]
    against: list[str]
    datasets: int
    left_out: list[str]

    @property
    def holds(self) -> bool:
        """At least the gain that was claimed."""
        return self.gain >= self.claim.percent


def check(figures: Figures, claim: Claim, learner: str = OURS) -> Verdict | None:
    """Gain of ``learner`` over the average of the others, on the datasets that all finished.

    Per metric the average over datasets is compared with that of the others; the gain is
    the mean over exact match, micro-, macro- and example-F1. Others that finished fewer
    than half of the datasets that most of them were run on are left out and named, since few
    datasets would be left.
    """
    others = list(claim.against) or figures.of_groups(claim.group)
    ran = [d for d in figures.complete([learner])
           if 2 * sum(n in figures.cells[d] for n in others) >= len(others)]  # fmt: skip
    done = {n: len({*figures.finished([learner, n])}.intersection(ran)) for n in others}
    enough = [n for n in others if 2 * done[n] >= len(ran) > 0]
    datasets = figures.finished([learner, *enough])
    if not enough or not datasets:
        return None
    gains = {m: _gain(figures, m, learner, enough, datasets) for m in CLAIM_METRICS}
    left_out = [n for n in others if n not in enough]
    mean = statistics.fmean(gains.values())
    return Verdict(claim, figures.order, learner, mean, gains, enough, len(datasets), left_out)


def _gain(
    figures: Figures, metric: str, mine: str, others: Sequence[str], datasets: Sequence[str]
) -> float:
    base = statistics.fmean(figures.mean(n, metric, datasets) for n in others)
    return 100.0 * (figures.mean(mine, metric, datasets) / base - 1.0) if base > 0 else float("nan")


def as_described(directory: Path) -> list[tuple[str, str, float, float]]:
    """Measured beside each other: dataset, metric, iHOMER as described, MLHAT for all labels.

    From ``mlhat.csv`` of the reference directory: the authors' MLHAT alone, and one of it in
    every cluster of the published clustering, rebuilt on change, over the same whole stream.
    """
    path = directory / "mlhat.csv"
    if not path.is_file():
        return []
    with path.open(newline="") as file:
        rows = [r for r in csv.DictReader(file) if r["events"] == r["events_in_file"]]
    found: dict[tuple[str, str], dict[str, list[float]]] = {}
    for row in rows:
        kind = ("iHOMER" if row["learner"].startswith("iHOMER as described (")
                else "MLHAT" if row["learner"].startswith("MLHAT (authors") else "")  # fmt: skip
        if kind and row["metric"] in CLAIM_METRICS:
            cell = found.setdefault((row["dataset"], row["metric"]), {})
            cell.setdefault(kind, []).append(float(row["value"]))
    return [(d, m, statistics.fmean(v["iHOMER"]), statistics.fmean(v["MLHAT"]))
            for (d, m), v in found.items() if len(v) == 2]  # fmt: skip
