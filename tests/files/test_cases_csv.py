"""Small CSV and Parquet files as people have them, and what they mean by them."""

from __future__ import annotations

import gzip
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from streamml.errors import ConfigError, DataError, SchemaError
from streamml.types import PartialLabels
from streamml_connectors.files import CsvSource, ParquetSource, open_source


def some(*labels):
    return frozenset(labels)


def part(positive, negative):
    return PartialLabels(frozenset(positive), frozenset(negative))


@pytest.fixture
def case(tmp_path):
    """Writes a small file, and gives its events and what the reader says of it."""

    def read(text, name="d.csv", **options):
        path = tmp_path / name
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return of(CsvSource(path, **options))

    return read


@pytest.fixture
def table(tmp_path):
    """The same of a Parquet file."""

    def read(columns, **options):
        pq.write_table(pa.table(columns), tmp_path / "d.parquet")
        return of(ParquetSource(tmp_path / "d.parquet", **options))

    return read


class Read:
    """What a source gave and said."""

    def __init__(self, events, letters, source):
        self.x = [dict(event.x) for event in events]
        self.y = [event.y for event in events]
        self.ids = [event.id for event in events]
        self.times = [event.timestamp for event in events]
        self.letters = [(letter.reason, letter.position) for letter in letters]
        self.details = [letter.detail for letter in letters]
        self.kinds = {column.name: column.kind for column in source.columns}
        self.columns = {column.name: column for column in source.columns}
        self.notes, self.left_out = " ".join(source.notes), source.left_out


def of(source):
    events = []
    while (batch := source.next_batch(2)) is not None:
        events += list(batch.events())
    source.close()
    return Read(events, source.take_dead_letters(), source)


# -- rows --------------------------------------------------------------------------------------


def test_a_text_over_several_lines_is_one_event(case):
    read = case('comment,toxic\n"Dear A,\nyou are, 1\nsincerely",1\nok,0\n', labels=["toxic"])
    assert read.x == [{"comment=Dear A,\nyou are, 1\nsincerely": 1.0}, {"comment=ok": 1.0}]
    assert (read.y, read.letters) == ([some("toxic"), some()], [])
    read = case(
        'text,toxic,spam\n"hello\nworld",1,0\n"all fine",0,1\n"two\nlines\nmore",1,1\n',
        labels=["toxic", "spam"],
    )
    assert [list(x) for x in read.x] == [
        ["text=hello\nworld"], ["text=all fine"], ["text=two\nlines\nmore"],
    ]  # fmt: skip
    assert read.y == [some("toxic"), some("spam"), some("toxic", "spam")]


@pytest.mark.parametrize("end", ["\r", "\n", "\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("last", [True, False])
def test_lines_end_in_any_way(case, end, mark, last):
    text = mark + end.join(["f,l", "1,1", '"2",0']) + end * last
    read = case(text, labels=["l"])
    assert (read.x, read.y) == ([{"f": 1.0}, {"f": 2.0}], [some("l"), some()])
    assert case(gzip.compress(text.encode()), "d.csv.gz", labels=["l"]).x == read.x


def test_lines_that_end_with_a_return_hold_texts_of_several_lines(case):
    read = case('t,l\r"a\rb",1\rc,0\r', labels=["l"])
    assert read.x == [{"t=a\rb": 1.0}, {"t=c": 1.0}]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("name", ["d.csv", "d.tsv"])
def test_the_delimiter_is_found(case, delimiter, name):
    text = delimiter.join(["f", '"red, dark; very"', "l"]) + "\n" + delimiter.join("123") + "\n"
    text = text.replace("3", "1")
    assert case(text, name, labels=["l"]).x == [{"f": 1.0, "red, dark; very": 2.0}]
    assert case("sep=;\nf;g;l\n1;2;1\n", name, labels=["l"]).x == [{"f": 1.0, "g": 2.0}]


def test_rows_that_do_not_fit_the_header_are_dead(case):
    read = case("text,l\nhello, world,1\nhi, there,0\n", labels=["l"])
    assert (read.x, read.letters) == ([], [("malformed", "line 2"), ("malformed", "line 3")])


def test_a_shuffled_source_says_how_it_reads(tmp_path):
    path = tmp_path / "d.csv"
    path.write_text("f;;l\n1;;1\n2;;0\n")
    source = open_source(path, labels=["l"], order="shuffled")
    assert [column.kind for column in source.columns] == ["number", "left out", "label"]
    assert source.notes[0] == "The fields of a row are separated by ';'."
    assert "left out" in source.notes[1]
    source.close()


def test_a_given_delimiter_is_the_one(case):
    assert case("f|g;l\n1|2;1\n", labels=["l"], delimiter=";").x == [{"f|g=1|2": 1.0}]


# -- columns -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (",f,l\n0,1.5,1\n1,2.5,0\n", ""),
        ('"","f","l"\n"x",1.5,1\n"y",2.5,0\n', ""),
        ("Unnamed: 0,f,l\n0,1.5,1\n1,2.5,0\n", "Unnamed: 0"),
        ('"f","l"\n"1",1.5,1\n"2",2.5,0\n', ""),
        ("f,l\n1.5,1,\n2.5,0,\n", ""),
        ("f,l,\n1.5,1,\n2.5,0,\n", ""),
    ],
)
def test_a_column_that_only_numbers_the_rows_is_left_out_and_said(case, text, name):
    read = case(text, labels=["l"])
    assert (read.x, read.y, read.letters) == ([{"f": 1.5}, {"f": 2.5}], [some("l"), some()], [])
    assert read.left_out == (name,)
    assert f"Column {name!r} is left out" in read.notes


