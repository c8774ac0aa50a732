"""The join of labels and events, against a plain model of it."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamml.baselines import NoChange
from streamml.errors import ConfigError, StateError
from streamml.evaluate import PrequentialLoop
from streamml.io.operation import JoinState
from streamml.join import OUTCOMES, Arrivals, JoinBuffer, JoinPolicy
from streamml.join.clock import RecordClock
from streamml.join.loop import JoinLoop
from streamml.streams import DemoStream
from streamml.types import (
    LABELS_PARTIAL,
    LABELS_UNKNOWN,
    DeadLetter,
    Event,
    EventBatch,
    Schema,
)

LABELS = ("a", "b", "c")


def arrivals(steps: list[tuple], schema: Schema) -> Arrivals:
    """Steps ``(time, id, labels or None, is_event)`` as rows."""
    events = [
        Event(i, t, {"f": float(k)}, None if y is None else frozenset(y))
        for k, (t, i, y, _) in enumerate(steps)
    ]
    found = Arrivals.of(EventBatch.from_events(events, schema), "topic/0")
    found.labels_only = np.array([not is_event for *_, is_event in steps], bool)
    return found


class Model:
    """The same in the plainest Python: lists searched from the front."""

    def __init__(self, policy: JoinPolicy) -> None:
        self.policy, self.now = policy, None
        self.doubted = []  # times of the records in doubt, and what came with each
        self.waiting, self.early, self.done = [], [], []
        self.counts, self.predicted, self.learned = Counter(), [], []

    def step(self, time, event_id, labels, is_event):
        self.tick(time)
        if is_event:
            self.event(event_id, labels)
        else:
            self.label(event_id, labels)
        for queue, most, reason in (
            (self.waiting, self.policy.max_events, "event_expired"),
            (self.early, self.policy.max_labels, "labels_expired"),
        ):
            while len(queue) > most:
                self.expire(queue, reason)
        self.forget()

    def tick(self, time):
        reach, self.record = self.policy.max_age / 16, [time, None]
        if self.now is None or time - self.now <= reach:
            self.now = time if self.now is None else max(self.now, time)
            self.doubted = []
        else:
            self.doubted.append(self.record)
        if len(self.doubted) == 16:
            self.now = min(t for t, _ in self.doubted)
            came = [i for _, i in self.doubted if i is not None]
            for queue in (self.waiting, self.early):
                queue[:] = [(i, self.now if i in came else t, *more) for i, t, *more in queue]
            self.doubted = [one for one in self.doubted if one[0] - self.now > reach]
        for queue, reason in ((self.waiting, "event_expired"), (self.early, "labels_expired")):
            while queue and queue[0][1] < self.now - self.policy.max_age:
                self.expire(queue, reason)
        self.forget()

    def expire(self, queue, reason):
        event_id = queue.pop(0)[0]
        self.counts[reason] += 1
        if reason == "event_expired":
            self.done.append((event_id, False))

    def forget(self):
        del self.done[: max(len(self.done) - self.policy.remember, 0)]

    def event(self, event_id, labels):
        if event_id in [i for i, *_ in self.waiting] or event_id in [i for i, _ in self.done]:
            self.counts["duplicate_event"] += 1
            return
        early = [entry for entry in self.early if entry[0] == event_id]
        self.early = [entry for entry in self.early if entry[0] != event_id]
        self.predicted.append(event_id)
        if labels is not None:
            self.counts["duplicate_labels"] += len(early)
            self.learn(event_id, labels)
        elif early:
            self.learn(event_id, early[0][2])
        else:
            self.waiting.append((event_id, self.now))
            self.came(event_id)

    def label(self, event_id, labels):
        if event_id in [i for i, *_ in self.waiting]:
            self.waiting = [entry for entry in self.waiting if entry[0] != event_id]
            self.learn(event_id, labels)
        elif (event_id, False) in self.done:
            self.counts["late_labels"] += 1
        elif (event_id, True) in self.done or event_id in [i for i, *_ in self.early]:
            self.counts["duplicate_labels"] += 1
        else:
            self.early.append((event_id, self.now, labels))
            self.came(event_id)

    def came(self, event_id):
        self.record[1] = event_id

    def state(self):
        since = [time for _, time, *_ in self.waiting + self.early]
        return JoinState(
            events=len(self.waiting),
            labels=len(self.early),
            oldest=max(self.now - min(since), 0.0) if since else 0.0,
            **{name: self.counts[name] for name in ("joined", *OUTCOMES)},
        )

    def learn(self, event_id, labels):
        self.counts["joined"] += 1
        self.learned.append((event_id, frozenset(labels)))
        self.done.append((event_id, True))


ids = st.integers(0, 12)
label_sets = st.frozensets(st.sampled_from(LABELS))
a_step = st.tuples(st.floats(0, 200), ids, st.one_of(st.none(), label_sets), st.booleans()).map(
    lambda s: s if s[3] or s[2] is not None else (s[0], s[1], frozenset(), False)
)
policies = st.builds(
    JoinPolicy,
    max_events=st.integers(1, 6),
    max_labels=st.integers(1, 6),
    max_age=st.floats(1, 100),
    remember=st.integers(0, 8),
)


@settings(max_examples=300, deadline=None)
@given(st.lists(a_step, max_size=60), policies, st.integers(1, 60), st.integers(0, 60),
       st.sampled_from([0, 1, 20]))  # fmt: skip
def test_it_is_the_model_however_it_is_cut_and_wherever_it_is_stored(
    steps, policy, cut, stored, slowness
):
    if slowness:  # time runs forward, with leaps
        times = np.cumsum([time / slowness for time, *_ in steps]).tolist()
        steps = [(time, *rest) for time, (_, *rest) in zip(times, steps, strict=True)]
    it_is_the_model([steps[k : k + cut] for k in range(0, len(steps), cut)], policy, stored)


whole_batches = st.lists(ids, unique=True, min_size=1, max_size=8).flatmap(
    lambda ids: st.tuples(
        st.floats(0, 200), st.lists(label_sets, min_size=len(ids), max_size=len(ids))
    ).map(lambda made: [(made[0], i, y, True) for i, y in zip(ids, made[1], strict=True)])
)


@settings(deadline=None)
@given(st.lists(whole_batches | st.lists(a_step, max_size=3), max_size=8), policies)
def test_events_that_bring_their_labels_are_known_when_they_come_again(parts, policy):
    it_is_the_model(parts, policy, stored=100)


def it_is_the_model(parts, policy, stored):
    """Batches through the buffer and its model; from ``stored`` events on stored after each."""
    model, schema = Model(policy), Schema(labels=LABELS)
    buffer, predicted, learned, letters, came = JoinBuffer(policy), [], [], [], 0
    for part in parts:
        for step in part:
            model.step(*step)
        joined = buffer.join(arrivals(part, schema))
        for row, event_id in enumerate(joined.batch.ids):
            if joined.new[row]:
                predicted.append(event_id)
            if joined.batch.y_kind[row] != LABELS_UNKNOWN:
                learned.append((event_id, joined.batch.label_set(row)))
        letters += buffer.take_dead_letters()
        came += len(part)
        if came > stored:
            again = JoinBuffer(policy)
            again.restore(buffer.snapshot(), schema)
            buffer = again
        assert buffer.state() == model.state()
    assert predicted == model.predicted
    assert learned == model.learned
    assert +buffer.counts == +model.counts
    assert Counter(letter.reason for letter in letters) == Counter(
        {k: n for k, n in model.counts.items() if k in OUTCOMES and n}
    )


def test_each_outcome_is_a_dead_letter_with_what_is_needed_to_send_it_again():
    buffer, schema = JoinBuffer(JoinPolicy(max_events=1, max_labels=1)), Schema(labels=LABELS)
    steps = [
        (0.0, "early", None, True),
        (0.0, "due", None, True),
        (0.0, "early", {"b", "a"}, False),
        (0.0, "due", {"a"}, False),
        (0.0, "due", {"c"}, False),
        (0.0, "due", None, True),
        (0.0, 7, {"c"}, False),
        (2.0, 8, {"a"}, False),
        (5.0, 9, set(), True),
    ]
    buffer.join(arrivals(steps, schema))
    expected = [
        ("event_expired", 0, b'{"id":"early"}'),
        ("late_labels", 2, b'{"id":"early","y":["a","b"]}'),
        ("duplicate_labels", 4, b'{"id":"due","y":["c"]}'),
        ("duplicate_event", 5, b'{"id":"due"}'),
        ("labels_expired", 6, b'{"id":7,"y":["c"]}'),
    ]
    assert buffer.take_dead_letters() == [
        DeadLetter(reason, OUTCOMES[reason], f"topic/0@{row}", raw) for reason, row, raw in expected
    ]
    assert buffer.take_dead_letters() == []
    assert buffer.state() == JoinState(0, 1, 3.0, joined=2, **dict.fromkeys(OUTCOMES, 1))


def test_the_counts_of_an_older_snapshot_go_on_from_what_it_has():
    buffer, schema = JoinBuffer(), Schema(labels=LABELS)
    buffer.join(arrivals([(0.0, 1, {"a"}, True), (0.0, 1, {"a"}, True)], schema))
    stored = buffer.snapshot()
    stored["counts"] = {"joined": 1}
    again = JoinBuffer()
    again.restore(stored, schema)
    assert again.state() == JoinState(joined=1)
    again.join(arrivals([(0.0, 1, {"a"}, False)], schema))
    assert again.state() == JoinState(joined=1, duplicate_labels=1)


@pytest.mark.parametrize(("known", "until_sure", "expired"), [(True, 13, 1), (False, 16, 4)])
def test_a_stored_doubt_goes_on_and_older_snapshots_have_none(known, until_sure, expired):
    policy, schema = JoinPolicy(max_age=160.0), Schema()
    buffer, again = JoinBuffer(policy), JoinBuffer(policy)
    buffer.join(arrivals([(1e6 * (k > 0), k, None, True) for k in range(4)], schema))
    stored = buffer.snapshot()
    if not known:
        del stored["doubt"]
    again.restore(stored, schema)
    for k in range(until_sure - 1):
        again.join(arrivals([(1e6, 4 + k, None, True)], schema))
        assert again.state() == JoinState(events=5 + k)
    again.join(arrivals([(1e6, 99, None, True)], schema))
    assert again.state() == JoinState(events=4 + until_sure - expired, event_expired=expired)


def delayed(n: int, delay: int, schema: Schema) -> list[Arrivals]:
    """Demo events one by one, each one's labels ``delay`` events later."""
    events = list(DemoStream().next_batch(n).events())
    for event in events:
        for name in event.x:
            schema.features.add(name)
    steps = []
    for k, event in enumerate(events):
        steps.append(Event(event.id, float(k), event.x, None))
        if k >= delay:
            steps.append(Event(events[k - delay].id, float(k), {"f00": 0.0}, events[k - delay].y))
    steps += [Event(e.id, float(n), {"f00": 0.0}, e.y) for e in events[n - delay :]]
    return steps


