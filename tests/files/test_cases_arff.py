"""ARFF as WEKA, MOA, MEKA, Mulan and KEEL write it: what people meant, row by row."""

from __future__ import annotations

from pathlib import Path

import pytest

from streamml.errors import DataError, SchemaError
from streamml.types import PartialLabels
from streamml_connectors.files import ArffSource, find_label_xml


def read(path: Path, **options):
    """The source, its events, its dead letters."""
    source, events = ArffSource(path, **options), []
    while (batch := source.next_batch(3)) is not None:
        events += list(batch.events())
    source.close()
    return source, events, source.take_dead_letters()


def write(folder: Path, text: str, name: str = "d.arff") -> Path:
    path = folder / name
    path.write_bytes(text.encode())
    return path


def rows_of(folder: Path, header: str, rows: str, **options):
    """Features and labels of each row; nothing may be lost."""
    source, events, letters = read(write(folder, f"{header}@data\n{rows}"), **options)
    assert not letters
    return source, [dict(e.x) for e in events], [e.y for e in events]


# -- truth --------------------------------------------------------------------------------


def test_labels_are_true_by_their_words_and_not_by_their_places(tmp_path):
    header = (
        "@relation 'r: -C 2'\n@attribute toxic {true,false}\n@attribute spam {yes,no}\n"
        "@attribute t numeric\n"
    )
    source, _, y = rows_of(tmp_path, header, "true,no,1\nfalse,yes,2\n")
    assert y == [{"toxic"}, {"spam"}]
    assert source.notes == []


PAIRS = [
    ("no", "yes"), ("false", "true"), ("FALSE", "TRUE"), ("No", "Yes"), ("n", "y"), ("N", "Y"),
    ("f", "t"), ("F", "T"), ("off", "on"), ("0", "1"), ("-1", "1"), ("-1", "+1"), ("-", "+"),
    ("0.0", "1.0"), ("negative", "positive"), ("neg", "pos"), ("Absent", "Present"),
    ("nein", "ja"), ("FALSCH", "WAHR"), ("non", "oui"),
]  # fmt: skip


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize(("false", "true"), PAIRS)
def test_the_order_of_two_words_says_nothing(tmp_path, false, true, turned):
    declared = f"{{{true}, {false}}}" if turned else f"{{{false}, {true}}}"
    header = (
        f"@relation 'r: -C 1'\n@attribute l {declared}\n@attribute f {declared}\n"
        "@attribute t numeric\n"
    )
    rows = f"{true},{false},1\n{false},{true},2\n?,?,3\n"
    source, x, y = rows_of(tmp_path, header, rows)
    assert y == [{"l"}, set(), None]
    assert [row.get("f") for row in x] == [0.0, 1.0, None]
    assert source.schema.features.names == ["f", "t"]
    # What a sparse row leaves out is the word that is declared first.
    sparse = f"{{2 1}}\n{{0 {false},1 {false},2 1}}\n{{0 {true},1 {true},2 1}}\n"
    source, x, y = rows_of(tmp_path, header, sparse)
    first = {"l"} if turned else set()
    assert y == [first, set(), {"l"}]
    assert [row.get("f", 0.0) for row in x] == [float(turned), 0.0, 1.0]
    assert source.notes == []


def test_of_two_other_words_the_second_is_true_and_that_is_said_once(tmp_path):
    header = (
        "@relation 'r: -C 2'\n@attribute kind {ham,spam}\n@attribute l {absent, 'is there'}\n"
        "@attribute size {small,big}\n@attribute t numeric\n"
    )
    rows = "spam,absent,big,1\nham,'is there',small,2\n"
    source, x, y = rows_of(tmp_path, header, rows)
    assert y == [{"kind"}, {"l"}]
    assert [row["size"] for row in x] == [1.0, 0.0]
    assert source.notes == [
        "Of the label 'kind', 'spam' is taken as true, 'ham' as false.",
        "Of the label 'l', 'is there' is taken as true, 'absent' as false.",
    ]
    assert rows_of(tmp_path, header, "{3 1}\n{0 spam,1 'is there',3 1}\n")[2] == [
        set(), {"kind", "l"},
    ]  # fmt: skip


