"""The stage: order, back-pressure, batches by size and time, positions, trouble with devices."""

from __future__ import annotations

import json
import threading

import numpy as np
import pytest

from streamml import IHOMER
from streamml.embed import EmbeddingSource
from streamml.embed.fourier import RandomFourierFeatures
from streamml.embed.hashing import HashedWords
from streamml.embed.projection import SparseProjection
from streamml.errors import ConfigError, ContractError, DataError, DeviceError, SchemaError
from streamml.io import Source
from streamml.service import Service
from streamml.streams import DemoStream, TextStream
from streamml.testing import Aborted, AbortingSource, EventSource, MemoryPredictions
from streamml.types import Event, PartialLabels, Schema
from streamml_connectors.files import open_source

PATIENCE = 30.0


def drained(source, size=64, most=10**9):
    """Batches until the end, or until ``most`` events."""
    batches, total = [], 0
    while total < most and (batch := source.next_batch(min(size, most - total))) is not None:
        batches.append(batch)
        total += len(batch)
    return batches


def taken_into(got, source):
    """Take batches until something is raised."""
    while True:
        got.append(source.next_batch(16))


def rows(batches):
    """What a learner sees of each event, bit for bit."""
    return [
        (
            batch.ids[i],
            batch.timestamps[i],
            batch.x_indices[batch.x_indptr[i] : batch.x_indptr[i + 1]].tolist(),
            batch.x_values[batch.x_indptr[i] : batch.x_indptr[i + 1]].tobytes(),
            sorted(batch.label_set(i)),
            int(batch.y_kind[i]),
            int(batch.n_features[i]),
            int(batch.n_labels[i]),
        )
        for batch in batches
        for i in range(len(batch))
    ]


class Fake:
    """Counts what it is given; fails on request. The text's length is its vector."""

    name, version, seed, dimensions, reads, sparse = "fake:1", "1", 0, 1, "text", False

    def __init__(self, fails=lambda n: None):
        self.sizes, self.fails = [], fails

    def encode(self, batch):
        error = self.fails(len(batch))
        if error is not None:
            raise error
        self.sizes.append(len(batch))
        return np.array([[len(text)] for text in batch.texts], np.float32)


def texts(n, **options):
    events = [Event(k, float(k), "x" * (k % 9 + 1), frozenset({f"l{k // 40}"})) for k in range(n)]
    return EventSource(events, Schema(takes_text=True), **options)


def staged(source, embedder, **options):
    source = EmbeddingSource(source, embedder, **options)
    assert isinstance(source, Source)
    return source


# -- what comes out


@pytest.mark.parametrize("batch", [1, 5, 32, 200])
def test_events_keep_their_order_and_their_bits_at_any_batch_size(batch):
    def run(batch, size):
        source = staged(DemoStream(n_events=300), RandomFourierFeatures(16), batch=batch)
        found = rows(drained(source, size))
        source.close()
        return found

    wanted = run(32, 64)
    assert [row[0] for row in wanted] == list(range(300))
    assert run(batch, 7) == wanted


def test_the_learner_predicts_the_same_at_any_batch_size():
    def run(batch):
        sink = MemoryPredictions()
        source = staged(DemoStream(n_events=400), SparseProjection(24), batch=batch)
        Service(source, IHOMER("fast"), predictions=sink).run()
        return sink.rows

    assert run(1) == run(50) == run(256)


def test_numbers_stay_beside_a_text(tmp_path):
    path = tmp_path / "t.jsonl"
    lines = [
        {"x": {"title": "sun", "price": 2.5}, "y": ["a"]},
        {"x": {"title": "rain", "size": 1, "price": 3}, "y": ["b"]},
    ]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    source = staged(open_source(path, text="title"), HashedWords(8))
    (batch,) = [b for b in drained(source) if len(b)]
    assert source.schema.features.names[8:] == ["price", "size"]
    assert batch.n_features.tolist() == [9, 10]
    found = [dict(event.x) for event in batch.events()]
    assert [x.get("price") for x in found] == [2.5, 3.0]
    assert [len(x) for x in found] == [2, 3]
    source.close()


def test_names_grow_as_events_are_handed_out_not_as_they_are_read():
    source = staged(texts(120), Fake(), batch=64, ahead=120)
    drained(source, 10, most=50)
    assert source.schema.labels.names == ["l0", "l1"]
    assert len(source.source.schema.labels) >= 2
    drained(source)
    assert source.schema.labels.names == ["l0", "l1", "l2"]
    source.close()


