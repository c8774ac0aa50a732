"""A new parameter, preset, member or array ends nothing that was stored before it was there."""

from __future__ import annotations

import copy

import numpy as np
import pytest

from streamml import IHOMER
from streamml.baselines import NoChange
from streamml.errors import ConfigError, StateError
from streamml.evaluate import Delay
from streamml.nodes.members import PRESETS, Preset
from streamml.service import Service
from streamml.snapshots import SnapshotFolder
from streamml.state.configuration import configured, differences, told
from streamml.state.learners import configuration, describe, restore_learner
from streamml.state.migrations import upgrade
from streamml.state.objects import known
from streamml.streams import DemoStream
from streamml.testing import EventSource
from streamml.types import Event, EventBatch, Schema


def wise(**values_before):
    """A class as the next release may have it: with one more parameter."""

    class Wise(NoChange):
        _values_before = values_before

        def __init__(self, patience=3):
            super().__init__()
            self.patience = patience

    return Wise


def earlier():
    """The same class as it was."""

    class Wise(NoChange):
        pass

    return Wise


def events(n=60):
    rng = np.random.default_rng(2)
    for t in range(n):
        x = {f"f{j}": float(rng.normal()) for j in range(4)}
        yield Event(t, float(t), x, frozenset(f"l{k}" for k in range(3) if x[f"f{k}"] > 0))


def batch(n=60):
    return EventBatch.from_events(events(n), Schema())


# -- parameters ----------------------------------------------------------------------------


def test_a_parameter_that_a_state_does_not_know_has_the_value_of_that_time():
    old = earlier()()
    old.learn_one({"f": 1.0}, {"a"})
    described = describe(old)
    assert restore_learner(described, known=[wise()]).patience == 3
    restored = restore_learner(described, known=[wise(patience=0)])
    assert restored.patience == 0
    assert restored.predict_one({"f": 0.0}) == {"a": True}


def run(learner, folder, **more):
    service = Service(
        EventSource(list(events())), learner, snapshots=SnapshotFolder(folder), **more
    )
    return service, service.resume()


def test_a_stored_run_goes_on_with_a_class_that_has_one_more_parameter(tmp_path):
    service, resumed = run(earlier()(), tmp_path, limit=30)
    assert not resumed
    service.run()
    service, resumed = run(wise()(), tmp_path)
    assert resumed
    assert service.run().progress.events == 60


@pytest.mark.parametrize(
    ("learner", "more", "says"),
    [
        (wise()(patience=5), {}, r"another learner \(patience was 3, and is 5\)"),
        (wise(patience=5)(), {}, r"another learner \(patience was 5, and is 3\)"),
        (NoChange(), {}, r"another learner \(it was Wise, not NoChange\)"),
        (wise()(), {"delay": Delay(events=5)}, r"another delay \(it was none, not Delay\)"),
    ],
)
def test_what_differs_is_named(tmp_path, learner, more, says):
    run(earlier()(), tmp_path, limit=30)[0].run()
    with pytest.raises(ConfigError, match=says):
        run(learner, tmp_path, **more)


def test_all_that_differs_is_in_one_sentence(tmp_path):
    first, second = (lambda: IHOMER("fast", n_min=60)), (lambda: IHOMER("fast", n_min=60, lean=1))
    run(first(), tmp_path, limit=30, delay=Delay(events=3))[0].run()
    with pytest.raises(ConfigError, match=r"\(lean was 0.5, and is 1\): go on with that, or name"):
        run(second(), tmp_path, delay=Delay(events=3))
    with pytest.raises(ConfigError, match=r"another delay \(events was 3, and is 4\)"):
        run(first(), tmp_path, delay=Delay(events=4))


def test_a_parameter_that_is_no_longer_there_is_named(tmp_path):
    run(wise()(), tmp_path, limit=30)[0].run()
    with pytest.raises(ConfigError, match="patience was 3, and is no longer there"):
        run(earlier()(), tmp_path)


