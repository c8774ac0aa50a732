"""What batches of every reader hold: texts, labels known in part, offsets; shuffled ones too."""

from __future__ import annotations

import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from streamml.errors import DataError, SchemaError
from streamml.types import Event, EventBatch, PartialLabels, Schema
from streamml_connectors.files import (
    ArffSource,
    CsvSource,
    JsonlSource,
    ParquetSource,
    ShuffledSource,
    open_source,
)
from streamml_connectors.files.batches import joined


def write(folder, name, text):
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def table(folder, **columns):
    path = folder / "d.parquet"
    pq.write_table(pa.table(columns), path)
    return path


def texts_of(source):
    texts = []
    while (batch := source.next_batch(2)) is not None:
        texts += batch.texts
    source.close()
    return texts


# -- texts -------------------------------------------------------------------------------------

SAID = ("one, two", "three", "four five", "six", "seven")
STRINGS = "@relation r\n@attribute s string\n@attribute f real\n@attribute l {0,1}\n@data\n"


@pytest.fixture(params=["arff", "csv", "jsonl", "parquet"])
def spoken(request, tmp_path):
    """Opens the same five texts, a row without one after the third, in one of the formats."""
    rows = [*SAID[:3], "", *SAID[3:]]
    if request.param == "parquet":
        labels = [k % 2 for k in range(6)]
        path = table(tmp_path, s=[row or None for row in rows], f=[1.0] * 6, l=labels)
    else:
        line = {
            "arff": lambda k, row: f"'{row}',1,{k % 2}",
            "csv": lambda k, row: f'"{row}",1,{k % 2}',
            "jsonl": lambda k, row: json.dumps({"s": row, "f": 1, "l": k % 2}),
        }[request.param]
        head = {"arff": STRINGS, "csv": "s,f,l\n"}.get(request.param, "")
        lines = "".join(line(k, row) + "\n" for k, row in enumerate(rows))
        path = write(tmp_path, f"d.{request.param}", head + lines)
    return lambda **more: open_source(path, labels=["l"], text="s", **more)


def test_texts_come_with_their_rows(spoken):
    source = spoken()
    assert source.schema.takes_text
    assert texts_of(source) == list(SAID)
    assert [x.reason for x in source.take_dead_letters()] == ["no_text"]


def test_texts_are_shuffled_with_their_events(spoken):
    order = np.random.default_rng(1).permutation(5)
    assert texts_of(spoken(order="shuffled")) == [SAID[i] for i in order]


def test_a_text_alone_is_a_row(tmp_path):
    header = STRINGS.replace("@attribute f real\n", "")
    for source in (
        ArffSource(write(tmp_path, "d.arff", header + "'a b',1\n"), labels=["l"], text="s"),
        CsvSource(write(tmp_path, "d.csv", "s,l\na b,1\n"), labels=["l"], text="s"),
        JsonlSource(write(tmp_path, "d.jsonl", '{"s": "a b", "y": ["l"]}\n'), text="s"),
        JsonlSource(write(tmp_path, "e.jsonl", '{"x": "a b", "y": ["l"]}\n'), text="x"),
        JsonlSource(write(tmp_path, "f.jsonl", '{"x": {"s": "a b"}, "y": ["l"]}\n'), text="s"),
        ParquetSource(table(tmp_path, s=["a b"], l=[1]), labels=["l"], text="s"),
    ):
        batch = source.next_batch(9)
        assert (batch.texts, [e.y for e in batch.events()]) == (["a b"], [{"l"}])
        source.close()


def test_a_text_field_must_be_there(tmp_path):
    jsonl = write(tmp_path, "d.jsonl", '{"f": 1, "y": ["l"]}\n')
    for reader, path, options in (
        (ArffSource, write(tmp_path, "d.arff", STRINGS + "'a',1,1\n"), {"labels": ["l"]}),
        (CsvSource, write(tmp_path, "d.csv", "f,l\n1,1\n"), {"labels": ["l"]}),
        (JsonlSource, jsonl, {}),
        (JsonlSource, jsonl, {"labels": ["f"]}),
        (ParquetSource, table(tmp_path, f=[1.0], l=[1]), {"labels": ["l"]}),
    ):
        with pytest.raises(SchemaError):
            reader(path, text="none", **options)
    with pytest.raises(SchemaError, match="no string attribute 'f'"):
        ArffSource(tmp_path / "d.arff", labels=["l"], text="f")


