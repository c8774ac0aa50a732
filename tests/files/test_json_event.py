"""What a JSON event may hold, field by field, and why another is refused."""

from __future__ import annotations

from contextlib import contextmanager
from copy import deepcopy

import pytest

from streamml_connectors.files.columns import BadRow, Row
from streamml_connectors.files.json_event import (
    decode_object,
    feature,
    features,
    identify,
    label_names,
    read_event,
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
    for word in ("NaN", "Infinity", "-Infinity"):
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
    for wrong in (True, 1.5, ["a"], {}):
        with bad("wrong_type", "Its 'id' is neither a string nor an integer"):
            identified({"id": wrong})
    for wrong in ([1], {}):
        with bad("wrong_type", "Its 't' is no number"):
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
    with bad("not_a_number", f"Feature 'a' is '{'w' * 40}', which is no number"):
        feature("a", "w" * 50)
    for value in ([1], {}):
        with bad("wrong_type", "Feature 'a' is no number"):
            feature("a", value)
    with bad("not_finite", "Feature 'a' .*float32 cannot hold it"):
        feature("a", 3.5e38)
    with bad("not_finite", "Feature 'a'"):
        feature("a", -(10**400))
    assert feature("a", 3.4e38) == 3.4e38
    assert feature("a", True) == 1.0


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
    for y in ("a", [1], {"positive": "a"}, {"negative": [None]}, 7, True):
        with bad("wrong_type", "Its 'y' is no list of strings"):
            labels(y)
    with bad("wrong_type", 'may hold "positive" and "negative" only'):
        labels({"positive": [], "maybe": []})
    with bad("malformed", "both positive and negative"):
        labels({"positive": ["a", "b"], "negative": ["b"]})
    assert label_names(["a", "a", "b"], "y") == ["a", "b"]
