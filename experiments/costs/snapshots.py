"""Seconds to save and load learners, beside writing the same bytes to the same disk.

``python -m experiments.snapshots`` lets every learner of the benchmark that can be saved learn a
stream, saves it, loads it, and checks that the loaded one predicts the same. The first rows are
our learner with about 50 MB of state and more. ``save s`` is what :func:`streamml.state.save`
takes, on the disk; ``x bare`` how many times as long as one write of the same bytes and one flush,
run right after.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from experiments.bench.learners import build, choose, learners
from experiments.costs.memory import stream
from experiments.datasets.data import read
from streamml import IHOMER, state
from streamml.base import Learner
from streamml.errors import StateError
from streamml.types import EventBatch

_BAR = 1.0  # seconds for 50 MB
_LARGE = ("fast", "default", "accurate")
_LONG, _LABELS = 20_000, 500
_ROOM = 1.2  # what is held by what is saved: room for growth is not
_TIMES = 3


@dataclass(frozen=True, slots=True)
class SnapshotCost:
    """Bytes and seconds of one learner; medians of several runs."""

    learner: str
    stream: str
    events: int
    size: int
    save: float
    load: float
    bare: float
    same: bool

    def __str__(self) -> str:
        megabytes = self.size / 1e6
        return (
            f"{self.learner:26} {self.stream:14} {self.events:>7,} {megabytes:>8.2f} "
            f"{self.save:>8.3f} {self.load:>8.3f} {megabytes / self.save:>8.1f} "
            f"{self.save / self.bare:>8.1f}  {'same' if self.same else 'DIFFERENT'}"
        )


def bare(path: Path, data: bytes) -> float:
    """Seconds to write bytes to a file, and have them on the disk."""
    started = time.perf_counter()
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    return time.perf_counter() - started


def measure(
    name: str, source: str, learner: Learner, probe: EventBatch, folder: Path
) -> SnapshotCost:
    """Save and load a learner that has learned, several times."""
    path, beside = folder / "learner.state", folder / "bare"
    saves, loads, bares = [], [], []
    for _ in range(_TIMES):
        started = time.perf_counter()
        state.save(learner, path)
        saves.append(time.perf_counter() - started)
        bares.append(bare(beside, path.read_bytes()))
        started = time.perf_counter()
        again = state.load(path)
        loads.append(time.perf_counter() - started)
    again.bind(learner.schema)
    one, other = learner.predict(probe, 0.0), again.predict(probe, 0.0)
    same = (one.scores.tobytes(), one.indices.tobytes()) == (
        other.scores.tobytes(),
        other.indices.tobytes(),
    )
    size, events = path.stat().st_size, learner._position
    medians = map(statistics.median, (saves, loads, bares))
    return SnapshotCost(name, source, events, size, *medians, same)


def large(megabytes: float, folder: Path) -> Iterator[SnapshotCost]:
    """Our learner, taught until its state has so many megabytes."""
    for preset in _LARGE:
        learner = IHOMER(preset)
        for batch in stream(_LONG, int(200 * megabytes), _LABELS):
            learner.learn(batch)
            if sum(learner.memory.values()) > _ROOM * megabytes * 1e6:
                break
        probe = batch.slice(0, 50)
        yield measure(f"streamml {preset}, large", "features come", learner, probe, folder)


def benchmark(
    names: list[str], source: str, events: int, folder: Path
) -> Iterator[SnapshotCost | str]:
    """Learners of the benchmark on the first events of a stream."""
    batch = read(source)
    batch = batch.slice(0, min(events, len(batch)))
    for name in names:
        learner = build(name)
        learner.learn(batch)
        try:
            yield measure(name, source, learner, batch.slice(0, 50), folder)
        except StateError as error:
            yield f"{name:26} {error}"


def main(arguments: list[str] | None = None) -> int:
    """Print the table; 1 where bits differ, or 50 MB of ours take a second or more."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--learners", default="ours,reference,global,local,peer")
    parser.add_argument("--stream", default="demo@1")
    parser.add_argument("--events", type=int, default=1000)
    parser.add_argument("--large", type=float, default=50.0, help="megabytes; 0 leaves it out")
    parser.add_argument("--folder", type=Path, help="on the disk to be measured")
    chosen = parser.parse_args(arguments)
    names = [name for name in choose(chosen.learners) if learners()[name].group != "batch"]
    print(f"{'learner':26} {'stream':14} {'events':>7} {'MB':>8} {'save s':>8} {'load s':>8} "
          f"{'MB/s':>8} {'x bare':>8}  after loading")  # fmt: skip
    good = True
    with TemporaryDirectory(dir=chosen.folder) as made:
        folder = Path(made)
        if chosen.large:
            for row in large(chosen.large, folder):
                print(row, flush=True)
                good &= row.same and row.save / row.size * 50e6 < _BAR
        for found in benchmark(names, chosen.stream, chosen.events, folder):
            print(found, flush=True)
            good &= isinstance(found, str) or found.same
    rate = "50 MB of our learner's state are saved in less than a second; " if chosen.large else ""
    print(f"{rate}all predict the same after loading" if good else "NOT as it should be")
    return int(not good)
