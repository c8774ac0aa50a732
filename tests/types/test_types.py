"""Events, schemas and batches: what goes in comes out, and bad events leave no trace."""

import math
from dataclasses import fields
from enum import Enum
from typing import get_type_hints

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from streamml.errors import ConfigError, SchemaError, StateError
from streamml.types import Event, EventBatch, PartialLabels, Predictions, Schema, Vocabulary
from streamml.types.columns import COLUMNS
from streamml.types.encode import BatchBuilder


class Kind(Enum):
    """Names that are no texts."""

    RED = "red"
    ONE = 1


words = st.text("abcdef", min_size=1, max_size=2)
plain = words | st.integers(-3, 3) | st.booleans() | st.sampled_from(Kind) | st.binary(max_size=1)
names = plain | st.tuples(plain, plain) | st.tuples(plain) | st.floats(0, 2, width=16)
numbers = st.floats(-1e6, 1e6, width=32)
full = st.frozensets(names, max_size=4)
partial = st.tuples(full, full).map(lambda two: PartialLabels(two[0], two[1] - two[0]))
event = st.builds(
    Event,
    id=st.integers(0, 10**6) | words,
    timestamp=st.floats(0, 1e9),
    x=st.dictionaries(names, numbers, min_size=1, max_size=5),
    y=st.none() | full | partial,
)


@given(st.lists(event, max_size=8))
def test_events_survive_the_batch(events):
    batch = EventBatch.from_events(events, Schema())
    assert list(batch.events()) == events


def test_the_table_of_columns_is_that_of_a_batch():
    """Builder, snapshots and held events follow the table: a column it lacks would be lost."""
    assert [f.name for f in fields(EventBatch)] == ["schema", "ids", *COLUMNS, "texts"]
    declared = get_type_hints(EventBatch)
    assert {name: NDArray[kind] for name, kind in COLUMNS.items()}.items() <= declared.items()


@given(st.lists(event, min_size=1, max_size=8), st.integers(0, 8))
def test_a_slice_holds_the_same_events(events, cut):
    batch = EventBatch.from_events(events, Schema())
    cut = min(cut, len(events))
    parts = [batch.slice(0, cut), batch.slice(cut, len(events))]
    assert [e for part in parts for e in part.events()] == events
    assert [n for part in parts for n in part.n_labels] == batch.n_labels.tolist()


@given(st.lists(event, min_size=1, max_size=8))
def test_vocabulary_sizes_are_those_after_each_event(events):
    batch = EventBatch.from_events(events, Schema())
    for i in range(len(events)):
        prefix = Schema()
        EventBatch.from_events(events[: i + 1], prefix)
        assert batch.n_features[i] == len(prefix.features)
        assert batch.n_labels[i] == len(prefix.labels)


BAD = [
    ({}, frozenset(), "no_features"),
    ({"f": math.nan, "g": None, "h": "?"}, frozenset(), "no_features"),
    ({"f": math.inf}, None, "not_finite"),
    ({"f": 1e39}, None, "not_finite"),
    ({"f": -(10**400)}, None, "not_finite"),
    ({"f": "inf"}, None, "not_finite"),
    ({"f": 1j}, None, "wrong_type"),
    ({"f": {1.0}}, None, "wrong_type"),
    ({None: 1.0}, None, "wrong_type"),
    ({math.nan: 1.0}, None, "wrong_type"),
    ({"f": {"g": 1.0}, "f.g": 2.0}, None, "malformed"),
    ("some text", None, "wrong_type"),
    ({"f": 1.0}, frozenset({None}), "wrong_type"),
    ({"f": 1.0}, PartialLabels(frozenset(), frozenset({math.nan})), "wrong_type"),
    ({"f": 1.0}, frozenset({"a", "b", "c"}), "over_label_cap"),
]


@pytest.mark.parametrize(("x", "y", "reason"), BAD)
def test_an_event_that_cannot_be_used_is_a_dead_letter_and_leaves_no_trace(x, y, reason):
    schema, letters = Schema(max_labels=2), []
    good = Event("good", 0.0, {"g": 1.0}, frozenset({"a"}))
    batch = EventBatch.from_events([Event("bad", 0.0, x, y), good], schema, letters)
    assert [letter.reason for letter in letters] == [reason]
    assert letters[0].position == "event bad"
    assert list(batch.events()) == [good]
    assert list(schema.features.names) == ["g"]
    assert list(schema.labels.names) == ["a"]
    if reason != "no_features":
        with pytest.raises(SchemaError, match=reason):
            EventBatch.from_events([Event("bad", 0.0, x, y)], schema)


