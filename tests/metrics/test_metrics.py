"""Prequential metrics equal scikit-learn's batch figures, and no cut changes a bit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import (
    accuracy_score,
    f1_score,
    hamming_loss,
    precision_recall_fscore_support,
    precision_score,
    recall_score,
)

from streamml.errors import ConfigError, ContractError, StateError
from streamml.metrics import Prequential, Scores
from streamml.types import Event, EventBatch, PartialLabels, Predictions, Schema

TIGHT = 1e-12
SETS = st.frozensets(st.integers(0, 7), max_size=4)


def predictions_of(rows: list[list[int]]) -> Predictions:
    indptr = np.concatenate(([0], np.cumsum([len(r) for r in rows]))).astype(np.int64)
    return Predictions(indptr, np.array([c for r in rows for c in r], np.int32))


def stream_of(
    true: list, predicted: list[frozenset[int]], declared: int = 2
) -> tuple[EventBatch, Predictions]:
    """Labels beyond the declared ones appear when they are first true."""
    schema = Schema(labels=[f"l{i}" for i in range(declared)])
    events = [Event(i, float(i), {"f": 1.0}, y) for i, y in enumerate(true)]
    batch = EventBatch.from_events(events, schema)
    known = batch.n_labels.tolist()
    rows = [sorted(c for c in p if c < k) for p, k in zip(predicted, known, strict=True)]
    return batch, predictions_of(rows)


def named(columns: frozenset[int]) -> frozenset[str]:
    return frozenset(f"l{c}" for c in columns)


def score(
    metrics: Prequential, batch: EventBatch, predictions: Predictions, size: int
) -> Prequential:
    for start in range(0, len(batch), size):
        stop = min(start + size, len(batch))
        rows = [predictions.row(i).tolist() for i in range(start, stop)]
        metrics.update(batch.slice(start, stop), predictions_of(rows))
    return metrics


def dense(indptr: np.ndarray, indices: np.ndarray, labels: int) -> np.ndarray:
    out = np.zeros((len(indptr) - 1, labels), int)
    out[np.repeat(np.arange(len(out)), np.diff(indptr)), indices] = 1
    return out


def sklearn_scores(y: np.ndarray, p: np.ndarray, weight: np.ndarray) -> Scores:
    out: dict[str, float] = {
        "exact_match": accuracy_score(y, p, sample_weight=weight),
        "hamming_loss": hamming_loss(y, p, sample_weight=weight),
    }
    functions = {"precision": precision_score, "recall": recall_score, "f1": f1_score}
    both_empty = np.average((y.sum(1) == 0) & (p.sum(1) == 0), weights=weight)
    for name, function in functions.items():
        for mean in ("micro", "macro", "samples"):
            value = function(y, p, average=mean, zero_division=0, sample_weight=weight)
            out[f"{mean}_{name}"] = value
        out[f"example_{name}"] = out.pop(f"samples_{name}") + both_empty
    ones = f1_score(y, p, average="samples", zero_division=1, sample_weight=weight)
    assert out["example_f1"] == pytest.approx(ones, abs=TIGHT)
    return Scores(**out)


def assert_close(found: Scores, expected: Scores) -> None:
    assert found.as_dict() == pytest.approx(expected.as_dict(), abs=TIGHT, rel=TIGHT)


@settings(max_examples=60, deadline=None)
@given(
    pairs=st.lists(st.tuples(SETS, SETS), min_size=1, max_size=40),
    window=st.integers(1, 50),
    fading=st.sampled_from([0.5, 0.9, 0.999, 1.0]),
    size=st.integers(1, 50),
)
def test_equal_to_scikit_learn(
    pairs: list[tuple[frozenset[int], frozenset[int]]], window: int, fading: float, size: int
) -> None:
    batch, predictions = stream_of([named(t) for t, _ in pairs], [p for _, p in pairs])
    metrics = score(Prequential(window, fading), batch, predictions, size)
    labels = int(batch.n_labels[-1])
    y = dense(batch.y_indptr, batch.y_indices, labels)
    p = dense(predictions.indptr, predictions.indices, labels)
    equal = np.ones(len(y))
    assert (metrics.events, metrics.labels) == (len(pairs), labels)
    assert_close(metrics.cumulative(), sklearn_scores(y, p, equal))
    assert_close(metrics.windowed(), sklearn_scores(y[-window:], p[-window:], equal[-window:]))
    ages = np.arange(len(y))[::-1]
    assert_close(metrics.faded(), sklearn_scores(y, p, fading**ages))
    for which, first in (("cumulative", 0), ("windowed", max(len(y) - window, 0))):
        expected = precision_recall_fscore_support(y[first:], p[first:], zero_division=0)
        each = metrics.per_label(which)
        found = (each.precision, each.recall, each.f1, each.support)
        for mine, theirs in zip(found, expected, strict=True):
            np.testing.assert_allclose(mine, theirs, rtol=0, atol=TIGHT)
    faded = metrics.per_label("faded")
    np.testing.assert_allclose(faded.support, (fading**ages) @ y, rtol=1e-12, atol=TIGHT)


def random_stream(n: int, labels: int = 30, seed: int = 0) -> tuple[EventBatch, Predictions]:
    """Full, partial and unknown label sets; labels that appear late."""
    rng = np.random.default_rng(seed)
    true, predicted = [], []
    for i in range(n):
        top = min(2 + i // 3, labels)
        y = frozenset(rng.integers(0, top, rng.integers(0, 4)).tolist())
        other = frozenset(rng.integers(0, top, 3).tolist()) - y
        kind = rng.integers(0, 10)
        if kind == 0:
            true.append(None)
        elif kind <= 2:
            true.append(PartialLabels(named(y), named(other)))
        else:
            true.append(named(y))
        predicted.append(frozenset(rng.integers(0, top, rng.integers(0, 5)).tolist()) | y)
    return stream_of(true, predicted)


def assert_same_state(a: Prequential, b: Prequential) -> None:
    left, right = a.snapshot(), b.snapshot()
    assert left.keys() == right.keys()
    for name, value in left.items():
        assert np.asarray(value).dtype == np.asarray(right[name]).dtype
        assert np.array_equal(value, right[name]), name


@pytest.mark.parametrize("size", [1, 7, 333, 4096])
def test_any_batch_size_gives_the_same_bits(size: int) -> None:
    batch, predictions = random_stream(3000)
    whole = Prequential(window=100)
    whole.update(batch, predictions)
    assert_same_state(whole, score(Prequential(window=100), batch, predictions, size))


def test_a_long_window_does_not_drift() -> None:
    """What left the window leaves nothing behind: the same figures to the last bit."""
    batch, predictions = random_stream(5000)
    long = score(Prequential(window=37), batch, predictions, 512)
    scored = [i for i in range(len(batch)) if batch.y_kind[i]]
    first = scored[-37]
    short = Prequential(window=37)
    rows = [predictions.row(i).tolist() for i in range(first, len(batch))]
    short.update(batch.slice(first, len(batch)), predictions_of(rows))
    assert long.windowed() == short.windowed() == short.cumulative()


def test_weights_are_rescaled_before_they_overflow() -> None:
    batch, predictions = random_stream(4000)
    fast = score(Prequential(fading=0.5), batch, predictions, 100)
    tail = Prequential(fading=0.5)
    rows = [predictions.row(i).tolist() for i in range(3900, 4000)]
    tail.update(batch.slice(3900, 4000), predictions_of(rows))
    assert_close(fast.faded(), tail.faded())
    assert 0 < fast.per_label("faded").support.sum() < 10


def test_partially_known_labels() -> None:
    """Only known labels are scored; what is predicted but unknown counts neither way."""
    partial = PartialLabels(frozenset({"a"}), frozenset({"b", "c"}))
    schema = Schema(labels=["a", "b", "c", "d", "e"])
    truth = [partial, partial, partial, frozenset({"a", "e"}), None]
    batch = EventBatch.from_events(
        [Event(i, 0.0, {"f": 1.0}, y) for i, y in enumerate(truth)], schema
    )
    metrics = Prequential()
    #                                 right    a missed  b wrong        d wrong    not scored
    metrics.update(batch, predictions_of([[0, 3, 4], [3], [0, 1, 4], [0, 3, 4], [1, 2]]))
    now = metrics.cumulative()
    assert (metrics.events, metrics.unscored) == (4, 1)
    assert now.exact_match == 1 / 4
    assert now.hamming_loss == 3 / (3 + 3 + 3 + 5)
    assert (now.micro_precision, now.micro_recall) == (4 / 6, 4 / 5)
    assert now.example_precision == pytest.approx((1 + 0 + 1 / 2 + 2 / 3) / 4, abs=TIGHT)
    assert now.example_recall == (1 + 0 + 1 + 1) / 4
    each = metrics.per_label()
    assert each.support.tolist() == [4, 0, 0, 0, 1]
    assert each.recall.tolist() == [0.75, 0, 0, 0, 1]
    assert each.precision.tolist() == [1, 0, 0, 0, 1]


def test_labels_first_seen_later_were_negative_before() -> None:
    batch, _ = stream_of([named(frozenset({0})), named(frozenset({2, 3}))], [frozenset()] * 2)
    metrics = Prequential()
    metrics.update(batch.slice(0, 1), predictions_of([[]]))
    assert metrics.cumulative().hamming_loss == 1 / 2
    metrics.update(batch.slice(1, 2), predictions_of([[]]))
    assert metrics.cumulative().hamming_loss == 3 / (2 * 4)


def test_a_single_label_and_none_at_all() -> None:
    metrics = Prequential()
    batch, predictions = stream_of([frozenset()] * 2, [frozenset()] * 2, declared=0)
    metrics.update(batch, predictions)
    now = metrics.cumulative()
    assert (now.exact_match, now.example_f1, now.hamming_loss, now.macro_f1) == (1, 1, 0, 0)
    again = Prequential()
    again.restore(metrics.snapshot())
    assert_same_state(again, metrics)


def test_nothing_scored_is_no_score() -> None:
    metrics = Prequential()
    batch, predictions = stream_of([None], [frozenset({1})])
    metrics.update(batch, predictions)
    metrics.update(batch.slice(0, 0), predictions_of([]))
    for now in (metrics.cumulative(), metrics.windowed(), metrics.faded()):
        assert all(np.isnan(value) for value in now.as_dict().values())
    assert (metrics.events, metrics.unscored, metrics.labels) == (0, 1, 0)


def test_the_window_holds_no_more_than_its_events() -> None:
    batch, predictions = random_stream(20_000)
    metrics = Prequential(window=50)
    metrics.update(batch, predictions)
    assert len(metrics.snapshot()["rows"]) == 50
    held = sum(a.nbytes for a in vars(metrics).values() if isinstance(a, np.ndarray))
    assert held < 64_000


@pytest.mark.parametrize("view", ["cumulative", "windowed", "faded"])
def test_counts_of_labels_are_given_as_a_copy(view: str) -> None:
    batch, predictions = random_stream(50)
    asked, unasked = Prequential(), Prequential()
    for metrics in (asked, unasked):
        metrics.update(batch, predictions)
    asked.label_counts(view)[:] = 7
    assert_same_state(asked, unasked)
    assert np.array_equal(asked.label_counts(), asked.label_counts("cumulative"))
    assert np.array_equal(asked.per_label().f1, asked.per_label("cumulative").f1)


def test_snapshot_and_restore() -> None:
    batch, predictions = random_stream(2000)
    whole = score(Prequential(window=60), batch, predictions, 500)
    first = Prequential(window=60)
    rows = [predictions.row(i).tolist() for i in range(2000)]
    first.update(batch.slice(0, 777), predictions_of(rows[:777]))
    second = Prequential(window=60)
    second.restore(first.snapshot())
    assert_same_state(first, second)
    second.update(batch.slice(777, 2000), predictions_of(rows[777:]))
    assert_same_state(whole, second)
    assert first.events < second.events  # nothing is shared


def test_a_snapshot_of_other_parameters_is_refused() -> None:
    with pytest.raises(StateError, match="window 5, not 6"):
        Prequential(window=6).restore(Prequential(window=5).snapshot())


def with_lengths(rows: np.ndarray, lengths: list) -> np.ndarray:
    return np.stack([lengths, rows[:, 1]], 1).astype(rows.dtype)


def longest_first(n: int, first: int, parts: int) -> list:
    """``n`` in so many parts: the first, and those behind it as large as they may be."""
    rest = n - first - (first - 1) * np.arange(parts - 1)
    return [first, *rest.clip(0, first - 1)]


def test_what_a_snapshot_lacks_begins_anew() -> None:
    batch, predictions = random_stream(50)
    whole = score(Prequential(fading=1.0), batch, predictions, 50)
    stored = whole.snapshot()
    del stored["weight"], stored["unscored"]
    again = Prequential(fading=1.0)
    again.restore(stored)
    assert again.unscored == 0
    empty = Prequential().snapshot()
    del empty["entries"]
    Prequential().restore(empty)
    assert again.faded() == whole.faded()
    again.update(batch, predictions)
    whole.update(batch, predictions)
    assert again.faded() == whole.faded()


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("format", 2),
        ("format", "1"),
        ("window", 61),
        ("fading", 0.5),
        ("fading", None),
        ("unscored", -1),
        ("unscored", 1.0),
        ("weight", 0.0),
        ("weight", -1.0),
        ("weight", np.inf),
        ("weight", np.nan),
        ("counts", lambda a: a[1:]),
        ("counts", lambda a: a[:, 1:]),
        ("window_counts", lambda a: a[1:]),
        ("faded_counts", lambda a: a[:, :-1]),
        ("faded_counts", lambda a: a.astype(np.int64)),
        ("totals", lambda a: a[1:]),
        ("window_totals", lambda a: a[1:]),
        ("faded_totals", lambda a: np.append(a, 0.0)),
        ("rows", lambda a: np.concatenate([a, a[:1]])),
        ("rows", lambda a: a[:-1]),
        ("rows", lambda a: a[:, :1]),
        ("rows", lambda a: with_lengths(a, [a[:2, 0].sum() + 1, -1, *a[2:, 0]])),
        ("rows", lambda a: with_lengths(a, [a[:, 0].sum(), *np.zeros(len(a) - 1)])),
        ("rows", lambda a: with_lengths(a, longest_first(a[:, 0].sum(), 3 * 8 + 1, len(a)))),
        ("entries", lambda a: a[1:]),
        ("entries", lambda a: np.append(a[1:], np.int32(-1))),
        ("entries", lambda a: np.append(a[1:], np.int32(3 * 8))),
    ],
)
def test_what_is_no_snapshot_is_refused_and_changes_nothing(name: str, wrong: Any) -> None:
    batch, predictions = random_stream(100, labels=8)
    metrics = score(Prequential(window=60), batch, predictions, 100)
    assert metrics.labels == 8
    stored = metrics.snapshot()
    stored[name] = wrong(stored[name]) if callable(wrong) else wrong
    again = score(Prequential(window=60), batch.slice(0, 9), predictions_of([[]] * 9), 9)
    before = score(Prequential(window=60), batch.slice(0, 9), predictions_of([[]] * 9), 9)
    with pytest.raises(StateError):
        again.restore(stored)
    assert_same_state(again, before)


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        ([[0]], "1 predictions came for 2 events"),
        ([[0], [1, 0]], r"Row 1 of the decided labels is \[1, 0\]"),
        ([[0], [1, 1]], "must ascend"),
        ([[0], [2]], "stay below 2"),
        ([[-1], [0]], r"Row 0 .* \[-1\]"),
    ],
)
def test_broken_predictions_score_nothing(rows: list[list[int]], sentence: str) -> None:
    batch, _ = stream_of([named(frozenset({0}))] * 2, [frozenset()] * 2)
    metrics = Prequential()
    with pytest.raises(ContractError, match=sentence):
        metrics.update(batch, predictions_of(rows))
    assert_same_state(metrics, Prequential())


def test_broken_negatives_are_refused() -> None:
    truth = [PartialLabels(frozenset(), frozenset({"l0", "l1"}))]
    batch, predictions = stream_of(truth, [frozenset()])
    batch.negative_indices = batch.negative_indices[::-1].copy()
    with pytest.raises(ContractError, match="negative labels"):
        Prequential().update(batch, predictions)


def test_parameters_are_checked() -> None:
    with pytest.raises(ConfigError, match="window must be at least 1"):
        Prequential(window=0)
    assert Prequential(window=1).window == 1
    for fading in (0.4, 1.1, float("nan")):
        with pytest.raises(ConfigError, match="fading must lie"):
            Prequential(fading=fading)
    with pytest.raises(ConfigError, match="There is no view 'sliding'"):
        Prequential().per_label("sliding")  # type: ignore[arg-type]
    assert repr(Prequential()) == "Prequential(window=1000, fading=0.999)"
    assert repr(Prequential(5, 0.9)) == "Prequential(window=5, fading=0.9)"
