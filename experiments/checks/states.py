"""Stored states of this version: ``python -m experiments.states`` writes what later ones must load.

Written once a release, into ``tests/golden/states/VERSION``: every learner that can be saved, a
run's folder, and a Kafka consumer's, each with what this version predicts when it goes on from
there. ``tests/golden/test_states.py`` loads all of them, of every version, for ever.
"""

from __future__ import annotations

import json
import lzma
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click
import numpy as np

import streamml
from experiments.bench.learners import build, learners
from streamml import IHOMER, state
from streamml.base import Learner
from streamml.baselines import MLBELS
from streamml.nodes.members import MEMBERS
from streamml.types import Event, EventBatch, PartialLabels, Schema

__all__ = ["FOLDER", "KAFKA_OPTIONS", "LEARNED", "RUN_OPTIONS", "events", "going_on", "specimens"]

FOLDER = Path(__file__).resolve().parents[2] / "tests" / "golden" / "states"
LEARNED, LENGTH, AFTER = 420, 480, 60
"""Events learned before a state is stored, in the stream, and predicted afterwards."""

FEW = {"BR+": 8, "MLHTPS": 12, "streamml accurate": 40}
"""Events that learners learn whose states are large, by the beginning of their name."""

WIDE = "streamml, little memory"
"""Learns from events with thousands of features."""

RUN_OPTIONS = ("--set", "n_min=60", "--set", "window=64", "--delay", "20")
KAFKA_OPTIONS = ("--learner", "linear", "--labels-topic", "labels", "--group", "golden")


def specimens() -> dict[str, Callable[[], Learner]]:
    """Name -> what makes a learner: those of the benchmark's table, and inner states."""
    small: dict[str, Any] = {"n_min": 60, "window": 64}
    found: dict[str, Callable[[], Learner]] = {
        name: lambda name=name: build(name)
        for name, row in learners().items()
        if row.where.startswith("streamml") and row.needs != "vowpalwabbit"
    }
    for name, row in learners().items():
        if row.group in ("ours", "ablation") and row.where.endswith(":IHOMER"):
            found[name] = lambda given=row.parameters: IHOMER(**given, **small)
    found["ML-BELS"] = lambda: MLBELS(n1=4, n2=3, n3=10)
    every = tuple(MEMBERS)
    found["streamml, every member"] = lambda: IHOMER(members=every, **small)
    found["streamml, alternate"] = lambda: IHOMER("fast", n_min=60, drift_delta=0.05)
    found[WIDE] = lambda: IHOMER("fast", n_min=60, memory_budget="1MiB")
    found["streamml, paper's rule, sets"] = lambda: IHOMER(rule="odac", decision="set", **small)
    return found


def stream_of(name: str) -> EventBatch:
    """What a learner learns from, and predicts."""
    words = 30 if name == WIDE else 0
    few = name.startswith("BR+")  # each feature and label has a random generator with 2.5 kB
    return EventBatch.from_events(events(words=words, narrow=few), Schema())


def events(n: int = LENGTH, words: int = 0, narrow: bool = False) -> Iterator[Event]:
    """Labels in two groups that hang on features; they change, and all that may be missing is.

    ``words``: features besides that come and go; ``narrow``: two features are enough.
    """
    rng = np.random.default_rng(26)
    for t in range(n):
        x = {f"f{j}": round(float(rng.normal()), 3) for j in rng.choice(9, 5, replace=False)}
        if t > n // 3:
            x[f"late{t % 40}"] = 1.0
        x |= {f"w{j}": 1.0 for j in 7 * t + rng.integers(0, 900, words)}
        flip = 0.4 * n < t < 0.8 * n
        y = {f"l{k}" for k in range(3) if (x.get(f"f{k}", -1.0) > 0) != flip}
        y |= {"p", "q"} if x.get("f3", 0.0) > 0.3 else set()
        y |= {"new"} if t > n // 2 and t % 3 == 0 else set()
        x = {f: v for f, v in x.items() if f in ("f0", "f3")} | {"f1": 1.0} if narrow else x
        labels: frozenset[str] | PartialLabels = frozenset(y)
        if t % 23 == 7:
            labels = PartialLabels(frozenset(sorted(y)[:1]), frozenset({"l9"}))
        yield Event(f"e{t}", 1_700_000_000.0 + t, x, None if t % 37 == 11 else labels)


def learned_by(name: str) -> int:
    """Events that a learner learns before it is stored."""
    return next((few for start, few in FEW.items() if name.startswith(start)), LEARNED)


def going_on(learner: Learner, batch: EventBatch, start: int) -> list[dict[str, float]]:
    """What a learner that has learned the first events says of the next: label -> score.

    A score of a label that was decided for has 2 added.
    """
    learner.bind(batch.schema)
    said = learner.test_then_train(batch.slice(start, start + AFTER), 0.0)
    names, found = batch.schema.labels, []
    for i in range(AFTER):
        part = slice(said.score_indptr[i], said.score_indptr[i + 1])
        on = set(said.row(i).tolist())
        pairs = zip(said.score_indices[part].tolist(), said.scores[part].tolist(), strict=True)
        found.append({names[c]: round(score + 2.0 * (c in on), 4) for c, score in pairs})
    return found