def test_labels_declared_alike_are_named_once(tmp_path):
    header = "@relation 'r: -C -99'\n@attribute t real\n" + "".join(
        f"@attribute l{k} {{A,B}}\n" for k in range(99)
    )
    source, _, y = rows_of(tmp_path, header, f"1{',B' * 99}\n")
    assert len(y[0]) == 99
    assert source.notes == [
        "Of the label 'l0' and 98 others declared alike, 'B' is taken as true, 'A' as false."
    ]


def test_a_label_of_one_word_says_what_the_word_says(tmp_path):
    header = (
        "@relation 'r: -C 3'\n@attribute a {yes}\n@attribute b {no}\n@attribute c {1}\n"
        "@attribute t numeric\n"
    )
    assert rows_of(tmp_path, header, "yes,no,1,1\n")[2] == [{"a", "c"}]
    assert rows_of(tmp_path, header, "{3 1}\n")[2] == [{"a", "c"}]


def test_words_in_other_letters_say_the_same_and_other_words_are_refused(tmp_path):
    header = "@relation 'r: -C 1'\n@attribute l {no,yes}\n@attribute t numeric\n@data\n"
    path = write(tmp_path, header + "Yes,1\nTRUE,2\n0,3\nN/A,4\nmaybe,5\n'yes',6\n")
    _, events, letters = read(path)
    assert [e.y for e in events] == [{"l"}, {"l"}, set(), None, {"l"}]
    assert [x.detail for x in letters] == ["Label 'l' has no value 'maybe'."]
    path = write(tmp_path, header.replace("{no,yes}", "{ham,spam}") + "spam,1\nyes,2\n")
    _, events, letters = read(path)
    assert [e.y for e in events] == [{"l"}]
    assert [x.detail for x in letters] == ["Label 'l' has no value 'yes'."]


def test_numeric_labels_of_plus_and_minus_one(tmp_path):
    header = "@relation 'r: -C 2'\n@attribute a numeric\n@attribute b real\n@attribute t real\n"
    assert rows_of(tmp_path, header, "1,-1,1\n-1,+1.0,2\n?,1,3\n")[2] == [
        {"a"}, {"b"}, PartialLabels(frozenset({"b"}), frozenset()),
    ]  # fmt: skip
    for rows in ("1,-1,1\n0,1,2\n", "{0 1,1 -1,2 1}\n{0 -1,2 1}\n"):  # where 0 is false
        _, events, letters = read(write(tmp_path, f"{header}@data\n{rows}"))
        assert len(letters) >= 1
        assert all(x.reason == "unknown_value" and "is '-1'" in x.detail for x in letters)
        assert len(events) + len(letters) == 2


def test_a_mark_of_what_is_missing_may_be_declared(tmp_path):
    header = (
        "@relation 'r: -C 1'\n@attribute l {?,no,yes}\n@attribute f {?,no,yes}\n"
        "@attribute none {none,mild,severe}\n@attribute t numeric\n"
    )
    _, x, y = rows_of(tmp_path, header, "?,yes,none,1\nyes,?,mild,2\n")
    assert y == [None, {"l"}]
    assert x == [{"f": 1.0, "none=none": 1.0, "t": 1.0}, {"none=mild": 1.0, "t": 2.0}]
    # What a sparse row leaves out is the first word: here, that nothing is known.
    _, x, y = rows_of(tmp_path, header, "{3 1}\n{0 yes,1 yes,3 1}\n")
    assert y == [None, {"l"}]
    assert x == [{"none=none": 1.0, "t": 1.0}, {"f": 1.0, "none=none": 1.0, "t": 1.0}]


def test_what_is_missing_is_absent_however_it_is_written(tmp_path):
    header = (
        "@relation 'r: -C 1'\n@attribute l {0,1}\n@attribute a numeric\n@attribute b {0,1}\n"
        "@attribute c {x,y,z}\n@attribute t numeric\n"
    )
    words = ("?", "NA", "NaN", "N/A", "null", "<null>", "None", "")
    rows = "".join(f"{word},{word},{word},{word},1\n" for word in words)
    _, x, y = rows_of(tmp_path, header, rows)
    assert x == [{"t": 1.0}] * len(words)
    assert y == [None] * len(words)


