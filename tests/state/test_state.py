"""State files: what goes in comes out, and no file, however broken, does harm."""

import hashlib
import json
import math
import os
import random
from importlib.metadata import EntryPoint, entry_points
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from river.preprocessing import StandardScaler
from safetensors.numpy import load_file

from streamml import state
from streamml.base import Learner
from streamml.baselines import MajorityLabelSet, NoChange
from streamml.errors import ConfigError, SchemaError, StateError
from streamml.state.learners import configuration, describe
from streamml.state.statefile import DTYPES, read_file
from streamml.types import Event, EventBatch, Predictions, Schema

scalars = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.binary()
)
arrays = st.builds(
    lambda dtype, shape, seed: np.random.default_rng(seed).integers(0, 2, shape).astype(dtype),
    st.sampled_from(list(DTYPES.values())),
    st.lists(st.integers(0, 3), max_size=3).map(tuple),
    st.integers(0, 99),
)
values = st.recursive(
    scalars | arrays,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.tuples(inner, inner)
        | st.dictionaries(st.text(max_size=3) | st.integers(), inner, max_size=3)
    ),
    max_leaves=12,
)


def same(a, b):
    if isinstance(a, np.ndarray):
        return isinstance(b, np.ndarray) and a.dtype == b.dtype and np.array_equal(a, b)
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[k], b[k]) for k in a)
    if isinstance(a, list | tuple):
        return type(a) is type(b) and len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, float) and math.isnan(a):
        return math.isnan(b)
    return type(a) is type(b) and a == b


@given(mapping=st.dictionaries(st.text(max_size=4) | st.integers(), values, max_size=4))
@example(mapping={"$array": "x", "__metadata__": np.zeros(2), "document": np.ones(1), "": {7: ()}})
@settings(max_examples=150, deadline=None)
def test_what_goes_in_comes_out(tmp_path_factory, mapping):
    path = tmp_path_factory.getbasetemp() / "round.state"
    state.write(path, mapping)
    assert same(state.read(path), mapping)


class Pair(NamedTuple):
    left: np.ndarray
    right: np.ndarray


def test_safetensors_reads_the_arrays_and_named_tuples_go_by_field(tmp_path):
    path = tmp_path / "s"
    left = np.arange(6.0).reshape(2, 3)
    state.write(path, {"pair": Pair(left, np.array([True])), "late": left.T})
    found = load_file(path)
    assert np.array_equal(found["pair/left"], left)
    assert np.array_equal(found["late"], left.T)
    assert json.loads(found["document"].tobytes()) == {
        "pair": {"left": {"$array": "pair/left"}, "right": {"$array": "pair/right"}},
        "late": {"$array": "late"},
    }
    assert state.read(path)["pair"]["right"].tolist() == [True]
    back = state.read(path)["late"]
    back[:] = 0  # what is read can be written to


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ({1, 2}, "is a set"),
        (np.array(["text"]), "array of"),
        (np.zeros(1, [("a", "f4")]), "array of"),
        (lambda: 0, "is a function"),
    ],
)
def test_what_cannot_be_saved_is_said_by_name(tmp_path, value, said):
    with pytest.raises(StateError, match=f"deep/0.*{said}"):
        state.write(tmp_path / "s", {"deep": [value]})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("wrap", [lambda x: {"a": x}, lambda x: {7: x}, lambda x: (x,)])
def test_too_deep_is_refused(tmp_path, wrap):
    nested = 0
    for _ in range(99):
        nested = wrap(nested)
    state.write(tmp_path / "s", {"a": nested})
    assert state.read(tmp_path / "s") == {"a": nested}
    for _ in range(400):
        nested = wrap(nested)
        with pytest.raises(StateError, match="more than 100 deep"):
            state.write(tmp_path / "s", {"a": wrap(nested)})


def test_arrays_lie_where_they_can_be_mapped(tmp_path):
    path = tmp_path / "s"
    mixed = {f"{name}": np.zeros(3, dtype) for name, dtype in DTYPES.items()}
    state.write(path, mixed)
    raw = path.read_bytes()
    length = int.from_bytes(raw[:8], "little")
    assert length % 8 == 0
    header = json.loads(raw[8 : 8 + length])
    for name, dtype in DTYPES.items():
        assert header[name]["data_offsets"][0] % dtype.itemsize == 0


