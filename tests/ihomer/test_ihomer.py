"""IHOMER: the same bits on every path, and structure changes that lose nothing."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamml import IHOMER, state
from streamml.baselines import MLHAT, NoChange
from streamml.errors import ConfigError, ContractError, SchemaError
from streamml.ihomer.alternate import Alternate
from streamml.metrics import Prequential
from streamml.nodes import PRESETS
from streamml.streams import DemoStream
from streamml.types import Event, EventBatch, PartialLabels, Schema


def events(n, seed=1, n_labels=6):
    """Two groups of labels that hang on features; regrouped half way; names appear late."""
    rng = np.random.default_rng(seed)
    for t in range(n):
        x = {f"f{j}": float(rng.normal()) for j in range(4) if rng.random() < 0.9}
        x["always"] = 1.0
        if t > n // 3:
            x["late"] = float(rng.random())
        groups = ([0, 1, 2], [3, 4, 5]) if t < n // 2 else ([0, 3, 4], [1, 2, 5])
        on = [x.get("f0", 0) > 0, x.get("f1", 0) > 0.5]
        y = {k for k in range(n_labels) if (on[k in groups[1]]) != (rng.random() < 0.05)}
        if t > n // 4 and rng.random() < 0.1:
            y.add(n_labels)  # a label that comes late
        yield Event(t, float(t), x, frozenset(f"l{k}" for k in y))


def batch_of(n, **kwargs):
    return EventBatch.from_events(events(n, **kwargs), Schema())


def arrays(predictions):
    p = predictions
    return [a.tolist() for a in (p.indptr, p.indices, p.score_indptr, p.score_indices, p.scores)]


def test_a_structure_change_leaves_the_scores_of_every_label_as_they_were():
    batch = batch_of(3000)
    model, steady = IHOMER(), IHOMER(n_min=10_000)  # looks at its clusters too late to split
    probe, k = batch.slice(2900, 3000), 0
    while model.n_clusters == 1:
        for one in (model, steady):
            one.learn(batch.slice(k, k + 1))
        k += 1
    assert [change.kind for change in model.changes] == ["split"]
    assert arrays(model.predict(probe, 0.0)) == arrays(steady.predict(probe, 0.0))


def test_however_labels_are_cut_into_clusters_what_was_learned_answers_the_same():
    batch = batch_of(1200)
    model = IHOMER()
    model.learn(batch)
    probe, tree = batch.slice(1100, 1200), model.hierarchy.tree
    before = arrays(model.predict(probe, min_score=0.0))
    labels = tree.root.all_labels()
    for groups in ([labels[:2], labels[2:5], labels[5:]], [labels]):
        tree.replace(tree.root, groups, model.hierarchy.position)
        assert arrays(model.predict(probe, min_score=0.0)) == before


def test_rebuilding_from_nothing_costs_what_moving_an_index_does_not():
    batch = batch_of(2500)

    def exact(model):
        found = model.test_then_train(batch)
        true = zip(batch.y_indptr, batch.y_indptr[1:], strict=False)
        rows = [batch.y_indices[a:b].tolist() for a, b in true]
        return np.mean([found.row(i).tolist() == row for i, row in enumerate(rows)])

    assert exact(IHOMER()) > exact(IHOMER(rebuild=True))
    assert set(IHOMER().mixture_weights()) == set(PRESETS["default"].start)


def test_it_learns_restructures_and_recovers():
    batch = batch_of(4000)
    model = IHOMER()
    found = model.test_then_train(batch)
    hit = [
        set(found.row(i).tolist()) == set(batch.y_indices[a:b].tolist())
        for i, (a, b) in enumerate(zip(batch.y_indptr, batch.y_indptr[1:], strict=False))
    ]
    assert np.mean(hit[1500:2000]) > 0.4
    assert np.mean(hit[3500:4000]) > 0.8 * np.mean(hit[1500:2000])
    assert {c.scope for c in model.changes} == {"global", "local"}


@pytest.mark.parametrize("n_labels", [100, 2000])
def test_work_per_event_grows_no_faster_than_labels(n_labels):
    rng = np.random.default_rng(1)
    schema = Schema(["f"], [f"l{k}" for k in range(n_labels)])
    stream = (
        Event(t, float(t), {"f": 1.0}, frozenset(f"l{k}" for k in rng.choice(n_labels, 3)))
        for t in range(1000)
    )
    model = IHOMER()
    model.test_then_train(EventBatch.from_events(stream, schema))
    work = model.hierarchy.work + model.hierarchy.counts.work
    assert work <= 1000 * 50
    assert model.memory["arrays"] <= 2**24 + 2**15 * n_labels  # linear in labels


def half_known(n, hide, seed=2):
    """Two labels that hang on nothing, two that hang on features; each is hidden by chance."""
    rng, schema = np.random.default_rng(seed), Schema([f"f{j}" for j in range(4)], list("abcd"))
    stream, true = [], []
    for t in range(n):
        v = rng.normal(size=4)
        p = np.array([0.3, 0.6, 1 / (1 + np.exp(-2 * v[0])), 0.1 + 0.5 * (v[1] > 0)])
        y, shown = rng.random(4) < p, rng.random(4) >= hide
        true.append(y)
        sides = [
            frozenset(name for name, k, s in zip("abcd", y, shown, strict=True) if s and k == side)
            for side in (True, False)
        ]
        x = {f"f{j}": float(value) for j, value in enumerate(v)}
        stream.append(Event(t, float(t), x, PartialLabels(*sides) if hide else sides[0]))
    return EventBatch.from_events(stream, schema), np.array(true)


LEARNS_LITTLE_BY_LITTLE = [
    {"preset": "fast"},
    {"preset": "default"},
    {"preset": "accurate", "window": 1000},
    {"members": ("bayes", "constant")},
    {"members": ("forest", "constant")},
]


@pytest.mark.parametrize("parameters", LEARNS_LITTLE_BY_LITTLE, ids=str)
def test_hidden_labels_bias_no_probability_by_more_than_sampling_error(parameters):
    batch, true = half_known(4000, hide=0.5)
    found = IHOMER(**parameters).test_then_train(batch, min_score=0.0)
    scores, true = found.scores.reshape(-1, 4)[1000:], true[1000:]
    error = np.sqrt(true.var(axis=0) / len(true))
    assert (np.abs(scores.mean(axis=0) - true.mean(axis=0)) < 3 * error).all()
    # and it learns from the half that it is told
    for label in (2, 3):
        above = scores[true[:, label], label].mean()
        assert above > scores[~true[:, label], label].mean() + 0.1


def test_it_answers_before_it_learned_anything():
    model = IHOMER()
    assert model.predict_one({"f": 1.0}) == {}
    assert model.predict_proba_one({"f": 1.0}) == {}
    assert len(model.predict(EventBatch.from_events([], model.schema))) == 0


def test_two_schemas_are_refused():
    model = IHOMER()
    model.learn(batch_of(10))
    with pytest.raises(ContractError, match="another schema"):
        model.learn(batch_of(10))


def test_an_event_that_cannot_be_learned_is_refused():
    for face in (IHOMER().predict_one, lambda x: IHOMER().learn_one(x, {"a"})):
        with pytest.raises(SchemaError, match="Feature 'f' is inf: float32 cannot hold it"):
            face({"f": float("inf")})


@pytest.mark.parametrize(
    "bad",
    [
        {"rule": "magic"}, {"drift_delta": 1.0}, {"n_min": 0}, {"lean": "much"}, {"seed": -1},
        {"seed": 1.5}, {"classifiers": [1]}, {"classifiers": [IHOMER]}, {"classifiers": 3},
    ],
)  # fmt: skip
def test_bad_parameters_are_refused(bad):
    with pytest.raises(ConfigError):
        IHOMER(**bad)


@given(st.lists(st.floats(-(2.0**127), 2.0**127, width=32), min_size=1, max_size=30))
@settings(max_examples=30, deadline=None)
def test_scores_stay_probabilities_whatever_the_numbers(values):
    model = IHOMER()
    for value in values:
        model.learn_one({"f": value, "g": -value}, {"a": value > 0, "b": True})
        proba = model.predict_proba_one({"f": value, "g": 1.0})
        assert all(0.0 <= q[True] <= 1.0 for q in proba.values())


def demo(n=8_000):
    source, parts = DemoStream(), []
    while sum(map(len, parts)) < n:
        parts.append(source.next_batch(1_000))
    return EventBatch.concatenate(parts)


def micro_f1(batch, predictions, start, stop):
    hit = told = 0
    for row in range(start, stop):
        true = set(batch.y_indices[batch.y_indptr[row] : batch.y_indptr[row + 1]].tolist())
        said = set(predictions.row(row).tolist())
        hit, told = hit + 2 * len(true & said), told + len(true) + len(said)
    return hit / told


@pytest.mark.parametrize("n_features", [5, 100])
@pytest.mark.parametrize("preset", ["fast", "default"])
def test_one_wild_value_costs_little(preset, n_features):
    """It must not make every later value of its feature look the same."""
    rng = np.random.default_rng(5)
    values = rng.normal(size=(2500, n_features)).astype(np.float32)
    if n_features > 64:  # a sparse stream, where each label hangs on one feature
        values[rng.random(values.shape) < 0.8] = 0.0
    on = values[:, :3] > 0.2

    def correct(wild):
        x = values.copy()
        x[1500, :3] = wild
        rows = [
            Event(t, float(t), {f"f{j}": float(row[j]) for j in np.flatnonzero(row)},
                  frozenset(f"l{k}" for k in np.flatnonzero(on[t])))
            for t, row in enumerate(x)
        ]  # fmt: skip
        batch = EventBatch.from_events(rows, Schema())
        model, score = IHOMER(preset=preset), Prequential()
        model.learn(batch.slice(0, 1501))
        score.update(rest := batch.slice(1501, 2500), model.test_then_train(rest))
        return score.cumulative().micro_f1

    usual = correct(values[1500, :3])
    assert usual > 0.8
    for wild in (1e3, -1e6, 1e30):
        assert correct(wild) > usual - 0.06


def test_a_sudden_drift_swaps_in_what_an_alternate_learned():
    batch = demo()
    model, plain = IHOMER(), IHOMER(alternates=False)
    mine, other = model.test_then_train(batch), plain.test_then_train(batch)
    assert not [c for c in model.changes if c.kind in ("warning", "swap") and c.position < 5_000]
    swapped = {label for c in model.changes if c.kind == "swap" for label in c.labels[0]}
    assert len(swapped) > len(batch.schema.labels) // 2
    assert {c.kind for c in plain.changes} <= {"split", "merge", "rebuild", "drift"}
    gained = micro_f1(batch, mine, 5_000, 6_000)
    assert gained > micro_f1(batch, other, 5_000, 6_000) + 0.01
    assert micro_f1(batch, mine, 5_500, 6_000) > 0.95 * micro_f1(batch, mine, 4_000, 5_000)


def test_alternates_give_the_same_bits_at_any_batch_size_and_without_predicting():
    batch = demo(6_000)
    whole, small, learner = IHOMER(), IHOMER(), IHOMER()
    whole.test_then_train(batch)
    for start in range(0, len(batch), 37):
        part = batch.slice(start, min(start + 37, len(batch)))
        small.test_then_train(part, min_score=1.0)
        learner.learn(part)
    assert "swap" in {c.kind for c in whole.changes}
    assert whole.changes == small.changes == learner.changes
    last = batch.slice(5_990, 6_000)
    assert (
        arrays(whole.predict(last)) == arrays(small.predict(last)) == arrays(learner.predict(last))
    )


def test_an_alternate_on_trial_is_stored_and_goes_on_with_the_same_bits(tmp_path):
    batch, model = demo(6_000), IHOMER()
    stop = 5_000
    model.learn(batch.slice(0, stop))
    while "warning" not in model.change_counts:
        model.learn(batch.slice(stop, stop + 1))
        stop += 1
    begun = model.snapshot()["learned"]["alternate"]
    assert begun["trial"]["events"] == 0
    assert begun["learner"]["stack"]["clock"][0] == batch.schema.declared_labels
    model.learn(batch.slice(stop, stop + 30))
    stop += 30
    state.save(model, tmp_path / "s")
    again = state.load(tmp_path / "s")
    again.bind(batch.schema)
    assert again.memory["arrays"] == model.memory["arrays"]  # of two learners
    rest = batch.slice(stop, 6_000)
    assert arrays(again.test_then_train(rest)) == arrays(model.test_then_train(rest))
    assert "swap" in model.change_counts
    assert list(again.changes) == list(model.changes)


def test_a_stationary_stream_grows_no_alternate():
    rng = np.random.default_rng(7)
    weights = rng.normal(size=(8, 6))
    rows = rng.normal(size=(6_000, 8))
    noisy = rows @ weights + rng.normal(size=(6_000, 6)) > 0.5
    stream = (
        Event(t, 0.0, {f"f{j}": float(v) for j, v in enumerate(row)},
              frozenset(f"l{k}" for k in np.flatnonzero(y)))
        for t, (row, y) in enumerate(zip(rows, noisy, strict=True))
    )  # fmt: skip
    model = IHOMER()
    model.learn(EventBatch.from_events(stream, Schema()))
    assert not [c for c in model.changes if c.scope == "local"]


def test_an_alternate_is_compared_on_the_labels_known_at_each_event():
    rng, told = np.random.default_rng(3), []
    for k in range(200):
        known = 4 + k // 10
        y = frozenset(f"l{c}" for c in range(known) if rng.random() < 0.3) | {f"l{known - 1}"}
        told.append(Event(k, 0.0, {"f": float(rng.random())}, y if k % 7 else None))
    batch = EventBatch.from_events(told, Schema())
    sums = []
    for size in (1, 13, 200):
        rival = Alternate(IHOMER(preset="fast"), 1)
        main, leaf_of = IHOMER(preset="fast", n_min=10_000), np.zeros(64, np.int32)
        for start in range(0, 200, size):
            part, known = batch.slice(start, min(start + size, 200)), main.mixture.n_labels
            rival.compare(part, main.test_then_train(part), leaf_of, known)
        sums.append(rival.snapshot()["trial"]["sums"].tolist())
    assert sums[0] == sums[1] == sums[2]


def test_asking_before_learning_leaves_it_free_for_any_stream():
    for make in (lambda: IHOMER(preset="fast"), MLHAT, NoChange):
        asked, fresh = make(), make()
        assert asked.predict_one({"f": 1.0}) == {}
        batches = [batch_of(60), batch_of(60)]
        answers = [m.test_then_train(b) for m, b in zip((asked, fresh), batches, strict=True)]
        assert all(map(np.array_equal, arrays(answers[0]), arrays(answers[1])))