def test_1185_features_of_two_words_are_read_as_so_many_of_zero_and_one(tmp_path):
    n = 1185
    header = "@relation 'r: -C 1'\n@attribute l {NO,YES}\n"
    header += "".join(f"@attribute f{k} {{YES,NO}}\n" for k in range(n))
    row = ",".join("YES" if k % 100 == 7 else "NO" for k in range(n))
    source, x, y = rows_of(tmp_path, header, f"YES,{row}\nNO,{row}\n", keep_zeros=False)
    assert x == [{f"f{k}": 1.0 for k in range(n) if k % 100 == 7}] * 2
    assert y == [{"l"}, set()]
    assert len(source.schema.features) == source.n_attributes == n


# -- rows ---------------------------------------------------------------------------------

PLAIN = "@relation 'r: -C 1'\n@attribute l {0,1}\n@attribute c numeric\n"


def test_a_comma_behind_the_last_field_ends_a_row(tmp_path):
    """MOA writes one."""
    assert rows_of(tmp_path, PLAIN, "0,1,\n1,2,\n 1 , 3 , \n0,4, % x\n1,'5',\n")[1:] == (
        [{"c": 1.0}, {"c": 2.0}, {"c": 3.0}, {"c": 4.0}, {"c": 5.0}],
        [set(), {"l"}, {"l"}, set(), {"l"}],
    )  # fmt: skip
    assert rows_of(tmp_path, PLAIN, "{0 1,1 2,}\n{1 3 , }\n")[1:] == (
        [{"c": 2.0}, {"c": 3.0}], [{"l"}, set()],
    )  # fmt: skip


def test_values_with_blanks_that_moa_does_not_quote(tmp_path):
    header = PLAIN + "@attribute k {'dark blue',red,green}\n"
    _, x, y = rows_of(tmp_path, header, "0,1,dark blue,\n1,2,red,\n")
    assert x == [{"c": 1.0, "k=dark blue": 1.0}, {"c": 2.0, "k=red": 1.0}]
    assert y == [set(), {"l"}]


@pytest.mark.parametrize(
    "rows",
    [
        "1,2,{5}\n0,3,{0.5}\n",
        "1,2, {5}\n0,3 , { 0.5 } % x\n",
        "1,2\n0,3,{1e-3}\n",
        "1,2,{5},\n0,3,\n",
        "1 2 {5}\n0 3\n",
        "{0 1, 1 2}, {5}\n{1 3}, {0.5}\n",
        "{0 1, 1 2},{5}\n{1 3}\n",
        "{0 1, 1 2} {5}\n{1 3},{0.5} % x\n",
    ],
)
def test_weights_of_instances_are_passed_over_and_said_once(tmp_path, rows):
    source, x, y = rows_of(tmp_path, PLAIN, rows * 3)
    assert x == [{"c": 2.0}, {"c": 3.0}] * 3
    assert y == [{"l"}, set()] * 3
    assert source.notes == ["Rows have instance weights, which are passed over: each counts once."]


def test_rows_without_weights_say_nothing(tmp_path):
    assert rows_of(tmp_path, PLAIN, "1,2\n{1 3}\n")[0].notes == []


@pytest.mark.parametrize(
    ("line", "first"),
    [("@data 1,5\n", True), ("@DATA\t1,5 % x\n", True), ("@data {0 1,1 5}\r\n", True),
     ("  @data{0 1,1 5}\n", True), ("@data % 1,5\n", False), ("@data \n", False),
     ("@Data%\n", False)],
)  # fmt: skip
def test_a_row_may_stand_on_the_line_of_data(tmp_path, line, first):
    path = write(tmp_path, PLAIN + line + "0,6\n0,x\n")
    _, events, letters = read(path)
    assert [e.x["c"] for e in events] == ([5.0, 6.0] if first else [6.0])
    assert [x.position for x in letters] == ["line 6"]
    resumed = ArffSource(path)
    resumed.restore({"rows": 1})
    batch = resumed.next_batch(9)
    resumed.close()
    assert batch.x_values.tolist() == ([6.0] if first else [])


