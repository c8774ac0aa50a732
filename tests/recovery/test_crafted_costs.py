"""What a crafted state costs: a few times its size in memory, and time that grows with it."""

import json
import subprocess
import sys
import tracemalloc

import numpy as np
import pytest

from streamml import state
from streamml.baselines import NoChange
from streamml.errors import StateError
from streamml.state.bounded import FACTOR, ROOM, check_cost, check_keys, cost_of_json, parse
from streamml.state.objects import weight
from streamml.state.statefile import read_file
from streamml.types import Schema
from tests.recovery import costs

SLACK = 4 * 2**20  # of the allocator


def cost_of(path):
    command = [sys.executable, "-m", "tests.recovery.costs", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    return json.loads(done.stdout)


def assert_bounded(found, factor, room, name):
    times = found["rise"] / found["file"]
    told = f"{name} of {found['file']} bytes took {found['rise'] >> 20} MiB, {times:.1f} times them"
    assert found["rise"] <= factor * found["file"] + room + SLACK, told
    assert found["seconds"] < 0.5 + found["file"] / 2**20, f"{name} took {found['seconds']} s"


def largest(name):
    """About as large as is read: there the most is had for the bytes."""
    sample = costs.DOCUMENTS[name](200_000)
    times = cost_of_json(sample) / len(sample)
    return 8_000_000 if times <= FACTOR else int(0.97 * ROOM / (times - FACTOR))


@pytest.mark.parametrize(
    "name",
    ["full lists", "nested", "numbers", "reals", "texts", "long numbers", "keys", "pairs", "wide"],
)
def test_the_costliest_documents_that_are_read(tmp_path, name):
    costs.craft(tmp_path / "s", name, largest(name))
    found = cost_of(tmp_path / "s")
    assert found["said"] == "read"
    assert_bounded(found, FACTOR, ROOM, name)


@pytest.mark.parametrize("name", ["short texts", "wide texts", "arrays"])
def test_long_lists_of_texts_and_many_arrays(tmp_path, name):
    costs.craft(tmp_path / "s", name, 2_000_000 if name == "arrays" else 12_000_000)
    found = cost_of(tmp_path / "s")
    assert found["said"] == "read"
    assert_bounded(found, FACTOR, ROOM, name)


@pytest.mark.parametrize(
    ("name", "size"),
    [("lists", 18_000_000), ("pairs", 18_000_000), ("header", 12_000_000), ("header", 18_000_000)],
)
def test_what_says_too_much_is_refused_before_it_is_made(tmp_path, name, size):
    costs.craft(tmp_path / "s", name, size)
    found = cost_of(tmp_path / "s")
    assert "refused" in found["said"]
    assert_bounded(found, FACTOR, 0, name)


@pytest.mark.parametrize("name", ["residues", "twins"])
def test_keys_that_hash_alike_are_refused(tmp_path, name):
    costs.craft(tmp_path / "s", name, 1_000_000)
    found = cost_of(tmp_path / "s")
    assert "chosen to hash alike" in found["said"]
    assert_bounded(found, FACTOR, ROOM, name)


def test_numbers_that_hash_alike_are_refused_wherever_they_stand(tmp_path):
    """What is a number in a list today is a key once it is restored: the id of an event, say."""
    alike = [k * (2**61 - 1) for k in range(100, 180)]
    with pytest.raises(StateError, match="chosen to hash alike"):
        state.write(tmp_path / "s", {"pairs": dict.fromkeys(alike)})
    state.write(tmp_path / "s", {"ids": [2**127 + 5] * 100 + list(range(2**90, 2**90 + 100))})
    assert len(state.read(tmp_path / "s")["ids"]) == 200
    costs.seal(tmp_path / "s", json.dumps({"ids": alike}).encode())
    with pytest.raises(StateError, match="chosen to hash alike"):
        state.read(tmp_path / "s")


def test_how_much_is_too_much():
    check_cost(8 * 1000 + 32 * 2**20, 1000, "It")
    with pytest.raises(StateError, match="It would take about 32 MiB of memory, more than 8 times"):
        check_cost(8 * 1000 + 32 * 2**20 + 1, 1000, "It")


@pytest.mark.parametrize("name", ["lists", "full mappings", "numbers", "texts", "keys", "pairs"])
def test_a_document_costs_about_what_it_is_reckoned_to(name):
    text = costs.DOCUMENTS[name](300_000)
    tracemalloc.start()
    try:
        whole = text.decode()
        found = parse(whole)
        cost = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert found
    assert cost <= cost_of_json(text) <= 3 * cost + 4 * len(text)


@pytest.mark.parametrize("more", [[], ["x", "y", 5]])
def test_64_keys_may_hash_alike_and_no_more(more):
    alike = [k * (2**61 - 1) for k in range(65)]
    check_keys([*alike[:64], *more])
    check_keys([])
    with pytest.raises(StateError, match="More than 64 keys are chosen to hash alike"):
        check_keys([*alike, *more])
    long = [1000 * 2**61 - 1000 + one for one in alike]  # of 22 digits
    assert parse(json.dumps([*long[:64], *more])) == [*long[:64], *more]
    assert parse(json.dumps(long[:3] * 30)) == long[:3] * 30  # the same numbers again
    with pytest.raises(StateError, match="More than 64 keys"):
        parse(json.dumps([*long, *more]))


def test_what_could_not_be_read_is_not_written(tmp_path):
    path = tmp_path / "s"
    for value, said in (
        ([[]] * 10**6, "would take about .* MiB of memory, more than 8 times"),
        ("a" * (64 * 2**20), "more than 67108864: keep numbers in arrays"),
        ({f"{k}": np.zeros(9) for k in range(100_001)}, "too many to list in the header"),
        ([{"$graph": {}}] * 17, "more than 16 models"),
    ):
        with pytest.raises(StateError, match=said):
            state.write(path, {"value": value})
    assert list(tmp_path.iterdir()) == []


# -- large and honest ------------------------------------------------------------------------


@pytest.fixture(scope="module")
def names():
    return [f"f{k}" for k in range(999_000)] + [f"größe-{k}" for k in range(1_000)]


def test_a_million_names_are_saved_and_loaded(tmp_path, names):
    learner = NoChange()
    learner.bind(Schema(names, names[:100_000], absent_is_zero=True))
    learner.learn_one({"f7": 1.0}, {"f9"})
    state.save(learner, tmp_path / "s")
    again = state.load(tmp_path / "s")
    assert again.schema.features.names == names
    assert (again.schema.labels.names, again.predict_one({})["f9"]) == (names[:100_000], True)
    assert len(read_file(tmp_path / "s", 2**30).document) < 1000  # they lie in arrays
    assert_bounded(cost_of(tmp_path / "s"), FACTOR, ROOM, "a million names")


def test_the_arrays_of_many_waiting_batches_are_saved_and_loaded(tmp_path):
    parts = [{f"array_{name}": np.full(16, k) for name in "abcdefgh"} for k in range(5_000)]
    state.write(tmp_path / "s", {"waiting": {"parts": parts}})
    again = state.read(tmp_path / "s")["waiting"]["parts"]
    assert len(again) == 5_000
    assert [part["array_h"][3] for part in again[:3]] == [0, 1, 2]
    assert_bounded(cost_of(tmp_path / "s"), FACTOR, ROOM, "40,000 arrays")


def test_the_names_of_an_older_file_are_read(tmp_path, names):
    """Version 1 had them in the document."""
    text = json.dumps({"names": names}, separators=(",", ":")).encode()
    costs.seal(tmp_path / "s", text, version="1")
    assert state.read(tmp_path / "s") == {"names": names}


def test_texts_come_back_whatever_their_letters(tmp_path):
    texts = ["", "a", "ä", "\ud800", "😀", "\0", "漢字", "$array"] * 200
    state.write(tmp_path / "s", {"texts": texts, "few": texts[:8]})
    assert state.read(tmp_path / "s") == {"texts": texts, "few": texts[:8]}


@pytest.mark.parametrize(
    ("ends", "whole"),
    [([1, 0, 4], b"abcd"), ([1, 2, 3], b"abcd"), ([-1, 2, 4], b"abcd"), ([4], b"\xff\xff\xff\xff"),
     ([9], b"abcd"), ([], b"")],
)  # fmt: skip
def test_crafted_texts_are_refused(tmp_path, ends, whole):
    raw = np.array(ends, np.int64).tobytes()
    arrays = [("e", "I64", [len(ends)], len(raw)), ("u", "U8", [len(whole)], len(whole))]
    costs.seal(tmp_path / "s", b'{"a":{"$texts":["u","e"]}}      ', arrays, raw + whole)
    with pytest.raises(StateError, match=r"texts|cannot be read"):
        state.read(tmp_path / "s")


@pytest.mark.parametrize(
    ("ends", "whole"),
    [(("U64", [2]), ("U8", [4])), (("I64", [2]), ("I8", [4])),
     (("I64", [2, 1]), ("U8", [4])), (("I64", [2]), ("U8", [4, 1]))],
)  # fmt: skip
def test_texts_of_other_arrays_are_refused(tmp_path, ends, whole):
    raw = np.array([1, 4], np.int64).tobytes()
    arrays = [("e", *ends, len(raw)), ("u", *whole, 4)]
    costs.seal(tmp_path / "s", b'{"a":{"$texts":["u","e"]}}      ', arrays, raw + b"abcd")
    with pytest.raises(StateError, match="texts that are none"):
        state.read(tmp_path / "s")


# -- graphs ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["sets", "objects", "tables", "tuples", "long numbers"])
def test_the_costliest_graphs(tmp_path, name):
    costs.learner(tmp_path / "learner.state", name, 2_000_000)
    assert_bounded(cost_of(tmp_path / "learner.state"), weight.FACTOR, weight.ROOM, name)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("queues", "MiB of memory, more than 20 times"),
        ("generators", "MiB of memory, more than 20 times"),
        ("detectors", "MiB of memory, more than 20 times"),
        ("random", "a generator twice"),
        ("doubled", "take too long to hash"),
        ("alike", "chosen to hash alike"),
    ],
)
def test_few_bytes_that_stand_for_much_are_refused(tmp_path, name, said):
    costs.learner(tmp_path / "learner.state", name, 2_000_000)
    found = cost_of(tmp_path / "learner.state")
    assert said in found["said"]
    assert_bounded(found, FACTOR, ROOM, name)
