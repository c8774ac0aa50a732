"""River's multi-label classifiers as learners: the contract, and the benchmark's table."""

import pickle

import pytest
from river import linear_model, multioutput, preprocessing

from experiments.bench.learners import build, learners
from streamml import checks, state
from streamml.baselines import NoChange, RiverMultiLabel, as_learner
from streamml.errors import ConfigError, StateError

X = {"f": 1.0, ("g", 1): 0.5}


def chain():
    return multioutput.ClassifierChain(linear_model.LogisticRegression())


@pytest.mark.parametrize("model", [chain(), preprocessing.StandardScaler() | chain()])
def test_the_public_checks_pass_but_that_it_cannot_be_saved(model):
    found = checks.check(RiverMultiLabel(model))
    assert [result.name for result in found.failures] == ["snapshot_equals_no_snapshot"]


def test_features_and_labels_reach_it_by_their_keys():
    learner, told = RiverMultiLabel(chain()), chain()
    for _ in range(20):
        learner.learn_one(X, {7: True, "7": False})
        told.learn_one(X, {7: True, "7": False})
    assert learner.predict_one({**X, "never seen": 1.0}) == {7: True, "7": False}
    assert learner._model.predict_proba_one(X) == told.predict_proba_one(X)
    assert set(learner._model[7].weights) == set(X)


def test_what_it_cannot_be_is_said(tmp_path):
    with pytest.raises(ConfigError, match="a multi-label classifier of river"):
        RiverMultiLabel(linear_model.LogisticRegression())
    with pytest.raises(StateError, match="ClassifierChain cannot be saved"):
        state.save(RiverMultiLabel(chain()), tmp_path / "learner")
    learner = RiverMultiLabel(chain())
    learner.learn_one(X, {"a": True, "b": False})
    again = pickle.loads(pickle.dumps(learner))
    assert again.predict_one(X) == learner.predict_one(X)
    with pytest.raises(ConfigError, match="the class NoChange: give an instance"):
        as_learner(NoChange)
    ours = NoChange()
    assert as_learner(ours) is ours


def test_only_wholly_known_label_sets_are_learned():
    learner = RiverMultiLabel(chain())
    learner.learn_one(X, {"a": True, "b": True})
    before = learner._model["a"].weights
    learner.learn_one(X, {"a": False})
    assert learner._model["a"].weights == before


def test_a_table_of_the_benchmark_may_name_it(tmp_path, monkeypatch):
    table = tmp_path / "mine.toml"
    table.write_text(
        '[[learner]]\nname = "chain"\nclass = "river.multioutput:ClassifierChain"\n'
        'parameters = { model = { class = "river.linear_model:LogisticRegression" } }\n'
        '[[learner]]\nname = "odd"\nclass = "river.linear_model:LogisticRegression"\n'
    )
    monkeypatch.setenv("STREAMML_LEARNERS", str(table))
    learners.cache_clear()
    try:
        made = build("chain")
        assert isinstance(made, RiverMultiLabel)
        for _ in range(9):
            made.learn_one(X, {"a": True})
        assert made.predict_one(X) == {"a": True}
        with pytest.raises(ConfigError, match="LogisticRegression made what is of type"):
            build("odd")
    finally:
        learners.cache_clear()
