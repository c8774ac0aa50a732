"""What a service finds out as it runs: how large batches should be, how time splits."""

from __future__ import annotations

from dataclasses import dataclass

from streamml.base import Learner
from streamml.io.pacing import Clock
from streamml.types import EventBatch

__all__ = ["BatchSize", "SplitProbe"]

_FIRST_SIZE, _LARGEST_SIZE = 64, 4096
_QUICK, _SLOW = 0.05, 0.2  # a batch should take between these many seconds
_PROBE_EVERY, _PROBE_EVENTS = 16, 256


@dataclass(slots=True)
class BatchSize:
    """Grows while batches are quick, shrinks when they are slow: a stop is never far."""

    size: int = _FIRST_SIZE

    def adapt(self, events: int, seconds: float) -> None:
        if seconds > _SLOW:
            self.size = max(self.size // 2, 1)
        elif events >= self.size and seconds < _QUICK:
            self.size = min(self.size * 2, _LARGEST_SIZE)


@dataclass(slots=True)
class SplitProbe:
    """Measures, on samples, how test-then-train splits; predicting changes no state."""

    batches: int = 0
    predict: float = 0.0
    both: float = 0.0

    def before(self, learner: Learner, batch: EventBatch, clock: Clock) -> float:
        """Seconds that predicting the batch takes, where it is this one's turn; else 0."""
        self.batches += 1
        # Not the first: compiled code is loaded there.
        if self.batches % _PROBE_EVERY != 2 or not len(batch):
            return 0.0
        sample = batch.slice(0, min(len(batch), _PROBE_EVENTS))
        start = clock.now()
        learner.predict(sample)
        return (clock.now() - start) * len(batch) / len(sample)

    def after(self, predict: float, both: float) -> None:
        if predict > 0:
            self.predict += min(predict, both)
            self.both += both

    @property
    def share(self) -> float:
        return self.predict / self.both if self.both > 0 else 0.0
