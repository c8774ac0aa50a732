"""Ids of two types: 17 of one client is "17" of another, and comes back as it came."""

from __future__ import annotations

import json

import numpy as np
import pytest

from streamml.join import Arrivals, JoinBuffer, JoinPolicy
from streamml.types import Event, EventBatch, Schema

KINDS = [(17, "17"), ("17", 17), (-3, "-3"), (2**63 - 1, str(2**63 - 1))]
A = frozenset("a")


def step(buffer, schema, event_id, labels=None, *, is_event=True, time=0.0):
    """One event or the labels of one; gives what comes of it."""
    batch = EventBatch.from_events([Event(event_id, time, {"f": 1.0}, labels)], schema)
    arrivals = Arrivals.of(batch)
    arrivals.labels_only = np.array([not is_event])
    return buffer.join(arrivals)


def letters(buffer):
    return [(one.reason, json.loads(one.raw)["id"]) for one in buffer.take_dead_letters()]


@pytest.mark.parametrize(("of_event", "of_labels"), KINDS)
@pytest.mark.parametrize("first", ["event", "labels"])
def test_labels_meet_the_event_whose_id_has_the_same_text(of_event, of_labels, first):
    buffer, schema = JoinBuffer(), Schema()
    if first == "event":
        new = step(buffer, schema, of_event)
        learned = step(buffer, schema, of_labels, A, is_event=False)
        assert (new.new.tolist(), learned.new.tolist()) == ([True], [False])
    else:
        step(buffer, schema, of_labels, A, is_event=False)
        new = learned = step(buffer, schema, of_event)
        assert new.new.tolist() == [True]
    assert new.batch.ids == [of_event]  # the one that a prediction is sent with
    assert type(new.batch.ids[0]) is type(of_event)
    assert learned.batch.y_indices.tolist() == [0]
    assert (buffer.state().events, buffer.state().labels, buffer.state().joined) == (0, 0, 1)


@pytest.mark.parametrize("other", ["017", "17.0", " 17", "+17", "1_7"])
def test_ids_of_other_texts_do_not_meet(other):
    buffer, schema = JoinBuffer(), Schema()
    step(buffer, schema, 17)
    step(buffer, schema, other, A, is_event=False)
    assert (buffer.state().events, buffer.state().labels) == (1, 1)


@pytest.mark.parametrize(("one", "other"), KINDS)
def test_an_id_that_comes_again_as_another_type_came_before(one, other):
    buffer, schema = JoinBuffer(), Schema()
    step(buffer, schema, one, A)
    assert len(step(buffer, schema, other, A).batch) == 0
    step(buffer, schema, other, A, is_event=False)
    assert letters(buffer) == [("duplicate_event", other), ("duplicate_labels", other)]
    both = [Event(one, 0.0, {"f": 1.0}, A), Event(other, 0.0, {"f": 1.0}, A)]
    joined = JoinBuffer().join(Arrivals.of(EventBatch.from_events(both, Schema())))
    assert joined.batch.ids == [one]


def test_dead_letters_have_the_ids_that_came():
    buffer, schema = JoinBuffer(JoinPolicy(max_events=1, max_labels=1)), Schema()
    for k in (1, 2, "3"):
        step(buffer, schema, k)
    for k in ("4", "5", 6):
        step(buffer, schema, k, A, is_event=False)
    assert letters(buffer) == [
        *(("event_expired", k) for k in (1, 2)),
        *(("labels_expired", k) for k in ("4", "5")),
    ]


def filled():
    """Two that wait, labels of two others, one that is done, one that came after a silence."""
    buffer, schema = JoinBuffer(JoinPolicy(max_age=16.0)), Schema()
    step(buffer, schema, 1)
    step(buffer, schema, "2")
    step(buffer, schema, 3, A, is_event=False)
    step(buffer, schema, "4", A, is_event=False)
    step(buffer, schema, 5, A)
    step(buffer, schema, 6, time=1e6)
    return buffer, schema


def test_a_snapshot_keeps_ids_as_they_came():
    buffer, schema = filled()
    again = JoinBuffer(buffer.policy)
    again.restore(buffer.snapshot(), schema)
    for one in (buffer, again):
        found = one.snapshot()
        assert (found["waiting"]["ids"], found["early"]["ids"]) == ([1, "2", 6], [3, "4"])


def test_a_snapshot_with_numbers_for_ids_is_gone_on_from():
    """As all were before ids met by their texts."""
    buffer, schema = filled()
    found = buffer.snapshot()
    found["done"]["ids"], found["doubt"]["ids"] = [5], [6]
    again = JoinBuffer(buffer.policy)
    again.restore(found, schema)
    step(again, schema, "1", A, is_event=False)
    step(again, schema, "3")
    assert len(step(again, schema, "5").batch) == 0
    assert letters(again) == [("duplicate_event", "5")]
    assert again.state().joined == 3


def test_a_number_that_came_after_a_silence_is_not_forgotten_over_a_restart():
    buffer, schema = filled()
    found = buffer.snapshot()
    found["doubt"]["ids"] = [6]
    again = JoinBuffer(buffer.policy)
    again.restore(found, schema)
    for k in range(15):  # the clock goes there, to when 6 came
        step(again, schema, f"later {k}", time=1e6 + k / 100)
    state = again.snapshot()
    assert (state["now"], state["waiting"]["ids"][:2]) == (1e6, [6, "later 0"])
