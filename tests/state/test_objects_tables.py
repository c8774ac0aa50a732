"""A saved graph with one thing wrong: each is refused in a sentence of its own."""

import collections
import copy
import functools
import math
import random
import re
import struct

import numpy as np
import pytest
from river import drift, proba
from river.utils import VectorDict

from streamml.baselines._leaf_sets import MajoritySet
from streamml.baselines._one_by_one import Row
from streamml.errors import StateError
from streamml.state.objects import capture_objects, native, restore_objects
from streamml.state.objects import shape as s
from streamml.state.objects import tables as t
from streamml.state.objects.capture import may_capture
from streamml.state.objects.known import class_of, constant_of, name_of, name_of_constant, slots_of


def refused(said):
    return pytest.raises(StateError, match=re.escape(said))


# -- nodes and cells ---------------------------------------------------------------------------


def graph(*nodes, order=(), shapes=()):
    """Nodes are a kind, a place in its table, and cells."""
    cells = [cell for _, _, held in nodes for cell in held]
    return s.Graph(
        np.array([kind for kind, _, _ in nodes], np.uint8),
        np.array([what for _, what, _ in nodes], np.int64),
        np.array([len(held) for _, _, held in nodes], np.int64),
        np.array([tag for tag, _ in cells], np.uint8),
        np.array([bits for _, bits in cells], np.int64),
        np.array(order, np.int64),
        list(shapes),
    )


def ref(node):
    return s.REF, node


ONE = (s.INT, 1)


def test_references_must_come_to_an_end():
    s.check_graph(graph((s.LIST, 0, [ref(1), ref(2)]), (s.LIST, 0, [ref(2)]), (s.LIST, 0, [])))
    for nodes in (
        [(s.LIST, 0, [ref(0)])],
        [(s.LIST, 0, [ref(1)]), (s.LIST, 0, [ref(2)]), (s.LIST, 0, [ONE, ref(1)])],
        [(s.LIST, 0, []), (s.LIST, 0, [ref(1)])],
    ):
        with refused("leads back to itself"):
            s.check_graph(graph(*nodes))


def test_an_object_may_lead_back_to_its_parent_but_not_in_a_circle():
    shapes = [("a", ("x", "y")), ("b", ("x", "parent"))]
    nodes = [(s.LIST, 0, [ref(1)]), (s.OBJECT, 0, [ONE, ref(2)]), (s.OBJECT, 1, [ONE, ref(1)])]
    s.check_graph(graph(*nodes, shapes=shapes))
    nodes[2] = (s.OBJECT, 1, [ONE, ref(2)])
    with refused("leads back to itself"):
        s.check_graph(graph(*nodes, shapes=shapes))
    nodes[2] = (s.OBJECT, 1, [ref(1), ONE])  # by another attribute
    with refused("leads back to itself"):
        s.check_graph(graph(*nodes, shapes=shapes))
    nodes[1:] = [(s.OBJECT, 1, [ref(2), ref(2)]), (s.OBJECT, 1, [ONE, ref(1)])]
    with refused("leads back to itself"):
        s.check_graph(graph(*nodes, shapes=shapes))


@pytest.mark.parametrize(
    ("order", "said"),
    [
        ([2, 1], None),
        ([1, 2], "has a tuple before what it holds"),
        ([2], "does not list all tuples"),
        ([2, 2], "does not list all tuples"),
        ([2, 1, 1], "does not list all tuples"),
        ([2, 0], "lists what is not made at once"),
        ([2, 1, 3], "lists what is not made at once"),
    ],
)
@pytest.mark.parametrize("kind", s.IMMUTABLE)
def test_tuples_are_listed_after_what_they_hold(kind, order, said):
    nodes = [(s.LIST, 0, [ref(1), ref(3)]), (kind, 0, [ONE, ref(2)]), (kind, 0, []),
             (s.LIST, 0, [])]  # fmt: skip
    found = graph(*nodes, order=order, shapes=[("a", ("x", "y"))])
    if said is None:
        s.check_graph(found)
    else:
        with refused(said):
            s.check_graph(found)


def test_tuples_are_nested_at_most_50_deep():
    value = ()
    for _ in range(49):
        value = (value,)
    assert restore_objects(capture_objects(value)) == value
    with refused("tuples nested more than 50 deep"):
        capture_objects((value,))


