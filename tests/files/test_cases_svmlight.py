"""Multi-label svmlight as LibSVM's tools and the extreme classification repository write it."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from streamml.errors import DataError
from streamml_connectors.files import open_source

XC = "4 6 5\n0,3 0:0.5 2:1\n 1:1.0 5:0.2\n4 \n2,1 3:1 4:1\n"
ROWS = [
    ({"0": 0.5, "2": 1.0}, {"0", "3"}),
    ({"1": 1.0, "5": 0.25}, set()),
    ({}, {"4"}),
    ({"3": 1.0, "4": 1.0}, {"1", "2"}),
]


def read(path: Path, position=None):
    """The source, features and labels of its events, its dead letters."""
    source, events = open_source(path), []
    if position is not None:
        source.restore(position)
    while (batch := source.next_batch(2)) is not None:
        events += [(dict(e.x), e.y) for e in batch.events()]
    source.close()
    return source, events, [(x.reason, x.position) for x in source.take_dead_letters()]


def write(folder: Path, text: str, name: str) -> Path:
    path = folder / name
    path.write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
    return path


@pytest.mark.parametrize("name", ["d.txt", "d.svm", "d.libsvm", "d.svmlight", "D.TXT", "d.txt.gz"])
@pytest.mark.parametrize("head", ["4 6 5\n", "4\t6  5 \r\n", "# XC\n\n4 6 5\n", ""])
def test_the_line_of_sizes_is_passed_over(tmp_path, name, head):
    text = XC.replace("4 6 5\n", head).replace("5:0.2", "5:0.25")
    path = write(tmp_path, text, name)
    assert read(path)[1:] == (ROWS, [])
    assert read(path, {"rows": 2})[1] == ROWS[2:]


def test_a_line_of_sizes_is_one_only_at_the_beginning(tmp_path):
    path = write(tmp_path, "4 6 5\n0 1:1\n4 6 5\n", "d.txt")
    assert read(path)[1:] == ([({"1": 1.0}, {"0"})], [("malformed", "line 3")])


@pytest.mark.parametrize(
    ("row", "features", "labels"),
    [
        ("1,2 1:2", {"1": 2.0}, {"1", "2"}),
        ("1,2, 1:2", {"1": 2.0}, {"1", "2"}),
        ("0,1 0:2", {"0": 2.0}, {"0", "1"}),  # from 0 on
        ("1:2", {"1": 2.0}, set()),
        ("\t1:2", {"1": 2.0}, set()),
        ("3 qid:7 1:2 # docid = GX001", {"1": 2.0}, {"3"}),
        ("1.0,2.0 1:2", {"1": 2.0}, {"1", "2"}),
        ("? 1:2", {"1": 2.0}, None),
        ("1 1:2 2:nan 3:NA", {"1": 2.0}, {"1"}),
        ("1 1:+2.0e0 2:-0", {"1": 2.0}, {"1"}),
    ],
)
@pytest.mark.parametrize("name", ["d.txt", "d.libsvm"])
def test_rows_of_every_kind(tmp_path, name, row, features, labels):
    path = write(tmp_path, f"# a comment\n{row}\n", name)
    assert read(path)[1:] == ([(features, labels)], [])


def test_features_and_labels_in_files_of_their_own_are_refused(tmp_path):
    for suffix in (".txt", ".svm"):
        with pytest.raises(DataError, match=r"begins with two numbers only.*: put the labels"):
            open_source(write(tmp_path, "2 6\n0:0.5 2:1\n1:1\n", f"X{suffix}"))


def test_a_text_that_is_no_svmlight_is_said_at_once(tmp_path):
    for text in ("Once upon a time\n", "f,l\n1,0\n", '{"x": {}}\n', "4 6 5\nlabels 1:2\n"):
        with pytest.raises(DataError, match=r"no svmlight, which \.txt is read as: write lines"):
            open_source(write(tmp_path, text, "d.txt"))
    _, _, letters = read(write(tmp_path, "oops\n1 1:2\n", "d.svm"))
    assert letters == [("malformed", "line 1")]