def test_a_vector_that_is_not_finite_makes_a_dead_letter():
    class Bad(Fake):
        def encode(self, batch):
            vectors = super().encode(batch)
            vectors[vectors == 4] = np.inf
            return vectors

    source = staged(texts(20), Bad())
    ids = [row[0] for row in rows(drained(source))]
    assert ids == [k for k in range(20) if k % 9 != 3]
    assert [(x.reason, x.position) for x in source.take_dead_letters()] == [
        ("not_finite", "event 3"),
        ("not_finite", "event 12"),
    ]
    source.close()


@pytest.mark.parametrize("vectors", [np.zeros((1, 1), np.float32), np.zeros((20, 1))])
def test_a_wrong_matrix_is_refused(vectors):
    class Wrong(Fake):
        def encode(self, batch):
            return vectors

    source = staged(texts(20), Wrong())
    with pytest.raises(ContractError, match="encode must give float32"):
        drained(source)
    source.close()


def test_options_are_checked():
    for options in ({"batch": 0}, {"max_wait": -1}, {"batch": 8, "ahead": 7}):
        with pytest.raises(ConfigError):
            EmbeddingSource(texts(1), Fake(), **options)
    with pytest.raises(ConfigError, match="--text-field"):
        EmbeddingSource(DemoStream(), Fake())
    with pytest.raises(ConfigError):
        EmbeddingSource(texts(1), Fake()).next_batch(0)


# -- batches and back-pressure


class WatchedSource(EventSource):
    """Notes how deep the stage's queue is whenever it is read; can be held."""

    stage = None

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.depths, self.total = [], 0
        self.changed = threading.Condition()

    def next_batch(self, max_events):
        with self.changed:
            self.depths.append(self.stage.embedding_status.queue_depth)
            batch = super().next_batch(max_events)
            self.total += len(batch) if batch is not None else 0
            self.changed.notify_all()
            return batch


def test_no_more_is_read_ahead_than_allowed():
    source = WatchedSource([Event(k, 0.0, "x") for k in range(2_000)], Schema(takes_text=True))
    stage = source.stage = staged(source, Fake(), batch=16, ahead=80)
    assert len(drained(stage, 1, most=1)) >= 1
    with source.changed:
        assert source.changed.wait_for(lambda: source.total >= 80, PATIENCE)
    assert stage.embedding_status.queue_depth == 79
    assert len(rows(drained(stage, 3))) == 1_999
    assert max(source.depths) == 80
    stage.close()


def test_batches_are_full_where_events_come_fast():
    embedder = Fake()
    source = staged(texts(1_000), embedder, batch=100, max_wait=PATIENCE)
    assert len(rows(drained(source))) == 1_000
    assert embedder.sizes == [100] * 10
    source.close()


def test_a_batch_does_not_wait_for_ever_to_fill():
    more = threading.Event()

    class Trickle(EventSource):
        def next_batch(self, max_events):
            if self._position >= 3:
                assert more.wait(PATIENCE)
            return super().next_batch(1)

    source = staged(Trickle([Event(k, 0.0, "x") for k in range(6)], Schema(takes_text=True)),
                    Fake(), batch=50, max_wait=0.01)  # fmt: skip
    assert [row[0] for row in rows(drained(source, 50, most=3))] == [0, 1, 2]
    more.set()
    assert [row[0] for row in rows(drained(source))] == [3, 4, 5]
    source.close()


def test_who_waits_for_events_stays_awake():
    more = threading.Event()

    class Silent(EventSource):
        def next_batch(self, max_events):
            assert more.wait(PATIENCE)
            return super().next_batch(max_events)

    source = staged(Silent([Event(0, 0.0, "x")], Schema(takes_text=True)), Fake())
    assert len(source.next_batch(5)) == 0
    more.set()
    assert [row[0] for row in rows(drained(source))] == [0]
    source.close()


def test_closing_ends_the_threads_and_the_source():
    inner = texts(5_000)
    source = staged(inner, Fake(), batch=8)
    source.next_batch(3)
    source.close()
    source.close()
    assert inner.closed
    assert not [t for t in threading.enumerate() if t.name.startswith("streamml-embed")]
    with pytest.raises(ContractError, match="closed"):
        source.next_batch(1)


