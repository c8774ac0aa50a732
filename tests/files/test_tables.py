"""CSV, JSON Lines, svmlight and Parquet."""

from __future__ import annotations

import csv
import gzip
import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from streamml.errors import ConfigError, DataError, SchemaError
from streamml.types import PartialLabels
from streamml_connectors.files import CsvSource, JsonlSource, ParquetSource, SvmlightSource


def drain(source):
    events = []
    while (batch := source.next_batch(3)) is not None:
        events += list(batch.events())
    source.close()
    return events, [(x.reason, x.position) for x in source.take_dead_letters()]


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
    return path


@pytest.mark.parametrize("name", ["d.csv", "d.csv.gz"])
def test_csv_with_label_columns(tmp_path, name):
    text = (
        "key,when,t,city,l1,l2,note\n"
        "e1,5,1.5,Bern,1,0,a\n"
        '7,1970-01-01T00:01:00,?,"Z\u00fcrich, City",false,TRUE,b\n'
        ",,2,,,1,c\n"
        "e4,6,3,4,0,0,d\n"
    )
    source = CsvSource(
        write(tmp_path, name, text),
        labels=["l2", "l1"],
        id="key",
        timestamp="when",
        ignore=["note"],
    )
    assert source.schema.labels.names == ["l1", "l2"]
    assert (source.left_out, source.n_attributes) == (("note",), 2)
    events, letters = drain(source)
    assert not letters
    assert [e.id for e in events] == ["e1", 7, 2, "e4"]
    assert [e.timestamp for e in events] == [5.0, 60.0, 60.0, 6.0]
    assert [dict(e.x) for e in events] == [
        {"t": 1.5, "city=Bern": 1.0},
        {"city=Z\u00fcrich, City": 1.0},
        {"t": 2.0},
        {"t": 3.0, "city=4": 1.0},
    ]
    assert [e.y for e in events] == [
        {"l1"}, {"l2"}, PartialLabels(frozenset({"l2"}), frozenset()), set(),
    ]  # fmt: skip
    assert source.schema.features.names == ["t", "city=Bern", "city=Z\u00fcrich, City", "city=4"]


def test_a_quoted_field_may_be_as_long_as_a_line(tmp_path):
    word = "w, " * 50_000
    path = write(tmp_path, "d.csv", f'text,f,y\n"{word}",1,1\n')
    before = csv.field_size_limit()
    source = CsvSource(path, labels=["y"], text="text")
    batch = source.next_batch(3)
    _, letters = drain(source)
    assert letters == []
    assert [text.strip() for text in batch.texts] == [word.strip()]
    assert csv.field_size_limit() == before


def test_csv_with_a_label_list_and_caps(tmp_path):
    path = write(tmp_path, "d.tsv", "f\ttags\n1\tb|a\n2\t\n3\t?\n4\tc|a|a\n5\ta\n")
    source = CsvSource(path, label_list="tags", separator="|", max_labels=2)
    events, letters = drain(source)
    assert [e.y for e in events] == [{"a", "b"}, set(), None, {"a"}]
    assert source.schema.labels.names == ["b", "a"]
    assert letters == [("over_label_cap", "line 5")]
    assert source.schema.labels.refused == 1


def test_csv_rows_that_cannot_be_used_leave_no_trace(tmp_path):
    text = 'f,g,l\n1,a,0\ninf,b,1\n1,"c,1\n1,d\n1,e,2\n1,f,0,0\n,,1\n2,h,1\n'
    source = CsvSource(write(tmp_path, "d.csv", text), labels=["l"])
    events, letters = drain(source)
    assert [e.id for e in events] == [0, 7]
    assert letters == [
        ("not_finite", "line 3"), ("malformed", "line 4"), ("malformed", "line 5"),
        ("unknown_value", "line 6"), ("malformed", "line 7"), ("no_features", "line 8"),
    ]  # fmt: skip
    assert source.schema.features.names == ["f", "g=a", "g=h"]


