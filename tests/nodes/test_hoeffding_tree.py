"""The multi-label Hoeffding adaptive tree: what it learns, forgets, costs and never depends on."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numba import njit

from streamml import IHOMER
from streamml.baselines import MLHAT
from streamml.errors import ConfigError, StateError
from streamml.metrics import Prequential
from streamml.nodes.tree.arrays import BLOCK, LEAF, ROLE
from streamml.nodes.tree.gain import split_gain
from streamml.nodes.tree.random import poisson1
from streamml.types import EventBatch, Schema


@njit
def gain(left, right, m):
    return split_gain(left, right, m)


@njit
def draws(seed, n, stream):
    out = np.zeros(n, np.int64)
    for t in range(n):
        out[t] = poisson1(seed, t, stream)
    return out


def batch_of(x, y, absent_is_zero=False):
    n, d = x.shape
    schema = Schema(
        [f"f{j}" for j in range(d)],
        [f"l{k}" for k in range(y.shape[1])],
        absent_is_zero=absent_is_zero,
    )
    keep = x != 0 if absent_is_zero else np.ones(x.shape, bool)
    return EventBatch(
        schema,
        list(range(n)),
        np.arange(n, dtype=float),
        np.concatenate([[0], keep.sum(1).cumsum()]).astype(np.int64),
        np.nonzero(keep)[1].astype(np.int32),
        x[keep].astype(np.float32),
        np.concatenate([[0], y.sum(1).cumsum()]).astype(np.int64),
        np.nonzero(y)[1].astype(np.int32),
        np.ones(n, np.uint8),
        np.zeros(n + 1, np.int64),
        np.zeros(0, np.int32),
        np.full(n, d, np.int32),
        np.full(n, y.shape[1], np.int32),
    )


def rule(x, first=0):
    a, b = x[:, first] > 0.6, x[:, first + 1] > 0.3
    return np.stack([a ^ b, a & ~b, ~a & b, a | ~b], 1)


def checkered(n, swap=None, seed=0):
    """Labels of two features; from ``swap`` on, of two others."""
    rng = np.random.default_rng(seed)
    x = rng.random((n, 8)).astype(np.float32)
    y = rule(x)
    if swap is not None:
        y[swap:] = rule(x[swap:], 3)
    return x, y


def right(batch, y, model):
    """Share of labels predicted right, event by event."""
    found = model.test_then_train(batch)
    got = np.zeros(y.shape, bool)
    for i in range(len(batch)):
        got[i, found.row(i)] = True
    return (got == y).mean(1)


def trained(model):
    """Copies of what events of some weight change; rooms may grow meanwhile."""
    arrays = [model._tree.nodes.counts, *model._tree.blocks, model._window.pos]
    return [a.copy() for a in (*arrays, model._window.squares, model._ensemble.w)]


# -- entropy and random numbers -------------------------------------------------------------


def slow_entropy(total, counts):
    found = 0.0
    for p in (c / total for c in counts):
        if 0 < p < 1:
            found -= p * math.log2(p) + (1 - p) * math.log2(1 - p)
    return found


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 40), st.integers(0, 60)), min_size=1, max_size=8),
    st.integers(1, 20),
    st.integers(1, 20),
)
def test_gain_is_the_entropy_taken_away(counts, more_left, more_right):
    n_left = max(a for a, _ in counts) + more_left
    n_right = max(b for _, b in counts) + more_right
    left = np.array([n_left, *(a for a, _ in counts)], float)
    right_ = np.array([n_right, *(b for _, b in counts)], float)
    n = n_left + n_right
    after = n_left * slow_entropy(n_left, left[1:]) + n_right * slow_entropy(n_right, right_[1:])
    expected = slow_entropy(n, (left + right_)[1:]) - after / n
    assert gain(left, right_, len(left)) == pytest.approx(expected, abs=1e-9)
    assert expected >= -1e-9


def test_a_split_that_leaves_one_side_empty_gains_nothing():
    assert gain(np.array([1000.0, 500.0]), np.array([9.0, 0.0]), 2) < 0


def test_bootstrap_weights_are_poisson_and_hang_on_seed_and_position():
    found = draws(7, 20_000, 0)
    assert found.mean() == pytest.approx(1.0, abs=0.03)
    assert found.var() == pytest.approx(1.0, abs=0.05)
    np.testing.assert_array_equal(found[:100], draws(7, 100, 0))
    assert (found[:100] != draws(8, 100, 0)).any()
    assert (found[:100] != draws(7, 100, 1)).any()


# -- what it learns -------------------------------------------------------------------------


def test_learns_what_no_linear_classifier_can():
    x, y = checkered(9000)
    batch = batch_of(x, y)
    model = MLHAT()
    ours = right(batch, y, model)[6000:].mean()
    rows = np.c_[x, np.ones(len(x))]
    lines = np.linalg.lstsq(rows, y[:, 0] - 0.5, rcond=None)[0]
    assert ((rows @ lines > 0) == y[:, 0]).mean() < 0.75
    assert ours > 0.93
    assert model.counts["splits"] >= 2
    assert "f0" in model.describe()
    assert "f1" in model.describe()


def test_a_swapped_concept_is_learned_faster_with_alternates():
    x, y = checkered(9000, swap=6000)
    batch = batch_of(x, y)
    model, without = MLHAT(), MLHAT(alternates=False)
    ours, theirs = right(batch, y, model), right(batch, y, without)
    np.testing.assert_array_equal(ours[:6000], theirs[:6000])
    assert ours[7000:].mean() > theirs[7000:].mean() + 0.08
    kinds = {c.kind: c for c in model.changes}
    assert 6000 < kinds["warning"].position < 6500
    assert 6000 < kinds["drift"].position < 7000
    assert kinds["drift"].statistic > kinds["drift"].bound
    assert model.counts["alternates_swapped"] >= 1
    assert {c.kind for c in without.changes} == {"split"}


def test_an_alternate_stands_in_the_picture():
    x, y = checkered(6150, swap=6000)
    model = MLHAT()
    model.learn(batch_of(x, y))
    assert "alternate" in model.describe()


def test_sparse_presence_splits():
    rng = np.random.default_rng(0)
    x = (rng.random((6000, 50)) < 0.3).astype(np.float32)
    y = np.stack([x[:, 3] != x[:, 7], (x[:, 3] == 1) & (x[:, 7] == 1)], 1)
    model = MLHAT(tau=0.2)  # either feature is as good as the other
    assert right(batch_of(x, y, True), y, model)[4500:].mean() > 0.97
    assert "there" in model.describe()
    assert all(c.labels and max(c.labels[0]) < 2 for c in model.changes)


# -- bounds ---------------------------------------------------------------------------------


def wide(n, d=20_000, labels=30, seed=0):
    """Rows of 30 of many features, the first of which say the labels."""
    rng = np.random.default_rng(seed)
    x = np.zeros((n, d), np.float32)
    for row in x:
        row[rng.integers(0, d, 25)] = 1
        row[rng.integers(0, 60, 5)] = 1
    y = x[:, :labels] != x[:, labels : 2 * labels]
    return x, y


def test_budgets_hold_with_20_000_features():
    x, y = wide(1500)
    batch = batch_of(x, y, True)
    model = MLHAT(grace_period=50, delta=0.5, tau=2.0, max_size=12.0)
    model.learn(batch)
    counts, tree = model.counts, model._tree
    assert counts["leaves_deactivated"] + counts["splits_refused"] > 0
    assert tree.blocks.feature.shape[1] == 512
    held = [a.nbytes for a in (*tree.blocks, *model._window, model._ensemble.w)]
    assert sum(held) < 40e6  # room for twice the blocks that the budget allows
    observed = {int(f) for f in tree.blocks.feature[0] if f >= 0}
    assert len(observed & set(range(60))) >= 30  # the frequent stay


def test_leaves_and_depth_are_bounded():
    x, y = checkered(3000)
    eager = {"grace_period": 20, "delta": 0.5, "tau": 2.0}
    few = MLHAT(max_leaves=4, **eager)
    few.learn(batch_of(x, y))
    assert few.counts["leaves"] <= 4
    assert few.counts["splits_refused"] > 0
    flat = MLHAT(max_depth=1, **eager)
    flat.learn(batch_of(x, y))
    assert flat.counts["splits"] == 1
    many = MLHAT(max_size=0.2, **eager)
    p = right(batch_of(x, y), y, many)
    links = many._tree.nodes.link
    assert many.counts["leaves_deactivated"] > 0
    assert (links[links[:, ROLE] == LEAF, BLOCK] < 0).any()
    assert p[2000:].mean() > 0.7


# -- what it never depends on ---------------------------------------------------------------


def test_seeds_matter():
    x, y = checkered(1500)
    batch = batch_of(x, y)
    runs = [
        MLHAT(seed=seed, bootstrap=True).test_then_train(batch, 0.0).scores.tolist()
        for seed in (1, 2)
    ]
    assert runs[0] != runs[1]


def test_events_of_weight_0_train_nothing():
    x, y = checkered(400)
    batch = batch_of(x, y)
    model = MLHAT(bootstrap=True, seed=5)
    skipped = draws(5, 400, 0) == 0
    assert 80 < skipped.sum() < 220
    for i in range(len(batch)):
        before = trained(model)
        model.learn(batch.slice(i, i + 1))
        after = [a[tuple(map(slice, b.shape))] for a, b in zip(trained(model), before, strict=True)]
        same = all((a == b).all() for a, b in zip(after, before, strict=True))
        assert same == skipped[i]


def spoil(snapshot, path, place, value):
    """The snapshot with one number changed."""
    part = snapshot["learned"]
    for name in path[:-1]:
        part = part[name]
    part[path[-1]] = part[path[-1]].copy()
    part[path[-1]][place] = value
    return snapshot


@pytest.mark.parametrize(
    ("path", "place", "value"),
    [
        (("tree", "nodes", "link"), (0, 1), 0),  # its own child
        (("tree", "nodes", "link"), (0, 5), 99),  # a feature that is not there
        (("tree", "nodes", "link"), (0, 8), 9),
        (("tree", "work", "clock"), 0, 1000),
        (("tree", "blocks", "owner"), 0, 3),
        (("tree", "blocks", "feature"), (0, 0), 99),
        (("tree", "blocks", "kinds"), 1, 1000),
        (("tree", "detectors", "levels"), 0, 99),
        (("window", "pos"), (1, 0), 500),
        (("window", "columns"), (1, 0, 0), 99),
        (("window", "size"), (1, 0, 0), 99),
    ],
)
def test_broken_snapshots_are_refused(path, place, value):
    x, y = checkered(1500)
    batch = batch_of(x, y)
    model = MLHAT(grace_period=50, delta=0.3)
    model.learn(batch)
    assert model.counts["splits"] > 0
    again = MLHAT(grace_period=50, delta=0.3)
    again.restore(model.snapshot(), batch.schema)
    assert again.describe() == model.describe()
    with pytest.raises(StateError):
        MLHAT(grace_period=50, delta=0.3).restore(spoil(model.snapshot(), path, place, value))


def test_what_is_missing_goes_with_the_many():
    x, y = checkered(6000)
    model = MLHAT()
    model.learn(batch_of(x, y))
    assert model.counts["splits"] >= 2
    assert set(model.predict_one({"f7": 0.5})) == {"l0", "l1", "l2", "l3"}


def test_extreme_values_stay_finite():
    x, y = checkered(700)
    x[::7, 2] = 3e38
    x[::11, 0] = -3e38
    found = MLHAT(grace_period=50, delta=0.5, cardinality_threshold=100).test_then_train(
        batch_of(x, y), 0.0
    )
    assert np.isfinite(found.scores).all()


@pytest.mark.parametrize(
    "wrong",
    [{"delta": 0.0}, {"max_observers": 9}, {"max_leaves": 0}, {"max_depth": 65}, {"window": 0}],
)
def test_parameters_out_of_range_are_refused(wrong):
    with pytest.raises(ConfigError, match="must"):
        MLHAT(**wrong)


@pytest.mark.data
def test_golden_numbers():
    from experiments.datasets.data import read

    metrics, model = Prequential(), MLHAT()
    batch = read("emotions")
    metrics.update(batch, model.test_then_train(batch))
    found = metrics.cumulative()
    assert (round(found.exact_match, 4), round(found.micro_f1, 4)) == (0.2631, 0.6281)


def test_as_a_member_of_the_mixture_it_grows_the_same_at_any_batch_size():
    x, y = checkered(4000)
    batch = batch_of(x, y)
    results = []
    for size in (37, 4000):
        model = IHOMER(members=("tree", "constant"))
        parts = [batch.slice(i, min(i + size, 4000)) for i in range(0, 4000, size)]
        results.append([s for p in parts for s in model.test_then_train(p, 0.0).scores.tolist()])
    assert results[0] == results[1]
    links = model.mixture.optional.tree.nodes.link
    assert len(links) > 8  # it asked for room
    assert (links[:, ROLE] == LEAF).sum() >= 4