def test_whole_numbers_are_told_alike_and_large_ones_as_they_are():
    assert told([1.0, 1, np.float32(-3.0), 2.0**53 - 1]) == "[1, 1, -3, 9007199254740991]"
    assert told((2.0**53, -(2.0**53))) == "[9007199254740992.0, -9007199254740992.0]"
    assert told([float("inf"), 0.5, True, None, "x"]) == "[inf, 0.5, True, None, 'x']"
    assert told({"a": len, 1: {}}) == "{'a': len, 1: {}}"
    assert configured(None) == {"name": "none", "parameters": {}}
    assert configured("a.csv") == {"name": "a.csv", "parameters": {}}


def test_objects_are_told_by_what_they_are_made_with():
    class Own:
        def __init__(self, depth=2):
            self.depth = depth

    assert told([Own(), Own(3)]) == "[Own(depth=2), Own(depth=3)]"
    assert differences(configured(DemoStream()), DemoStream()) == []


# -- version 1 -----------------------------------------------------------------------------


def about_1(learner, delay="None"):
    """What version 0.1.0 wrote of a run."""
    about = {"learner": repr(learner), "delay": delay, "source": "a.csv"}
    return {"about": about, "run": {"learner": configuration(learner)}}


def test_version_1_is_compared_by_name():
    found = upgrade("run", 1, about_1(IHOMER(n_min=60), "Delay(events=20, seconds=None)"), to=2)
    about = found["about"]
    assert differences(about["learner"], IHOMER(n_min=60)) == []
    assert differences(about["learner"], IHOMER()) == ["n_min was 60, and is 100"]
    assert differences(about["delay"], Delay(events=20)) == []
    assert differences(about["delay"], Delay(events=2)) == ["events was 20, and is 2"]
    assert differences(about["source"], "a.csv") == []


def test_of_version_1_objects_are_not_compared():
    class Own:
        def scores(self): ...
        def learn(self): ...
        def snapshot(self): ...
        def restore(self): ...

    learner = IHOMER("fast", classifiers=[Own()])
    about = upgrade("run", 1, about_1(learner), to=2)["about"]
    assert differences(about["learner"], IHOMER("fast", classifiers=[Own()])) == []
    assert differences(about["learner"], IHOMER("fast", lean=1.0))
    lost = {"about": {"learner": "IHOMER(classifiers=[<object at 0x7f>])", "delay": "V(of=<f>)"}}
    about = upgrade("run", 1, {**lost, "run": {"learner": None}}, to=2)["about"]
    assert differences(about["learner"], learner) == []
    assert about["delay"] == {"name": "V", "parameters": None}


@pytest.mark.parametrize("run", [None, {}, {"learner": 3}, {"learner": {"parameters": 3}}])
def test_what_is_no_run_of_version_1_is_of_another_learner(run):
    found = upgrade("run", 1, {"about": {}, "run": run}, to=2)
    assert differences(found["about"]["learner"], NoChange()) == ["it was None, not NoChange"]


@pytest.mark.parametrize(
    ("delay", "name", "parameters"),
    [
        ("None", "none", {}),
        ("Own", "Own", {}),
        ("Own(of=f, n=3, kind='x')", "Own", {"n": "3", "kind": "'x'"}),
        ("<function f at 0x7f>", "<function f at 0x7f>", None),
    ],
)
def test_a_delay_of_version_1_is_read_and_not_run(delay, name, parameters):
    about = upgrade("run", 1, {"about": {"delay": delay}, "run": None}, to=2)["about"]
    assert about["delay"] == {"name": name, "parameters": parameters}
    assert "source" not in about


def test_only_runs_of_version_1_are_changed():
    for kind, version, content in (
        ("learner", 1, {"about": {"learner": "NoChange()"}}),
        ("run", 1, {"about": "x"}),
        ("run", 1, {}),
        ("run", 2, about_1(NoChange())),
    ):
        before = copy.deepcopy(content)
        assert upgrade(kind, version, content, to=2) == before


def test_of_version_1_nested_objects_are_not_compared_either():
    for held in ({"$object": {}}, {"$graph": {}}, [({"a": {"$graph": {}}},)]):
        run = {"learner": {"class": "Own", "parameters": {"of": held, "n": 3, "m": {"a": [1]}}}}
        about = upgrade("run", 1, {"about": {}, "run": run}, to=2)["about"]
        found = {"of": None, "n": "3", "m": "{'a': [1]}"}
        assert about["learner"] == {"name": "Own", "parameters": found}


