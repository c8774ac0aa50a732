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


@pytest.mark.parametrize("most", [1, 10])
def test_labels_that_nobody_waits_for_any_more_take_no_memory(most):
    delay = VariableDelay(lambda event, label: 1e9, max_waiting=most)
    loop = LateLoop(Notes(), delay=delay, beside={})
    loop.step(DemoStream().next_batch(500))
    assert loop.waiting == most
    assert len(loop._due) <= 64 + 2 * most + 1
    assert loop.expired == 500 - most
    assert loop.flush().scored == most


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


def learned(learner):
    return [entry[1] for entry in learner.told if entry[0] == "learn"]


def batch_at(*times, y=frozenset("a"), first=0, schema=None):
    events = [Event(k, float(time), {"f": 1.0}, y) for k, time in enumerate(times, first)]
    return EventBatch.from_events(events, schema or Schema())


def test_what_a_delay_takes():
    assert VariableDelay(lambda event, label: 1).max_waiting == 100_000
    assert VariableDelay(lambda event, label: 1, max_waiting=1).max_waiting == 1
    for most in (0, -1):
        with pytest.raises(ConfigError, match=f"at least 1 event, not {most}"):
            VariableDelay(lambda event, label: 1, max_waiting=most)
    with pytest.raises(ConfigError, match="events or seconds, not 'minutes'"):
        VariableDelay(lambda event, label: 1, unit="minutes")
    for delay in (0, 0.0, np.int64(3), np.float32(0.5), float("inf")):
        assert (
            VariableDelay(lambda event, label, delay=delay: delay).checked_delay(1, None) == delay
        )


def test_the_clock_of_seconds_never_goes_back():
    learner = Notes()
    delay = VariableDelay(lambda event, label: 2.0, unit="seconds")
    loop = LateLoop(learner, delay=delay, beside={})
    schema = Schema()
    loop.step(batch_at(10, 5, 11.5, 12, schema=schema))
    assert learned(learner) == [0, 1]  # both at 12: the second came at 10, whatever it says
    loop.step(batch_at(3, first=4, schema=schema))
    assert learned(learner) == [0, 1]


def test_labels_come_before_an_event_of_their_second_and_after_one_of_their_count():
    for unit, order in (("seconds", ["predict", "learn", "predict"]),
                        ("events", ["predict", "predict", "learn"])):  # fmt: skip
        learner = Notes()
        delay = VariableDelay(lambda event, label: 1 if event == 0 else 9, unit=unit)
        LateLoop(learner, delay=delay, beside={}).step(batch_at(0, 1))
        assert [entry[0] for entry in learner.told] == order


def test_the_oldest_is_given_up_for_a_new_one():
    learner = Notes()
    delay = VariableDelay(lambda event, label: 100, max_waiting=2)
    loop = LateLoop(learner, delay=delay, beside={})
    schema = Schema()
    loop.step(batch_at(0, 1, schema=schema))
    assert (loop.waiting, loop.expired) == (2, 0)
    loop.step(batch_at(2, 3, 4, first=2, schema=schema))
    assert (loop.waiting, loop.expired) == (2, 3)
    result = loop.flush()
    assert result.scored == 2
    assert learned(learner) == [3, 4]
    assert (loop.waiting, loop.expired, loop.metrics["learner"].events) == (0, 3, 2)


def test_what_has_come_of_an_event_that_is_given_up_is_learned_and_not_scored():
    learner = Notes()

    def wait(event, label):
        return 0 if label == "a" else 100

    loop = LateLoop(learner, delay=VariableDelay(wait, per_label=True, max_waiting=1), beside={})
    loop.step(batch_at(0, 1, 2, y=frozenset("ab")))
    assert (loop.waiting, loop.expired) == (1, 2)
    loop.flush()
    assert learner.told[1] == ("learn", 0, frozenset("a"), True)
    assert learned(learner) == [0, 1, 2, 2]
    assert loop.metrics["learner"].events == 1