@pytest.mark.parametrize("cut", [1, 7, 400])
def test_the_loop_scores_with_the_prediction_of_the_arrival(cut):
    stream = DemoStream()
    reference = PrequentialLoop(NoChange(), delay=None)
    names = stream.schema.labels.names
    schema = Schema(labels=names)
    steps = delayed(200, 15, schema)
    loop, made = JoinLoop(NoChange()), []
    for start in range(0, len(steps), cut):
        part = Arrivals.of(EventBatch.from_events(steps[start : start + cut], schema))
        part.labels_only = part.y_kind != LABELS_UNKNOWN
        result = loop.step(part)
        made += [result.predictions.row(i).tolist() for i in range(len(result.predictions))]
    from streamml.evaluate import Delay

    reference = PrequentialLoop(NoChange(), delay=Delay(events=15))
    result = reference.step(DemoStream().next_batch(200))
    reference.flush()
    assert made == [result.predictions.row(i).tolist() for i in range(200)]
    for name in ("learner", "majority"):
        assert loop.metrics[name].cumulative() == reference.metrics[name].cumulative()


def test_labels_before_any_event_bring_their_names_to_the_learners():
    loop, schema = JoinLoop(NoChange()), Schema(labels=LABELS)
    result = loop.step(arrivals([(0.0, 1, {"a"}, False)], schema))
    assert (result.scored, len(result.predictions), len(result.events)) == (0, 0, 0)
    assert {learner.schema for learner in loop.learners.values()} == {schema}
    assert loop.step(arrivals([(0.0, 2, {"b"}, True)], schema)).scored == 1
    assert loop.metrics["learner"].events == 1