# -- members and arrays --------------------------------------------------------------------


def learned(model, n=60):
    model.learn(batch(n))
    return describe(model)


def scores(model, batch):
    found = model.predict(batch, 0.0)
    return found.scores.tobytes(), found.indices.tobytes()


def test_a_preset_that_changes_changes_no_state(monkeypatch):
    model, stream = IHOMER(), batch()
    model.learn(stream)
    described = describe(model)
    before = scores(model, stream)
    monkeypatch.setitem(PRESETS, "default", Preset({"linear": 3.0, "prior": 0.0}, {"sets": 96}))
    assert IHOMER().mixture_weights().keys() == {"linear", "prior"}
    restored = restore_learner(described)
    assert scores(restored, stream) == before
    assert restored.mixture_weights() == model.mixture_weights()
    del described["state"]["learned"]["layout"]  # version 0.1.0 did not say
    restored = restore_learner(described)
    assert scores(restored, batch()) == before


def test_what_a_state_lacks_begins_anew():
    model = IHOMER(members=("linear", "bayes", "prior", "constant"))
    whole = learned(model)
    held = {"stack": "states", "extras": "optional"}  # key of a file, attribute
    for path in (("stack", "mixture", "lam"), ("extras", "bayes"), ("stack", "links"),
                 ("stack", "raw"), ("extras", "forest")):  # fmt: skip
        described = describe(model)
        part = described["state"]["learned"]
        for name in path[:-1]:
            part[name] = dict(part[name])
            part = part[name]
        del part[path[-1]]
        restored = restore_learner(described)
        fresh = IHOMER(members=("linear", "bayes", "prior", "constant"))
        found = getattr(getattr(restored.mixture, held[path[0]]), path[1])
        start = getattr(getattr(fresh.mixture, held[path[0]]), path[1])
        if len(path) == 3:
            found, start = getattr(found, path[2]), getattr(start, path[2])
        if isinstance(start, np.ndarray):
            assert np.array_equal(found[..., :16], start)
        restored.test_then_train(batch())
    whole["state"]["learned"]["stack"]["mixture"]["new"] = np.zeros(3, np.float32)
    with pytest.raises(StateError, match="mixture has other fields"):
        restore_learner(whole)


@pytest.mark.parametrize(
    "layout",
    [
        {"members": {"linear": 1.0, "magic": 1.0}, "constants": {}},
        {"members": {"linear": "1"}, "constants": {}},
        {"members": {}, "constants": {}},
        {"members": {"linear": 1.0}, "constants": {"size": 7}},
        {"members": {"linear": 1.0}, "constants": {"window": 10**12}},
        {"members": {"linear": 1.0}, "constants": {"sets": 2**40}},
        {"members": {"linear": 1.0}, "constants": {"sets": 97}},
        {"members": {"linear": 1.0}, "constants": {"rls_size": 32.5}},
        {"members": {"linear": 1.0}, "constants": {"forget": float("nan")}},
        {"members": {"linear": 1.0, "knn10": 1.0}, "constants": {}},
        7,
    ],
)
def test_a_crafted_layout_is_refused(layout):
    described = learned(IHOMER(members=("linear",)))
    described["state"]["learned"]["layout"] = layout
    with pytest.raises(StateError):
        restore_learner(described)


def test_what_a_learner_of_ones_own_lacks_begins_anew():
    class Counting(NoChange):
        _learned = (*NoChange._learned, "seen")

        def __init__(self):
            super().__init__()
            self.seen = 0

    old = NoChange()
    old.learn_one({"f": 1.0}, {"a"})
    model = Counting()
    model.learn_one({"f": 1.0}, {"b"})
    model.seen = 7
    model.restore(old.snapshot())
    assert model.seen == 0
    assert model.predict_one({}) == {"a": True}
    with pytest.raises(StateError, match="has learned other things"):
        old.restore(model.snapshot())


def test_files_call_own_classes_by_names_that_stay():
    """A class may move to another module; what was stored of it is found all the same."""
    for name, point in known._parts().items():
        kind = known.class_of(name)
        assert known.name_of(kind) == name
        assert ":" not in name
        assert point.load() is kind
    for old, name in known._FORMERLY.items():
        assert known.class_of(old) is known.class_of(name)
