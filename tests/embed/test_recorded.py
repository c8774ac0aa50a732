"""When passes of a model are recorded, by a recorder that runs on a CPU; and staged memory."""

from __future__ import annotations

import gc
from contextlib import contextmanager, nullcontext
from types import SimpleNamespace

import numpy as np
import pytest

from streamml.embed.recorded import Recorded
from streamml.embed.staging import Staging


class Tensor(np.ndarray):
    """An array with the methods of a tensor that a recorder uses."""

    def clone(self):
        return self.copy()

    def numel(self):
        return self.size

    def copy_(self, other):
        self[...] = other


class Recorder:
    """Runs what was recorded on what then lies at the places it was recorded with."""

    def __init__(self, forward):
        self.forward, self.runs, self.replays, self.pools = forward, [], 0, []
        self.recording, self.fails = None, False
        self.inference_mode = nullcontext
        self.cuda = SimpleNamespace(
            CUDAGraph=lambda: SimpleNamespace(replay=None),
            graph=self._graph,
            graph_pool_handle=lambda: self.pools.append(1) or len(self.pools),
        )

    @contextmanager
    def _graph(self, graph, *, pool, capture_error_mode):
        assert (pool, capture_error_mode) == (len(self.pools), "thread_local")
        self.recording = graph
        try:
            yield
        finally:
            self.recording = None

    def run(self, tokens, mask):
        out = self.forward(tokens, mask)
        if self.recording is None:
            self.runs.append(tokens.shape)
            return out
        if self.fails:
            raise RuntimeError("operation not permitted when stream is capturing")

        def replay():
            self.replays += 1
            out[...] = self.forward(tokens, mask)

        self.recording.replay = replay
        out[...] = np.nan  # recording computes nothing
        return out


def batch(rows, length, seed):
    rng = np.random.default_rng(seed)
    tokens = rng.integers(1, 99, (rows, length)).view(Tensor)
    return tokens, (rng.random((rows, length)) < 0.8).astype(np.int64).view(Tensor)


def sums(tokens, mask):
    return (tokens * mask).sum(axis=1).astype(np.float32)


def test_from_the_third_time_on_a_shape_is_replayed_with_the_tokens_of_the_day():
    torch = Recorder(sums)
    recorded = Recorded(torch, torch.run)
    given = [batch(4, 8, seed) for seed in range(6)]
    for tokens, mask in given:
        assert recorded(tokens, mask, "float32").tolist() == sums(tokens, mask).tolist()
    assert torch.replays == 4
    for seed, (tokens, _) in enumerate(given):
        assert tokens.tolist() == batch(4, 8, seed)[0].tolist()  # not written to
    assert len(torch.runs) == 3  # two as they came, one to set libraries up
    recorded(*batch(4, 16, 0), "float32")
    recorded(*batch(4, 8, 0), "bfloat16")
    assert torch.replays == 4


def test_a_long_pass_is_not_recorded():
    torch = Recorder(sums)
    recorded = Recorded(torch, torch.run)
    for seed in range(4):
        recorded(*batch(1_024, 48, seed), "float32")
    assert (torch.replays, len(torch.runs)) == (0, 4)


def test_a_model_that_cannot_be_recorded_runs_as_before():
    torch = Recorder(sums)
    torch.fails = True
    recorded = Recorded(torch, torch.run)
    for seed in range(8):
        tokens, mask = batch(4, 8 + 8 * (seed % 2), seed)
        assert recorded(tokens, mask, "float32").tolist() == sums(tokens, mask).tolist()
    assert torch.replays == 0
    assert len(torch.runs) == 9  # set up once, not again


def test_what_is_recorded_is_let_go_of_with_its_memory():
    torch = Recorder(sums)
    recorded = Recorded(torch, torch.run)
    for seed in range(3):
        recorded(*batch(4, 8, seed), "float32")
    recorded.forget()
    for seed in range(3):
        recorded(*batch(4, 8, seed), "float32")
    assert (torch.replays, len(torch.pools)) == (2, 2)


def test_setting_up_masks_something_where_nothing_is_masked():
    seen = []

    def forward(tokens, mask):
        seen.append(bool(mask.all()))
        return sums(tokens, mask)

    torch = Recorder(forward)
    recorded = Recorded(torch, torch.run)
    tokens, _ = batch(4, 8, 0)
    for _ in range(3):
        recorded(tokens, np.ones((4, 8), np.int64).view(Tensor), "float32")
    assert seen == [True, True, False, True, True]  # twice, set up, recorded, replayed


def test_staged_arrays_do_not_overlap_and_their_memory_is_locked_until_it_is_let_go_of():
    locked, ended = {}, []
    staging = Staging(locked.__setitem__, ended.append)
    shapes = [(3, 5), (1_024, 512), (1,), (4_096, 512), (7, 7)]
    for _ in range(2):  # the second time in the same memory
        taken = [staging.take(shape, np.int64) for shape in shapes]
        for k, array in enumerate(taken):
            array[...] = k
        assert [set(array.ravel().tolist()) for array in taken] == [{k} for k in range(5)]
        assert [array.shape for array in taken] == shapes
        assert len(locked) == 3
        staging.reset()
    for array in taken:
        assert any(at <= array.ctypes.data < at + size for at, size in locked.items())
    del staging, array
    gc.collect()
    assert ended == []  # an array still stands in each of them
    del taken
    gc.collect()
    assert sorted(ended) == sorted(locked)


def test_memory_that_cannot_be_locked_is_an_error():
    def refuse(address, size):
        raise RuntimeError("CUDA error: out of memory")

    with pytest.raises(RuntimeError, match="CUDA error"):
        Staging(refuse, print).take((3,), np.float32)
