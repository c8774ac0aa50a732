"""Break the pure-Python core one line at a time: ``python -m experiments.mutants``.

Each mutant is one small change of one line (a comparison, a number, a condition, a statement
left out). A mutant is killed where a test of ``experiments/mutants.toml`` fails; one that
survives shows an assertion that is missing, or a change that makes no difference: those are
named in the same table with the reason. Everything runs in a copy of the checkout. The same
seed gives the same mutants in the same order, one of each file in turn; the budget, tests run
once without a change included, says how far it goes.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain, zip_longest
from pathlib import Path
from typing import IO, Any

import click
from rich.console import Console
from rich.table import Table

from experiments.mutations import Mutant, mutants_of
from experiments.run import seconds
from experiments.tables import rows_of
from streamml.cli.config import read_toml
from streamml.errors import ConfigError, StreamMLError

__all__ = ["Module", "main"]

ROOT = Path(__file__).resolve().parents[1]
TABLE = ROOT / "experiments/mutants.toml"
BAR = 0.9
PATIENCE = 8.0  # seconds that a mutant may take beside what its tests take
_LEFT_OUT = shutil.ignore_patterns(
    ".git", ".venv*", "*.pyc", ".*_cache", ".hypothesis", "bench-results", "build", "dist"
)
_EVERY = 15.0  # seconds between two words of progress


@dataclass
class Module:
    """A part of the core: its mutants in their order, and the tests that guard it."""

    name: str
    mutants: list[Mutant]
    guards: list[str]
    known: list[Mutant]
    counts: Counter[str] = field(default_factory=Counter)
    survivors: list[tuple[Mutant, str]] = field(default_factory=list)

    @property
    def run(self) -> int:
        """Mutants with an outcome."""
        return self.killed + self.counts["survived"]

    @property
    def killed(self) -> int:
        """Mutants that a test noticed, in whatever way."""
        return self.counts["killed"] + self.counts["late"] + self.counts["died"]


def modules_of(table: Path, root: Path, paths: list[str], seed: int) -> list[Module]:
    """The parts of a table whose files lie under ``paths`` (all where there are none).

    Raises
    ------
    ConfigError
        The table cannot be used, a row matches no file, or nothing lies under ``paths``.
    """
    known = _known(table)
    found: list[Module] = []
    keys = set()
    for row in rows_of(table, "module", ("name", "files", "tests"), ("name", "files", "tests")):
        files = sorted({f for pattern in row["files"] for f in root.glob(pattern)})
        if not files:
            raise ConfigError(f"The module {row['name']!r} of {table} has no file: correct files.")
        module = Module(row["name"], [], [], [])
        columns = []
        for file in files:
            name, source = file.relative_to(root).as_posix(), file.read_bytes()
            mutants = mutants_of(name, source)
            keys |= {mutant.key for mutant in mutants}
            if paths and not any(Path(name).is_relative_to(path) for path in paths):
                continue
            module.known += [m for m in mutants if m.key in known]
            columns.append([m for m in mutants if m.key not in known])
            random.Random(f"{seed} {name}").shuffle(columns[-1])
            module.guards += [name] if b"\n    >>> " in source else []
        module.guards += row["tests"]
        module.mutants = _in_turn(columns)
        found += [module] if columns else []
    if not found:
        raise ConfigError(f"No module of {table} lies under {', '.join(paths)}: see its files.")
    for key in known.keys() - keys:
        click.echo(f"No mutant of {key[0]} is {key[1]!r} -> {key[2]!r}: take it off {table}.")
    return found


def _known(table: Path) -> dict[tuple[str, str, str], str]:
    if "survivor" not in read_toml(table):
        return {}
    columns = ("file", "before", "after", "reason")
    rows = rows_of(table, "survivor", columns, columns)
    return {(row["file"], row["before"], row["after"]): row["reason"] for row in rows}


def _in_turn(columns: Iterable[list[Any]]) -> list[Any]:
    """The first of each, then the second of each, until all are through."""
    return [one for one in chain(*zip_longest(*columns)) if one is not None]


def _order(modules: list[Module]) -> list[tuple[Module, Mutant]]:
    return _in_turn([[(module, mutant) for mutant in module.mutants] for module in modules])


# -- running them --------------------------------------------------------------------------------


def outcomes(
    modules: list[Module], root: Path, settings: Mapping[str, Any], budget: float, longest: float
) -> Iterator[dict[str, Any]]:
    """What the worker says, run in a copy of ``root``; outcomes are counted in ``modules``.

    Raises
    ------
    ConfigError
        The tests cannot be run.
    """
    order = _order(modules)
    guards = dict.fromkeys(guard for module in modules for guard in module.guards)
    files = {mutant.file for module in modules for mutant in module.mutants}
    tests = sorted(guards, key=lambda guard: guard in files)  # a package is imported as a whole
    with tempfile.TemporaryDirectory(prefix="streamml-mutants-") as folder:
        copy = Path(folder).resolve() / "checkout"
        shutil.copytree(root, copy, ignore=_LEFT_OUT, symlinks=True)
        (copy / "tmp").mkdir()
        log = Path(folder, "log")
        job = {
            "tests": tests, "budget": budget, "longest": longest, "patience": PATIENCE,
            "log": str(log), "libraries": settings.get("libraries", []),
            "mutants": [_as_job(mutant, module, copy) for module, mutant in order],
        }  # fmt: skip
        worker = _start(copy, settings.get("import_from", ["."]))
        assert worker.stdin is not None
        assert worker.stdout is not None
        try:
            worker.stdin.write(json.dumps(job) + "\n")
            worker.stdin.flush()
            for said in _lines(worker.stdout):
                if "error" in said:
                    raise ConfigError(f"{said['error']}: {log.read_text(encoding='utf-8')[-2000:]}")
                if "mutant" in said:
                    _count(*order[said["mutant"]], said)
                yield said
            if worker.wait() != 0:
                raise ConfigError(
                    f"The tests ended early: {log.read_text(encoding='utf-8')[-2000:]}"
                )
        finally:
            worker.kill()
            worker.communicate()


def _as_job(mutant: Mutant, module: Module, copy: Path) -> dict[str, Any]:
    return {
        "path": str(copy / mutant.file), "start": mutant.start, "end": mutant.end,
        "text": mutant.text, "lines": mutant.lines, "function": mutant.function,
        "guards": module.guards,
    }  # fmt: skip


def _start(copy: Path, folders: list[str]) -> subprocess.Popen[str]:
    threads = ("OMP", "OPENBLAS", "MKL", "NUMBA")
    environment = {
        **os.environ,
        **{f"{name}_NUM_THREADS": "1" for name in threads},
        "PYTHONPATH": os.pathsep.join(str(copy / folder) for folder in folders),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONHASHSEED": "0",
        "TMPDIR": str(copy / "tmp"),
    }
    return subprocess.Popen(
        [sys.executable, "-P", str(Path(__file__).with_name("mutants_worker.py"))],
        cwd=copy, env=environment, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip


def _lines(stream: IO[str]) -> Iterator[dict[str, Any]]:
    for line in stream:
        yield json.loads(line)


def _count(module: Module, mutant: Mutant, said: dict[str, Any]) -> None:
    module.counts[said["outcome"]] += 1
    if said["outcome"] in ("survived", "unclear"):
        module.survivors.append((mutant, said["why"]))


# -- what is said --------------------------------------------------------------------------------


class _Progress:
    def __init__(self, console: Console, modules: list[Module], budget: float) -> None:
        self.console = console
        self.modules = modules
        self.end = time.monotonic() + budget
        self.due = time.monotonic() + _EVERY
        self.mutants = [mutant for _, mutant in _order(modules)]

    def hear(self, said: dict[str, Any]) -> None:
        if "left_out" in said:
            for test in said["left_out"]:
                self.say(f"left out, it does not pass without a change: {test}")
        if "tests" in said:
            self.say(f"{said['tests']} tests ran once without a change in {said['seconds']:.0f} s")
        if said.get("outcome") == "survived":
            self.say(f"survived: {self.mutants[said['mutant']]}")
        if time.monotonic() > self.due:
            self.due = time.monotonic() + _EVERY
            if "measured" in said:
                self.say(f"tests without a change: {said['measured']} of {said['of']}")
            elif "mutant" in said:
                self.say(self.standing())

    def standing(self) -> str:
        total, run, killed = (sum(one) for one in zip(*(
            (len(m.mutants), m.run, m.killed) for m in self.modules), strict=True))  # fmt: skip
        left = max(0.0, self.end - time.monotonic())
        return f"{run} of {total} mutants, {killed} killed, {left:.0f} s left"

    def say(self, text: str) -> None:
        self.console.print(text, highlight=False, markup=False, soft_wrap=True)


def report(console: Console, modules: list[Module]) -> float:
    """Print the table and every survivor, and give the share that was killed."""
    table = Table("module", "mutants", "run", "killed", "by time", "survived", "known", "killed %")
    run = killed = 0
    for m in modules:
        run, killed = run + m.run, killed + m.killed
        counts = (len(m.mutants) + len(m.known), m.run, m.killed, m.counts["late"],
                  m.counts["survived"], len(m.known))  # fmt: skip
        table.add_row(m.name, *map(str, counts), _percent(m.killed, m.run))
    table.add_row("all", *("" for _ in range(6)), _percent(killed, run))
    console.print(table)
    for m in modules:
        for mutant, why in sorted(m.survivors, key=lambda pair: (pair[0].file, pair[0].line)):
            text = f"{mutant}" + (f"  ({why})" if why else "")
            console.print(text, highlight=False, markup=False, soft_wrap=True)
    return killed / run if run else 1.0


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f}" if whole else "-"


@click.command()
@click.option("--paths", default="", help="Files or folders of the core, separated by commas.")
@click.option("--budget", default="10m", show_default=True, help="Time for all of it.")
@click.option("--seed", default=1, show_default=True, help="Which mutants come first.")
@click.option("--longest", default="6s", show_default=True,
              help="Tests of a mutant: those named first that take no more in all.")  # fmt: skip
@click.option("--table", type=click.Path(dir_okay=False, path_type=Path), default=TABLE,
              help="Modules, their tests, known survivors.")  # fmt: skip
@click.option("--root", type=click.Path(file_okay=False, path_type=Path), default=ROOT,
              help="The checkout that is copied.")  # fmt: skip
def main(paths: str, budget: str, seed: int, longest: str, table: Path, root: Path) -> None:
    """Break one line at a time and print what no test notices."""
    console = Console(width=120 if not sys.stdout.isatty() else None)
    modules: list[Module] = []
    try:
        wanted = [path.strip().rstrip("/") for path in paths.split(",") if path.strip()]
        modules = modules_of(table, root.resolve(), wanted, seed)
        progress = _Progress(console, modules, seconds(budget))
        times = seconds(budget), seconds(longest)
        for said in outcomes(modules, root.resolve(), read_toml(table), *times):
            progress.hear(said)
    except StreamMLError as error:
        raise click.ClickException(str(error)) from error
    except KeyboardInterrupt:
        console.print("Interrupted; so far:")
    sys.exit(int(report(console, modules) < BAR))


if __name__ == "__main__":
    main()