@pytest.mark.parametrize("error", [Aborted, DataError])
def test_what_ends_the_source_comes_behind_what_it_gave(error):
    class Breaking(AbortingSource):
        def next_batch(self, max_events):
            try:
                return super().next_batch(max_events)
            except Aborted as found:
                raise error(*found.args) from None

    source = staged(Breaking(texts(100), after=70), Fake())
    got = []
    with pytest.raises(error, match="after 70"):
        taken_into(got, source)
    assert len(rows(got)) == 70
    with pytest.raises(error):
        source.next_batch(1)
    source.close()


# -- positions


def mixed_file(tmp_path):
    """200 lines: events with text and numbers, labels that appear late, some dead rows."""
    path = tmp_path / "mixed.jsonl"
    stream = TextStream(seed=4).next_batch(200)
    lines = []
    for k, event in enumerate(stream.events()):
        line = {"id": f"e{k}", "x": {"t": event.x, f"n{k // 50}": k}, "y": [f"l{k // 60}"]}
        if k % 7 == 5:
            line["y"] = {"positive": ["l0"], "negative": [f"m{k // 70}"]}
        lines.append('{"x": 1}' if k % 13 == 6 else json.dumps(line))
    path.write_text("\n".join(lines) + "\n")
    return path


def mixed(path):
    return staged(open_source(path, text="t"), HashedWords(32), batch=48)


@pytest.mark.parametrize(("cut", "size"), [(1, 1), (30, 7), (64, 64), (100, 33), (184, 200)])
def test_a_run_from_a_snapshot_goes_on_as_if_it_had_never_stopped(tmp_path, cut, size):
    path = mixed_file(tmp_path)
    whole = mixed(path)
    wanted = rows(drained(whole))
    letters = [x.position for x in whole.take_dead_letters()]
    assert len(wanted) == 185
    assert len(letters) == 15
    first = mixed(path)
    before = rows(drained(first, size, most=cut))
    early = [x.position for x in first.take_dead_letters()]
    snapshot = json.loads(json.dumps(first.snapshot()))
    labels = list(first.schema.labels.names)
    second = mixed(path)
    second.restore(snapshot)
    assert second.schema.labels.names == labels
    again = second.snapshot()
    assert again["n_labels"] == snapshot["n_labels"]
    after = rows(drained(second, size))
    assert before + after == wanted
    assert early + [x.position for x in second.take_dead_letters()] == letters
    assert second.schema.features.names == whole.schema.features.names
    for source in (whole, first, second):
        source.close()


def test_a_snapshot_before_and_behind_everything(tmp_path):
    path = mixed_file(tmp_path)
    source = mixed(path)
    start = source.snapshot()
    wanted = rows(drained(source))
    end = source.snapshot()
    one, two = mixed(path), mixed(path)
    one.restore(start)
    two.restore(end)
    assert rows(drained(one)) == wanted
    assert rows(drained(two)) == []
    for each in (source, one, two):
        each.close()


def test_another_embedder_is_refused(tmp_path):
    path = mixed_file(tmp_path)
    source = mixed(path)
    drained(source, 10, most=10)
    snapshot = source.snapshot()
    source.close()
    for other in (HashedWords(64), HashedWords(32, seed=2), Fake()):
        stage = EmbeddingSource(open_source(path, text="t"), other)
        with pytest.raises(SchemaError, match=r"hash:32 \(version 1, seed 1\), not with"):
            stage.restore(snapshot)
        stage.close()
    bare = mixed(path)
    with pytest.raises(SchemaError, match="without an embedder"):
        bare.restore(open_source(path, text="t").snapshot())
    with pytest.raises(DataError, match="no position"):
        bare.restore({**snapshot, "source": 3})
    held = {**snapshot["held"], "y_indices": [99] * len(snapshot["held"]["y_indices"])}
    with pytest.raises(DataError, match="do not fit"):
        mixed(path).restore({**snapshot, "held": held})
    held = {**snapshot["held"], "x_indices": [99] * len(snapshot["held"]["x_indices"])}
    with pytest.raises(DataError, match="cannot be read"):
        mixed(path).restore({**snapshot, "held": held})
    with pytest.raises(DataError, match="not those of the source"):
        mixed(path).restore({**snapshot, "labels": ["other", "l0"]})
    bare.close()


