"""What the readers can, the command line can: columns, separators, formats, standard input."""

from __future__ import annotations

import csv
import json
import re
import subprocess
import sys
from pathlib import Path

import pyarrow
import pyarrow.parquet as pq
import pytest

from streamml.cli.options import split_names
from streamml.errors import ConfigError
from tests.cli.calling import call, lines
from tests.fake_kafka import FakeBroker

MAJORITY = ("--learner", "majority", "--json")
LOG = """key;when;note;price;tags
a1;2026-01-01T00:00:00;first;1.5;toys|books
a2;2026-01-01T00:10:00;second;2;
a3;2026-01-01T02:00:00;third;3;toys
"""
COLUMNS = ("--id-column", "key", "--timestamp-column", "when", "--ignore", "note")
LISTED = ("--label-list", "tags", "--label-separator", "|", "--delimiter", ";")


@pytest.fixture
def log(tmp_path) -> Path:
    path = tmp_path / "log.csv"
    path.write_text(LOG)
    return path


# -- columns ------------------------------------------------------------------------------


def test_a_run_takes_ids_times_and_lists_from_the_columns_that_are_named(log, tmp_path, capsys):
    out = tmp_path / "out.jsonl"
    args = ("run", log, *COLUMNS, *LISTED, *MAJORITY, "--predictions", out, "--true-labels")
    assert call(*args, "--delay", "30m") == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["features"], found["labels"]) == (1, 2)
    assert [line["id"] for line in lines(out)] == ["a1", "a2", "a3"]
    assert [line["true_labels"] for line in lines(out)] == [["toys", "books"], [], ["toys"]]
    assert lines(out)[1]["labels"] == []  # ten minutes later nothing is known yet
    assert lines(out)[2]["labels"] == ["toys", "books"]


def test_the_config_file_and_the_environment_have_the_same_options(
    log, tmp_path, capsys, monkeypatch
):
    config, shown, out = tmp_path / "c.toml", tmp_path / "shown.toml", tmp_path / "out.jsonl"
    log.write_text(LOG.replace("note", '"note, short"'))
    config.write_text(
        'id-column = "key"\nignore = ["note, short"]\nlabel-list = "tags"\n'
        'label-separator = "|"\ndelimiter = ";"\nformat = "csv"\n'
    )
    monkeypatch.setenv("STREAMML_TIMESTAMP_COLUMN", "when")
    assert call("config", "--config", config) == 0
    shown.write_text(capsys.readouterr().out)
    for file in (config, shown):
        words = ("run", log, "--config", file, *MAJORITY, "--delay", "30m", "--predictions", out)
        assert call(*words) == 0
        found = json.loads(capsys.readouterr().out)
        assert (found["features"], found["labels"]) == (1, 2)
        assert [line["id"] for line in lines(out)] == ["a1", "a2", "a3"]
        assert lines(out)[2]["labels"] == ["toys", "books"]


def test_a_file_is_sent_as_it_is_run(log, monkeypatch, capsys):
    sent: list[dict] = []

    class Producer:
        def __init__(self, *_):
            pass

        def send_events(self, events):
            sent.extend({"id": e.id, "t": e.timestamp, "x": dict(e.x), "y": e.y} for e in events)

        def flush(self):
            pass

        close = flush

    monkeypatch.setattr("streamml_connectors.kafka.Producer", Producer)
    assert call("produce", log, "kafka://broker/t", *COLUMNS, *LISTED) == 0
    assert sent[0] == {
        "id": "a1",
        "t": 1767225600.0,
        "x": {"price": 1.5},
        "y": frozenset({"toys", "books"}),
    }
    assert "3 events sent" in capsys.readouterr().err


def test_a_file_is_predicted_and_looked_at_with_the_same_columns(log, tmp_path, capsys):
    stored = ("--snapshot-dir", tmp_path / "s")
    assert call("run", log, *COLUMNS, *LISTED, *MAJORITY, *stored) == 0
    out = tmp_path / "out.jsonl"
    args = ("predict", tmp_path / "s", log, *COLUMNS, "--delimiter", ";", "--output", out)
    assert call(*args) == 0
    assert [line["id"] for line in lines(out)] == ["a1", "a2", "a3"]
    capsys.readouterr()
    assert call("peek", log, *COLUMNS, *LISTED) == 0
    text = capsys.readouterr().out
    assert "  a1  2026-01-01 00:00:00  books, toys  price 1.5" in text
    assert re.search(r"left out\n.*\n  note +as told", text)


