"""An embedder of one's own: how often each letter stands in a text."""

from __future__ import annotations

from typing import Literal

import numpy as np

from streamml.baselines import NoChange
from streamml.embed import EmbeddingSource
from streamml.service import Service
from streamml.streams import TextStream
from streamml.types import EventBatch, Float32Array


class Letters:
    """Shares of the letters a to z; ``streamml run texts.jsonl --embed letters:``."""

    name, version, seed = "letters", "1", 0  # what snapshots compare
    dimensions = 26
    reads: Literal["text", "features"] = "text"  # features: the sparse rows of the batch
    sparse = False

    def __init__(self, argument: str = "", seed: int = 0, device: str = "cpu") -> None:
        """Called so by --embed: ``argument`` is what follows the colon."""

    def encode(self, batch: EventBatch) -> Float32Array:
        rows = [[text.lower().count(chr(97 + k)) for k in range(26)] for text in batch.texts or ()]
        counts: Float32Array = np.array(rows, np.float32).reshape(len(batch), 26)
        counts /= np.maximum(counts.sum(axis=1, keepdims=True), 1)
        return counts


if __name__ == "__main__":
    source = EmbeddingSource(TextStream(), Letters())
    result = Service(source, NoChange()).run()
    print(f"{result.progress.events} events of {result.progress.features} features")