def test_labels_of_one_delay_are_learned_as_a_whole():
    learner = Notes()
    delay = VariableDelay(lambda event, label: 1, per_label=True)
    LateLoop(learner, delay=delay, beside={}).step(batch_at(0, 1, y=frozenset("ab")))
    assert learner.told[-1] == ("learn", 0, frozenset("ab"), False)


def test_only_what_is_known_of_an_event_comes():
    """Of a, b, c: a is true, b is false, nothing is known of c."""
    learner = Notes()
    asked = []

    def wait(event, label):
        asked.append(label)
        return {"a": 1, "b": 2, "c": 3}[label]

    loop = LateLoop(learner, delay=VariableDelay(wait, per_label=True), beside={})
    schema = Schema()
    batch_at(0, y=frozenset("abc"), schema=schema)
    known = PartialLabels(frozenset("a"), frozenset("b"))
    events = [Event(k, float(k), {"f": 1.0}, known if k == 0 else None) for k in range(4)]
    loop.step(EventBatch.from_events(events, schema))
    assert asked == ["a", "b"]
    assert [entry for entry in learner.told if entry[0] == "learn"] == [
        ("learn", 0, frozenset("a"), True), ("learn", 0, frozenset("b"), True),
    ]  # fmt: skip
    assert (loop.metrics["learner"].events, loop.metrics["learner"].unscored) == (1, 3)


class Counted(Notes):
    """Predicts the first label from its second event on, and notes what it was asked."""

    def predict(self, batch, min_score=0.01):
        self.asked = min_score
        super().predict(batch, min_score)
        if batch.ids[0] == 0:
            return Predictions(np.array([0, 0]), np.zeros(0, np.int32))
        return Predictions(np.array([0, 1]), np.zeros(1, np.int32))


def test_a_step_gives_what_the_learner_said_and_how_long_each_part_took():
    learner = Counted()
    delay = VariableDelay(lambda event, label: 1)
    loop = LateLoop(learner, delay=delay, beside={"other": Notes()}, min_score=0.25)
    result = loop.step(batch_at(0, 1, 2))
    assert result.predictions.indptr.tolist() == [0, 0, 1, 2]
    assert learner.asked == 0.25
    assert result.scored == 2
    assert set(result.seconds) == {"predict", "beside", "learn", "score"}
    assert all(seconds > 0 for seconds in result.seconds.values())
    last = loop.flush()
    assert (last.scored, len(last.predictions)) == (1, 0)
    scores = loop.metrics["learner"].cumulative()
    assert scores.micro_recall == pytest.approx(2 / 3)  # as decided at arrival
    assert loop.metrics["other"].cumulative().micro_recall == 0
    assert loop.learner.asked == 0.25
    assert LateLoop(Notes(), delay=delay).min_score == 0.01


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"expired": 4}, "gave up more than arrived"),
        ({"expired": -1}, "gave up more than arrived"),
        ({"arrived": 2**62}, "gave up more than arrived"),
        ({"arrived": 1, "expired": 0}, "has other events"),
        ({"now": float("nan")}, "has other events"),
        ({"now": "x"}, "'now' of the loop is no float"),
        ({"arrived": 1.0}, "'arrived' of the loop is no int"),
        ({"waiting": []}, "'waiting' of the loop is no dict"),
    ],
)
def test_a_snapshot_of_a_loop_that_cannot_be_is_refused(changes, said):
    delay = VariableDelay(lambda event, label: 100)
    loop, other = (LateLoop(NoChange(), delay=delay) for _ in range(2))
    loop.step(batch_at(0, 1, 2))
    with pytest.raises(StateError, match=said):
        other.restore({**loop.snapshot(), **changes})
    assert (other.waiting, other.expired) == (0, 0)
    other.restore({**loop.snapshot(), "arrived": 10**6, "expired": 10**6})
    assert (other.waiting, other.expired) == (3, 10**6)
    other.restore({**loop.snapshot(), "arrived": 3, "expired": 3})
    assert (other.waiting, other.expired) == (3, 3)


class Order(Notes):
    """Remembers which event it learned after which."""

    _learned = ("ids",)

    def __init__(self):
        super().__init__()
        self.ids = []

    def learn(self, batch):
        super().learn(batch)
        self.ids += batch.ids


