"""What the first rows did not show is said after the rows that show it."""

from __future__ import annotations

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from streamml_connectors.files import open_source

N = 1200


def written(folder, form, tags):
    path = folder / f"d.{form}"
    if form == "csv":
        path.write_text("f,tags\n" + "".join(f"1,{tag}\n" for tag in tags))
    elif form == "jsonl":
        path.write_text("".join(json.dumps({"f": 1, "tags": tag}) + "\n" for tag in tags))
    else:
        pq.write_table(pa.table({"f": [1.0] * len(tags), "tags": tags}), path)
    return path


def notes(path, size=500, **options):
    """Those at the start, and those that the rows have shown."""
    source = open_source(path, **options)
    first = source.notes
    while source.next_batch(size) is not None:
        pass
    source.close()
    return first, source.notes[len(first) :]


@pytest.mark.parametrize("size", [1, 7, 5000])
@pytest.mark.parametrize(
    ("form", "position"),
    [("csv", f"line {N + 2}"), ("jsonl", f"line {N + 1}"), ("parquet", "row 1200")],
)
def test_a_separator_that_comes_late_is_said(tmp_path, form, position, size):
    path = written(tmp_path, form, ["a"] * N + ["a|b"] * 2)
    assert notes(path, size, label_list="tags") == (
        [],
        [
            f"From {position} on lists of labels hold '|', such as 'a|b', and are not split there: "
            "the first rows held no separator, so name it (--label-separator '|')."
        ],
    )


@pytest.mark.parametrize("form", ["csv", "jsonl", "parquet"])
def test_lists_that_go_on_as_they_began_say_nothing(tmp_path, form):
    assert notes(written(tmp_path, form, ["a"] * N + ["a;b|c"]), label_list="tags") == ([], [])
    assert notes(written(tmp_path, form, ["a"] * N), label_list="tags") == ([], [])


def test_texts_that_come_late_in_a_column_of_numbers_are_said(tmp_path):
    path = tmp_path / "d.csv"
    rows = ["1,2,1"] * N + ["red,blue,1", "green,?,1"]
    path.write_text("f,g,l\n" + "\n".join(rows) + "\n")
    first, later = notes(path, labels=["l"])
    assert first == []
    assert later == [
        f"From line {N + 2} on column {name!r} holds texts, such as {text!r}, which are features "
        "of their own: the first rows held numbers only."
        for name, text in (("f", "red"), ("g", "blue"))
    ]


def test_texts_among_the_first_numbers_are_none_that_come_late(tmp_path):
    path = tmp_path / "d.csv"
    path.write_text("f,l\n" + "1,1\n" * 9 + "many,1\n" + "2,1\n" * N + "few,1\n")
    assert notes(path, labels=["l"]) == ([], [])
