"""Checks of what a learner promises: purity, the same bits, state, memory."""

from __future__ import annotations

import dataclasses
import math
import pickle  # what a learner weighs; nothing is ever unpickled
from collections.abc import Callable
from typing import Any

import numpy as np

from streamml.base import Learner
from streamml.checks.material import (
    answers,
    batch_of,
    demand,
    drift_events,
    exercised,
    run,
    same,
    simple_events,
)
from streamml.types import EventBatch, Schema

Make = Callable[[], Learner]

_EVENTS = 120
_LONG = 2000  # events of the memory check
_PER_EVENT = 12  # bytes an event may add for ever


def predict_before_learn(make: Make) -> str:
    """A learner that has seen nothing answers, and decides nothing it cannot know."""
    demand(make().predict_one({"k": 1.0}) == {}, "it names labels that nobody told it")
    demand(make().predict_proba_one({"k": 1.0}) == {}, "it names labels that nobody told it")
    batch = batch_of(simple_events(40))
    answers(make().predict(batch), batch)
    none = EventBatch.from_events([], Schema())
    demand(len(make().test_then_train(none)) == 0, "it answers where there is no event")
    return exercised(len(batch), "events predicted by a learner that had seen none")


def predict_is_pure(make: Make) -> str:
    """Predicting, known things or unknown ones, changes no later answer and no name."""
    batch = batch_of(drift_events(_EVENTS))
    quiet, asked, n = make(), make(), 0
    quiet.bind(batch.schema)
    asked.bind(batch.schema)
    for i in range(len(batch)):
        event = batch.slice(i, i + 1)
        asked.predict(batch.slice(0, i + 1))
        asked.predict_one({"never seen": 3.0})
        asked.predict_proba_one({"k": 1.0, "nor this": 1.0})
        first, again = asked.predict(event, 0.0), asked.predict(event, 0.0)
        same(answers(first, event), answers(again, event), "the same question, another answer")
        n += same(
            answers(quiet.predict(event, 0.0), event), answers(first, event), "asking matters"
        )
        quiet.learn(event)
        asked.learn(event)
    demand("never seen" not in batch.schema.features, "asking adds a feature to the schema")
    return exercised(n, "answers with and without other questions before")


def deterministic(make: Make) -> str:
    """Two learners with the same parameters and events give the same bits."""
    batch = batch_of(drift_events(2 * _EVENTS))
    n = same(run(make(), batch, 50), run(make(), batch, 50), "two runs differ")
    return exercised(n, "answers of two runs")


def batch_equals_one_by_one(make: Make) -> str:
    """Any batch size, predict then learn, and river's methods give the same numbers."""
    batch = batch_of(drift_events(_EVENTS))
    expected = run(make(), batch, len(batch))
    for size in (1, 7):
        n = same(expected, run(make(), batch, size), f"batches of {size} differ")
    apart, rows = make(), []
    for i in range(len(batch)):
        event = batch.slice(i, i + 1)
        rows.extend(answers(apart.predict(event, 0.0), event))
        apart.learn(event)
    same(expected, rows, "predicting, then learning differs from both in one call")
    _rivers_face(make)
    return exercised(n, "answers at four ways to cut the stream")


def _rivers_face(make: Make) -> None:
    """One event at a time by name; river has no word for an event without labels."""
    events = [event for event in drift_events(_EVENTS) if event.y is not None]
    expected = run(make(), batch_of(iter(events)), 50)
    learner = make()
    for i, event in enumerate(events):
        names = learner.schema.labels.names
        decided, columns, scores = expected[i]
        found = learner.predict_one(event.x)  # type: ignore[arg-type]
        demand(
            [c for c, name in enumerate(names) if found[name]] == decided,
            f"predict_one differs from predict at event {i}",
        )
        proba = learner.predict_proba_one(event.x)  # type: ignore[arg-type]
        named = dict(zip(columns, scores, strict=True))
        fits = all(
            proba[name][True] == named.get(c, 0.0) and math.isclose(sum(proba[name].values()), 1.0)
            for c, name in enumerate(names)
        )
        demand(fits, f"predict_proba_one differs from predict at event {i}")
        learner.learn_one(event.x, event.y)  # type: ignore[arg-type]


