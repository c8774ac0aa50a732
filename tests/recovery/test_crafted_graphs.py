"""Saved models that somebody crafted: refused in a sentence, or made of what may be made."""

import contextlib
import copy
import resource
import signal
import sys
import time
import warnings

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from river.forest import AMFClassifier

from experiments.learners import build
from streamml import state
from streamml.baselines import MLHTPS, BinaryRelevance
from streamml.errors import StateError, StreamMLError
from streamml.state.learners import describe, restore_learner
from streamml.state.objects import capture_objects, restore_objects
from streamml.state.objects import shape as s
from streamml.types import EventBatch
from tests.recovery.test_baseline_snapshots import BATCH, events

MAKE = {
    "trees": lambda: build("BR+HAT"),
    "forest": lambda: BinaryRelevance(AMFClassifier(n_estimators=2, seed=1)),
    "boosting": lambda: build("BR+OBOA"),
    "rules": lambda: build("BR+AMR"),
    "neighbours": lambda: build("BR+kNN"),
    "gaussians": lambda: build("BR+NB"),
    "gradients": lambda: build("BR+SGT"),
    "sets": lambda: MLHTPS(grace_period=50, tau=2.0),
    "broad": lambda: build("ML-BELS"),
}


def saved(learner):
    learner.learn(BATCH.slice(0, 120))
    return describe(learner)


DESCRIBED = {name: saved(made()) for name, made in MAKE.items()}
EVIL = [
    "os:system", "builtins:eval", "subprocess:Popen", "streamml.state:Path", "river.api:os",
    "river.utils.pretty:textwrap", "river.datasets.base:RemoteDataset", "pickle:Unpickler",
    "river.stream.iter_csv:DictReader", "streamml.baselines.mlht:MLHT", "river.stats.var:Var",
    "river.tree.base:Branch", "__main__:Canary", "river.base.base:Base", "eval", "int", "x" * 999,
]  # fmt: skip
NUMBERS = [0, -1, 1, 2, 7, 255, 1000, -1000, 2**31, 2**62, -(2**63), 2**63 - 1]
FLOATS = [float("nan"), float("inf"), -1.0, 1e300, 0.0]


def spoilt_array(draw, array):
    """Entries changed, swapped or moved; or another length or dtype."""
    array = array.copy()
    how = draw(st.sampled_from(["set", "set", "set", "copy", "swap", "cut", "more", "dtype"]))
    if how == "cut":
        return array[: draw(st.integers(0, max(len(array) - 1, 0)))]
    if how == "more":
        return np.concatenate([array, array[-1:]])
    if how == "dtype":
        with np.errstate(all="ignore"):
            return array.astype(draw(st.sampled_from([np.int8, np.float64, np.uint8])))
    flat = array.reshape(-1)
    if flat.size == 0:
        return array
    for _ in range(draw(st.integers(1, 4))):
        at, other = (draw(st.integers(0, flat.size - 1)) for _ in range(2))
        if how == "swap":
            flat[[at, other]] = flat[[other, at]]
        elif how == "copy":
            flat[at] = flat[other]
        else:
            odd = FLOATS if array.dtype.kind == "f" else NUMBERS
            with np.errstate(all="ignore"):
                value = np.array(draw(st.sampled_from(odd))).astype(array.dtype)
                flat[at] = value if draw(st.booleans()) else flat[at] + flat.dtype.type(1)
    return array


def spoilt_list(draw, found):
    """One entry another, gone, or twice; names become those of what must not be made."""
    found = copy.deepcopy(found)
    if not found:
        return ["x"]
    at = draw(st.integers(0, len(found) - 1))
    how = draw(st.sampled_from(["evil", "evil", "gone", "twice", "kind", "inner"]))
    if how == "gone":
        del found[at]
    elif how == "twice":
        found.append(found[at])
    elif how == "kind":
        found[at] = draw(st.sampled_from([None, 3, [], {}, 1.5, ["x", 3], ["F64", [0], [2**40]]]))
    elif isinstance(found[at], list) and how == "evil":
        found[at][0] = draw(st.sampled_from(EVIL))
    elif isinstance(found[at], list):
        inner = found[at][-1]
        inner[:1] = [
            draw(st.sampled_from(["__class__", "__dict__", "learn_one", "a b", 7, "parent"]))
        ]
    else:
        found[at] = draw(st.sampled_from(EVIL))
    return found


def spoil(draw, graph):
    """Change one table of a graph."""
    name = draw(st.sampled_from([*graph, "bits", "bits", "tags", "kinds", "shapes"]))
    value = graph[name]
    if isinstance(value, np.ndarray):
        graph[name] = spoilt_array(draw, value)
    elif isinstance(value, list):
        graph[name] = spoilt_list(draw, value)
    elif isinstance(value, dict) and value:
        inner = draw(st.sampled_from(list(value)))
        value[inner] = spoilt_array(draw, value[inner])
    else:
        graph[name] = draw(st.sampled_from([None, -1, 2, "x", [], {"F64": np.zeros(2)}]))


