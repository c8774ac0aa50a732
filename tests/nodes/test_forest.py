"""The forest of recent events: what it learns, what it forgets, and what it never depends on."""

import numpy as np
import pytest
from numba import njit

from streamml.errors import ConfigError
from streamml.nodes.arrays import allocate, grow
from streamml.nodes.event import Event, Row, Truth
from streamml.nodes.forest import arrays, forest
from streamml.nodes.forest.arrays import CREDIT, HELD, NEXT, TREES
from streamml.nodes.forest.grow import leaf_of
from streamml.nodes.prior import Prior

TREES_WANTED, WINDOW = 10, 200
BUDGET = 20_000


@njit
def event_of(idx, x, d, dense, n_labels):
    return Event(Row(idx, x, d, True), idx, x, x, len(x), dense, n_labels, n_labels)


@njit
def prior_of(p):
    return Prior(p, p, p, np.zeros(1))


@njit
def drive(state, idx, x, offsets, d, dense, ys, y_offsets, n_labels, prior, budget, out):
    """Score, then learn, event by event."""
    row, row_x = np.zeros(4000, np.int32), np.zeros(4000, np.float32)
    labels = np.zeros(100, np.int32)
    for t in range(len(offsets) - 1):
        n, ny = offsets[t + 1] - offsets[t], y_offsets[t + 1] - y_offsets[t]
        row[:n] = idx[offsets[t] : offsets[t + 1]]
        row_x[:n] = x[offsets[t] : offsets[t + 1]]
        labels[:ny] = ys[y_offsets[t] : y_offsets[t + 1]]
        event = event_of(row[:n], row_x[:n], d, dense, n_labels)
        forest.forest_score(state, event, prior_of(prior), out, t)
        truth = Truth(prior, prior, prior, labels[:ny], True, True)  # only labels are asked for
        forest.forest_learn(state, event, prior_of(prior), truth, budget)


@njit
def score(state, idx, x, n, dense, n_labels, prior, out):
    event = event_of(idx[:n], x[:n], n, dense, n_labels)
    forest.forest_score(state, event, prior_of(prior), out.reshape(1, -1), 0)


@njit
def leaf(state, k, row, dense):
    return leaf_of(state, k, row, dense)


def new(d=8, labels=4, trees=TREES_WANTED, window=WINDOW, seed=1):
    state = allocate(arrays.Forest, arrays.spec(trees, window), sizes(d, labels))
    forest.init(state, (seed,))
    return state


def sizes(d, labels):
    return {"d": d, "l": labels, "columns": min(d, arrays.DENSE_COLUMNS)}


def run(state, x, y, dense=True, n_labels=None, budget=BUDGET, d=None):
    """Probabilities before each event was learned."""
    n_labels = n_labels or y.shape[1]
    keep = np.ones(x.shape, bool) if dense else x != 0
    idx = np.nonzero(keep)[1].astype(np.int32)
    offsets = np.concatenate([[0], keep.sum(axis=1).cumsum()]).astype(np.int64)
    ys = np.nonzero(y)[1].astype(np.int32)
    y_offsets = np.concatenate([[0], y.sum(axis=1).cumsum()]).astype(np.int64)
    prior = np.full(n_labels, 0.2, np.float32)
    out = np.zeros((len(x), n_labels), np.float32)
    values = np.ascontiguousarray(x[keep], dtype=np.float32)
    d = x.shape[1] if d is None else d
    drive(state, idx, values, offsets, d, dense, ys, y_offsets, n_labels, prior, budget, out)
    return 1 / (1 + np.exp(-out))


def checkered(n, seed=0, d=8, flipped=False):
    """Label 0: do the first two features have the same sign? Label 1: are both positive?"""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, d)).astype(np.float32)
    same = (x[:, 0] > 0) == (x[:, 1] > 0)
    y = np.stack([same != flipped, (x[:, 0] > 0) & (x[:, 1] > 0)], axis=1)
    return x, np.concatenate([y, np.zeros((n, 2), bool)], axis=1)


