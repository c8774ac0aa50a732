"""A learner of one's own: the batch contract is two methods, river's face comes with it."""

from __future__ import annotations

import numpy as np

from streamml.base import MIN_SCORE, Learner
from streamml.evaluate import prequential
from streamml.streams import DemoStream
from streamml.types import LABELS_FULL, EventBatch, Predictions


class Frequent(Learner):
    """Predicts every label that more than a share of the events had.

    Parameters
    ----------
    share
        In (0, 1).
    """

    def __init__(self, share: float = 0.2) -> None:
        self.share = share
        self._true = np.zeros(0, np.int64)
        self._events = 0

    def predict(self, batch: EventBatch, min_score: float = MIN_SCORE) -> Predictions:
        score = (self._true / max(self._events, 1)).astype(np.float32)
        decided = np.flatnonzero(score > self.share).astype(np.int32)
        told = np.flatnonzero((score >= min_score) | (score > self.share)).astype(np.int32)
        n = len(batch)
        rows = np.arange(n + 1, dtype=np.int64)
        return Predictions(
            rows * len(decided),
            np.tile(decided, n),
            rows * len(told),
            np.tile(told, n),
            np.tile(score[told], n),
        )

    def learn(self, batch: EventBatch) -> None:
        self.bind(batch.schema)
        new = len(batch.schema.labels) - len(self._true)
        self._true = np.pad(self._true, (0, max(new, 0)))
        for row in np.flatnonzero(batch.y_kind == LABELS_FULL).tolist():
            self._true[batch.y_indices[batch.y_indptr[row] : batch.y_indptr[row + 1]]] += 1
            self._events += 1


if __name__ == "__main__":
    stream = DemoStream()
    found = prequential(stream, Frequent())
    print(f"{found.events} events, micro-F1 {found.metrics['learner'].cumulative().micro_f1:.3f}")
