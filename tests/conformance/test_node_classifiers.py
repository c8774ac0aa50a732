"""Every node classifier by itself, and one of a user's own, keeps the learner's contract."""

import copy
import re
from pathlib import Path

import numpy as np
import pytest

from streamml import IHOMER
from streamml.errors import ContractError
from streamml.nodes import MEMBERS, PRESETS, NodeClassifier
from streamml.types import Event, EventBatch, PartialLabels, Schema

LEARNS_FEATURES = sorted(set(MEMBERS) - {"prior", "last", "transition", "constant"})


def stream(n, seed=1):
    """Labels that hang on features; features and labels appear late; some knowledge is partial."""
    rng = np.random.default_rng(seed)
    for t in range(n):
        x = {f"f{j}": float(rng.normal()) for j in rng.choice(200, 6, replace=False)}
        if t > n // 3:
            x["late"] = 1.0
        y = {f"l{k}" for k in range(4) if x.get(f"f{k}", -1.0) > 0}
        y |= {"new"} if t > n // 2 and rng.random() < 0.2 else set()
        labels = frozenset(y)
        if t % 5 == 0:
            labels = PartialLabels(frozenset(sorted(y)[:1]), frozenset({"l9"}))
        yield Event(t, float(t), x, None if t % 11 == 0 else labels)


@pytest.mark.parametrize("member", LEARNS_FEATURES)
def test_alone_it_learns(member):
    rng = np.random.default_rng(3)
    events = []
    for t in range(800):
        x = {f"f{j}": float(rng.normal()) for j in range(5)}
        events.append(Event(t, float(t), x, frozenset({"up"} if x["f0"] > 0 else {"down"})))
    batch = EventBatch.from_events(events, Schema())
    found = IHOMER(members=(member, "constant")).test_then_train(batch)
    hits = [found.row(i).tolist() == batch.y_indices[i : i + 1].tolist() for i in range(800)]
    assert np.mean(hits[400:]) > 0.75


class Oracle:
    """Knows that label k goes with feature k; counts what it is asked and taught."""

    def __init__(self):
        self.taught = []

    def scores(self, columns, values, n_labels):
        scores = np.full(n_labels, -6.0, np.float32)
        for column, value in zip(columns.tolist(), values.tolist(), strict=True):
            if column < n_labels:
                scores[column] = 6.0 if value > 0 else -6.0
        return scores

    def learn(self, columns, values, true, false, n_labels):
        self.taught.append((sorted(true.tolist()), sorted(false.tolist()), n_labels))


def test_a_classifier_of_ones_own_earns_trust():
    rng = np.random.default_rng(1)
    schema = Schema([f"f{k}" for k in range(8)], [f"l{k}" for k in range(8)])
    events = []
    for t in range(1500):
        x = {f"f{k}": float(rng.choice([-1, 1])) for k in rng.choice(8, 4, replace=False)}
        y = frozenset(f"l{name[1:]}" for name, value in x.items() if value > 0)
        events.append(Event(t, float(t), x, y))
    batch = EventBatch.from_events(events, schema)
    oracle = Oracle()
    with_it = IHOMER(members=("prior", "constant"), classifiers=[oracle]).test_then_train(batch)
    without = IHOMER(members=("prior", "constant")).test_then_train(batch)

    def exact(found):
        rows = range(1000, 1500)
        true = [batch.y_indices[batch.y_indptr[i] : batch.y_indptr[i + 1]].tolist() for i in rows]
        return np.mean([found.row(i).tolist() == y for i, y in zip(rows, true, strict=True)])

    assert isinstance(oracle, NodeClassifier)
    assert exact(with_it) > 0.95
    assert exact(without) < 0.2
    assert len(oracle.taught) == 1500
    assert sorted(oracle.taught[0][0] + oracle.taught[0][1]) == list(range(8))


def test_the_classifier_in_readme_runs():
    text = (Path(__file__).parents[2] / "README.md").read_text()
    code = next(c for c in re.findall(r"```python\n(.*?)```", text, re.S) if "CoOccurrence" in c)
    names = {}
    exec(code, names)
    model = names["model"]
    for event in stream(60):
        if event.y is not None:
            model.learn_one(event.x, event.y)
    assert set(model.predict_one({"f0": 1.0})) == set(model.schema.labels.names)


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("decision", ["label", "set", "adaptive"])
def test_presets_and_decisions_run(preset, decision):
    batch = EventBatch.from_events(stream(150), Schema())
    found = IHOMER(preset=preset, decision=decision, lean=1.0).test_then_train(batch)
    assert len(found) == 150


@pytest.mark.parametrize(
    ("logits", "sentence"),
    [
        (np.zeros(3, np.float32), r"shape \(3,\)"),
        (0.5, r"shape \(\)"),
        (np.full(2, np.nan, np.float32), "not finite"),
    ],
)
def test_logits_that_do_not_fit_are_refused(logits, sentence):
    class Odd:
        def scores(self, columns, values, n_labels):
            return logits

        def learn(self, columns, values, true, false, n_labels):
            pass

    with pytest.raises(ContractError, match=sentence):
        IHOMER("fast", classifiers=[Odd()]).learn_one({"f": 1.0}, {"a": True, "b": False})


class Counter:
    def __init__(self, step=1):
        self.step, self.seen = step, 0

    def scores(self, columns, values, n_labels):
        return np.full(n_labels, self.seen, np.float32)

    def learn(self, columns, values, true, false, n_labels):
        self.seen += self.step


class Forgetful(Counter):
    def __init__(self, pace):
        super().__init__(pace)


def test_a_clone_begins_with_classifiers_that_have_learned_nothing():
    model = IHOMER("fast", classifiers=(Counter(step=2),))
    model.learn_one({"f": 1.0}, {"a"})
    (own,) = model.clone().classifiers
    assert (own.step, own.seen, model.classifiers[0].seen) == (2, 0, 2)
    with pytest.raises(ContractError, match="does not keep its parameter 'pace'"):
        IHOMER("fast", classifiers=[Forgetful(1)]).clone()


def test_a_copy_with_all_it_learned_has_classifiers_of_its_own_that_go_on_learning():
    model = IHOMER("fast", classifiers=[Counter(step=2)])
    model.learn_one({"f": 1.0}, {"a"})
    for copied in (model.clone(include_attributes=True), copy.deepcopy(model)):
        copied.learn_one({"f": 1.0}, {"a"})
        assert (copied.classifiers[0].seen, model.classifiers[0].seen) == (4, 2)
