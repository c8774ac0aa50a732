"""Batches through an embedder: halved where device memory is short, on where the device is lost."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from streamml.embed.device import trouble
from streamml.embed.embedder import Embedder, Measured, Movable
from streamml.embed.status import EmbeddingStatus
from streamml.errors import ContractError, DeviceError
from streamml.types import EventBatch, Float32Array

__all__ = ["BatchEncoder"]

Tell = Callable[[str], None]


class BatchEncoder:
    """Encodes batches and counts what that took.

    Parameters
    ----------
    embedder
        What encodes.
    limit
        Largest batch handed to it; halved, for good, whenever device memory runs out.
    fallback
        Whether to go on on the CPU when the device is lost.
    tell
        Takes one sentence, once for each kind of trouble.

    Examples
    --------
    >>> from streamml.embed.hashing import HashedWords
    >>> from streamml.types import Event, Schema
    >>> batch = EventBatch.from_events([Event(0, 0.0, "sun")], Schema(takes_text=True))
    >>> encoder = BatchEncoder(HashedWords(16), 32, fallback=False, tell=print)
    >>> encoder.encode(batch).shape, encoder.status(queue_depth=0).events
    ((1, 16), 1)
    """

    def __init__(self, embedder: Embedder, limit: int, *, fallback: bool, tell: Tell) -> None:
        self.embedder = embedder
        self.limit = limit
        self._fallback = fallback
        self._tell = tell
        self._told_memory = False
        self._events = self._last = 0
        self._seconds = 0.0

    def encode(self, batch: EventBatch) -> Float32Array:
        """One vector an event, in order.

        Raises
        ------
        DeviceError
            The device is lost and there is no fallback, or not even one event fits.
        ContractError
            The embedder gave no float32 matrix of the promised shape.
        """
        started = time.perf_counter()
        parts: list[Float32Array] = []
        done = 0
        while done < len(batch):
            size = min(self.limit, len(batch) - done)
            vectors = self._encode(batch.slice(done, done + size), size)
            if vectors is not None:
                parts.append(vectors)
                done += size
        self._events += len(batch)
        self._last = len(batch)
        self._seconds += time.perf_counter() - started
        if not parts:
            return np.zeros((0, self.embedder.dimensions), np.float32)
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def status(self, queue_depth: int) -> EmbeddingStatus:
        """How it is doing."""
        held = self.embedder.device_memory() if isinstance(self.embedder, Measured) else None
        return EmbeddingStatus(
            self.embedder.name, queue_depth, self._last, self.limit,
            self._events, self._seconds, held,
        )  # fmt: skip

    def _encode(self, batch: EventBatch, size: int) -> Float32Array | None:
        """The vectors; ``None``: try again, with what was changed."""
        try:
            vectors = self.embedder.encode(batch)
        except Exception as error:
            what = trouble(error)
            if what is None:
                raise
            if what == "memory" and size > 1:
                self._halve(size)
            else:
                self._leave_device(error)
            return None
        if vectors.shape != (size, self.embedder.dimensions) or vectors.dtype != np.float32:
            raise ContractError(
                f"The embedder {self.embedder.name} gave {vectors.dtype} {vectors.shape}: "
                f"encode must give float32 {(size, self.embedder.dimensions)}."
            )
        return vectors

    def _halve(self, size: int) -> None:
        self.limit = size // 2
        if not self._told_memory:
            self._told_memory = True
            self._tell(
                f"Device memory does not hold {size} events at once: going on with "
                f"{self.limit} or fewer; a smaller --embed-batch avoids this."
            )

    def _leave_device(self, error: Exception) -> None:
        reason = str(error).strip().split("\n")[0][:200]
        if not (self._fallback and isinstance(self.embedder, Movable)):
            raise DeviceError(
                f"The device of {self.embedder.name} is lost or full ({reason}): resume when it "
                "is back, or with --device cpu; --device-fallback cpu goes on without it."
            ) from error
        self.embedder = self.embedder.on_cpu()
        self._fallback = False
        self._tell(f"The device is lost ({reason}): going on on the CPU, slower.")
