"""Baselines on a library's models: saved and loaded at any event, they go on with the same bits."""

import numpy as np
import pytest

from experiments.bench.learners import build, learners
from streamml import state
from streamml.baselines import ISOUPT, MLHTPS, BinaryRelevance, VowpalWabbit
from streamml.errors import StateError
from streamml.types import Event, EventBatch, PartialLabels, Schema

N = 640
MAKE = {
    name: lambda name=name: build(name)
    for name, row in learners().items()
    if row.where.startswith("streamml") and row.needs != "vowpalwabbit"
}
MAKE["iSOUPT, quick"] = lambda: ISOUPT(grace_period=50, tau=1.0, leaf_prediction="adaptive")
MAKE["MLHTPS, quick"] = lambda: MLHTPS(grace_period=50, tau=2.0)
SPLIT = {
    "iSOUPT, quick": "NumericBinaryBranch",
    "MLHT": "mlht-branch",
    "MLHTPS, quick": "mlht-branch",
    "BR+AMR": "NumericLiteral",
    "BR+HT": "NumericBinaryBranch",
    "BR+HAT": "AdaNumBinaryBranchClass",
    "BR+EFDT": "EFDTNumericBinaryBranch",
    "BR+SGT": "NumericBinaryBranch",
    "BR+MT": "MondrianBranchClassifier",
    "BR+ARF": "NumericBinaryBranch",
    "BR+AMF": "MondrianBranchClassifier",
}
"""What a learner that is made of trees or rules must have grown by the end of the stream."""


def events():
    """Two labels that hang on a feature each, the other way round from the middle on."""
    rng = np.random.default_rng(5)
    for t in range(N):
        x = {f"f{j}": float(rng.normal()) for j in range(3)}
        flip = t > N // 2
        y = {f"l{k}" for k in range(2) if (x[f"f{k}"] > 0) != flip}
        if t > N // 3:
            x["late"] = float(t % 3)
        if t > 3 * N // 4 and t % 3 == 0:
            y.add("new")
        labels = frozenset(y)
        if t % 40 == 7:
            labels = PartialLabels(frozenset(sorted(y)[:1]), frozenset({"l9"}))
        yield Event(t, float(t), x, None if t % 50 == 11 else labels)


BATCH = EventBatch.from_events(events(), Schema())


def run(learner, start, stop):
    found = learner.test_then_train(BATCH.slice(start, stop), 0.0)
    arrays = (found.indptr, found.indices, found.score_indptr, found.score_indices, found.scores)
    return [array.tobytes() for array in arrays]


def shapes(learner):
    """Names of the classes that its state holds objects of."""
    learned = learner.snapshot()["learned"]
    found = learned["graph"]["shapes"] if "graph" in learned else []
    return {name.rpartition(":")[2] for name, _ in found}


@pytest.mark.parametrize("name", MAKE)
def test_saving_and_loading_changes_no_bit(tmp_path, name):
    rng = np.random.default_rng(len(name))
    early, late = int(rng.integers(1, 150)), int(rng.integers(400, N - 60))
    learner = MAKE[name]()
    for position, before in ((early, 0), (late, early + 60)):
        run(learner, before, position)
        state.save(learner, tmp_path / "s")
        again = state.load(tmp_path / "s")
        again.bind(BATCH.schema)
        assert repr(again) == repr(learner)
        expected = run(learner, position, position + 60)
        assert run(again, position, position + 60) == expected
        assert again.changes == learner.changes
    state.save(again, tmp_path / "again")
    assert SPLIT.get(name, "") in {"", *shapes(learner)}
    assert shapes(again) == shapes(learner)


def test_detectors_have_seen_drift_by_then():
    """Otherwise the test above shows less than it says."""
    learner = build("BR+ARF")
    run(learner, 0, N)
    assert sum(model.n_drifts_detected() for model in learner._models) > 0


def test_a_restored_learner_shares_nothing_with_the_snapshot():
    learner, again = build("BR+HT"), build("BR+HT")
    run(learner, 0, 100)
    taken = learner.snapshot()
    run(learner, 100, 300)
    again.restore(taken)
    again.bind(BATCH.schema)
    run(again, 100, 300)
    other = build("BR+HT")
    other.restore(taken)
    other.bind(BATCH.schema)
    run(other, 100, 300)
    assert run(other, 300, 400) == run(again, 300, 400) == run(learner, 300, 400)


def test_vowpal_wabbit_says_why_it_cannot_be_saved(tmp_path):
    with pytest.raises(StateError, match=r"VowpalWabbit cannot be saved, .*options: learn"):
        state.save(VowpalWabbit(), tmp_path / "s")
    assert list(tmp_path.iterdir()) == []


def test_models_of_other_kinds_are_saved_too_or_named(tmp_path):
    """Beyond the table of the benchmark: what river has besides, in a pipeline of river's."""
    from river import compose, linear_model, neighbors, preprocessing, tree

    scaled = compose.Pipeline(preprocessing.StandardScaler(), linear_model.Perceptron())
    for model in (linear_model.ALMAClassifier(), tree.HoeffdingTreeRegressor(), scaled):
        learner = BinaryRelevance(model)
        run(learner, 0, 80)
        state.save(learner, tmp_path / "s")
        again = state.load(tmp_path / "s")
        again.bind(BATCH.schema)
        assert run(again, 80, 120) == run(learner, 80, 120)
    engine = neighbors.LazySearch(dist_func=lambda a, b: 0.0)
    with pytest.raises(StateError, match=r"function, .*lambda.* cannot be saved"):
        state.save(BinaryRelevance(neighbors.KNNClassifier(engine=engine)), tmp_path / "s")
