"""Rows of CSV text as RFC 4180 has them, whatever is in their fields and however they are read."""

from __future__ import annotations

import csv
import io
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

import streamml_connectors.files.text as reading
from streamml_connectors.files import CsvSource, open_source
from streamml_connectors.files.csv_rows import RowReader, split_fields

FIELDS = st.one_of(
    st.sampled_from(["1", "0.5", "red", "NA", "", "?", "a,b", 'say "x"', '"', "two\nlines",
                     "a\r\nb", "\n", "x\ry", "1;2", "gr\u00fcn\n", '",\n"', "\n1,0\n", "5\" pipe"]),
    st.text('ab",;\n\r 1', max_size=6),
)  # fmt: skip
ROWS = st.lists(st.tuples(FIELDS, FIELDS, st.sampled_from("01")), min_size=1, max_size=9)
STYLES = st.fixed_dictionaries({
    "delimiter": st.sampled_from(",;\t|"),
    "lineterminator": st.sampled_from(["\r\n", "\n", "\r"]),
    "quoting": st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC]),
})  # fmt: skip
SETTINGS = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))


def plain(rows, style):
    """Rows that the writer writes so that one can tell their ends: it quotes no other line end."""
    if style["lineterminator"] == "\r":
        return [tuple(field.replace("\n", "") for field in row) for row in rows]
    return rows


def written(folder, rows, style, last=True):
    text = io.StringIO()
    csv.writer(text, **style).writerows([("f", "note", "l"), *rows])
    data = text.getvalue().encode()
    path = Path(folder) / "d.csv"
    path.write_bytes(data if last else data.removesuffix(style["lineterminator"].encode()))
    return path


def events(source, size):
    found, letters = [], []
    while (batch := source.next_batch(size)) is not None:
        found += list(batch.events())
        letters += source.take_dead_letters()
    source.close()
    return found, letters


def texts(source, size):
    found = []
    while (batch := source.next_batch(size)) is not None:
        found += batch.texts
    source.close()
    return found


@SETTINGS
@given(rows=ROWS, style=STYLES, size=st.integers(1, 9), last=st.booleans())
@example([("1", "two\r\nlines", "1")], {"delimiter": ",", "lineterminator": "\r\n", "quoting": 0},
         1, False)  # fmt: skip
def test_what_a_writer_of_csv_writes_comes_back(rows, style, size, last):
    rows = plain(rows, style)
    with tempfile.TemporaryDirectory() as folder:
        path = written(folder, rows, style, last)
        given_texts = [row[1].strip(" \t\r") for row in rows]
        source = CsvSource(path, labels=["l"], text="note", ignore=["f"],
                           delimiter=style["delimiter"])  # fmt: skip
        found, letters = texts(source, size), source.take_dead_letters()
        assert found == [text for text in given_texts if text.strip()]
        assert [x.reason for x in letters] == ["no_text"] * (len(rows) - len(found))


@SETTINGS
@given(rows=ROWS, style=STYLES, size=st.integers(1, 9), stop=st.integers(0, 9))
def test_events_are_the_same_in_any_batches_resumed_and_shuffled(rows, style, size, stop):
    with tempfile.TemporaryDirectory() as folder:
        path = written(folder, [*plain(rows, style), ("end", "end", "1")], style)
        options = {"labels": ["l"], "delimiter": style["delimiter"]}
        whole, letters = events(CsvSource(path, **options), 4096)
        assert events(CsvSource(path, **options), 1) == (whole, letters)
        assert events(CsvSource(path, **options), size) == (whole, letters)
        first = CsvSource(path, **options)
        before = []
        while len(before) < stop and (batch := first.next_batch(1)) is not None:
            before += list(batch.events())
        position = first.snapshot()
        first.close()
        second = CsvSource(path, **options)
        second.restore(position)
        assert before + events(second, size)[0] == whole
        shuffled, same = events(open_source(path, order="shuffled", **options), size)
        order = np.random.default_rng(1).permutation(len(whole))
        assert [e.id for e in shuffled] == [whole[i].id for i in order]
        assert [e.x for e in shuffled] == [whole[i].x for i in order]
        assert same == letters


@SETTINGS
@given(rows=ROWS, style=STYLES, piece=st.sampled_from([1, 2, 3, 7, 64]))
def test_rows_may_come_in_pieces(rows, style, piece):
    style = style | {"lineterminator": "\r\n"}
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        path = written(folder, rows, style)
        whole = reading.chunks
        patch.setattr(reading, "chunks", lambda path: whole(path, piece))
        reader = RowReader(path)
        reader.use(style["delimiter"])
        found = []
        while (block := reader.take(1)) is not None:
            found.append([f for f, _ in split_fields(block.data[:-1].decode(), style["delimiter"])])
        reader.close()
    assert found[1:] == [[field.strip(" \t\r") for field in row] for row in rows]


