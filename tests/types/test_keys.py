"""Keys that are no texts: handed back as they came, two never one, and kept by a state file."""

import copy
import json
import pickle
from enum import Enum, Flag, IntEnum, StrEnum

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from streamml import state
from streamml.baselines import NoChange
from streamml.errors import SchemaError, StateError
from streamml.state.document import pack, unpack
from streamml.types import PartialLabels, Schema, Vocabulary
from streamml.types.keys import key_of, keys_of, text_of
from streamml.types.names import features, labels


class Colour(Enum):
    RED = "red"
    BLUE = 2


class Level(IntEnum):
    LOW = 1


class Word(StrEnum):
    RED = "red"


class Bits(Flag):
    A = 1
    B = 2


class Outer:
    class Inner(Enum):
        ONE = 1


single = (
    st.text(max_size=3)
    | st.sampled_from(["1", "7", "True", "Colour.RED", "1 (int)", "1 (str)", "red", "('a', 1)"])
    | st.integers()
    | st.booleans()
    | st.floats(allow_nan=False)
    | st.binary(max_size=3)
    | st.sampled_from([*Colour, *Level, *Word, Outer.Inner.ONE])
)
pair = single | st.lists(single, max_size=2).map(tuple)
key = pair | st.lists(pair, max_size=2).map(tuple) | st.frozensets(pair, max_size=2)
keys = st.lists(key, max_size=8, unique=True)


def stored(snapshot):
    """What comes back out of a file."""
    return unpack(*pack(snapshot))


def alike(one, other) -> bool:
    """Equal and of one type, within tuples too."""
    same = type(one) is type(other) and one == other
    if same and isinstance(one, tuple):
        return all(map(alike, one, other))
    return same


@given(keys)
@example(["1", 1])
@example([1, "1"])
@example([1, "1", "1 (str)", "1 (int)"])
@example([("new", "york"), "('new', 'york')", Colour.RED, "Colour.RED"])
def test_two_keys_are_never_one_and_come_back_as_they_were(given_keys):
    names = Vocabulary(given_keys)
    assert [names.find(one) for one in given_keys] == list(range(len(given_keys)))
    assert all(map(alike, names.keys, given_keys))
    assert len(set(names.names)) == len(given_keys)
    assert all(type(name) is str for name in names.names)
    again = Vocabulary()
    again.restore(stored(names.snapshot()))
    assert len(again) == len(names)
    assert all(map(alike, again.keys, names.keys))
    assert again.names == names.names
    assert [again.add(one) for one in given_keys] == list(range(len(given_keys)))
    assert again.snapshot().keys() == names.snapshot().keys()


@given(keys)
def test_copies_of_a_vocabulary_go_on_by_themselves(given_keys):
    names = Vocabulary(given_keys)
    for again in (copy.deepcopy(names), pickle.loads(pickle.dumps(names))):
        assert all(map(alike, again.keys, given_keys))
        assert again.add(("a new one",) * 5) == len(given_keys)
        assert len(again.names) == len(again.keys) == len(names.keys) + 1


@given(key)
def test_a_key_is_kept_as_a_text_and_found_again(one):
    assert alike(key_of(text_of(one)), one)


def test_a_vocabulary_of_texts_is_stored_as_ever():
    names = Vocabulary(["a", "b"])
    assert names.snapshot() == {"names": ["a", "b"], "limit": None, "refused": 0}
    assert names.names is names.keys
    names.add(7)
    assert (names.names, names.keys, names[2]) == (["a", "b", "7"], ["a", "b", 7], "7")
    assert names.nbytes > Vocabulary(["a", "b", "7"]).nbytes


@pytest.mark.parametrize(
    ("one", "back"),
    [(np.int64(7), 7), (np.float32(0.5), 0.5), (np.True_, True), (np.str_("a"), "a")],
)
def test_numbers_of_numpy_are_kept_as_what_they_equal(one, back):
    names, again = Vocabulary([one]), Vocabulary()
    assert names.keys[0] is one
    assert names.find(back) == 0
    again.restore(stored(names.snapshot()))
    assert alike(again.keys[0], back)


