"""The grammar of values: missing, true, numbers, features of a field, lists of labels."""

import json
import math
import subprocess
import sys
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamml.types.label_lists import (
    find_separator,
    holds_unknown,
    is_multi_hot,
    label_names,
    labels_at,
    split_labels,
    unsplit,
)
from streamml.types.truth import is_signed, truth, two_values, words_of_pair
from streamml.types.values import (
    FLOAT32_MAX,
    BadValueError,
    feature_items,
    flat_features,
    is_missing,
    number,
    plain_number,
    text_feature,
)

MISSING = ["", " ", "?", "NA", "na", "N/A", "n/a", "#N/A", "<NA>", "NaN", "nan", "-nan", "NaT",
           "null", "NULL", "None", "none", "-", "--", "n.a.", "..", r"\N", "#DIV/0!", "#VALUE!",
           "#REF!", "#NAME?", "#NUM!", "#NULL!", None, math.nan, np.float32("nan"), pd.NA,
           pd.NaT, np.datetime64("NaT"), Decimal("nan")]  # fmt: skip
TRUE = ["1", "+1", "1.0", "1e0", "true", "TRUE", "True", "yes", "Y", "t", "On", "Positive",
        "pos", "present", " 1 ", 1, 1.0, True,
        np.True_, np.int8(1), Decimal(1)]  # fmt: skip
FALSE = ["0", "-0", "0.0", "false", "FALSE", "no", "N", "f", "off", "negative", "NEG",
         "absent", 0, 0.0, False, np.False_]  # fmt: skip
OTHERS = ["2", "-1", "0.5", "maybe", "yess", "0x1", "1_0", "\u0661", [], {}, 2, -1, 0.5, b"1"]
numbers = st.floats(-FLOAT32_MAX, FLOAT32_MAX)
words = st.text("abcdefgh", min_size=3, max_size=6)


@pytest.mark.parametrize("value", MISSING, ids=repr)
def test_what_is_missing_is_absent_as_a_feature_and_unknown_as_a_label(value):
    assert is_missing(value)
    assert truth(value, "Label 'a'") is None
    assert list(feature_items("f", value)) == []


@pytest.mark.parametrize("value", [*TRUE, *FALSE, *OTHERS, "inf", math.inf, "Na na", "nano"])
def test_what_is_not_missing(value):
    assert not is_missing(value)


@pytest.mark.parametrize(("values", "said"), [(TRUE, True), (FALSE, False)])
def test_truth(values, said):
    assert [truth(value, "Label 'a'") for value in values] == [said] * len(values)


@pytest.mark.parametrize("value", OTHERS, ids=repr)
def test_what_is_neither_true_nor_false_is_said_with_the_words_that_are(value):
    with pytest.raises(BadValueError, match="yes/no") as bad:
        truth(value, "Label 'a'")
    assert bad.value.reason == "unknown_value"


def test_minus_one_is_false_where_all_are_signs():
    assert [truth(v, "", signed=True) for v in ("-1", "+1", -1, "-1.0", "-", "+")] == [
        False, True, False, False, False, True,
    ]  # fmt: skip
    assert is_signed(["-1", "1"])
    assert is_signed([-1, 1, None])
    assert not is_signed(["1"])
    assert not is_signed(["-1", "0", "1"])
    assert is_signed(["-1", "no", "maybe", None])
    assert not is_signed(["-1", "-0.0"])


@pytest.mark.parametrize(
    ("declared", "table"),
    [
        (["yes", "no"], {"yes": True, "no": False}),
        (["False", "True"], {"False": False, "True": True}),
        (["1", "0"], {"1": True, "0": False}),
        (["1", "-1"], {"1": True, "-1": False}),
        (["+", "-"], {"+": True, "-": False}),
        (["N", "Y"], {"N": False, "Y": True}),
        (["positive", "negative"], {"positive": True, "negative": False}),
        (["Absent", "Present"], {"Absent": False, "Present": True}),
        (["0"], {"0": False}),
    ],
)
def test_words_that_say_it_themselves_may_be_declared_in_any_order(declared, table):
    assert two_values(declared, "the label 'a'") == (table, None)


@pytest.mark.parametrize("declared", [["ham", "spam"], ["none", "some"], ["2", "1"], ["yes", "1"]])
def test_of_two_other_words_the_second_is_true_and_that_is_said(declared):
    table, note = two_values(declared, "the label 'a'")
    assert table == {declared[0]: False, declared[1]: True}
    assert repr(declared[1]) in note


@pytest.mark.parametrize(
    ("declared", "yes"),
    [(["yes", "unsure"], "yes"), (["2", "0"], "2"), (["0", "2"], "2"),
     (["off", "dimmed"], "dimmed"),
     (["some", "no"], "some"), (["1", "2"], "2"), (["2", "1"], "1"),
     (["on", "dimmed"], "on")],
)  # fmt: skip
def test_where_one_word_says_it_the_other_is_its_counterpart(declared, yes):
    table, note = two_values(declared, "the label 'a'")
    assert table == {word: word == yes for word in declared}
    assert f"{yes!r} is taken as true" in note


