"""Readers at their edges: the last byte that fits, the second of two, what is rare but allowed."""

from __future__ import annotations

import gzip
import time
from contextlib import contextmanager

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from streamml.errors import DataError, SchemaError
from streamml.types import Schema
from streamml.types.label_lists import split_labels
from streamml_connectors.files import ArffSource, CsvSource, ParquetSource, SvmlightSource
from streamml_connectors.files import text as reading
from streamml_connectors.files.column_kinds import text_kind
from streamml_connectors.files.columns import BadRow, Row, binary, commit, number
from streamml_connectors.files.fields import event_id, timestamp
from streamml_connectors.files.labels import find_label_xml, parse_label_xml
from streamml_connectors.files.text import LineReader, TooLong


def drain(source):
    events = []
    while (batch := source.next_batch(3)) is not None:
        events += list(batch.events())
    source.close()
    return events, source.take_dead_letters()


@contextmanager
def bad(reason, words=None):
    with pytest.raises(BadRow, match=words) as found:
        yield
    assert found.value.reason == reason


# -- fields ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "value"),
    [("0", 0), ("-0.0", 0), ("+1.", 1), (".5", 0.5), ("1e3", 1000), ("1E-2", 0.01),
     ("3.4028234e38", 3.4028234e38), ("-3.4028234e38", -3.4028234e38)],
)  # fmt: skip
def test_numbers(text, value):
    assert number(text, "It") == value


@pytest.mark.parametrize("text", ["nan", "-NaN", "inf", "+Infinity", "1e39", "-1e39", "1e999"])
def test_numbers_that_are_not_finite(text):
    with bad("not_finite", "It is '"):
        number(text, "It")


@pytest.mark.parametrize("text", ["", "x", "1 ", "0x1", "1e", "1_0", "\u0661", "--1", "."])
def test_texts_that_are_no_numbers(text):
    with bad("not_a_number", "It is '.*which is no number"):
        number(text, "It")


def test_a_long_text_is_shown_in_part():
    with pytest.raises(BadRow) as found:
        number("x" * 41, "It")
    assert repr("x" * 40 + "...") in found.value.detail
    with pytest.raises(BadRow) as found:
        number("x" * 40, "It")
    assert repr("x" * 40) in found.value.detail


def test_label_values_are_0_or_1_in_numbers_or_words():
    assert [binary(t, "It") for t in ("1", "1.0", "True", "0", "-0", "FALSE")] == [
        True, True, True, False, False, False,
    ]  # fmt: skip
    assert [binary(t, "It") for t in ("yes", "No", "on")] == [True, False, True]
    for text in ("2", "-1", "0.5", "maybe"):
        with bad("unknown_value", "It is .*: it must be 0 or 1"):
            binary(text, "It")


def test_identifiers_and_times():
    written = ["", "0", "-7", "007", "-0", "9" * 18, "9" * 19, "a1", "1.0"]
    assert [event_id(t) for t in written] == [
        None, 0, -7, "007", "-0", 10**18 - 1, "9" * 19, "a1", "1.0",
    ]  # fmt: skip
    assert timestamp("") is None
    assert timestamp("-2.5") == -2.5
    assert timestamp("1970-01-01T02:00:00+01:00") == 3600
    assert timestamp("1970-01-02") == 86400
    with bad("wrong_type", f"The timestamp '{'x' * 40}' is neither seconds nor"):
        timestamp("x" * 50)
    with bad("not_finite"):
        timestamp("inf")


@pytest.mark.skipif(not hasattr(time, "tzset"), reason="the zone is set otherwise")
def test_times_without_a_zone_are_utc_wherever_they_are_read(monkeypatch):
    with monkeypatch.context() as there:
        there.setenv("TZ", "XYZ+5")
        time.tzset()
        found = timestamp("1970-01-02"), timestamp("1970-01-01T00:00:00+01:00")
    time.tzset()
    assert found == (86400, -3600)


def test_lists_of_labels():
    assert split_labels("", ";") == []
    assert split_labels("?", ";") is None
    assert split_labels("a", ";") == ["a"]
    assert sorted(split_labels("a;b", ";") or ()) == ["a", "b"]


