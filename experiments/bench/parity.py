"""Our baselines beside the published figures: ``python -m experiments.parity``.

Reads the results of the benchmark in natural order. Where file and order are the published
ones a figure should agree within 0.05; what does not is printed with what is known of why.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from experiments.bench.learners import learners
from experiments.bench.published import Published
from experiments.bench.report.data import METRICS
from experiments.bench.run import DEFAULT_RESULTS
from experiments.bench.store import Result, load_all
from experiments.datasets.data import reference_dir
from experiments.datasets.registry import Dataset, find
from streamml.errors import StreamMLError

__all__ = ["Agreement", "compare", "main"]

WITHIN = 0.05

WHY_LEARNER = {
    "MLHTPS": "the published one predicts with a label combination per leaf; ours prunes rare sets",
    "ML-BELS": "random weights differ, and the published driver scores batch by batch",
    "BR+HAT": "river resets and weighs alternates otherwise since; bootstrap differs",
    "BR+ARF": "random forest: other random numbers, and river's forest was rewritten since",
    "BR+AMF": "other random numbers; river's Mondrian trees were rewritten since",
    "BR+MT": "other random numbers; river's Mondrian trees were rewritten since",
    "BR+OBA": "other random numbers in the bootstrap",
    "BR+OBOA": "other random numbers in the bootstrap",
    "BR+kNN": "river's nearest-neighbour search was rewritten since",
}


@dataclass(frozen=True)
class Agreement:
    """One figure of ours beside the published one."""

    dataset: str
    learner: str
    metric: str
    ours: float
    published: float
    compared: str

    @property
    def difference(self) -> float:
        """Ours less the published one."""
        return self.ours - self.published

    @property
    def agrees(self) -> bool:
        """Within 0.05."""
        return abs(self.difference) <= WITHIN

    @property
    def why(self) -> str:
        """What is known of the difference."""
        found = [] if self.compared == "same order" else [f"file: {self.compared}"]
        if self.dataset == "flags":
            found.append("nominal attributes are one feature a value here, texts there")
        if self.learner in WHY_LEARNER:
            found.append(WHY_LEARNER[self.learner])
        return "; ".join(found) or "not known"


def compare(results: Iterable[Result], published: Published) -> list[Agreement]:
    """Every finished figure in natural order that was published too."""
    found = []
    for result in results:
        row = find(result.cell.dataset)
        theirs = learners().get(result.cell.learner)
        if result.status != "finished" or result.cell.order != "natural" or theirs is None:
            continue
        if not isinstance(row, Dataset) or not row.published or not theirs.published:
            continue
        for metric in METRICS:
            value = published.values.get((row.published, theirs.published, metric))
            if value is not None:
                found.append(Agreement(row.name, result.cell.learner, metric,
                                       result.scores[metric], value, row.compared))  # fmt: skip
    return found


def _table(title: str, heads: tuple[str, ...]) -> Table:
    table = Table(title=title)
    for k, head in enumerate(heads):
        table.add_column(head, justify="right" if k in (2, 3, 4) else "left")
    return table


@click.command()
@click.option("--results", type=click.Path(file_okay=False, path_type=Path),
              default=DEFAULT_RESULTS, show_default=True)  # fmt: skip
@click.option("--all", "every", is_flag=True, help="Also print the figures that agree.")
def main(results: Path, every: bool) -> None:
    """Print how many figures agree per learner, and those that do not, with why."""
    console = Console(width=170)
    try:
        found = compare(load_all(results), Published.read(reference_dir()))
    except StreamMLError as error:
        raise click.ClickException(str(error)) from error
    if not found:
        raise click.ClickException(
            f"{results} and {reference_dir()} have no figure in common: run the benchmark, and "
            "set STREAMML_REFERENCE."
        )
    rates = _table(
        "figures within 0.05 of the published ones",
        ("learner", "file", "agree", "of", "median difference"),
    )
    for name in dict.fromkeys(a.learner for a in found):
        for kind, same in (("same file and order", True), ("near or other", False)):
            of = [a for a in found if a.learner == name and (a.compared == "same order") is same]
            if of:
                middle = statistics.median(abs(a.difference) for a in of)
                agree = sum(a.agrees for a in of)
                rates.add_row(name, kind, str(agree), str(len(of)), f"{middle:.3f}")
    listed = _table(
        "all figures" if every else "figures that do not agree",
        ("dataset", "learner, metric", "ours", "published", "difference", "why"),
    )
    for a in sorted(found, key=lambda a: -abs(a.difference)):
        if every or not a.agrees:
            listed.add_row(a.dataset, f"{a.learner}, {METRICS[a.metric]}", f"{a.ours:.3f}",
                           f"{a.published:.3f}", f"{a.difference:+.3f}", a.why)  # fmt: skip
    console.print(listed)
    console.print(rates)
