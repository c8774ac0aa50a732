"""No-change and majority label set, event by event and in batches of any size."""

from __future__ import annotations

import csv
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from streamml.base import Learner
from streamml.baselines import MLHAT, MajorityLabelSet, NoChange
from streamml.errors import ConfigError, ContractError
from streamml.metrics import Prequential
from streamml.types import Event, EventBatch, PartialLabels, Predictions, Schema
from streamml.types.rows import select_rows
from tests.conftest import needs

BASELINES: list[Callable[[], Learner]] = [NoChange, MajorityLabelSet, MLHAT]
SETS = [frozenset(s) for s in ((), ("a",), ("b",), ("a", "c"), ("b", "c", "d"))]


def batch_of(truth: list, labels: tuple[str, ...] = ()) -> EventBatch:
    events = [Event(i, float(i), {"f": 1.0}, y) for i, y in enumerate(truth)]
    return EventBatch.from_events(events, Schema(labels=labels))


def sets(batch: EventBatch, predictions: Predictions) -> list[frozenset[str]]:
    names = batch.schema.labels
    return [frozenset(names[c] for c in predictions.row(i)) for i in range(len(predictions))]


def mixed_stream(n: int = 2000, seed: int = 0) -> EventBatch:
    rng = np.random.default_rng(seed)
    truth: list = []
    for _ in range(n):
        y = SETS[rng.integers(0, len(SETS))]
        kind = rng.integers(0, 8)
        others = frozenset("abcdefgh"[: rng.integers(0, 8)]) - y
        truth.append(None if kind == 0 else PartialLabels(y, others) if kind == 1 else y)
    return batch_of(truth)


def slow_no_change(truth: list) -> list[frozenset[str]]:
    out, now = [], frozenset()
    for y in truth:
        out.append(now)
        if isinstance(y, PartialLabels):
            now = (now | y.positive) - y.negative
        elif y is not None:
            now = y
    return out


def slow_majority(truth: list) -> list[frozenset[str]]:
    out, now, counts = [], frozenset(), {}
    for y in truth:
        out.append(now)
        if isinstance(y, frozenset):
            counts[y] = counts.get(y, 0) + 1
            if counts[y] > counts.get(now, 0):
                now = y
    return out


@pytest.mark.parametrize(
    ("make", "slow"), [(NoChange, slow_no_change), (MajorityLabelSet, slow_majority)]
)
def test_equal_to_the_definition(make: Callable[[], Learner], slow: Callable) -> None:
    batch = mixed_stream()
    truth = [event.y for event in batch.events()]
    assert sets(batch, make().test_then_train(batch)) == slow(truth)


@pytest.mark.parametrize("make", BASELINES)
def test_empty_batches_and_empty_sets(make: Callable[[], Learner]) -> None:
    learner = make()
    batch = batch_of([frozenset()] * 3)
    assert len(learner.test_then_train(batch.slice(0, 0))) == 0
    learner.learn(batch.slice(0, 0))
    assert sets(batch, learner.test_then_train(batch)) == [frozenset()] * 3
    with pytest.raises(ContractError, match="another schema"):
        learner.learn(batch_of([frozenset({"a"})]))


@pytest.mark.parametrize("make", BASELINES)
def test_rivers_face(make: Callable[[], Learner]) -> None:
    learner = make()
    assert learner.predict_one({"f": 1.0}) == {}
    learner.learn_one({"f": 1.0}, {"a": True, "b": False})
    assert learner.predict_one({"f": 1.0}) == {"a": True, "b": False}
    assert learner.predict_proba_one({"f": 1.0}) == {
        "a": {False: 0.0, True: 1.0},
        "b": {False: 1.0, True: 0.0},
    }


def test_scores_of_declared_labels() -> None:
    batch = batch_of([frozenset({"a"})], labels=("z", "a"))
    found = NoChange().test_then_train(batch, min_score=0.0)
    assert found.score_indices.tolist() == [0, 1]
    assert found.scores.tolist() == [0, 0]


