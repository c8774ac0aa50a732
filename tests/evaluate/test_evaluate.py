"""The prequential loop: what is known when, with and without label delay."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import pytest
from river.linear_model import LogisticRegression
from river.preprocessing import StandardScaler

from streamml.base import MIN_SCORE, Learner
from streamml.baselines import NoChange
from streamml.errors import ConfigError, ContractError, StateError
from streamml.evaluate import Delay, PrequentialLoop, prequential
from streamml.ihomer import IHOMER
from streamml.metrics import Prequential
from streamml.types import (
    DeadLetter,
    Event,
    EventBatch,
    PartialLabels,
    Predictions,
    Schema,
)
from streamml.types.saved import batch_state
from streamml_connectors.files import open_source


def batch_of(n: int, timestamps: list[float] | None = None, seed: int = 0) -> EventBatch:
    """Sticky label sets, some partial and some unknown."""
    rng = np.random.default_rng(seed)
    now: frozenset[str] = frozenset()
    events = []
    for i in range(n):
        if rng.random() < 0.3:
            now = frozenset(rng.choice(list("abcdef"), rng.integers(0, 4)).tolist())
        kind = rng.integers(0, 8)
        others = frozenset("abcdef") - now
        y = None if kind == 0 else PartialLabels(now, others) if kind == 1 else now
        time = float(i) if timestamps is None else timestamps[i]
        events.append(Event(i, time, {"f": float(i)}, y))
    return EventBatch.from_events(events, Schema())


def cut(batch: EventBatch, size: int) -> Iterator[EventBatch]:
    for start in range(0, len(batch), size):
        yield batch.slice(start, min(start + size, len(batch)))


class Diary(Learner):
    """Writes down what it is asked, event by event; predicts nothing."""

    def __init__(self) -> None:
        self.pages: list[tuple[str, int]] = []

    def predict(self, batch: EventBatch, min_score: float = MIN_SCORE) -> Predictions:
        self.pages += [("predict", int(i)) for i in batch.ids]
        none = np.zeros(len(batch) + 1, np.int64)
        return Predictions(none, np.zeros(0, np.int32), none)

    def learn(self, batch: EventBatch) -> None:
        self.pages += [("learn", int(i)) for i in batch.ids]

    def take_split(self) -> tuple[float, float]:
        return 1e-9, 0.0


def by_definition(batch: EventBatch, delay: Delay) -> list[tuple[str, int]]:
    """Event by event: before each prediction, learn the labels that have arrived."""
    pages: list[tuple[str, int]] = []
    due: list[float] = []
    clock, learned = -np.inf, 0
    for i, timestamp in enumerate(batch.timestamps.tolist()):
        clock = max(clock, timestamp) if delay.events is None else i
        while learned < i and due[learned] <= clock:
            pages.append(("learn", learned))
            learned += 1
        pages.append(("predict", i))
        due.append(clock + delay.seconds if delay.events is None else i + delay.events + 1)
    return pages + [("learn", i) for i in range(learned, len(batch))]


def times(n: int, kind: str) -> list[float]:
    rng = np.random.default_rng(3)
    if kind == "bursts":  # equal timestamps, then a pause
        return np.repeat(np.arange(n // 5 + 1) * 4.0, 5)[:n].tolist()
    steps = rng.exponential(1.0, n) if kind == "ordered" else rng.normal(0.5, 3.0, n)
    return np.cumsum(steps).tolist()


@pytest.mark.parametrize("size", [1, 7, 50, 4096])
@pytest.mark.parametrize("kind", ["ordered", "bursts", "out of order"])
@pytest.mark.parametrize(
    "delay",
    [
        Delay(events=1),
        Delay(events=10),
        Delay(events=1000),
        Delay(seconds=1e-300),
        Delay(seconds=0.5),
        Delay(seconds=4.0),
        Delay(seconds=1e9),
    ],
)
def test_everything_happens_in_its_time(delay: Delay, kind: str, size: int) -> None:
    batch = batch_of(120, times(120, kind))
    diary = Diary()
    loop = PrequentialLoop(diary, delay=delay, beside={})
    results = [loop.step(part) for part in cut(batch, size)]
    assert sum(len(r.predictions) for r in results) == 120
    waiting = loop.waiting
    assert sum(r.scored for r in results) == 120 - waiting
    assert loop.flush().scored == waiting
    assert loop.waiting == 0
    assert diary.pages == by_definition(batch, delay)
    labelled = int((batch.y_kind > 0).sum())
    assert loop.metrics["learner"].events == labelled


@pytest.mark.parametrize("size", [1, 7, 4096])
@pytest.mark.parametrize("delay", [None, Delay(events=3), Delay(seconds=2.5)])
def test_any_batch_size_gives_the_same_bits(delay: Delay | None, size: int) -> None:
    batch = batch_of(500)
    whole = prequential([batch], NoChange(), delay=delay)
    parts = prequential(cut(batch, size), NoChange(), delay=delay)
    assert whole.metrics.keys() == {"learner", "no-change", "majority"}
    for name, metrics in whole.metrics.items():
        left, right = metrics.snapshot(), parts.metrics[name].snapshot()
        assert all(np.array_equal(left[k], right[k]) for k in left), name
    assert (whole.events, whole.labels, whole.features) == (500, 6, 1)


def test_no_delay_is_test_then_train() -> None:
    batch = batch_of(300)
    expected = Prequential()
    expected.update(batch, NoChange().test_then_train(batch))
    for delay in (None, Delay(events=0), Delay(seconds=0)):
        found = prequential([batch], NoChange(), delay=delay).metrics["learner"]
        assert found.cumulative() == expected.cumulative()
        assert found.faded() == expected.faded()


def test_an_event_is_scored_with_the_prediction_made_at_its_arrival() -> None:
    """No-change under a delay of 2 repeats the labels of three events ago."""
    schema = Schema()
    cycle = ["a", "b", "c"]
    events = [Event(i, 0.0, {"f": 1.0}, frozenset({cycle[i % 3]})) for i in range(30)]
    batch = EventBatch.from_events(events, schema)
    result = prequential(cut(batch, 4), NoChange(), delay=Delay(events=2), beside={})
    assert result.metrics["learner"].cumulative().exact_match == 27 / 30
    result = prequential(cut(batch, 4), NoChange(), delay=Delay(events=1), beside={})
    assert result.metrics["learner"].cumulative().exact_match == 0


@pytest.mark.parametrize("size", [1, 64])
def test_what_waits_is_bounded_by_the_delay(size: int) -> None:
    batch = batch_of(2000)
    loop = PrequentialLoop(NoChange(), delay=Delay(events=10))
    for part in cut(batch, size):
        loop.step(part)
        assert loop.waiting <= 10
        assert sum(len(p.batch) for p in loop._queue) <= 10 + 2 * size


def test_time_is_split() -> None:
    batch = batch_of(100)
    plain = PrequentialLoop(NoChange()).step(batch).seconds
    assert plain["predict"] == 0
    assert min(plain[name] for name in ("learn", "score", "beside")) > 0
    split = PrequentialLoop(Diary()).step(batch).seconds
    assert split["predict"] == pytest.approx(1e-9)
    late = PrequentialLoop(NoChange(), delay=Delay(events=1)).step(batch).seconds
    assert min(late.values()) > 0


def test_an_empty_batch_and_an_empty_stream() -> None:
    loop = PrequentialLoop(NoChange(), delay=Delay(events=1))
    assert len(loop.step(batch_of(3).slice(0, 0)).predictions) == 0
    assert loop.flush().scored == 0
    result = prequential([], NoChange())
    assert (result.events, result.labels) == (0, 0)
    assert np.isnan(result.metrics["learner"].cumulative().exact_match)


class ListSource:
    """Hands out one batch in pieces, and a dead letter with each."""

    name = "list"
    length = None

    def __init__(self, batch: EventBatch) -> None:
        self.batch = batch
        self.schema = batch.schema
        self.at = 0
        self.letters: list[DeadLetter] = []

    def next_batch(self, max_events: int) -> EventBatch | None:
        self.letters.append(DeadLetter("malformed", "It is broken.", f"row {self.at}"))
        if self.at == len(self.batch):
            return None
        start, self.at = self.at, min(self.at + max_events, len(self.batch))
        return self.batch.slice(start, self.at)

    def take_dead_letters(self) -> list[DeadLetter]:
        taken, self.letters = self.letters, []
        return taken

    def snapshot(self) -> Mapping[str, int]:
        return {"at": self.at}

    def restore(self, snapshot: Mapping[str, int]) -> None:
        self.at = snapshot["at"]

    def close(self) -> None:
        pass


def test_a_source_is_read_to_its_end() -> None:
    source = ListSource(batch_of(25))
    result = prequential(source, NoChange(), batch_size=10)
    assert (result.events, source.at) == (25, 25)
    assert result.dead_letters == {"malformed": 4}
    assert source.letters == []
    assert result.seconds.keys() == {"read", "predict", "learn", "score", "beside"}


def test_a_loop_stored_before_its_first_batch_begins_like_a_new_one() -> None:
    """It is bound to no stream yet: the labels that the next one declares are its own."""
    stored, answers = PrequentialLoop(IHOMER("fast"), min_score=0.0).snapshot(), []
    for snapshot in (None, stored):
        schema = Schema(["f"], ["a", "b"])
        loop = PrequentialLoop(IHOMER("fast"), min_score=0.0)
        if snapshot is not None:
            loop.restore(snapshot, schema)
        one = Event(0, 0.0, {"f": 1.0}, frozenset({"a"}))
        found = loop.step(EventBatch.from_events([one] * 3, schema)).predictions
        answers.append((found.score_indices.tolist(), found.scores.tolist()))
    assert answers[0] == answers[1]
    assert answers[0][0] == [0, 1] * 3


def test_a_restored_loop_has_the_names_it_was_taught() -> None:
    taught, again = PrequentialLoop(NoChange()), PrequentialLoop(NoChange())
    batch = batch_of(5)
    taught.step(batch)
    again.restore(taught.snapshot())
    assert again.learner.schema.labels.names == batch.schema.labels.names


def labelled(*times: float) -> EventBatch:
    """An event at each of these times, all with the label a."""
    events = [Event(i, t, {"f": 1.0}, frozenset("a")) for i, t in enumerate(times)]
    return EventBatch.from_events(events, Schema())


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"learned": -1}, "was learned already"),
        ({"learned": 3}, "was learned already"),
        ({"learned": 1.0}, "'learned' of a waiting batch is no int"),
        ({"now": np.zeros(2)}, "has other times"),
        ({"due": np.zeros(4)}, "has other times"),
        ({"now": np.array([0.0, 2.0, 1.0])}, "is unordered"),
        ({"due": np.array([2.0, 1.0, 3.0])}, "is unordered"),
        ({"decided": {}}, "was predicted by others"),
        ({"decided": []}, "'decided' of a waiting batch is no dict"),
        ({"batch": []}, "'batch' of a waiting batch is no dict"),
    ],
    ids=str,
)
def test_a_snapshot_of_waiting_events_that_cannot_be_is_refused(changes, said) -> None:
    loop, again = (PrequentialLoop(NoChange(), delay=Delay(events=9)) for _ in range(2))
    loop.step(labelled(0, 1, 2))
    saved = loop.snapshot()
    (part,) = saved["waiting"]
    # what waits is as many as before, so that nothing but the part itself is wrong
    learned = int(changes.get("learned", 0))
    with pytest.raises(StateError, match=said):
        again.restore({**saved, "waiting": [{**part, **changes}], "learned": max(learned, 0),
                       "arrived": max(learned, 0) + 3 - learned})  # fmt: skip
    assert again.waiting == 0
    with pytest.raises(StateError, match="a waiting batch is no mapping"):
        again.restore({**saved, "waiting": [3]})
    again.restore(saved)
    assert again.waiting == again.flush().scored == 3


@pytest.mark.parametrize("name", ["now", "due"])
def test_the_times_of_a_waiting_event_are_numbers(name) -> None:
    loop, again = (PrequentialLoop(NoChange(), delay=Delay(events=9)) for _ in range(2))
    loop.step(labelled(0))
    saved = loop.snapshot()
    saved["waiting"][0][name] = np.array([np.nan])
    with pytest.raises(StateError, match="has no times"):
        again.restore(saved)
    saved["waiting"][0][name] = np.zeros(0)
    with pytest.raises(StateError, match="has other times"):
        again.restore(saved)
    none = {"batch": batch_state(labelled(0).slice(0, 0)), "now": np.zeros(0), "due": np.zeros(0)}
    with pytest.raises(StateError, match="has other times"):
        again.restore({**saved, "waiting": [{**saved["waiting"][0], **none}]})


@pytest.mark.parametrize("delay", [Delay(events=3), Delay(seconds=2.5)])
@pytest.mark.parametrize("size", [1, 7, 40])
def test_a_loop_restored_with_a_part_of_a_batch_learned_gives_the_same_bits(delay, size) -> None:
    whole, first, again = (PrequentialLoop(NoChange(), delay=delay) for _ in range(3))
    batch = batch_of(80, times(80, "bursts"))
    for part in cut(batch, 40):
        whole.step(part)
    for part in cut(batch.slice(0, 40), size):
        first.step(part)
    saved, schema = first.snapshot(), Schema()
    again.restore(saved, schema)
    assert again.waiting == first.waiting > 0
    assert repr(again.snapshot()) == repr(saved)
    before = repr(saved)
    again.step(EventBatch.from_events(list(batch.slice(40, 80).events()), schema))
    assert repr(saved) == before  # a snapshot stays what it was
    whole.flush()
    again.flush()
    for name, metrics in whole.metrics.items():
        assert repr(again.metrics[name].snapshot()) == repr(metrics.snapshot())


def test_mistakes_are_named() -> None:
    for wrong in ({}, {"events": 1, "seconds": 1.0}):
        with pytest.raises(ConfigError, match="either in events or in seconds"):
            Delay(**wrong)
    for wrong in ({"events": -1}, {"events": True}, {"seconds": np.inf}, {"seconds": np.nan}):
        with pytest.raises(ConfigError, match="finite and at least 0"):
            Delay(**wrong)
    with pytest.raises(ConfigError, match=r"is a whole number, not 2\.5"):
        Delay(events=2.5)
    assert repr(Delay(events=np.int64(3))) == "Delay(events=3, seconds=None)"
    assert Delay(seconds=np.float32(2.5)).seconds == 2.5
    with pytest.raises(ConfigError, match="batch_size must be at least 1"):
        prequential([], NoChange(), batch_size=0)
    with pytest.raises(ConfigError, match="'learner' names"):
        PrequentialLoop(NoChange(), beside={"learner": NoChange()})


@pytest.mark.parametrize(
    ("stream", "learner", "delay", "sentence"),
    [
        (7, NoChange(), None, "type int: give a source"),
        (b"yeast.arff.gz", NoChange(), None, "type bytes: give a source"),
        ([({"f": 1.0}, {"a"}, 1.0)], NoChange(), None, "gives a tuple: give a source"),
        ([{"f": 1.0}], NoChange(), None, "gives a dict: give a source"),
        ([Event(0, 0.0, {"f": 1.0}), 7], NoChange(), None, "gives a int: give a source"),
        ([batch_of(1), 7], NoChange(), None, "gives a int: give a source"),
        ([], NoChange, None, r"the class NoChange: give an instance, NoChange\(\)"),
        ([], object(), None, "no streamml.base.Learner"),
        ([], StandardScaler() | LogisticRegression(), None, "type Pipeline, which is no"),
        ([], LogisticRegression(), None, "streamml.baselines.BinaryRelevance"),
        ([], NoChange(), 5, r"The delay is 5: give Delay\(events="),
    ],
)
def test_what_cannot_be_run_is_refused_with_what_to_give(stream, learner, delay, sentence):
    with pytest.raises(ConfigError, match=sentence):
        prequential(stream, learner, delay=delay)


def test_one_learner_under_two_names_would_learn_twice():
    learner = NoChange()
    with pytest.raises(ConfigError, match="learn twice"):
        prequential([], learner, beside={"other": learner})


@pytest.mark.parametrize("length", [{"events": 1.5}, {"events": "3"}, {"seconds": "3s"}])
def test_a_delay_is_a_number(length):
    with pytest.raises(ConfigError, match="A label delay"):
        Delay(**length)


def test_a_learner_goes_on_with_another_file_of_the_same_names(tmp_path):
    path = tmp_path / "events.jsonl"
    path.write_text('{"x": {"f": 1}, "y": ["a"]}\n{"x": {"g": 1}, "y": ["b", "a"]}\n')
    learner = NoChange()
    prequential(open_source(path), learner)
    with pytest.raises(ContractError, match="restore"):
        prequential(open_source(path), learner)
    learner.restore(learner.snapshot())
    again = prequential(open_source(path), learner)
    assert (again.events, again.labels) == (2, 2)
    assert learner.predict_one({"f": 1.0}) == {"a": True, "b": True}