def test_the_other_byte_order_many_axes_and_long_lists_of_names_come_back(tmp_path):
    path = tmp_path / "s"
    state.write(path, {"big": np.arange(3, dtype=">i4"), "axes": np.ones([1] * 8)})
    found = state.read(path)
    assert (found["big"].tolist(), found["axes"].shape) == ([0, 1, 2], (1,) * 8)
    state.write(path, {"much": np.ones(10**6), "deep": [[np.ones(1)], {"b": (7,)}]})
    found = state.read(path)
    assert (found["much"].sum(), found["deep"]) == (1e6, [[[1.0]], {"b": (7,)}])
    for n, arrays in ((999, 0), (1000, 2)):
        state.write(path, {"names": ["f"] * n})
        assert len(read_file(path, 10**6).arrays) == arrays
        assert state.read(path) == {"names": ["f"] * n}


def test_what_a_process_that_was_killed_left_is_no_hindrance_and_no_link_is_followed(tmp_path):
    path, other = tmp_path / "s", tmp_path / "other"
    other.write_text("somebody's")
    (tmp_path / f".s.{os.getpid()}.tmp").symlink_to(other)
    state.write(path, {"n": 1})
    assert state.read(path) == {"n": 1}
    assert other.read_text() == "somebody's"
    assert {found.name for found in tmp_path.iterdir()} == {"s", "other"}


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "s"
    state.write(path, {"n": 1})

    def full(fd):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StateError, match="No space left"):
        state.write(path, {"n": 2})
    assert state.read(path) == {"n": 1}
    assert list(tmp_path.iterdir()) == [path]


def test_a_state_is_on_the_disk_before_it_has_its_name_and_so_is_the_name(tmp_path, monkeypatch):
    path, flushed, really = tmp_path / "s", [], os.fsync

    def note(fd):
        flushed.append((os.fstat(fd), path.exists()))
        really(fd)

    monkeypatch.setattr(os, "fsync", note)
    state.write(path, {"n": 1})
    (whole, named_before), (folder, named) = flushed
    assert (whole.st_ino, whole.st_size) == (path.stat().st_ino, path.stat().st_size)
    assert folder.st_ino == tmp_path.stat().st_ino
    assert (named_before, named) == (False, True)


def test_missing_directories_kinds_and_limits(tmp_path):
    path = tmp_path / "s"
    with pytest.raises(StateError, match="cannot be read"):
        state.read(path)
    with pytest.raises(StateError, match="cannot be written"):
        state.write(tmp_path / "no" / "s", {})
    os.mkfifo(tmp_path / "pipe")  # nobody writes to it: a plain open would wait for ever
    with pytest.raises(StateError, match="regular"):
        state.read(tmp_path / "pipe")
    state.write(path, {"n": 1}, kind="service")
    assert state.read(path, kind="service") == {"n": 1}
    with pytest.raises(StateError, match="'service', not a 'learner'"):
        state.load(path)
    size = path.stat().st_size
    assert state.read(path, limit=size) == {"n": 1}
    with pytest.raises(StateError, match=f"more than the limit of {size - 1}"):
        state.read(path, limit=size - 1)


def sealed(header, body):
    """A file with a valid checksum, whatever it says."""
    header.setdefault("__metadata__", {}).update(
        {
            "format": "streamml-state",
            "version": "1",
            "kind": "state",
            "library": "0",
            "checksum": "0" * 64,
        }
        | header.get("__metadata__", {})
    )
    text = json.dumps(header).encode()
    raw = len(text).to_bytes(8, "little") + text
    digest = hashlib.blake2b(raw + body, digest_size=32).hexdigest().encode()
    return raw.replace(b"0" * 64, digest, 1) + body


def entry(dtype, shape, start, stop):
    return {"dtype": dtype, "shape": shape, "data_offsets": [start, stop]}


