"""Checks of features and labels that come, go, are absent, or are not known."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import Any

from streamml.base import Learner
from streamml.checks.material import answers, batch_of, demand, exercised, run, simple_events
from streamml.errors import StateError
from streamml.types import Event, EventBatch, PartialLabels, Schema

Make = Callable[[], Learner]

_EVENTS = 120


class _Colour(Enum):
    RED = 1


_KEYS: tuple[Any, ...] = (7, "7", ("new", "york"), _Colour.RED, True)
"""Names that are no texts, and one that is written as another."""


def _tail(learner: Learner, events: list[Event], start: int) -> tuple[EventBatch, list[set[str]]]:
    """Run all events; the last ones as a batch, and the labels decided for each of them."""
    batch = EventBatch.from_events(events, Schema())
    rows = run(learner, batch, 17)[start:]
    names = batch.schema.labels
    return batch.slice(start, len(batch)), [{names[c] for c in row[0]} for row in rows]


def new_features(make: Make) -> str:
    """Features appear at any event, also while predicting."""
    events = [
        Event(e.id, e.timestamp, {**e.x, f"n{t}": 1.0, f"n{t // 9}b": -2.0}, e.y)  # type: ignore[dict-item]
        for t, e in enumerate(simple_events(_EVENTS))
    ]
    learner = make()
    batch, _ = _tail(learner, events, 0)
    demand(batch.n_features[-1] > batch.n_features[0] + 100, "the stream brought no new feature")
    learner.predict_one({"k": 1.0, **{f"unseen{j}": 1.0 for j in range(300)}})
    return exercised(int(batch.n_features[-1] - batch.n_features[0]), "features that came late")


def features_vanish(make: Make) -> str:
    """Events may have one feature, and features that were always there may be gone."""
    events = list(simple_events(_EVENTS))
    for t in range(_EVENTS // 2, _EVENTS):
        e = events[t]
        name = sorted(e.x)[t % len(e.x)]
        value: float = e.x[name]  # type: ignore[assignment]
        events[t] = Event(e.id, e.timestamp, {name: value}, e.y)
    learner = make()
    batch, _ = _tail(learner, events, _EVENTS // 2)
    one = int((batch.x_indptr[1:] - batch.x_indptr[:-1] == 1).sum())
    learner.predict_one({})
    return exercised(one, "events with a single feature after richer ones")


def new_labels(make: Make) -> str:
    """Labels appear at any event: they are learned with it, and named from then on."""
    events, late = [], 0
    for t, e in enumerate(simple_events(_EVENTS)):
        assert isinstance(e.y, frozenset)
        more = {f"late{t // 10}"} if t >= 30 else set()
        late += bool(more)
        events.append(Event(e.id, e.timestamp, e.x, e.y | more))
    learner = make()
    batch, _ = _tail(learner, events, 0)
    names = set(learner.predict_one({"k": 1.0}))
    missing = set(batch.schema.labels.names) - names
    demand(not missing, f"it does not name the label {min(missing, default='')!r} it was taught")
    return exercised(late, "events with labels that came late")


def labels_vanish(make: Make) -> str:
    """A label that is never true again goes on being known, and is not always decided."""
    events = list(simple_events(40))
    events += [
        Event(100 + t, 100.0 + t, e.x, frozenset({"other"}))
        for t, e in enumerate(simple_events(_EVENTS, seed=9))
    ]
    learner = make()
    _, decided = _tail(learner, events, 40)
    gone = [row & {"a0", "a1", "b0", "b1"} for row in decided]
    demand(not all(gone[-20:]), "it goes on deciding labels that vanished 100 events ago")
    demand("a0" in learner.predict_one({"k": 1.0}), "it no longer names a label that vanished")
    return exercised(len(gone), "events without the labels of before")


def empty_sets(make: Make) -> str:
    """An empty label set is knowledge: no label is true; it is learned as such."""
    events = list(simple_events(20))
    events += [
        Event(100 + t, 100.0 + t, e.x, frozenset())
        for t, e in enumerate(simple_events(_EVENTS, seed=9))
    ]
    learner = make()
    batch, decided = _tail(learner, events, 20)
    demand(not all(decided[-20:]), "100 events without a label, and it never decides for none")
    never = make()
    empty = batch_of(Event(t, 0.0, {"k": 1.0}, frozenset()) for t in range(30))
    answers(never.test_then_train(empty), empty)
    demand(never.predict_one({"k": 1.0}) == {}, "it names a label where there never was one")
    return exercised(len(batch) + len(empty), "empty label sets")


def partial_labels(make: Make) -> str:
    """What is not known is not taken as negative, and events without labels teach nothing."""
    unknown = batch_of(Event(t, float(t), {"k": 1.0}, None) for t in range(30))
    untaught = make()
    untaught.learn(unknown)
    demand(untaught.predict_one({"k": 1.0}) == {}, "events without labels taught it labels")
    both, only = frozenset({"a", "b"}), PartialLabels(frozenset({"a"}), frozenset({"c"}))
    events = [Event(t, float(t), {"k": float(t % 2)}, both if t < 60 else only) for t in range(300)]
    learner = make()
    _, decided = _tail(learner, events, 40)
    before, after = decided[:20], decided[-20:]
    demand(all("b" in row for row in before), "it does not decide for a label that is always true")
    demand(
        all("b" in row for row in after),
        "a label that was always true while it was known is taken as false since it is not known",
    )
    demand(not any("c" in row for row in after), "it decides for a label known to be false")
    return exercised(len(decided) - 20, "events with a label that was not known")


def no_features(make: Make) -> str:
    """An event may have no features, as a text without words: its labels are learned."""
    learner = make()
    for t, event in enumerate(simple_events(_EVENTS)):
        assert isinstance(event.y, frozenset)
        learner.learn_one({} if t % 4 == 0 else event.x, event.y | {"always"})  # type: ignore[arg-type]
    found = learner.predict_one({})
    demand(set(found) == {"always", "a0", "a1", "b0", "b1"}, f"it names {sorted(found)}")
    only = make()
    for _ in range(30):
        only.learn_one({}, {"a": True, "b": False})
    demand(set(only.predict_one({})) == {"a", "b"}, "events without features name no labels to it")
    return exercised(_EVENTS // 4 + 30, "events without features")


def keys_come_back(make: Make) -> str:
    """Names that are no texts come back as they were, and mean what texts would."""
    learner, texts = make(), make()
    name = {key: f"{k}" for k, key in enumerate(_KEYS)}
    for t, event in enumerate(simple_events(_EVENTS)):
        x = dict(zip(_KEYS, event.x.values(), strict=True))  # type: ignore[union-attr]
        y = {key: k == t % 3 for k, key in enumerate(_KEYS)}
        learner.learn_one(x, y)
        texts.learn_one(_renamed(x, name), _renamed(y, name))
    for one in (learner, _restored(make(), learner)):
        found, proba = one.predict_one(x), one.predict_proba_one(x)
        for keys in (found, proba):
            same = [(type(key), key) for key in keys] == [(type(key), key) for key in _KEYS]
            demand(same, f"its labels come back as {list(keys)}, not {list(_KEYS)}")
        expected = texts.predict_proba_one(_renamed(x, name))
        demand(_renamed(proba, name) == expected, "names that are no texts give other numbers")
    return exercised(len(proba), "labels whose names are no texts, also after a restore")


def _renamed(mapping: Any, name: dict[Any, str]) -> dict[str, Any]:
    return {name[key]: value for key, value in mapping.items()}


def _restored(fresh: Learner, learner: Learner) -> Learner:
    """The learner, or a fresh one in its state where it has one."""
    try:
        fresh.restore(learner.snapshot())
    except StateError:
        return learner
    return fresh