def words(n, seed=0, d=300, labels=20):
    """Sparse rows in which label l is a pair of words; some rows and label sets are empty."""
    rng = np.random.default_rng(seed)
    x = (rng.random((n, d)) < 0.02).astype(np.float32)
    y = rng.random((n, labels)) < 0.08
    x[:, : 2 * labels] = 0
    x[:, 0 : 2 * labels : 2] = y
    x[:, 1 : 2 * labels : 2] = y
    x[::17] = 0
    return x, y


def check_lists(state, dense):
    """Every event held lies once in the lists of every tree, in the leaf it falls in, by age."""
    held, start = int(state.clock[HELD]), int(state.clock[NEXT])
    window = len(state.labels)
    age = (np.arange(window) - (start if held == window else 0)) % window
    for k in range(int(state.clock[TREES])):
        seen, todo = [], [0]
        while todo:
            i = todo.pop()
            feature, slot, child, size = (int(v) for v in state.node[k, i])
            if feature >= 0:
                todo += [child, child + 1]
                continue
            slots = []
            for _ in range(size):
                slots.append(slot)
                assert leaf(state, k, slot, dense) == i
                slot = int(state.after[k, slot])
            assert not slots or slots[-1] == child
            assert list(age[slots]) == sorted(age[slots])
            seen += slots
        assert sorted(seen) == list(range(held))


def test_learns_what_no_linear_classifier_can():
    x, y = checkered(3000)
    p = run(new(window=2000), x, y, budget=60_000)[2000:]
    truth = y[2000:]
    assert ((p[:, 0] > 0.5) == truth[:, 0]).mean() > 0.85
    assert ((p[:, 1] > 0.5) == truth[:, 1]).mean() > 0.9
    assert p[:, 2:].max() < 0.1


def test_learns_words():
    x, y = words(2000)
    p = run(new(300, 20, window=1000), x, y, dense=False, budget=60_000)[1000:]
    truth = y[1000:]
    assert p[truth & (x[1000:, :40:2] > 0)].mean() > 0.5
    assert p[~truth].mean() < 0.08


def test_follows_a_drift_within_a_window():
    x, y = checkered(2000)
    x2, y2 = checkered(1500, seed=1, flipped=True)
    state = new(window=500)
    run(state, x, y, budget=60_000)
    p = run(state, x2, y2, budget=60_000)
    right = (p[:, 0] > 0.5) == y2[:, 0]
    assert right[:30].mean() < 0.4
    assert right[500:].mean() > 0.75