def test_batches_with_and_without_texts_are_joined():
    def batch(texts):
        made = EventBatch.from_events([Event(0, 0.0, {"f": 1.0})], Schema())
        made.texts = texts
        return made

    assert joined([batch(["a"]), batch(["b"])]).texts == ["a", "b"]
    assert joined([batch(["a"]), batch(None)]).texts is None
    assert joined([batch(None)]).texts is None


# -- batches -----------------------------------------------------------------------------------


def test_offsets_end_where_their_entries_do(tmp_path):
    lines = ['{"x": {"f": 1}, "y": {"positive": ["a"], "negative": ["b", "c"]}}',
             '{"x": {"f": 1}, "y": ["b"]}', "{", '{"x": {"f": 1, "g": 2}}']  # fmt: skip
    header = "@relation r\n@attribute f real\n@attribute l {0,1}\n@data\n"
    for source in (
        JsonlSource(write(tmp_path, "d.jsonl", "\n".join(lines) + "\n")),
        JsonlSource(write(tmp_path, "e.jsonl", "\n".join(lines[:1]) + "\n")),
        CsvSource(write(tmp_path, "d.csv", "f,a,b\n1,1,?\n\n2,,\nred,0,1\n"), labels=["a", "b"]),
        CsvSource(write(tmp_path, "e.csv", "f,a,b\n\n1,1,0\n\n\n"), labels=["a", "b"]),
        ArffSource(write(tmp_path, "d.arff", header + "1,1\n\n% none\n2,0\n"), labels=["l"]),
        ArffSource(
            write(tmp_path, "e.arff", header + "{0 1}\n\n% none\n{0 2,1 1}\n"), labels=["l"]
        ),
        ParquetSource(table(tmp_path, f=[1, 2], a=[1, None], b=[None, 0]), labels=["a", "b"]),
    ):
        batch = source.next_batch(9)
        source.close()
        assert (batch.y_kind == EventBatch.from_events(batch.events(), Schema()).y_kind).all()
        for offsets, entries in (
            (batch.x_indptr, batch.x_indices), (batch.x_indptr, batch.x_values),
            (batch.y_indptr, batch.y_indices), (batch.negative_indptr, batch.negative_indices),
        ):  # fmt: skip
            assert (len(offsets), offsets[-1]) == (len(batch) + 1, len(entries))


def test_labels_of_a_csv_row_may_be_known_in_part(tmp_path):
    path = write(tmp_path, "d.csv", "f,a,b,c\n1,1,?,0\n2,,,\n3,NA,0,0\n4,?,?,1\n")
    source = CsvSource(path, labels=["a", "b", "c"])
    events = source.next_batch(9).events()
    source.close()
    assert [e.y for e in events] == [
        PartialLabels(frozenset({"a"}), frozenset({"c"})), None,
        PartialLabels(frozenset(), frozenset({"b", "c"})),
        PartialLabels(frozenset({"c"}), frozenset()),
    ]  # fmt: skip
    assert source.take_dead_letters() == []


def test_shuffling_what_is_read_to_its_end_gives_nothing(tmp_path):
    source = CsvSource(write(tmp_path, "d.csv", "f,l\n1,1\n"), labels=["l"])
    assert len(source.next_batch(9)) == 1
    shuffled = ShuffledSource(source)
    assert (shuffled.length, shuffled.next_batch(9)) == (0, None)
    shuffled.close()


def test_a_shuffled_source_shows_no_private_part_of_its_source(tmp_path):
    path = write(tmp_path, "d.csv", "f,l\n1,1\n")
    source = open_source(path, labels=["l"], order="shuffled")
    assert (source.left_out, source.path) == ((), path)
    assert not hasattr(source, "_reader")
    assert not hasattr(object.__new__(ShuffledSource), "source")  # as copying and pickling ask
    source.close()


def test_a_feature_stands_once_in_a_row_although_two_columns_make_it(tmp_path):
    source = CsvSource(write(tmp_path, "d.csv", "a,a=b,l\nb=c,c,1\n"), labels=["l"])
    batch = source.next_batch(9)
    source.close()
    assert (source.schema.features.names, batch.x_indices.tolist()) == (["a=b=c"], [0])
    assert batch.x_values.tolist() == [1.0]


# -- identifiers, times and lists of labels in Parquet -----------------------------------------