@pytest.mark.parametrize("kind", [s.SET, s.FROZEN])
def test_members_of_a_set_are_scalars_and_tuples_of_such(kind):
    order = [1] if kind == s.FROZEN else []
    s.check_graph(graph((s.LIST, 0, [ref(1)]), (kind, 0, [ONE, (s.TEXT, 0)]), order=order))
    for cell in (ref(2), (s.CONSTANT, 0)):
        nodes = [(s.LIST, 0, [ref(1)]), (kind, 0, [ONE, cell]), (s.LIST, 0, [])]
        with refused("has a key that is neither text, number nor tuple"):
            s.check_graph(graph(*nodes, order=order))
    inner = [(s.LIST, 0, [ref(1)]), (kind, 0, [ref(2)]), (s.TUPLE, 0, [ONE, ref(3)]),
             (s.TUPLE, 0, [ONE])]  # fmt: skip
    s.check_graph(graph(*inner, order=[3, 2, *order]))
    for held in ((s.CONSTANT, 0), ref(4)):  # deep inside
        inner[3:] = [(s.TUPLE, 0, [held]), (s.LIST, 0, [])]
        with refused("has a key that is neither text, number nor tuple"):
            s.check_graph(graph(*inner, order=[3, 2, *order]))


@pytest.mark.parametrize("kind", [s.DICT, s.ORDERED, s.COUNTER, s.DEFAULT])
@pytest.mark.parametrize("place", range(5))
def test_keys_of_a_mapping_are_its_first_half_and_values_are_free(kind, place):
    maker = [(s.CONSTANT, 0)] if kind == s.DEFAULT else []
    cells = [*maker, ONE, (s.INT, 2), ONE, ONE]
    if place >= len(cells):
        return
    cells[place] = ref(2)
    found = graph((s.LIST, 0, [ref(1)]), (kind, 0, cells), (s.LIST, 0, []))
    if len(maker) <= place < len(maker) + 2:
        with refused("has a key that is neither text, number nor tuple"):
            s.check_graph(found)
    else:
        s.check_graph(found)


# -- tables ------------------------------------------------------------------------------------


class Point(collections.namedtuple("Point", "x y")):
    """Somebody's own."""


def value():
    gaussian = proba.Gaussian()
    gaussian.update(1.0)
    scalars = [True, 7, 2**70, 0.5, "text", b"bytes", b""]
    more = [(1, 2), random.Random(1), np.random.default_rng(1), collections.deque([1], 4)]
    return [gaussian, *scalars, np.arange(6.0), np.int8(3), *more]


def changed(**tables):
    found = copy.deepcopy(capture_objects(value()))
    for name, change in tables.items():
        result = change(found[name]) if callable(change) else change
        found[name] = found[name] if result is None else result
    return found


def set_at(place, number):
    def change(array):
        array[place] = number

    return change


def test_the_untouched_one_is_made():
    found = restore_objects(changed())
    assert found[1:8] == value()[1:8]
    assert found[0].mu == 1.0