def test_majority_takes_the_first_to_reach_the_count() -> None:
    a, b = frozenset({"a"}), frozenset({"b"})
    batch = batch_of([a, b, b, a, a, None])
    empty = frozenset()
    assert sets(batch, MajorityLabelSet().test_then_train(batch)) == [empty, a, a, b, b, a]


def test_majority_forgets_rare_sets_at_its_bound() -> None:
    often = frozenset({"often"})
    rare = [frozenset({f"r{i}"}) for i in range(1000)]
    truth = [often, often]
    for y in rare:
        truth.append(y)
    truth += [rare[-1]] * 2
    learner = MajorityLabelSet(max_sets=10)
    batch = batch_of(truth)
    found = sets(batch, learner.test_then_train(batch))
    assert found[2:] == [often] * (len(truth) - 2)
    assert len(learner._counts) <= 10
    assert learner.forgotten + len(learner._counts) >= 1001
    assert sets(batch, learner.predict(batch.slice(0, 1))) == [rare[-1]]  # kept, as the newest
    single = MajorityLabelSet(max_sets=10)
    Learner.test_then_train(single, batch)
    assert (single._counts, single.forgotten) == (learner._counts, learner.forgotten)


def test_max_sets_is_checked() -> None:
    with pytest.raises(ConfigError, match="max_sets of MajorityLabelSet must be a whole number"):
        MajorityLabelSet(max_sets=1)


DATA = Path(os.environ.get("STREAMML_DATA", Path(__file__).parents[3] / "shared" / "data"))
METRICS = [
    "exact_match",
    "hamming_loss",
    *(f"{m}_{f}" for m in ("micro", "macro", "example") for f in ("precision", "recall", "f1")),
]


def peers(dataset: str, learner: str) -> dict[str, float]:
    with (DATA.parent / "reference" / "peers.csv").open() as file:
        return {
            row["metric"]: float(row["value"])
            for row in csv.DictReader(file)
            if (row["dataset"], row["order"], row["learner"]) == (dataset, "natural", learner)
        }


@pytest.mark.data
@pytest.mark.parametrize("dataset", ["yeast", "scene", "medical", "birds"])
@pytest.mark.parametrize(
    ("make", "name"), [(NoChange, "no-change"), (MajorityLabelSet, "majority-labelset")]
)
def test_reference_figures(dataset: str, make: Callable[[], Learner], name: str) -> None:
    from streamml_connectors.files import open_source

    needs(f"no datasets in {DATA}: set STREAMML_DATA", DATA.is_dir())
    source = open_source(DATA / f"{dataset}.arff.gz")
    learner, metrics = make(), Prequential()
    while (batch := source.next_batch(100)) is not None:
        metrics.update(batch, learner.test_then_train(batch))
    source.close()
    expected = peers(dataset, name)
    found = metrics.cumulative().as_dict()
    assert {m: found[m] for m in METRICS} == pytest.approx(
        {m: expected[m] for m in METRICS}, abs=6e-7
    )


def test_rows_in_any_order_stay_within_the_arrays() -> None:
    truth = [frozenset({f"label_{k}"}) for k in range(60)]
    events = [Event(k, 0.0, {f"f{k}": 1.0, "g": float(k)}, y) for k, y in enumerate(truth)]
    newest_first = select_rows(EventBatch.from_events(events, Schema()), np.arange(60)[::-1])
    whole, single = MLHAT(), MLHAT()
    found = whole.test_then_train(newest_first, 0.0)
    apart = [single.test_then_train(newest_first.slice(k, k + 1), 0.0) for k in range(60)]
    expected = Predictions.concatenate(apart)
    assert found.scores.tolist() == expected.scores.tolist()
    assert found.score_indptr.tolist() == expected.score_indptr.tolist()
