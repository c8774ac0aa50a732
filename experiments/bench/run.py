"""The replay benchmark: ``python -m experiments.run --datasets small --learners all``.

Every cell (a learner on a dataset in an order with a seed) runs in a process of its own
and writes one Parquet file when it ends; what is there is not run again, so the same
command goes on after an interruption. ``python -m experiments.report`` makes the page.
"""

from __future__ import annotations

import inspect
import re
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import click
from rich.console import Console

from experiments.bench import engines
from experiments.bench.cell_run import Limits
from experiments.bench.learners import build, choose, learners
from experiments.bench.store import Cell, Result, load, save
from experiments.datasets.data import data_dir
from experiments.datasets.registry import Dataset, find
from experiments.datasets.registry import choose as choose_datasets
from streamml.errors import ConfigError, DataError, StreamMLError

__all__ = ["cells_of", "main", "still_to_run"]

DEFAULT_RESULTS = Path("bench-results")


def seconds(text: str) -> float:
    """``"600s"``, ``"10m"``, ``"1h"`` or a plain number, in seconds."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)(s|m|h)?", text.strip())
    if found is None or float(found[1]) <= 0:
        raise ConfigError(f"--budget {text!r} is no time: write it as 600s, 10m or 1h.")
    return float(found[1]) * {"s": 1, "m": 60, "h": 3600, None: 1}[found[2]]


def cells_of(
    datasets: list[str], names: list[str], orders: list[str], seeds: list[int]
) -> list[Cell]:
    """Every cell once, smallest dataset first; what no seed changes is run with the first only.

    Raises
    ------
    ConfigError
        An order is not known, or two cells would be kept in one file.
    """
    for order in orders:
        if order not in ("natural", "shuffled"):
            raise ConfigError(f"The order {order!r} is not known: use natural or shuffled.")
    seeded = {name: _takes_seed(name) for name in names}
    cells = [
        Cell(dataset, order, name, seed)
        for dataset in datasets
        for order in orders
        for name in names
        for seed in (seeds if seeded[name] or order == "shuffled" else seeds[:1])
    ]
    kept: dict[str, Cell] = {}
    for cell in cells:
        other = kept.setdefault(cell.file, cell)
        if other != cell:
            raise ConfigError(f"{other} and {cell} would be kept in one file: rename one of them.")
    return list(kept.values())


def _takes_seed(name: str) -> bool:
    try:
        return "seed" in inspect.signature(type(build(name))).parameters
    except Exception:  # its cells will say what is wrong
        return False


def still_to_run(
    cells: list[Cell], directory: Path, limits: Limits, retry_failed: bool
) -> Iterator[Cell]:
    """Cells without a result, with one of a smaller budget, or of another file."""
    for cell in cells:
        path = directory / cell.file
        if not path.is_file() or _outdated(load(path), limits, retry_failed):
            yield cell


def _outdated(found: Result, limits: Limits, retry_failed: bool) -> bool:
    if found.status == "failed":
        return retry_failed
    poorer = found.facts.get("budget_seconds", 0) < limits.seconds
    if found.reason.startswith("given up"):
        poorer |= not 0 < limits.give_up <= found.facts.get("gave_up_at", 0)
    return (found.status == "unfinished" and poorer) or _other_file(found)


def _other_file(result: Result) -> bool:
    row = find(result.cell.dataset)
    if not isinstance(row, Dataset) or not row.sha256:
        return False
    return result.facts.get("checksum", row.sha256) != row.sha256


class _Progress:
    """Says after each cell how far all are, and when they may be done."""

    def __init__(self, console: Console, total: int) -> None:
        self.console = console
        self.total = total
        self.done = 0
        self.start = time.monotonic()

    def started(self, cell: Cell) -> None:
        if self.console.is_terminal:
            self.console.print(f"[dim]running {cell}[/dim]")

    def ended(self, result: Result) -> None:
        self.done += 1
        per_cell = (time.monotonic() - self.start) / self.done
        left = _clock(per_cell * (self.total - self.done))
        outcome = {"finished": "", "failed": f" FAILED: {result.reason}"}.get(
            result.status, f" unfinished at event {result.events} of {result.length}"
        )
        said = []
        if "micro_f1" in result.scores:
            said.append(f"micro-F1 {result.scores['micro_f1']:.4f}")
        if "events_per_second" in result.facts:
            said.append(f"{result.facts['events_per_second']:,.0f} events/s")
        self.console.print(
            f"[{self.done}/{self.total}, about {left} left] {result.cell}: "
            + f"{', '.join(said)}{outcome}".lstrip(),
            highlight=False, markup=False, soft_wrap=True,
        )  # fmt: skip


def _clock(left: float) -> str:
    minutes, hours = left / 60, left / 3600
    return f"{left:.0f} s" if left < 90 else f"{minutes:.0f} min" if hours < 2 else f"{hours:.1f} h"


@click.command()
@click.option("--datasets", default="small", show_default=True,
              help="small, 23, all, yours, streams, or names, separated by commas.")  # fmt: skip
@click.option("--learners", "wanted", default="all", show_default=True,
              help="all, groups of the table such as ours or local, and names.")  # fmt: skip
@click.option("--orders", default="natural,shuffled", show_default=True)
@click.option("--seeds", default="1", show_default=True, help="Seeds, separated by commas.")
@click.option("--budget", default="600s", show_default=True, help="CPU time of a cell.")
@click.option("--memory", default=8192.0, show_default=True, help="MiB of a cell.")
@click.option("--give-up", default=0.0, show_default=True,
              help="Stop what would take this many times its budget; 0: never.")  # fmt: skip
@click.option("--jobs", default="1", show_default=True, help="Processes, or ray://HOST:PORT.")
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), default=DEFAULT_RESULTS,
              show_default=True, help="Where results are.")  # fmt: skip
@click.option("--retry-failed", is_flag=True, help="Run failed cells again.")
@click.option("--again", is_flag=True, help="Run everything again.")
@click.option("--list", "only_list", is_flag=True, help="Only say which cells there are.")
def main(
    datasets: str, wanted: str, orders: str, seeds: str, budget: str, memory: float,
    give_up: float, jobs: str, out: Path, retry_failed: bool, again: bool, only_list: bool,
) -> None:  # fmt: skip
    """Run every cell that has no result yet."""
    console = Console(width=200 if not sys.stdout.isatty() else None)
    try:
        limits = Limits(seconds(budget), memory, give_up)
        names = choose_datasets(datasets, data_dir())
        if not names:
            raise DataError(
                f"No dataset of {datasets!r} lies in {data_dir()}: set STREAMML_DATA, or see "
                "python -m experiments.datasets get."
            )
        if not all(word.strip().isdecimal() for word in seeds.split(",")):
            raise ConfigError(f"--seeds {seeds!r} are no seeds: write whole numbers, as in 1,2,3.")
        numbers = [int(word) for word in seeds.split(",")]
        cells = cells_of(names, choose(wanted), orders.split(","), numbers)
        todo = cells if again else list(still_to_run(cells, out, limits, retry_failed))
        absent = [row.name for row in learners().values() if row.missing]
        console.print(f"{len(cells)} cells, {len(cells) - len(todo)} done, {len(todo)} to run"
                      + (f"; not installed: {', '.join(absent)}" if absent else ""))  # fmt: skip
        if only_list:
            for cell in todo:
                console.print(str(cell))
            return
        progress = _Progress(console, len(todo))
        # closed whatever happens here: Ctrl-C between two results ends the cell that runs, too
        with closing(engines.results(todo, limits, jobs, progress.started)) as results:
            for result in results:
                save(result, out)
                progress.ended(result)
    except (StreamMLError, ValueError) as error:
        raise click.ClickException(str(error)) from error
    except KeyboardInterrupt:
        console.print("Interrupted: the same command goes on from here.")
        sys.exit(130)
