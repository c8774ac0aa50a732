"""Every learner passes the public checks; a learner broken in one way fails the check for it."""

import numpy as np
import pytest

from streamml import IHOMER, checks
from streamml.base import Learner
from streamml.baselines import MLHAT, MajorityLabelSet, NoChange
from streamml.checks.report import run
from streamml.errors import ConfigError
from streamml.types import (
    LABELS_FULL,
    LABELS_UNKNOWN,
    EventBatch,
    Predictions,
)

LEARNERS = [
    NoChange(),
    MajorityLabelSet(),
    MajorityLabelSet(max_sets=2),
    MLHAT(),
    MLHAT(grace_period=50, delta=0.3, bootstrap=True),
    IHOMER("fast"),
    IHOMER("default", window=256),
    IHOMER("accurate", window=256),
    IHOMER("fast", rule="odac", n_min=50),
    IHOMER(members=("tree", "constant")),
]


@pytest.mark.parametrize("learner", LEARNERS, ids=repr)
def test_it_keeps_the_contract(learner):
    report = checks.check(learner)
    print(report)
    report.raise_failures()
    assert len(report.results) == len(checks.CHECKS)


class Votes(Learner):
    """A correct learner that is small enough to break: labels counted by the value of ``k``."""

    _learned = ("positive", "known", "last")

    def __init__(self, least=0.4):
        self.least = least
        self.positive = np.zeros((3, 0))
        self.known = np.zeros((3, 0))
        self.last = 0

    def place(self, batch, i):
        row = slice(batch.x_indptr[i], batch.x_indptr[i + 1])
        at = batch.schema.features.find("k")
        found = batch.x_values[row][batch.x_indices[row] == at]
        return 2 if len(found) == 0 else int(found[0] > 0)

    def predict(self, batch, min_score=0.01):
        rows = [self.probabilities(self.place(batch, i)) for i in range(len(batch))]
        return self.answer(rows, min_score)

    def answer(self, rows, min_score):
        decided = [np.flatnonzero(p >= self.least).astype(np.int32) for p in rows]
        kept = [np.flatnonzero(p >= min(min_score, self.least)) for p in rows]
        joined = np.concatenate([np.zeros(0, np.int32), *decided])
        return Predictions(
            np.cumsum([0, *map(len, decided)], dtype=np.int64),
            joined.astype(np.int32),
            np.cumsum([0, *map(len, kept)], dtype=np.int64),
            np.concatenate([np.zeros(0, np.int32), *kept]).astype(np.int32),
            np.concatenate(
                [np.zeros(0, np.float32), *(p[k] for p, k in zip(rows, kept, strict=True))]
            ).astype(np.float32),
        )

    def probabilities(self, k):
        return self.positive[k] / (self.known[k] + 1.0)

    def learn(self, batch):
        self.bind(batch.schema)
        for i in range(len(batch)):
            self.learn_row(batch, i)

    def learn_row(self, batch, i):
        if batch.y_kind[i] == LABELS_UNKNOWN:
            return
        more = int(batch.n_labels[i]) - self.positive.shape[1]
        if more > 0:
            self.positive = np.pad(self.positive, ((0, 0), (0, more)))
            self.known = np.pad(self.known, ((0, 0), (0, more)))
        k = self.place(batch, i)
        true = batch.y_indices[batch.y_indptr[i] : batch.y_indptr[i + 1]]
        a, b = batch.negative_indptr[i : i + 2]
        false = batch.negative_indices[a:b]
        # a fading mean, so that what vanished is given up
        both = np.arange(self.positive.shape[1])
        if batch.y_kind[i] != LABELS_FULL:
            both = np.concatenate([true, false])
        self.positive[k, both] *= 0.95
        self.known[k, both] = self.known[k, both] * 0.95 + 1.0
        self.positive[k, true] += 1.0
        self.last = k


class AsksChange(Votes):
    def predict(self, batch, min_score=0.01):
        self.positive *= 0.999
        return super().predict(batch, min_score)


class AddsWhatItIsAsked(Votes):
    def _unlearned(self, x):
        for name in x:
            self.schema.features.add(name)
        return super()._unlearned(x)


class Random(Votes):
    def probabilities(self, k):
        return np.random.default_rng().random(self.positive.shape[1])


class BatchMatters(Votes):
    def test_then_train(self, batch, min_score=0.01):
        found = self.predict(batch, min_score)
        self.learn(batch)
        return found


class OtherFace(Votes):
    def predict_one(self, x):
        return dict.fromkeys(self.schema.labels.names, True)


class ForgetsHalf(Votes):
    _learned = ("positive", "last")


class SharesItsState(Votes):
    def _capture_learned(self, copy):
        return super()._capture_learned(copy=False)


class CannotBeSaved(Votes):
    _learned = ()


class CloneRemembers(Votes):
    def clone(self, *args, **kwargs):
        other = super().clone(*args, **kwargs)
        other.__dict__.update(self.__dict__)
        return other


class LosesParameter(Votes):
    def clone(self, *args, **kwargs):
        return type(self)()


class KeepsEverything(Votes):
    def learn_row(self, batch, i):
        self.__dict__.setdefault("diary", []).append((batch.ids[i], float(batch.timestamps[i])))
        super().learn_row(batch, i)


