"""JSON Lines as people have them: Hugging Face's, spaCy's, MongoDB's, flat and nested."""

from __future__ import annotations

import bz2
import json
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest

from streamml.errors import ConfigError, DataError, SchemaError
from streamml.types import PartialLabels
from streamml_connectors.files import open_source


def read(path: Path, **options):
    """The source, its events, its dead letters."""
    source, events = open_source(path, **options), []
    while (batch := source.next_batch(3)) is not None:
        events += list(batch.events())
    source.close()
    return source, events, [(x.reason, x.position) for x in source.take_dead_letters()]


def write(folder: Path, lines, name: str = "d.jsonl") -> Path:
    path = folder / name
    text = lines if isinstance(lines, str) else "".join(json.dumps(one) + "\n" for one in lines)
    path.write_text(text, "utf-8")
    return path


def whole(folder: Path, lines, **options):
    """Features and labels of each line; nothing may be lost."""
    source, events, letters = read(write(folder, lines), **options)
    assert letters == []
    return source, [dict(e.x) for e in events], [e.y for e in events]


# -- labels -------------------------------------------------------------------------------


def test_integers_are_labels(tmp_path):
    """Hugging Face's GoEmotions."""
    lines = [
        {"text": "what a day", "labels": [0, 3], "id": "x1"},
        {"text": "so sad", "labels": [25], "id": "x2"},
        {"text": "neutral thing", "labels": [], "id": "x3"},
    ]
    source, events, letters = read(write(tmp_path, lines), label_list="labels")
    assert letters == []
    assert [e.id for e in events] == ["x1", "x2", "x3"]
    assert [e.y for e in events] == [{"0", "3"}, {"25"}, set()]
    assert source.schema.labels.names == ["0", "3", "25"]


def test_a_list_that_names_what_is_not_known_is_known_in_part(tmp_path):
    lines = [{"f": 1, "y": ["a", None]}, {"f": 1, "y": ["b ", ""]}, {"f": 1, "y": "['a', None]"},
             {"f": 1, "y": [1.0, 2]}, {"f": 1, "y": "1.0;2"}]  # fmt: skip
    partly = PartialLabels(frozenset({"a"}), frozenset())
    assert whole(tmp_path, lines, label_list="y")[2] == [partly, {"b"}, partly, *[{"1", "2"}] * 2]
    lines = [{"x": {"f": 1}, "y": ["a", None]}, {"x": {"f": 1}, "y": [" b"]}]
    assert whole(tmp_path, lines)[2] == [partly, {"b"}]


def test_a_mapping_says_which_labels_are_true(tmp_path):
    """spaCy's cats."""
    lines = [
        {"text": "a b", "labels": {"toxic": 1, "spam": 0}},
        {"text": "c d", "labels": {"toxic": 0, "spam": 1}},
        {"text": "a b", "labels": {"toxic": True, "spam": None}},
        {"text": "a b", "labels": None},
    ]
    assert whole(tmp_path, lines, label_list="labels")[2] == [
        {"toxic"}, {"spam"}, PartialLabels(frozenset({"toxic"}), frozenset()), None,
    ]  # fmt: skip


def test_label_fields_say_true_in_any_word(tmp_path):
    lines = [{"f": 1, "a": "yes", "b": True}, {"f": 1, "a": "No", "b": 0.0}, {"f": 1, "b": "N/A"}]
    assert whole(tmp_path, lines, labels=["a", "b"])[2] == [{"a", "b"}, set(), None]
    lines = [{"f": 1, "a": "negative", "b": "present"}, {"f": 1, "a": "positive", "b": "absent"}]
    assert whole(tmp_path, lines, labels=["a", "b"])[2] == [{"b"}, {"a"}]
    lines = [{"f": 1, "a": 1}, {"f": 1, "a": -1}, {"f": 1, "a": "-1"}]
    assert whole(tmp_path, lines, labels=["a"])[2] == [{"a"}, set(), set()]
    _, events, letters = read(write(tmp_path, [*lines, {"f": 1, "a": 0}]), labels=["a"])
    assert [e.y for e in events] == [{"a"}, set()]
    assert letters == [("unknown_value", "line 2"), ("unknown_value", "line 3")]


