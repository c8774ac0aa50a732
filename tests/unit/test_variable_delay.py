"""Every event, or every label, with a delay of its own."""

import numpy as np
import pytest

from streamml import IHOMER, state
from streamml.base import Learner
from streamml.baselines import ISOUPT, MLHAT, MLHT, MLHTPS, MajorityLabelSet, NoChange
from streamml.errors import ConfigError, StateError
from streamml.evaluate import Delay, VariableDelay, prequential
from streamml.evaluate.late_loop import LateLoop
from streamml.streams import DemoStream
from streamml.types import LABELS_PARTIAL, Event, EventBatch, PartialLabels, Predictions, Schema


class Notes(Learner):
    """Notes what it is told, in order; predicts the empty set."""

    def __init__(self):
        self.told = []

    def predict(self, batch, min_score=0.01):
        self.told += [("predict", k) for k in batch.ids]
        return Predictions(np.zeros(len(batch) + 1, np.int64), np.zeros(0, np.int32))

    def learn(self, batch):
        self.bind(batch.schema)
        for row, key in enumerate(batch.ids):
            partial = batch.y_kind[row] == LABELS_PARTIAL
            known = batch.label_set(row)
            if partial:
                a, b = batch.negative_indptr[row : row + 2]
                names = batch.schema.labels.names
                known |= {names[k] for k in batch.negative_indices[a:b]}
            self.told.append(("learn", key, frozenset(known), bool(partial)))


def head(n):
    return [DemoStream().next_batch(n)]


def test_a_constant_delay_gives_the_figures_of_the_plain_loop():
    for plain, own in (
        (Delay(events=7), VariableDelay(lambda event, label: 7)),
        (Delay(seconds=3), VariableDelay(lambda event, label: 3, unit="seconds")),
    ):
        one = prequential(head(400), IHOMER(preset="fast"), delay=plain)
        two = prequential(head(400), IHOMER(preset="fast"), delay=own)
        for name in ("learner", "no-change", "majority"):
            assert one.metrics[name].snapshot().keys() == two.metrics[name].snapshot().keys()
            assert one.metrics[name].cumulative() == two.metrics[name].cumulative()


def test_each_event_is_learned_once_when_its_labels_come():
    learner = Notes()
    wait = {0: 3, 1: 0, 2: 1}
    found = prequential(
        head(6), learner, delay=VariableDelay(lambda event, label: wait.get(event, 0)), beside={}
    )
    said = [entry[:2] for entry in learner.told]
    assert said == [
        ("predict", 0), ("predict", 1), ("learn", 1), ("predict", 2), ("predict", 3), ("learn", 0),
        ("learn", 2), ("learn", 3), ("predict", 4), ("learn", 4), ("predict", 5), ("learn", 5),
    ]  # fmt: skip
    assert found.metrics["learner"].events == 6


def test_each_label_is_learned_once_at_its_own_time_and_the_event_scored_at_the_last():
    learner = Notes()
    late = VariableDelay(lambda event, label: 2 if label == "alpha" else 0, per_label=True)
    found = prequential(head(30), learner, delay=late, beside={})
    assert found.metrics["learner"].events == 30
    seen = {}
    for at, entry in enumerate(learner.told):
        if entry[0] == "learn":
            _, key, known, partial = entry
            assert partial
            assert not seen.get(key, frozenset()) & known
            seen[key] = seen.get(key, frozenset()) | known
            predicted = max(e[1] for e in learner.told[:at] if e[0] == "predict")
            assert predicted - key == (2 if known == {"alpha"} else 0) or key >= 28
    names = set(DemoStream().schema.labels.names)
    assert all(known == names for known in seen.values())
    assert len(seen) == 30


def test_waiting_is_bounded_and_what_never_comes_is_given_up():
    from streamml.evaluate.late_loop import LateLoop

    learner = Notes()
    never = VariableDelay(lambda event, label: float("inf") if event % 2 else 5, max_waiting=4)
    loop = LateLoop(learner, delay=never, beside={})
    for part in head(100):
        loop.step(part)
        assert loop.waiting <= 4
    loop.flush()
    assert loop.waiting == 0
    assert loop.expired + loop.metrics["learner"].events == 100
    assert loop.expired >= 50
    with pytest.raises(ConfigError, match="0 or more"):
        prequential(head(2), Notes(), delay=VariableDelay(lambda event, label: -1.0))