@pytest.mark.parametrize("dense", [True, False])
def test_same_seed_same_bits(dense):
    x, y = checkered(600) if dense else words(600)
    first, again, other = (run(new(*sized(x, y), seed=s), x, y, dense) for s in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def sized(x, y):
    return x.shape[1], y.shape[1]


@pytest.mark.parametrize("dense", [True, False])
def test_capacity_and_padding_change_nothing(dense):
    x, y = checkered(700) if dense else words(700)
    expected = run(new(*sized(x, y)), x, y, dense)
    rng = np.random.default_rng(3)
    d, labels = sized(x, y)
    state, got, at = new(d, labels), [], 0
    while at < len(x):
        end = at + int(rng.integers(1, 90))
        got.append(run(state, x[at:end], y[at:end], dense, n_labels=y.shape[1] + 5))
        at, d, labels = end, d + int(rng.integers(0, 9)), labels + 8
        state = grow(state, arrays.spec(TREES_WANTED, WINDOW), sizes(d, labels))
    np.testing.assert_array_equal(np.concatenate(got)[:, : y.shape[1]], expected)


def test_new_features_and_labels_are_taken_up():
    x, y = checkered(1500)
    state = new(1, 1)
    run(state, np.zeros((300, 1), np.float32), np.zeros((300, 1), bool))
    state = grow(state, arrays.spec(TREES_WANTED, WINDOW), sizes(8, 4))
    p = run(state, x, y, budget=60_000)[800:]
    assert ((p[:, 1] > 0.5) == y[800:, 1]).mean() > 0.8
    check_lists(state, True)


@pytest.mark.parametrize("dense", [True, False])
@pytest.mark.parametrize("n", [1, 4, 5, 150, 200, 201, 777])
def test_lists_are_consistent(dense, n):
    x, y = checkered(n) if dense else words(n)
    state = new(*sized(x, y))
    run(state, x, y, dense)
    check_lists(state, dense)
    assert state.clock[TREES] == (0 if n < 5 else min(TREES_WANTED, 2 * (n - 4)))


def test_a_window_of_one_event():
    x, y = checkered(50)
    state = new(window=1)
    assert np.isfinite(run(state, x, y)).all()
    check_lists(state, True)


@pytest.mark.parametrize("dense", [True, False])
def test_nothing_to_learn_from(dense):
    x, y = np.zeros((500, 8), np.float32), np.zeros((500, 4), bool)
    state = new()
    p = run(state, x, y, dense)
    assert p[-1].max() < 0.01
    np.testing.assert_allclose(p[0], 0.2, rtol=1e-5)
    y[:, 2] = np.arange(500) % 2
    p = run(state, x, y, dense)
    np.testing.assert_allclose(p[-1], [0.004, 0.004, 0.494, 0.004], atol=0.002)
    check_lists(state, dense)


def test_one_label_and_constant_features():
    x, y = checkered(1500)
    x[:, 2:] = 7
    p = run(new(8, 1, window=1000), x, y[:, 1:2], budget=60_000)
    assert ((p[1000:, 0] > 0.5) == y[1000:, 1]).mean() > 0.9


def test_huge_values_and_scales():
    x, y = checkered(1000)
    plain = run(new(), x, y)
    np.testing.assert_array_equal(run(new(), x * np.float32(2**20), y), plain)
    x[::50] = np.inf
    x[::70, 0] = -np.inf
    assert np.isfinite(run(new(), x, y)).all()


def test_more_labels_and_features_than_are_kept():
    rng = np.random.default_rng(0)
    x = (rng.random((300, 3000)) < 0.3).astype(np.float32)
    y = np.ones((300, 80), bool)
    state = new(3000, 80)
    p = run(state, x, y, dense=False)[-1]
    assert p[: arrays.LABELS].min() > 0.9
    assert p[arrays.LABELS :].max() < 0.01
    check_lists(state, False)
    wide = new(3000, 4)
    run(wide, rng.normal(size=(300, 3000)).astype(np.float32), checkered(300)[1])
    check_lists(wide, True)


def test_a_stream_that_changes_its_mind_starts_over():
    x, y = checkered(60)
    state = new(300, 20)
    run(state, x, np.pad(y, ((0, 0), (0, 16))), True, d=8)
    sparse_x, sparse_y = words(500)
    p = run(state, sparse_x, sparse_y, False)
    np.testing.assert_allclose(p[0], 0.2, rtol=1e-5)
    assert state.clock[HELD] == WINDOW
    check_lists(state, False)


def test_scores_learn_nothing():
    x, y = checkered(400)
    state = new()
    run(state, x, y)
    learned = ("labels", "bound", "node", "after", "clock", "rng")
    before = [getattr(state, name).copy() for name in learned]
    idx, prior = np.arange(8, dtype=np.int32), np.full(4, 0.2, np.float32)
    outs = [np.zeros(4, np.float32) for _ in range(3)]
    for row, out in zip((0, 1, 0), outs, strict=True):
        score(state, idx, x[row], 8, True, 4, prior, out)
    np.testing.assert_array_equal(outs[0], outs[2])
    assert (outs[0] != outs[1]).any()
    for name, kept in zip(learned, before, strict=True):
        np.testing.assert_array_equal(getattr(state, name), kept)
    check_lists(state, True)


def test_memory_is_bounded():
    state = new(50_000, 1000, trees=50, window=3000)
    assert sum(array.nbytes for array in state) < 40e6


def test_work_keeps_to_its_budget():
    x, y = checkered(3000)
    idle = new()
    np.testing.assert_allclose(run(idle, x, y, budget=0), 0.2, rtol=1e-5)
    assert idle.clock[TREES] == 0
    state = new()
    run(state, x[:500], y[:500], budget=1000)
    assert state.clock[CREDIT] <= 2000
    run(state, x[500:502], y[500:502], budget=10**9)
    bound = state.bound.copy()
    run(state, x, y, budget=-(10**9))
    np.testing.assert_array_equal(state.bound, bound)
    check_lists(state, True)


@pytest.mark.parametrize("window", [0, 16_001])
def test_windows_out_of_range_are_refused(window):
    with pytest.raises(ConfigError, match="window"):
        arrays.spec(50, window)
