"""IHOMER in river's code: its checks, its pipelines, its evaluation, its metrics, DataFrames."""

import copy
import inspect

import numpy as np
import pandas as pd
import pytest
from river import compose, evaluate, metrics, preprocessing

from experiments.checks.river_checks import CHECKS, NOT_APPLICABLE, data, outcomes
from streamml import IHOMER
from streamml.baselines import MLHAT, MajorityLabelSet, NoChange
from streamml.errors import ConfigError, SchemaError
from streamml.types import Schema

DATA = list(data())


@pytest.mark.parametrize("make", [lambda: IHOMER("fast"), NoChange, MajorityLabelSet])
@pytest.mark.parametrize("name", sorted(set(CHECKS) - set(NOT_APPLICABLE)))
def test_rivers_check(name, make):
    check = CHECKS[name]
    has_data = "dataset" in inspect.signature(check).parameters
    check(make(), *([DATA[:80]] if has_data else []))


def test_what_is_not_applicable_is_listed_and_exists():
    assert set(NOT_APPLICABLE) <= set(CHECKS)
    assert len(CHECKS) - len(NOT_APPLICABLE) >= 26
    listed = dict(outcomes(NoChange))
    assert set(listed) == set(CHECKS)
    assert {name for name, said in listed.items() if said != "passed"} == set(NOT_APPLICABLE)


@pytest.mark.parametrize(
    "metric",
    [
        metrics.multioutput.ExactMatch(),
        metrics.multioutput.MicroAverage(metrics.F1()),
        metrics.multioutput.MacroAverage(metrics.F1()),
        metrics.multioutput.SampleAverage(metrics.Jaccard()),
    ],
    ids=["exact", "micro", "macro", "sample"],
)
def test_in_a_pipeline_with_rivers_evaluation_and_metrics(metric):
    model = preprocessing.StandardScaler() | IHOMER("fast")
    found = evaluate.progressive_val_score(data(400), model, metric).get()
    model = compose.Pipeline(preprocessing.StandardScaler(), NoChange())
    metric = metric.clone()
    assert found > evaluate.progressive_val_score(data(400), model, metric).get() + 0.1


