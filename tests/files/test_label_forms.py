"""Labels in the forms that tables and objects have, and rows that hold nothing."""

from __future__ import annotations

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from streamml.types import PartialLabels
from streamml_connectors.files import open_source


def read(path, size=100, **options):
    """Events, dead letters and the source."""
    source = open_source(path, **options)
    events, letters = [], []
    while (batch := source.next_batch(size)) is not None:
        events += batch.events()
        letters += source.take_dead_letters()
    source.close()
    return events, letters, source


def objects(folder, labels):
    path = folder / "d.jsonl"
    path.write_text("".join(json.dumps({"f": 1, "tags": value}) + "\n" for value in labels))
    return path


def table(folder, labels, **more):
    path = folder / "d.parquet"
    pq.write_table(pa.table({"f": [1.0] * len(labels), "tags": labels, **more}), path)
    return path


PARTIAL = PartialLabels(frozenset({"b"}), frozenset({"a"}))


@pytest.mark.parametrize("size", [1, 100])
def test_parquet_reads_maps_and_structs_of_labels_as_json_reads_objects(tmp_path, size):
    said = [{"a": True, "b": False}, None, {"a": False, "b": True}]
    ys = [{"a"}, None, {"b"}]
    paths = [
        objects(tmp_path, said),
        table(tmp_path, pa.array(said, pa.struct([("a", pa.bool_()), ("b", pa.bool_())]))),
    ]
    for path in paths:
        events, letters, _ = read(path, size, label_list="tags")
        assert ([e.y for e in events], letters) == (ys, [])
    pairs = [one and list(one.items()) for one in said]
    path = table(tmp_path, pa.array(pairs, pa.map_(pa.string(), pa.bool_())))
    events, letters, _ = read(path, size, label_list="tags")
    assert ([e.y for e in events], letters) == (ys, [])


def test_a_label_that_a_struct_does_not_say_is_unknown(tmp_path):
    said = [{"a": False, "b": True, "c": None}, {"a": True, "b": False, "c": False}]
    kind = pa.struct([(name, pa.bool_()) for name in "abc"])
    for path in (objects(tmp_path, said), table(tmp_path, pa.array(said, kind))):
        events, letters, source = read(path, label_list="tags")
        assert ([e.y for e in events], letters) == ([PARTIAL, {"a"}], [])
        assert source.schema.features.names == ["f"]


def test_other_structs_are_still_features(tmp_path):
    labels = pa.array([{"a": True}], pa.struct([("a", pa.bool_())]))
    path = table(tmp_path, labels, meta=[{"likes": 3}])
    events, _, _ = read(path, label_list="tags")
    assert (dict(events[0].x), events[0].y) == ({"f": 1, "meta.likes": 3}, {"a"})


def test_one_number_is_one_label(tmp_path):
    (tmp_path / "d.csv").write_text("f,tags\n1,2\n1,3\n")
    for path in (objects(tmp_path, [2, 3]), table(tmp_path, [2, 3]), tmp_path / "d.csv"):
        events, letters, _ = read(path, label_list="tags")
        assert ([e.y for e in events], letters) == ([{"2"}, {"3"}], [])


def test_true_is_no_label(tmp_path):
    for path in (objects(tmp_path, [True]), table(tmp_path, [True])):
        _, letters, _ = read(path, label_list="tags")
        assert [letter.reason for letter in letters] == ["wrong_type"]


def test_objects_in_lists_of_labels_are_said_at_the_start(tmp_path):
    for path in (objects(tmp_path, [[{"name": "a"}]]), table(tmp_path, [[{"name": "a"}]])):
        source = open_source(path, label_list="tags")
        assert source.notes == [
            "The lists of labels hold objects, such as {'name': 'a'}, whose rows cannot be used: "
            "list the names alone."
        ]
        source.close()


@pytest.mark.parametrize("size", [1, 2, 100])
def test_rows_of_delimiters_only_are_passed_over_and_counted(tmp_path, size):
    path = tmp_path / "d.csv"
    path.write_text("id;timestamp;f;l\n;;;\na;5;1;1\n;;;\n; ;;\nb;;2;0\n;;;\n;;;\n")
    events, letters, source = read(path, size, labels=["l"])
    assert [(e.id, e.timestamp, dict(e.x), e.y) for e in events] == [
        ("a", 5, {"f": 1}, {"l"}),
        ("b", 5, {"f": 2}, set()),
    ]
    assert letters == []
    assert source.notes[-1] == "5 rows hold delimiters only and are passed over."
    assert source.snapshot() == {"rows": 7}
    for skip in range(8):
        again = open_source(path, labels=["l"])
        again.restore({"rows": skip})
        assert again.snapshot() == {"rows": skip}
        rest = []
        while (batch := again.next_batch(size)) is not None:
            rest += batch.ids
        assert rest == ["a", "b"][(skip > 1) + (skip > 4) :]
        again.close()
