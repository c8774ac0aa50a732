"""``streamml predict`` and ``streamml export``: what was learned, used on files without labels."""

from __future__ import annotations

import csv
import gzip
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow
import pyarrow.parquet as pq
import pytest

from streamml import state
from streamml.baselines import NoChange
from streamml.state.stored_learner import learner_in
from streamml.types import Schema
from streamml_connectors.files import open_source
from tests.cli.calling import call, lines

LABELS = ("--labels", "toys,books")


def rows(n: int) -> list[dict]:
    random = np.random.default_rng(3)
    cities = random.choice(["Rome", "Bern"], 30_000)
    found = [
        {"price": round(float(p), 2), "city": str(c), "toys": int(p > 5), "books": int(c == "Rome")}
        for p, c in zip(random.random(30_000) * 10, cities, strict=True)
    ]
    return found[:n]


def table(path: Path, columns: list[str], rows: list[dict]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns, extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A run that was stored, and its file."""
    folder = tmp_path_factory.mktemp("learned")
    table(folder / "shop.csv", ["price", "city", "toys", "books"], rows(300))
    words = ("--set", "preset=fast", "--json", "--snapshot-dir", folder / "state")
    assert call("run", folder / "shop.csv", *LABELS, *words) == 0
    return folder


def predicted(folder: Path, file: Path, *more: object, stored: Path | None = None) -> list[dict]:
    out = folder / f"{file.name}.out.jsonl"
    assert call("predict", stored or folder / "state", file, "--output", out, *more) == 0
    return lines(out)


# -- what it says -------------------------------------------------------------------------


def test_every_event_is_predicted_as_the_learner_would_and_nothing_is_learned(folder, capsys):
    before = {p.name: p.read_bytes() for p in (folder / "state").iterdir()}
    found = predicted(folder, folder / "shop.csv")
    learner = learner_in(folder / "state")
    for line, row in zip(found, rows(300), strict=True):
        x = {"price": row["price"], f"city={row['city']}": 1.0}
        assert set(line["labels"]) == {k for k, v in learner.predict_one(x).items() if v}
        asked = learner.predict_proba_one(x)
        for label, score in line["scores"].items():
            assert score == pytest.approx(asked[label][True], abs=1e-6)
    assert [line["id"] for line in found] == list(range(300))
    assert sum(set(line["labels"]) == {k for k in ("toys", "books") if row[k]}
               for line, row in zip(found, rows(300), strict=True)) > 285  # fmt: skip
    assert {p.name: p.read_bytes() for p in (folder / "state").iterdir()} == before
    assert "300 events predicted" in capsys.readouterr().err


def test_a_run_a_snapshot_an_export_and_a_saved_learner_say_the_same(folder, tmp_path, capsys):
    (snapshot,) = (folder / "state").glob("snapshot-*")
    assert call("export", folder / "state", tmp_path / "exported") == 0
    assert "IHOMER of 3 features and 2 labels saved to" in capsys.readouterr().err
    assert call("export", snapshot, tmp_path / "again") == 0
    assert (tmp_path / "exported").read_bytes() == (tmp_path / "again").read_bytes()
    state.save(learner_in(snapshot), tmp_path / "saved")
    assert state.load(tmp_path / "exported").predict_one({"price": 9.0})["toys"]
    expected = predicted(folder, folder / "shop.csv")
    for stored in (snapshot, tmp_path / "exported", tmp_path / "saved"):
        assert predicted(folder, folder / "shop.csv", stored=stored) == expected
    assert call("explain", tmp_path / "exported") == 0


@pytest.mark.parametrize("form", ["csv", "flat.jsonl", "events.jsonl", "parquet", "arff", "csv.gz"])
def test_no_labels_are_needed_whatever_the_format(folder, tmp_path, form):
    """Columns stand in another order, one is new, and there is no word of a label."""
    given, path = rows(40), tmp_path / f"new.{form}"
    given = [{"new": i, "city": row["city"], "price": row["price"]} for i, row in enumerate(given)]
    if form.startswith("csv"):
        table(path, ["city", "new", "price"], given)
        if form.endswith("gz"):
            path.write_bytes(gzip.compress(path.read_bytes()))
    elif form == "parquet":
        pq.write_table(pyarrow.Table.from_pylist(given), path)
    elif form == "arff":
        head = "@relation new\n@attribute city {Bern,Rome,Oslo}\n@attribute price real\n@data\n"
        path.write_text(head + "".join(f"{r['city']},{r['price']}\n" for r in given))
    else:
        if form == "events.jsonl":
            given = [
                {"id": f"e{i}", "x": {"price": r["price"], f"city={r['city']}": 1}, "y": 3}
                for i, r in enumerate(given)
            ]
        path.write_text("".join(json.dumps(row) + "\n" for row in given))
    found, expected = predicted(folder, path), predicted(folder, folder / "shop.csv")[:40]
    if form == "events.jsonl":
        assert [line["id"] for line in found] == [f"e{i}" for i in range(40)]
    if form == "arff":  # which says for every other city that it is not this one
        assert [line["labels"] for line in found] == [line["labels"] for line in expected]
    else:
        assert [(line["labels"], line["scores"]) for line in found] == [
            (line["labels"], line["scores"]) for line in expected
        ]


def test_numbers_of_svmlight_are_names_and_its_zeros_are_zeros(tmp_path):
    learner = NoChange()
    learner.bind(Schema(["1", "2"], ["7"]))
    learner.learn_one({"1": 1.0}, {"7"})
    state.save(learner, tmp_path / "learner")
    (tmp_path / "new.svm").write_text("3,7 1:0.5\n 2:1\n")
    (found, other) = predicted(tmp_path, tmp_path / "new.svm", stored=tmp_path / "learner")
    assert found["labels"] == other["labels"] == ["7"]
    both = predicted(tmp_path, tmp_path / "new.svm", "--true-labels", stored=tmp_path / "learner")
    assert [line["true_labels"] for line in both] == [["7", "3"], []]


@pytest.mark.parametrize("learner", ["no-change", "majority"])
def test_any_learner_answers(tmp_path, learner):
    run = ("run", "--limit", 200, "--learner", learner, "--json", "--snapshot-dir", tmp_path / "s")
    assert call(*run) == 0
    demo = tmp_path / "demo.jsonl"
    demo.write_text('{"x": {"dense_00": 1, "dense_01": 0.5}}\n')
    assert len(predicted(tmp_path, demo, stored=tmp_path / "s")) == 1


def test_the_true_labels_of_the_file_stand_beside(folder, tmp_path):
    path = table(
        tmp_path / "more.csv",
        ["toys", "price", "city", "garden"],
        [{**row, "garden": i % 2} for i, row in enumerate(rows(10))],
    )
    args = ("--labels", "garden,toys")
    assert "true_labels" not in predicted(folder, path, *args)[0]
    found = predicted(folder, path, *args, "--true-labels")
    for i, (line, row) in enumerate(zip(found, rows(10), strict=True)):
        true = {name for name, on in (("toys", row["toys"]), ("garden", i % 2)) if on}
        assert set(line["true_labels"]) == true
        assert "garden" not in line["labels"]
    assert call("predict", folder / "state", path, "--true-labels") == 2


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_it_writes_what_the_suffix_says(folder, tmp_path, suffix):
    out = tmp_path / f"out.{suffix}"
    assert call("predict", folder / "state", folder / "shop.csv", "--output", out) == 0
    if suffix == "csv":
        with out.open(newline="") as file:
            found = [(int(r["id"]), r["labels"].split(";")) for r in csv.DictReader(file)]
    else:
        found = [(int(r["id"]), r["labels"] or [""]) for r in pq.read_table(out).to_pylist()]
    expected = predicted(folder, folder / "shop.csv")
    assert found == [(line["id"], line["labels"] or [""]) for line in expected]


def test_standard_output_holds_lines_and_nothing_else(folder):
    words = ("predict", folder / "state", folder / "shop.csv", "--min-score", "0")
    done = subprocess.run(
        [sys.executable, "-m", "streamml", *words], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(found) == 300
    assert all(set(line["scores"]) == {"toys", "books"} for line in found)
    assert done.stderr == "streamml: 300 events predicted\n"


def test_a_limit_is_kept(folder):
    assert len(predicted(folder, folder / "shop.csv", "--limit", 7)) == 7


def test_an_embedded_run_is_asked_behind_the_same_embedding(tmp_path, capsys):
    texts = tmp_path / "texts.jsonl"
    words = ["a red ball", "a blue book", "red toys", "blue paper"]
    texts.write_text("".join(
        json.dumps({"id": i, "x": w, "y": ["red" if "red" in w else "blue"]}) + "\n"
        for i, w in enumerate(words * 20)))  # fmt: skip
    embed = ("--embed", "hash:32")
    run = ("run", texts, *embed, "--set", "preset=fast", "--json", "--snapshot-dir", tmp_path / "s")
    assert call(*run) == 0
    new = tmp_path / "new.jsonl"
    new.write_text('{"x": "one red thing"}\n{"x": "one blue thing"}\n')
    found = predicted(tmp_path, new, *embed, stored=tmp_path / "s")
    assert [line["labels"] for line in found] == [["red"], ["blue"]]
    (tmp_path / "n.csv").write_text("price\n1\n")
    assert call("predict", tmp_path / "s", tmp_path / "n.csv") == 1
    assert "(was it behind --embed?)" in capsys.readouterr().err


# -- what cannot be used ------------------------------------------------------------------


def test_features_that_were_never_learned_are_told(folder, tmp_path, capsys):
    path = tmp_path / "odd.csv"
    path.write_text("a,price\n1,\n2,5\n")
    assert len(predicted(folder, path)) == 2
    assert "1 event among them without a feature that was learned from" in capsys.readouterr().err
    path.write_text("a,b\n1,2\n")
    assert call("predict", folder / "state", path) == 1
    said = capsys.readouterr().err
    assert "odd.csv has no feature that was learned from" in said
    assert "price, city=" in said


def test_what_is_unusable_is_counted_shown_and_written(folder, tmp_path, capsys):
    path, dead = tmp_path / "bad.csv", tmp_path / "dead.jsonl"
    path.write_text("price,city\n1,Rome\n1\n2,Bern\n")
    found = predicted(folder, path, "--dead-letters", dead)
    assert [line["id"] for line in found] == [0, 2]
    assert lines(dead)[0]["position"] == "line 3"
    said = capsys.readouterr().err
    assert "1 dead letter: 1 malformed" in said
    assert "line 3: It has 1 fields, but the header 2." in said
    path.write_text("price,city\n1\n")
    assert call("predict", folder / "state", path) == 1
    assert "0 events predicted" in capsys.readouterr().err


def test_a_file_cut_short_is_reported_after_what_it_held(folder, tmp_path, capsys):
    whole = table(tmp_path / "w.csv", ["price", "city"], rows(30_000))
    cut = tmp_path / "cut.csv.gz"
    cut.write_bytes(gzip.compress(whole.read_bytes())[:-9_000])
    out = tmp_path / "out.jsonl"
    assert call("predict", folder / "state", cut, "--output", out) == 2
    assert 0 < len(lines(out)) < 30_000
    told, error = capsys.readouterr().err.splitlines()[-2:]
    assert f"{len(lines(out)):,} events predicted" in told
    assert "cut.csv.gz is a gzip file cut short" in error


def test_nothing_that_is_read_is_written_over(folder, tmp_path, capsys):
    shop, stored = folder / "shop.csv", folder / "state"
    (snapshot,) = stored.glob("snapshot-*")
    before = shop.read_bytes(), snapshot.read_bytes()
    (tmp_path / "link.csv").symlink_to(shop)
    for args, said in [
        (("predict", stored, shop, "--output", tmp_path / "link.csv"), "is the source as well"),
        (("predict", stored, shop, "--output", snapshot), "is a file in STATE as well"),
        (("predict", snapshot, shop, "--output", snapshot), "is STATE as well"),
        (("predict", stored, shop, "--output", stored / "new.csv"), "a file in STATE as well"),
        (("predict", stored, shop, "--dead-letters", shop), "is the source as well"),
        (("predict", stored, shop, "--dead-letters", "-"), "name a file for the rest"),
        (("export", stored, snapshot), "is a file in STATE as well"),
        (("export", snapshot, snapshot), "is STATE as well"),
    ]:
        assert call(*args) == 2
        assert said in capsys.readouterr().err
    assert (shop.read_bytes(), snapshot.read_bytes()) == before


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("predict", "none", "shop.csv"), "none does not exist"),
        (("predict", "state", "none.csv"), "There is no file none.csv"),
        (("predict", "shop.csv", "shop.csv"), "damaged or no state"),
        (("predict", "state", "shop.csv", "--output", "out.xlsx"), "ends in .jsonl, .csv or"),
        (("predict", "state", "shop.csv", "--labels", "nope"), "has no column 'nope'"),
        (("predict", "state"), "Missing argument 'FILE'"),
        (("export", "none", "out"), "none does not exist"),
        (("export", "state", "no/such/out"), "cannot be written"),
    ],
)
def test_mistakes_cost_one_sentence(folder, monkeypatch, capsys, args, said):
    monkeypatch.chdir(folder)
    assert call(*args) == 2
    found = capsys.readouterr()
    assert said in found.err
    assert (found.out, found.err.count("\n")) == ("", 1)


def test_a_reader_that_is_told_of_no_labels_knows_none(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("f,y\n1,1\n")
    with_none = open_source(path, labels=())
    assert dict(next(with_none.next_batch(5).events()).x) == {"f": 1.0, "y": 1.0}
    with_none.close()


# -- read as it was learned ---------------------------------------------------------------

LEARNED = {
    "city": ["Rome", "Bern", "Oslo"],
    "code": ["98e4", "12ab", "77ff"],  # of which one looks like a number
    "open": ["yes", "no", "yes"],
    "size": ["3", "5", "1"],
}


@pytest.fixture(scope="module")
def described(tmp_path_factory) -> Path:
    """A learner of columns of texts, words and numbers: each event has a label of its own."""
    folder = tmp_path_factory.mktemp("described")
    rows = [[values[i % 3] for values in LEARNED.values()] + [f"l{i % 3}"] for i in range(90)]
    with (folder / "many.csv").open("w", newline="") as file:
        csv.writer(file).writerows([[*LEARNED, "tags"], *rows])
    words = ("--label-list", "tags", "--set", "preset=fast", "--json")
    assert call("run", folder / "many.csv", *words, "--snapshot-dir", folder / "state") == 0
    return folder


@pytest.mark.parametrize("form", ["csv", "jsonl", "parquet"])
@pytest.mark.parametrize("rows", [(0,), (1,), (2,), (0, 1, 2)])
def test_a_few_rows_are_read_as_the_many_were_that_were_learned(described, tmp_path, form, rows):
    """One city is no identifier, and one code no number, because there are so few of them."""
    given = [{name: values[i] for name, values in LEARNED.items()} for i in rows]
    path = tmp_path / f"few.{form}"
    if form == "csv":
        with path.open("w", newline="") as file:
            writer = csv.DictWriter(file, list(LEARNED))
            writer.writeheader()
            writer.writerows(given)
    elif form == "jsonl":
        if 0 in rows:
            pytest.skip("a text that looks like a number is one, in JSON learned or not")
        path.write_text("".join(json.dumps(row | {"size": int(row["size"])}) + "\n"
                                for row in given))  # fmt: skip
    else:
        for row in given:
            row["size"] = int(row["size"])
        pq.write_table(pyarrow.Table.from_pylist(given), path)
    found = predicted(described, path, stored=described / "state")
    expected = predicted(described, described / "many.csv", "--limit", "3")
    same = [(line["labels"], line["scores"]) for line in found]
    assert same == [(expected[i]["labels"], expected[i]["scores"]) for i in rows]
    assert [line["labels"] for line in found] == [[f"l{i}"] for i in rows]
