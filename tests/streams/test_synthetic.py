"""Synthetic streams: the same bits however they are read, and drifts where they say."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamml.errors import ConfigError, ContractError
from streamml.io import Source
from streamml.streams import STREAMS, SyntheticStream, make_stream
from streamml.types import EventBatch

NAMES = [name for name in STREAMS if name != "demo"]
KINDS = ["sudden", "gradual", "incremental", "recurring"]
WHATS = ["concept", "correlation", "imbalance", "labels"]
SHORT = {"positions": (2_000, 4_000), "width": 600, "n_events": 6_000}


def read(stream: SyntheticStream, *sizes: int) -> EventBatch:
    """The rest of the stream, in batches of these sizes, again and again."""
    parts, turn = [], 0
    while (batch := stream.next_batch((sizes or (1_000,))[turn % len(sizes or (1,))])) is not None:
        parts.append(batch)
        turn += 1
    return EventBatch.concatenate(parts)


def bits(batch: EventBatch) -> tuple[object, ...]:
    arrays = (
        batch.timestamps, batch.x_indptr, batch.x_indices, batch.x_values, batch.y_indptr,
        batch.y_indices, batch.y_kind, batch.n_features, batch.n_labels,
    )  # fmt: skip
    return batch.ids, [a.tobytes() for a in arrays], list(batch.schema.labels.names)


def matrices(stream: SyntheticStream) -> tuple[np.ndarray, np.ndarray]:
    batch = read(stream)
    n, d = len(batch), stream.n_features
    y = np.zeros((n, stream.n_labels), bool)
    y[np.repeat(np.arange(n), np.diff(batch.y_indptr)), batch.y_indices] = True
    return batch.x_values.reshape(n, d).astype(float), y


def neighbour_f1(x, y, fit: slice, score: slice) -> float:
    """Micro-F1 of seven nearest neighbours: knows straight and crooked borders alike."""
    gaps = ((x[score] ** 2).sum(1)[:, None] - 2 * x[score] @ x[fit].T) + (x[fit] ** 2).sum(1)
    votes = y[fit][np.argpartition(gaps, 7, axis=1)[:, :7]].mean(axis=1)
    said = votes > 0.35
    return 2 * (said & y[score]).sum() / max(said.sum() + y[score].sum(), 1)


def test_every_stream_is_a_source():
    for name in STREAMS:
        stream = make_stream(name, seed=1)
        assert isinstance(stream, Source)
        assert stream.name == name


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=8, deadline=None, derandomize=True)
@given(sizes=st.lists(st.integers(1, 1_500), min_size=1, max_size=4), kind=st.sampled_from(KINDS))
def test_batch_size_changes_no_bit(name, sizes, kind):
    how = {"drift": kind, "n_events": 1_700, "positions": (400, 1_100), "width": 300}
    whole = bits(read(make_stream(name, seed=3, what="labels", **how)))
    assert bits(read(make_stream(name, seed=3, what="labels", **how), *sizes)) == whole


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=8, deadline=None, derandomize=True)
@given(position=st.integers(0, 2_500), what=st.sampled_from(WHATS))
def test_a_restored_stream_goes_on_with_the_next_event(name, position, what):
    how = {"n_events": 2_500, "n_labels": 9, "drift": "gradual", "what": what}
    how |= {"positions": (900,), "width": 700}
    stream, again = make_stream(name, seed=5, **how), make_stream(name, seed=5, **how)
    handed = 0
    while handed < position:
        handed += len(stream.next_batch(position - handed))
    again.restore(stream.snapshot())
    assert again.schema.labels.names == stream.schema.labels.names
    if position < 2_500:
        assert bits(read(again, 333)) == bits(read(stream))
    assert again.next_batch(1) is None


@pytest.mark.parametrize("name", NAMES)
def test_seed_decides_and_length_moves_nothing(name):
    how = {"drift": "sudden", "what": "labels", "positions": (800,)}
    one = bits(make_stream(name, seed=1, n_events=700, **how).next_batch(700))
    assert bits(make_stream(name, seed=1, n_events=9_000, **how).next_batch(700)) == one
    assert bits(make_stream(name, seed=2, n_events=700, **how).next_batch(700)) != one


@pytest.mark.parametrize("n_labels", [8, 25])
@pytest.mark.parametrize("name", NAMES)
def test_label_sets_have_sensible_sizes(name, n_labels):
    for seed in range(3):
        _, y = matrices(make_stream(name, seed, n_events=3_000, n_labels=n_labels))
        assert 2 < y.sum(axis=1).mean() < 3
        assert y.mean(axis=0).min() > 0.01
        assert y.mean(axis=0).max() < 0.7


@pytest.mark.parametrize("name", NAMES)
def test_a_stationary_stream_stays_as_it_is(name):
    stream = make_stream(name, seed=1, n_events=30_000)
    assert stream.drifts == ()
    x, y = matrices(stream)
    early, late = slice(0, 3_000), slice(27_000, 30_000)
    assert np.abs(y[early].mean(axis=0) - y[late].mean(axis=0)).max() < 0.05
    assert np.abs(x[early].mean(axis=0) - x[late].mean(axis=0)).max() < 0.12
    f1 = [neighbour_f1(x, y, early, slice(s, s + 1_000)) for s in (3_000, 29_000)]
    assert f1[0] == pytest.approx(f1[1], abs=0.04)
    assert f1[0] > 0.45


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", NAMES)
def test_a_drift_of_the_concept_breaks_what_was_learned(name, kind):
    stream = make_stream(name, seed=2, drift=kind, **SHORT)
    width = 600 if kind in ("gradual", "incremental") else 0
    assert [(d.kind, d.position, d.width, d.what) for d in stream.drifts] == [
        (kind, 2_000, width, "concept"),
        (kind, 4_000, width, "concept"),
    ]
    x, y = matrices(stream)
    for start in (2_000, 4_000):
        end = start + width
        fit = slice(start - 1_300, start - 300)
        before = neighbour_f1(x, y, fit, slice(start - 300, start))
        after = neighbour_f1(x, y, fit, slice(end, end + 300))
        relearned = neighbour_f1(x, y, slice(end + 300, end + 1_300), slice(end, end + 300))
        assert after < before - 0.1
        assert relearned > after + 0.1
        if width:
            middle = neighbour_f1(x, y, fit, slice(start + 200, start + 400))
            assert after - 0.05 < middle < before + 0.05
    returned = neighbour_f1(x, y, slice(700, 2_000), slice(5_000, 6_000))
    if kind == "recurring":
        assert returned == pytest.approx(before_of(x, y), abs=0.08)
    else:
        assert returned < before_of(x, y) - 0.1


def before_of(x, y) -> float:
    return neighbour_f1(x, y, slice(0, 1_300), slice(1_300, 2_000))


@pytest.mark.parametrize("name", NAMES)
def test_a_drift_of_correlation_parts_labels_that_went_together(name):
    _, y = matrices(make_stream(name, 1, drift="sudden", what="correlation", n_labels=12, **SHORT))
    tables = [np.corrcoef(y[a : a + 2_000].T) for a in (0, 2_000)]
    pairs = list(combinations(range(12), 2))
    moved = [abs(tables[0][i, j] - tables[1][i, j]) for i, j in pairs]
    halves = [np.corrcoef(y[a : a + 1_000].T) for a in (0, 1_000)]
    chance = [abs(halves[0][i, j] - halves[1][i, j]) for i, j in pairs]
    assert np.mean(moved) > 2 * np.mean(chance)
    assert np.abs(y[:2_000].mean(0) - y[2_000:4_000].mean(0)).max() < 0.08


@pytest.mark.parametrize("name", NAMES)
def test_a_drift_of_imbalance_moves_frequencies(name):
    stream = make_stream(name, 1, drift="sudden", what="imbalance", **SHORT)
    _, y = matrices(stream)
    rates = [y[a : a + 1_000].mean(axis=0) for a in (0, 1_000, 2_000)]
    assert np.abs(rates[0] - rates[1]).max() < 0.08
    assert np.abs(rates[1] - rates[2]).max() > 0.15
    assert y[2_000:].sum(axis=1).mean() == pytest.approx(2.5, abs=0.4)


@pytest.mark.parametrize("name", NAMES)
def test_labels_appear_and_vanish(name):
    stream = make_stream(name, 1, drift="sudden", what="labels", noise=0.0, **SHORT)
    assert stream.schema.declared_labels == len(stream.schema.labels) == 6
    batch = read(make_stream(name, 1, drift="sudden", what="labels", noise=0.0, **SHORT))
    assert batch.n_labels[[1_999, 2_000]].tolist() == [6, 8]
    _, y = matrices(stream)
    there = [set(np.flatnonzero(y[a : a + 2_000].any(axis=0))) for a in (0, 2_000, 4_000)]
    assert there == [{0, 1, 2, 3, 4, 5}, {2, 3, 4, 5, 6, 7}, {4, 5, 6, 7, 0, 1}]


def test_groups_are_those_of_the_state():
    stream = make_stream("correlation", 1, drift="recurring", what="correlation")
    assert stream.groups_at(0) == stream.groups_at(35_000) != stream.groups_at(20_000)


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("rbf", {"seed": -1}),
        ("rbf", {"n_events": 0}),
        ("rbf", {"n_labels": 1}),
        ("rbf", {"n_centres": 1}),
        ("rbf", {"depth": 3}),
        ("random-tree", {"depth": 0}),
        ("random-tree", {"noise": 1.5}),
        ("hyperplane", {"drift": "sometimes"}),
        ("hyperplane", {"drift": "sudden", "what": "mood"}),
        ("hyperplane", {"cardinality": 5.0}),
        ("hyperplane", {"drift": "gradual", "positions": (100, 200), "width": 150}),
        ("hyperplane", {"drift": "sudden", "positions": (200, 100)}),
        ("correlation", {"visible": -0.1}),
        ("waves", {}),
    ],
)
def test_bad_parameters_are_refused(name, wrong):
    with pytest.raises(ConfigError):
        make_stream(name, **wrong)


def test_a_foreign_snapshot_is_refused():
    stream = make_stream("rbf", seed=1)
    for snapshot in (
        make_stream("rbf", seed=2).snapshot(),
        make_stream("hyperplane", seed=1).snapshot(),
        {**stream.snapshot(), "position": 50_001},
        {},
    ):
        with pytest.raises(ContractError, match="snapshot"):
            stream.restore(snapshot)


def test_a_closed_stream_hands_out_nothing():
    stream = make_stream("rbf")
    stream.close()
    stream.close()
    with pytest.raises(ContractError, match="closed"):
        stream.next_batch(1)