def test_a_column_of_two_words():
    assert words_of_pair(["yes", "No", " YES"])
    assert not words_of_pair(["yes", "yes"])
    assert not words_of_pair(["yes", "f"])
    assert not words_of_pair(["yes", "no", "maybe"])
    assert not words_of_pair([])


@given(numbers)
def test_what_python_writes_of_a_number_is_that_number(value):
    assert plain_number(repr(value), "f") == value == number(repr(value), "f")


@pytest.mark.parametrize(
    "text",
    ["04107", "00", "-01", "1_000", "0x10", "1,5", "\u0661", " 1", "1 ", "", ".", "1e", "e1"],
)
def test_what_only_looks_like_a_number(text):
    assert plain_number(text, "f") is None


@pytest.mark.parametrize("value", ["inf", "-Infinity", "1e39", math.inf, -math.inf, 1e39, 10**400])
def test_what_is_infinite_is_an_error(value):
    with pytest.raises(BadValueError) as bad:
        list(feature_items("f", value))
    assert bad.value.reason == "not_finite"
    with pytest.raises(BadValueError) as bad:
        truth(value, "Label 'a'")
    assert bad.value.reason == "not_finite"


def test_a_long_text_that_begins_like_a_number_is_judged_at_once():
    """As quickly as it is read: not by every way to part its digits (here 10**12 steps)."""
    code = (
        "from streamml.types.values import plain_number\n"
        "assert plain_number('1' * 1_000_000 + 'x', 'f') is None\n"
        "assert plain_number('1' * 500_000 + '.' + '1' * 500_000 + 'x', 'f') is None\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=20)


def test_declared_numbers():
    assert number("04107", "f") == 4107.0
    for value, reason in ((b"1", "wrong_type"), (1j, "wrong_type"), ("many", "not_a_number")):
        with pytest.raises(BadValueError) as bad:
            number(value, "f")
        assert bad.value.reason == reason


@given(words)
def test_a_text_is_a_feature_of_its_own(text):
    if not is_missing(text) and text not in ("false",):
        assert text_feature("f", text) == (f"f={text}", 1.0)


def test_features_of_all_kinds():
    x = {
        "n": 3, "b": True, "t": "Rome", "s": "1.5", "none": None, "na": "N/A", 7: np.int64(2),
        "zip": "04107", "emb": np.array([[1.0, 2.0], [3.0, np.nan]]),
        "tags": ["a", "b", "a", "3", "NA"],
        "meta": {"a": {"b": False}, "to": ["x", {"y": 1}], "nil": []},
    }  # fmt: skip
    assert flat_features(x) == {
        "n": 3.0, "b": 1.0, "t=Rome": 1.0, "s": 1.5, "7": 2.0, "zip=04107": 1.0, "emb.0.0": 1.0,
        "emb.0.1": 2.0, "emb.1.0": 3.0, "tags=a": 1.0, "tags=b": 1.0, "tags=3": 1.0,
        "meta.a.b": 0.0, "meta.to=x": 1.0, "meta.to.1.y": 1.0,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("x", "reason"),
    [
        ({"a": {"b": 1}, "a.b": 2}, "malformed"),
        ({1: 1.0, "1": 1.0}, "malformed"),
        ({"a=b": 1.0, "a": "b"}, "malformed"),
        ({"a": object()}, "wrong_type"),
        ({"a": [1, b"2"]}, "wrong_type"),
        ({"a": [math.inf]}, "not_finite"),
    ],
)
def test_features_that_cannot_be_used(x, reason):
    with pytest.raises(BadValueError) as bad:
        flat_features(x)
    assert bad.value.reason == reason


def test_an_object_that_nests_for_ever_is_refused():
    x = {}
    x["x"] = x
    with pytest.raises(BadValueError, match="nests too deep"):
        flat_features(x)


@given(st.dictionaries(words, numbers | st.integers(-(10**9), 10**9), max_size=6))
def test_numbers_stay_as_they_are(x):
    assert flat_features(x) == x


@given(st.lists(words, unique=True, max_size=5), st.sampled_from([";", "|", ",", " "]))
def test_a_list_written_in_any_way_is_the_same_list(labels, separator):
    labels = [label for label in labels if not is_missing(label)]
    for text in (
        separator.join(labels),
        json.dumps(labels),
        repr(labels),
        f" {separator} ".join(labels),
    ):
        assert split_labels(text, separator) == labels
    assert label_names(labels, "y") == labels
    assert label_names({**dict.fromkeys(labels, True), "other": False}, "y") == labels


@given(st.lists(st.lists(words, min_size=1, max_size=4), min_size=1), st.sampled_from(";|,"))
def test_the_separator_in_use_is_found(lists, separator):
    texts = [separator.join(labels) for labels in lists]
    held = any(separator in text for text in texts)
    assert find_separator(texts) == (separator if held else ";")


def test_lists_of_labels():
    assert split_labels("", ";") == split_labels("[]") == split_labels("{}") == []
    assert split_labels("?") is None
    assert split_labels("NULL") is None
    assert split_labels('{"toxic": 1, "spam": 0}') == ["toxic"]
    assert split_labels("{'a', 'b'}") in (["a", "b"], ["b", "a"])
    assert split_labels("[0, 3]") == ["0", "3"]
    assert split_labels("[sun, rain]") == ["sun", "rain"]
    assert split_labels("[None, 'a']") == ["a"]
    assert split_labels("['a' 'b'\n 'c d']") == ["a", "b", "c d"]
    assert split_labels("['it''s', '']") == ["it's"]
    assert split_labels("1.0;2.0;3") == [*split_labels("[1.0, 2]"), "3"] == ["1", "2", "3"]
    for name in ("01.0", "1.5", "+1", "(2 parts)", "c(x)", "(no genres listed)"):
        assert split_labels(name) == [name]
    assert label_names([" a ", " ", "b", "a"], "y") == label_names({" a": 1, "b ": 1}, "y")
    assert label_names(np.array([3, 0]), "y") == ["3", "0"]
    assert label_names([1.0, 4.0], "y") == ["1", "4"]
    assert find_separator(["sun warm", "warm", "sun"]) == " "
    assert find_separator(["New York", "Rome"]) == ";"
    assert find_separator(["['a', 'b']"]) == ";"


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        ("('a', 'b')", ["a", "b"]), ("('a',)", ["a"]), ("(1, 2)", ["1", "2"]),
        ("{'b', 'a'}", ["a", "b"]),
        ("frozenset({'b', 'a'})", ["a", "b"]), ("set(['a'])", ["a"]), ('c("a", "b")', ["a", "b"]),
        ("c(1, 2)", ["1", "2"]), ("c(0)", ["0"]), ("c(1, NA)", ["1"]), ("[1 2]", ["1", "2"]),
        ("[ 1.\n 2.]", ["1", "2"]), ("[nan  3.]", ["3"]), ("b'a'", ["a"]),
        ("[b'a', b'b']", ["a", "b"]),
        ("b'a;b'", ["a", "b"]), *((text, []) for text in ("()", "( )", "set()", "frozenset()",
        "list()", "tuple()", "character(0)", "integer(0)", "[]", "{}", "b''")),
    ],
)  # fmt: skip
def test_lists_as_programs_write_them(text, labels):
    assert split_labels(text) == split_labels(f" {text} ") == labels