def test_plain_events_arrive_at_their_own_time_and_were_fetched_nobody_knows_when():
    batch = EventBatch.from_events([Event(k, 7.0 + k, {"f": 1.0}) for k in range(3)], Schema())
    found = Arrivals.of(batch)
    assert [found.position(row) for row in range(3)] == ["stream@0", "stream@1", "stream@2"]
    assert found.arrived.tolist() == [7.0, 8.0, 9.0]
    assert not found.labels_only.any()
    assert len(found.fetched) == 0


def test_one_wrong_timestamp_empties_nothing():
    buffer, schema = JoinBuffer(JoinPolicy(max_age=160.0)), Schema()
    steps = [(float(k), k, None, True) for k in range(10)]
    buffer.join(arrivals(steps, schema))
    buffer.join(arrivals([(4e9, 99, None, True)], schema))
    assert buffer.state().events == 11
    buffer.join(arrivals([(-4e9, 100, None, True)], schema))
    assert buffer.state().events == 12


@pytest.mark.parametrize(("first", "silence"), [(0.0, 0.0), (1.7e9, 12 * 3600.0), (1.7e9, 3e6)])
def test_labels_meet_their_events_after_a_silence_and_after_a_wrong_first_timestamp(first, silence):
    """With ages of an hour at most; labels come 30 records behind, half a minute later."""
    buffer, schema = JoinBuffer(JoinPolicy(max_age=3600.0)), Schema(labels=LABELS)
    steps, time = [(first, "first", None, True)], 1.7e9
    for k in range(300):
        time += 1.0 + (silence if k == 150 else 0.0)
        steps.append((time, k, None, True))
        if k >= 30:
            steps.append((time, k - 30, frozenset({"a"}), False))
    if silence:
        steps.sort(key=lambda step: step[0])
    for step in steps:
        buffer.join(arrivals([step], schema))
    lost = sum(buffer.counts[reason] for reason in OUTCOMES)
    before = 30 if silence else 0  # these had waited over the silence
    assert lost <= 2 * before + 1
    assert buffer.counts["joined"] >= 270 - before