def test_what_no_file_keeps_is_said_when_it_is_to_be_kept():
    class Local(Enum):
        ONE = 1

    for one in (object(), Local.ONE, Bits.A | Bits.B, (1, 2j), np.datetime64("2026-01-01")):
        names = Vocabulary([one])
        assert names.keys[0] is one
        with pytest.raises(StateError, match=r"no file keeps|cannot be found again"):
            names.snapshot()
    deep = ()
    for _ in range(20):
        deep = (deep,)
    with pytest.raises(StateError, match="nested more than 16 deep"):
        text_of(deep)
    with pytest.raises(StateError, match="a number that no file keeps"):
        text_of(10**5000)


def test_an_enumeration_that_is_not_loaded_is_asked_for_and_nothing_is_run():
    text = text_of(Colour.RED)
    with pytest.raises(StateError, match="import it from"):
        key_of(text.replace("Colour", "Nobody"))
    module = __name__
    for path in (["streamml", "IHOMER", "x"], [module, "Colour", "GREEN"], [module, "copy", "RED"],
                 ["os", "system", "x"], [module, "Outer.Inner.ONE", "ONE"],
                 ["no such module", "A", "B"]):  # fmt: skip
        with pytest.raises(StateError, match="import it from"):
            key_of(json.dumps({"member": path}))


@pytest.mark.parametrize(
    "text",
    ["", "{", "{}", '{"a":1}', '{"set":1}', '{"set":[1],"bytes":""}', '{"bytes":"?"}',
     '{"bytes":1}', '{"member":["a"]}', '{"member":1}', '{"member":[1,2,3]}', "[" * 40 + "]" * 40,
     "[" * 90_000, "NaN?", '{"set":[{"a":1}]}', '{"member":["os",[],"x"]}'],
)  # fmt: skip
def test_a_text_that_is_no_key_is_refused(text):
    with pytest.raises(StateError, match=r"is no key|import it from"):
        key_of(text)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"columns": np.array([2])}, "leaves the range"),
        ({"columns": np.array([-1])}, "leaves the range"),
        ({"columns": np.array([0.0])}, "is no int64 array"),
        ({"columns": np.zeros(0, np.int64), "texts": []}, "are of other columns"),
        ({"texts": []}, "are of other columns"),
        ({"texts": [7]}, "are no texts"),
        ({"texts": "7"}, "'texts' of the keys of the vocabulary is no list"),
        ({"texts": ['"a"']}, "has a key twice"),
        ({"texts": ["7."]}, "is no key"),
        ({"texts": None}, "'texts' of the keys of the vocabulary is no list"),
    ],
)
def test_a_snapshot_with_keys_that_cannot_be_is_refused(changes, said):
    saved, names = Vocabulary(["a", 7]).snapshot(), Vocabulary(["c"])
    with pytest.raises(StateError, match=said):
        names.restore({**saved, "keys": {**saved["keys"], **changes}})
    assert names.keys == names.names == ["c"]
    names.restore(saved)
    assert names.keys == ["a", 7]


def test_keys_that_say_much_in_few_bytes_are_refused():
    with pytest.raises(StateError, match="would take about"):
        keys_of(["[" + ",".join(["[0]"] * 500_000) + "]"])
    with pytest.raises(StateError, match="hash alike"):
        keys_of([str(k * (2**61 - 1)) for k in range(100)])


def test_words_of_an_enumeration_are_the_words():
    names = Vocabulary([Word.RED])
    assert names.find("red") == 0
    assert names.names == ["red"]
    assert names.keys[0] is Word.RED


# -- what learners are told -------------------------------------------------------------------


@settings(max_examples=30)
@given(keys, st.data())
def test_labels_and_features_come_back_through_a_state_file(tmp_path_factory, given_keys, data):
    path = tmp_path_factory.mktemp("keys") / "learner.state"
    truth = {one: data.draw(st.booleans()) for one in given_keys}
    learner = NoChange()
    learner.learn_one(dict.fromkeys(given_keys, 1.0), truth)
    state.save(learner, path)
    again = state.load(path)
    assert again.predict_one({}) == learner.predict_one({}) == truth
    assert all(map(alike, again.predict_one({}), truth))
    assert all(map(alike, again.predict_proba_one({}), truth))
    assert all(map(alike, again.schema.features.keys, given_keys))
    again.learn_one(dict.fromkeys(given_keys, 2.0), frozenset())
    assert again.schema.features.keys == learner.schema.features.keys