@pytest.mark.parametrize(
    ("header", "body"),
    [
        ({"document": entry("U8", [2], 0, 2), "a": entry("F64", [2**40, 0, 2**40], 2, 2)}, b"{}"),
        ({"document": entry("U8", [2], 0, 2), "a": entry("F64", [1 << 61], 2, 2)}, b"{}"),
        ({"document": entry("U8", [2], 0, 2), "a": entry("F64", [-1], 2, 2)}, b"{}"),
        ({"document": entry("U8", [2], 0, 2), "a": entry("F64", [True], 2, 10)}, b"{}"),
        ({"document": entry("U8", [2], 0, 2), "a": entry("F64", [1], 1, 9)}, b"{}" + b"0" * 7),
        ({"document": entry("U8", [2], 0, 2), "a": entry("F64", [1], 2, 10)}, b"{}"),
        ({"document": entry("U8", [2], 0, 2), "a": entry("O", [1], 2, 10)}, b"{}" + b"0" * 8),
        ({"document": entry("U8", [2], 0, 2), "a": entry("U8", [1], 2, 3)}, b"{}\x07"),
        ({"document": entry("U8", [2], 0, 2), "a": [1]}, b"{}"),
        ({"document": entry("U8", [2], 0, 2), "a": entry("U8", "x", 2, 2)}, b"{}"),
        (
            {"document": entry("U8", [21], 0, 21), "no": entry("U8", [1] * 9, 21, 22)},
            b'{"a":{"$array":"no"}}\x07',
        ),
        (
            {"document": entry("U8", [21], 0, 21), "no": entry("U8", [True], 21, 22)},
            b'{"a":{"$array":"no"}}\x07',
        ),
        (
            {"document": entry("U8", [21], 0, 21), "no": entry("U8", [1.0], 21, 22)},
            b'{"a":{"$array":"no"}}\x07',
        ),
        ({"document": entry("U8", [606], 0, 606)}, b'{"a":' + b"[" * 300 + b"]" * 300 + b"}"),
        ({"document": entry("F32", [1], 0, 4)}, b"{}  "),
        ({}, b""),
        ({"document": entry("U8", [2], 0, 2)}, b"[]"),
        ({"document": entry("U8", [200_000], 0, 200_000)}, b"[" * 200_000),
        ({"document": entry("U8", [9], 0, 9)}, b'{"a":' + b"\xff" * 4),
        ({"document": entry("U8", [6_010], 0, 6_010)}, b'{"a":' + b"9" * 6_004 + b"}"),
        ({"document": entry("U8", [20], 0, 20)}, b'{"a":{"$array":"no"}'),
        ({"document": entry("U8", [21], 0, 21)}, b'{"a":{"$array":"no"}}'),
        ({"document": entry("U8", [19], 0, 19)}, b'{"a":{"$array":[]}}'),
        ({"document": entry("U8", [21], 0, 21)}, b'{"a":{"$pairs":[[1]]}'),
        ({"document": entry("U8", [22], 0, 22)}, b'{"a":{"$pairs":[[1]]}}'),
        ({"document": entry("U8", [26], 0, 26)}, b'{"a":{"$pairs":[[[1],2]]}}'),
        ({"document": entry("U8", [21], 0, 21)}, b'{"a":{"$bytes":"***"}'),
        ({"document": entry("U8", [20], 0, 20)}, b'{"a":{"$bytes":"*"}}'),
        ({"document": entry("U8", [18], 0, 18)}, b'{"a":{"$tuple":1}}'),
        ({"__metadata__": {"version": "99"}, "document": entry("U8", [2], 0, 2)}, b"{}"),
        ({"__metadata__": {"format": "other"}, "document": entry("U8", [2], 0, 2)}, b"{}"),
        ({"__metadata__": {"kind": 3}, "document": entry("U8", [2], 0, 2)}, b"{}"),
    ],
)
def test_crafted_files_with_a_valid_checksum_are_refused(tmp_path, header, body):
    (tmp_path / "s").write_bytes(sealed(header, body))
    with pytest.raises(StateError):
        state.read(tmp_path / "s")


@pytest.mark.parametrize("byte", [2, 7, 255])
def test_a_truth_value_is_0_or_1(tmp_path, byte):
    header = {"document": entry("U8", [21], 0, 21), "no": entry("BOOL", [2], 21, 23)}
    (tmp_path / "s").write_bytes(sealed(header, b'{"a":{"$array":"no"}}\x00\x01'))
    assert state.read(tmp_path / "s")["a"].tolist() == [False, True]
    (tmp_path / "s").write_bytes(sealed(header, b'{"a":{"$array":"no"}}\x00' + bytes([byte])))
    with pytest.raises(StateError, match="neither true nor false"):
        state.read(tmp_path / "s")


@pytest.mark.parametrize("version", ["0", "3", "-1", "1.0"])
def test_another_version_is_named(tmp_path, version):
    header = {"__metadata__": {"version": version}, "document": entry("U8", [2], 0, 2)}
    (tmp_path / "s").write_bytes(sealed(header, b"{}"))
    with pytest.raises(StateError, match=f"version '{version}'.*reads versions 1 to 2"):
        state.read(tmp_path / "s")


def test_the_crafting_itself_makes_readable_files(tmp_path):
    header = {"document": entry("U8", [21], 0, 21), "no": entry("U8", [1], 21, 22)}
    (tmp_path / "s").write_bytes(sealed(header, b'{"a":{"$array":"no"}}\x07'))
    assert state.read(tmp_path / "s")["a"].tolist() == [7]


