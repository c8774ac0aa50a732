"""Predictions and dead letters as JSON Lines."""

from __future__ import annotations

import base64
import json
import os
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from streamml.errors import DataError, StateError
from streamml.io import DeadLetterSink, PredictionSink
from streamml.types import DeadLetter, Event, EventBatch, Predictions, Schema
from streamml_connectors.dead_letters import JsonlDeadLetterSink
from streamml_connectors.output import OutputFile
from streamml_connectors.predictions import JsonlPredictionSink


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def batch(ids):
    schema = Schema(labels=["sun", "r\u00e4in"])
    return EventBatch.from_events([Event(i, 0.0, {"f": 1.0}, None) for i in ids], schema)


def test_predictions(tmp_path):
    path = tmp_path / "p.jsonl"
    sink = JsonlPredictionSink(path)
    assert isinstance(sink, PredictionSink)
    sink.write(
        batch(["a", 2]),
        Predictions(
            np.array([0, 2, 2]), np.array([0, 1], np.int32), np.array([0, 2, 3]),
            np.array([0, 1, 1], np.int32), np.array([0.75, 1.0, 0.25], np.float32),
        ),
    )  # fmt: skip
    sink.write(batch([]), Predictions.concatenate([]))
    sink.write(batch([3]), Predictions(np.array([0, 1]), np.array([1], np.int32)))
    sink.close()
    sink.close()
    expected = [
        {"id": "a", "labels": ["sun", "r\u00e4in"], "scores": {"sun": 0.75, "r\u00e4in": 1.0}},
        {"id": 2, "labels": [], "scores": {"r\u00e4in": 0.25}},
        {"id": 3, "labels": ["r\u00e4in"], "scores": {}},
    ]
    assert lines(path) == expected
    again = JsonlPredictionSink(path, append=True)
    again.write(batch([4]), Predictions(np.array([0, 0]), np.array([], np.int32)))
    again.close()
    assert lines(path) == [*expected, {"id": 4, "labels": [], "scores": {}}]


def test_dead_letters(tmp_path):
    path = tmp_path / "d.jsonl"
    sink = JsonlDeadLetterSink(path)
    assert isinstance(sink, DeadLetterSink)
    sink.write([])
    sink.write([DeadLetter("malformed", "Broken.", "line 3", b"{\xff"),
                DeadLetter("no_features", "None.", "row 4", "\u00fc".encode())])  # fmt: skip
    assert lines(path) == [
        {"reason": "malformed", "detail": "Broken.", "position": "line 3",
         "raw_base64": base64.b64encode(b"{\xff").decode()},
        {"reason": "no_features", "detail": "None.", "position": "row 4", "raw": "\u00fc"},
    ]  # fmt: skip
    sink.close()
    sink.close()
    again = JsonlDeadLetterSink(path, append=True)
    again.write([DeadLetter("malformed", "Broken.", "line 5")])
    again.close()
    assert len(lines(path)) == 3


@pytest.mark.parametrize("kind", [JsonlPredictionSink, JsonlDeadLetterSink])
def test_a_place_that_cannot_be_written(tmp_path, kind):
    with pytest.raises(DataError, match="cannot be written"):
        kind(tmp_path / "no" / "such.jsonl")


@pytest.mark.skipif(not Path("/dev/full").is_char_device(), reason="no /dev/full")
def test_a_full_disk_is_told_with_the_name_of_the_file():
    sink = JsonlDeadLetterSink("/dev/full")
    with pytest.raises(DataError, match=r"/dev/full cannot be written \(No space left.*make room"):
        sink.write([DeadLetter("malformed", "Broken.", "line 3")])
    with pytest.raises(DataError, match="/dev/full"):
        sink.close()


def test_a_resumed_run_may_go_on_in_another_file(tmp_path):
    """The old file was archived: what is written from now on goes to a new one."""
    first = JsonlDeadLetterSink(tmp_path / "a.jsonl")
    first.write([DeadLetter("malformed", "Broken.", "line 3")])
    stored = first.snapshot()
    first.close()
    (tmp_path / "other.jsonl").write_bytes(b"kept" * 100)
    for name, kept in (("new.jsonl", b""), ("other.jsonl", b"kept" * 100)):
        with closing(JsonlDeadLetterSink(tmp_path / name, append=True)) as other:
            other.restore(stored)
            assert other.path.read_bytes() == kept
    (tmp_path / "moved").mkdir()
    moved = tmp_path / "moved" / "a.jsonl"
    moved.write_bytes(first.path.read_bytes() + b"after the snapshot")
    with closing(JsonlDeadLetterSink(moved, append=True)) as again:
        again.restore(stored)
    assert moved.read_bytes() == first.path.read_bytes()
    first.path.unlink()
    with (
        closing(JsonlDeadLetterSink(first.path, append=True)) as gone,
        pytest.raises(DataError, match="put it back"),
    ):
        gone.restore(stored)


@pytest.mark.parametrize("size", ["7", 7.0, True, None, -1])
def test_a_size_that_is_none_cuts_no_file(tmp_path, size):
    path = tmp_path / "d.jsonl"
    path.write_bytes(b"kept")
    with closing(JsonlDeadLetterSink(path, append=True)) as sink:
        with pytest.raises(StateError, match=r"'bytes' of .*d\.jsonl is"):
            sink.restore({"bytes": size, "path": str(path)})
        assert path.read_bytes() == b"kept"


def test_what_a_snapshot_counts_on_is_on_the_disk(tmp_path, monkeypatch):
    flushed, really = [], os.fsync

    def note(fd):
        flushed.append((os.fstat(fd).st_ino, os.fstat(fd).st_size))
        really(fd)

    monkeypatch.setattr(os, "fsync", note)
    with closing(OutputFile(tmp_path / "p.jsonl")) as file:
        file.append(b"kept\n")
        assert file.snapshot()["bytes"] == 5
        assert flushed == [(file.path.stat().st_ino, 5)]


def test_a_device_keeps_nothing_that_a_snapshot_could_wait_for():
    with closing(JsonlDeadLetterSink("/dev/null", append=True)) as sink:
        sink.restore(sink.snapshot())
        sink.restore({"bytes": 7, "path": "/dev/null"})


def test_a_name_that_promises_compression_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"name a file without \.gz"):
        JsonlPredictionSink(tmp_path / "out.jsonl.gz")
    assert not (tmp_path / "out.jsonl.gz").exists()