@pytest.mark.parametrize(
    ("text", "options", "error", "words"),
    [
        ("a,b\n1,0\n", {}, SchemaError, "which columns are labels"),
        ("a,b\n1,0\n", {"labels": ["c"]}, SchemaError, "no column 'c'"),
        ("a,b\n1,0\n", {"label_list": "c"}, SchemaError, "no column 'c'"),
        ("a,a\n1,0\n", {"labels": ["a"]}, SchemaError, "twice"),
        ("a,,b\n1,0,1\n", {"labels": ["a"]}, SchemaError, "name all"),
        ('a,"b\n1,0\n', {"labels": ["a"]}, DataError, "quotes"),
        ("a,b\n\n", {"labels": ["b"]}, DataError, "no events"),
        ("\n\n", {"labels": ["b"]}, DataError, "no header"),
        ("a,b\n1,0\n", {"labels": ["b"], "label_list": "a"}, ConfigError, "Both"),
        ("a,b\n1,0\n", {"labels": ["b"], "delimiter": "ab"}, ConfigError, "delimiter"),
        ("a,b\n1,0\n", {"label_list": "b", "separator": ""}, ConfigError, "separator"),
    ],
)
def test_csv_that_cannot_be_opened(tmp_path, text, options, error, words):
    with pytest.raises(error, match=words):
        CsvSource(write(tmp_path, "d.csv", text), **options)


@pytest.mark.parametrize("name", ["d.jsonl", "d.jsonl.gz"])
def test_json_events(tmp_path, name):
    lines = [
        {"id": "e", "timestamp": 2.5, "x": {"f": 1, "g": None, "h": True}, "y": ["b", "a"]},
        {"x": {"f": 0}, "y": None},
        {"x": {"f": 0}},
        {"id": 4, "timestamp": "1970-01-01T00:00:09Z", "x": {"f": 2},
         "y": {"positive": ["a"], "negative": ["c"]}},
        {"x": {"f": 2}, "y": []},
    ]  # fmt: skip
    text = "\n\n".join(json.dumps(line) for line in lines)
    source = JsonlSource(write(tmp_path, name, text))
    events, letters = drain(source)
    assert not letters
    assert [e.id for e in events] == ["e", 1, 2, 4, 4]
    assert [e.timestamp for e in events] == [2.5, 2.5, 2.5, 9.0, 9.0]
    assert events[0].x == {"f": 1.0, "h": 1.0}
    partial = PartialLabels(frozenset({"a"}), frozenset({"c"}))
    assert [e.y for e in events] == [{"a", "b"}, None, None, partial, set()]
    assert source.schema.labels.names == ["b", "a", "c"]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("{", "malformed"),
        ("[1]", "malformed"),
        ("[" * 100_000, "malformed"),
        ('{"x": {"f": NaN}}', "no_features"),
        ('{"x": {"f": NaN, "g": Infinity}}', "not_finite"),
        ('{"x": {"f": -Infinity}}', "not_finite"),
        ('{"x": {"f": 1e39}}', "not_finite"),
        ('{"x": {"f": 1%s}}' % ("0" * 400), "not_finite"),
        ('{"x": {"f": "1e39"}}', "not_finite"),
        ('{"x": {"f": [1e39]}}', "not_finite"),
        ('{"x": {"g.h": 1, "g": {"h": 2}}}', "malformed"),
        ('{"x": "text"}', "wrong_type"),
        ('{"x": {}}', "no_features"),
        ('{"x": {}, "sparse": 1}', "wrong_type"),
        ('{"sparse": true}', "no_features"),
        ('{"y": []}', "no_features"),
        ('{"x": {"f": 1}, "y": "a"}', "wrong_type"),
        ('{"x": {"f": 1}, "y": [1.5]}', "wrong_type"),
        ('{"x": {"f": 1}, "y": [[1]]}', "wrong_type"),
        ('{"x": {"f": 1}, "y": [0, 1, 1]}', "wrong_type"),
        ('{"x": {"f": 1}, "y": [true]}', "wrong_type"),
        ('{"x": {"f": 1}, "y": {"positive": ["a"], "negative": ["a"]}}', "malformed"),
        ('{"x": {"f": 1}, "y": {"a": "maybe"}}', "unknown_value"),
        ('{"x": {"f": 1}, "id": 1.5}', "wrong_type"),
        ('{"x": {"f": 1}, "id": true}', "wrong_type"),
        ('{"x": {"f": 1}, "timestamp": "soon"}', "wrong_type"),
        ('{"x": {"f": 1}, "timestamp": []}', "wrong_type"),
        ('{"x": {"\udcff": 1}}', "malformed"),
    ],
)
def test_json_that_cannot_be_used(tmp_path, line, reason):
    good = '{"x": {"f": 1}, "y": ["a"]}\n'
    path = tmp_path / "d.jsonl"
    path.write_bytes(good.encode() + line.encode(errors="surrogateescape") + b"\n" + good.encode())
    source = JsonlSource(path)
    events, letters = drain(source)
    assert [e.id for e in events] == [0, 2]
    assert letters == [(reason, "line 2")]
    assert source.schema.features.names == ["f"]
    assert source.schema.labels.names == ["a"]


