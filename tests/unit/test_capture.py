"""What was learned as plain values, and back: kinds are kept, memory is not shared."""

import copy
from typing import NamedTuple

import numpy as np
import pytest

from streamml.errors import StateError
from streamml.state.capture import capture, check, check_range, part_of, restore_value


class Pair(NamedTuple):
    left: object
    right: object


class Other(NamedTuple):
    left: object


class Counter:
    """Has a state of its own."""

    def __init__(self, n=0):
        self.n = n

    def snapshot(self):
        return {"n": self.n}

    def restore(self, snapshot):
        self.n = part_of(snapshot, "n", int, "the counter")


@pytest.mark.parametrize("value", [None, True, 7, 0.5, "text", b"bytes"])
def test_plain_values_stay_as_they_are(value):
    assert capture(value) is value
    assert restore_value(value, value, "it") == value


@pytest.mark.parametrize(
    ("value", "plain"),
    [(np.int32(3), 3), (np.float32(0.5), 0.5), (np.bool_(True), True)],
)
def test_numbers_of_numpy_become_pythons(value, plain):
    assert capture(value) == plain
    assert type(capture(value)) is type(plain)


def test_containers_keep_their_kind_and_named_tuples_go_by_field():
    found = capture([1, (np.int8(2),), {"a": Pair(1, Counter(5))}])
    assert found == [1, (2,), {"a": {"left": 1, "right": {"n": 5}}}]
    assert [type(part) for part in found] == [int, tuple, dict]


@pytest.mark.parametrize("wrap", [lambda a: a, lambda a: [a], lambda a: {"a": a},
                                  lambda a: Pair(a, 1), lambda a: ((a,),)])  # fmt: skip
def test_arrays_are_copied_unless_said_otherwise(wrap):
    array = np.zeros(2)

    def innermost(value):
        while not isinstance(value, np.ndarray):
            value = next(iter(value.values() if isinstance(value, dict) else value))
        return value

    assert innermost(capture(wrap(array), copy=False)) is array
    mine = innermost(capture(wrap(array)))
    assert not np.shares_memory(mine, array)
    assert mine.tolist() == [0.0, 0.0]


def test_what_has_no_plain_form_is_named():
    with pytest.raises(StateError, match="A set cannot be saved: keep what is learned in numbers"):
        capture({"deep": [set()]})


def test_a_named_tuple_comes_back_by_its_fields():
    like = Pair(0, np.zeros(1))
    found = restore_value({"right": np.ones(3), "left": 4}, like, "it")
    assert type(found) is Pair
    assert found.left == 4
    assert found.right.tolist() == [1, 1, 1]
    assert restore_value({"left": 4}, like, "it").right.tolist() == [0]  # a field that is newer
    assert not np.shares_memory(restore_value({"left": 4}, like, "it").right, like.right)
    for other in ({}, {"left": 1, "right": np.ones(1), "more": 1}, [1, 2]):
        with pytest.raises(StateError, match="does not fit: it has other fields"):
            restore_value(other, like, "it")
    with pytest.raises(StateError, match=r"it\.left is no int"):
        restore_value({"left": "x", "right": np.ones(1)}, like, "it")


def test_an_array_comes_back_in_rows_and_apart_from_what_was_saved():
    saved = np.asfortranarray(np.arange(6, dtype=np.int32).reshape(2, 3))
    found = restore_value(saved, np.zeros((0, 0), np.int32), "it")
    assert found.tolist() == saved.tolist()
    assert found.flags.c_contiguous
    assert not np.shares_memory(found, saved)


@pytest.mark.parametrize(
    ("saved", "said"),
    [
        ([1], "it is no array"),
        (np.zeros((1, 1), np.int64), "it is no int32 array with 2 axes"),
        (np.zeros(1, np.int32), "it is no int32 array with 2 axes"),
    ],
)
def test_an_array_of_another_kind_is_refused(saved, said):
    with pytest.raises(StateError, match=said):
        restore_value(saved, np.zeros((1, 1), np.int32), "it")