class NeedsLearning(Votes):
    def predict(self, batch, min_score=0.01):
        if self.positive.shape[1] == 0:
            raise RuntimeError("not fitted")
        return super().predict(batch, min_score)


class FixedFeatures(Votes):
    width, numbers = None, "n_features"

    def learn_row(self, batch, i):
        width = int(getattr(batch, self.numbers)[i])
        self.width = self.width or width
        if width > self.width:
            raise IndexError(f"too large: {self.numbers}")
        super().learn_row(batch, i)


class NeedsK(Votes):
    def place(self, batch, i):
        k = super().place(batch, i)
        if k == 2 and batch.schema.features.find("k") >= 0:
            raise KeyError("k")
        return k


class NeedsAFeature(Votes):
    def learn_row(self, batch, i):
        if batch.x_indptr[i] == batch.x_indptr[i + 1]:
            raise IndexError("no features")
        super().learn_row(batch, i)


class NamesAreTexts(Votes):
    def predict_one(self, x):
        return {str(name): value for name, value in super().predict_one(x).items()}


class FixedLabels(FixedFeatures):
    numbers = "n_labels"


class NeverForgets(Votes):
    def probabilities(self, k):
        return np.minimum(self.positive.sum(axis=0), 1.0)


class SkipsEmpty(Votes):
    def learn_row(self, batch, i):
        if batch.y_indptr[i] != batch.y_indptr[i + 1]:
            super().learn_row(batch, i)


class UnknownIsFalse(Votes):
    def learn_row(self, batch, i):
        kinds = batch.y_kind.copy()
        kinds[kinds == 2] = LABELS_FULL
        super().learn_row(EventBatch(**{**slots(batch), "y_kind": kinds}), i)


class Scales(Votes):
    def learn(self, batch):
        super().learn(batch)
        batch.x_values[:] *= 0.5


class NoAnswers(Votes):
    def probabilities(self, k):
        return np.zeros(0)


class OutOfOrder(Votes):
    def predict(self, batch, min_score=0.01):
        found = super().predict(batch, min_score)
        for i in range(len(found)):
            row = found.indices[found.indptr[i] : found.indptr[i + 1]]
            row[:] = row[::-1].copy()
        return found


class NoProbabilities(Votes):
    def predict(self, batch, min_score=0.01):
        found = super().predict(batch, min_score)
        found.scores[:] *= 2.0
        return found


def slots(batch):
    return {name: getattr(batch, name) for name in type(batch).__slots__}


BROKEN = {
    AsksChange: "predict_is_pure",
    AddsWhatItIsAsked: "predict_is_pure",
    Random: "deterministic",
    BatchMatters: "batch_equals_one_by_one",
    OtherFace: "batch_equals_one_by_one",
    Scales: "batch_stays_as_it_is",
    ForgetsHalf: "snapshot_equals_no_snapshot",
    SharesItsState: "snapshot_equals_no_snapshot",
    CannotBeSaved: "snapshot_equals_no_snapshot",
    CloneRemembers: "clone_starts_afresh",
    LosesParameter: "clone_starts_afresh",
    KeepsEverything: "memory_is_bounded",
    NeedsLearning: "predict_before_learn",
    FixedFeatures: "new_features",
    NeedsK: "features_vanish",
    NeedsAFeature: "no_features",
    NamesAreTexts: "keys_come_back",
    FixedLabels: "new_labels",
    NeverForgets: "labels_vanish",
    SkipsEmpty: "empty_sets",
    UnknownIsFalse: "partial_labels",
    NoAnswers: "deterministic",
    OutOfOrder: "batch_equals_one_by_one",
    NoProbabilities: "deterministic",
}


def test_the_learner_to_break_is_sound():
    checks.check(Votes(least=0.45)).raise_failures()


@pytest.mark.parametrize("kind", BROKEN, ids=lambda kind: kind.__name__)
def test_a_broken_learner_fails_the_check_for_it(kind):
    by_name = {check.__name__: check for check in checks.CHECKS}
    result = run(by_name[BROKEN[kind]], kind(least=0.45))
    assert result.passed is False, result
    assert result.detail


def test_every_check_fails_for_some_broken_learner():
    assert {check.__name__ for check in checks.CHECKS} == set(BROKEN.values())


def test_a_learner_that_never_answers_exercises_nothing():
    report = checks.check(NoAnswers())
    failed = {result.name for result in report.failures}
    assert {"predict_is_pure", "deterministic", "snapshot_equals_no_snapshot"} <= failed


def test_what_is_skipped_says_why_and_must_exist():
    report = checks.check(CannotBeSaved(), skip={"snapshot_equals_no_snapshot": "wraps a library"})
    assert report.passed
    assert "skipped, wraps a library" in str(report)
    with pytest.raises(ConfigError, match="no check"):
        checks.check(NoChange(), skip={"nonsense": ""})


def test_failures_are_raised_with_their_sentences():
    with pytest.raises(checks.CheckFailed, match=r"KeepsEverything: memory_is_bounded.*bytes"):
        checks.check(KeepsEverything()).raise_failures()


@pytest.mark.parametrize("what", [NoChange, 7, None])
def test_only_an_instance_of_a_learner_is_checked(what):
    with pytest.raises(ConfigError, match=r"give an instance of streamml\.base\.Learner"):
        checks.check(what)