def test_flat_json(tmp_path):
    text = (
        '{"id": 9, "f": 1.5, "c": "red", "l1": 1, "l2": false, "skip": 3}\n'
        '{"f": null, "c": "blue", "l1": null, "l2": true}\n'
        '{"f": 1, "l1": 2, "l2": 0}\n'
    )
    path = write(tmp_path, "d.ndjson", text)
    events, letters = drain(JsonlSource(path, labels=["l1", "l2"], ignore=["skip"]))
    assert [dict(e.x) for e in events] == [{"f": 1.5, "c=red": 1.0}, {"c=blue": 1.0}]
    assert [e.y for e in events] == [{"l1"}, PartialLabels(frozenset({"l2"}), frozenset())]
    assert letters == [("unknown_value", "line 3")]
    text = (
        '{"f": 1, "tags": ["a", "b"]}\n{"f": 1, "tags": "c;a"}\n{"f": 1}\n{"f": 2, "tags": [3]}\n'
        '{"f": 2, "tags": 3}\n'
    )
    events, letters = drain(JsonlSource(write(tmp_path, "e.jsonl", text), label_list="tags"))
    assert [e.y for e in events] == [{"a", "b"}, {"a", "c"}, None, {"3"}, {"3"}]
    assert letters == []


def test_json_that_cannot_be_opened(tmp_path):
    path = write(tmp_path, "d.jsonl", '{"f": 1}\n')
    with pytest.raises(SchemaError, match="name its label fields"):
        JsonlSource(path)
    with pytest.raises(SchemaError, match="no field 'l'"):
        JsonlSource(path, labels=["l"])
    with pytest.raises(ConfigError, match="Both"):
        JsonlSource(path, labels=["f"], label_list="f")
    with pytest.raises(ConfigError, match="separator"):
        JsonlSource(path, label_list="f", separator="")
    with pytest.raises(DataError, match="no events"):
        JsonlSource(write(tmp_path, "e.jsonl", "\n\n"))
    _, letters = drain(JsonlSource(write(tmp_path, "f.jsonl", "oops\n")))
    assert letters == [("malformed", "line 1")]


@pytest.mark.parametrize("name", ["d.svm", "d.svm.gz"])
def test_svmlight(tmp_path, name):
    text = (
        "# head\n1,5 3:0.5 7:1.25 # why\n 3:2\n4:1\n? 3:0 9:1\n+5.0,-1 qid:3 4:1\n2\n"
        "x 1:1\n1 2:1 2:2\n1 2:inf\n1 a:1\n1 2\n"
    )
    source = SvmlightSource(write(tmp_path, name, text))
    events, letters = drain(source)
    assert [(dict(e.x), e.y) for e in events] == [
        ({"3": 0.5, "7": 1.25}, {"1", "5"}), ({"3": 2.0}, set()), ({"4": 1.0}, set()),
        ({"9": 1.0}, None), ({"4": 1.0}, {"5", "-1"}), ({}, {"2"}),
    ]  # fmt: skip
    assert letters == [
        ("malformed", "line 8"), ("malformed", "line 9"), ("not_finite", "line 10"),
        ("malformed", "line 11"), ("malformed", "line 12"),
    ]  # fmt: skip
    with pytest.raises(DataError, match="no events"):
        SvmlightSource(write(tmp_path, "e.svm", "# nothing\n"))


TABLE = {
    "f": pa.array([0.0, 1.5, None, float("nan"), 1e300, 2.0], pa.float64()),
    "n": pa.array([1, 2, None, 4, 5, 6], pa.int8()),
    "kind": ["u", "v", None, "u", "v", "w"],
    "key": ["k0", "k1", "k2", "k3", "k4", "k5"],
    "label:a": [True, False, True, True, True, None],
    "label:b": pa.array([0, 1, 1, 0, 0, 1], pa.int64()),
}


