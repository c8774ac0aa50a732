"""Graphs of objects: what goes in comes out, shared and in order, and only what may be made."""

import collections
import functools
import math
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from river import drift, proba, stats
from river.tree.splitter import TEBSTSplitter
from river.utils import VectorDict

from streamml import state
from streamml.errors import StateError
from streamml.state.objects import capture_objects, restore_objects

scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(max_size=3)
    | st.binary(max_size=3)
)
keys = st.recursive(scalars, lambda inner: st.tuples(inner, inner), max_leaves=4)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.tuples(inner, inner)
        | st.sets(keys, max_size=3)
        | st.frozensets(keys, max_size=3)
        | st.dictionaries(keys, inner, max_size=3)
        | st.lists(inner, max_size=4).map(lambda v: collections.deque(v, maxlen=3))
        | st.dictionaries(keys, inner, max_size=3).map(lambda v: collections.defaultdict(float, v))
        | st.dictionaries(keys, st.integers(), max_size=3).map(collections.Counter)
        | st.dictionaries(keys, inner, max_size=3).map(collections.OrderedDict)
    ),
    max_leaves=15,
)


def same(a, b):
    """Equal, of the same types, in the same order."""
    if type(a) is not type(b):
        return False
    if isinstance(a, dict):
        more = getattr(a, "default_factory", None) is getattr(b, "default_factory", None)
        return more and same(list(a.items()), list(b.items()))
    if isinstance(a, collections.deque):
        return a.maxlen == b.maxlen and same(list(a), list(b))
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(map(same, a, b))
    return a == b and math.copysign(1, a) == math.copysign(1, b) if type(a) is float else a == b


def through_a_file(value, path):
    state.write(path, {"graph": capture_objects(value)})
    return restore_objects(state.read(path)["graph"])


@given(value=values)
@settings(max_examples=150, deadline=None)
def test_what_goes_in_comes_out(tmp_path_factory, value):
    path = tmp_path_factory.getbasetemp() / "graph.state"
    assert same(through_a_file(value, path), value)


def test_what_is_shared_stays_shared_and_apart_stays_apart(tmp_path):
    shared, pair = [1], (2, 3)
    value = {"a": [shared, shared, [1]], "b": (pair, (pair, shared)), "set": {(1, (2, 3))}}
    found = through_a_file(value, tmp_path / "s")
    assert found["a"][0] is found["a"][1] is found["b"][1][1]
    assert found["a"][2] == [1]
    assert found["a"][2] is not found["a"][0]
    assert found["b"][0] is found["b"][1][0]


def test_bits_of_numbers_survive(tmp_path):
    quiet = float(np.uint64(0x7FF8_0000_DEAD_BEEF).view(np.float64))
    found = through_a_file([quiet, -0.0, 2**200, -(2**63), 1e-320], tmp_path / "s")
    assert np.float64(found[0]).view(np.uint64) == 0x7FF8_0000_DEAD_BEEF
    assert math.copysign(1, found[1]) == -1
    assert found[2:] == [2**200, -(2**63), 1e-320]


def test_arrays_keep_their_layout_and_numpys_numbers_their_type(tmp_path):
    a = np.arange(24.0).reshape(2, 3, 4)
    value = [a, a.transpose(2, 0, 1), np.asfortranarray(a[0]), a[:, 1], np.zeros((3, 0)),
             np.array(7, np.int16), np.float32(0.1), np.bool_(True)]  # fmt: skip
    for one, other in zip(value, through_a_file(value, tmp_path / "s"), strict=True):
        assert type(one) is type(other)
        assert one.dtype == other.dtype
        assert one.shape == other.shape
        assert one.tobytes() == other.tobytes()
        if one.size == 24:
            assert one.strides == other.strides
    one = np.ones(3)
    first, second = through_a_file([one, one], tmp_path / "s")
    assert first is second
    assert first.flags.writeable


def test_random_generators_go_on(tmp_path):
    ours, theirs = random.Random(3), np.random.default_rng(3)
    ours.gauss(0, 1)
    theirs.integers(0, 9, dtype=np.uint32)
    again, other = through_a_file([ours, theirs], tmp_path / "s")
    assert [ours.gauss(0, 1) for _ in range(5)] == [again.gauss(0, 1) for _ in range(5)]
    assert theirs.integers(0, 9, 7).tolist() == other.integers(0, 9, 7).tolist()


def test_rivers_compiled_parts_go_on(tmp_path):
    detector, rng = drift.ADWIN(), random.Random(1)
    for t in range(1500):
        detector.update(rng.random() + (t > 700))
    vector = VectorDict({3: 0.5, 1: 0.25, "a": -1.0})
    again, other = through_a_file([detector, vector], tmp_path / "s")
    assert list(other.items()) == list(vector.items())
    alarms = 0
    for t in range(600):
        x = rng.random() + (t > 300)
        detector.update(x)
        again.update(x)
        assert again.drift_detected == detector.drift_detected
        alarms += again.drift_detected
    assert again._helper.__getstate__() == detector._helper.__getstate__()
    assert alarms > 0


def test_functions_that_models_keep_are_found_again(tmp_path):
    splitter = TEBSTSplitter()
    splitter.update(1.0, 1.0, 1.0)
    table = collections.defaultdict(functools.partial(collections.defaultdict, float))
    table[1][2] += 1.0
    again, counts, kind = through_a_file([splitter, table, stats.Var], tmp_path / "s")
    again.update(2.0, 0.0, 1.0)
    assert again._root._update_estimator is splitter._root._update_estimator
    counts["new"]["too"] += 2.0
    assert counts["new"] == {"too": 2.0}
    assert kind is stats.Var


class Ours:
    """A class of somebody else's."""


class Pair(tuple):
    """A tuple without names for what it holds."""

    __slots__ = ()


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (Ours(), "Ours cannot be saved"),
        (Pair((1, 2)), "Pair cannot be saved"),
        ([lambda: 0], "function, .*lambda"),
        ({"f": print}, "function, print"),
        ([functools.partial(int, 3)], "function, partial"),
        (np.array(["text"]), "array of <U4"),
        (stats.Quantile(), "RsQuantile cannot be saved"),
        (np.random.Generator(np.random.MT19937(1)), "MT19937"),
        ({Ours: 1}, "Ours"),
        ({proba.Gaussian(): 1}, "key that is neither"),
        ({(1, int)}, "key that is neither"),
        (object(), "object cannot be saved"),
        ([open], "function, open"),
        (collections, "module cannot be saved"),
    ],
)
def test_what_cannot_be_saved_is_said_by_name(value, said):
    with pytest.raises(StateError, match=said):
        capture_objects(value)


def test_what_leads_back_to_itself_is_not_saved_but_for_parents():
    one = []
    one.append(one)
    with pytest.raises(StateError, match="leads back"):
        capture_objects(one)
    value = proba.Gaussian()
    value.other = {"again": (value,)}
    with pytest.raises(StateError, match="leads back"):
        capture_objects(value)
    parent, child = proba.Gaussian(), proba.Gaussian()
    parent.child, child.parent = child, parent
    found = restore_objects(capture_objects(parent))
    assert found.child.parent is found


def test_a_long_chain_needs_no_recursion(tmp_path):
    value = []
    for _ in range(20_000):
        value = [value]
    found, depth = through_a_file(value, tmp_path / "s"), 0
    while found:
        found, depth = found[0], depth + 1
    assert depth == 20_000
