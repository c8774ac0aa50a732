"""A learner that is saved and loaded, at any event, goes on with the same bits."""

from dataclasses import astuple

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from streamml import IHOMER, state
from streamml.baselines import MLHAT, MajorityLabelSet, NoChange
from streamml.errors import StateError
from streamml.evaluate import Delay, PrequentialLoop
from streamml.hierarchy import RULES
from streamml.nodes import PRESETS
from streamml.types import Event, EventBatch, PartialLabels, Schema

QUICK = settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck))


def events(n, seed=1, dense=False):
    """Labels in two groups that swap halfway; features and labels come late; some unknown."""
    rng = np.random.default_rng(seed)
    for t in range(n):
        width = 20 if dense else 90
        names = range(width) if dense else rng.choice(width, 8, replace=False)
        x = {f"f{j}": float(rng.normal()) for j in names}
        if t > n // 3:
            x[f"late{t % 7}"] = 1.0
        k = int(rng.integers(2))
        x["f0"] = float(k)
        group = (0, 1, 2) if (k == 1) == (t < n // 2) else (3, 4)
        y = frozenset(f"l{i}" for i in group if rng.random() < 0.8)
        if t > n // 2 and rng.random() < 0.1:
            y |= {f"new{t % 20}"}
        if t % 9 == 0:
            y = PartialLabels(frozenset(sorted(y)[:1]), frozenset({"l9"}))
        yield Event(t, float(t), x, None if t % 11 == 0 else y)


BATCHES = {d: EventBatch.from_events(events(700, dense=d), Schema()) for d in (False, True)}
LEARNERS = {
    "no-change": NoChange,
    "majority": lambda: MajorityLabelSet(max_sets=8),
    "tree": lambda: MLHAT(grace_period=50, delta=0.3, bootstrap=True),
    "tree as a member": lambda: IHOMER(members=("tree", "constant"), n_min=50),
    **{preset: lambda p=preset: IHOMER(preset=p, window=256, n_min=50) for preset in PRESETS},
    **{rule: lambda r=rule: IHOMER("fast", rule=r, n_min=50) for rule in RULES},
}


def run(learner, batch, start, stop, size):
    found = [
        learner.test_then_train(batch.slice(i, min(i + size, stop)), 0.0)
        for i in range(start, stop, size)
    ]
    return [(p.indptr.tolist(), p.indices.tolist(), p.scores.tobytes()) for p in found]


def leaves_of(tree, path=""):
    """Every array and number of a snapshot, by its place."""
    if isinstance(tree, dict):
        for key, part in tree.items():
            yield from leaves_of(part, f"{path}/{key}")
    elif isinstance(tree, list | tuple):
        for key, part in enumerate(tree):
            yield from leaves_of(part, f"{path}/{key}")
    else:
        yield path, tree.tobytes() if isinstance(tree, np.ndarray) else repr(tree)


def same_state(a, b):
    """Equal but for the scratch of trees, which is empty after a restore."""
    one, other = (
        {path: leaf for path, leaf in leaves_of(tree) if "/tree/work/" not in path}
        for tree in (a, b)
    )
    return one == other


@pytest.mark.parametrize("name", LEARNERS)
@given(position=st.integers(0, 690), size=st.sampled_from([1, 7, 700]), dense=st.booleans())
@QUICK
def test_saving_and_loading_changes_no_bit(tmp_path_factory, name, position, size, dense):
    path, batch = tmp_path_factory.getbasetemp() / "learner.state", BATCHES[dense]
    learner = LEARNERS[name]()
    run(learner, batch, 0, position, 100)
    state.save(learner, path)
    again = state.load(path)
    again.bind(batch.schema)
    assert repr(again) == repr(learner)
    stop = min(position + 150, 700) if size == 1 else 700
    assert run(again, batch, position, stop, size) == run(learner, batch, position, stop, size)
    assert again.changes == learner.changes
    assert again.change_counts == learner.change_counts
    assert again.label_tree() == learner.label_tree()
    assert same_state(again.snapshot(), learner.snapshot())


def test_the_streams_of_this_test_make_clusters_change():
    """Otherwise the test above shows less than it says."""
    for rule in ("evidence", "odac", "random", "linkage"):
        learner = LEARNERS[rule]()
        learner.learn(BATCHES[False])
        assert sum(learner.change_counts.values()) > 0, rule


@given(
    position=st.integers(0, 40),
    delay=st.sampled_from([None, Delay(events=37), Delay(seconds=60.5), Delay(events=0)]),
    learner=st.sampled_from(["no-change", "fast"]),
)
@settings(QUICK, max_examples=12)
def test_a_loop_goes_on_with_its_waiting_events(tmp_path_factory, position, delay, learner):
    path, source = tmp_path_factory.getbasetemp() / "loop.state", list(events(700))
    cut = [(k * 17, min(k * 17 + 17, 700)) for k in range(42)]

    def steps(loop, schema, parts):
        made = []
        for a, b in parts:
            batch = EventBatch.from_events(source[a:b], schema)
            made.append(loop.step(batch).predictions.indices.tolist())
        return made

    whole, schema = PrequentialLoop(LEARNERS[learner](), delay=delay), Schema()
    expected = steps(whole, schema, cut)
    whole.flush()
    first, schema = PrequentialLoop(LEARNERS[learner](), delay=delay), Schema()
    steps(first, schema, cut[:position])
    state.write(path, first.snapshot(copy=False), kind="loop")
    second, schema = PrequentialLoop(LEARNERS[learner](), delay=delay), Schema()
    second.restore(state.read(path, kind="loop"), schema)
    assert second.waiting == first.waiting
    assert steps(second, schema, cut[position:]) == expected[position:]
    second.flush()
    for name, metrics in whole.metrics.items():
        assert same_state(metrics.snapshot(), second.metrics[name].snapshot())
        assert astuple(metrics.faded()) == astuple(second.metrics[name].faded())


def test_a_loop_with_another_delay_or_other_learners_is_refused():
    saved = PrequentialLoop(NoChange(), delay=Delay(events=3)).snapshot()
    for other in (
        PrequentialLoop(NoChange()),
        PrequentialLoop(NoChange(), delay=Delay(events=3), beside={}),
    ):
        with pytest.raises(StateError):
            other.restore(saved)


class Counting:
    """A node classifier that can be saved."""

    def __init__(self, start=1.0):
        self.start = start
        self.true = {}

    def scores(self, columns, values, n_labels):
        scores = np.full(n_labels, -1.0, np.float32)
        for k, n in self.true.items():
            scores[k] = self.start * np.log(n)
        return scores

    def learn(self, columns, values, true, false, n_labels):
        for k in true.tolist():
            self.true[k] = self.true.get(k, 0) + 1

    def snapshot(self):
        return {"true": dict(self.true)}

    def restore(self, mapping):
        if not all(type(k) is int for k in mapping["true"]):
            raise StateError("Columns are whole numbers.")
        self.true = dict(mapping["true"])


class Forgetful(Counting):
    snapshot = None


def test_a_node_classifier_of_ones_own_is_saved_where_it_can_be(tmp_path):
    path, batch = tmp_path / "s", BATCHES[False]
    learner = IHOMER("fast", classifiers=[Counting(0.5)])
    learner.learn(batch.slice(0, 60))
    state.save(learner, path)
    with pytest.raises(StateError, match="no known class 'Counting'"):
        state.load(path)
    again = state.load(path, known=[Counting])
    assert again.classifiers[0].start == 0.5
    again.bind(batch.schema)
    assert run(again, batch, 60, 90, 1) == run(learner, batch, 60, 90, 1)


def test_a_node_classifier_without_a_snapshot_is_said_by_name(tmp_path):
    learner = IHOMER("fast", classifiers=[Forgetful()])
    with pytest.raises(StateError, match="Forgetful"):
        state.save(learner, tmp_path / "s")


def test_changes_are_bounded_and_all_are_counted():
    from streamml.base.changes import ChangeLog
    from streamml.types import Change

    log = ChangeLog(keep=100, columns=50)
    for t in range(1000):
        log.append(Change("drift" if t % 2 else "split", "local", t, (tuple(range(5)),)))
    assert [c.position for c in log] == list(range(990, 1000))
    assert log.totals == {"drift": 500, "split": 500}
    again = ChangeLog(keep=100, columns=50)
    again.restore(log.snapshot())
    assert again == log
    log.append(Change("merge", "global", 1000, (tuple(range(500)),)))
    assert [c.kind for c in log[-3:]] == ["merge"]