def write_learners(folder: Path) -> dict[str, Any]:
    """The state of every learner; gives what each says afterwards."""
    said = {}
    for name, make in specimens().items():
        batch = stream_of(name)
        learner, start = make(), learned_by(name)
        learner.test_then_train(batch.slice(0, start))
        with tempfile.TemporaryDirectory() as work:
            path = Path(work) / "state"
            state.save(learner, path)
            packed = lzma.compress(path.read_bytes(), preset=9 | lzma.PRESET_EXTREME)
        (folder / f"{name.replace(' ', '_')}.streamml.xz").write_bytes(packed)
        said[name] = going_on(learner, batch, start)
        changes = dict(getattr(learner, "change_counts", {}))
        print(f"{name}: {len(packed):,} bytes, {changes}")
    return said


def write_stream(path: Path) -> None:
    """The events as JSON Lines."""
    with path.open("w", encoding="utf-8") as file:
        for event in events():
            y: Any = event.y
            if isinstance(y, PartialLabels):
                y = {"positive": sorted(y.positive), "negative": sorted(y.negative)}
            elif y is not None:
                y = sorted(y)
            row = {"id": event.id, "timestamp": event.timestamp, "x": dict(event.x), "y": y}
            file.write(json.dumps({k: v for k, v in row.items() if v is not None}) + "\n")


def run_command(*options: str, cwd: Path) -> None:
    """``streamml run`` as a process of its own."""
    command = [sys.executable, "-m", "streamml", "run", *options, "--json"]
    subprocess.run(command, cwd=cwd, check=True, stdout=subprocess.DEVNULL)


def newest(folder: Path) -> Path:
    """The newest snapshot of a run."""
    return max(folder.glob("snapshot-*.streamml"))


def write_run(folder: Path) -> list[Any]:
    """A run over a file, stored before its end; gives what it predicts afterwards."""
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        write_stream(work / "stream.jsonl")
        stored = ("stream.jsonl", "--snapshot-dir", "run", *RUN_OPTIONS)
        run_command(*stored, "--limit", str(LEARNED), cwd=work)
        pack(newest(work / "run"), folder / "run.streamml.xz")
        run_command(*stored, "--predictions", "out.jsonl", cwd=work)
        lines = (work / "out.jsonl").read_text(encoding="utf-8").splitlines()
        return [json.loads(line) for line in lines]


def write_kafka(folder: Path) -> dict[str, Any]:
    """A consumer's folder, its records, and what it predicts afterwards."""
    from experiments.kafka.broker import Broker
    from streamml_connectors.kafka import Connection, Producer

    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        broker = Broker(work / "broker")
        broker.start()
        try:
            broker.create("events", "labels", partitions=2)
            broker.create("out")
            producer = Producer(Connection(broker.address), "events", "labels")
            everything = list(events())
            source = f"kafka://{broker.address}/events"
            options = (source, *KAFKA_OPTIONS, "--predictions-topic", "out")
            ends = []
            for start, stop in ((0, LEARNED), (LEARNED, LENGTH)):
                for k in range(start, stop):
                    producer.send_events([everything[k]])
                    if k >= 25 and everything[k - 25].y is not None:
                        producer.send_labels([everything[k - 25]])
                    producer.flush() if hasattr(producer, "flush") else None
                time.sleep(1.0)  # what was sent is in the log
                run_command(*options, "--until-end", "--snapshot-dir", "run", cwd=work)
                if stop == LEARNED:
                    pack(newest(work / "run"), folder / "kafka.streamml.xz")
                    ends.append(len(broker.read("out")))
            producer.close()
            records = [
                (topic, r.partition, r.offset, r.timestamp, text(r.key), text(r.value))
                for topic in ("events", "labels")
                for r in broker.read(topic)
            ]
            said = [json.loads(record.value) for record in broker.read("out")[ends[0] :]]
        finally:
            broker.stop()
    pack_text(json.dumps(records), folder / "kafka_records.json.xz")
    return {"said": said}


def text(value: bytes | None) -> str | None:
    """What a record holds, as text."""
    return None if value is None else value.decode()


def pack(source: Path, target: Path) -> None:
    """A compressed copy."""
    target.write_bytes(lzma.compress(source.read_bytes(), preset=9 | lzma.PRESET_EXTREME))


def pack_text(words: str, target: Path) -> None:
    """A compressed text."""
    target.write_bytes(lzma.compress(words.encode(), preset=9 | lzma.PRESET_EXTREME))


@click.command()
@click.option("--kafka/--no-kafka", default=True, show_default=True, help="Needs Java and Maven.")
def main(kafka: bool) -> None:
    """Write the states of this version."""
    folder = FOLDER / streamml.__version__
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    said: dict[str, Any] = {"learners": write_learners(folder), "run": write_run(folder)}
    if kafka:
        said["kafka"] = write_kafka(folder)["said"]
    pack_text(json.dumps(said), folder / "said.json.xz")
    size = sum(path.stat().st_size for path in folder.iterdir())
    print(f"{folder}: {size:,} bytes")