@pytest.mark.parametrize(
    ("name", "change", "said"),
    [
        ("kinds", lambda a: a.astype(np.int64), "'kinds' of the model is another array"),
        ("kinds", lambda a: a.reshape(1, -1), "'kinds' of the model is another array"),
        ("kinds", lambda a: a[:0], "is empty"),
        ("kinds", set_at(-1, s.KINDS), "leaves the range from 0 to 16"),
        ("tags", set_at(-1, s.TAGS), "leaves the range from 0 to 8"),
        ("what", lambda a: a[:-1], "is uneven"),
        ("sizes", lambda a: a[:-1], "is uneven"),
        ("bits", lambda a: a[:-1], "is uneven"),
        ("sizes", set_at(0, -1), "leaves the range from 0 to"),
        ("sizes", set_at(0, 2**62), "leaves the range from 0 to"),
        ("sizes", set_at(0, 2), "has other cells than it says"),
        ("order", set_at(0, -1), "leaves the range from 0 to"),
        ("order", lambda a: a + 1000, "leaves the range from 0 to"),
        ("order", lambda a: a.astype(np.int32), "is another array"),
        ("shapes", [["river.proba.gaussian:Gaussian"]], "has a class without attributes"),
        ("shapes", [["river.proba.gaussian:Gaussian", "ab"]], "has a class without attributes"),
        ("shapes", [[7, []]], "has a class without attributes"),
        ("shapes", [("river.proba.gaussian:Gaussian", [])], "has a class without attributes"),
        ("shapes", [], "leaves the range from 0 to -1"),
        ("shapes", lambda found: [[found[0][0], found[0][1][:-1]], *found[1:]],
         "has other attributes than it says"),
        ("texts", ["text", 7], "has a text that is none"),
        ("texts", [], "leaves the range from 0 to -1"),
        ("constants", [7], "has a text that is none"),
        ("lengths", set_at(0, -1), "leaves the range from 0 to"),
        ("lengths", set_at(0, 1000), "leaves the range from 0 to"),
        ("lengths", set_at(0, 4), "has other bytes than it says"),
        ("lengths", lambda a: a[:0], "has other bytes than it says"),
        ("words", lambda a: a[:, :-1], "has random generators of another size"),
        ("words", lambda a: a[:0], "generator twice"),
        ("words", lambda a: a.astype(np.int32), "is another array"),
        ("pools", {"F64": np.zeros(6, np.float32)}, "is another array"),
        ("pools", {"X9": np.zeros(6)}, "has an array of no known kind"),
        ("pools", lambda pools: {**pools, "I16": np.zeros(1, np.int16)}, "has entries of no array"),
        ("arrays", lambda table: table[:1], "has entries of no array"),
        ("arrays", lambda table: [table[0][:2], *table[1:]], "has an array that is no array"),
        ("arrays", lambda table: [tuple(table[0]), *table[1:]], "has an array that is no array"),
        ("arrays", lambda table: [["I32", [0], [6]], *table[1:]], "has an array of no known kind"),
        ("arrays", lambda table: [[7, [0], [6]], *table[1:]], "has an array of no known kind"),
        ("arrays", lambda table: [["F64", [0], [7]], *table[1:]], "has an array beyond its pool"),
        ("arrays", lambda table: [["F64", (0,), [6]], *table[1:]], "has an array without shape"),
        ("arrays", lambda table: [["F64", [0], 6], *table[1:]], "has an array without shape"),
        ("arrays", lambda table: [["F64", [1], [6]], *table[1:]], "has an array of no usable"),
        ("arrays", lambda table: [["F64", [0, 0], [2, 3]]], "has an array of no usable"),
        ("arrays", lambda table: [["F64", [0], [-6]], *table[1:]], "has an array of no usable"),
        ("arrays", lambda table: [["F64", [0], [True]], *table[1:]], "has an array of no usable"),
        ("version", 2, "has another version"),
        ("version", True, "'version' of the model is no int"),
    ],
)  # fmt: skip
def test_one_table_that_does_not_fit_is_said(name, change, said):
    with refused(said):
        restore_objects(changed(**{name: change}))


def places_of(saved, tag):
    return np.flatnonzero(saved["tags"] == tag)


@pytest.mark.parametrize(
    ("tag", "bits", "said"),
    [
        (s.BOOL, 2, "leaves the range from 0 to 1"),
        (s.BOOL, -1, "leaves the range from 0 to 1"),
        (s.REF, -1, "leaves the range from 0 to"),
        (s.REF, 1000, "leaves the range from 0 to"),
        (s.TEXT, 1000, "leaves the range from 0 to"),
        (s.TEXT, -1, "leaves the range from 0 to"),
        (s.BIG, 1000, "leaves the range from 0 to"),
        (s.BYTES, 1000, "leaves the range from 0 to"),
        (s.BYTES, -1, "leaves the range from 0 to"),
    ],
)
def test_a_cell_stays_inside_its_table(tag, bits, said):
    saved = changed()
    saved["bits"][places_of(saved, tag)[-1]] = bits
    with refused(said):
        restore_objects(saved)


def node_of(saved, kind):
    return int(np.flatnonzero(saved["kinds"] == kind)[0])


