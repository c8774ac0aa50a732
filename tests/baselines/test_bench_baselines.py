"""The baselines learn what they should, and equal what they are made of."""

from __future__ import annotations

from importlib.util import find_spec

import numpy as np
import pytest
from river.naive_bayes import GaussianNB
from river.tree import HoeffdingTreeClassifier

from experiments.bench.window_batch import WindowBatch
from streamml.baselines import ISOUPT, MLBELS, MLHT, MLHTPS, BinaryRelevance
from streamml.baselines._observers import label_entropy
from streamml.errors import ConfigError, install_hint
from streamml.types import Event, EventBatch, Schema
from tests.conftest import needs


def separable(n, seed=0):
    """Two labels, each the sign of a feature, and a third feature that says nothing."""
    rng = np.random.default_rng(seed)
    events = []
    for t in range(n):
        x = {f"f{j}": float(rng.normal()) for j in range(3)}
        y = frozenset(f"l{j}" for j in range(2) if x[f"f{j}"] > 0)
        events.append(Event(t, float(t), x, y))
    return events


def exact(learner, events, last=200):
    batch = EventBatch.from_events(events, Schema(labels=["l0", "l1"]))
    found = learner.test_then_train(batch)
    rows = range(len(events) - last, len(events))
    hits = [{batch.schema.labels[int(c)] for c in found.row(i)} == events[i].y for i in rows]
    return float(np.mean(hits))


@pytest.mark.parametrize(
    ("learner", "least"),
    [
        (BinaryRelevance(GaussianNB()), 0.9),
        (BinaryRelevance(HoeffdingTreeClassifier(grace_period=50)), 0.9),
        (ISOUPT(grace_period=50), 0.6),
        (MLHT(grace_period=50, tau=0.2), 0.9),
        (MLHTPS(grace_period=50, tau=0.2), 0.9),
        (MLBELS(max_learners=5), 0.45),
    ],
    ids=lambda value: type(value).__name__ if not isinstance(value, float) else str(value),
)
def test_they_learn(learner, least):
    assert exact(learner, separable(900)) >= least  # 0.25 by chance


def test_binary_relevance_is_rivers_learner_label_by_label():
    events = separable(300)
    ours = BinaryRelevance(GaussianNB())
    theirs = {label: GaussianNB() for label in ("l0", "l1")}
    batch = EventBatch.from_events(events, Schema(labels=["l0", "l1"]))
    for i, event in enumerate(events):
        found = ours.predict(batch.slice(i, i + 1), 0.0)
        x = {k: float(np.float32(v)) for k, v in event.x.items()}
        for k, (label, model) in enumerate(theirs.items()):
            if i:
                assert found.scores[k] == np.float32(model.predict_proba_one(x).get(True, 0.0))
            model.learn_one(x, label in event.y)
        ours.learn(batch.slice(i, i + 1))


def test_a_label_that_appears_late_is_learned_from_there():
    learner = BinaryRelevance(GaussianNB())
    for t in range(60):
        y = {"a"} if t < 20 else ({"a", "late"} if t % 2 else {"a"})
        learner.learn_one({"f": float(t % 2) + 0.1 * (t % 3)}, y)
    assert learner.predict_one({"f": 1.0}) == {"a": True, "late": True}
    assert learner.predict_one({"f": 0.0}) == {"a": True, "late": False}


def test_only_a_learner_of_rivers_is_taken():
    with pytest.raises(ConfigError, match="must be a classifier or a regressor of river"):
        BinaryRelevance("a tree")


def test_label_entropy_is_the_sum_of_binary_entropies():
    found = label_entropy(np.array([8.0, 4.0]), np.array([[4.0, 8.0, 0.0], [1.0, 2.0, 4.0]]))
    quarter = -(0.25 * np.log2(0.25) + 0.75 * np.log2(0.75))
    assert np.allclose(found, [1.0, quarter + 1.0])


def test_the_tree_splits_on_the_feature_that_tells():
    learner = MLHT(grace_period=100, tau=0.2)
    rng = np.random.default_rng(1)
    for _ in range(600):
        a, b = rng.normal(size=2)
        learner.learn_one({"noise": b, "sign": a}, {"up"} if a > 0 else {"down"})
    root = learner._root
    assert learner.n_leaves >= 2
    assert learner.schema.features[root.feature] == "sign"
    assert abs(root.threshold) < 0.5


@pytest.mark.parametrize("model", ["mlknn", "rakeld", "cooccurrence", "napkinxc"])
def test_a_batch_model_learns_a_label_that_varies_alone(model):
    there = all(map(find_spec, ("skmultilearn", "napkinxc")))
    needs(f"a batch learner is not installed: {install_hint('bench')}", there)
    learner = WindowBatch(model, window=100, every=50)
    for k in range(100):
        f = k % 7 - 3.0
        learner.learn_one({"f": f, "g": 1.0}, {"up": f > 0, "always": True, "never": False})
    for f in (-2.0, 2.0):
        found = learner.predict_one({"f": f, "g": 1.0})
        assert found == {"up": f > 0, "always": True, "never": False}
