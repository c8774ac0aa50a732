"""Where a run writes its predictions: by suffix, to standard output, and on after a restart."""

from __future__ import annotations

import csv
import json
import subprocess
import sys

import pyarrow.parquet as pq
import pytest

from tests.cli.calling import call

RUN = ("run", "--limit", "300", "--learner", "majority", "--seed", "3")


@pytest.fixture(scope="module")
def lines(tmp_path_factory) -> list[dict]:
    """The same run as JSON Lines."""
    path = tmp_path_factory.mktemp("lines") / "out.jsonl"
    assert call(*RUN, "--json", "--predictions", path, "--true-labels") == 0
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_csv_and_parquet_say_what_the_lines_say(lines, tmp_path):
    for name in ("out.csv", "out.parquet"):
        assert call(*RUN, "--json", "--predictions", tmp_path / name, "--true-labels") == 0
    with (tmp_path / "out.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    table = pq.read_table(tmp_path / "out.parquet").to_pylist()
    for line, row, record in zip(lines, rows, table, strict=True):
        assert row["id"] == record["id"] == str(line["id"])
        for what in ("labels", "true_labels"):
            assert row[what] == ";".join(line[what])
            assert record[what] == line[what]
        assert json.loads(row["scores"]) == line["scores"]
        assert dict(record["scores"]) == pytest.approx(line["scores"])


@pytest.mark.parametrize("name", ["out.jsonl", "out.csv"])
def test_a_run_that_goes_on_writes_every_event_once(tmp_path, name):
    """The file of two runs, one after the other, has the bytes of the one of a single run."""
    words = ("run", "--learner", "majority", "--json", "--true-labels", "--predictions")
    assert call(*words, tmp_path / f"whole-{name}", "--limit", 300) == 0
    kept = (tmp_path / name, "--snapshot-dir", tmp_path / "state")
    for limit in (120, 120, 300):
        assert call(*words, *kept, "--limit", limit) == 0
    assert (tmp_path / name).read_bytes() == (tmp_path / f"whole-{name}").read_bytes()


def test_standard_output_holds_the_predictions_and_the_report_goes_beside(lines):
    command = [sys.executable, "-m", "streamml", *RUN, "--predictions", "-", "--true-labels"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert [json.loads(line) for line in done.stdout.splitlines()] == lines
    assert "exact match" in done.stderr
    assert "MB at the peak" in done.stderr


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("--predictions", "-", "--json"), "--json has standard output to itself"),
        (("--predictions", "-", "--dead-letters", "-"), "is --predictions as well"),
        (("--true-labels",), "--true-labels go into the file of --predictions"),
        (("--predictions", "out.xlsx"), "ends in .jsonl, .csv or .parquet"),
        (("--predictions", "out.csv.gz"), "ends in .jsonl, .csv or .parquet"),
        (("--predictions", "p.parquet", "--snapshot-dir", "s"), "whole only at its end"),
    ],
)
def test_what_cannot_be_written_is_one_sentence(tmp_path, monkeypatch, capsys, args, said):
    monkeypatch.chdir(tmp_path)
    assert call(*RUN, *args) == 2
    found = capsys.readouterr()
    assert said in found.err
    assert (found.out, found.err.count("\n")) == ("", 1)
    assert not [path for path in tmp_path.iterdir() if path.is_file()]