@pytest.mark.parametrize(
    ("kind", "what", "said"),
    [
        (s.ARRAY, 2, "names an array that is not there"),
        (s.ARRAY, -1, "names an array that is not there"),
        (s.SCALAR, 2, "names an array that is not there"),
        (s.RANDOM, 2, "lacks random numbers"),
        (s.RANDOM, -1, "lacks random numbers"),
        (s.OBJECT, 99, "leaves the range from 0 to"),
        (s.OBJECT, -1, "leaves the range from 0 to"),
    ],
)
def test_a_node_stays_inside_its_table(kind, what, said):
    saved = changed()
    saved["what"][node_of(saved, kind)] = what
    with refused(said):
        restore_objects(saved)


@pytest.mark.parametrize(
    ("value", "old", "new", "said"),
    [
        ({1: 2, 3: 4}, 3, 1, "has a key twice"),
        ({1, 3}, 3, 1, "has a key twice"),
        (VectorDict({1: 2.0, 3: 4.0}), 3, 1, "has a key twice"),
        (collections.OrderedDict({1: 2, 3: 4}), 3, 1, "has a key twice"),
        (collections.Counter({1: 2, 3: 4}), 3, 1, "has a key twice"),
    ],
)
def test_a_key_stands_once(value, old, new, said):
    saved = capture_objects([value])
    at = np.flatnonzero((saved["bits"] == old) & (saved["tags"] == s.INT))
    saved["bits"][at] = new
    with refused(said):
        restore_objects(saved)


def with_kind(value, kind):
    saved = capture_objects([value])
    saved["kinds"][-1] = kind
    return saved


@pytest.mark.parametrize(
    ("value", "kind", "said"),
    [
        ([1, 2, 3], s.DICT, "has keys without values"),
        ([], s.DEQUE, "has a queue without a length"),
        (["x"], s.DEQUE, "has a queue of no length"),
        ([True], s.DEQUE, "has a queue of no length"),
        ([], s.DEFAULT, "has a table without a maker"),
        ([5], s.DEFAULT, "has no maker"),
        ([None, 1], s.VECTOR, "has names without numbers"),
        ([7, 1, 2], s.VECTOR, "makes nothing"),
        ([None, 1, "x"], s.VECTOR, "holds no numbers by name"),
        ([None, 1.5, 2], s.VECTOR, "holds no numbers by name"),
        ([None, 1, True], s.VECTOR, "holds no numbers by name"),
        ([], s.WINDOWING, "is no bytes"),
        (["x"], s.WINDOWING, "is no bytes"),
        ([b"x", b"y"], s.WINDOWING, "is no bytes"),
        ([b"x"], s.WINDOWING, "is cut short"),
        ([1, 2, 3], s.GENERATOR, "holds other numbers"),
    ],
)
def test_what_holds_scalars_alone_holds_the_right_ones(value, kind, said):
    with refused(said):
        restore_objects(with_kind(value, kind))


def test_lists_of_the_right_ones_become_what_they_are_called():
    assert restore_objects(with_kind([1, 2, 3, 4], s.DICT)) == [{1: 3, 2: 4}]
    assert restore_objects(with_kind([2, 5, 6, 7], s.DEQUE)) == [collections.deque([6, 7], 2)]
    (table,) = restore_objects(with_kind([None, 1, 2], s.DEFAULT))
    assert (table, table.default_factory) == ({1: 2}, None)
    (vector,) = restore_objects(with_kind([None, 1, "x", 2, 0.5], s.VECTOR))
    assert list(vector.items()) == [(1, 2), ("x", 0.5)]


def test_what_holds_scalars_alone_holds_no_object():
    saved = capture_objects([[[1], 2]])
    saved["kinds"][1] = s.GENERATOR
    with refused("holds an object where a number belongs"):
        restore_objects(saved)


def test_the_root_is_a_list_of_one():
    saved = capture_objects([1])
    saved["kinds"][0] = s.SET
    with pytest.raises(StateError):
        restore_objects(saved)
    saved = capture_objects(None)
    saved["sizes"][0], saved["tags"], saved["bits"] = 0, saved["tags"][:0], saved["bits"][:0]
    with refused("has no root"):
        restore_objects(saved)


def test_another_river_is_told_by_both_versions():
    with refused("It holds models of river '0.0.1', and river"):
        restore_objects(changed(river="0.0.1"))