@pytest.mark.parametrize(
    ("column", "ids"),
    [
        (pa.array([7, None, 9]), [7, 1, 9]),
        (pa.array(["a", None, "7"]), ["a", 1, "7"]),
        (pa.array([0, None, 1], pa.date32()), ["1970-01-01", 1, "1970-01-02"]),
    ],
)
def test_parquet_identifiers(tmp_path, column, ids):
    path = table(tmp_path, key=column, f=[1, 2, 3], l=[1, 0, 1])
    source = ParquetSource(path, labels=["l"], id="key")
    batch = source.next_batch(9)
    source.close()
    assert (batch.ids, batch.timestamps.tolist()) == (ids, [0, 1, 2])
    assert [e.y for e in batch.events()] == [{"l"}, set(), {"l"}]


@pytest.mark.parametrize(
    ("column", "times", "letters"),
    [
        (pa.array([7, None, -9]), [7, 7, -9], []),
        (pa.array([0.5, float("nan"), 2.5]), [0.5, 0.5, 2.5], []),
        (pa.array([0.5, float("inf"), 2.5]), [0.5, 2.5], [("not_finite", "row 1")]),
        (pa.array(["1970-01-02", "0.5", "soon"]), [86400, 0.5], [("wrong_type", "row 2")]),
        (pa.array([5000, 0, None], pa.timestamp("ms")), [5, 0, 0], []),
    ],
)
def test_parquet_times(tmp_path, column, times, letters):
    path = table(tmp_path, at=column, f=[1, 2, 3], l=[1, 0, 1])
    source = ParquetSource(path, labels=["l"], timestamp="at")
    batch = source.next_batch(9)
    source.close()
    assert batch.timestamps.tolist() == times
    assert [(x.reason, x.position) for x in source.take_dead_letters()] == letters


def test_parquet_lists_of_labels(tmp_path):
    tags = [["b", None, "a"], None, [], ["c", "a"], ["d", "e"], ["a"]]
    path = table(tmp_path, tags=pa.array(tags, pa.list_(pa.string())), f=[1, 2, 3, 4, 5, 6])
    source = ParquetSource(path, label_list="tags", max_labels=3)
    batch = source.next_batch(9)
    source.close()
    partly = PartialLabels(frozenset({"a", "b"}), frozenset())  # a null: who knows what else
    assert [e.y for e in batch.events()] == [partly, None, set(), {"a", "c"}, {"a"}]
    assert batch.n_labels.tolist() == [2, 2, 2, 3, 3]
    assert source.schema.labels.refused == 2
    (letter,) = source.take_dead_letters()
    assert (letter.reason, letter.position) == ("over_label_cap", "row 4")
    assert letter.raw == repr({"f": 5, "tags": ["d", "e"]}).encode()


def test_a_parquet_file_without_rows(tmp_path):
    nothing = pa.array([], pa.string())
    path = table(tmp_path, c=nothing, f=pa.array([], pa.int64()), l=pa.array([], pa.int64()))
    with pytest.raises(DataError, match="holds no events"):
        ParquetSource(path, labels=["l"])


def test_a_parquet_file_that_is_damaged_within(tmp_path):
    values = np.random.default_rng(0).random(5000)
    path = table(tmp_path, f=values, l=[1] * 5000)
    data = bytearray(path.read_bytes())
    data[4:20_000] = b"\xff" * 19_996
    path.write_bytes(bytes(data))
    source = ParquetSource(path, labels=["l"])
    with pytest.raises(DataError, match="is damaged"):
        source.next_batch(9)
    source.close()


@pytest.mark.parametrize("byte", [b"\x80", b"\xbf", b"\xfc", b"\xff"])
def test_rows_that_are_no_utf8_are_dead_and_those_beside_them_are_not(tmp_path, byte):
    rows = "1,gr\u00fcn,1\n".encode() + b"2,gr" + byte + b"n,1\n3,x,0\n"
    arff = b"@relation r\n@attribute f real\n@attribute s string\n@attribute l {0,1}\n@data\n"
    for name, head in (("d.arff", arff), ("d.csv", b"f,s,l\n")):
        path = tmp_path / name
        path.write_bytes(head + rows)
        source = open_source(path, labels=["l"])
        batch = source.next_batch(9)
        source.close()
        assert [e.x["f"] for e in batch.events()] == [1.0, 3.0]
        (letter,) = source.take_dead_letters()
        line = len(head.splitlines()) + 2
        assert (letter.reason, letter.position) == ("malformed", f"line {line}")