def batch_stays_as_it_is(make: Make) -> str:
    """Others read the same batch: predicting and learning write nothing into its arrays."""
    batch, other = batch_of(drift_events(_EVENTS)), batch_of(drift_events(_EVENTS))
    learner = make()
    learner.test_then_train(batch.slice(0, _EVENTS // 2))
    learner.predict(batch.slice(_EVENTS // 2, _EVENTS))
    learner.learn(batch.slice(_EVENTS // 2, _EVENTS))
    fields = dataclasses.fields(EventBatch)
    arrays = [f.name for f in fields if isinstance(getattr(other, f.name), np.ndarray)]
    for name in arrays:
        unchanged = np.array_equal(getattr(batch, name), getattr(other, name))
        demand(unchanged, f"it writes into {name} of the batch, which others read")
    return exercised(len(arrays), "arrays of a batch, the same afterwards")


def snapshot_equals_no_snapshot(make: Make) -> str:
    """A learner that was restored goes on with the same bits, at several events."""
    batch, n = batch_of(drift_events(2 * _EVENTS)), 0
    for position in (0, 1, _EVENTS - 3, 2 * _EVENTS - 20):
        learner, again = make(), make()
        run(learner, batch.slice(0, position), 50)
        taken = learner.snapshot()
        run(learner, batch.slice(position, position + 10), 50)  # must not reach into it
        again.restore(taken)
        again.bind(batch.schema)
        run(again, batch.slice(position, position + 10), 50)
        rest = batch.slice(position + 10, len(batch))
        n += same(run(learner, rest, 50), run(again, rest, 50), f"restored at event {position}")
        demand(again.label_tree() == learner.label_tree(), "the restored label tree is another one")
    return exercised(n, "answers after a restore")


def clone_starts_afresh(make: Make) -> str:
    """A clone of a learner that learned has its parameters and nothing else."""
    batch = batch_of(drift_events(_EVENTS))
    expected = run(make(), batch, 50)
    learner = make()
    learner.learn(batch)
    clone = learner.clone()
    demand(type(clone) is type(learner), "the clone is of another class")
    demand(repr(clone) == repr(learner), "the clone has other parameters")
    demand(clone.predict_one({"k": 1.0}) == {}, "the clone knows labels")
    other = batch_of(drift_events(_EVENTS))
    n = same(expected, run(learner.clone(), other, 50), "a clone differs from a new learner")
    return exercised(n, "answers of a clone")


def memory_is_bounded(make: Make) -> str:
    """Events alone, without new names, stop adding to what a learner weighs."""
    learner, batch = make(), batch_of(simple_events(_LONG))
    marks = (_LONG // 4, 3 * _LONG // 4, _LONG)
    sizes, start = [], 0
    for stop in marks:
        for at in range(start, stop, 250):
            learner.learn(batch.slice(at, min(at + 250, stop)))
        sizes.append(_weight(learner))
        start = stop
    early, late = (
        (b - a) / (q - p) for a, b, p, q in zip(sizes, sizes[1:], marks, marks[1:], strict=False)
    )
    demand(
        min(early, late) <= _PER_EVENT,
        f"every event adds {min(early, late):.0f} bytes, and no name is new",
    )
    return exercised(len(batch), f"events; it weighs {sizes[-1] / 1e6:.2f} MB")


def _weight(learner: Learner) -> int:
    """Bytes of everything it refers to, its schema aside."""
    held = {name: value for name, value in vars(learner).items() if name != "_schema"}
    try:
        return len(pickle.dumps(held, protocol=5))
    except (pickle.PicklingError, TypeError, AttributeError):
        return _bytes(learner.snapshot())


def _bytes(tree: Any) -> int:
    if isinstance(tree, np.ndarray):
        return tree.nbytes
    if isinstance(tree, dict):
        return sum(_bytes(part) + 16 for part in tree.values())
    return sum(map(_bytes, tree)) if isinstance(tree, list | tuple) else 16