def test_a_row_is_refused_before_any_of_its_names_is_new():
    schema = Schema(["f"], ["a"], max_labels=2)
    with bad("no_features"):
        commit(Row(), schema)
    commit(Row(sparse=True), schema)
    with pytest.raises(BadRow, match="a label beyond the cap of 2") as found:
        commit(Row(x={"new": 1.0}, positive=["a", "b"], negative=["c", "b"]), schema)
    assert (found.value.reason, found.value.refused) == ("over_label_cap", 2)
    assert (schema.features.names, schema.labels.names) == (["f"], ["a"])
    commit(Row(x={"new": 1.0}, positive=["a"], negative=["b"]), schema)
    assert (schema.features.names, schema.labels.names) == (["f", "new"], ["a", "b"])
    texts = Schema(takes_text=True)
    for text in (None, "", " \n"):
        with bad("no_text"):
            commit(Row(x={"f": 1.0}, text=text), texts)
    commit(Row(text="words"), texts)
    assert BadRow("why", "detail").refused == 0


# -- label XML ---------------------------------------------------------------------------------


def test_the_label_xml_lies_beside_its_data(tmp_path):
    beside = tmp_path / "d.xml"
    for name in ("d.arff", "d.ARFF.GZ", "d.arff.gz"):
        assert find_label_xml(tmp_path / name) is None
    beside.write_text("")
    for name in ("d.arff", "d.ARFF.GZ", "d.arff.gz", "d"):
        assert find_label_xml(tmp_path / name) == beside
    assert find_label_xml(tmp_path / "d.csv") is None


def test_what_label_xml_must_be():
    nested = b'<labels xmlns:m="u"><m:label name="a"><label name="b"/></m:label><other/></labels>'
    assert parse_label_xml(nested) == ["a", "b"]
    for data, error, words in (
        (b"<labels/>", SchemaError, "the label XML names no labels"),
        (b"<labels><label/></labels>", SchemaError, "has no name"),
        (b'<labels><label name=""/></labels>', SchemaError, "has no name"),
        (b'<l><label name="a"/><label name="b"/><label name="b"/></l>', SchemaError, "'b' twice"),
        (b"<labels>", DataError, "is no XML"),
        (b"<!DOCTYPE a><a/>", SchemaError, "declares a document type"),
    ):
        with pytest.raises(error, match=words):
            parse_label_xml(data)


# -- headers -----------------------------------------------------------------------------------


def test_a_csv_name_stands_once(tmp_path):
    path = tmp_path / "d.csv"
    for header, words in (("a,b,a,l", "'a' twice"), ("a,,l", "'' somewhere")):
        path.write_text(f"{header}\n1,2,3,4\n")
        with pytest.raises(SchemaError, match=words):
            CsvSource(path, labels=["l"])


def test_an_arff_name_stands_once(tmp_path):
    path = tmp_path / "d.arff"
    path.write_text("@relation d\n@attribute a numeric\n@attribute l {0,1}\n"
                    "@attribute a numeric\n@data\n1,0,1\n")  # fmt: skip
    with pytest.raises(SchemaError, match="declares the attribute 'a' twice"):
        ArffSource(path, labels=1)


def test_a_first_value_that_cannot_be_used_hides_no_later_column(tmp_path):
    path = tmp_path / "d.csv"
    path.write_text("a,b,c,d,l\ninf,1,,word,0\n2,3,4,5,1\n")
    source = CsvSource(path, labels=["l"])
    assert source.schema.features.names == ["b"]
    events, letters = drain(source)
    assert [letter.reason for letter in letters] == ["not_finite"]
    assert [dict(e.x) for e in events] == [{"a": 2.0, "b": 3.0, "c": 4.0, "d": 5.0}]


def test_tabs_and_other_delimiters(tmp_path):
    for name, delimiter, given in (
        ("d.tsv", "\t", None),
        ("d.csv", ",", None),
        ("e.csv", ";", ";"),
    ):
        path = tmp_path / name
        path.write_text(delimiter.join("ab") + f"{delimiter}l\n" + delimiter.join("12") + delimiter
                        + "1\n")  # fmt: skip
        (event,), letters = drain(CsvSource(path, labels=["l"], delimiter=given))
        assert (dict(event.x), event.y, letters) == ({"a": 1.0, "b": 2.0}, {"l"}, [])


