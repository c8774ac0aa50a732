"""Records of several partitions in one defined order.

The order is that of a merge of queues: of the partitions' next records the one that is
first by (timestamp, topic, partition) comes next. It depends on the log alone, not on
when what was fetched, so that reading the same log again gives the same order, from any
position. A partition whose next record is in the log but was not fetched yet is waited
for; one that was read to its end is not.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Hashable, Sequence
from heapq import heapify, heappop, heappush
from typing import Any, Protocol

__all__ = ["Merger", "Record"]


class Record(Protocol):
    """What is merged: kafka-python's records, or anything like them."""

    timestamp: int
    topic: str
    partition: int
    offset: int


class Merger:
    """Queues of records, one a partition.

    Examples
    --------
    >>> from types import SimpleNamespace as R
    >>> merger = Merger()
    >>> merger.add("a", [R(timestamp=1, topic="t", partition=0), R(timestamp=9, topic="t",
    ...     partition=0)])
    >>> merger.add("b", [R(timestamp=5, topic="t", partition=1)])
    >>> [r.timestamp for r in merger.take(10, unread={"b"})]
    [1, 5]
    >>> [r.timestamp for r in merger.take(10, unread=())]
    [9]
    """

    def __init__(self) -> None:
        self._queues: dict[Hashable, deque[Any]] = {}

    def add(self, key: Hashable, records: Sequence[Any]) -> None:
        """Records of one partition, behind those it has."""
        self._queues.setdefault(key, deque()).extend(records)

    def held(self, key: Hashable) -> int:
        """Records of a partition that were not taken yet."""
        queue = self._queues.get(key)
        return len(queue) if queue is not None else 0

    def __len__(self) -> int:
        return sum(map(len, self._queues.values()))

    def clear(self) -> None:
        """Let go of all records."""
        self._queues.clear()

    def take(self, n: int, unread: Collection[Hashable]) -> list[Any]:
        """The next records, at most ``n``.

        Parameters
        ----------
        unread
            Partitions with records in the log behind those added: none of them may be
            overtaken.
        """
        if any(not self.held(key) for key in unread):
            return []
        heads = [(*_rank(q[0]), k, q) for k, q in enumerate(self._queues.values()) if q]
        keys = list(self._queues)
        heapify(heads)
        found: list[Any] = []
        while heads and len(found) < n:
            *_, k, queue = heappop(heads)
            limit = heads[0][:3] if heads else None
            while True:  # as long as this queue is first
                found.append(queue.popleft())
                if not queue:
                    if keys[k] in unread:
                        return found
                    break
                rank = _rank(queue[0])
                if len(found) >= n or (limit is not None and rank > limit):
                    heappush(heads, (*rank, k, queue))
                    break
        return found


def _rank(record: Record) -> tuple[int, str, int]:
    return record.timestamp, record.topic, record.partition
