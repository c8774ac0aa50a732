"""A node classifier of one's own: anything that scores labels can join the mixture."""

from __future__ import annotations

import numpy as np

from streamml import IHOMER
from streamml.evaluate import prequential
from streamml.streams import DemoStream
from streamml.types import Float32Array, Int32Array


class CoOccurrence:
    """How often a label came with the first feature of the event."""

    def __init__(self) -> None:
        self.seen: dict[int, int] = {}
        self.true: dict[tuple[int, int], int] = {}

    def scores(self, columns: Int32Array, values: Float32Array, n_labels: int) -> Float32Array:
        first = int(columns[0]) if len(columns) else -1
        true = np.array([self.true.get((first, k), 0) for k in range(n_labels)])
        p = (true + 0.5) / (self.seen.get(first, 0) + 1.0)
        return np.log(p / (1.0 + 1e-6 - p)).astype(np.float32)

    def learn(
        self,
        columns: Int32Array,
        values: Float32Array,
        true: Int32Array,
        false: Int32Array,
        n_labels: int,
    ) -> None:
        first = int(columns[0]) if len(columns) else -1
        self.seen[first] = self.seen.get(first, 0) + 1
        for k in true.tolist():
            self.true[first, k] = self.true.get((first, k), 0) + 1


if __name__ == "__main__":
    first = DemoStream().next_batch(1_000)
    assert first is not None
    found = prequential([first], IHOMER(preset="fast", classifiers=[CoOccurrence()]))
    print(f"{found.events} events, micro-F1 {found.metrics['learner'].cumulative().micro_f1:.3f}")
