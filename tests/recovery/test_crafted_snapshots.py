"""A snapshot that somebody crafted is refused, or makes a learner that runs: nothing else."""

import copy
import warnings

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from streamml import IHOMER
from streamml.baselines import MajorityLabelSet, NoChange
from streamml.errors import StateError
from streamml.evaluate import Delay, PrequentialLoop
from streamml.state.learners import describe, restore_learner
from streamml.types import EventBatch, Schema
from tests.recovery.test_snapshots import events

BATCH = EventBatch.from_events(events(420), Schema())


def saved(learner):
    learner.learn(BATCH.slice(0, 400))
    return describe(learner)


DESCRIBED = {
    "no-change": saved(NoChange()),
    "majority": saved(MajorityLabelSet(max_sets=8)),
    "default": saved(IHOMER(n_min=50, window=64)),
    "accurate": saved(IHOMER("accurate", n_min=50, window=64)),
    "small": saved(IHOMER("fast", n_min=50, memory_budget=250_000)),
    "odac": saved(IHOMER("fast", rule="odac", n_min=50)),
}
ODD = [0, -1, 1, 2, 7, -2, 31, 1000, -1000, 2**15 - 1, 2**31 - 1, -(2**31), 2**62, -(2**63)]
ODD_FLOATS = [0.0, -1.0, 1e300, -1e300, float("nan"), float("inf"), -float("inf"), 0.5, 1e-300]


def places(tree, path=()):
    """Paths of everything in a mapping; of a long list, of its first entries."""
    items = tree.items() if isinstance(tree, dict) else enumerate(tree[:3])
    for key, part in items:
        yield (*path, key)
        if isinstance(part, dict | list):
            yield from places(part, (*path, key))


def within(tree, key):
    """Whether there still is something at the key."""
    return (
        key in tree
        if isinstance(tree, dict)
        else (isinstance(tree, list) and isinstance(key, int) and key < len(tree))
    )


PLACES = {name: list(places(tree)) for name, tree in DESCRIBED.items()}


def spoilt_array(draw, array):
    kind = draw(st.sampled_from(["cells", "cells", "cells", "all", "shape", "dtype", "axes"]))
    array = array.copy()
    if kind == "dtype":
        with np.errstate(all="ignore"):
            return array.astype(draw(st.sampled_from([np.int8, np.float64, np.int64, np.uint8])))
    if kind == "shape":
        return array[: draw(st.integers(0, 3))]
    if kind == "axes":
        return array.reshape(-1)
    odd = ODD_FLOATS if array.dtype.kind == "f" else ODD
    if array.size == 0:
        return array
    with np.errstate(all="ignore"):
        value = np.array(draw(st.sampled_from(odd))).astype(array.dtype)
    if kind == "all":
        array[...] = value
    else:
        for _ in range(draw(st.integers(1, 3))):
            array.reshape(-1)[draw(st.integers(0, array.size - 1))] = value
    return array


def spoil(draw, tree, path):
    """Change what lies at a path: another value, another kind, or nothing."""
    *above, last = path
    for key in above:
        if not within(tree, key):
            return
        tree = tree[key]
    if not within(tree, last):
        return
    value = tree[last]
    if isinstance(value, np.ndarray):
        tree[last] = spoilt_array(draw, value)
    elif draw(st.integers(0, 9)) == 0:
        del tree[last]
    else:
        tree[last] = draw(
            st.sampled_from([None, True, "x", [], {}, *ODD, *ODD_FLOATS, np.zeros(2), 3, "fast"])
        )


def runs(learner):
    schema = learner.schema
    stream = [e for e in events(60, seed=5) if e.y is None or len(schema.labels) < 1000]
    batch = EventBatch.from_events(stream, schema)
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        learner.predict(batch, 0.0)
        found = learner.test_then_train(batch, 0.0)
    assert len(found) == len(batch)
    assert len(found.indices) == 0 or found.indices.max() < len(schema.labels)


@given(data=st.data())
@settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))
def test_it_is_refused_or_it_runs(data):
    name = data.draw(st.sampled_from(list(DESCRIBED)))
    crafted = copy.deepcopy(DESCRIBED[name])
    for _ in range(data.draw(st.integers(1, 3))):
        spoil(data.draw, crafted, data.draw(st.sampled_from(PLACES[name])))
    try:
        learner = restore_learner(crafted)
    except StateError:
        return
    runs(learner)


def test_untouched_descriptions_are_accepted_and_run():
    for described in DESCRIBED.values():
        runs(restore_learner(copy.deepcopy(described)))


SERVES_AS_PLACE = [
    ("knn", "pos"), ("knn", "num"), ("knn", "ix"), ("links", "nbr"), ("decision", "size"),
    ("decision", "lab"), ("decision", "depth"), ("decision", "i"), ("clock",),
]  # fmt: skip


@pytest.mark.parametrize("value", [2**30, -(2**30), -1])
@pytest.mark.parametrize("path", SERVES_AS_PLACE)
def test_a_place_outside_its_array_is_refused(path, value):
    crafted = copy.deepcopy(DESCRIBED["accurate"])
    part = crafted["state"]["learned"]["stack"]
    for key in path:
        part = part[key]
    if value == -1 and path[-1] in ("num", "nbr"):
        value = -2
    part.reshape(-1)[:] = value
    with pytest.raises(StateError):
        restore_learner(crafted)


@pytest.mark.parametrize("field", ["node", "after", "labels", "listed", "clock"])
def test_a_forest_with_a_place_outside_its_array_is_refused(field):
    for value in (30_000, -30_000):
        crafted = copy.deepcopy(DESCRIBED["accurate"])
        crafted["state"]["learned"]["extras"]["forest"][field].reshape(-1)[:] = value
        with pytest.raises(StateError):
            restore_learner(crafted)


def test_a_tree_that_leads_back_to_its_root_is_refused():
    crafted = copy.deepcopy(DESCRIBED["accurate"])
    forest = crafted["state"]["learned"]["extras"]["forest"]
    assert forest["clock"][3] > 0  # there are trees to spoil
    forest["node"][0, 0] = (0, -1, 0, 0)
    with pytest.raises(StateError, match="above its parent"):
        restore_learner(crafted)


@pytest.mark.parametrize("field", ["used", "levels", "sums"])
def test_detectors_that_would_leave_their_buckets_are_refused(field):
    crafted = copy.deepcopy(DESCRIBED["default"])
    crafted["state"]["learned"]["detectors"][field][:] = 39
    with pytest.raises(StateError):
        restore_learner(crafted)


@given(data=st.data())
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
def test_a_loop_is_refused_or_goes_on(data):
    loop = PrequentialLoop(NoChange(), delay=Delay(events=30))
    schema = Schema()
    for start in range(0, 100, 20):
        loop.step(EventBatch.from_events(list(events(100))[start : start + 20], schema))
    crafted = loop.snapshot()
    for _ in range(data.draw(st.integers(1, 2))):
        spoil(data.draw, crafted, data.draw(st.sampled_from(list(places(crafted)))))
    again = PrequentialLoop(NoChange(), delay=Delay(events=30))
    try:
        again.restore(crafted)
    except StateError:
        return
    batch = EventBatch.from_events(list(events(60, seed=3)), again.learner.schema)
    with np.errstate(all="ignore"):
        again.step(batch)
        again.flush()
    assert again.waiting == 0
