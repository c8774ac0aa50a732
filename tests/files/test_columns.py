"""What columns become, reader by reader: values, labels, what is left out, what is said."""

from __future__ import annotations

import gzip
import json
import os
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from streamml.errors import DataError, SchemaError
from streamml_connectors.files import (
    ArffSource,
    CsvSource,
    JsonlSource,
    ParquetSource,
    SvmlightSource,
    open_source,
)


def write(folder, name, text):
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def table(folder, **columns):
    path = folder / "d.parquet"
    pq.write_table(pa.table(columns), path)
    return path


def drain(source, size=3):
    events = []
    while (batch := source.next_batch(size)) is not None:
        events += list(batch.events())
    source.close()
    return events, [(x.reason, x.position) for x in source.take_dead_letters()]


# -- what is zero, what is left out ------------------------------------------------------------


@pytest.mark.parametrize("keep", [True, False])
def test_whether_what_is_absent_is_zero(tmp_path, keep):
    header = "@relation 'r: -C 1'\n@attribute l {0,1}\n@attribute f real\n@data\n"
    parquet = table(tmp_path, f=[1.0], l=[1])
    for source, always in (
        (ArffSource(write(tmp_path, "d.arff", header + "1,2\n"), keep_zeros=keep), False),
        (ArffSource(write(tmp_path, "e.arff", header + "{1 2}\n"), keep_zeros=keep), True),
        (CsvSource(write(tmp_path, "d.csv", "f,l\n1,1\n"), labels=["l"], keep_zeros=keep), False),
        (ParquetSource(parquet, labels=["l"], keep_zeros=keep), False),
        (SvmlightSource(write(tmp_path, "d.svm", "1 1:1\n")), True),
    ):
        assert source.schema.absent_is_zero == (always or not keep)
        source.close()
    source = JsonlSource(write(tmp_path, "d.jsonl", '{"x": {"f": 1}}\n'))
    assert not source.schema.absent_is_zero
    source.close()


def test_columns_left_out_are_named(tmp_path):
    arff = ("@relation r\n@attribute s string\n@attribute f real\n@attribute l {0,1}\n"
            "@attribute d date\n@data\n'a',1,1,2020-01-01\n")  # fmt: skip
    parquet = table(
        tmp_path, key=["a1", "b2", "c3"], at=pa.array([1, 2, 3], pa.timestamp("s")), f=[1, 2, 3],
        g=[1, 2, 3], pairs=[["a"], ["b"], []], **{"label:a": [1, 0, 1], "label:b": [1, 1, 0]},
    )  # fmt: skip
    for source, left_out, n in (
        (ArffSource(write(tmp_path, "d.arff", arff), labels=["l"]), ("s", "d"), 1),
        (CsvSource(write(tmp_path, "d.csv", "a,b,c,l\n1,2,3,1\n"), labels=["l"],
                   ignore=["c", "a"]), ("a", "c"), 1),
        (JsonlSource(write(tmp_path, "d.jsonl", '{"f": 1, "g": 2, "l": 1}\n'), labels=["l"],
                     ignore=["g"]), ("g",), None),
        (ParquetSource(parquet, labels=["a"], ignore=["g"]),
         ("key", "at", "g", "pairs", "label:b"), 1),
    ):  # fmt: skip
        assert source.left_out == left_out
        assert getattr(source, "n_attributes", None) == n
        assert all(len(event.x) == 1 for event in drain(source)[0])


@pytest.mark.parametrize("limit", [1, 2, 3])
def test_features_beyond_the_cap_are_no_features(tmp_path, limit):
    """Those before it stay; a row of others alone has none, but stays a row."""
    words = ["u", "v", "w", "u", "v", "w"]
    csv = write(tmp_path, "d.csv", "c,l\n" + "".join(f"{word},1\n" for word in words))
    quoted = write(tmp_path, "e.csv", "c,l\n" + "".join(f'"{word}",1\n' for word in words))
    lines = "".join(json.dumps({"x": {f"c={word}": 1}, "y": ["l"]}) + "\n" for word in words)
    jsonl = write(tmp_path, "d.jsonl", lines)
    parquet = table(tmp_path, c=words, l=[1] * 6)
    for source in (
        CsvSource(csv, labels=["l"], max_features=limit),
        CsvSource(quoted, labels=["l"], max_features=limit),
        JsonlSource(jsonl, max_features=limit),
        ParquetSource(parquet, labels=["l"], max_features=limit),
    ):
        names = [f"c={word}" for word in "uvw"[:limit]]
        for size in (2, 4):
            batch = source.next_batch(size)
            assert np.isin(batch.x_indices, range(limit)).all()
            found = [source.schema.features.names[column] for column in batch.x_indices]
            part = words[:2] if size == 2 else words[2:]
            assert found == [name for word in part if (name := f"c={word}") in names]
            assert len(batch) == size
        source.close()
        assert source.schema.features.names == names
        assert source.take_dead_letters() == []