def test_a_random_generator_goes_on_and_the_example_stays():
    rng, like = np.random.default_rng(1), np.random.default_rng(2)
    rng.random(3)
    saved, before = capture(rng), like.bit_generator.state
    found = restore_value(saved, like, "it")
    assert found.random(4).tolist() == rng.random(4).tolist()
    assert like.bit_generator.state == before


@pytest.mark.parametrize("saved", [{}, None, {"generator": 1}, {"generator": {}}])
def test_no_state_of_a_generator_is_refused(saved):
    with pytest.raises(StateError, match="it is no state of its random generator"):
        restore_value(saved, np.random.default_rng(1), "it")


@pytest.mark.parametrize("like", [[], (), {}])
def test_a_container_comes_back_apart_from_what_was_saved(like):
    inner = np.zeros(1)
    saved = {"a": inner} if isinstance(like, dict) else type(like)([inner])
    found = restore_value(saved, like, "it")
    assert type(found) is type(like)
    (part,) = found.values() if isinstance(like, dict) else found
    assert part.tolist() == [0.0]
    assert not np.shares_memory(part, inner)
    for other in ([], (), {}):
        if type(other) is not type(like):
            with pytest.raises(StateError, match=f"it is no {type(like).__name__}"):
                restore_value(other, like, "it")


def test_something_with_a_state_comes_back_and_the_example_stays():
    like = Counter(1)
    found = restore_value({"n": 9}, like, "it")
    assert (found.n, like.n) == (9, 1)
    with pytest.raises(StateError, match="it is no mapping"):
        restore_value([9], like, "it")
    with pytest.raises(StateError, match="it cannot be restored: a set has no snapshot"):
        restore_value(1, set(), "it")


def test_a_number_keeps_its_kind_but_a_whole_one_may_be_a_float():
    assert restore_value(3, 0.5, "it") == 3.0
    assert type(restore_value(3, 0.5, "it")) is float
    for saved, like, kind in ((True, 0.5, "float"), (1.0, 1, "int"), (True, 1, "int"),
                              (1, True, "bool"), (1, None, "nothing"),
                              (b"", "", "str")):  # fmt: skip
        with pytest.raises(StateError, match=f"it is no {kind}"):
            restore_value(saved, like, "it")


def test_a_range_holds_its_lower_end_and_not_its_upper():
    check_range(np.array([0, 3]), 0, 4, "it")
    check_range(np.zeros(0), 5, 1, "it")
    for outside in ([-1, 2], [0, 4]):
        with pytest.raises(StateError, match="it leaves the range from 0 to 3"):
            check_range(np.array(outside), 0, 4, "it")
    check_range(np.array([7]), 7, 8, "it")


def test_a_check_says_part_and_fault():
    check(np.bool_(True), "the tree", "is too high")
    with pytest.raises(StateError, match=r"^The snapshot does not fit: the tree is too high\.$"):
        check(False, "the tree", "is too high")


def test_a_part_is_of_its_kind():
    class Named(dict):
        pass

    given = {"n": 1, "x": 0.5, "yes": True, "map": Named(a=1), "text": "t"}
    before = copy.deepcopy(given)
    assert part_of(given, "n", int) == 1
    assert part_of(given, "yes", bool) is True
    assert type(part_of(given, "n", float)) is float
    assert part_of(given, "x", float) == 0.5
    assert part_of(given, "map", dict) is given["map"]
    assert part_of(given, "text", str) == "t"
    assert given == before
    for name, kind in (("x", int), ("yes", int), ("n", bool), ("yes", float), ("text", float),
                       ("n", str), ("text", dict)):  # fmt: skip
        with pytest.raises(StateError, match=f"'{name}' of it is no {kind.__name__}"):
            part_of(given, name, kind)
    for snapshot in ({}, [], None, "n"):
        with pytest.raises(StateError, match="the loop lacks 'n'"):
            part_of(snapshot, "n", int, "the loop")
