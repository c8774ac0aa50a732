"""What was fetched and not handed out yet: merged, and with the moment it came."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Collection
from typing import Any

from streamml_connectors.kafka.merge import Merger

__all__ = ["Intake"]


class Intake:
    """Fetched records of every partition, handed out in the order of a :class:`Merger`."""

    def __init__(self) -> None:
        self._merger = Merger()
        self._next: dict[Any, int] = {}
        self._times: dict[Any, deque[tuple[int, float]]] = {}  # up to which offset, and when

    def __len__(self) -> int:
        return len(self._merger)

    def held(self, partition: Any) -> int:
        """Records of a partition that were not handed out yet."""
        return self._merger.held(partition)

    def due(self, partition: Any, position: int) -> int:
        """Offset of the record to fetch next; ``position`` where nothing was fetched."""
        return self._next.get(partition, position)

    def add(self, partition: Any, records: list[Any], position: int, end: int | None) -> None:
        """Take in what was fetched, but for what is there already and what is at ``end`` or on."""
        due = self.due(partition, position)
        records = [r for r in records if r.offset >= due and (end is None or r.offset < end)]
        if not records:
            return
        self._next[partition] = records[-1].offset + 1
        self._merger.add(partition, records)
        times = self._times.setdefault(partition, deque())
        times.append((records[-1].offset, time.perf_counter()))

    def take(self, n: int, unread: Collection[Any]) -> list[Any]:
        """The next records in order, at most ``n``; see :meth:`Merger.take`."""
        return self._merger.take(n, unread)

    def fetched_at(self, record: Any) -> float:
        """When a record that is handed out was fetched; asked in order."""
        times = self._times[record.topic, record.partition]  # equal to the client's named tuple
        while times[0][0] < record.offset:
            times.popleft()
        return times[0][1]

    def go_on(self, partition: Any, offset: int) -> None:
        """Fetching goes on at another offset, behind what is held."""
        self._next[partition] = offset
        if not self.held(partition):
            self._times.pop(partition, None)

    def clear(self) -> None:
        """Let go of all."""
        self._merger.clear()
        self._next.clear()
        self._times.clear()