def test_numbers_beyond_the_cap_are_no_features(tmp_path):
    svm = write(tmp_path, "d.svm", "1 1:2 5:3\n1 5:4 1:5 7:6\n")
    for source, expected in (
        (SvmlightSource(svm, max_features=2), [{"1": 2.0, "5": 3.0}, {"1": 5.0, "5": 4.0}]),
        (SvmlightSource(svm, max_features=1), [{"1": 2.0}, {"1": 5.0}]),
    ):
        events, letters = drain(source)
        assert ([dict(e.x) for e in events], letters) == (expected, [])


@pytest.mark.parametrize(("listed", "more"), [("a; b;;c", {}), ("a| b||c", {"separator": "|"})])
def test_labels_of_a_list_stand_between_semicolons(tmp_path, listed, more):
    for path in (
        write(tmp_path, "d.csv", f"f,tags\n1,{listed}\n"),
        write(tmp_path, "d.jsonl", json.dumps({"f": 1, "tags": listed}) + "\n"),
        table(tmp_path, f=[1], tags=[listed]),
    ):
        events, letters = drain(open_source(path, label_list="tags", **more))
        assert ([e.y for e in events], letters) == ([{"a", "b", "c"}], [])


# -- names that are not there, files that stay open --------------------------------------------


def test_names_are_chosen_among_the_first_five(tmp_path):
    for names, shown in (("abcde", "'d', 'e'."), ("abcdef", "'d', 'e', ...")):
        path = write(tmp_path, "d.csv", ",".join(names) + "\n" + ",".join("1" * len(names)) + "\n")
        with pytest.raises(SchemaError) as found:
            CsvSource(path, labels=["none"])
        assert str(found.value).endswith(f"no column 'none': choose among 'a', 'b', 'c', {shown}"
                                         + "." * (len(names) > 5))  # fmt: skip


@pytest.mark.parametrize("option", ["labels", "ignore", "id", "timestamp", "text", "label_list"])
@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_every_column_that_is_named_must_be_there(tmp_path, option, kind):
    path = write(tmp_path, "d.csv", "f,l\n1,1\n") if kind == "csv" else table(tmp_path, f=[1.0],
                                                                              l=[1])  # fmt: skip
    options = {option: ["none"] if option in ("labels", "ignore") else "none"}
    if option not in ("labels", "label_list"):
        options["labels"] = ["l"]
    with pytest.raises(SchemaError, match="no column 'none'"):
        open_source(path, **options)


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="shows what is open on Linux alone")
def test_a_file_that_cannot_be_used_is_closed(tmp_path):
    header = "@relation r\n@attribute f real\n@data\n1\n"
    parquet = table(tmp_path, f=[1.0])
    packed = tmp_path / "d.parquet.gz"
    packed.write_bytes(gzip.compress(parquet.read_bytes()))
    for path, error in (
        (write(tmp_path, "d.arff", header), SchemaError),
        (write(tmp_path, "d.csv", "f,l\n1,1\n"), SchemaError),
        (write(tmp_path, "d.jsonl", '{"f": 1}\n'), SchemaError),
        (write(tmp_path, "d.svm", "# none\n"), DataError),
        (parquet, SchemaError),
        (packed, SchemaError),
    ):
        before = _open_files()
        with pytest.raises(error) as held:
            open_source(path)
        assert _open_files() == before, path
        del held


def _open_files():
    found = []
    for name in os.listdir("/proc/self/fd"):
        try:
            found.append(os.readlink(f"/proc/self/fd/{name}"))
        except FileNotFoundError:  # the listing's own
            continue
    return sorted(name for name in found if name.startswith("/") and "/proc/" not in name)


# -- fields ------------------------------------------------------------------------------------


def test_csv_fields_keep_their_marks_and_lose_their_quotes(tmp_path):
    rows = 'hey!,0\n"red",1\n"2",?\n red ,"?"\n2,?\nred\r,1\n'
    events, letters = drain(CsvSource(write(tmp_path, "d.csv", "c,l\n" + rows), labels=["l"]))
    assert letters == []
    assert [dict(e.x) for e in events] == [
        {"c=hey!": 1.0}, {"c=red": 1.0}, {"c=2": 1.0}, {"c=red": 1.0}, {"c=2": 1.0},
        {"c=red": 1.0},
    ]  # fmt: skip
    assert [e.y for e in events] == [set(), {"l"}, None, None, None, {"l"}]