def test_every_flipped_bit_and_every_truncation_is_noticed(tmp_path):
    path = tmp_path / "s"
    state.write(path, {"a": np.arange(4, dtype=np.int16), "names": ["x", "y"], 3: None})
    whole = path.read_bytes()
    rng = random.Random(1)
    broken = [whole[:n] for n in range(len(whole))]
    broken += [whole + b"\0"]
    for place in range(len(whole)):
        other = bytearray(whole)
        other[place] ^= 1 << rng.randrange(8)
        broken.append(bytes(other))
    for damaged in broken:
        path.write_bytes(damaged)
        with pytest.raises(StateError):
            state.read(path)


# -- learners -----------------------------------------------------------------------------


def batch_of(n):
    events = [Event(i, 0.0, {"f": 1.0}, frozenset({f"l{i % 3}", f"l{i % 2}"})) for i in range(n)]
    return EventBatch.from_events(events, Schema())


@pytest.mark.parametrize("make", [NoChange, lambda: MajorityLabelSet(max_sets=2)])
def test_a_baseline_goes_on_as_if_it_had_not_stopped(tmp_path, make):
    batch, path = batch_of(60), tmp_path / "s"
    learner = make()
    learner.learn(batch.slice(0, 31))
    state.save(learner, path)
    again = state.load(path)
    again.bind(EventBatch.from_events([], Schema()).schema)  # an empty stream takes its names
    assert repr(again) == repr(learner)
    rest = [(e.x, e.y) for e in batch.slice(31, 60).events()]
    for x, y in rest:
        assert again.predict_one(x) == learner.predict_one(x)
        again.learn_one(x, y)
        learner.learn_one(x, y)


class Guess(Learner):
    """A learner of somebody else's."""

    _learned = ("counts",)

    def __init__(self, size=3, order=("a", "b")):
        self.size = size
        self.order = order
        self.counts = np.zeros(size, np.int64)

    def predict(self, batch, min_score=0.01):
        return Predictions(np.zeros(len(batch) + 1, np.int64), np.zeros(0, np.int32))

    def learn(self, batch):
        self.counts += len(batch)


def test_only_known_classes_are_made(tmp_path):
    path = tmp_path / "s"
    learner = Guess(size=4)
    learner.learn(batch_of(5))
    state.save(learner, path)
    with pytest.raises(StateError, match="no known class 'Guess'"):
        state.load(path)
    again = state.load(path, known=[Guess])
    assert (again.size, again.order, again.counts.tolist()) == (4, ("a", "b"), [5] * 4)
    for name in ("os.system", "Learner", "streamml.cli", "__import__", "answer"):
        state.write(path, {"class": name, "parameters": {}, "state": {}}, kind="learner")
        with pytest.raises(StateError, match="no known class"):
            state.load(path)


def guess_as(tmp_path, kind, name="Guess", **more):
    """A file that names a class ``name``, loaded where that is ``kind``."""
    described = {"class": name, "parameters": {}, "state": {}, **more}
    state.write(tmp_path / "s", described, kind="learner")
    return state.load(tmp_path / "s", known={name: kind})


def test_a_class_is_known_by_the_name_it_is_given_and_must_be_a_learner(tmp_path):
    class Stubborn(Guess):
        def restore(self, snapshot):
            raise ZeroDivisionError("no")

    class Never(Guess):
        _from_files = False

    class Plain:
        pass

    class Forgetful(Guess):
        def __init__(self, depth=3):
            super().__init__()

    good = describe(Guess(size=2))
    assert guess_as(tmp_path, Guess, "Other", **{**good, "class": "Other"}).size == 2
    for kind, said in (
        (Stubborn, "The state does not fit Stubborn: no"),
        (Never, "Never is never made out of a file"),
        (Plain, "Plain is no learner"),
    ):
        with pytest.raises(StateError, match=said):
            guess_as(tmp_path, kind)
    with pytest.raises(StateError, match="Guess has no parameter 'depth' here"):
        guess_as(tmp_path, Guess, parameters={"depth": 1, "size": 2})
    with pytest.raises(StateError, match="does not keep its parameter 'depth'"):
        state.save(Forgetful(), tmp_path / "s")
    assert configuration(Forgetful()) is None
    assert configuration(Guess(order=(len,))) is None
    assert configuration(Guess(2)) == {k: good[k] for k in ("class", "parameters")}
    with pytest.raises(StateError, match="value of type builtin_function_or_method cannot be"):
        state.save(Guess(order=(len,)), tmp_path / "s")