# -- numbers and layouts -----------------------------------------------------------------------


@pytest.mark.parametrize("number", [2**63 - 1, 2**63, -(2**63), -(2**63) - 1, 2**200, 0, -1])
def test_whole_numbers_of_any_size_come_back(number):
    assert restore_objects(capture_objects([number, 2**65, 5])) == [number, 2**65, 5]


def test_numbers_within_64_bits_take_no_text():
    assert capture_objects([2**63 - 1, -(2**63)])["texts"] == []
    assert capture_objects([2**63, 1, 2**63])["texts"] == [f"{2**63:x}"]


def test_texts_and_constants_are_written_once():
    saved = capture_objects(["a", "b", "a", int, float, int, b"x", b"x"])
    assert saved["texts"] == ["a", "b"]
    assert saved["constants"] == ["int", "float"]
    assert saved["lengths"].tolist() == [1, 1]


@pytest.mark.parametrize("shape", [(), (0,), (2, 0, 3), (1, 1), (2, 3, 4), (2,) * 8])
def test_arrays_of_any_shape_come_back(shape):
    array = np.arange(math.prod(shape), dtype=np.float32).reshape(shape)
    (found,) = restore_objects(capture_objects([array]))
    assert (found.shape, found.dtype) == (array.shape, array.dtype)
    assert found.tobytes() == array.tobytes()
    assert not np.shares_memory(found, array)


def test_axes_without_entries_are_bounded():
    assert t._size([0, 1], [0, 2**24]) == 0
    with refused("has a huge axis"):
        t._size([0, 1], [0, 2**24 + 1])
    with refused("has an array of no usable shape"):
        t._size([0], [2**48])
    with refused("has an array of no usable shape"):
        t._size(list(range(9)), [1] * 9)
    assert t._size([0], [2**48 - 1]) == 2**48 - 1
    assert t._size(list(range(8)), [1] * 8) == 1


# -- compiled parts ----------------------------------------------------------------------------


def test_a_random_generator_is_checked_before_it_is_made():
    words = list(random.Random(2).getstate()[1])
    made = native.restore_random(words, None)
    assert made.getstate() == random.Random(2).getstate()
    assert native.restore_random(words, 0.25).gauss(0, 1) == 0.25
    assert native.restore_random([*words[:-1], 624], None).getstate()[1][-1] == 624
    with refused("stands beyond its end"):
        native.restore_random([*words[:-1], 625], None)
    for left in (1, "x", True):
        with refused("holds no number"):
            native.restore_random(words, left)


def test_a_generator_of_numpy_is_checked_before_it_is_made():
    rng = np.random.default_rng(5)
    rng.integers(0, 9, dtype=np.uint32)
    parts = native.numbers_of(rng)
    assert parts[2] == 1
    assert native.restore_generator(parts).bit_generator.state == rng.bit_generator.state
    limits = (2**128, 2**128, 2, 2**32)
    for k, limit in enumerate(limits):
        native.restore_generator([*parts[:k], limit - 1 if k != 1 else parts[1], *parts[k + 1 :]])
        for wrong in (limit, -1, 0.5, True):
            with refused("a random generator holds other numbers"):
                native.restore_generator([*parts[:k], wrong, *parts[k + 1 :]])
    for wrong in (parts[:3], [*parts, 0]):
        with refused("holds other numbers"):
            native.restore_generator(wrong)


def windowing(n=300):
    detector = drift.ADWIN()
    for k in range(n):
        detector.update(float(k % 5))
    return native.windowing_bytes(detector._helper)


HEAD = ["delta", "clock", "most", "least", "grace", "total", "variance", "width", "widths",
        "buckets", "peak", "tick", "detections", "rows"]  # fmt: skip


def altered(state, name, number):
    """One number of the head; settings stand at the end as well."""
    head = list(native._HEAD.unpack_from(state))
    head[HEAD.index(name)] = number
    out = bytearray(state)
    native._HEAD.pack_into(out, 0, *head)
    tail = (*head[:3], *map(int, head[3:5]))
    native._TAIL.pack_into(out, len(out) - native._TAIL.size, *tail)
    return bytes(out)