@pytest.mark.parametrize("zero", [False, True])
def test_an_event_without_features_is_one_where_nobody_collects_dead_letters(zero):
    events = [Event(0, 0.0, {}, frozenset({"a"})), Event(1, 1.0, {"f": 2.0}, None)]
    batch = EventBatch.from_events(events, Schema(absent_is_zero=zero))
    again = EventBatch.from_events(list(batch), Schema(absent_is_zero=zero))
    assert list(again) == list(batch) == events
    letters = []
    EventBatch.from_events(events, Schema(absent_is_zero=zero), letters)
    assert [letter.reason for letter in letters] == ["no_features"] * (not zero)


def test_a_timestamp_must_be_finite():
    letters = []
    EventBatch.from_events([Event(0, math.nan, {"f": 1.0})], Schema(), letters)
    assert letters[0].reason == "not_finite"


def test_features_beyond_the_cap_are_left_out_and_counted():
    schema = Schema(max_features=1)
    batch = EventBatch.from_events([Event(0, 0.0, {"f": 1.0, "g": 2.0, "h": 3.0})], schema)
    assert [e.x for e in batch.events()] == [{"f": 1.0}]
    assert schema.features.refused == 2


def test_a_builder_goes_on_after_building():
    builder = BatchBuilder(Schema())
    builder.append(Event(0, 0.0, {"f": 1.0}))
    first = EventBatch.built(builder)
    builder.append(Event(1, 1.0, {"f": 2.0}))
    assert (len(first), len(EventBatch.built(builder)), len(builder)) == (1, 2, 2)


def test_names_must_be_unique_and_within_their_cap():
    with pytest.raises(SchemaError, match="twice"):
        Vocabulary(["a", "a"])
    with pytest.raises(SchemaError, match="raise the limit"):
        Vocabulary(["a", "b"], limit=1)
    with pytest.raises(ConfigError, match="at least 1"):
        Vocabulary(limit=0)


def test_a_restored_vocabulary_keeps_its_cap():
    capped, again = Vocabulary(["a", "b"], limit=2), Vocabulary()
    capped.add("c")
    again.restore(capped.snapshot())
    assert (again.limit, again.refused) == (2, 1)
    assert [again.add(name) for name in "bcd"] == [1, -1, -1]
    assert again.refused == 3


def test_a_vocabulary_knows_its_names_and_what_they_take():
    names = Vocabulary(["a", "b"])
    assert ("a" in names, "c" in names) == (True, False)
    assert (names[1], len(names), names.find("b"), names.find("c")) == ("b", 2, 1, -1)
    before = names.nbytes
    assert 0 < Vocabulary().nbytes < before
    names.add("c" * 1000)
    assert before + 1000 < names.nbytes < before + 1500


@pytest.mark.parametrize("theirs", [["b", "a"], ["b"], ["a", "c"], ["c", "b", "a"]])
def test_a_vocabulary_takes_over_only_names_at_the_columns_it_has(theirs):
    mine, longer = Vocabulary(["a", "b"]), Vocabulary(["a", "b", "c"])
    with pytest.raises(SchemaError, match="other columns than the learner was taught with"):
        mine.take_over(Vocabulary(theirs))
    longer.refused = 4
    mine.take_over(longer)
    longer.take_over(Vocabulary(["a"]))
    assert mine.names == longer.names == ["a", "b", "c"]
    assert mine.refused == longer.refused == 4


def test_a_schema_without_names_takes_over_what_was_declared():
    fresh, labelled = Schema(), Schema(labels=["a"])
    for mine in (fresh, labelled):
        mine.take_over(Schema(["f", "g"], ["a", "b"]))
        assert (mine.features.names, mine.labels.names) == (["f", "g"], ["a", "b"])
    assert (fresh.declared_features, fresh.declared_labels) == (2, 2)
    assert (labelled.declared_features, labelled.declared_labels) == (0, 1)


