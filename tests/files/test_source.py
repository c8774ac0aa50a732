"""What every reader keeps: any batch size, any position, shuffled order, clear errors."""

from __future__ import annotations

import gzip
import io
import json
from contextlib import closing

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from streamml.errors import ConfigError, ContractError, DataError
from streamml.io import Source
from streamml_connectors.files import ShuffledSource, open_source

N = 23
DEAD = (4, 5, 22)


def _arff(k):
    return "bad row" if k in DEAD else f"{k}.5,{'uvw'[k % 3]},{k % 2},{int(k % 3 == 0)}"


def _csv(k):
    return "1,2" if k in DEAD else f"{k}.5,c{k % 7},{'a' if k % 2 else f'b{k};a'}"


def _json(k):
    return "{" if k in DEAD else json.dumps({"x": {"f": k, f"g{k % 7}": 1}, "y": [f"l{k % 5}"]})


def _svm(k):
    return "x" if k in DEAD else f"{k % 5},{k % 3 + 10} {k % 7 + 1}:1.5 99:{k}"


ARFF = (
    "@relation r\n@attribute f real\n@attribute n {u,v,w}\n@attribute a {0,1}\n"
    "@attribute b {0,1}\n@data\n"
)


@pytest.fixture(params=["arff", "arff.gz", "csv", "jsonl", "svm", "parquet"])
def opener(request, tmp_path):
    """Opens the same 23 rows, three of them dead, in one of the formats."""
    path = tmp_path / f"d.{request.param}"
    kind = request.param.removesuffix(".gz")
    options = {"arff": {"labels": ["a", "b"]}, "csv": {"label_list": "tags"}}.get(kind, {})
    if kind == "parquet":
        table = {"f": [float("inf") if k in DEAD else k + 0.5 for k in range(N)],
                 "n": ["uvw"[k % 3] for k in range(N)],
                 "label:a": [bool(k % 2) for k in range(N)]}  # fmt: skip
        pq.write_table(pa.table(table), path, row_group_size=7)
    else:
        row = {"arff": _arff, "csv": _csv, "jsonl": _json, "svm": _svm}[kind]
        head = {"arff": ARFF, "csv": "f,g,tags\n"}.get(kind, "")
        data = (head + "".join(row(k) + "\n" for k in range(N))).encode()
        path.write_bytes(gzip.compress(data) if request.param.endswith(".gz") else data)
    return lambda **more: open_source(path, **options, **more)


def drain(source, size):
    rows, letters = [], []
    while (batch := source.next_batch(size)) is not None:
        assert len(batch) <= size
        letters += source.take_dead_letters()
        sizes = zip(batch.n_features.tolist(), batch.n_labels.tolist(), strict=True)
        rows += list(zip(batch.events(), sizes, strict=True))
    letters += source.take_dead_letters()
    source.close()
    return rows, letters


def test_any_batch_size_gives_the_same(opener):
    expected = drain(opener(), 1)
    assert [event.id for event, _ in expected[0]] == [k for k in range(N) if k not in DEAD]
    assert len(expected[1]) == len(DEAD)
    for size in (2, 7, 4096):
        assert drain(opener(), size) == expected


def test_names_do_not_run_ahead_of_the_events(opener):
    source = opener()
    while (batch := source.next_batch(1)) is not None:
        if len(batch):
            assert batch.n_labels[0] == len(source.schema.labels)
            assert batch.n_features[0] == len(source.schema.features)
    source.close()


@pytest.mark.parametrize("order", ["natural", "shuffled"])
def test_a_restored_source_gives_the_rest(opener, order):
    whole, letters = drain(opener(order=order), 5)
    for stop in range(len(whole) + 1):
        first = opener(order=order)
        before, seen = [], []
        while len(before) < stop:
            batch = first.next_batch(min(3, stop - len(before)))
            before += list(batch.events())
            seen += first.take_dead_letters()
        position = json.loads(json.dumps(first.snapshot()))
        first.close()
        second = opener(order=order)
        second.restore(position)
        rest, later = drain(second, 4)
        assert before + [event for event, _ in rest] == [event for event, _ in whole]
        assert rest == whole[stop:]
        assert sorted(seen + later, key=repr) == sorted(letters, key=repr)


def test_positions_that_do_not_fit(opener):
    for order in ("natural", "shuffled"):
        source = opener(order=order)
        for bad in ({}, {"rows": -1, "events": -1}, {"rows": "3", "events": True}):
            with pytest.raises(DataError, match="no position"):
                source.restore(bad)
        with pytest.raises(DataError, match="restore with the file"):
            source.restore({"rows": 99, "events": 99})
        source.close()
        source = opener(order=order)
        source.next_batch(2)
        with pytest.raises(ContractError, match="before the first batch"):
            source.restore({"rows": 1, "events": 1})
        source.close()


def test_shuffled_order_is_numpys_permutation_of_the_living(opener):
    natural, letters = drain(opener(), 4096)
    source = opener(order="shuffled")
    assert source.length == len(natural)
    other = opener()
    assert source.n_attributes == other.n_attributes
    other.close()
    shuffled, same = drain(source, 3)
    order = np.random.default_rng(1).permutation(len(natural))
    assert [e.id for e, _ in shuffled] == [natural[i][0].id for i in order]
    assert [e.x for e, _ in shuffled] == [natural[i][0].x for i in order]
    assert [e.y for e, _ in shuffled] == [natural[i][0].y for i in order]
    assert [e.timestamp for e, _ in shuffled] == sorted(e.timestamp for e, _ in natural)
    assert {s for _, s in shuffled} == {natural[-1][1]}
    assert same == letters