def test_a_detector_goes_on_from_its_bytes():
    state = windowing()
    assert native.windowing_bytes(native.restore_windowing([state])) == state
    for name, number in (("clock", 1), ("clock", 2**31 - 1), ("least", 0), ("grace", 0),
                         ("peak", 0), ("tick", 0), ("detections", 0), ("buckets", 0)):  # fmt: skip
        native.restore_windowing([altered(state, name, number)])


@pytest.mark.parametrize(
    ("name", "number", "said"),
    [
        ("clock", 0, "has other settings or rows"),
        ("most", 0, "has other settings or rows"),
        ("most", 1001, "has other settings or rows"),
        ("rows", 0, "has other settings or rows"),
        ("rows", 32, "has other settings or rows"),
        ("buckets", -1, "has counted less than nothing"),
        ("peak", -1, "has counted less than nothing"),
        ("tick", -1, "has counted less than nothing"),
        ("detections", -1, "has counted less than nothing"),
        ("widths", -1.0, "has counted less than nothing"),
        ("delta", math.inf, "is not finite"),
        ("total", math.nan, "is not finite"),
        ("variance", math.inf, "is not finite"),
        ("width", math.nan, "is not finite"),
        ("widths", math.inf, "is not finite"),
        ("width", 299.0, "has other events than its width"),
        ("most", 4, "has another size"),
    ],
)
def test_a_detector_with_another_number_is_refused_by_name(name, number, said):
    with refused(f"ADWIN {said}"):
        native.restore_windowing([altered(windowing(), name, number)])


def test_the_end_and_the_rows_of_a_detector_are_checked():
    state = windowing()
    most = native._HEAD.unpack_from(state)[2]
    row = struct.Struct(f"<QQQ{most + 1}dQ{most + 1}d")
    tail = len(state) - native._TAIL.size
    with refused("contradicts its settings"):
        native.restore_windowing([state[:tail] + native._TAIL.pack(0.5, 1, 1, 1, 1)])
    for wrong in (state + b"\0", state[:-1]):
        with refused("has another size"):
            native.restore_windowing([wrong])
    for place, number in ((0, most + 1), (8, most + 1), (16, most), (24 + 8 * (most + 1), most)):
        out = bytearray(state)
        struct.pack_into("<Q", out, native._HEAD.size + place, number)
        with refused("has a row of another size"):
            native.restore_windowing([bytes(out)])
    out = bytearray(state)
    rows = native._HEAD.unpack_from(state)[-1]
    assert rows > 2
    struct.pack_into("<Q", out, native._HEAD.size + (rows - 1) * row.size + 8, 0)
    with refused("has an empty last row"):
        native.restore_windowing([bytes(out)])
    native.restore_windowing([native.windowing_bytes(drift.ADWIN()._helper)])  # one row, empty


# -- what may be named -------------------------------------------------------------------------


def test_classes_go_by_module_and_name():
    assert name_of(proba.Gaussian) == "river.proba.gaussian:Gaussian"
    assert class_of(name_of(proba.Gaussian)) is proba.Gaussian
    for kind in (Point, random.Random, int):
        with refused(f"A {kind.__module__}.{kind.__qualname__} cannot be saved"):
            name_of(kind)
    for name in ("river.proba.gaussian:Nothing", "river.proba:Gaussian", "river.api:os", "x", ""):
        with refused(f"It names a class {name!r}"):
            class_of(name)


def test_functions_go_by_the_names_that_are_known():
    for kind in (bool, dict, float, int, list, set, str, tuple):
        assert constant_of(name_of_constant(kind)) is kind
    assert constant_of("defaultdict") is collections.defaultdict
    assert constant_of(name_of_constant(proba.Gaussian)) is proba.Gaussian
    made = constant_of("a table of floats")()
    made["x"] += 1.0
    assert made == {"x": 1.0}
    assert constant_of("a variance")().get() == 0.0


@pytest.mark.parametrize(
    ("attributes", "said"),
    [
        (("a", "a"), "has an attribute twice"),
        ((7,), "has an attribute without a name"),
        (("a b",), "has an attribute without a name"),
        (("__class__",), "has an attribute without a name"),
        (("update",), "hides 'update' of its class"),
        (("mu",), "hides 'mu' of its class"),
    ],
)
def test_attributes_are_data_with_names(attributes, said):
    with refused(said):
        t.class_with("river.proba.gaussian:Gaussian", attributes)
    assert t.class_with("river.proba.gaussian:Gaussian", ("_x", "y")) is proba.Gaussian