def test_a_schema_that_goes_on_takes_names_within_its_cap_and_absent_features_as_before():
    mine = Schema(max_labels=2)
    with pytest.raises(SchemaError, match="more than 2 names: raise the cap"):
        mine.take_over(Schema(labels=["a", "b", "c"]))
    mine.take_over(Schema(labels=["a", "b"]))
    assert mine.labels.names == ["a", "b"]
    fresh, sparse = Schema(), Schema(["f"], absent_is_zero=True)
    fresh.take_over(sparse)
    assert fresh.absent_is_zero
    for one, other in ((sparse, Schema(["f"])), (Schema(["f"]), sparse)):
        with pytest.raises(SchemaError, match="zero on one side and unknown on the other"):
            one.take_over(other)


@pytest.mark.parametrize("declared", [[0, 0], [2, 1], [1, 0]])
def test_a_restored_schema_declares_what_it_did(declared):
    schema, again = Schema(["f", "g"], ["a"], absent_is_zero=True), Schema()
    again.restore({**schema.snapshot(), "declared": declared})
    assert [again.declared_features, again.declared_labels] == declared
    assert (again.features.names, again.labels.names) == (["f", "g"], ["a"])
    assert again.absent_is_zero


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"declared": [3, 1]}, "declares more names than it has"),
        ({"declared": [2, 2]}, "declares more names than it has"),
        ({"declared": [-1, 1]}, "declares more names than it has"),
        ({"declared": [2, 1.0]}, "declares more names than it has"),
        ({"declared": [2]}, "declares more names than it has"),
        ({"declared": [2, 1, 0]}, "declares more names than it has"),
        ({"declared": None}, "'declared' of the schema is no list"),
        ({"absent_is_zero": 0}, "'absent_is_zero' of the schema is no bool"),
        ({"features": []}, "'features' of the schema is no dict"),
        ({"labels": []}, "'labels' of the schema is no dict"),
    ],
)
def test_a_snapshot_of_a_schema_that_cannot_be_is_refused_and_changes_nothing(changes, said):
    schema = Schema(["h"])
    with pytest.raises(StateError, match=said):
        schema.restore({**Schema(["f", "g"], ["a"]).snapshot(), **changes})
    assert schema.snapshot() == Schema(["h"]).snapshot()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"names": ["a", 1]}, "has a name that is no text"),
        ({"names": ["a", "a"]}, "has a name twice"),
        ({"names": "ab"}, "'names' of the vocabulary is no list"),
        ({"limit": 1}, "has more names than its cap"),
        ({"limit": 2.0}, "has more names than its cap"),
        ({"limit": True, "names": ["a"]}, "has more names than its cap"),
        ({"limit": 0, "names": []}, "has more names than its cap"),
        ({"refused": -1}, "has refused less than nothing"),
        ({"refused": 1.0}, "'refused' of the vocabulary is no int"),
    ],
)
def test_a_snapshot_of_a_vocabulary_that_cannot_be_is_refused(changes, said):
    names = Vocabulary(["c"])
    with pytest.raises(StateError, match=said):
        names.restore({**Vocabulary(["a", "b"]).snapshot(), **changes})
    assert (names.names, names.limit, names.refused) == (["c"], None, 0)
    for fits in ({"limit": 2}, {"limit": 1, "names": ["a"]}, {"limit": 1, "names": []}):
        names.restore({**Vocabulary(["a", "b"]).snapshot(), **fits})
        assert names.limit == fits["limit"]


def test_a_label_has_one_side():
    with pytest.raises(SchemaError, match="both"):
        PartialLabels(frozenset({"a"}), frozenset({"a"}))


def test_predictions_join_in_order():
    one = Predictions(np.array([0, 2]), np.array([1, 4], np.int32))
    two = Predictions(
        np.array([0, 0, 1]),
        np.array([3], np.int32),
        np.array([0, 1, 2]),
        np.array([3, 3], np.int32),
        np.array([0.1, 0.9], np.float32),
    )
    joined = Predictions.concatenate([two, two])
    assert [joined.row(i).tolist() for i in range(4)] == [[], [3], [], [3]]
    assert joined.score_indptr.tolist() == [0, 1, 2, 3, 4]
    assert len(one) == 1
    assert len(Predictions.concatenate([])) == 0