def test_a_named_column_of_row_numbers_is_a_feature(case):
    assert case("Unnamed: 0,f,l\n4,1,1\n7,2,0\n", labels=["l"]).x[1] == {"Unnamed: 0": 7, "f": 2}
    with pytest.raises(SchemaError, match="has it a header line"):
        case("0,1,0\n1,1,1\n", labels=["l"])
    with pytest.raises(SchemaError, match="name all columns"):
        case("f,,l\n1,2,1\n", labels=["l"])


HEX = ["0047583311587DD9", "0047583311587E59", "1234567890123456", "12e900aa", "98e4"]


def test_identifiers_are_no_numbers(case):
    rows = "".join(f"{key},{k},{k % 2}\n" for k, key in enumerate(HEX, 1))
    read = case("id,f,l\n" + rows, labels=["l"])
    assert (read.letters, read.x) == ([], [{"f": float(k)} for k in range(1, 6)])
    read_ids = [HEX[0], HEX[1], 1234567890123456, "12e900aa", "98e4"]
    assert read.ids == read_ids
    read = case("key,f,l\n" + rows, labels=["l"])
    assert (read.letters, read.x) == ([], [{"f": float(k)} for k in range(1, 6)])
    assert (read.left_out, read.ids) == (("key",), [0, 1, 2, 3, 4])
    assert "'key' is left out: an identifier" in read.notes
    assert case("ID,f,l\n" + rows, labels=["l"]).ids == read_ids
    read = case("key,f,l\n" + rows, labels=["l"], id="key")
    assert (read.left_out, read.ids[4]) == ((), "98e4")
    read = case("key,f,l\n" + rows + rows, labels=["l"])
    assert read.x[4] == {"key=98e4": 1.0, "f": 5.0}


def test_an_id_that_comes_twice_is_a_feature(case):
    assert case("id,l\n1,1\n1,0\n", labels=["l"]).kinds["id"] == "number"


@pytest.mark.parametrize(
    ("codes", "kind"),
    [(["04107", "10115", "04107"], "nominal"), (["0", "0.5", "10"], "number"),
     (["1_000", "2", "1_000"], "nominal"), (["0x10", "0x11", "0x10"], "nominal"),
     (["\u0661", "\u0662", "\u0661"], "nominal"), ([" 1", "2 ", " 3"], "number")],
)  # fmt: skip
def test_what_only_looks_like_a_number_is_text(case, codes, kind):
    read = case("c,l\n" + "".join(f"{code},1\n" for code in codes), labels=["l"])
    assert read.kinds["c"] == kind
    if kind == "nominal":
        assert read.x[1] == {f"c={codes[1]}": 1.0}