def test_the_protocol_and_closing(opener):
    for order in ("natural", "shuffled"):
        source = opener(order=order)
        assert isinstance(source, Source)
        assert "/d." in source.name
        with pytest.raises(ConfigError, match="max_events"):
            source.next_batch(0)
        source.close()
        source.close()
        with pytest.raises(ContractError, match="closed"):
            source.next_batch(1)


@pytest.mark.parametrize(
    "suffix",
    [
        "arff",
        "csv",
        "jsonl",
        "svm",
        "parquet",
        "arff.gz",
        "csv.gz",
        "jsonl.gz",
        "svm.gz",
        "parquet.gz",
    ],
)
def test_files_that_are_none(tmp_path, suffix):
    path = tmp_path / f"d.{suffix}"
    with pytest.raises(DataError, match="no file"):
        open_source(path)
    path.write_bytes(b"")
    with pytest.raises(DataError, match="is empty"):
        open_source(path)
    path.unlink()
    path.mkdir()
    with pytest.raises(DataError, match="is a directory"):
        open_source(path)


def test_options_of_open_source(tmp_path):
    path = tmp_path / "d.csv"
    path.write_text("f,l\n1,1\n")
    with pytest.raises(ConfigError, match="'sideways'"):
        open_source(path, order="sideways")
    with pytest.raises(ConfigError, match="no use for the option 'xml'"):
        open_source(path, xml="x.xml")
    with pytest.raises(ConfigError, match="suffix"):
        open_source(tmp_path / "d.docx.gz")
    with pytest.raises(ConfigError, match="directory"):
        open_source(tmp_path)
    source = open_source(str(path), labels=["l"], xml=None)
    assert len(source.next_batch(5)) == 1
    source.close()


class Piped:
    """Standard input that holds some bytes."""

    def __init__(self, data):
        self.buffer = io.BytesIO(data)


@pytest.mark.parametrize("kind", ["csv", ".JSONL", "parquet", "arff", "svm"])
def test_standard_input_and_formats(tmp_path, monkeypatch, kind):
    path = tmp_path / "d"
    options = {}
    if kind == "csv":
        path.write_text("f,l\n1,1\n2,0\n")
        options = {"labels": ["l"]}
    elif kind == ".JSONL":
        path.write_text('{"x": {"f": 1}, "y": ["l"]}\n{"x": {"f": 2}, "y": []}\n')
    elif kind == "arff":
        path.write_text("@relation 'r: -C 1'\n@attribute l {0,1}\n@attribute f real\n@data\n"
                        "1,1\n0,2\n")  # fmt: skip
    elif kind == "svm":
        path.write_text("1 1:1\n 1:2\n")
    else:
        pq.write_table(pa.table({"f": [1, 2], "label:l": [1, 0]}), path)
    monkeypatch.setattr("sys.stdin", Piped(path.read_bytes()))
    named, piped = (open_source(one, format=kind, **options) for one in (path, "-"))
    found = [[(list(e.x.values()), len(e.y)) for e in source.next_batch(9).events()]
             for source in (named, piped)]  # fmt: skip
    assert found == [[([1.0], 1), ([2.0], 0)]] * 2
    assert (piped.name, piped.next_batch(1)) == ("-", None)
    named.close()
    piped.close()


def test_what_comes_late_is_not_waited_for(monkeypatch):
    """The first rows of a pipe are judged by what is there."""

    class Slow(io.BytesIO):
        def read1(self, size):
            line = self.readline()
            asked.append(line)
            return line

    asked = []
    piped = Piped(b"")
    piped.buffer = Slow(b"f,l\n1,1\n2,0\n3,1\n")
    monkeypatch.setattr("sys.stdin", piped)
    source = open_source("-", format="csv", labels=["l"])
    assert len(source.next_batch(9)) == 1
    assert asked == [b"f,l\n", b"1,1\n"]
    source.close()


def test_formats_that_are_not_known(tmp_path):
    with pytest.raises(ConfigError, match="The format 'xlsx' is not known: use one of arff, csv,"):
        open_source(tmp_path / "d.csv", format="xlsx")
    with pytest.raises(ConfigError, match="Standard input has no suffix"):
        open_source("-")


def test_shuffling_nothing_but_dead_letters(tmp_path):
    path = tmp_path / "d.jsonl"
    path.write_text("oops\n")
    source = open_source(path, order="shuffled")
    assert isinstance(source, ShuffledSource)
    assert source.length == 0
    assert source.next_batch(1) is None
    assert len(source.take_dead_letters()) == 1
    with pytest.raises(AttributeError):
        source.nothing_of_the_kind  # noqa: B018
    source.close()


def test_a_shuffled_file_that_has_grown_has_another_order(tmp_path):
    """Its permutation is another one: some events would come twice and others never."""
    path = tmp_path / "events.jsonl"
    rows = [json.dumps({"x": {"f": k}, "y": []}) + "\n" for k in range(9)]
    path.write_text("".join(rows[:8]))
    with closing(open_source(path, order="shuffled")) as source:
        source.next_batch(3)
        position = json.loads(json.dumps(source.snapshot()))
    path.write_text("".join(rows))
    with (
        closing(open_source(path, order="shuffled")) as source,
        pytest.raises(DataError, match="has 9 events, and had 8"),
    ):
        source.restore(position)
