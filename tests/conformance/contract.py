"""What every learner keeps on every kind of input, as functions of a learner and a stream."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import fields
from functools import cache
from itertools import cycle

import numpy as np

from streamml.base import Learner
from streamml.checks.material import answers, run, same
from streamml.checks.space import keys_come_back, no_features
from streamml.types import Event, EventBatch, PartialLabels, Schema

KINDS = ("dense", "sparse", "partial")

Make = Callable[[], Learner]


def events(kind: str, n: int, regroup: int) -> Iterator[Event]:
    """Two groups of labels, each by a feature; other groups from ``regroup`` on; late names.

    ``"dense"``: all of 80 features in each event; ``"sparse"``: eight of 200; ``"partial"``:
    most of five features, and labels that are partly known or not at all.
    """
    rng = np.random.default_rng(1)
    for t in range(n):
        if kind == "dense":
            names = range(80)
        else:
            names = [j for j in range(4) if rng.random() < 0.9]
            names += rng.choice(range(4, 200), 5, replace=False).tolist() * (kind == "sparse")
        x = {f"f{j}": float(rng.normal()) for j in names} | {"always": 1.0}
        if t > regroup // 2:
            x["late"] = float(rng.random())
        second = (3, 4, 5) if t < regroup else (1, 2, 5)
        on = (x.get("f0", 0.0) > 0, x.get("f1", 0.0) > 0.5)
        y = {f"l{k}" for k in range(6) if on[k in second] != (rng.random() < 0.05)}
        if t > regroup // 2 and rng.random() < 0.1:
            y.add("new")
        labels = frozenset(y)
        if kind == "partial" and t % 3 == 0:
            labels = PartialLabels(frozenset(sorted(y)[:1]), frozenset({"l9"}))
        yield Event(t, float(t), x, None if kind == "partial" and t % 7 == 0 else labels)


@cache
def batch_of(kind: str, n: int, regroup: int) -> EventBatch:
    """They in a batch that many learners may share."""
    return EventBatch.from_events(events(kind, n, regroup), Schema())


def structure(learner: Learner) -> object:
    """Label tree and changes."""
    return learner.label_tree(), [(c.kind, c.position, c.labels) for c in learner.changes]


def any_cut_gives_the_same_bits(make: Make, batch: EventBatch) -> Learner:
    """One batch, small ones, and predicting each event before it is learned; gives the first."""
    whole, cut, apart = make(), make(), make()
    expected = run(whole, batch, len(batch))
    rows, start, sizes = [], 0, cycle((1, 7, 1, 1, 2, 19))
    while start < len(batch):
        part = batch.slice(start, min(start + next(sizes), len(batch)))
        rows += answers(cut.test_then_train(part, 0.0), part)
        start += len(part)
    assert same(expected, rows, "small batches differ")
    rows = []
    for i in range(len(batch)):
        event = batch.slice(i, i + 1)
        rows += answers(apart.predict(event, 0.0), event)
        apart.learn(event)
    same(expected, rows, "predicting, then learning differs from both in one call")
    assert structure(whole) == structure(cut) == structure(apart)
    return whole


def asking_changes_nothing(make: Make, batch: EventBatch, size: int = 20) -> None:
    """What is asked between, also of later events and unknown features, changes no answer."""
    quiet, asked = make(), make()
    asked.predict_one({"never seen": 3.0})
    for start in range(0, len(batch), size):
        part = batch.slice(start, min(start + size, len(batch)))
        asked.predict(batch, 0.0)
        asked.predict_one({"never seen": 3.0, "f0": 1.0})
        asked.predict_proba_one({"f1": 1.0, "nor this": 1.0})
        expected = answers(quiet.test_then_train(part, 0.0), part)
        same(expected, answers(asked.test_then_train(part, 0.0), part), "asking matters")
    assert structure(quiet) == structure(asked)
    assert "never seen" not in batch.schema.features


def a_clone_starts_afresh(make: Make, batch: EventBatch) -> None:
    """A clone of a learner that has learned answers like one just made."""
    learner = make()
    expected = run(learner, batch, 100)
    clone = learner.clone()
    assert type(clone) is type(learner)
    assert repr(clone) == repr(learner)
    assert clone.predict_one({"f0": 1.0}) == {}
    same(expected, run(clone, batch, 100), "a clone differs from a new learner")


def every_known_label_is_scored_or_those_asked_for(
    make: Make, batch: EventBatch, least: float = 0.3
) -> None:
    """``min_score`` leaves out what is lower and not decided, and changes nothing else."""
    found = make().test_then_train(batch, 0.0)
    kinds = [np.int64, np.int32, np.int64, np.int32, np.float32]
    assert [getattr(found, field.name).dtype for field in fields(found)] == kinds
    whole = answers(found, batch)
    few = answers(make().test_then_train(batch, least), batch)
    known = np.concatenate([[0], batch.n_labels[:-1]])
    assert [columns for _, columns, _ in whole] == [list(range(n)) for n in known]
    assert any(columns for _, columns, _ in whole)
    told = [
        {c: s for c, s in zip(columns, scores, strict=True) if s >= least or c in decided}
        for decided, columns, scores in whole
    ]
    assert [row[0] for row in few] == [row[0] for row in whole]
    assert [dict(zip(*row[1:], strict=True)) for row in few] == told


def rivers_face_gives_the_same(make: Make, batch: EventBatch) -> None:
    """One event at a time, by name; river has no word for an event without labels."""
    fast, slow = make(), make()
    told = [event for event in batch.events() if event.y is not None]
    labelled = EventBatch.from_events(told, Schema())
    expected = answers(fast.test_then_train(labelled, 0.0), labelled)
    for (decided, columns, scores), event in zip(expected, told, strict=True):
        names = slow.schema.labels.names
        said, proba = slow.predict_one(event.x), slow.predict_proba_one(event.x)
        assert [c for c, name in enumerate(names) if said[name]] == decided
        assert [proba[names[c]][True] for c in columns] == scores
        slow.learn_one(event.x, event.y)


def names_come_back_as_they_came(make: Make) -> None:
    """Names that are no texts, also after a restore; and events without features are learned."""
    for check in (keys_come_back, no_features):
        check(make)