def test_a_restored_loop_goes_on_in_the_order_of_what_is_due():
    """Also where fewer wait than arrived, and the labels of two events come at once."""
    wait = {0: 0, 1: 9, 2: 4, 3: 3, 4: 2, 5: 0}

    def loop():
        delay = VariableDelay(lambda event, label: wait[event])
        return LateLoop(Order(), delay=delay, beside={})

    first, second, schema = loop(), loop(), Schema()
    first.step(batch_at(0, 1, 2, 3, 4))
    second.restore(first.snapshot(), schema)
    assert (second.waiting, second.expired) == (4, 0)
    second.step(batch_at(5, first=5, schema=schema))
    assert second.learner.ids == [0, 5]
    assert second.flush().scored == 4
    assert second.learner.ids == [0, 5, 2, 3, 4, 1]


def test_a_delay_in_events_asks_for_no_time():
    learner = Notes()
    delay = VariableDelay(lambda event, label: 1)
    LateLoop(learner, delay=delay, beside={}).step(batch_at(100, 7, 3))
    assert learned(learner) == [0, 1]


def test_what_is_left_after_others_were_given_up_comes_in_its_order():
    wait = np.random.default_rng(1).permutation(500) * 3 + 600.0
    delay = VariableDelay(lambda event, label: wait[event] - event, max_waiting=60)
    loop = LateLoop(Order(), delay=delay, beside={})
    loop.step(batch_at(*range(500)))
    assert loop.flush().scored == 60
    assert loop.learner.ids == sorted(range(440, 500), key=lambda event: wait[event])


def test_where_nothing_else_is_said_an_event_has_one_delay_in_events():
    delay = VariableDelay(lambda event, label: 0)
    assert (delay.unit, delay.per_label) == ("events", False)
    asked = []
    delay = VariableDelay(lambda event, label: asked.append((event, label)) or 0)
    LateLoop(Notes(), delay=delay, beside={}).step(batch_at(0, 1, y=frozenset("ab")))
    assert asked == [(0, None), (1, None)]


def test_what_never_comes_is_neither_learned_nor_due():
    learner = Notes()
    delay = VariableDelay(lambda event, label: float("inf") if event == 0 else 5)
    loop = LateLoop(learner, delay=delay, beside={})
    loop.step(batch_at(0, 1, 2))
    assert (loop.waiting, loop.expired) == (3, 0)
    assert loop.flush().scored == 2
    assert learned(learner) == [1, 2]
    assert (loop.waiting, loop.expired) == (0, 1)


def test_time_is_told_apart_for_the_learner_and_those_beside():
    delay = VariableDelay(lambda event, label: 5)
    loop = LateLoop(Notes(), delay=delay, beside={"other": Notes()})

    def spent(result):
        return {name for name, seconds in result.seconds.items() if seconds > 0}

    assert spent(loop.step(batch_at(0, 1))) == {"predict", "beside"}
    assert spent(loop.flush()) == {"learn", "beside", "score"}
    alone = LateLoop(Notes(), delay=delay, beside={})
    assert spent(alone.step(batch_at(0, 1))) == {"predict"}
    assert spent(alone.flush()) == {"learn", "score"}


def test_a_snapshot_stays_what_it_was_and_may_be_in_any_order():
    wait = {0: 7, 1: 5, 2: 3, 3: 0}
    delay = VariableDelay(lambda event, label: wait.get(event, 99))

    def loop():
        return LateLoop(IHOMER("fast"), delay=delay, beside={"order": Order()})

    first, second, schema = loop(), loop(), Schema()
    first.step(batch_at(0, 1, 2, 3, schema=schema))
    saved = first.snapshot()
    before = repr(saved)
    first.step(batch_at(4, 5, first=4, schema=schema))
    assert repr(saved) == before
    saved["waiting"]["due"].reverse()
    second.restore(saved, again := Schema())
    second.step(batch_at(4, 5, first=4, schema=again))
    assert second.learners["order"].ids == first.learners["order"].ids == [3, 2]
    second.flush()
    assert second.learners["order"].ids[2:] == [1, 0, 4, 5]