def test_a_csv_column_may_be_a_name_first_and_a_number_later(tmp_path):
    text = "c,l\n" + "red,0\n" * 3 + "2,1\n" * 3 + "blue,0\n3,1\n"
    events, letters = drain(CsvSource(write(tmp_path, "d.csv", text), labels=["l"]))
    assert letters == []
    found = [dict(e.x) for e in events]
    assert found == [{"c=red": 1.0}] * 3 + [{"c": 2.0}] * 3 + [{"c=blue": 1.0}, {"c": 3.0}]


@pytest.mark.parametrize("zero", ["0", "-0.0", "0e0", "0." + "0" * 30, "'0'", '"0e5"'])
def test_a_zero_in_any_way_is_known_in_dense_rows_and_left_out_of_sparse_ones(tmp_path, zero):
    header = "@relation r\n@attribute l {0,1}\n@attribute f real\n@attribute g real\n@data\n"
    plain = zero.strip("'")
    for name, text in (("d.csv", f"l,f,g\n1,1,2\n1,{plain},2\n"),
                       ("d.arff", f"{header}1,{zero},2\n")):  # fmt: skip
        for keep, expected in ((True, {"f": 0.0, "g": 2.0}), (False, {"g": 2.0})):
            source = open_source(write(tmp_path, name, text), labels=["l"], keep_zeros=keep)
            assert dict(drain(source)[0][-1].x) == expected
    path = write(tmp_path, "e.arff", f"{header}{{0 1,1 {zero},2 2}}\n")
    assert [dict(e.x) for e in drain(ArffSource(path, labels=["l"]))[0]] == [{"g": 2.0}]


def test_a_nominal_value_of_two_words_needs_no_quotes_between_commas(tmp_path):
    header = "@relation 'r: -C 1'\n@attribute l {0,1}\n@attribute c {red,'dark blue',green}\n"
    rows = "1,dark blue\n1,'dark blue'\n1 dark blue\n1 'dark blue'\n"
    path = write(tmp_path, "d.arff", header + "@data\n" + rows)
    events, letters = drain(ArffSource(path))
    assert [dict(e.x) for e in events] == [{"c=dark blue": 1.0}] * 3
    assert letters == [("malformed", "line 7")]


@pytest.mark.parametrize("values", ["{a,b,a}", "{}", "{0,0}", "{a, 'a'}"])
def test_nominal_values_stand_once(tmp_path, values):
    header = f"@relation 'r: -C 1'\n@attribute l {{0,1}}\n@attribute c {values}\n@data\n1,a\n"
    with pytest.raises(SchemaError, match=r"Line 3 .* lists nominal values badly"):
        ArffSource(write(tmp_path, "d.arff", header))


def test_a_sparse_row_without_features_is_a_row(tmp_path):
    header = "@relation 'r: -C 1'\n@attribute l {0,1}\n@attribute f real\n@data\n"
    for rows in ("{0 1}\n{0 '1'}\n{}\n{1 '0'}\n", "1,5\n{0 '1'}\n{}\n{1 '0'}\n"):
        source = ArffSource(write(tmp_path, "d.arff", header + rows))
        batch = source.next_batch(9)
        source.close()
        assert (len(batch), batch.x_indptr[1:].tolist()) == (4, [batch.x_indptr[1]] * 4)
        assert np.diff(batch.y_indptr).tolist() == [1, 1, 0, 0]


def test_a_question_mark_may_be_a_nominal_value(tmp_path):
    """Left out of a sparse row, in whatever way that is read, it is the value, not unknown."""
    header = "@relation 'r: -C 1'\n@attribute l {0,1}\n@attribute c {'?',a,b}\n@attribute f real\n"
    path = write(tmp_path, "d.arff", header + "@data\n{2 5}\n{2 '5'}\n{1 ?}\n{1 '?'}\n{0 '1'}\n")
    events, letters = drain(ArffSource(path))
    assert letters == []
    assert [dict(e.x) for e in events] == [
        {"c=?": 1.0, "f": 5.0}, {"c=?": 1.0, "f": 5.0}, {}, {"c=?": 1.0}, {"c=?": 1.0},
    ]  # fmt: skip
    assert [e.y for e in events] == [set()] * 4 + [{"l"}]