def test_tags_in_angle_brackets():
    lists = ["<python><pandas>", "<r>", "", "<c++>"]
    assert find_separator(lists) == "><"
    assert [split_labels(text, "><") for text in lists] == [
        ["python", "pandas"],
        ["r"],
        [],
        ["c++"],
    ]
    assert find_separator(["<unk>", "<s>"]) == ";"
    assert split_labels("<unk>") == ["<unk>"]


def test_a_list_may_name_what_is_not_known():
    assert all(map(holds_unknown, (["a", None], {None}, (math.nan, 1), np.array([1.0, np.nan]))))
    assert not any(map(holds_unknown, (["a", "", "none"], [], None, "None", {"a": None})))


@pytest.mark.parametrize(
    "text",
    [
        "[1 2 ... 9]",
        "['a' ... 'b']",
        "['a', 'b]",
        "[{]",
        "[0, 1, 1]",
        "[True]",
        "[[1]]",
        "{'a': 'x'}",
    ],
)
def test_lists_that_cannot_be_read(text):
    with pytest.raises(BadValueError):
        split_labels(text)


@pytest.mark.parametrize("value", [3, "ab", None, [b"a"], [1.5], [[1]], [0, 1, 1], [True, False]])
def test_what_is_no_list_of_labels(value):
    with pytest.raises(BadValueError):
        label_names(value, "Its 'y'")


def test_rows_of_zeros_and_ones():
    assert is_multi_hot([0, 0])
    assert is_multi_hot([1.0, 0.0, 1.0])
    assert is_multi_hot([np.True_])
    assert not is_multi_hot([])
    assert not is_multi_hot([0, 3])
    assert not is_multi_hot(["0", "0", "1"])
    assert labels_at([0, 1.0, True], ["a", "b", "c"], "Its 'y'") == ["b", "c"]
    for row in ([0, 1], [0, 1, 2]):
        with pytest.raises(BadValueError, match="Its 'y'"):
            labels_at(row, ["a", "b", "c"], "Its 'y'")


def test_lists_that_look_unsplit_are_said():
    assert "'a|b'" in unsplit(["a|b", "c", ""], ";")
    assert unsplit(["a|b", "c;d"], ";") is None
    assert unsplit(["a", "b"], ";") is None
    assert unsplit(["['a', 'b']"], ";") is None