@pytest.mark.parametrize("name", ["d.parquet", "d.parquet.gz"])
def test_parquet(tmp_path, name):
    plain = tmp_path / "d.parquet"
    pq.write_table(pa.table(TABLE), plain)
    path = tmp_path / name
    if name.endswith(".gz"):
        path.write_bytes(gzip.compress(plain.read_bytes()))
    source = ParquetSource(path)
    assert (source.length, source.left_out, source.n_attributes) == (6, ("key",), 3)
    events, letters = drain(source)
    assert [dict(e.x) for e in events] == [
        {"f": 0.0, "n": 1.0, "kind=u": 1.0}, {"f": 1.5, "n": 2.0, "kind=v": 1.0},
        {"n": 4.0, "kind=u": 1.0}, {"f": 2.0, "n": 6.0, "kind=w": 1.0},
    ]  # fmt: skip
    assert [e.y for e in events] == [
        {"a"}, {"b"}, {"a"}, PartialLabels(frozenset({"b"}), frozenset()),
    ]  # fmt: skip
    assert letters == [("no_features", "row 2"), ("not_finite", "row 4")]
    assert [e.id for e in events] == [0, 1, 3, 5]
    events, _ = drain(ParquetSource(path, labels=["b"], id="key", ignore=["f"], keep_zeros=False))
    assert [e.id for e in events] == ["k0", "k1", "k3", "k4", "k5"]
    assert events[0].y == set()


def test_parquet_with_label_lists_and_times(tmp_path):
    path = tmp_path / "d.parquet"
    table = pa.table({
        "f": [1.0, 2.0, 3.0], "tags": pa.array([["b", "a"], None, []], pa.list_(pa.string())),
        "at": pa.array([0, 1_500_000, None], pa.timestamp("us")),
        "blob": [b"x", b"y", b"z"],
    })  # fmt: skip
    pq.write_table(table, path)
    source = ParquetSource(path, label_list="tags", timestamp="at")
    events, letters = drain(source)
    assert not letters
    assert source.left_out == ("blob",)
    assert [e.y for e in events] == [{"a", "b"}, None, set()]
    assert [e.timestamp for e in events] == [0.0, 1.5, 1.5]


def test_parquet_bad_labels(tmp_path):
    path = tmp_path / "d.parquet"
    pq.write_table(pa.table({"f": [1.0, 2.0], "label:a": [0.5, 1.0]}), path)
    events, letters = drain(ParquetSource(path))
    assert letters == [("unknown_value", "row 0")]
    assert [e.y for e in events] == [{"a"}]


def test_parquet_that_cannot_be_opened(tmp_path):
    path = tmp_path / "d.parquet"
    path.write_bytes(b"PAR1 no, it is not")
    with pytest.raises(DataError, match="no Parquet"):
        ParquetSource(path)
    pq.write_table(pa.table({"f": [1.0], "s": ["x"]}), path)
    with pytest.raises(SchemaError, match="label:"):
        ParquetSource(path)
    with pytest.raises(SchemaError, match="no column 'q'"):
        ParquetSource(path, labels=["q"])
    with pytest.raises(SchemaError, match="no number"):
        ParquetSource(path, labels=["s"])
    with pytest.raises(ConfigError, match="Both"):
        ParquetSource(path, labels=["f"], label_list="s")
    pq.write_table(
        pa.table({"f": pa.array([], pa.float32()), "label:a": pa.array([], pa.bool_())}), path
    )
    with pytest.raises(DataError, match="no events"):
        ParquetSource(path)
    pq.write_table(pa.Table.from_arrays([pa.array([1]), pa.array([2])], ["f", "f"]), path)
    with pytest.raises(SchemaError, match="twice"):
        ParquetSource(path, labels=["f"])


@pytest.mark.parametrize("group", [10_000, 500_000])
def test_parquet_memory_does_not_grow_with_the_file(tmp_path, group):
    path = tmp_path / "d.parquet"

    def peak(n: int) -> int:
        values = np.random.default_rng(0).random((5, n))
        table = {f"f{k}": column for k, column in enumerate(values)} | {"label:a": values[0] < 0.5}
        pq.write_table(pa.table(table), path, row_group_size=group)
        del table
        before = pa.total_allocated_bytes()
        source, events, most = ParquetSource(path), 0, 0
        while (batch := source.next_batch(4096)) is not None:
            events += len(batch)
            most = max(most, pa.total_allocated_bytes() - before)
        source.close()
        assert events == n
        return most

    small, large = peak(250_000), peak(500_000)  # 10 MB and 20 MB
    assert large < 1.1 * small + 100_000