def test_slots_of_all_bases_are_known():
    class Base:
        __slots__ = ("a", "b")

    class Derived(Base):
        __slots__ = ("c",)

        def method(self):
            return 1

    assert slots_of(Derived) == ("a", "b", "c")
    assert slots_of(proba.Gaussian) == ()


# -- named tuples, vectors and rows that are rare ----------------------------------------------


def test_our_own_parts_and_their_named_tuples_go_in_and_come_out():
    values = np.arange(3.0)
    row = Row(*[values] * len(Row._fields))
    (found, again), once = restore_objects(capture_objects([[row, row], {1}]))
    assert type(found) is Row
    assert found is again
    assert found._fields == row._fields
    assert all(part.tolist() == [0, 1, 2] for part in found)
    assert once == {1}
    assert name_of(MajoritySet) == "leaf-of-one-set"
    assert class_of(name_of(MajoritySet)) is MajoritySet
    with refused("cannot be saved"):
        capture_objects([Point(1, 2)])  # a class between it and tuple may hold more


def test_it_can_be_asked_what_may_be_taken():
    assert may_capture(proba.Gaussian()) is True
    assert may_capture(object()) is False


def test_only_what_lies_in_a_table_names_a_place_there():
    saved = capture_objects(
        [(1,), {2}, frozenset({3}), {4: 5}, collections.deque([6]), VectorDict({7: 8.0}),
         collections.defaultdict(int), collections.Counter(), np.zeros(1), np.zeros(2)]
    )  # fmt: skip
    arrays = saved["kinds"] == s.ARRAY
    assert not saved["what"][~arrays].any()
    assert saved["what"][arrays].tolist() == [0, 1]


def test_a_vector_with_a_mask_is_not_saved():
    with refused("A VectorDict with a mask cannot be saved"):
        capture_objects([VectorDict({1: 2.0}, mask={1})])


def test_functions_that_a_file_may_name_are_found_and_no_others():
    for name in ("river._river_rust.vectordict:euclidean_distance_dict",
                 "river.naive_bayes.gaussian:GaussianNB._make_gaussian",
                 "a table of gaussians", "a table of floats", "a variance"):  # fmt: skip
        found = constant_of(name)
        assert callable(found)
        assert name_of_constant(found) == name
    again = functools.partial(collections.defaultdict, float)
    assert name_of_constant(again) == "a table of floats"
    for other in (functools.partial(collections.defaultdict, int),
                  functools.partial(collections.defaultdict, float, x=1),
                  functools.partial(collections.defaultdict, float, ()),
                  functools.partial(collections.OrderedDict, float)):  # fmt: skip
        with refused("The model holds a function, partial, which cannot be saved"):
            name_of_constant(other)


def rows_of_a_detector(rows, used):
    """Bytes with so many rows, of which the last alone is in use."""
    delta, clock, most, least, grace, *_ = native._HEAD.unpack_from(windowing())
    events = used << (rows - 1)
    row = struct.Struct(f"<QQQ{most + 1}dQ{most + 1}d")
    zeros = [0.0] * (most + 1)
    out = native._HEAD.pack(delta, clock, most, least, grace, 0.0, 0.0, float(events), 0.0,
                            used, used, 0, 0, rows)  # fmt: skip
    for k in range(rows):
        held = used if k == rows - 1 else 0
        out += row.pack(most, held, most + 1, *zeros, most + 1, *zeros)
    return out + native._TAIL.pack(delta, clock, most, int(least), int(grace))


@pytest.mark.parametrize("rows", [2, 31])
def test_a_detector_may_have_one_bucket_in_its_last_row_and_31_rows(rows):
    native._check_windowing(rows_of_a_detector(rows, 1))
    with refused("has other settings or rows"):
        native._check_windowing(rows_of_a_detector(32, 1))
    with refused("has an empty last row"):
        native._check_windowing(rows_of_a_detector(rows, 0))