@contextlib.contextmanager
def bounded(seconds=20, megabytes=400):
    """Fail where the inside takes longer, or the process grows by more."""
    before, started = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.monotonic()

    def late(*_):
        raise AssertionError(f"It still runs after {time.monotonic() - started:.0f} s.")

    old = signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, old)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < megabytes * 1024


def use(learner):
    """Let it work; what is odd in a model may raise, but not take the process along."""
    batch = EventBatch.from_events(list(events())[:20], learner.schema)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        with contextlib.suppress(Exception):
            learner.predict(batch, 0.0)
            learner.learn(batch)


TRIED = {"refused": 0, "made": 0}


@given(data=st.data())
@settings(max_examples=250, deadline=None, suppress_health_check=list(HealthCheck))
def test_it_is_refused_in_a_sentence_or_made(tmp_path_factory, data):
    path = tmp_path_factory.getbasetemp() / "crafted.state"
    crafted = copy.deepcopy(DESCRIBED[data.draw(st.sampled_from(list(DESCRIBED)))])
    graphs = [crafted["state"]["learned"]["graph"]]
    model = crafted["parameters"].get("model")
    if model is not None and data.draw(st.integers(0, 4)) == 0:
        graphs = [model["$graph"]]
    for _ in range(data.draw(st.integers(1, 3))):
        spoil(data.draw, graphs[0])
    modules = set(sys.modules)
    with bounded():
        state.write(path, crafted, kind="learner")  # with a checksum that is right
        try:
            learner = state.load(path)
        except StreamMLError:
            TRIED["refused"] += 1
            return
        TRIED["made"] += 1
        assert not {m for m in set(sys.modules) - modules if not m.startswith("river.")}
        if graphs[0] is crafted["state"]["learned"]["graph"]:
            use(learner)


def test_of_those_some_were_refused_and_some_were_made():
    """Otherwise the test above shows less than it says."""
    assert min(TRIED.values()) > 2


def test_untouched_ones_are_made():
    for described in DESCRIBED.values():
        restore_learner(copy.deepcopy(described))


class Canary:
    """Sings where it is made, or where anything of it is called."""

    sung = 0

    def __new__(cls):
        Canary.sung += 1
        return super().__new__(cls)

    def __setstate__(self, _):
        Canary.sung += 1

    __reduce__ = __init__ = __setattr__ = __call__ = __del__ = lambda *_: Canary.sing()

    @staticmethod
    def sing():
        Canary.sung += 1


@pytest.mark.parametrize("name", [f"{__name__}:Canary", *EVIL[:10], "__main__:Canary", "river:x"])
def test_no_class_is_made_but_those_that_are_known(name):
    graph = capture_objects([{"a": 1}])
    graph["shapes"] = [[name, []]]
    graph["kinds"][-1], graph["sizes"][-1] = s.OBJECT, 0
    graph["tags"], graph["bits"] = graph["tags"][:-2], graph["bits"][:-2]
    with pytest.raises(StateError, match="none that may be made"):
        restore_objects(graph)
    constant = capture_objects([int])
    constant["constants"] = [name]
    with pytest.raises(StateError, match="none that may be made"):
        restore_objects(constant)
    assert Canary.sung == 0


def test_another_river_is_refused_by_name():
    graph = capture_objects([1.0])
    graph["river"] = "0.1.2"
    with pytest.raises(StateError, match=r"river '0.1.2', and river .* is installed: install"):
        restore_objects(graph)
    graph["version"] = 99
    with pytest.raises(StateError, match="another version"):
        restore_objects(graph)


def test_what_leads_back_is_refused():
    graph = capture_objects([[1], [2]])
    owner = s.owners(s.Graph(*(graph[f] for f in s.Graph._fields)))
    refs = np.flatnonzero((graph["tags"] == s.REF) & (owner == 1))
    graph["bits"][refs[0]] = 1
    with pytest.raises(StateError, match="leads back"):
        restore_objects(graph)


def test_deeply_nested_tuples_are_refused():
    value = ()
    for _ in range(45):
        value = (value,)
    assert restore_objects(capture_objects(value)) == value
    for _ in range(5000):
        value = (value,)
    with pytest.raises(StateError, match="nested more than 50 deep"):
        capture_objects(value)


@pytest.mark.parametrize("at", range(0, 130, 4))
def test_a_detector_with_another_number_is_refused_or_runs(at):
    """Compiled code trusts what it is given: lengths, places and counts are checked before."""
    graph = DESCRIBED["boosting"]["state"]["learned"]["graph"]
    for value in (-1, 0, 1, 2**30, 77):
        crafted = copy.deepcopy(graph)
        crafted["blobs"][at : at + 4] = np.array([value], "<i4").view(np.uint8)
        try:
            made = restore_objects(crafted)
        except StateError:
            continue
        detector = made["_models"][0]._drift_detectors[0]
        for t in range(300):
            detector._helper.update(float(t % 7))
