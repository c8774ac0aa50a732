"""An embedder of one's own: texts become counts of letters before the learner sees them."""

from __future__ import annotations

from typing import Literal

import numpy as np

from streamml import IHOMER
from streamml.embed import EmbeddingSource
from streamml.evaluate import prequential
from streamml.streams import TextStream
from streamml.types import EventBatch, Float32Array


class Letters:
    """How often each letter stands in the text."""

    name, version, seed = "letters", "1", 0  # what snapshots compare
    dimensions = 26
    reads: Literal["text", "features"] = "text"
    sparse = False

    def encode(self, batch: EventBatch) -> Float32Array:
        rows = [[text.lower().count(chr(97 + k)) for k in range(26)] for text in batch.texts or []]
        return np.array(rows, np.float32).reshape(len(rows), 26)


if __name__ == "__main__":
    with_letters = EmbeddingSource(TextStream(), Letters())
    found = prequential(with_letters, IHOMER(preset="fast"))
    with_letters.close()
    micro_f1 = found.metrics["learner"].cumulative().micro_f1
    print(f"{found.events} texts, micro-F1 {micro_f1:.3f}")