def opened(tmp_path, text, **options):
    path = tmp_path / "d.csv"
    path.write_bytes(text.encode())
    return CsvSource(path, **({"labels": ["l"]} | options))


def test_a_row_over_several_lines_is_one_dead_letter_at_its_first_line(tmp_path):
    text = 't,l\n"a\nb",1\n"c\n\nd",2\ne,0\n"f\ng",1,1\nh,maybe\n'
    found, letters = events(opened(tmp_path, text), 9)
    assert [dict(e.x) for e in found] == [{"t=a\nb": 1.0}, {"t=e": 1.0}]
    assert [(x.position, x.raw) for x in letters] == [
        ("line 4", b'"c\n\nd",2'), ("line 8", b'"f\ng",1,1'), ("line 10", b"h,maybe"),
    ]  # fmt: skip
    assert [e.id for e in found] == [0, 2]


def test_a_quote_that_is_never_closed_costs_its_own_line(tmp_path):
    found, letters = events(opened(tmp_path, 't,l\n"a",1\n"b,1\nc,0\nd,1\n'), 9)
    assert [dict(e.x) for e in found] == [{"t=a": 1.0}, {"t=c": 1.0}, {"t=d": 1.0}]
    assert [(x.reason, x.position) for x in letters] == [("malformed", "line 3")]
    assert "never closed" in letters[0].detail


@pytest.mark.parametrize(
    "row", ['"Dear "A,\nyou are, 1\nsincerely",1', '"Dear A,\nyou are, 1\n"me", 1'],
)  # fmt: skip
def test_a_quote_within_a_quoted_field_invents_no_event(tmp_path, row):
    found, letters = events(opened(tmp_path, f"t,l\n{row}\nok,0\n"), 9)
    assert [dict(e.x) for e in found] == [{"t=ok": 1.0}]
    assert [(x.reason, x.position) for x in letters] == [("malformed", "line 2")]


@pytest.mark.parametrize("piece", [16, 4096])
def test_a_row_beyond_the_bound_is_read_line_by_line(tmp_path, monkeypatch, piece):
    whole = reading.chunks
    monkeypatch.setattr(reading, "chunks", lambda path: whole(path, piece))
    long = '"' + "x\n" * 40 + '",1\n'
    text = f't,l\n"a\n",1\n{long}{"y" * 65},1\nb,0\n'
    found, letters = events(opened(tmp_path, text, max_line=64), 9)
    assert [dict(e.x) for e in found] == [{"t=a\n": 1.0}, {"t=b": 1.0}]
    assert [x.position for x in letters] == [f"line {k}" for k in range(4, 46)]
    assert [x.reason for x in letters] == ["malformed"] * 41 + ["too_large"]


@pytest.mark.parametrize("piece", [16, 4096])
def test_a_quote_not_closed_within_the_bound_ends_with_its_line(tmp_path, monkeypatch, piece):
    whole = reading.chunks
    monkeypatch.setattr(reading, "chunks", lambda path: whole(path, piece))
    text = 't,l\na,1\n"b,1\n' + "c,0\n" * 40 + '"d",1\n'
    found, letters = events(opened(tmp_path, text, max_line=64), 9)
    assert [dict(e.x) for e in found] == [{"t=a": 1.0}, *[{"t=c": 1.0}] * 40, {"t=d": 1.0}]
    assert [(x.reason, x.position) for x in letters] == [("malformed", "line 3")]


def test_quotes_after_a_blank_and_within_a_field(tmp_path):
    text = 'f, "t, u", l\n1, "a, ""b""", 1\n2,5" pipe,0\n'
    found, letters = events(opened(tmp_path, text), 9)
    assert letters == []
    assert [dict(e.x) for e in found] == [
        {"f": 1.0, 't, u=a, "b"': 1.0}, {"f": 2.0, 't, u=5" pipe': 1.0},
    ]  # fmt: skip


def test_a_header_may_go_over_several_lines(tmp_path):
    found, letters = events(opened(tmp_path, '\ufeff"f\n(m)",l\r\n1,1\r\n\r\nx,2\r\n'), 9)
    assert [dict(e.x) for e in found] == [{"f\n(m)": 1.0}]
    assert [x.position for x in letters] == ["line 5"]