def test_a_text_behind_many_numbers_is_found_at_once(tmp_path):
    """The other grammars of files likewise: none tries a text in every way there is."""
    code = """
from streamml_connectors.files import ArffSource, CsvSource
from streamml_connectors.files.column_kinds import all_numbers, decimal_comma
numbers = [str(k) for k in range(10, 1010)]
assert not all_numbers([*numbers, "x"])
assert not all_numbers([f"{k}.{k}e{k}" for k in range(10, 1010)] + ["1" * 200_000 + "x"])
assert not decimal_comma(["1" + ".234" * 200_000 + "x"])
open("d.csv", "w").write("f,l\\n" + "".join(f"{k},1\\n" for k in [*numbers, "x"]))
CsvSource("d.csv", labels=["l"]).close()
blank = " " * 200_000
head = "@relation 'r: -C 1'\\n@attribute l {0,1}\\n@attribute t {%s}\\n@data\\n"
open("d.arff", "w").write(head % "a,b" + "1,a {" + blank + "\\n1,a" + blank + "}\\n1,a\\n")
source = ArffSource("d.arff")
while source.next_batch(10):
    pass
source.close()
open("e.arff", "w").write(head % ("a," + blank) + "1,a\\n")
ArffSource("e.arff").close()
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=20, cwd=tmp_path)


MARKED = ["1,234.50", "$1.50", "1.50 \u20ac", "-$2", "10%", "1_000", "0x1F", "\u22125", "\u00a07",
          "1\u00a0000", "1 000.5", "1'000'000", "12,5 %", "1,000,000"]  # fmt: skip


@pytest.mark.parametrize("value", MARKED)
def test_numbers_with_marks_are_features_of_their_own_and_said_once(case, table, value):
    for read in (
        case(f'f,g,l\n"{value}","{value}",1\n"{value}","{value}",0\n2,x,1\n', labels=["l"]),
        table({"f": [value, value, "2"], "g": [value, value, "x"], "label:l": [1, 0, 1]}),
    ):
        assert read.x[0] == {f"f={value}": 1.0, f"g={value}": 1.0}
        assert read.notes == (
            f"Column 'f' and 1 more write numbers with marks, such as {value!r}, each of which is "
            "a feature of its own: write them plain, or leave the column out."
        )


@pytest.mark.parametrize(
    "value",
    ["Rome", "1.5", "04107", "10.0.0.1", "2021 01", "1-2", "12ab", "3/4", "030 123 456", "N/A"],
)
def test_other_texts_are_no_numbers_with_marks(case, value):
    assert "marks" not in case(f"f,l\n{value},1\n{value},0\n7,0\n", labels=["l"]).notes


@pytest.mark.parametrize("plain", [0, 200])
def test_many_numbers_with_marks_are_left_out_as_identifiers_are(case, plain):
    rows = "".join(f'1,"${k}.50",1\n' for k in range(70)) + f"1,{plain},0\n" * plain
    read = case("g,f,l\n" + rows, labels=["l"])
    assert read.left_out == ("f",)
    assert "numbers with marks such as '$0.50': write them plain" in read.notes
    read = case("f,l\n" + rows.replace("1,", "", 1).replace("\n1,", "\n"), labels=["l"])
    assert (read.left_out, read.letters) == ((), [])
    assert "Column 'f' writes numbers with marks" in read.notes


def test_times_are_left_out_or_used(case):
    text = (
        "key,when,note,f,l\na1,2021-01-01T00:00:00,first,1,1\na2,2021-01-01T00:10:00,second,2,0\n"
        "a3,2021-01-01T02:00:00,third,3,1\n"
    )
    read = case(text, labels=["l"])
    assert read.left_out == ("key", "when")
    assert "name it as the timestamp" in read.columns["when"].note
    read = case(text, labels=["l"], id="key", timestamp="when", ignore=["note"])
    assert (read.x, read.ids) == ([{"f": 1.0}, {"f": 2.0}, {"f": 3.0}], ["a1", "a2", "a3"])
    assert [t - read.times[0] for t in read.times] == [0.0, 600.0, 7200.0]
    assert read.notes == ""
    read = case(text.replace("key", "id").replace("when", "timestamp"), labels=["l"])
    assert (read.ids[0], read.times[1] - read.times[0]) == ("a1", 600.0)
    read = case("timestamp,f,l\nsoon,1,1\nlater,2,0\n", labels=["l"])
    assert read.kinds["timestamp"] == "nominal"


def test_the_only_texts_are_kept(case):
    rows = "".join(f"text {k},1\n" for k in range(70))
    read = case("t,l\n" + rows, labels=["l"])
    assert (len(read.x), read.letters, read.left_out) == (70, [], ())
    assert "no other feature" in read.columns["t"].note
    read = case("t,l,f\n" + rows.replace("\n", ",2\n"), labels=["l"])
    assert (read.left_out, read.x[0]) == (("t",), {"f": 2.0})


def test_a_decimal_comma_is_refused_in_a_sentence(case, table):
    with pytest.raises(SchemaError, match=r"d\.parquet writes numbers with a decimal comma"):
        table({"f": ["7,49", "8"], "label:a": [0, 1]})
    for text in ("f;g;l\n1,5;2;1\n2,5;3;0\n", 'f,l\n"7,49",1\n8,0\n', 'f;l\n"1.234,5";1\n'):
        with pytest.raises(
            SchemaError, match=r"d\.csv writes numbers with a decimal comma in column 'f'"
        ):
            case(text, labels=["l"])
    assert case("f;g;l\n1,5;2;1\n", labels=["l"], ignore=["f"]).x == [{"g": 2.0}]


def test_a_comma_that_may_part_thousands_gets_no_advice_that_spoils_the_number(case):
    for rows in ('"1,234",1\n12,0\n', '"12,345",1\n"-1,000",0\n'):
        with pytest.raises(SchemaError, match="be it between thousands") as error:
            case("f,l\n" + rows, labels=["l"])
        assert "a point" not in str(error.value)
    with pytest.raises(SchemaError, match="with a point"):
        case('f,l\n"1,234",1\n"1,5",0\n', labels=["l"])


def test_a_file_in_other_letters_says_how_to_convert_it(case):
    read = case("f,c,l\n1,K\xf6ln,1\n2,Bern,0\n".encode("latin1"), labels=["l"])
    assert (read.x, read.letters) == ([{"f": 2.0, "c=Bern": 1.0}], [("malformed", "line 2")])
    (detail,) = read.details
    assert detail == (
        "It is not UTF-8 at its byte 3: save it as UTF-8, or use 'iconv -f latin1 -t utf-8'."
    )
    with pytest.raises(DataError, match="iconv -f latin1"):
        case("f\xf6,l\n1,1\n".encode("latin1"), labels=["l"])


@pytest.mark.parametrize("code", ["utf-16", "utf-16le", "utf-16be"])
def test_utf_16_says_how_to_convert_it(case, code):
    name = "UTF-16" if code == "utf-16" else code.upper()
    with pytest.raises(DataError, match=f"is {name}: .*iconv -f {name} -t UTF-8"):
        case("f\xf6,l\n1.5,1\n".encode(code), labels=["l"])


@pytest.mark.parametrize("head", ['"f" "l"', "f l"])
def test_blanks_between_fields_as_r_writes_them_are_said(case, head):
    with pytest.raises(
        SchemaError, match=r"by blanks, as R's write\.table does: write it with wri"
    ):
        case(f'{head}\n"1" 1.5 1\n"2" 2.5 0\n', labels=["l"])


WORDS = ["nan", "NaN", "N/A", "None", "", "NULL", "#N/A", "n/a", "NA", "?", "-", "<NA>",
         "#DIV/0!", "#VALUE!", "#REF!", "#NAME?", "#NUM!", "..", r"\N", "n.a.", "NaT"]  # fmt: skip


def test_missing_values_are_absent(case):
    rows = "".join(f"{k},{word},1\n" for k, word in enumerate(WORDS))
    for more in ("", "99,5,1\n", "99,red,1\n"):
        read = case("f,g,l\n" + rows + more, labels=["l"])
        assert read.letters == []
        assert read.x[: len(WORDS)] == [{"f": float(k)} for k in range(len(WORDS))]
    read = case("g,l\n1.5,1\n" + "".join(f"{word},1\n2,0\n" for word in WORDS[-9:]), labels=["l"])
    assert (read.kinds["g"], read.x) == ("number", [{"g": 1.5}, *[{"g": 2.0}] * 9])
    assert {reason for reason, _ in read.letters} == {"no_features"}


def test_na_in_quotes_is_a_value_of_texts(case):
    read = case('f,country,l\n1,NA,1\n2,DE,0\n3,"NA",1\n', labels=["l"])
    assert read.x == [{"f": 1.0}, {"f": 2.0, "country=DE": 1.0}, {"f": 3.0, "country=NA": 1.0}]
    assert case('f,g,l\n1,"NA",1\n2,"3",0\n', labels=["l"]).x == [{"f": 1.0}, {"f": 2.0, "g": 3.0}]


def test_infinity_is_an_error(case):
    assert case("f,l\n1,1\ninf,0\n-Infinity,1\n", labels=["l"]).letters == [
        ("not_finite", "line 3"), ("not_finite", "line 4"),
    ]  # fmt: skip


def test_columns_of_yes_and_no_are_ones_and_zeros(case):
    read = case("a,b,c,d,l\nYES,True,NO,x,1\nNO,False,NO,no,0\n,NA,NO,x,1\n", labels=["l"])
    assert read.x == [
        {"a": 1.0, "b": 1.0, "c": 0.0, "d=x": 1.0}, {"a": 0.0, "b": 0.0, "c": 0.0, "d=no": 1.0},
        {"c": 0.0, "d=x": 1.0},
    ]  # fmt: skip
    assert read.kinds["a"] == "boolean"
    read = case("a,l\nnegative,1\nPositive,0\n", labels=["l"])
    assert read.x == [{"a": 0.0}, {"a": 1.0}]
    assert case("c,l\nno,1\nno,0\n", labels=["l"]).x == [{"c=no": 1.0}] * 2


# -- labels ------------------------------------------------------------------------------------


def test_labels_that_are_missing_are_unknown(case):
    read = case("f,l,m\n1,NA,1\n2,null,0\n3,,1\n4,?,0\n5,0,1\n", labels=["l", "m"])
    assert read.letters == []
    assert read.y == [part("m", ""), part("", "m"), part("m", ""), part("", "m"), some("m")]


@pytest.mark.parametrize(
    ("yes", "no"),
    [("yes", "no"), ("1", "-1"), ("+1", "-1"), ("1.0", "0.0"), ("T", "F"), ("Y", "n"),
     ("ON", "off"), ("True", "FALSE"), ('"1"', '"0"'), ("+", "-"), ("ja", "Nein"),
     ("WAHR", "FALSCH"), ("oui", "non"), ("positive", "negative"), ("pos", "neg"),
     ("Present", "Absent")],
)  # fmt: skip
def test_words_of_labels(case, yes, no):
    read = case(f"f,a,b\n1,{yes},{no}\n2,{no},{yes}\n3,{no},{no}\n", labels=["a", "b"])
    assert (read.y, read.letters, read.notes) == ([some("a"), some("b"), some()], [], "")


def test_labels_that_say_nothing_are_said(case):
    read = case("f,a\n1,spam\n2,ham\n", labels=["a"])
    assert read.letters == [("unknown_value", "line 2"), ("unknown_value", "line 3")]
    assert "'a' says neither true nor false (it holds 'spam')" in read.notes
    read = case("f,a\n1,-1\n2,0\n3,1\n", labels=["a"])
    assert (read.letters, read.y) == ([("unknown_value", "line 2")], [some(), some("a")])


@pytest.mark.parametrize(
    ("lists", "expected"),
    [
        (["Action|Comedy", "Comedy", "(no genres listed)"],
         [some("Action", "Comedy"), some("Comedy"), some("(no genres listed)")]),
        (['"[\'a\', \'b\']"', "['a']", "[]"], [some("a", "b"), some("a"), some()]),
        (['"[""a"", ""b""]"', '"[""a""]"', "[]"], [some("a", "b"), some("a"), some()]),
        (['"a,b"', "b", "?"], [some("a", "b"), some("b"), None]),
        (["a;b", "b", ""], [some("a", "b"), some("b"), some()]),
        (["sun warm", "warm", "NA"], [some("sun", "warm"), some("warm"), None]),
        (["New York", "Rome", "Rome"], [some("New York"), some("Rome"), some("Rome")]),
        (["0;3", "3", "[1]"], [some("0", "3"), some("3"), some("1")]),
        (['"{""x"": 1, ""y"": 0}"', "{}", "{}"], [some("x"), some(), some()]),
        (["\"('a', 'b')\"", "set()", '"c(""a"", ""b"")"'],
         [some("a", "b"), some(), some("a", "b")]),
        (["<a><b>", "<b>", ""], [some("a", "b"), some("b"), some()]),
        (["[1 2]", "[1]", "[2.]"], [some("1", "2"), some("1"), some("2")]),
        (["1.0;2.0", "2", "1.0"], [some("1", "2"), some("2"), some("1")]),
        (['"[""a"", null]"', "[a]", "\"['b', None]\""], [part("a", ""), some("a"), part("b", "")]),
    ],
)  # fmt: skip
def test_lists_of_labels(case, lists, expected):
    rows = "".join(f"{k},{text}\n" for k, text in enumerate(lists))
    read = case("f,tags\n" + rows, label_list="tags")
    assert (read.y, read.letters) == (expected, [])


def test_lists_that_look_unsplit_are_said(case):
    text = "f,tags\n1,a|b\n2,b\n"
    assert "look unsplit" in case(text, label_list="tags", separator=";").notes
    assert "separated by '|'" in case(text, label_list="tags").notes
    with pytest.raises(ConfigError, match="separator"):
        case(text, label_list="tags", separator="")


def test_a_label_whose_name_holds_a_comma(case):
    read = case('f,"red, dark",l\n1,1,0\n', labels=["red, dark", "l"])
    assert read.y == [some("red, dark")]


# -- Parquet -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "kind", [pa.list_(pa.float32(), 2), pa.list_(pa.float64()), pa.large_list(pa.int8())]
)
def test_lists_of_numbers_are_a_feature_a_position(table, kind):
    read = table({"emb": pa.array([[1, 2], [3, 4], None], kind), "f": [1, 2, 3],
                  "label:a": [0, 1, 1]})  # fmt: skip
    assert read.x == [
        {"emb.0": 1.0, "emb.1": 2.0, "f": 1.0}, {"emb.0": 3.0, "emb.1": 4.0, "f": 2.0}, {"f": 3.0},
    ]  # fmt: skip
    assert (read.left_out, read.kinds["emb"]) == ((), "numbers")


def test_lists_of_other_lengths(table):
    emb = [[1.0, None], [2.0], [float("nan"), 3.0]] + [[0.0, 0.0]] * 997 + [[1.0, 2.0, 3.0]]
    read = table({"emb": emb, "label:a": [1] * 1001})
    assert read.x[:3] == [{"emb.0": 1.0}, {"emb.0": 2.0}, {"emb.1": 3.0}]
    assert read.letters == [("malformed", "row 1000")]


def test_objects_in_parquet_have_dotted_names(table):
    meta = [{"likes": 3, "from": {"city": "Rome"}}, None, {"likes": None, "from": {"city": "Bern"}}]
    read = table({"f": [1, 2, 3], "meta": meta, "meta.other": [4, 5, 6], "label:a": [0, 1, 1]})
    assert read.x == [
        {"f": 1.0, "meta.likes": 3.0, "meta.from.city=Rome": 1.0, "meta.other": 4.0},
        {"f": 2.0, "meta.other": 5.0},
        {"f": 3.0, "meta.from.city=Bern": 1.0, "meta.other": 6.0},
    ]
    assert table({"m": [{"a": 1, "y": True}, {"a": 2, "y": False}]}, labels=["m.y"]).y == [
        some("m.y"), some(),
    ]  # fmt: skip
    with pytest.raises(SchemaError, match=r"'m\.a' twice"):
        table({"m": [{"a": 1}], "m.a": [1], "label:a": [0]})


def test_texts_of_parquet_are_read_as_those_of_csv(table):
    read = table({
        "zip": ["04107", "10115", "04107"], "open": ["yes", "no", "NA"], "n": ["1.5", "2", "x"],
        "when": ["2021-01-01", "2021-01-02", "2021-01-03"], "id": ["a", "b", "c"],
        "timestamp": [5, 6, 7], "l": ["Positive", None, "negative"],
        "m": pa.array([1, -1, 1], pa.int8()),
    }, labels=["l", "m"])  # fmt: skip
    assert read.x == [
        {"zip=04107": 1.0, "open": 1.0, "n": 1.5}, {"zip=10115": 1.0, "open": 0.0, "n": 2.0},
        {"zip=04107": 1.0, "n=x": 1.0},
    ]  # fmt: skip
    assert read.y == [some("l", "m"), part("", "m"), some("m")]
    assert (read.ids, read.times) == (["a", "b", "c"], [5.0, 6.0, 7.0])
    assert read.left_out == ("when",)


@pytest.mark.parametrize("index", [[4, 7], ["a", "b"], [[1, 2], ["x", "y"]]])
def test_the_index_of_pandas_is_left_out_and_said(tmp_path, index):
    path = tmp_path / "d.parquet"
    pd.DataFrame({"f": [1.5, 2.5], "label:a": [1, 0]}, index=index).to_parquet(path, index=True)
    read, names = of(ParquetSource(path)), [f"__index_level_{k}__" for k in range(2)]
    assert read.x == [{"f": 1.5}, {"f": 2.5}]
    assert read.left_out == tuple(names if isinstance(index[0], list) else names[:1])
    assert "the table's index, as pandas writes it" in read.notes
    if index[0] == "a":
        assert of(ParquetSource(path, id=names[0])).ids == index


def test_rows_of_zeros_and_ones_go_by_position_where_labels_are_named(table):
    columns = {"f": [1, 2, 3], "y": [[0, 1, 1], [0, 0, 0], [1, 0, 0]]}
    with pytest.raises(SchemaError, match="rows of 0 and 1 and no names: name the 3 labels"):
        table(columns, label_list="y")
    assert table(columns, label_list="y", labels=["a", "b", "c"]).y == [
        some("b", "c"), some(), some("a"),
    ]  # fmt: skip
    with pytest.raises(SchemaError, match="name the 3 labels"):
        table(columns, label_list="y", labels=["a"])
    assert table({"f": [1, 2], "y": [[0, 3], [1]]}, label_list="y").y == [some("0", "3"), some("1")]


def test_lists_of_labels_in_texts_of_parquet(table):
    read = table({"f": [1, 2, 3], "y": ["a|b", "['a']", "NA"]}, label_list="y")
    assert read.y == [some("a", "b"), some("a"), None]
    read = table({"f": [1, 2, 3], "y": ["('a', None)", "c('a')", "set()"]}, label_list="y")
    assert read.y == [part("a", ""), some("a"), some()]
    read = table({"f": [1, 2, 3], "y": [["a", None], [" a "], None]}, label_list="y")
    assert read.y == [part("a", ""), some("a"), None]


# -- the same options in every format ----------------------------------------------------------


@pytest.mark.parametrize("sparse", [False, True])
def test_identifiers_times_and_what_is_ignored_in_arff(tmp_path, sparse):
    path = tmp_path / "d.arff"
    rows = ["a1,'2021-01-01',1,x,2.5", "'b 2',2021-01-02,0,y,3.5"]
    if sparse:
        rows = ["{0 a1, 1 '2021-01-01', 2 1, 3 x, 4 2.5}", "{0 'b 2', 1 2021-01-02, 3 y, 4 3.5}"]
    path.write_text(
        "@relation r\n@attribute key string\n@attribute when date\n@attribute l {0,1}\n"
        "@attribute n {x,y,z}\n@attribute f real\n@data\n" + "\n".join(rows) + "\n"
    )
    read = of(open_source(path, labels=["l"], id="key", timestamp="when", ignore=["n"]))
    assert (read.x, read.y) == ([{"f": 2.5}, {"f": 3.5}], [some("l"), some()])
    assert (read.ids, read.times[1] - read.times[0]) == (["a1", "b 2"], 86400.0)
    assert (list(read.kinds.values()), read.left_out) == (
        ["id", "timestamp", "label", "left out", "number"], ("n",),
    )  # fmt: skip
    with pytest.raises(SchemaError, match="no attribute 'none'"):
        open_source(path, labels=["l"], ignore=["none"])


# -- the files themselves ----------------------------------------------------------------------


SHARED = Path("/work/shared/cases")


@pytest.mark.skipif(not SHARED.is_dir(), reason="needs the folder of small cases")
def test_every_small_csv_file_is_read_without_a_dead_letter():
    labels = {"c01_multiline": "toxic", "c01_multiline_b": "toxic,spam", "c03_pandas_index": "l",
              "c04_hex_ids": "l", "c05_na_label": "l,m", "c06_nan_feature": "l",
              "c08_id_time_note": "l", "c09_yes_no": "a,b", "c09_plus_minus": "a,b",
              "c10_country_na": "l", "c11_cr_only": "l"}  # fmt: skip
    for name, names in labels.items():
        read = of(CsvSource(SHARED / f"{name}.csv", labels=names.split(",")))
        assert (name, read.letters) == (name, [])
        assert len(read.x) == {"c01_multiline": 2, "c04_hex_ids": 5, "c05_na_label": 5,
                               "c06_nan_feature": 6, "c09_yes_no": 2, "c09_plus_minus": 2,
                               "c11_cr_only": 2, "c03_pandas_index": 2}.get(name, 3)  # fmt: skip
    read = of(ParquetSource(SHARED / "p01_embedding.parquet"))
    assert read.x == [pytest.approx({"emb.0": 0.1, "emb.1": 0.2})] * 4
