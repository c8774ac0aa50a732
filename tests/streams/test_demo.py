"""The demo stream: what it promises about size, labels, drift, seeds and positions."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from streamml.errors import ConfigError, ContractError
from streamml.io import Source
from streamml.streams import DemoStream
from streamml.types import Event, EventBatch


def read(stream: DemoStream, batch_size: int = 1_000) -> list[Event]:
    events: list[Event] = []
    while (batch := stream.next_batch(batch_size)) is not None:
        events.extend(batch.events())
    return events


def matrices(events: list[Event], stream: DemoStream) -> tuple[np.ndarray, np.ndarray]:
    x = np.zeros((len(events), len(stream.schema.features)))
    y = np.zeros((len(events), len(stream.schema.labels)), bool)
    for i, event in enumerate(events):
        for name, value in event.x.items():
            x[i, stream.schema.features.find(name)] = value
        for name in event.y:
            y[i, stream.schema.labels.find(name)] = True
    return x, y


@pytest.fixture(scope="module")
def demo() -> tuple[DemoStream, np.ndarray, np.ndarray]:
    stream = DemoStream(seed=0)
    return stream, *matrices(read(stream), stream)


def test_is_a_source():
    assert isinstance(DemoStream(), Source)
    assert DemoStream().name == "demo"


def test_has_the_promised_size():
    stream = DemoStream()
    events = read(stream)
    assert stream.length == len(events) == 20_000
    assert (len(stream.schema.features), len(stream.schema.labels)) == (40, 12)
    assert [e.id for e in events] == list(range(20_000))
    assert [e.timestamp for e in events[:3]] == [0.0, 1.0, 2.0]
    assert stream.take_dead_letters() == []
    assert stream.next_batch(1) is None


def test_some_features_are_absent_most_of_the_time():
    events = read(DemoStream(n_events=2_000))
    share = {f"sparse_{i:02d}": 0.0 for i in range(16)}
    for event in events:
        assert sum(name.startswith("dense") for name in event.x) == 24
        for name in event.x:
            if name in share:
                share[name] += 1 / len(events)
    assert all(0.1 < s < 0.2 for s in share.values())


def test_label_sets_have_the_promised_sizes(demo):
    _, _, y = demo
    sizes = y.sum(axis=1)
    assert 2 < sizes.mean() < 3
    assert 0.001 < (sizes == 0).mean() < 0.03
    assert (y.mean(axis=0) > 0.15).all()


@pytest.mark.parametrize(("start", "stop"), [(0, 5_000), (11_000, 15_000), (15_000, 20_000)])
def test_labels_of_a_group_go_together_and_others_meet_by_chance(demo, start, stop):
    stream, _, y = demo
    both = y[start:stop].astype(float).T @ y[start:stop]
    either = both.diagonal()[:, None] + both.diagonal() - both
    jaccard = both / either
    inside, across = [], []
    groups = [{stream.schema.labels.find(n) for n in g} for g in stream.groups_at(start)]
    for i, j in combinations(range(12), 2):
        (inside if any({i, j} <= g for g in groups) else across).append(jaccard[i, j])
    assert len(inside) == 12
    assert min(inside) > 0.45
    assert 0.5 < np.mean(inside) < 0.75
    assert min(across) > 0
    assert 0.03 < np.mean(across) < 0.1
    assert max(across) < min(inside) / 2


def test_regrouping_parts_every_pair(demo):
    stream = demo[0]
    before, after = stream.groups_at(14_999), stream.groups_at(15_000)
    assert stream.groups_at(0) == before
    assert {n for g in after for n in g} == set(stream.schema.labels.names)
    assert all(len(set(a) & set(b)) <= 1 for a in before for b in after)


def linear_f1(x: np.ndarray, y: np.ndarray, fit: slice, score: slice) -> float:
    one = np.hstack([x, np.ones((len(x), 1))])
    weights = np.linalg.lstsq(one[fit], y[fit].astype(float), rcond=None)[0]
    said = one[score] @ weights > 0.4
    return 2 * (said & y[score]).sum() / (said.sum() + y[score].sum())


def test_is_learnable_but_not_trivial(demo):
    _, x, y = demo
    assert 0.6 < linear_f1(x, y, slice(0, 4_000), slice(4_000, 5_000)) < 0.9


def test_it_names_the_drifts_it_contains():
    assert [drift.start for drift in DemoStream(n_events=9_001).drifts] == [5_000, 9_000]
    assert DemoStream(order="shuffled").drifts == ()


def test_every_drift_breaks_what_was_learned(demo):
    stream, x, y = demo
    assert [(d.kind, d.start, d.end) for d in stream.drifts] == [
        ("sudden", 5_000, 5_000),
        ("gradual", 9_000, 11_000),
        ("regrouping", 15_000, 15_000),
    ]
    for drift in stream.drifts:
        fit = slice(drift.start - 3_000, drift.start)
        before = linear_f1(x, y, fit, slice(drift.start - 1_000, drift.start))
        after = linear_f1(x, y, fit, slice(drift.end, drift.end + 1_000))
        relearned = linear_f1(
            x, y, slice(drift.end, drift.end + 3_000), slice(drift.end, drift.end + 1_000)
        )
        assert after < before - 0.15
        assert relearned > after + 0.15


def test_gradual_drift_is_in_between(demo):
    _, x, y = demo
    old = slice(6_000, 9_000)
    f1 = [linear_f1(x, y, old, slice(s, s + 500)) for s in (8_500, 9_750, 11_000)]
    assert f1[0] > f1[1] > f1[2]


def same(a: EventBatch, b: EventBatch) -> bool:
    return list(a.events()) == list(b.events()) and a.n_labels.tolist() == b.n_labels.tolist()


@pytest.mark.parametrize("order", ["natural", "shuffled"])
def test_batch_size_changes_nothing(order):
    whole = read(DemoStream(seed=3, n_events=2_500, order=order), 4_096)
    assert read(DemoStream(seed=3, n_events=2_500, order=order), 7) == whole
    assert len(whole) == 2_500


def test_seed_decides():
    a, b = DemoStream(seed=1).next_batch(50), DemoStream(seed=1).next_batch(50)
    assert same(a, b)
    assert not same(a, DemoStream(seed=2).next_batch(50))


def test_length_moves_nothing():
    assert read(DemoStream(n_events=1_500)) == read(DemoStream())[:1_500]


def test_shuffled_order_is_the_documented_permutation():
    natural = read(DemoStream(n_events=2_500))
    shuffled = read(DemoStream(n_events=2_500, order="shuffled"))
    rows = np.random.default_rng(1).permutation(2_500)
    assert shuffled == [natural[i] for i in rows]


@pytest.mark.parametrize("order", ["natural", "shuffled"])
@pytest.mark.parametrize("position", [0, 1, 999, 1_000, 1_234, 2_499, 2_500])
def test_restored_stream_goes_on_with_the_next_event(position, order):
    stream = DemoStream(seed=5, n_events=2_500, order=order)
    handed = 0
    while handed < position:
        handed += len(stream.next_batch(position - handed))
    again = DemoStream(seed=5, n_events=2_500, order=order)
    again.restore(stream.snapshot())
    assert read(again) == read(stream)


@pytest.mark.parametrize(
    "snapshot",
    [
        {"seed": 1, "n_events": 20_000, "order": "natural", "position": 0},
        {"seed": 0, "n_events": 10, "order": "natural", "position": 0},
        {"seed": 0, "n_events": 20_000, "order": "shuffled", "position": 0},
        {"seed": 0, "n_events": 20_000, "order": "natural", "position": 20_001},
        {"seed": 0, "n_events": 20_000, "order": "natural", "position": "x"},
        {},
    ],
)
def test_foreign_snapshot_is_refused(snapshot):
    with pytest.raises(ContractError, match="snapshot"):
        DemoStream().restore(snapshot)


@pytest.mark.parametrize("wrong", [{"seed": -1}, {"n_events": 0}, {"order": "backwards"}])
def test_bad_parameters_are_refused(wrong):
    with pytest.raises(ConfigError):
        DemoStream(**wrong)


def test_closed_stream_hands_out_nothing():
    stream = DemoStream()
    stream.close()
    stream.close()
    with pytest.raises(ContractError, match="closed"):
        stream.next_batch(1)