def test_blanks_beyond_ascii(tmp_path):
    """WEKA takes them for letters; at the ends of names and fields nobody means them."""
    header = (
        "@relation 'r: -C 1'\n@attribute\u00a0l\u00a0{0,1}\n@attribute a\u00a0b\u2003numeric\n"
        "\u00a0@attribute c real\n@attribute k {x\u00a0y,\u00a0z,w}\n"
    )
    header = header.replace("a\u00a0b\u2003", "a\u00a0b ")
    source, x, y = rows_of(tmp_path, header, "1,\u00a02,3\u00a0,x\u00a0y\n\u00a00,2,3,\u00a0z\n")
    assert source.schema.labels.names == ["l"]
    first, second = {"k=x\u00a0y": 1.0}, {"k=z": 1.0}
    assert x == [{"a\u00a0b": 2.0, "c": 3.0, **first}, {"a\u00a0b": 2.0, "c": 3.0, **second}]
    assert y == [{"l"}, set()]


# -- header -------------------------------------------------------------------------------


def test_comments_ranges_and_weights_behind_a_declaration(tmp_path):
    header = (
        "@relation 'r: -C 2' % -C 9\n"
        "@attribute l {0,1} % the label, one of {no, yes}\n"
        "@attribute m {no,yes}{2.5}\n"
        "@attribute t real [0,10]\n@attribute u real[0,1]\n@attribute v integer [0, 5] % x\n"
        "@attribute w numeric {0.5}\n@attribute k {'a}b', \"%\", c,} % }\n"
        "@attribute d date 'yyyy-MM-dd HH:mm:ss' % when\n@attribute e date\"yyyy\"\n"
    )
    rows = "1,yes,2,0.5,1,7,'a}b','2020-01-01 00:00:00',2020\n0,no,3,0.25,2,8,\"%\",?,?\n"
    source, x, y = rows_of(tmp_path, header, rows)
    assert y == [{"l", "m"}, set()]
    assert x[0] == {"t": 2.0, "u": 0.5, "v": 1.0, "w": 7.0, "k=a}b": 1.0}
    assert x[1] == {"t": 3.0, "u": 0.25, "v": 2.0, "w": 8.0, "k=%": 1.0}
    assert source.left_out == ("d", "e")


def test_blanks_part_nominal_values_where_no_comma_does(tmp_path):
    header = "@relation 'r: -C 1'\n@attribute l {0 1}\n@attribute k { red green  blue }\n"
    assert rows_of(tmp_path, header, "1,green\n")[1:] == ([{"k=green": 1.0}], [{"l"}])


def test_names_in_quotes_with_escapes(tmp_path):
    header = (
        '@relation r\n@attribute \'it\\\'s\' {0,1}\n@attribute "say \\"b\\"" {0,1}\n'
        "@attribute 'a\\\\b, {c}' numeric\n@attribute '%x' numeric\n"
    )
    _, x, y = rows_of(tmp_path, header, "1,1,2,3\n", labels=["it's", 'say "b"'])
    assert y == [{"it's", 'say "b"'}]
    assert x == [{"a\\b, {c}": 2.0, "%x": 3.0}]


@pytest.mark.parametrize(
    ("relation", "labels"),
    [
        ("'r: -C 2'", ["a", "b"]),
        ("'r: -C -1'", ["c"]),
        ("'r: -split-percentage 60 -C 2'", ["a", "b"]),
        ("'r: -C 2-weka.filters.unsupervised.attribute.Reorder-R2,1'", ["a", "b"]),
        ("'r: -C 1-weka.filters.unsupervised.attribute.AddValues-C 3'", ["a"]),
        ("'r-weka.filters.unsupervised.attribute.AddValues-C 3: -C 2'", ["a", "b"]),
        ("'r-weka.filters.unsupervised.attribute.AddValues -C 3: -C 2'", ["a", "b"]),
        ("'D:\\\\data\\\\r: -C 2'", ["a", "b"]),
        ("r -C 1", ["a"]),
        ("'r-weka.filters.unsupervised.attribute.AddValues -C 3'", None),
        ("'r: -weka.filters.AddValues -C 3'", None),
        ("'vitamin-C 2'", None),
        ("'r: vitamin-C 2'", None),
        ("'r: -C 0'", None),
    ],
)
def test_how_many_labels_there_are_is_said_by_the_relation_itself(tmp_path, relation, labels):
    attributes = "".join(f"@attribute {name} {{0,1}}\n" for name in "abcd")
    path = write(tmp_path, f"@relation {relation}\n{attributes}@data\n1,1,1,1\n")
    if labels is None:
        with pytest.raises(SchemaError, match="which attributes are labels"):
            ArffSource(path)
        return
    source = ArffSource(path)
    source.close()
    assert source.schema.labels.names == (labels if "-1" not in relation else ["d"])