def test_labels_within_an_object_and_not_in_every_line(tmp_path):
    lines = [
        {"f": 1},
        {"f": 2, "cats": {"a": 1, "b": 0}, "meta": {"tags": ["p", "q"], "k": 1}},
        {"f": 3, "cats": {"a": 0, "b": None}, "meta": {"tags": []}},
    ]
    _, x, y = whole(tmp_path, lines, labels=["cats.a", "cats.b"], ignore=["meta"])
    assert x == [{"f": 1.0}, {"f": 2.0}, {"f": 3.0}]
    assert y == [None, {"cats.a"}, PartialLabels(frozenset(), frozenset({"cats.a"}))]
    _, x, y = whole(tmp_path, lines, label_list="meta.tags", ignore=["cats"])
    assert x == [{"f": 1.0}, {"f": 2.0, "meta.k": 1.0}, {"f": 3.0}]
    assert y == [None, {"p", "q"}, set()]
    assert whole(tmp_path, lines, label_list="cats", ignore=["meta"])[2][:2] == [None, {"a"}]


@pytest.mark.parametrize(
    "rows",
    [[[0, 1, 1], [0, 0, 1], [1, 0, 0]], [[1, 0, 1], [0, 1, 0], [0, 0, 0]],
     [[False, True, False], [True, True, True], [False, False, False]]],
)  # fmt: skip
def test_rows_of_zeros_and_ones_go_by_position_where_the_labels_have_names(tmp_path, rows):
    flat = [{"f": 1, "y": row} for row in rows]
    names = ["sun", "rain", "snow"]
    source, _, y = whole(tmp_path, flat, label_list="y", labels=names)
    assert source.schema.labels.names == names
    assert y == [{name for name, one in zip(names, row, strict=True) if one} for row in rows]
    with pytest.raises(SchemaError, match=r"rows of 0 and 1 \('y'\): name them in order"):
        open_source(write(tmp_path, flat), label_list="y")
    with pytest.raises(SchemaError, match="rows of 0 and 1"):
        open_source(write(tmp_path, [{"x": {"f": 1}, "y": row} for row in rows]))


def test_two_places_are_told_from_two_labels(tmp_path):
    for rows in ([[1, 0], [0, 1]], [[1, 0], [0, 1], [1, 1]], [[0, 0], [0, 1]]):
        with pytest.raises(SchemaError, match="rows of 0 and 1"):
            open_source(write(tmp_path, [{"f": 1, "y": row} for row in rows]), label_list="y")
    for rows in ([[0, 1], [0, 1]], [[0, 1], [1]], [[1, 0], [0, 1], []]):
        lines = [{"f": 1, "y": row} for row in rows]
        assert whole(tmp_path, lines, label_list="y")[2] == [set(map(str, row)) for row in rows]


def test_a_row_of_another_length_is_a_dead_letter(tmp_path):
    lines = [{"f": 1, "y": [0, 1, 1]}, {"f": 1, "y": [1, 0, 0]}]
    path = write(tmp_path, [*lines, *[lines[0]] * 1000, {"f": 1, "y": [1, 1]}])
    _, events, letters = read(path, label_list="y", labels=["a", "b", "c"])
    assert (len(events), letters) == (1002, [("wrong_type", "line 1003")])


def test_names_beside_a_list_are_for_rows_of_zeros_and_ones_only(tmp_path):
    path = write(tmp_path, [{"f": 1, "y": ["a"]}])
    with pytest.raises(ConfigError, match="Both labels and label_list"):
        open_source(path, label_list="y", labels=["a", "b"])


@pytest.mark.parametrize(
    ("lists", "separator", "labels", "note"),
    [
        (["a;b", "a"], None, [{"a", "b"}, {"a"}], ""),
        (["a|b", "a"], None, [{"a", "b"}, {"a"}], "The labels of a list are separated by '|'."),
        (["a, b", "a"], None, [{"a", "b"}, {"a"}], "The labels of a list are separated by ','."),
        (["a|b", "a"], ";", [{"a|b"}, {"a"}], "look unsplit: none holds ';', but 1 of 2 hold '|'"),
        (["['a', 'b']", "[]"], None, [{"a", "b"}, set()], ""),
        ([["a|b"], ["a"]], None, [{"a|b"}, {"a"}], "look unsplit: none holds ';'"),
        ([["a", "b|c"], ["a"]], None, [{"a", "b|c"}, {"a"}], ""),
    ],
)
def test_lists_that_are_a_text(tmp_path, lists, separator, labels, note):
    lines = [{"f": 1, "tags": one} for one in lists]
    source, _, y = whole(tmp_path, lines, label_list="tags", separator=separator)
    assert y == labels
    assert note in " ".join(source.notes)
    assert bool(source.notes) == bool(note)


