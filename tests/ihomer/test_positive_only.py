"""Streams whose events name what is true and never what is not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from experiments.datasets.data import data_dir
from streamml import IHOMER, state
from streamml.nodes.combine.propensity import Propensity
from streamml.types import LABELS_FULL, LABELS_PARTIAL, EventBatch, Schema
from streamml_connectors.files import open_source
from streamml_connectors.files.shuffled import ShuffledSource
from tests.conftest import needs

N_LABELS = 6


def stream(n, seed=1):
    """Six labels, each true where one feature is high."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, N_LABELS)).astype(np.float32)
    truth = x > 0.3 + 0.1 * np.arange(N_LABELS)
    return x, truth


def batch_of(x, named, whole):
    """Events that name some labels; of those that are ``whole`` the others are not true."""
    n, d = x.shape
    rows = np.arange(n + 1)
    schema = Schema(features=[f"f{j}" for j in range(d)], labels=[f"l{j}" for j in range(N_LABELS)])
    return EventBatch(
        schema,
        list(range(n)),
        np.arange(n, dtype=np.float64),
        x_indptr=rows * d,
        x_indices=np.tile(np.arange(d, dtype=np.int32), n),
        x_values=x.ravel(),
        y_indptr=np.concatenate([[0], named.sum(axis=1).cumsum()]),
        y_indices=np.nonzero(named)[1].astype(np.int32),
        y_kind=np.where(whole, LABELS_FULL, LABELS_PARTIAL).astype(np.uint8),
        negative_indptr=np.zeros(n + 1, np.int64),
        negative_indices=np.zeros(0, np.int32),
        n_features=np.full(n, d, np.int32),
        n_labels=np.full(n, N_LABELS, np.int32),
    )


def decided(predictions, n):
    found = np.zeros((n, N_LABELS), bool)
    for i in range(n):
        found[i, predictions.row(i)] = True
    return found


def micro_f1(decisions, truth):
    return 2 * (decisions & truth).sum() / (decisions.sum() + truth.sum())


def hidden(truth, propensity, seed=2):
    return truth & (np.random.default_rng(seed).random(truth.shape) < propensity)


def test_positives_alone_do_not_teach_to_predict_everything():
    x, truth = stream(3000)
    batch = batch_of(x, truth, np.zeros(3000, bool))
    found = decided(IHOMER("fast").test_then_train(batch), 3000)[1000:]
    assert micro_f1(found, truth[1000:]) > 0.9
    assert found.sum() < 1.2 * truth[1000:].sum()


def test_once_an_event_has_said_what_is_not_true_what_is_not_named_is_unknown():
    x, truth = stream(2)
    truth[1] = False  # the second event names nothing
    for whole, known in ((False, False), (True, True)):
        batch = batch_of(x, truth, np.array([whole, False]))
        model = IHOMER("fast")
        model.learn(batch.slice(0, 1))
        before = model.mixture.states.linear.w.copy()
        model.learn(batch.slice(1, 2))
        assert np.array_equal(before, model.mixture.states.linear.w) == known


def test_a_given_propensity_brings_back_what_is_hidden():
    x, truth = stream(6000)
    named = hidden(truth, 0.4)
    batch = batch_of(x, named, np.zeros(6000, bool))
    plain = decided(IHOMER("fast").test_then_train(batch), 6000)[2000:]
    told = decided(IHOMER("fast", positive_only=0.4).test_then_train(batch), 6000)[2000:]
    assert micro_f1(told, truth[2000:]) > 0.78
    assert micro_f1(told, truth[2000:]) > micro_f1(plain, truth[2000:]) + 0.3


def test_scores_are_of_being_true_not_of_being_named():
    x, truth = stream(6000)
    batch = batch_of(x, hidden(truth, 0.4), np.zeros(6000, bool))
    scores = {}
    for propensity in (False, 0.4):
        model = IHOMER("fast", positive_only=propensity)
        model.learn(batch.slice(0, 5000))
        scores[propensity] = model.predict(batch.slice(5000, 6000), 0.0).scores
    truly = truth[5000:].mean()
    assert abs(scores[0.4].mean() - truly) < 0.05
    assert abs(scores[False].mean() - 0.4 * truly) < 0.05
    assert scores[0.4].max() < 1.0


def test_the_propensity_of_each_label_is_learned_from_whole_events():
    x, truth = stream(8000)
    rng = np.random.default_rng(5)
    true_propensity = np.linspace(0.3, 0.9, N_LABELS)
    named = truth & (rng.random(truth.shape) < true_propensity)
    whole = rng.random(8000) < 0.2
    named[whole] = truth[whole]
    batch = batch_of(x, named, whole)
    model = IHOMER("fast", positive_only=True)
    found = decided(model.test_then_train(batch), 8000)[3000:]
    assert micro_f1(found, truth[3000:]) > 0.86
    learned = model.mixture.optional.propensity
    assert isinstance(learned, Propensity)
    expected = 0.8 * true_propensity + 0.2  # of all events, the whole ones too
    assert np.abs(learned.c[:N_LABELS] - expected).max() < 0.08


def test_a_stored_learner_goes_on_with_the_same_bits(tmp_path):
    x, truth = stream(900)
    whole = np.random.default_rng(5).random(900) < 0.2
    batch = batch_of(x, np.where(whole[:, None], truth, hidden(truth, 0.5)), whole)
    model = IHOMER("fast", positive_only=True)
    model.learn(batch.slice(0, 500))
    state.save(model, tmp_path / "learner.streamml")
    again = state.load(tmp_path / "learner.streamml")
    mine, its = (m.test_then_train(batch.slice(500, 900), 0.0) for m in (model, again))
    assert mine.scores.tobytes() == its.scores.tobytes()
    assert mine.indices.tobytes() == its.indices.tobytes()


@pytest.mark.data
@pytest.mark.parametrize(("name", "least"), [("yeast", 0.58), ("enron", 0.45), ("20ng", 0.52)])
def test_half_of_the_positives_of_a_real_stream_suffice(name, least):
    """Hidden at random, in shuffled order, scored against all of them."""
    path = data_dir() / f"{name}.arff.gz"
    needs(f"{path} is not there: set STREAMML_DATA", path.exists())
    source, rng = ShuffledSource(open_source(path)), np.random.default_rng(7)
    model, hits, size = IHOMER(positive_only=0.5), 0, 0
    while (batch := source.next_batch(500)) is not None:
        keep = rng.random(len(batch.y_indices)) < 0.5
        ends = np.concatenate([[0], keep.cumsum()])
        named = replace(batch, y_indptr=ends[batch.y_indptr], y_indices=batch.y_indices[keep])
        found = model.test_then_train(named)
        for i in range(len(batch)):
            true = batch.y_indices[batch.y_indptr[i] : batch.y_indptr[i + 1]]
            hits += len(np.intersect1d(found.row(i), true))
            size += len(found.row(i)) + len(true)
    source.close()
    assert 2 * hits / size > least
