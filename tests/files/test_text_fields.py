"""Where the text of an event stands in files, and what happens to a row without one."""

from __future__ import annotations

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from streamml.errors import ConfigError, SchemaError
from streamml.types import Event, EventBatch, Schema
from streamml_connectors.files import open_source

FORMS = {
    "x": [{"x": "Sun, rain", "y": ["a"]}, {"x": "", "y": []}, {"x": {"f": 1}}, {"x": "snow"}],
    "inside": [
        {"x": {"t": "Sun, rain", "n": 2}, "y": ["a"]},
        {"x": {"n": 1}, "y": []},
        {"x": {"t": 7}},
        {"x": {"t": "snow"}},
    ],
    "beside": [
        {"t": "Sun, rain", "x": {"n": 2}, "y": ["a"]},
        {"x": {"n": 1}, "y": []},
        {"t": 7},
        {"t": "snow"},
    ],
}


def jsonl(tmp_path, rows):
    path = tmp_path / "t.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


@pytest.mark.parametrize("form", FORMS)
def test_json_events_bring_a_text(tmp_path, form):
    source = open_source(jsonl(tmp_path, FORMS[form]), text="x" if form == "x" else "t")
    batch = source.next_batch(10)
    assert batch.texts == ["Sun, rain", "snow"]
    assert batch.label_set(0) == {"a"}
    assert len(batch.x_values) == (0 if form == "x" else 1)
    assert {letter.reason for letter in source.take_dead_letters()} <= {"no_text", "wrong_type"}
    assert source.snapshot() == {"rows": 4}
    source.close()


def test_flat_objects_bring_a_text(tmp_path):
    rows = [{"t": "sun", "n": 2, "tags": ["a"]}, {"t": None, "n": 1, "tags": []}]
    source = open_source(jsonl(tmp_path, rows), text="t", label_list="tags")
    batch = source.next_batch(10)
    assert (batch.texts, batch.schema.features.names) == (["sun"], ["n"])
    assert [letter.reason for letter in source.take_dead_letters()] == ["no_text"]
    source.close()


@pytest.mark.parametrize("kind", ["csv", "arff", "parquet"])
def test_tables_bring_a_text(tmp_path, kind):
    path = tmp_path / f"t.{kind}"
    texts = ["Sun, rain", "snow", "", "ice"]
    if kind == "csv":
        path.write_text("n,t,a\n" + "".join(f'{k},"{t}",{k % 2}\n' for k, t in enumerate(texts)))
    elif kind == "arff":
        head = "@relation 'r: -C 1'\n@attribute a {0,1}\n@attribute n real\n@attribute t string\n"
        path.write_text(
            head + "@data\n" + "".join(f"{k % 2},{k},'{t}'\n" for k, t in enumerate(texts))
        )
    else:
        table = {"n": [0, 1, 2, 3], "t": ["Sun, rain", "snow", None, "ice"],
                 "label:a": [0, 1, 0, 1]}  # fmt: skip
        pq.write_table(pa.table(table), path)
    source = open_source(path, text="t", labels=["a"] if kind == "csv" else None)
    batch = source.next_batch(10)
    assert batch.texts == ["Sun, rain", "snow", "ice"]
    assert [sorted(batch.label_set(i)) for i in range(3)] == [[], ["a"], ["a"]]
    assert batch.x_values.tolist() == [0.0, 1.0, 3.0]
    assert batch.schema.features.names == ["n"]
    assert [letter.reason for letter in source.take_dead_letters()] == ["no_text"]
    parts = [batch.slice(0, 1), batch.slice(1, 3)]
    assert EventBatch.concatenate(parts).texts == batch.texts
    source.close()


def test_texts_go_with_their_events_when_a_file_is_shuffled(tmp_path):
    rows = [{"id": k, "x": f"text {k}"} for k in range(20)]
    source = open_source(jsonl(tmp_path, rows), text="x", order="shuffled")
    batch = source.next_batch(20)
    assert batch.ids != sorted(batch.ids)
    assert batch.texts == [f"text {k}" for k in batch.ids]
    source.close()


def test_a_field_that_is_not_there_is_named(tmp_path):
    with pytest.raises(SchemaError, match="'title'"):
        open_source(jsonl(tmp_path, [{"t": "a", "tags": []}]), text="title", label_list="tags")
    path = tmp_path / "t.svm"
    path.write_text("1 2:3\n")
    with pytest.raises(ConfigError, match="no use for the option 'text'"):
        open_source(path, text="t")


def test_an_event_with_text_needs_a_schema_that_takes_it():
    letters = []
    EventBatch.from_events([Event(0, 0.0, "sun")], Schema(), letters)
    EventBatch.from_events([Event(1, 0.0, {"f": 1.0})], Schema(takes_text=True), letters)
    assert [letter.reason for letter in letters] == ["wrong_type", "no_text"]