def test_names_are_taken_as_they_are(tmp_path):
    """What would steer a terminal is made harmless where it is shown, not where it is read."""
    lines = [{"x": {"f": 0}, "y": ["\x1b[31mred"]}, {"x": {"f": 1}, "y": ["\x1b[31mred", "a\nb"]}]
    assert whole(tmp_path, lines)[2] == [{"\x1b[31mred"}, {"\x1b[31mred", "a\nb"}]


# -- features -----------------------------------------------------------------------------


def test_nested_fields_lists_and_texts_are_features(tmp_path):
    lines = [
        {"text": "a", "score": 0.5, "tags": ["p"], "meta": {"lang": "en"}, "tokens": ["a"]},
        {"text": "b", "score": 0.25, "tags": ["q"], "meta": {"lang": "de"}, "tokens": ["b", "c"]},
    ]
    source, x, y = whole(tmp_path, lines, label_list="tags")
    assert x == [
        {"text=a": 1.0, "score": 0.5, "meta.lang=en": 1.0, "tokens=a": 1.0},
        {"text=b": 1.0, "score": 0.25, "meta.lang=de": 1.0, "tokens=b": 1.0, "tokens=c": 1.0},
    ]
    assert y == [{"p"}, {"q"}]
    assert {c.name: c.kind for c in source.columns} == {
        "text": "nominal", "score": "number", "tags": "labels", "meta.lang": "nominal",
        "tokens": "nominal",
    }  # fmt: skip
    _, x, _ = whole(tmp_path, lines, label_list="tags", ignore=["meta", "text", "tokens"])
    assert x == [{"score": 0.5}, {"score": 0.25}]
    _, x, _ = whole(tmp_path, lines, label_list="tags", ignore=["meta.lang", "text", "tokens"])
    assert x == [{"score": 0.5}, {"score": 0.25}]


def test_values_of_every_kind(tmp_path):
    lines = [
        {"n": "1.5", "open": True, "emb": [0.5, 1], "no": None, "ok": "yes", "c": "N/A", "l": 1},
        {"n": "2", "open": False, "emb": [0, None], "no": "nan", "ok": "No", "c": "red", "l": 0},
    ]
    source, x, _ = whole(tmp_path, lines, labels=["l"])
    assert x == [
        {"n": 1.5, "open": 1.0, "emb.0": 0.5, "emb.1": 1.0, "ok": 1.0},
        {"n": 2.0, "open": 0.0, "emb.0": 0.0, "ok": 0.0, "c=red": 1.0},
    ]
    assert [c.kind for c in source.columns][:3] == ["number", "boolean", "numbers"]


def test_mongodb_exports(tmp_path):
    lines = [
        {"_id": {"$oid": "5f1e"}, "f": {"$numberDouble": "1.5"}, "tags": ["p"],
         "timestamp": 5},
        {"_id": {"$oid": "5f1f"}, "f": 2.0, "tags": ["q"]},
        {"_id": 7, "f": {"$numberLong": "3"}, "tags": ["q"],
         "timestamp": {"$date": {"$numberLong": "1700000000000"}}},
    ]  # fmt: skip
    source, events, letters = read(write(tmp_path, lines), label_list="tags")
    assert letters == []
    assert [e.id for e in events] == ["5f1e", "5f1f", 7]
    assert [dict(e.x) for e in events] == [{"f": 1.5}, {"f": 2.0}, {"f": 3.0}]
    assert events[2].timestamp == 1.7e9
    assert [c.name for c in source.columns if c.kind == "id"] == ["_id"]


def flat(n: int, **fields):
    """Objects of which each field is made of the number of its line."""
    return [{"f": k % 5, "l": k % 2, **{name: make(k) for name, make in fields.items()}}
            for k in range(n)]  # fmt: skip


def test_identifiers_times_and_free_texts_are_left_out_and_said(tmp_path):
    lines = flat(
        200, key="k{}".format, said=lambda k: f"all that was said the {k}th time",
        day=lambda k: f"2026-01-{k % 28 + 1:02d}T00:00:00Z", city=lambda k: "ab"[k % 2],
        user=lambda k: {"name": f"u{k}", "age": k % 3},
    )  # fmt: skip
    source, x, _ = whole(tmp_path, lines, labels=["l"])
    assert x[1] == {"f": 1.0, "city=b": 1.0, "user.age": 1.0}
    assert source.left_out == ("key", "said", "day", "user.name")
    assert [note[:26] for note in source.notes] == ["4 columns are left out: 'k"]
    assert len(source.schema.features) == 4


