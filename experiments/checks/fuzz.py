"""Fuzz what reads from outside: ``python -m experiments.fuzz --inputs 1000000 --out fuzz``.

Each input is made from the seed, its target and its number alone, so that a run can be repeated,
and a crash tried again (``--target ARFF --first 1234 --inputs 1``). A crash is anything but an
error of streamml's own or a dead letter, an input that takes more CPU time than ``--seconds``,
and one by which the process grows by more than ``--megabytes``. The file ``running`` in the
folder says which input was in work when compiled code took the process along.
"""

from __future__ import annotations

import contextlib
import pickle
import random
import resource
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from experiments.checks.fuzz_targets import ANSWERS, TARGETS, Target

__all__ = ["Crash", "Tally", "fuzz"]

_MEMORY = Path("/dev/shm")  # files that are written a million times need no disk
_SHOWN = 200  # inputs between two moves of the bar
_WARM = 30  # inputs before the first one that counts: compiling takes its time
_WAITS = 10  # on a busy machine an input may wait
_KEPT = 50  # crashes of a target whose input is kept


class TooLong(BaseException):
    """An input takes too long; no ``except Exception`` stops it."""


@dataclass(frozen=True)
class Crash:
    """An input that did what it must not."""

    target: str
    number: int
    said: str
    input: Any


@dataclass
class Tally:
    """What came of the inputs of one target; seconds are CPU time, that of making them included."""

    target: str
    inputs: int = 0
    refused: int = 0
    seconds: float = 0.0
    slowest: float = 0.0
    crashes: list[Crash] = field(default_factory=list)


@contextlib.contextmanager
def _alarm() -> Iterator[None]:
    def late(*_: object) -> None:
        raise TooLong

    before = {which: signal.signal(which, late) for which in (signal.SIGPROF, signal.SIGALRM)}
    try:
        yield
    finally:
        _allow(0.0)
        for which, handler in before.items():
            signal.signal(which, handler)


def _allow(seconds: float) -> None:
    """CPU time for the next input, and by the clock so many times more; 0: no bound."""
    signal.setitimer(signal.ITIMER_PROF, seconds)
    signal.setitimer(signal.ITIMER_REAL, _WAITS * seconds)


def _one(target: Target, made: Any, folder: Path, seconds: float) -> str | None:
    """Use one input: ``None`` where it was taken, ``""`` where refused, else what crashed."""
    said = None
    _allow(seconds)
    try:
        target.use(made, folder)
    except ANSWERS:
        said = ""
    except TooLong:
        said = f"It still ran after {seconds:g} s of CPU time, or waited {_WAITS} times that."
    except Exception:
        said = traceback.format_exc(limit=-6)
    finally:
        _allow(0.0)
    return said


def _peak() -> int:
    """Most memory that the process had so far, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def fuzz(
    name: str,
    inputs: int,
    folder: Path,
    note: Path,
    *,
    seed: int = 1,
    first: int = 0,
    seconds: float = 5.0,
    megabytes: int = 256,
) -> Iterator[Tally]:
    """Try inputs of one target; gives its tally again and again, and at the end.

    Parameters
    ----------
    name
        A key of :data:`experiments.checks.fuzz_targets.TARGETS`.
    inputs
        How many.
    folder
        Where inputs that are files lie while they are read.
    note
        A file that says which input is in work.
    seed, first
        Input ``k`` is made from the seed and ``first + k``.
    seconds, megabytes
        What one input may take; the process grows for good at the first ones.
    """
    target, tally = TARGETS[name], Tally(name)
    for k in range(_WARM):
        with contextlib.suppress(Exception):
            target.use(target.make(random.Random(f"{seed}/{name}/warm {k}")), folder)
    peak, began = _peak(), time.process_time()
    with _alarm(), note.open("wb", buffering=0) as running:
        for number in range(first, first + inputs):
            running.seek(0)
            running.write(f"{name} {number:<12}\n".encode())
            made = target.make(random.Random(f"{seed}/{name}/{number}"))
            started = time.process_time()
            said = _one(target, made, folder, seconds)
            took = time.process_time() - started
            before, peak = peak, _peak()
            if peak - before > megabytes and not said:
                said = f"The process grew by {peak - before} MiB."
            tally.inputs += 1
            tally.seconds = time.process_time() - began  # single inputs are below its steps
            tally.slowest = max(tally.slowest, took)
            tally.refused += said == ""
            if said:
                tally.crashes.append(Crash(name, number, said, made))
            if tally.inputs % _SHOWN == 0:
                yield tally
    yield tally


def _keep(crashes: list[Crash], folder: Path) -> None:
    """Write inputs and what was said: bytes as they are, else as a pickle of one's own making."""
    for crash in crashes[:_KEPT]:
        stem = folder / f"{crash.target.replace(' ', '-')}-{crash.number}"
        data = crash.input[0] if isinstance(crash.input, tuple) else crash.input
        raw = data if isinstance(data, bytes) else pickle.dumps(data)
        stem.with_suffix(".input").write_bytes(raw)
        stem.with_suffix(".txt").write_text(crash.said, encoding="utf-8")


def _table(tallies: list[Tally]) -> Table:
    table = Table("target", *("inputs", "refused", "seconds", "slowest, ms", "crashes"))
    for column in table.columns[1:]:
        column.justify = "right"
    for t in tallies:
        slowest = f"{1000 * t.slowest:.0f}"
        table.add_row(
            t.target, f"{t.inputs:,}", f"{t.refused:,}", f"{t.seconds:.0f}", slowest,
            str(len(t.crashes)),
        )  # fmt: skip
    return table


@click.command(help="Hand spoilt states, learners, events and files to what reads them.")
@click.option("--inputs", default=8_000, show_default=True, help="All targets together.")
@click.option("--target", "only", type=click.Choice(list(TARGETS)), help="One target alone.")
@click.option("--seed", default=1, show_default=True)
@click.option("--first", default=0, show_default=True, help="Number of the first input.")
@click.option("--seconds", default=5.0, show_default=True, help="CPU time of one input.")
@click.option("--megabytes", default=256, show_default=True, help="One input takes at most.")
@click.option("--out", type=click.Path(path_type=Path), help="Folder for inputs that crash.")
def main(inputs: int, only: str | None, out: Path | None, **limits: Any) -> None:
    """Run all targets, show a table, and keep what crashed."""
    names = [only] if only else list(TARGETS)
    kept = out or Path(tempfile.mkdtemp(prefix="fuzz-"))
    kept.mkdir(parents=True, exist_ok=True)
    tallies = []
    with (
        Progress(console=Console(stderr=True)) as progress,
        tempfile.TemporaryDirectory(dir=_MEMORY if _MEMORY.is_dir() else None) as place,
    ):
        folder = Path(place)
        for k, name in enumerate(names):
            share = inputs // len(names) + (k < inputs % len(names))
            bar = progress.add_task(name, total=share)
            tally = Tally(name)
            for tally in fuzz(name, share, folder, kept / "running", **limits):
                progress.update(bar, completed=tally.inputs)
            tallies.append(tally)
            _keep(tally.crashes, kept)
    Console().print(_table(tallies))
    crashes = sum(len(t.crashes) for t in tallies)
    if crashes:
        print(f"Inputs that crashed lie in {kept}.")
    sys.exit(1 if crashes else 0)