def test_keel_names_its_outputs(tmp_path):
    header = (
        "@relation r\n@attribute a real [0.0, 1.0]\n@attribute l1 {0,1}\n@attribute 'l 2' {0,1}\n"
        "@inputs a\n@outputs l1, 'l 2'\n"
    )
    source, x, y = rows_of(tmp_path, header, "0.5, 1, 0\n0.75, <null>, 1\n{0 0.25}\n")
    assert source.schema.labels.names == ["l1", "l 2"]
    assert x == [{"a": 0.5}, {"a": 0.75}, {"a": 0.25}]
    assert y == [{"l1"}, PartialLabels(frozenset({"l 2"}), frozenset()), set()]


@pytest.mark.parametrize("line", ["@dataset", "@datafile 1,2", "@database", "@attributes a real"])
def test_a_word_that_begins_like_another_is_none_of_the_header(tmp_path, line):
    with pytest.raises(DataError, match=r"Line 4 of .* is no ARFF header"):
        ArffSource(write(tmp_path, f"{PLAIN}{line}\n@data\n1,2\n"))


# -- the label XML ------------------------------------------------------------------------

NO_LABELS = "@relation emo\n@attribute l1 {0,1}\n@attribute l2 {0,1}\n@attribute t numeric\n"
XML = '<labels xmlns="http://mulan.sourceforge.net/labels"><label name="l1"/></labels>'


@pytest.mark.parametrize(
    "name",
    ["emo-train.arff", "emo-test.arff", "emo_train.arff", "emo.train.arff", "emo-Training.arff.gz",
     "emo-validation.arff", "emo-fold3.arff", "emo-fold-3-train.arff", "emo-train-5.arff",
     "emo_cv10.arff", "emo-stratified10x1-test.arff", "emo-2-test.arff", "emo.arff"],
)  # fmt: skip
def test_parts_of_a_data_set_share_its_label_xml(tmp_path, name):
    beside = tmp_path / "emo.xml"
    beside.write_text(XML)
    assert find_label_xml(tmp_path / name) == beside
    own = tmp_path / f"{name.split('.arff')[0]}.xml"
    own.write_text(XML)
    assert find_label_xml(tmp_path / name) == own


@pytest.mark.parametrize("name", ["emotrain.arff", "emo-tion.arff", "emo2.arff", "train.arff"])
def test_another_data_set_has_a_label_xml_of_its_own(tmp_path, name):
    (tmp_path / "emo.xml").write_text(XML)
    assert find_label_xml(tmp_path / name) is None


def test_a_training_part_is_read_with_the_xml_of_the_whole(tmp_path):
    (tmp_path / "emo.xml").write_text(XML)
    source, events, _ = read(write(tmp_path, NO_LABELS + "@data\n1,0,2\n", "emo-train.arff"))
    assert source.schema.labels.names == ["l1"]
    assert [e.y for e in events] == [{"l1"}]


def test_a_part_that_names_its_labels_itself_needs_no_xml_of_the_whole(tmp_path):
    (tmp_path / "emo.xml").write_text(XML)
    text = NO_LABELS.replace("emo", "'emo: -C 2'") + "@data\n1,0,2\n"
    for name, labels in (("emo-2.arff", ["l1", "l2"]), ("emo.arff", ["l1"])):
        assert read(write(tmp_path, text, name))[0].schema.labels.names == labels


def test_where_no_labels_are_named_the_xml_that_is_there_is(tmp_path):
    path = write(tmp_path, NO_LABELS + "@data\n1,0,2\n", "other.arff")
    with pytest.raises(SchemaError, match=r"label XML \(--xml\)\.$"):
        ArffSource(path)
    (tmp_path / "emo.xml").write_text(XML)
    with pytest.raises(SchemaError, match=r"--xml; there is .*emo\.xml\)\.$"):
        ArffSource(path)


def test_labels_known_in_part(tmp_path):
    header = "@relation 'r: -C 2'\n@attribute a {yes,no}\n@attribute b {n,y}\n@attribute t real\n"
    _, _, y = rows_of(tmp_path, header, "yes,?,1\n?,n,2\n?,?,3\n")
    assert y == [
        PartialLabels(frozenset({"a"}), frozenset()),
        PartialLabels(frozenset(), frozenset({"b"})),
        None,
    ]