@pytest.mark.parametrize("flag", ["--id-column", "--ignore", "--delimiter", "--format", "--xml"])
def test_the_demo_and_topics_have_no_columns(monkeypatch, capsys, flag):
    FakeBroker.in_place(monkeypatch, t=1)
    value = "csv" if flag == "--format" else ";"
    assert call("run", flag, value) == 2
    assert f"{flag} says how a file is read" in capsys.readouterr().err
    assert call("run", "kafka://broker/t", flag, value) == 2
    assert f"{flag} is for files" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("labels", "names"),
    [
        ("a,b", ("a", "b")),
        (" a , b ", ("a", "b")),
        ('"red, dark",l', ("red, dark", "l")),
        ('l, "red, dark"', ("l", "red, dark")),
        ('"say ""hi"""', ('say "hi"',)),
        ('5" pipe,l', ('5" pipe', "l")),
    ],
)
def test_a_name_in_quotes_may_hold_a_comma(labels, names):
    assert split_names(labels) == names


@pytest.mark.parametrize("labels", ["", "a,,b", ",", " ", '"a', '""'])
def test_names_that_are_none_are_explained(labels):
    with pytest.raises(ConfigError, match=r"--labels takes names with commas .* stands in quotes"):
        split_names(labels)


def test_a_label_with_a_comma_is_named_on_the_line_and_in_the_file(tmp_path, capsys):
    path, config = tmp_path / "d.csv", tmp_path / "c.toml"
    path.write_text('f,"red, dark",l\n1,1,0\n2,0,1\n')
    config.write_text('labels = ["red, dark", "l"]\n')
    for args in (("--labels", '"red, dark",l'), ("--config", config)):
        assert call("run", path, *args, *MAJORITY, "--per-label") == 0
        assert set(json.loads(capsys.readouterr().out)["per_label"]) == {"red, dark", "l"}


# -- formats and standard input ------------------------------------------------------------


def contents(folder: Path) -> dict[str, tuple[bytes, tuple[str, ...]]]:
    """The same two events in every format, and how to say where the labels are."""
    table = pyarrow.table({"f": [1.0, 2.0], "a": [1, 0]})
    pq.write_table(table, folder / "t")
    labels = ("--labels", "a")
    return {
        "csv": (b"f,a\n1,1\n2,0\n", labels),
        "tsv": (b"f\ta\n1\t1\n2\t0\n", labels),
        "jsonl": (b'{"f": 1, "a": true}\n{"f": 2, "a": 0}\n', labels),
        "arff": (b"@relation r\n@attribute f real\n@attribute a {0,1}\n@data\n1,1\n2,0\n", labels),
        "parquet": ((folder / "t").read_bytes(), labels),
        "svmlight": (b"1 7:1\n 7:2\n", ()),
    }


FORMATS = ["csv", "tsv", "jsonl", "arff", "parquet", "svmlight"]


def check_two_events(shown: str | bytes) -> None:
    found = json.loads(shown)
    assert (found["events"], found["features"], found["labels"]) == (2, 1, 1)
    assert found["dead_letters"] == {}
    majority = found["metrics"]["majority"]["cumulative"]
    assert majority["exact_match"] == 0.0  # nothing is known at first, and then the wrong thing


@pytest.mark.parametrize("form", FORMATS)
def test_a_format_that_is_named_is_read_whatever_the_file_is_called(tmp_path, capsys, form):
    data, labels = contents(tmp_path)[form]
    (tmp_path / "events").write_bytes(data)
    assert call("run", tmp_path / "events", "--format", form, *labels, *MAJORITY) == 0
    check_two_events(capsys.readouterr().out)


