"""What prequential takes as a stream and as a learner: the same figures whatever it comes as."""

import sys
from pathlib import Path

import numpy as np
import pytest
from river import evaluate, linear_model, metrics, multioutput, preprocessing
from river import stream as river_stream

from streamml import IHOMER
from streamml.baselines import NoChange, RiverMultiLabel
from streamml.errors import DataError, SchemaError
from streamml.evaluate import Delay, VariableDelay, prequential
from streamml.streams import DemoStream
from streamml.testing import AbortingSource, EventSource
from streamml.types import Event, EventBatch, Schema
from streamml_connectors.files import open_source

LABELS = ["a", "b", "c"]


def pairs(n=120, seed=3):
    rng = np.random.default_rng(seed)
    for _ in range(n):
        x = rng.random(4)
        yield (
            {f"f{j}": float(v) for j, v in enumerate(x)},
            {label: bool(x[k] > 0.5) for k, label in enumerate(LABELS)},
        )


def events(n=120):
    return [Event(t, float(t), x, frozenset(k for k, v in y.items() if v))
            for t, (x, y) in enumerate(pairs(n))]  # fmt: skip


def in_file(folder: Path) -> Path:
    path = folder / "events.jsonl"
    lines = (f'{{"x": {dict(e.x)}, "y": {sorted(e.y)}}}'.replace("'", '"') for e in events())
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def schema():
    return Schema(labels=LABELS)


STREAMS = {
    "source": lambda folder: EventSource(events(), schema()),
    "events": lambda folder: events(),
    "an iterator of events": lambda folder: iter(events()),
    "a batch": lambda folder: EventBatch.from_events(events(), schema()),
    "batches": lambda folder: [EventBatch.from_events(events(), schema())],
    "pairs": lambda folder: pairs(),
    "a list of pairs": lambda folder: list(pairs()),
    "a path": in_file,
    "a path as text": lambda folder: str(in_file(folder)),
}


def figures(result):
    return {name: one.cumulative().as_dict() for name, one in result.metrics.items()}


@pytest.mark.parametrize("delay", [None, Delay(events=5)], ids=str)
@pytest.mark.parametrize("kind", STREAMS)
def test_the_figures_are_the_same_whatever_the_stream_comes_as(kind, delay, tmp_path):
    told = None if "path" in kind or "events" in kind else schema()  # of all labels at once
    expected = prequential(EventSource(events(), told), NoChange(), delay=delay)
    for size in (1000, 7):
        found = prequential(STREAMS[kind](tmp_path), NoChange(), delay=delay, batch_size=size)
        assert (found.events, found.features, found.labels) == (120, 4, 3)
        assert figures(found) == figures(expected)
        assert set(found.label_names) == set(LABELS)


def test_a_file_that_was_opened_is_closed_and_one_that_is_not_there_is_named(tmp_path, monkeypatch):
    given = EventSource(events())
    module = sys.modules["streamml.evaluate.prequential"]  # its function has the same name
    monkeypatch.setattr(module, "open_path", lambda path: given)
    assert prequential(in_file(tmp_path), NoChange(), beside={}).events == 120
    assert given.closed
    monkeypatch.undo()
    with pytest.raises(DataError, match="There is no file"):
        prequential(tmp_path / "none.arff", NoChange())


def test_pairs_of_rivers_streams_with_rivers_metrics_and_ours():
    """Labels are integers there, features too."""
    rng = np.random.default_rng(0)
    X = rng.random((300, 3))
    Y = X > 0.5
    ours = prequential(river_stream.iter_array(X, Y), IHOMER("fast"), beside={})
    assert ours.label_names == (0, 1, 2)
    assert list(ours.per_label()) == [0, 1, 2]
    learner, mine = IHOMER("fast"), ours.metrics["learner"].cumulative()
    exact, micro, macro = 0, metrics.multioutput.MicroAverage(metrics.F1()), []
    for x, y in river_stream.iter_array(X, Y):
        found = learner.predict_one(x)
        exact += all(found[label] == truth for label, truth in y.items())
        micro.update(y, found)
        macro.append(found)
        learner.learn_one(x, y)
    assert exact / 300 == pytest.approx(mine.exact_match, abs=0.01)
    assert micro.get() == pytest.approx(mine.micro_f1, abs=0.01)
    for metric, least in [(metrics.multioutput.ExactMatch(), 0.8),
                          (metrics.multioutput.MicroAverage(metrics.F1()), 0.9),
                          (metrics.multioutput.MacroAverage(metrics.F1()), 0.9)]:  # fmt: skip
        stream = river_stream.iter_array(X, Y)
        assert evaluate.progressive_val_score(stream, IHOMER("fast"), metric).get() > least