def test_a_label_that_is_not_known_yet_is_not_predicted():
    learner = NoChange()
    learner.learn_one({"f": 1.0}, {"a": True})
    decided, proba = learner.predict_one({"f": 1.0}), learner.predict_proba_one({"f": 1.0})
    assert (decided["new"], proba["new"]) == (False, {False: 1.0, True: 0.0})
    assert decided == {"a": True}
    assert list(proba) == ["a"]
    assert json.dumps(decided) == '{"a": true}'


ROWS = [[1, 0, 1], (True, False, True), np.array([1, 0, 1]), np.array([1.0, 0.0, 1.0]),
        np.array([True, False, True]), [1, None, 1]]  # fmt: skip


@pytest.mark.parametrize("row", ROWS, ids=str)
@pytest.mark.parametrize("names", [["a", "b", "c"], [0, 1, 2]])
def test_a_row_of_zeros_and_ones_is_taken_by_position(row, names):
    told = labels(row, Schema(labels=names))
    positive = frozenset([names[0], names[2]])
    assert told == (PartialLabels(positive, frozenset()) if row[1] is None else positive)
    for known in ([], names[:2], [*names, "d"]):
        with pytest.raises(SchemaError, match=f"for 3 labels, of which {len(known)} are known"):
            labels(row, Schema(labels=known))


def test_a_row_that_may_be_names_is_refused():
    for row in ([0, 1], np.array([1, 0])):
        with pytest.raises(SchemaError, match="like a row of zeros and ones"):
            labels(row, Schema(labels=[0, 1]))
        assert labels(row, Schema(labels=["a", "b"])) == {"a" if row[0] else "b"}
    known = Schema(labels=["a", "b"])
    assert labels(["toxic"], known) == labels(("toxic",), known) == {"toxic"}
    assert labels({0, 1}, known) == labels(frozenset({0, 1}), known) == {0, 1}
    assert labels([3, 7], known) == labels(np.array([3, 7, 3]), known) == {3, 7}
    assert labels([], known) == labels(np.array([]), known) == frozenset()
    assert labels({True}, Schema(labels=[False, True])) == {True}
    assert labels((one for one in "ab"), known) == {"a", "b"}


@given(st.dictionaries(key, st.floats(-1e30, 1e30) | st.integers(-9, 9) | st.booleans()))
def test_numbers_stay_under_their_keys(x):
    found = features(x)
    assert found == x
    assert all(map(alike, found, x))


def test_other_values_become_features_as_they_do_in_files():
    x = {"a": None, "b": float("nan"), "c": "Rome", "d": {"e": 1, "f": [2, 3]}, 7: "x", 8: True,
         "zip": "04107", ("t", 1): np.float32(0.5), "n": "N/A", "tags": ["u", "v"]}  # fmt: skip
    assert features(x) == {
        "c=Rome": 1.0, "d.e": 1.0, "d.f.0": 2.0, "d.f.1": 3.0, "7=x": 1.0, 8: 1.0,
        "zip=04107": 1.0, ("t", 1): 0.5, "tags=u": 1.0, "tags=v": 1.0,
    }  # fmt: skip
    with pytest.raises(SchemaError, match=r"make the feature 'd\.e'"):
        features({"d": {"e": 1}, "d.e": 1.0})


@pytest.mark.parametrize(
    ("y", "told", "positive_only"),
    [
        ({"a": True}, frozenset("a"), PartialLabels({"a"}, frozenset())),
        ({}, frozenset(), PartialLabels(frozenset(), frozenset())),
        ({"a"}, frozenset("a"), PartialLabels({"a"}, frozenset())),
        (["a", "b"], frozenset("ab"), PartialLabels({"a", "b"}, frozenset())),
        ({"a": 1, "b": None}, *[PartialLabels({"a"}, frozenset())] * 2),
        ({"a": True, "b": False}, *[PartialLabels({"a"}, {"b"})] * 2),
        ({"a": True, "b": False, "c": 0}, *[frozenset("a")] * 2),
    ],
)
def test_naming_only_what_is_true_says_all_unless_the_schema_says_otherwise(y, told, positive_only):
    names = ["a", "b", "c"]
    assert labels(y, Schema(labels=names)) == told
    assert labels(y, Schema(labels=names, positive_only=True)) == positive_only
