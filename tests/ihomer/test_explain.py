"""Explanations add up to the score, name what spoke, and draw safely."""

import xml.etree.ElementTree as ET

import numpy as np
import pytest

from streamml import IHOMER
from streamml.errors import SchemaError
from streamml.streams import DemoStream
from streamml.types import Event, EventBatch, Schema


@pytest.fixture(scope="module")
def trained():
    batch = DemoStream().next_batch(3_000)
    models = {preset: IHOMER(preset=preset) for preset in ("fast", "default")}
    for model in models.values():
        model.learn(batch)
    row = next(DemoStream(seed=5).next_batch(1).events())
    return models, row.x


@pytest.mark.parametrize("preset", ["fast", "default"])
def test_the_shares_add_up_to_the_score_that_is_predicted(trained, preset):
    models, x = trained
    model = models[preset]
    names = list(model.schema.labels.names)
    told = model.predict_proba_one(x)
    decided = model.predict_one(x)
    for why in model.explain(x, labels=names).labels:
        assert why.decided == decided[why.label]
        p = told[why.label][True]
        assert why.probability == pytest.approx(p, abs=1e-5)
        assert why.score == pytest.approx(np.log(p / (1 - p)), abs=1e-3)
        assert why.label in why.cluster
    assert any(why.labels for why in model.explain(x, labels=names).labels) == (preset != "fast")


def test_the_shares_of_features_add_up_to_what_the_linear_classifier_adds(trained):
    models, x = trained
    model = models["fast"]
    label = model.schema.labels.names[0]
    why = model.explain(x, labels=[label], top=10_000).labels[0]
    linear = next(share for share in why.classifiers if share.name == "linear")
    state = model.mixture.states
    v = state.linear.v[0]
    weight = float(state.mixture.wg[0] + state.mixture.d[0, 0])
    bias = weight * float(state.linear.w[0, 0]) / 3.0 / np.sqrt(1.0 + 0.3927 * v)
    assert sum(s.added for s in why.features) + bias == pytest.approx(linear.added, abs=1e-4)


def test_by_default_the_predicted_labels_are_explained_and_nothing_changes(trained):
    models, x = trained
    model = models["default"]
    before = model.predict_proba_one(x)
    found = model.explain(x)
    predicted = {name for name, on in model.predict_one(x).items() if on}
    assert {why.label for why in found.labels} == predicted
    assert model.predict_proba_one(x) == before
    with pytest.raises(SchemaError, match="no label 'nothing'"):
        model.explain(x, labels=["nothing"])


def test_labels_whose_score_is_next_to_nothing_do_not_hide_the_others():
    model, rng = IHOMER("fast"), np.random.default_rng(1)
    rows = [{"a": a, "b": b, "r": a - b} for a, b in rng.random((6_000, 2)).tolist()]
    said = [frozenset(["p"] * (x["b"] > 0.5) + ["q"] * (x["r"] > 0)) for x in rows]
    events = [Event(t, 0.0, x, y) for t, (x, y) in enumerate(zip(rows, said, strict=True))]
    model.learn(EventBatch.from_events(events, Schema(labels=["p", "q"])))
    x = {"a": 0.9, "b": 0.01, "r": 0.89}
    found = model.predict(model._unlearned(x), min_score=0.0)
    assert (found.row(0).tolist(), found.score_indices.tolist()) == ([1], [1])  # p: below 1e-9
    assert [why.label for why in model.explain(x).labels] == ["q"]


def test_one_label_may_be_named_by_itself(trained):
    models, x = trained
    assert models["fast"].explain(x, labels="alpha") == models["fast"].explain(x, labels=["alpha"])


def test_before_anything_was_learned_there_is_nothing_to_explain():
    assert IHOMER().explain({"f": 1.0}).labels == ()
    assert str(IHOMER().tree()) == ""


def test_pictures_are_well_formed_and_names_are_escaped():
    events = [
        Event(t, 0.0, {"<script>": float(t % 2), "f": 1.0}, frozenset({"<b>&"} if t % 2 else {"c"}))
        for t in range(200)
    ]
    model = IHOMER(preset="fast")
    model.learn(EventBatch.from_events(events, Schema()))
    for picture in (model.explain({"<script>": 1.0, "f": 1.0}).svg(), model.tree().svg()):
        ET.fromstring(picture)
        assert "<script>" not in picture
        assert "<b>" not in picture
    assert "<b>&" in str(model.tree())


def test_the_tree_names_every_label_once_in_its_clusters(trained):
    models, _ = trained
    view = models["default"].tree()
    clusters = [label for cluster in view.clusters() for label in cluster.labels]
    assert sorted(clusters) == sorted(models["default"].schema.labels.names)
    assert len(str(view).splitlines()) == str(view.svg()).count("<text")