# -- lines -------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [63, 64, 65, 70, 128])
@pytest.mark.parametrize("end", ["\n", ""])
def test_a_line_of_as_many_bytes_as_allowed_is_read(tmp_path, size, end):
    path = tmp_path / "d.csv"
    path.write_text("a,l\n" + "1.".ljust(size - 2, "0") + ",1" + end)
    events, letters = drain(CsvSource(path, labels=["l"], max_line=64))
    assert (len(events), [x.reason for x in letters]) == (
        (1, []) if size <= 64 else (0, ["too_large"])
    )


@pytest.mark.parametrize("piece", [1, 3, 7, 8, 9, 16])
def test_a_line_that_comes_in_pieces_may_be_as_long(tmp_path, monkeypatch, piece):
    path = tmp_path / "lines"
    path.write_bytes(b"12345678\nabcdefgh\n123456789\nx")
    whole = reading.chunks
    monkeypatch.setattr(reading, "chunks", lambda path: whole(path, piece))
    reader, found = LineReader(path, 8), []
    while (item := reader.take(1)) is not None:
        found.append(item.line if isinstance(item, TooLong) else item.data)
    reader.close()
    assert found == [b"12345678\n", b"abcdefgh\n", 3, b"x\n"]


def test_bad_lines_leave_the_labels_of_the_others(tmp_path):
    path = tmp_path / "d.csv"
    path.write_text("a,l,m\n1,1,0\nx\n2,0,1\n,0,\n3,1,1\n4\n")
    events, letters = drain(CsvSource(path, labels=["l", "m"]))
    assert [(dict(e.x), set(e.y)) for e in events] == [
        ({"a": 1.0}, {"l"}), ({"a": 2.0}, {"m"}), ({"a": 3.0}, {"l", "m"}),
    ]  # fmt: skip
    assert [letter.position for letter in letters] == ["line 3", "line 5", "line 7"]


def test_svmlight_keeps_or_leaves_zeros_out(tmp_path):
    path = tmp_path / "d.svm"
    path.write_text("1 1:0 3:2\n")
    (event,), _ = drain(SvmlightSource(path))
    assert {value for value in event.x.values() if value} == {2.0}


# -- Parquet -----------------------------------------------------------------------------------


def test_parquet_in_gzip_and_without_zeros(tmp_path):
    table = pa.table({"a": [0.0, 1.0, None], "b": [2.0, 0.0, 3.0], "l": [1, 0, 1]})
    pq.write_table(table, tmp_path / "d.parquet")
    packed = tmp_path / "d.parquet.gz"
    packed.write_bytes(gzip.compress((tmp_path / "d.parquet").read_bytes()))
    for path in (tmp_path / "d.parquet", packed):
        events, _ = drain(ParquetSource(path, labels=["l"]))
        assert [dict(e.x) for e in events] == [{"a": 0.0, "b": 2.0}, {"a": 1.0, "b": 0.0},
                                               {"b": 3.0}]  # fmt: skip
        events, _ = drain(ParquetSource(path, labels=["l"], keep_zeros=False))
        assert [dict(e.x) for e in events] == [{"b": 2.0}, {"a": 1.0}, {"b": 3.0}]


def test_texts_that_repeat_are_values_of_an_attribute():
    few = [f"w{k}" for k in range(64)]
    assert text_kind([*few, "w0"])[0] == text_kind(["w1", "w1", "w2"])[0] == "nominal"
    assert text_kind(["w1", "w2"])[0] == text_kind([])[0] == "nominal"
    assert text_kind(["Bern", "Rome", "Oslo"])[0] == "nominal"
    for values in (few, [*few, "w64", "w0"], ["w1", "w2", "w3"], list("abcdefghijklmnopqrst")):
        assert text_kind(values)[0] == "left out"


def test_a_batch_of_several_keeps_its_arrays_apart(tmp_path):
    path = tmp_path / "d.csv"
    path.write_text("a,l\n" + "".join(f"{k},{k % 2}\n" for k in range(10)))
    source = CsvSource(path, labels=["l"])
    batch = source.next_batch(10)
    source.close()
    assert np.diff(batch.x_indptr).tolist() == [1] * 10
    assert np.diff(batch.y_indptr).tolist() == [k % 2 for k in range(10)]
