"""Predictions in the format that a file's suffix names: JSON Lines, CSV, Parquet."""

from __future__ import annotations

import csv
import json
from contextlib import closing
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamml.errors import ConfigError, DataError
from streamml.io import Durable, PredictionSink
from streamml.types import Event, EventBatch, PartialLabels, Predictions, Schema
from streamml_connectors.prediction_files import can_go_on, open_predictions
from streamml_connectors.prediction_tables import _GROUP

NAMES = ["sun", "a;b", "NA", " warm", "rain"]
KNOWN = [
    frozenset({"sun", "rain"}),
    None,
    PartialLabels(frozenset({"sun"}), frozenset({"rain"})),
    frozenset(),
]


def batch(*known, names=NAMES, start=0):
    events = [Event(start + i, 0.0, {"f": 1.0}, y) for i, y in enumerate(known)]
    return EventBatch.from_events(events, Schema(labels=names))


def decided(*columns):
    """Predictions of these label columns, each scored .5."""
    ends = np.cumsum([0, *map(len, columns)])
    flat = np.array([c for row in columns for c in row], np.int32)
    return Predictions(ends, flat, ends, flat, np.full(len(flat), 0.5, np.float32))


def written(path: Path, *parts, truth=False, **more):
    with closing(open_predictions(path, truth=truth, **more)) as sink:
        assert isinstance(sink, PredictionSink)
        for part in parts:
            sink.write(*part)
    return path


def listed(cell: str) -> list[str] | None:
    """What a cell of the CSV means, as its documentation has it."""
    if cell == "?":
        return None
    if cell[:1] == "[":
        return json.loads(cell)
    return cell.split(";") if cell else []


# -- what stands in them ------------------------------------------------------------------


@pytest.mark.parametrize("name", ["out.jsonl", "out.NDJSON", "out", "out.d/x"])
def test_lines_hold_ids_labels_scores_and_what_is_true(tmp_path, name):
    (tmp_path / "out.d").mkdir()
    part = batch(*KNOWN), decided([0], [], [0, 4], [1])
    assert [json.loads(x) for x in written(tmp_path / name, part).read_text().splitlines()][2] == {
        "id": 2,
        "labels": ["sun", "rain"],
        "scores": {"sun": 0.5, "rain": 0.5},
    }
    lines = written(tmp_path / name, part, truth=True).read_text().splitlines()
    assert [json.loads(line)["true_labels"] for line in lines] == [
        ["sun", "rain"],
        None,
        {"positive": ["sun"], "negative": ["rain"]},
        [],
    ]


def test_csv_holds_the_same_under_one_header(tmp_path):
    path = tmp_path / "out.csv"
    parts = [(batch(*KNOWN), decided([0, 4], [], [1], [2])), (batch(None, start=4), decided([3]))]
    written(path, *parts, truth=True)
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["id"] for row in rows] == ["0", "1", "2", "3", "4"]
    assert rows[0]["labels"] == "sun;rain"
    assert rows[1]["labels"] == ""
    names = [["sun", "rain"], [], ["a;b"], ["NA"], [" warm"]]
    assert [listed(row["labels"]) for row in rows] == names
    assert json.loads(rows[0]["scores"]) == {"sun": 0.5, "rain": 0.5}
    assert [row["true_labels"] for row in rows] == [
        "sun;rain", "?", '{"positive":["sun"],"negative":["rain"]}', "", "?",
    ]  # fmt: skip
    assert written(path, *parts).read_text().startswith("id,labels,scores\n0,sun;rain,")


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"])), unique=True, max_size=4))
def test_whatever_labels_are_called_the_same_are_read_from_csv(tmp_path_factory, names):
    path = tmp_path_factory.mktemp("csv") / "out.csv"
    written(path, (batch(None, names=names), decided(range(len(names)))))
    with path.open(newline="", encoding="utf-8") as file:
        (row,) = csv.DictReader(file)
    assert listed(row["labels"]) == names


def test_parquet_has_lists_and_a_map(tmp_path):
    path = tmp_path / "out.parquet"
    part = batch(*KNOWN), decided([0, 4], [], [1], [2])
    first, second, third, _ = pq.read_table(written(path, part, truth=True)).to_pylist()
    assert (first["id"], first["labels"], dict(first["scores"])) == (
        "0", ["sun", "rain"], {"sun": 0.5, "rain": 0.5},
    )  # fmt: skip
    assert [(row["true_labels"], row["true_negatives"]) for row in (first, second, third)] == [
        (["sun", "rain"], None),
        (None, None),
        (["sun"], ["rain"]),
    ]
    assert pq.read_schema(written(path, part)).names == ["id", "labels", "scores"]


def test_parquet_is_written_in_groups_of_bounded_size(tmp_path):
    part = batch(*[None] * 1000), decided(*[[0]] * 1000)
    found = pq.ParquetFile(written(tmp_path / "out.parquet", *[part] * 20)).metadata
    sizes = [found.row_group(i).num_rows for i in range(found.num_row_groups)]
    assert sum(sizes) == 20_000
    assert max(sizes) < _GROUP + 1000
    assert pq.read_table(written(tmp_path / "none.parquet")).num_rows == 0


# -- going on, and what is refused --------------------------------------------------------


@pytest.mark.parametrize("name", ["out.jsonl", "out.csv"])
def test_what_was_written_after_a_snapshot_is_written_once(tmp_path, name):
    parts = [(batch(*KNOWN, start=s), decided([0], [], [1], [2])) for s in (0, 4, 8)]
    whole = written(tmp_path / f"whole-{name}", *parts).read_bytes()
    path = tmp_path / name
    with closing(open_predictions(path)) as sink:
        assert isinstance(sink, Durable)
        first = sink.snapshot()
        sink.write(*parts[0])
        stored = sink.snapshot()
        sink.write(*parts[1])
    for snapshot, left in ((stored, parts[1:]), (first, parts)):
        with closing(open_predictions(path, append=True)) as sink:
            sink.restore(snapshot)
            for part in left:
                sink.write(*part)
        assert path.read_bytes() == whole


def test_parquet_is_not_gone_on_with(tmp_path):
    assert not can_go_on("out.PARQUET")
    with pytest.raises(ConfigError, match=r"write \.jsonl or \.csv instead"):
        open_predictions(tmp_path / "out.parquet", append=True)
    assert not (tmp_path / "out.parquet").exists()


@pytest.mark.parametrize("name", ["out.xlsx", "out.txt", "out.csv.gz", "out.json"])
def test_a_suffix_that_says_something_else_is_refused(tmp_path, name):
    with pytest.raises(ConfigError, match=r"ends in \.jsonl, \.csv or \.parquet"):
        open_predictions(tmp_path / name)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["out.csv", "out.parquet"])
def test_a_file_that_cannot_be_written_is_one_sentence(tmp_path, name):
    with pytest.raises(DataError, match="cannot be written"):
        open_predictions(tmp_path / "no" / "folder" / name)