def test_a_label_in_mid_stream_does_not_end_rivers_metrics():
    grow = [({"f": float(i % 6)}, {"a": i % 2 == 0} | ({"c": True} if i >= 30 else {}))
            for i in range(60)]  # fmt: skip
    for average in (metrics.multioutput.MicroAverage, metrics.multioutput.MacroAverage):
        score = evaluate.progressive_val_score(grow, IHOMER("fast"), average(metrics.F1()))
        assert score.get() > 0.7


@pytest.mark.parametrize(
    ("pair", "said"),
    [
        (({"f": np.inf}, {"a"}), "Event 1 cannot be used: Feature 'f' is inf"),
        (({"f": 1.0}, [1, 0]), "Event 1 cannot be used: The labels .* row of zeros and ones"),
        (([1.0], {"a"}), "Event 1 cannot be used: The features are of type list"),
    ],
)
def test_a_pair_that_cannot_be_used_is_named(pair, said):
    with pytest.raises(SchemaError, match=said):
        prequential([({"f": 1.0}, {"a"}), pair], NoChange())


def test_pairs_may_be_empty_or_without_labels_and_events_become_dead_letters():
    result = prequential([({}, {"a"}), ({"f": 1.0}, None), ({"f": None}, {"a"})], NoChange())
    assert (result.events, result.metrics["learner"].events) == (3, 2)
    bad = Event(9, 9.0, {}, frozenset())
    result = prequential([*events(10), bad], NoChange())
    assert (result.events, result.dead_letters) == (10, {"no_features": 1})


def test_a_learner_that_was_taught_goes_on_with_pairs_under_its_names():
    learner = NoChange()
    for x, y in pairs(10):
        learner.learn_one(x, y)
    result = prequential(pairs(20), learner, beside={})
    assert result.labels == 3
    assert learner.snapshot()["position"] == 30


def test_delays_per_label_are_asked_for_by_its_key():
    asked = set()
    delay = VariableDelay(lambda _, label: asked.add(label) or 1, per_label=True)
    prequential([({"f": 1.0}, {7: True, ("a", 1): False})] * 3, NoChange(), delay=delay, beside={})
    assert asked == {7, ("a", 1)}


def test_sources_give_their_events_in_a_loop(tmp_path):
    sources = [EventSource(events(300)), AbortingSource(EventSource(events(300)), 1000),
               DemoStream(n_events=300)]  # fmt: skip
    for source in sources:
        found = list(source)
        assert len(found) == 300
        assert all(isinstance(event, Event) for event in found)
    source = open_source(in_file(tmp_path))
    for found, given in zip(source, events(), strict=True):
        assert found.x == pytest.approx(given.x)
    source.close()


# -- models of river's ------------------------------------------------------------------------


def chain():
    return multioutput.ClassifierChain(linear_model.LogisticRegression(), order=LABELS)


MODELS = {
    "chain": chain,
    "pipeline": lambda: preprocessing.StandardScaler() | chain(),
    "pipeline of ours": lambda: preprocessing.StandardScaler() | NoChange(),
}


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize(
    "delay",
    [None, Delay(events=3), VariableDelay(lambda *_: 2)],
    ids=["no", "constant", "variable"],
)
def test_any_model_of_rivers_is_evaluated_as_river_does(name, delay):
    result = prequential(pairs(200), MODELS[name](), delay=delay, beside={"ours": NoChange()})
    exact = result.metrics["learner"].cumulative().exact_match
    if delay is not None:
        assert 0 < exact < 1
        return
    model, hits = MODELS[name](), 0
    for x, y in pairs(200):
        found = model.predict_one(x)
        hits += all(bool(found.get(label)) == truth for label, truth in y.items())
        model.learn_one(x, y)
    assert exact == hits / 200


def test_the_model_that_is_handed_over_goes_on_learning():
    model = chain()
    prequential(pairs(100), model, beside={})
    again = chain()
    for x, y in pairs(100):
        again.learn_one(x, y)
    x = {"f0": 0.9, "f1": 0.1, "f2": 0.9, "f3": 0.5}
    for label, shares in again.predict_proba_one(x).items():  # it was told numbers of float32
        assert model.predict_proba_one(x)[label] == pytest.approx(shares, abs=1e-6)


def test_absent_features_are_zeros_where_the_schema_says_so():
    seen = []

    class Notes(multioutput.ClassifierChain):
        def learn_one(self, x, y):
            seen.append(dict(x))

    given = [Event(0, 0.0, {"f": 1.0}, frozenset()), Event(1, 1.0, {"g": 1.0}, frozenset())]
    batch = EventBatch.from_events(given, Schema(absent_is_zero=True))
    for zeros in (False, True):
        RiverMultiLabel(Notes(linear_model.LogisticRegression()), zeros=zeros).learn(batch)
    assert seen == [{"f": 1.0}, {"g": 1.0}, {"f": 1.0, "g": 0.0}, {"f": 0.0, "g": 1.0}]