def frames(n=60):
    events = list(data(n))
    X = pd.DataFrame([x for x, _ in events], index=[f"row{k}" for k in range(n)])
    X.iloc[n // 2, 3] = np.nan
    Y = pd.DataFrame([y for _, y in events], index=X.index).astype("boolean")
    Y.iloc[n - 1, 1] = pd.NA
    return X, Y


def test_data_frames_give_the_same_numbers_as_one_by_one():
    X, Y = frames()
    many, one = IHOMER("fast"), IHOMER("fast")
    many.learn_many(X[:40], Y[:40])
    many.learn_many(X[40:], Y[40:])
    for k in range(len(X)):
        x, y = X.iloc[k].dropna().to_dict(), Y.iloc[k].dropna().to_dict()
        one.learn_one(x, {name: bool(v) for name, v in y.items()})
    decided, proba = many.predict_many(X), many.predict_proba_many(X)
    assert list(decided.index) == list(X.index)
    for k, name in enumerate(X.index):
        x = X.iloc[k].dropna().to_dict()
        assert decided.loc[name].to_dict() == one.predict_one(x)
        expected = {label: q[True] for label, q in one.predict_proba_one(x).items()}
        assert proba.loc[name].to_dict() == expected


def test_labels_may_be_a_series_of_sets_or_mappings():
    X, _ = frames(4)
    model = NoChange()
    model.learn_many(X, pd.Series([{"a"}, {"b": True}, set(), {"c"}]))
    assert model.predict_many(X[:1]).iloc[0].to_dict() == {"a": False, "b": False, "c": True}


def test_missing_labels_are_unknown_one_by_one_too():
    model = NoChange()
    model.learn_one({"f": 1.0}, {"a": True, "b": True, "c": True})
    model.learn_one({"f": 1.0}, {"a": None, "b": pd.NA, "c": np.nan})
    assert model.predict_one({"f": 1.0}) == {"a": True, "b": True, "c": True}
    model.learn_one({"f": 1.0}, pd.Series({"a": False, "b": np.True_, "c": 0}))
    assert model.predict_one({"f": 1.0}) == {"a": False, "b": True, "c": False}


@pytest.mark.parametrize(
    ("x", "y", "sentence"),
    [
        ({"f": 1.0}, "sun", "labels are 'sun'"),
        ({"f": 1.0}, None, "labels are None"),
        ({"f": 1.0}, {"sun": "maybe"}, "Label 'sun' is 'maybe'"),
        ({"f": 1.0}, {"sun": 2}, "Label 'sun' is 2"),
        ({"f": 1.0}, {True}, "A label is called True"),
        ({"f": 1.0}, [None], "A label is called None"),
        ({"f": 1.0}, [True, False], "row of zeros and ones for 2 labels, of which 0 are known"),
        ({"f": 1.0}, np.array([[1, 0]]), "labels are"),
        ({"f": float("inf")}, {"sun"}, "Feature 'f' is inf"),
        ({"f": object()}, {"sun"}, "Feature 'f' is <object"),
        ({None: 1.0}, {"sun"}, "A feature is called None"),
        ([1.0], {"sun"}, "features are of type list"),
    ],
)
def test_an_event_that_is_none_is_refused_with_what_is_wrong(x, y, sentence):
    with pytest.raises(SchemaError, match=sentence):
        NoChange().learn_one(x, y)


def test_a_keyword_that_does_not_exist_is_refused():
    model, x = NoChange(), {"f": 1.0}
    for call in (model.learn_one, model.learn_many):
        with pytest.raises(TypeError, match="wieght"):
            call(x, {"a"}, wieght=2.0)
    for call in (model.predict_one, model.predict_proba_one, model.predict_many):
        with pytest.raises(TypeError, match="least"):
            call(x, least=1)


@pytest.mark.parametrize("make", [IHOMER, MLHAT, lambda: IHOMER("fast", positive_only=0.5)])
def test_an_event_of_weight_2_is_learned_twice_and_one_of_weight_0_not_at_all(make):
    rng = np.random.default_rng(1)
    events = [({"f": x, "g": 1.0}, {"a": x > 0, "b": x > 0.5}) for x in rng.normal(size=120)]
    weights = rng.integers(0, 4, 120)
    one_by_one, repeated, as_table = make(), make(), make()
    names = Schema(["f", "g"], ["a", "b"])
    for model in (one_by_one, repeated, as_table):
        model.bind(copy.deepcopy(names))
    for (x, y), w in zip(events, weights, strict=True):
        one_by_one.learn_one(x, y, w=w)
        for _ in range(w):
            repeated.learn_one(x, y)
    X, Y = (pd.DataFrame([event[k] for event in events]) for k in (0, 1))
    as_table.learn_many(X, Y, w=weights)
    told = [model.predict_proba_one({"f": 0.4, "g": 1.0}) for model in (one_by_one, repeated)]
    assert told[0] == told[1] == as_table.predict_proba_one({"f": 0.4, "g": 1.0})


@pytest.mark.parametrize("w", [-1, 0.5, float("nan"), 1001, "two", None, float("inf")])
def test_a_weight_that_is_no_number_of_times_is_refused(w):
    model = NoChange()
    with pytest.raises(ConfigError, match=r"A weight w is .*: give a whole number from 0 to 1,000"):
        model.learn_one({"f": 1.0}, {"a"}, w=w)
    assert model.predict_one({"f": 1.0}) == {}
    with pytest.raises(SchemaError, match="There are 2 weights for 1 events"):
        model.learn_many(pd.DataFrame({"f": [1.0]}), pd.DataFrame({"a": [True]}), w=[1, 1])
