"""The stage for a shared log: nothing is read ahead, labels pass, positions are the source's."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from streamml.embed import InlineEmbeddingSource
from streamml.embed.hashing import HashedWords
from streamml.embed.projection import SparseProjection
from streamml.errors import ConfigError, DataError, DeviceError, SchemaError
from streamml.io import Source
from streamml.streams import DemoStream
from streamml.testing import EventSource
from streamml.types import Event, EventBatch, Schema


@dataclass(slots=True)
class Mixed(EventBatch):
    """Events, and rows that bring labels only, with something of their own a row."""

    labels_only: np.ndarray
    offset: np.ndarray
    origins: list[str]


class Log(EventSource):
    """A shared log: every third record brings labels for the event before it."""

    def __init__(self, n=30):
        events = [Event(k, float(k), f"word{k % 5}", frozenset({f"l{k // 10}"})) for k in range(n)]
        super().__init__(events, Schema(takes_text=True))
        self.before_revoke, self.committed = None, []

    def next_batch(self, max_events):
        start = self._position
        batch = super().next_batch(max_events)
        if batch is None:
            return None
        offset = np.arange(start, start + len(batch))
        fields = {name: getattr(batch, name) for name in EventBatch.__slots__}
        return Mixed(
            **fields, labels_only=offset % 3 == 2, offset=offset, origins=["topic/0"] * len(batch)
        )

    def commit(self, snapshot):
        self.committed.append(snapshot["position"])

    def partitions(self):
        return ()


def test_labels_pass_and_events_are_embedded_in_a_batch_of_the_same_class():
    log = Log()
    stage = InlineEmbeddingSource(log, HashedWords(16))
    assert isinstance(stage, Source)
    batch = stage.next_batch(9)
    assert isinstance(batch, Mixed)
    assert batch.offset.tolist() == list(range(9))
    assert np.diff(batch.x_indptr).tolist() == [1, 1, 0] * 3
    assert [sorted(batch.label_set(i)) for i in range(9)] == [["l0"]] * 9
    assert stage.embedding_status.events == 6
    assert stage.schema.labels.names == ["l0"]
    assert log._position == 9


def test_vectors_are_those_of_the_events_alone():
    stage = InlineEmbeddingSource(Log(), HashedWords(16))
    batch = stage.next_batch(30)
    plain = EventSource(Log()._events, Schema(takes_text=True)).next_batch(30)
    wanted = HashedWords(16).encode(plain)
    for i in np.flatnonzero(~batch.labels_only):
        row = np.zeros(16, np.float32)
        part = slice(batch.x_indptr[i], batch.x_indptr[i + 1])
        row[batch.x_indices[part]] = batch.x_values[part]
        assert row.tobytes() == wanted[i].tobytes()


def test_what_commits_and_what_is_revoked_reaches_the_log():
    log = Log()
    stage = InlineEmbeddingSource(log, HashedWords(16))
    stage.before_revoke = lambda: True
    assert log.before_revoke() is True
    assert stage.before_revoke is log.before_revoke
    stage.next_batch(4)
    stage.commit(stage.snapshot())
    assert log.committed == [4]


def test_a_run_goes_back_to_a_position_at_any_time():
    stage = InlineEmbeddingSource(Log(), HashedWords(16))
    stage.next_batch(12)
    snapshot = stage.snapshot()
    wanted = stage.next_batch(10)
    stage.restore(snapshot)
    again = stage.next_batch(10)
    assert again.ids == wanted.ids
    assert again.x_values.tobytes() == wanted.x_values.tobytes()
    other = InlineEmbeddingSource(Log(), HashedWords(32))
    with pytest.raises(SchemaError, match="hash:16"):
        other.restore(snapshot)
    with pytest.raises(DataError, match="no position"):
        stage.restore({**snapshot, "source": None})


def test_a_lost_device_leaves_the_position_before_the_events():
    class Lost(HashedWords):
        left = 10

        def encode(self, batch):
            self.left -= len(batch)
            if self.left < 0:
                raise RuntimeError("CUDA error: device lost")
            return super().encode(batch)

    stage = InlineEmbeddingSource(Log(), Lost(16))
    stage.next_batch(12)
    with pytest.raises(DeviceError):
        stage.next_batch(12)
    assert stage.snapshot()["source"] == {"position": 12}
    with pytest.raises(DeviceError):
        stage.next_batch(1)


def test_a_vector_that_is_not_finite_takes_its_row_with_it():
    class Bad(HashedWords):
        def encode(self, batch):
            vectors = super().encode(batch)
            vectors[[text == "word3" for text in batch.texts]] = np.nan
            return vectors

    log = Log()
    stage = InlineEmbeddingSource(log, Bad(16))
    batch = stage.next_batch(10)
    assert batch.ids == [0, 1, 2, 4, 5, 6, 7, 8, 9]  # 3 was an event; 8 brought labels only
    assert batch.offset.tolist() == batch.ids
    assert len(batch.origins) == 10
    assert [letter.position for letter in stage.take_dead_letters()] == ["event 3"]
    assert batch.n_labels.shape == (9,)
    assert np.diff(batch.y_indptr).tolist() == [1] * 9


def test_numbers_and_the_end():
    stage = InlineEmbeddingSource(DemoStream(n_events=5), SparseProjection(4))
    assert stage.length == 5
    assert len(stage.next_batch(9)) == 5
    assert stage.next_batch(9) is None
    stage.close()
    whole = DemoStream()
    assert InlineEmbeddingSource(whole, SparseProjection(4)).drifts == whole.drifts != ()
    with pytest.raises(ConfigError, match="--text-field"):
        InlineEmbeddingSource(DemoStream(), HashedWords(4))
