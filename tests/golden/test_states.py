"""Whatever a release has stored, this version loads and goes on with, as that one would have."""

from __future__ import annotations

import json
import lzma
import os
import subprocess
import sys
from pathlib import Path

import pytest
from kafka import TopicPartition

from experiments.checks.states import (
    FOLDER,
    RUN_OPTIONS,
    going_on,
    learned_by,
    stream_of,
    write_stream,
)
from streamml import state
from streamml.cli.learners import make_learner
from streamml.join import JoinPolicy
from streamml.service import Service
from streamml.snapshots import SnapshotFolder
from streamml.testing import MemoryPredictions
from streamml_connectors.kafka import Connection, Input, KafkaSource
from tests.fake_kafka import FakeBroker, record

RELEASES = sorted(path.name for path in FOLDER.iterdir())
LEARNERS = [
    (release, path.name.removesuffix(".streamml.xz"))
    for release in RELEASES
    for path in sorted((FOLDER / release).glob("*.streamml.xz"))
    if path.name not in ("run.streamml.xz", "kafka.streamml.xz")
]
CLOSE, ALIKE = 0.02, 0.98
"""Processors differ in the last digits, which thresholds and neighbours may make larger."""


def unpacked(release: str, name: str) -> bytes:
    return lzma.decompress((FOLDER / release / f"{name}.xz").read_bytes())


def said_by(release: str) -> dict:
    return json.loads(unpacked(release, "said.json"))


def compare(now: list[dict], then: list[dict]) -> None:
    """Label -> score, with 2 added where it was decided for."""
    assert [set(one) for one in now] == [set(one) for one in then]
    pairs = [(one[k], other[k]) for one, other in zip(now, then, strict=True) for k in one]
    assert len(pairs) > 100
    assert sum((a >= 2) == (b >= 2) for a, b in pairs) >= ALIKE * len(pairs)
    assert sum(abs(a % 2 - b % 2) <= CLOSE for a, b in pairs) >= ALIKE * len(pairs)


@pytest.mark.parametrize(("release", "file"), LEARNERS)
def test_a_stored_learner_goes_on(tmp_path, release, file):
    (tmp_path / "state").write_bytes(unpacked(release, f"{file}.streamml"))
    name = file.replace("_", " ")
    learner = state.load(tmp_path / "state")
    batch = stream_of(name)
    compare(going_on(learner, batch, learned_by(name)), said_by(release)["learners"][name])
    state.save(learner, tmp_path / "again")  # in the format of now
    assert repr(state.load(tmp_path / "again")) == repr(learner)


@pytest.mark.parametrize("release", RELEASES)
def test_every_learner_was_stored(release):
    assert {name.replace("_", " ") for r, name in LEARNERS if r == release} == set(
        said_by(release)["learners"]
    )


def decisions(rows: list[dict]) -> dict:
    return {row["id"]: set(row["labels"]) for row in rows}


@pytest.mark.parametrize("release", RELEASES)
def test_a_stored_run_goes_on(tmp_path, release):
    write_stream(tmp_path / "stream.jsonl")
    (tmp_path / "run").mkdir()
    snapshot = unpacked(release, "run.streamml")
    (tmp_path / "run" / "snapshot-000000000001.streamml").write_bytes(snapshot)
    options = ("stream.jsonl", "--snapshot-dir", "run", *RUN_OPTIONS, "--predictions", "out.jsonl")
    command = [sys.executable, "-m", "streamml", "run", *options, "--json"]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, env=os.environ)
    now = decisions(map(json.loads, (tmp_path / "out.jsonl").read_text("utf-8").splitlines()))
    then = decisions(said_by(release)["run"])
    assert now.keys() == then.keys()
    assert sum(now[k] == then[k] for k in now) >= 0.95 * len(now)
    assert explained(tmp_path / "run", tmp_path).startswith("7 labels\n")


def explained(folder: Path, cwd: Path) -> str:
    command = [sys.executable, "-m", "streamml", "explain", str(folder)]
    done = subprocess.run(command, cwd=cwd, check=True, capture_output=True, text=True)
    return done.stdout


class _Stored(FakeBroker):
    """The records that a release's consumer has read, at the offsets they had."""

    def __init__(self, release: str, ids: dict[str, str]) -> None:
        super().__init__(events=2, labels=2)
        self.ids = ids
        for topic, partition, offset, when, key, value in json.loads(
            unpacked(release, "kafka_records.json")
        ):
            log = self.logs[TopicPartition(topic, partition)]
            assert len(log) == offset
            log.append(record(value.encode(), topic, partition, offset, when, key))


@pytest.mark.parametrize("release", RELEASES)
def test_a_stored_consumer_goes_on(tmp_path, monkeypatch, release):
    path = tmp_path / "snapshot-000000000001.streamml"
    path.write_bytes(unpacked(release, "kafka.streamml"))
    broker = _Stored(release, state.read(path)["source"]["topics"])
    monkeypatch.setattr("streamml_connectors.kafka.source.make_consumer", broker.client)
    monkeypatch.setattr("streamml_connectors.kafka.placing.make_admin", broker.admin)
    what = Input(("events",), labels_topic="labels", until_end=True)
    sink = MemoryPredictions()
    service = Service(
        KafkaSource(Connection("b:9092"), what),
        make_learner("linear"),
        join=JoinPolicy(),
        predictions=sink,
        snapshots=SnapshotFolder(tmp_path),
    )
    assert service.resume()
    service.run()
    now, then = dict(sink.rows), decisions(said_by(release)["kafka"])
    assert now.keys() == then.keys()
    assert sum(now[k] == then[k] for k in now) >= ALIKE * len(now)