def test_a_policy_may_count_without_dead_letters():
    policy = JoinPolicy(dead_letters=frozenset({"duplicate_event"}))
    buffer, schema = JoinBuffer(policy), Schema()
    steps = [(0.0, 1, {"a"}, True), (0.0, 1, {"a"}, False), (0.0, 1, {"a"}, True)]
    buffer.join(arrivals(steps, schema))
    assert [letter.reason for letter in buffer.take_dead_letters()] == ["duplicate_event"]
    assert buffer.counts == {"joined": 1, "duplicate_labels": 1, "duplicate_event": 1}


@pytest.mark.parametrize(
    "wrong",
    [{"max_events": 0}, {"max_labels": 0}, {"remember": -1}, {"max_age": 0.0},
     {"max_age": float("inf")}, {"dead_letters": frozenset({"x"})}],
)  # fmt: skip
def test_bounds_that_make_no_sense_are_refused(wrong):
    with pytest.raises(ConfigError):
        JoinPolicy(**wrong)


def test_a_record_that_is_ahead_by_a_sixteenth_of_the_age_is_believed():
    clock = RecordClock(max_age=160.0)
    for moment in (0.0, 10.0, 5.0):
        clock.advance(moment)
    assert (clock.now, clock.doubted) == (10.0, [])
    for moment in [110.0] * 14 + [100.0, 110.5]:
        clock.advance(moment)
    assert (clock.now, clock.doubted) == (100.0, [110.5])
    clock.advance(100.0)
    assert (clock.now, clock.doubted) == (100.0, [])


@pytest.mark.parametrize(("is_event", "labels"), [(True, None), (False, frozenset({"a"}))])
def test_what_has_waited_for_the_largest_age_waits_on_and_goes_after_it(is_event, labels):
    buffer, schema = JoinBuffer(JoinPolicy(max_age=16.0)), Schema(labels=LABELS)
    buffer.join(arrivals([(0.0, "first", labels, is_event)], schema))
    buffer.join(arrivals([(1.0 + k, k, {"b"}, True) for k in range(16)], schema))
    assert buffer.state() == JoinState(is_event, not is_event, oldest=16.0, joined=16)
    buffer.join(arrivals([(16.5, "last", {"b"}, True)], schema))
    assert buffer.counts["event_expired" if is_event else "labels_expired"] == 1


