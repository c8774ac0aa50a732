"""What an embedding stage says of itself, for progress displays and Prometheus."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["EmbeddingStatus"]


@dataclass(frozen=True, slots=True)
class EmbeddingStatus:
    """How an embedding stage is doing.

    Parameters
    ----------
    embedder
        Its name.
    queue_depth
        Events read and not handed to the learner yet.
    batch_size
        Events of the batch embedded last.
    batch_limit
        Largest batch now; out of device memory halves it.
    events
        Number of events embedded so far.
    seconds
        Time spent embedding them.
    device_memory
        Bytes held on the device, ``None`` where there is none.

    Examples
    --------
    >>> EmbeddingStatus("hash:64", 0, 32, 32, events=100, seconds=2.0).events_per_second
    50.0
    """

    embedder: str
    queue_depth: int
    batch_size: int
    batch_limit: int
    events: int
    seconds: float
    device_memory: int | None = None

    @property
    def events_per_second(self) -> float:
        """Events embedded in a second of embedding."""
        return self.events / self.seconds if self.seconds > 0 else 0.0