def test_a_free_text_that_is_all_there_is_stays(tmp_path):
    """Each event is one all the same, and its labels are learned."""
    lines = [{"text": f"text number {k}", "tags": ["a"]} for k in range(100)]
    source, x, _ = whole(tmp_path, lines, label_list="tags")
    assert x[7] == {"text=text number 7": 1.0}
    assert [c.note for c in source.columns if c.name == "text"] == [
        "kept, as there is no other feature"
    ]


def test_what_the_first_objects_show_is_the_same_in_any_piece(tmp_path):
    """A file that is read in small pieces, here by its packing, is judged by the same rows."""
    lines = flat(3000, key="k{}".format, note=lambda k: "x" * 500)
    path, packed = write(tmp_path, lines), tmp_path / "d.jsonl.bz2"
    packed.write_bytes(bz2.compress(path.read_bytes()))
    (first, events, _), (second, again, _) = (read(p, labels=["l"]) for p in (path, packed))
    assert first.columns == second.columns
    assert [dict(e.x) for e in events] == [dict(e.x) for e in again]


# -- the file as a whole ------------------------------------------------------------------


@pytest.mark.parametrize("name", ["d.jsonl", "d.json", "d.ndjson"])
@pytest.mark.parametrize(
    "text",
    [
        '[{"x": {"f": 1}, "y": ["a"]},\n{"x": {"f": 2}, "y": ["b"]}]\n',
        '[{"x": {"f": 1}, "y": ["a"]}, {"x": {"f": 2}, "y": ["b"]}]',
        '[\n  {"x": {"f": 1}, "y": ["a"]}\n]\n',
        "[]\n",
    ],
)
def test_an_array_is_said_at_once(tmp_path, text, name):
    with pytest.raises(DataError, match=r"is a JSON array: write one object a line \(jq -c"):
        open_source(write(tmp_path, text, name))


@pytest.mark.parametrize("indent", [0, 2])
def test_objects_over_several_lines_are_said_at_once(tmp_path, indent):
    text = "\n".join(json.dumps({"x": {"f": k}, "y": ["a"]}, indent=indent) for k in range(2))
    with pytest.raises(DataError, match=r"holds objects over several lines: .*\(jq -c \. d\.json"):
        open_source(write(tmp_path, text))


def test_a_broken_first_line_is_a_dead_letter(tmp_path):
    good = '{"x": {"f": 1}, "y": ["a"]}\n'
    for bad in ("{\n", '{"x": {"f": 1}\n', "[1, 2]\n", '"x"\n', "oops\n"):
        _, events, letters = read(write(tmp_path, bad + good))
        assert (len(events), letters) == (1, [("malformed", "line 1")])


def test_json_under_its_own_suffix(tmp_path):
    path = write(tmp_path, [{"x": {"f": 1}, "y": ["a"]}], "d.json")
    assert [e.y for e in read(path)[1]] == [{"a"}]


# -- times --------------------------------------------------------------------------------


def test_times_in_milliseconds_are_those_in_seconds(tmp_path):
    lines = [{"x": {"f": 1}, "y": [], "timestamp": 1_700_000_000 + k} for k in range(5)]
    seconds = [e.timestamp for e in read(write(tmp_path, lines))[1]]
    assert seconds == [1_700_000_000 + k for k in range(5)]
    assert read(write(tmp_path, lines))[0].notes == []
    for per_second, unit in ((1000, "milli"), (10**6, "micro"), (10**9, "nano")):
        counted = [{**one, "timestamp": one["timestamp"] * per_second} for one in lines]
        source, events, _ = read(write(tmp_path, counted))
        assert [e.timestamp for e in events] == seconds
        assert len(source.notes) == 1
        assert source.notes[0].startswith(f"Timestamps are taken as {unit}seconds since 1970")


def test_times_of_tables_are_taken_alike(tmp_path):
    whens = [1_700_000_000_000, 1_700_000_001_500]
    text = "".join(f"{when},1,1\n" for when in whens)
    csv = write(tmp_path, f"timestamp,f,l\n{text}", "d.csv")
    parquet = tmp_path / "d.parquet"
    table = {"timestamp": whens, "f": [1, 1], "label:l": [1, 1]}
    pyarrow.parquet.write_table(pyarrow.table(table), parquet)
    for path, options in ((csv, {"labels": ["l"]}), (parquet, {})):
        source, events, _ = read(path, timestamp="timestamp", **options)
        assert [e.timestamp for e in events] == [1.7e9, 1.7e9 + 1.5]
        assert source.notes == [
            "Timestamps are taken as milliseconds since 1970: 1700000000000 is no time in seconds."
        ]