@pytest.mark.parametrize("most", [5, 100_000])
@pytest.mark.parametrize("position", [0, 1, 60, 119])
def test_a_saved_loop_goes_on_with_the_same_bits(tmp_path, position, most):
    def wait(event, label):
        return (event * 7 + len(label)) % 23

    source = list(DemoStream().next_batch(120).events())
    delay = VariableDelay(wait, per_label=True, max_waiting=most)

    def steps(loop, schema, first, last):
        for k in range(first, last):
            loop.step(EventBatch.from_events(source[k : k + 1], schema))

    whole, schema = LateLoop(IHOMER(preset="fast"), delay=delay), Schema()
    steps(whole, schema, 0, 120)
    first, other = LateLoop(IHOMER(preset="fast"), delay=delay), Schema()
    steps(first, other, 0, position)
    state.write(tmp_path / "s", first.snapshot())
    second, again = LateLoop(IHOMER(preset="fast"), delay=delay), Schema()
    second.restore(state.read(tmp_path / "s"), again)
    assert second.waiting == first.waiting
    steps(second, again, position, 120)
    whole.flush()
    second.flush()
    for name, metrics in whole.metrics.items():
        assert repr(metrics.snapshot()) == repr(second.metrics[name].snapshot())
    assert second.expired == whole.expired
    broken = first.snapshot()
    broken["waiting"]["due"] = [[0.0, 10**6, None]]
    with pytest.raises(StateError, match="no event"):
        second.restore(broken)


def test_labels_that_nobody_waits_for_any_more_take_no_memory():
    delay = VariableDelay(lambda event, label: 1e9, max_waiting=10)
    loop = LateLoop(Notes(), delay=delay, beside={})
    loop.step(DemoStream().next_batch(500))
    assert loop.waiting == 10
    assert len(loop._due) <= 64 + 2 * 10 + 1
    assert loop.expired == 490


@pytest.mark.parametrize("delay", [None, "3s", -1, float("nan")])
def test_a_delay_of_an_event_is_a_number(delay):
    with pytest.raises(ConfigError, match="give a number, 0 or more"):
        VariableDelay(lambda event, label: delay).checked_delay(1, None)


def test_the_delay_of_each_event_comes_from_a_function():
    with pytest.raises(ConfigError, match="give a function"):
        VariableDelay(5)


def grown():
    """An early event that knows one label, and a later one that brings three more."""
    events = [
        Event(0, 0.0, {"f": 1.0}, PartialLabels(frozenset({"a"}), frozenset())),
        Event(1, 1.0, {"f": 1.0}, frozenset({"b", "c", "d"})),
        Event(2, 2.0, {"f": 1.0}),
    ]
    return EventBatch.from_events(events, Schema())


@pytest.mark.parametrize("make", [NoChange, MajorityLabelSet, MLHT, MLHTPS, MLHAT, ISOUPT])
def test_an_event_learned_after_later_ones_takes_no_label_back(make):
    late = VariableDelay(lambda event, label: 2 if event == 0 else 0)
    loop, again = LateLoop(make(), delay=late), LateLoop(make(), delay=late)
    batch = grown()
    loop.step(batch)
    asked = loop.learner.predict(batch.slice(2, 3), min_score=0.0)
    assert asked.score_indices.tolist() == [0, 1, 2, 3]
    again.restore(loop.snapshot())
    x = {"f": 1.0}
    assert again.learner.predict_proba_one(x) == loop.learner.predict_proba_one(x)


def test_an_event_of_which_nothing_is_known_does_not_wait():
    nothing = PartialLabels(frozenset(), frozenset())
    events = [Event(k, float(k), {"f": 1.0}, y) for k, y in enumerate([frozenset(), nothing])]
    late = VariableDelay(lambda event, label: 9, per_label=True)
    loop = LateLoop(NoChange(), delay=late)
    loop.step(EventBatch.from_events(events, Schema()))
    assert (loop.waiting, loop.expired, loop.metrics["learner"].events) == (0, 0, 2)


def test_events_without_labels_are_counted_as_in_the_plain_loop():
    events = [Event(k, float(k), {"f": 1.0}, None if k % 2 else frozenset("a")) for k in range(6)]
    for delay in (Delay(events=1), VariableDelay(lambda event, label: 1)):
        found = prequential([EventBatch.from_events(events, Schema())], NoChange(), delay=delay)
        assert (found.metrics["learner"].events, found.metrics["learner"].unscored) == (3, 3)
