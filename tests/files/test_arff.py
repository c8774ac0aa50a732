"""ARFF: what a header and its rows become, and what becomes of broken ones."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from streamml.errors import DataError, SchemaError
from streamml.types import PartialLabels
from streamml_connectors.files import ArffSource

XML = '<labels xmlns="http://mulan.sourceforge.net/labels">{}</labels>'


def read(path: Path, **options):
    source = ArffSource(path, **options)
    events = []
    while (batch := source.next_batch(3)) is not None:
        events += list(batch.events())
    source.close()
    return source, events, source.take_dead_letters()


def write(folder: Path, header: str, rows: str, name: str = "d.arff") -> Path:
    path = folder / name
    data = (header + "@data\n" + rows).encode()
    path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    return path


DENSE = """% a comment
@RELATION 'r: -C -2'

@Attribute\tage\tReal
@attribute 'it\\'s a name' integer
@attribute colour {red, 'dark blue', green}
@attribute size {small,big}
@attribute note string
@attribute day date "yyyy-MM-dd"
@attribute flag {0,1}
@attribute l1 {0, 1}
@attribute "l 2" {0,1}
"""


@pytest.mark.parametrize("name", ["d.arff", "d.arff.gz"])
def test_dense_attributes_of_every_kind(tmp_path, name):
    rows = (
        "1.5,2,'dark blue',big,'any, text',2020-01-01,1,0,1\n% no row\n\n0,?,red,small,?,?,0,1,0\n"
    )
    source, events, letters = read(write(tmp_path, DENSE, rows, name))
    assert source.schema.labels.names == ["l1", "l 2"]
    assert source.schema.features.names == [
        "age", "it's a name", "colour=red", "colour=dark blue", "colour=green", "size", "flag",
    ]  # fmt: skip
    assert source.left_out == ("note", "day")
    assert source.n_attributes == 5
    assert not letters
    assert dict(events[0].x) == {
        "age": 1.5, "it's a name": 2.0, "colour=dark blue": 1.0, "size": 1.0, "flag": 1.0,
    }  # fmt: skip
    assert events[0].y == {"l 2"}
    assert dict(events[1].x) == {"age": 0.0, "colour=red": 1.0, "size": 0.0, "flag": 0.0}
    assert events[1].y == {"l1"}
    assert [(e.id, e.timestamp) for e in events] == [(0, 0.0), (1, 1.0)]


def test_zeros_can_be_dropped(tmp_path):
    header = "@relation 'r: -C 1'\n@attribute l {0,1}\n@attribute a real\n@attribute b real\n"
    path = write(tmp_path, header, "1,0,2\n0,0,0\n")
    _, events, letters = read(path, keep_zeros=False)
    assert [dict(e.x) for e in events] == [{"b": 2.0}, {}]
    assert not letters


SPARSE = """@relation r
@attribute a numeric
@attribute l1 {0,1}
@attribute c {x,y,z}
@attribute b {no,yes}
@attribute l2 {0,1}
@attribute s string
@attribute odd {1,0}
"""


def test_sparse_rows_and_what_they_leave_out(tmp_path):
    rows = "{0 2.5, 4 1, 1 1}\n{ 2 y,3 yes , 5 'te xt', 6 0 }\n{}\n{1 1,0 0}\n{2 'z' , 0 ?}\n"
    source, events, letters = read(write(tmp_path, SPARSE, rows), labels=["l2", "l1"])
    assert source.schema.labels.names == ["l1", "l2"]  # file order
    assert not letters
    assert [dict(e.x) for e in events] == [
        {"a": 2.5, "c=x": 1.0, "odd": 1.0},
        {"c=y": 1.0, "b": 1.0},
        {"c=x": 1.0, "odd": 1.0},
        {"c=x": 1.0, "odd": 1.0},
        {"c=z": 1.0, "odd": 1.0},
    ]
    assert [e.y for e in events] == [{"l1", "l2"}, set(), set(), {"l1"}, set()]


def test_missing_labels_are_unknown_not_negative(tmp_path):
    header = "@relation 'r: -C 2'\n@attribute a {0,1}\n@attribute b {0,1}\n@attribute f real\n"
    _, events, _ = read(write(tmp_path, header, "1,?,1\n?,?,2\n?,0,3\n"))
    assert [e.y for e in events] == [
        PartialLabels(frozenset({"a"}), frozenset()),
        None,
        PartialLabels(frozenset(), frozenset({"b"})),
    ]


def test_labels_of_two_words_and_numeric_labels(tmp_path):
    header = "@relation r\n@attribute a {no,yes}\n@attribute b numeric\n@attribute f real\n"
    path = write(tmp_path, header, "yes,0,1\nno,1.0,2\nmaybe,0,1\nno,2,1\n'?',0,1\n")
    _, events, letters = read(path, labels=["a", "b"])
    assert [e.y for e in events] == [{"a"}, {"b"}]
    assert [(x.reason, x.position) for x in letters] == [
        ("unknown_value", "line 8"), ("unknown_value", "line 9"), ("unknown_value", "line 10"),
    ]  # fmt: skip


def test_meka_sign_gives_the_side(tmp_path):
    header = (
        "@relation 'r: -C {}'\n@attribute a {{0,1}}\n@attribute b {{0,1}}\n@attribute c {{0,1}}\n"
    )
    assert read(write(tmp_path, header.format(2), "1,1,1\n"))[0].schema.labels.names == ["a", "b"]
    assert read(write(tmp_path, header.format(-2), "1,1,1\n"))[0].schema.labels.names == ["b", "c"]
    with pytest.raises(SchemaError, match="-C 9"):
        ArffSource(write(tmp_path, header.format(9), "1,1,1\n"))


def test_xml_beside_the_file_wins_over_meka_and_names_are_unescaped(tmp_path):
    header = "@relation 'r: -C 1'\n@attribute f real\n@attribute dise\\~no {0,1}\n"
    header += "@attribute 'o\\'k' {0,1}\n"
    path = write(tmp_path, header, "1,0,1\n", "d.arff.gz")
    labels = "<label name=\"o'k\"/><label name='dise\\~no'/>"
    (tmp_path / "d.xml").write_text(XML.format(labels))
    source, events, _ = read(path)
    assert source.schema.labels.names == ["dise~no", "o'k"]
    assert events[0].y == {"o'k"}
    other = tmp_path / "other.xml"
    other.write_text(XML.format("<label name='dise~no'/>"))
    assert read(path, xml=other)[0].schema.labels.names == ["dise~no"]
    assert read(path, labels=["o'k"])[0].schema.labels.names == ["o'k"]


GOOD = "@relation r\n@attribute f real\n@attribute n {u,v,w}\n@attribute l {0,1}\n"


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("1,u", "malformed"),
        ("1,u,0,0", "malformed"),
        ("1,'u,0", "malformed"),
        ('1,"u,0', "malformed"),
        ("abc,u,0", "not_a_number"),
        ("1_0,u,0", "not_a_number"),
        ("-Infinity,u,0", "not_finite"),
        ("1e39,u,0", "not_finite"),
        ("1,x,0", "unknown_value"),
        ("1,u,2", "unknown_value"),
        ("1,u,maybe", "unknown_value"),
        ("?,?,1", "no_features"),
        ("{0 1,0 2}", "malformed"),
        ("{3 1}", "malformed"),
        ("{-1 1}", "malformed"),
        ("{0 1", "malformed"),
        ("{0}", "malformed"),
        ("{0 1,,1 u}", "malformed"),
        ("{,}", "malformed"),
        ("{0 1} x", "malformed"),
        ("{0 1 2 1}", "malformed"),
        ("{0 1}, {}", "malformed"),
        ("{0 1}, {5} x", "malformed"),
        ("{0 1}, {5 6}", "malformed"),
        ("1,u,0,{5", "malformed"),
        ("1,u,{5},0", "malformed"),
        ("1,u,{5}", "malformed"),
        ("1,u,0,,", "malformed"),
        ("{99999999999999999999 1}", "malformed"),
    ],
)
@pytest.mark.parametrize("good", ["0.5,v,1", "{0 0.5,1 v,2 1}"])
def test_a_broken_row_is_a_dead_letter_and_nothing_else_is_lost(tmp_path, row, reason, good):
    path = write(tmp_path, GOOD, f"{good}\n{row}\n% x\n{good}\n")
    _, events, letters = read(path, labels=["l"])
    assert [(x.reason, x.position, x.raw) for x in letters] == [(reason, "line 7", row.encode())]
    assert letters[0].detail.endswith(".")
    assert [e.id for e in events] == [0, 2]
    assert all(dict(e.x) == {"f": 0.5, "n=v": 1.0} and e.y == {"l"} for e in events)


def test_white_space_separates_and_comments_end_rows(tmp_path):
    path = write(tmp_path, GOOD, "1\tu\t1\n 2 , v , 0 % why\n3 w 1\r\n")
    _, events, letters = read(path, labels=["l"])
    assert not letters
    assert [e.x["f"] for e in events] == [1.0, 2.0, 3.0]


def test_bytes_that_are_no_utf8(tmp_path):
    path = tmp_path / "d.arff"
    header = "@relation r\n@attribute f real\n@attribute s string\n@attribute l {0,1}\n@data\n"
    path.write_bytes(header.encode() + "1,gr\u00fcn,1\n".encode() + b"2,gr\xfcn,1\n3,x,0\n")
    _, events, letters = read(path, labels=["l"])
    assert [e.x["f"] for e in events] == [1.0, 3.0]
    assert [(x.reason, x.position) for x in letters] == [("malformed", "line 7")]


@pytest.mark.parametrize(
    ("text", "error", "words"),
    [
        ("@relation r\n@attribute a real\n@data\n1\n", SchemaError, "which attributes are labels"),
        ("@relation 'r: -C 1'\n@attribute a {0,1}\n@data\n1\n", SchemaError, "All attributes"),
        ("@relation r\n@attribute a real\n", DataError, "no @data"),
        ("@relation 'r: -C 1'\n@attribute a {0,1}\n@attribute b real\n@data\n\n% x\n",
         DataError, "no events"),
        ("@relation 'r: -C 1'\n@data\n1\n", SchemaError, "no attributes"),
        ("@relation 'r: -C 1'\n@attribute a {0,1}\n@attribute a real\n@data\n1,1\n",
         SchemaError, "twice"),
        ("@relation 'r: -C 1'\n@attribute a {0,1,2}\n@attribute b real\n@data\n1,1\n",
         SchemaError, "not binary"),
        ("@relation 'r: -C 1'\n@attribute a string\n@attribute b real\n@data\n1,1\n",
         SchemaError, "not binary"),
        ("@relation r\n@attribute a relational\n@data\n1\n", SchemaError, "relational"),
        ("@relation r\n@attribute a {0,,1}\n@data\n1\n", SchemaError, "nominal"),
        ("@relation r\n@attribute a\n@data\n1\n", SchemaError, "declares no attribute"),
        ("a,b,c\n1,2,3\n", DataError, "no ARFF header"),
    ],
)  # fmt: skip
def test_a_header_that_cannot_be_used(tmp_path, text, error, words):
    path = tmp_path / "d.arff"
    path.write_text(text)
    with pytest.raises(error, match=words) as caught:
        ArffSource(path)
    assert str(caught.value).count("\n") == 0


def test_unknown_label_names_and_a_header_of_latin1(tmp_path):
    path = write(tmp_path, GOOD, "1,u,1\n")
    with pytest.raises(SchemaError, match="no label attribute 'nope'"):
        ArffSource(path, labels=["nope"])
    path.write_bytes(b"@relation r\n@attribute gr\xfcn real\n@data\n1\n")
    with pytest.raises(DataError, match="UTF-8"):
        ArffSource(path, labels=["l"])
