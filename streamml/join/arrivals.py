"""What a join takes in, and what it gives out."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from streamml.join.state import WaitingEvent
from streamml.types import BoolArray, EventBatch, Float64Array, Int32Array, Int64Array

__all__ = ["Arrivals", "Joined"]


@dataclass(slots=True)
class Arrivals(EventBatch):
    """Events and labels in the order they arrived.

    Attributes
    ----------
    labels_only
        Rows that bring labels for the event with their id; they have no features.
    arrived
        When each row arrived, float64 ``(n,)``, seconds by the clock of the records.
    origins, origin, offset
        Names of the inputs, and for each row which one it came from and where it stood.
    fetched
        When each row came to this process, seconds of :class:`~streamml.pacing.SystemClock`;
        empty where that is not known.
    tombstones
        Records without a value that came between: they say that a key is no longer of use,
        and are counted.
    """

    labels_only: BoolArray
    arrived: Float64Array
    origins: list[str]
    origin: Int32Array
    offset: Int64Array
    fetched: Float64Array
    tombstones: int = field(default=0, kw_only=True)

    def position(self, row: int) -> str:
        """``"topic/0@42"``."""
        return f"{self.origins[self.origin[row]]}@{self.offset[row]}"

    @classmethod
    def of(cls, batch: EventBatch, origin: str = "stream") -> Arrivals:
        """Plain events as arrivals: each arrives at its own timestamp.

        Examples
        --------
        >>> from streamml.types import Event, Schema
        >>> batch = EventBatch.from_events([Event("a", 5.0, {"f": 1.0})], Schema())
        >>> Arrivals.of(batch).position(0)
        'stream@0'
        """
        n = len(batch)
        fields = {name: getattr(batch, name) for name in EventBatch.__slots__}
        return cls(
            **fields,
            labels_only=np.zeros(n, np.bool_),
            arrived=batch.timestamps,
            origins=[origin],
            origin=np.zeros(n, np.int32),
            offset=np.arange(n, dtype=np.int64),
            fetched=np.zeros(0),
        )


@dataclass(slots=True)
class Joined:
    """What is to be done for some arrivals, row by row.

    Attributes
    ----------
    batch
        Rows without labels are to be predicted, rows with labels to be learned.
    new
        Rows whose features have just arrived: their prediction goes out. A labelled row
        that is not new was predicted when it arrived.
    waiting
        For each row the event that waits, or waited, for its labels.
    """

    batch: EventBatch
    new: BoolArray
    waiting: list[WaitingEvent | None]