def test_parameters_keep_their_kinds_and_objects_among_them_are_made_anew(tmp_path):
    inner = Guess(size=5)
    order = ({"a": [1, (inner, None)]}, [StandardScaler()], {"$object": 1, "b": 2.5})
    state.save(Guess(order=order), tmp_path / "s")
    again = state.load(tmp_path / "s", known=[Guess]).order
    (found, nothing) = again[0]["a"][1]
    assert (type(found), found.size, found is inner, nothing) == (Guess, 5, False, None)
    assert (again[0]["a"][0], type(again[1]), again[2]) == (1, list, order[2])
    assert isinstance(again[1][0], StandardScaler)


def test_no_class_of_somebody_else_takes_the_place_of_one_of_streamml(tmp_path):
    other = type("NoChange", (Guess,), {})
    with pytest.raises(StateError, match="has the name of one of streamml's own"):
        state.save(other(), tmp_path / "s")


def test_a_package_that_takes_a_name_of_streamml_is_not_asked(tmp_path, monkeypatch):
    state.save(NoChange(), tmp_path / "s")
    own = list(entry_points(group=state.ENTRY_POINTS))
    taken = EntryPoint("NoChange", "somebody:NoChange", state.ENTRY_POINTS)
    for points in ([taken, *own], [*own, taken]):
        monkeypatch.setattr("streamml.state.learners.entry_points", lambda group, p=points: p)
        assert type(state.load(tmp_path / "s")) is NoChange
        state.save(NoChange(), tmp_path / "s")


def test_a_state_of_another_kind_is_refused_and_changes_nothing(tmp_path):
    learner = Guess()
    learner.learn(batch_of(5))
    good = learner.snapshot()
    for bad in (
        {"counts": np.zeros(3, np.float32)},
        {"counts": np.zeros((3, 1), np.int64)},
        {"counts": [1, 2]},
        {},
        {"counts": np.zeros(3, np.int64), "more": 1},
    ):
        with pytest.raises(StateError):
            learner.restore({**good, "learned": bad})
    with pytest.raises(StateError):
        learner.restore({**good, "position": -1})
    with pytest.raises(StateError, match="lacks 'position'"):
        learner.restore({})
    assert learner.counts.tolist() == [5] * 3


def test_parameters_that_do_not_fit_are_refused(tmp_path):
    path = tmp_path / "s"
    good = {"position": 0, "schema": None, "learned": {}}
    for parameters in ({"max_sets": 0}, {"max_sets": "many"}, {"other": 1}, {"max_sets": {"$": 1}}):
        state.write(
            path, {"class": "MajorityLabelSet", "parameters": parameters, "state": good}, "learner"
        )
        with pytest.raises(StateError):
            state.load(path)


def test_a_learner_that_says_nothing_of_its_state_cannot_be_saved(tmp_path):
    class Silent(Guess):
        _learned = ()

    with pytest.raises(StateError, match="_learned"):
        state.save(Silent(), tmp_path / "s")


def test_a_snapshot_is_of_its_moment():
    learner = Guess()
    learner.learn(batch_of(2))
    taken = learner.snapshot()
    learner.learn(batch_of(0))
    learner.counts += 7
    learner.restore(taken)
    assert learner.counts.tolist() == [2, 2, 2]
    learner.counts += 1
    assert taken["learned"]["counts"].tolist() == [2, 2, 2]


def test_a_restored_learner_refuses_a_stream_with_other_columns():
    learner = NoChange()
    learner.learn(batch_of(9))
    again = NoChange()
    again.restore(learner.snapshot())
    with pytest.raises(SchemaError, match="other columns"):
        again.bind(Schema(["g"], ["l0"]))
    header = Schema(["f"], ["l0"])
    again.bind(header)
    assert header.labels.names == learner.schema.labels.names
    assert again.schema is header


def test_a_state_replaces_files_only(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for path in (pipe, tmp_path):
        with pytest.raises(StateError, match="is no file"):
            state.save(NoChange(), path)
    assert pipe.is_fifo()


def test_only_learners_are_saved_and_only_classes_known(tmp_path):
    with pytest.raises(StateError, match="no learner"):
        state.save(StandardScaler() | NoChange(), tmp_path / "pipeline")
    state.save(NoChange(), tmp_path / "learner")
    with pytest.raises(ConfigError, match="a list of classes"):
        state.load(tmp_path / "learner", known=NoChange)
    with pytest.raises(ConfigError, match="a list of classes"):
        state.load(tmp_path / "learner", known=[NoChange, "NoChange"])