def test_restoring_comes_first():
    source = staged(texts(10), Fake())
    snapshot = source.snapshot()
    drained(source)
    with pytest.raises(ContractError, match="before the first batch"):
        source.restore(snapshot)
    source.close()


def test_partial_labels_survive():
    known = PartialLabels(frozenset({"a"}), frozenset({"b"}))
    inner = EventSource([Event(0, 0.0, "sun", known)], Schema(takes_text=True))
    source = staged(inner, Fake())
    (batch,) = [b for b in drained(source) if len(b)]
    assert next(batch.events()).y == known
    source.close()


# -- devices


class OutOfMemoryError(RuntimeError):
    """Goes by the name that torch's has."""


class Device(Fake):
    """Holds so many events at once; can be moved to the CPU."""

    def __init__(self, room, lost_after=10**9):
        super().__init__(self._trouble)
        self.room, self.left = room, lost_after

    def _trouble(self, n):
        if n > self.room:
            return OutOfMemoryError("CUDA out of memory. Tried to allocate 1 GiB")
        self.left -= n
        return RuntimeError("CUDA error: unspecified launch failure") if self.left < 0 else None

    def on_cpu(self):
        return Fake()

    def device_memory(self):
        return 12_345


def test_short_memory_halves_the_batch_and_says_so_once():
    said, embedder = [], Device(room=20)
    source = staged(texts(500), embedder, batch=100, max_wait=PATIENCE, tell=said.append)
    assert [row[0] for row in rows(drained(source))] == list(range(500))
    assert len(said) == 1
    assert "going on with 50 or fewer" in said[0]
    assert max(embedder.sizes) <= 20
    status = source.embedding_status
    assert (status.batch_limit, status.device_memory, status.events) == (12, 12_345, 500)
    source.close()


def test_memory_that_holds_not_even_one_event_ends_the_run():
    source = staged(texts(50), Device(room=0), tell=lambda sentence: None)
    with pytest.raises(DeviceError, match="lost or full"):
        drained(source)
    source.close()


def test_a_lost_device_ends_the_run_behind_what_was_embedded_and_can_be_resumed():
    wanted = rows(drained(staged(texts(300), Fake(), batch=50)))
    source = staged(texts(300), Device(room=99, lost_after=120), batch=50, max_wait=PATIENCE)
    got = []
    with pytest.raises(DeviceError, match="--device-fallback cpu"):
        taken_into(got, source)
    assert rows(got) == wanted[:100]
    snapshot = source.snapshot()
    source.close()
    resumed = staged(texts(300), Device(room=99), batch=50)
    resumed.restore(snapshot)
    assert rows(got) + rows(drained(resumed)) == wanted
    resumed.close()


def test_a_service_keeps_what_was_learned_when_the_device_is_lost():
    source = staged(texts(300), Device(room=99, lost_after=120), batch=50, max_wait=PATIENCE)
    result = Service(source, IHOMER("fast")).run()
    assert isinstance(result.error, DeviceError)
    assert result.progress.events == 100
    assert result.progress.embedding.embedder == "fake:1"


def test_with_a_fallback_the_cpu_goes_on():
    said = []
    source = staged(texts(300), Device(room=99, lost_after=120), batch=50, fallback=True,
                    tell=said.append)  # fmt: skip
    assert rows(drained(source)) == rows(drained(staged(texts(300), Fake())))
    assert len(said) == 1
    assert "CPU" in said[0]
    source.close()


def test_another_error_of_an_embedder_is_not_taken_for_a_device():
    source = staged(texts(30), Fake(lambda n: ValueError("no such word")), fallback=True)
    with pytest.raises(ValueError, match="no such word"):
        drained(source)
    source.close()


def test_methods_of_the_source_can_be_used_through_the_stage():
    class Committing(EventSource):
        kind = "log"

        def commit(self, snapshot):
            return f"committed {snapshot['position']}"

    inner = Committing([Event(0, 0.0, "x")], Schema(takes_text=True))
    source = staged(inner, Fake())
    assert source.kind == "log"
    assert source.commit({"position": 1}) == "committed 1"
    with pytest.raises(AttributeError):
        source.nothing  # noqa: B018
    source.close()