@pytest.mark.parametrize(
    ("form", "way"), [*((form, "pipe") for form in FORMATS), ("csv", "file"), ("parquet", "file")]
)
def test_any_format_is_read_from_standard_input(tmp_path, form, way):
    data, labels = contents(tmp_path)[form]
    path = tmp_path / "events"
    path.write_bytes(data)
    words = ["run", "-", "--format", form, *labels, *MAJORITY]
    with path.open("rb") as file:
        given = {"input": data} if way == "pipe" else {"stdin": file}
        done = subprocess.run([sys.executable, "-m", "streamml", *words], capture_output=True,
                              check=False, **given)  # fmt: skip
    assert done.returncode == 0, done.stderr
    check_two_events(done.stdout)


def test_standard_input_needs_a_format(capsys):
    for command in (("run", "-"), ("peek", "-"), ("produce", "-", "kafka://b/t")):
        assert call(*command) == 2
        found = capsys.readouterr()
        assert "Standard input has no suffix: name its format (--format csv)." in found.err
        assert (found.out, found.err.count("\n")) == ("", 1)


def test_standard_input_is_not_written_over(tmp_path):
    path = tmp_path / "events.csv"
    path.write_text("f,a\n1,1\n")
    words = ("run", "-", "--format", "csv", "--labels", "a", "--predictions", str(path), *MAJORITY)
    with path.open() as file:
        done = subprocess.run([sys.executable, "-m", "streamml", *words], stdin=file,
                              capture_output=True, text=True, check=False)  # fmt: skip
    assert done.returncode == 2
    assert "is the source as well" in done.stderr
    assert path.read_text() == "f,a\n1,1\n"


# -- what is said -------------------------------------------------------------------------


def test_what_was_left_out_or_read_by_convention_is_said_once(log, tmp_path, capsys):
    assert call("run", log, "--label-list", "tags", *MAJORITY) == 0
    said = capsys.readouterr().err
    assert said.count("2 columns are left out: 'key' (an identifier") == 1
    assert "'when' (times" in said
    assert said.count("The labels of a list are separated by '|'.") == 1
    weights = tmp_path / "w.arff"
    weights.write_text(
        "@relation r\n@attribute f real\n@attribute a {0,1}\n@data\n1,1\n2,0,{5}\n3,0,{5}\n"
    )
    assert call("run", weights, "--labels", "a", *MAJORITY) == 0
    assert capsys.readouterr().err.count("instance weights") == 1  # which the rows have shown


def test_scores_of_each_label_are_those_of_its_predictions(tmp_path, capsys):
    out = tmp_path / "out.csv"
    args = ("--limit", "300", "--learner", "majority", "--predictions", out, "--true-labels")
    assert call("run", *args, "--json", "--per-label") == 0
    found = json.loads(capsys.readouterr().out)["per_label"]
    with out.open(newline="") as file:
        rows = [[set(row[k].split(";")) - {""} for k in ("labels", "true_labels")]
                for row in csv.DictReader(file)]  # fmt: skip
    assert len(found) == 12
    for label, scores in found.items():
        hits = sum(label in said and label in true for said, true in rows)
        said, true = (sum(label in row[k] for row in rows) for k in (0, 1))
        assert scores == {
            "support": true,
            "precision": pytest.approx(hits / max(said, 1)),
            "recall": pytest.approx(hits / max(true, 1)),
            "f1": pytest.approx(2 * hits / max(said + true, 1)),
        }
    assert call("run", *args, "--per-label") == 0
    shown = capsys.readouterr().out.split("label ")[1].splitlines()[2:14]
    f1s = [float(line.split()[-1]) for line in shown]
    assert f1s == sorted(f1s)
    assert call("run", *args) == 0
    assert "label " not in capsys.readouterr().out.split("time")[0]


@pytest.mark.parametrize("command", ["run", "produce", "peek", "predict"])
def test_help_stands_in_groups(command, capsys):
    assert call(command, "--help") == 0
    text = capsys.readouterr().out
    groups = re.findall(r"^(\w+):$", text, re.MULTILINE)
    assert (
        groups
        == {
            "run": "Input Learner Output Watching Embedding Kafka Security Other",
            "produce": "Input Output Security Other",
            "peek": "Input Kafka Security Other",
            "predict": "Input Output Embedding Other",
        }[command].split()
    )
    for flag in ("--id-column", "--timestamp-column", "--ignore", "--delimiter",
                 "--label-separator", "--format"):  # fmt: skip
        assert flag in text.split("Input:")[1].split("\n\n")[0]
    assert "\\b" not in text
