"""What a JSON event may hold, field by field, and why another is refused."""

from __future__ import annotations

from contextlib import contextmanager
from copy import deepcopy

import pytest

from streamml_connectors.files.columns import BadRow, Row
from streamml_connectors.files.json_event import (
    decode_object,
    features,
    identify,
    plain,
    read_event,
    take_labels,
    take_text,
)


@contextmanager
def bad(reason, words):
    with pytest.raises(BadRow, match=words) as found:
        yield
    assert found.value.reason == reason


def test_a_line_is_one_object():
    assert decode_object('{"a": [1, null]}') == {"a": [1, None]}
    assert decode_object(b"{}") == {}
    for text in ("[1]", "7", "null", '"a"'):
        with bad("malformed", r"It is no JSON object: write \{...\} on each line"):
            decode_object(text)
    for text in ("", "{", '{"a": 1}}', "{'a': 1}", '{"a": ' + "[" * 100_000):
        with bad("malformed", "It is no JSON: "):
            decode_object(text)
    assert decode_object('{"a": NaN, "b": [NaN, 1]}') == {"a": None, "b": [None, 1]}
    for word in ("Infinity", "-Infinity"):
        with bad("not_finite", f"It holds {word}: leave out"):
            decode_object('{"a": ' + word + "}")
    with bad("not_finite", "A number is too large"):
        decode_object('{"a": 1e999}')


def identified(found, **names):
    row = Row()
    identify(found, row, names.get("id", "id"), names.get("time", "t"))
    return row.id, row.timestamp


def test_an_event_is_named_and_timed():
    assert identified({}) == (None, None)
    assert identified({"id": "a", "t": 3}) == ("a", 3.0)
    assert identified({"id": 7, "t": "1970-01-01T00:00:09Z"}) == (7, 9.0)
    assert identified({"id": 0, "t": ""}) == (0, None)
    assert identified({"key": "k", "at": 0.5}, id="key", time="at") == ("k", 0.5)
    assert identified({"id": 3.0, "t": "N/A"}) == (3, None)
    assert identified({"id": "", "t": 1.5e12}) == (None, 1.5e9)
    for wrong in (True, 1.5, ["a"], {}):
        with bad("wrong_type", "Its 'id' is neither a string nor an integer"):
            identified({"id": wrong})
    for wrong in ([1], {}):
        with bad("wrong_type", "Its 't' is .*, which is no number"):
            identified({"t": wrong})
    with bad("wrong_type", "neither seconds nor an ISO 8601"):
        identified({"t": "yesterday"})


@pytest.mark.parametrize(
    ("found", "field", "text", "left"),
    [
        ({"x": "words"}, "x", "words", {}),
        ({"x": "words"}, "note", "words", {}),  # the only text there is
        ({"x": "words", "note": "more"}, "note", "more", {"x": "words"}),
        ({"x": {"note": "in it", "f": 1}}, "note", "in it", {"x": {"f": 1}}),
        ({"x": {"f": 1}, "note": "beside"}, "note", "beside", {"x": {"f": 1}}),
        ({"x": {"f": 1}}, "note", None, {"x": {"f": 1}}),
        ({"note": None}, "note", None, {}),
    ],
)
def test_the_text_is_taken_out_of_the_event(found, field, text, left):
    found = deepcopy(found)  # of every run of this test
    assert take_text(found, field) == text
    assert found == left


def test_a_text_is_a_string():
    with bad("wrong_type", "Its text 'note' is no string"):
        take_text({"note": 7}, "note")


def event(found, text=None):
    row = Row(text=text)
    read_event(found, row)
    return row


def test_features_are_numbers_and_null_is_not_known():
    assert event({"x": {"a": 1, "b": None, "c": -0.5}}).x == {"a": 1.0, "c": -0.5}
    assert event({"x": {}}).x == {}
    assert features({"a": 3}) == {"a": 3.0}
    assert event({}, text="words").x == {}
    for found in ({}, {"x": None}):
        with bad("no_features", 'It has no "x": give it at least one feature'):
            event(found)
    for x in ("words", [1], 7):
        with bad("wrong_type", 'Its "x" is no object: text needs --embed'):
            event({"x": x})
    with bad("not_finite", "Feature 'a' .*float32 cannot hold it"):
        features({"a": 3.5e38})
    with bad("not_finite", "Feature 'a'"):
        features({"a": -(10**400)})
    assert features({"a": 3.4e38, "b": True}) == {"a": 3.4e38, "b": 1.0}


def test_sparse_is_a_word_of_its_own():
    assert not event({"x": {"a": 1}}).sparse
    assert not event({"x": {"a": 1}, "sparse": False}).sparse
    assert event({"x": {}, "sparse": True}).sparse
    with bad("wrong_type", 'Its "sparse" is neither true nor false'):
        event({"x": {}, "sparse": 1})


def labels(y):
    row = event({"x": {"a": 1}, "y": y})
    return row.positive, row.negative, row.y_known