@pytest.mark.parametrize(("is_event", "labels"), [(True, None), (False, frozenset({"a"}))])
def test_what_comes_after_a_silence_has_not_waited_through_it(is_event, labels):
    buffer, schema = JoinBuffer(JoinPolicy(max_age=160.0)), Schema(labels=LABELS)
    buffer.join(arrivals([(0.0, "before", labels, is_event)], schema))
    buffer.join(arrivals([(1e6, k, labels, is_event) for k in range(17)], schema))
    assert buffer.counts == {"event_expired" if is_event else "labels_expired": 1}
    state = buffer.state()
    assert (state.events + state.labels, state.oldest) == (17, 0.0)


# -- stored ----------------------------------------------------------------------------------


def whole(indptr, values, dtype=np.int32):
    return {"indptr": np.array(indptr, np.int64), "values": np.array(values, dtype)}


@pytest.mark.parametrize(
    ("path", "wrong"),
    [
        (("waiting", "ids"), ["p", "p"]),
        (("waiting", "ids"), ["p", 0.5]),
        (("waiting", "ids"), ["p"]),
        (("waiting", "positions"), ["topic/0@0"]),
        (("waiting", "timestamps"), np.array([0.0])),
        (("waiting", "timestamps"), np.array([0.0, np.nan])),
        (("waiting", "timestamps"), np.array([0, 1])),
        (("waiting", "arrived"), np.array([0.0, np.inf])),
        (("waiting", "x"), whole([0, 1], [0])),
        (("waiting", "x"), whole([1, 1, 2], [0, 0])),
        (("waiting", "x"), whole([0, 1, 2], [0, 0, 0])),
        (("waiting", "x"), whole([0, 3, 2], [0, 0])),
        (("waiting", "x"), whole([0, 1, 2], [0, 1])),
        (("waiting", "x"), whole([0, 1, 2], [0, -1])),
        (("waiting", "x"), whole([0, 0, 2], [0, 0])),
        (("waiting", "values"), whole([0, 1, 2], [0, 0], np.float64)),
        (("waiting", "decided", "learner"), whole([0, 1, 3], [0, 1, 0])),
        (("waiting", "decided", "learner"), whole([0, 0, 2], [1, 1])),
        (("waiting", "decided", "learner"), whole([0, 0, 1], [3])),
        (("early", "kinds"), np.array([LABELS_UNKNOWN], np.uint8)),
        (("early", "kinds"), np.array([LABELS_PARTIAL + 1], np.uint8)),
        (("early", "kinds"), np.zeros(0, np.uint8)),
        (("early", "positive"), whole([0, 2], [1, 0])),
        (("early", "negative"), whole([0, 1], [3])),
        (("early", "arrived"), np.array([np.nan])),
        (("counts", "joined"), 1.0),
        (("done", "ids"), []),
        (("done", "ids"), [None]),
        (("done", "learned"), np.ones(1, np.int64)),
        (("now",), "noon"),
        (("now",), 0),
        (("doubt", "ids"), []),
        (("doubt", "ids"), [0.5]),
        (("doubt", "times"), np.array([np.inf])),
    ],
)
def test_what_is_no_state_of_a_join_is_refused_and_changes_nothing(path, wrong):
    policy, schema = JoinPolicy(max_age=160.0), Schema(labels=LABELS)
    loop = JoinLoop(NoChange(), policy=policy)
    steps = [
        (0.0, "p", None, True), (0.0, "q", None, True), (0.0, "r", {"a"}, False),
        (0.0, "s", {"b"}, True), (1e6, 3, {"c"}, True),
    ]  # fmt: skip
    loop.step(arrivals(steps, schema))
    stored, again = loop.buffer.snapshot(), JoinBuffer(policy)
    again.restore(stored, schema)
    assert again.state() == loop.buffer.state() == JoinState(2, 1, joined=2)
    part = stored
    for name in path[:-1]:
        part = part[name]
    part[path[-1]] = wrong
    with pytest.raises(StateError):
        again.restore(stored, schema)
    assert again.state() == loop.buffer.state()