def test_the_number_of_meka_labels(tmp_path):
    attributes = "".join(f"@attribute {name} {{0,1}}\n" for name in "abcd")
    for count, labels in (("3", "abc"), ("+3", "abc"), ("-3", "bcd"), ("-1", "d"), ("1", "a")):
        path = write(tmp_path, "d.arff", f"@relation 'r: -C {count}'\n{attributes}@data\n1,1,0,1\n")
        source = ArffSource(path)
        assert source.schema.labels.names == list(labels)
        source.close()
    for count, words in (
        ("0", "which attributes"), ("4", "All"), ("-4", "All"), ("5", "-C 5"), ("-5", "-C -5"),
    ):  # fmt: skip
        path = write(tmp_path, "d.arff", f"@relation 'r: -C {count}'\n{attributes}@data\n1,1,0,1\n")
        with pytest.raises(SchemaError, match=words):
            ArffSource(path)


def test_names_may_hold_backslashes(tmp_path):
    header = "@relation r\n@attribute 'a\\\\b' {0,1}\n@attribute f real\n@data\n1,2\n"
    path = write(tmp_path, "d.arff", header)
    for name in ("a\\b", "a\\\\b"):  # as it is, and as the file writes it
        events, _ = drain(ArffSource(path, labels=[name]))
        assert [e.y for e in events] == [{"a\\b"}]


# -- Parquet -----------------------------------------------------------------------------------


def test_parquet_numbers_of_every_kind(tmp_path):
    large = 2**53 + 1  # no float64 is that
    decimals = pa.array(["0.5", "1"], pa.string()).cast(pa.decimal128(5, 2))
    path = table(tmp_path, i=[large, 3], u=pa.array([255, 0], pa.uint8()), b=[True, False],
                 d=decimals, h=pa.array([0.5, 2.0], pa.float32()), n=[None, True],
                 l=[1, 0])  # fmt: skip
    source = ParquetSource(path, labels=["l"])
    batch = source.next_batch(9)
    source.close()
    assert [dict(e.x) for e in batch.events()] == [
        {"i": float(2**53), "u": 255.0, "b": 1.0, "d": 0.5, "h": 0.5},
        {"i": 3.0, "u": 0.0, "b": 0.0, "d": 1.0, "h": 2.0, "n": 1.0},
    ]
    assert (batch.n_features.tolist(), batch.n_labels.tolist()) == ([6, 6], [1, 1])


def test_parquet_texts_of_every_kind(tmp_path):
    words = ["u", "v", "u", None]
    path = table(tmp_path, d=pa.array(words).dictionary_encode(),
                 e=pa.array(words, pa.large_string()), f=[1] * 4, l=[1] * 4)  # fmt: skip
    events, letters = drain(ParquetSource(path, labels=["l"]))
    assert letters == []
    assert [set(e.x) for e in events] == [
        {"f", "d=u", "e=u"}, {"f", "d=v", "e=v"}, {"f", "d=u", "e=u"}, {"f"},
    ]  # fmt: skip


@pytest.mark.parametrize(("row", "nominal"), [(999, True), (1000, False)])
def test_a_thousand_rows_show_whether_a_text_is_nominal(tmp_path, row, nominal):
    words = [f"w{k}" for k in range(9)] + [None] * 992
    words[row] = "w0"
    path = table(tmp_path, c=words, f=[1] * 1001, l=[1] * 1001)
    source = ParquetSource(path, labels=["l"])
    assert (source.n_attributes, source.left_out) == ((2, ()) if nominal else (1, ("c",)))
    source.close()


def test_a_parquet_row_without_features(tmp_path):
    path = table(tmp_path, f=[1.0, None], l=[1, 1])
    assert drain(ParquetSource(path, labels=["l"]))[1] == [("no_features", "row 1")]
    path = table(tmp_path, f=[1.0, None, None], c=["u", "u", None], l=[1, 1, 1])
    events, letters = drain(ParquetSource(path, labels=["l"]))
    assert [dict(e.x) for e in events] == [{"f": 1.0, "c=u": 1.0}, {"c=u": 1.0}]
    assert letters == [("no_features", "row 2")]
    path = table(tmp_path, f=[None, 1.0], s=["a", "b"], l=[1, 1])
    events, letters = drain(ParquetSource(path, labels=["l"], text="s"))
    assert (len(events), letters) == (2, [])


def test_a_bad_parquet_row_makes_no_names(tmp_path):
    path = table(tmp_path, f=[1.0, float("inf"), 2.0], c=["u", "new", "u"],
                 tags=[["a"], ["other"], ["b"]])  # fmt: skip
    source = ParquetSource(path, label_list="tags")
    events, letters = drain(source)
    assert letters == [("not_finite", "row 1")]
    assert [e.y for e in events] == [{"a"}, {"b"}]
    assert (source.schema.features.names, source.schema.labels.names) == (
        ["f", "c=u"], ["a", "b"],
    )  # fmt: skip