def test_labels_are_known_in_full_in_part_or_not():
    assert labels(["b", "a", "b"]) == (["b", "a"], None, True)
    assert labels([]) == ([], None, True)
    assert labels(None) == ([], None, False)
    row = event({"x": {"a": 1}})
    assert (row.positive, row.y_known) == ([], False)
    assert labels({"positive": ["a"], "negative": ["b", "b"]}) == (["a"], ["b"], True)
    assert labels({"positive": ["a"]}) == (["a"], [], True)
    assert labels({"negative": ["a"]}) == ([], ["a"], True)
    assert labels({}) == ([], [], True)
    for y in ("a", 7, True):
        with bad("wrong_type", "Its 'y' is .*: give a list of labels"):
            labels(y)
    with bad("wrong_type", 'may hold "positive" and "negative" only'):
        labels({"positive": [], "maybe": []})
    with bad("malformed", "both positive and negative"):
        labels({"positive": ["a", "b"], "negative": ["b"]})


def test_labels_are_listed_or_mapped_to_their_truth():
    assert labels([0, 3, 3.0]) == (["0", "3"], None, True)
    assert labels(["a", None, "", "none"]) == (["a", "none"], [], True)
    assert labels({"toxic": 1, "spam": 0, "hate": "yes"}) == (["toxic", "hate"], None, True)
    assert labels({"toxic": 1.0, "spam": 0.0}) == (["toxic"], None, True)  # as spaCy writes cats
    assert labels({"positive": 1, "negative": 0}) == (["positive"], None, True)  # two labels
    assert labels({"a": True, "b": None, "c": False}) == (["a"], ["c"], True)
    assert labels("N/A") == ([], None, False)
    for y in ([0, 1, 1], [True, False], [0, 0]):
        with bad("wrong_type", "Its 'y' is a row of 0 and 1, and no list of names"):
            labels(y)
    with bad("unknown_value", "Its 'y' of 'a' is 0.7: .* 0 or 1"):
        labels({"a": 0.7})
    with bad("wrong_type", "Its 'y' holds 1.5: name labels with texts or integers"):
        labels([1.5])


def test_labels_that_are_a_text_are_split_where_a_separator_is_known():
    row = Row()
    take_labels("sun; rain", "Its 'tags'", row, ";")
    assert (row.positive, row.y_known) == (["sun", "rain"], True)
    take_labels("?", "Its 'tags'", row := Row(), ";")
    assert not row.y_known


def test_a_field_becomes_features_by_what_it_holds():
    x = {
        "n": 3, "b": True, "city": "Rome", "age": "1.5", "zip": "04107", "no": None, "na": "N/A",
        "emb": [0.5, None, 2], "tags": ["u", "v", "u"], "meta": {"lang": "en", "to": {"k": 1}},
    }  # fmt: skip
    assert event({"x": x}).x == {
        "n": 3.0, "b": 1.0, "city=Rome": 1.0, "age": 1.5, "zip=04107": 1.0, "emb.0": 0.5,
        "emb.2": 2.0, "tags=u": 1.0, "tags=v": 1.0, "meta.lang=en": 1.0, "meta.to.k": 1.0,
    }  # fmt: skip
    with bad("malformed", "Two of its fields make the feature 'a.b'"):
        event({"x": {"a": {"b": 1}, "a.b": 2}})
    deep = 1
    for _ in range(500):
        deep = {"d": deep}
    with bad("wrong_type", "nests too deep"):
        event({"x": deep})


def test_mongodbs_extended_json_is_taken_for_what_it_says():
    x = {"f": {"$numberDouble": "1.5"}, "n": {"$numberLong": "7"}, "i": {"$numberInt": "-2"},
         "d": {"$numberDecimal": "0.25"}, "nan": {"$numberDouble": "NaN"}}  # fmt: skip
    assert event({"x": x}).x == {"f": 1.5, "n": 7.0, "i": -2.0, "d": 0.25}
    with bad("not_finite", "Feature 'f'"):
        event({"x": {"f": {"$numberDouble": "Infinity"}}})
    assert event({"x": {"f": 1}, "y": [{"$numberInt": "3"}]}).positive == ["3"]
    assert plain({"a": [{"$oid": "5f1e"}], "b": {"$other": 1}}) == {
        "a": ["5f1e"],
        "b": {"$other": 1},
    }
    assert plain({"$numberInt": "many"}) == {"$numberInt": "many"}
    when = {"$date": "2023-11-14T22:13:20Z"}
    assert identified({"_id": {"$oid": "5f1e"}, "t": when}) == ("5f1e", 1.7e9)
    assert identified({"t": {"$date": {"$numberLong": "1700000000000"}}}) == (None, 1.7e9)
    assert identified({"id": {"$numberLong": "17"}, "_id": "other"}) == (17, None)
    assert identified({"_id": {"a": 1, "b": 2}}) == (None, None)
    assert identified({"_id": "k"}, id="key") == (None, None)


@pytest.mark.parametrize("per_second", [1, 10**3, 10**6, 10**9])
def test_a_time_that_is_no_time_in_seconds_counts_smaller_units(per_second):
    for seconds in (1_000_000_000, 1_700_000_000, 4_102_444_800):
        for time in (seconds * per_second, float(seconds * per_second), str(seconds * per_second)):
            assert identified({"t": time}) == (None, seconds)
        assert identified({"t": -seconds * per_second}) == (None, -seconds)


@pytest.mark.parametrize(
    "time",
    ["2023-11-14T22:13:20Z", "2023-11-14T23:13:20+01:00", "2023-11-14T22:13:20",
     "2023-11-14 22:13:20", "20231114T221320Z", "2023-11-14T22:13:20.000+00:00"],
)  # fmt: skip
def test_times_with_and_without_a_zone(time):
    assert identified({"t": time}) == (None, 1.7e9)
