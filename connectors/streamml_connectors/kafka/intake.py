"""How far each partition was read: what was fetched, and what of it was handed out, merged."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

from streamml_connectors.kafka.merge import Merger

__all__ = ["Intake"]


@dataclass(slots=True)
class _Place:
    """Where one partition stands: offsets of the next record to hand out and to fetch, its end."""

    position: int
    fetched: int
    end: int
    times: deque[tuple[int, float]] = field(default_factory=deque)  # up to which offset, and when


class Intake:
    """Fetched records of every partition, handed out in the order of a :class:`Merger`.

    The one place that knows positions: a partition has one from :meth:`place` to :meth:`drop`.
    """

    def __init__(self) -> None:
        self._merger = Merger()
        self._places: dict[Any, _Place] = {}

    def __len__(self) -> int:
        return len(self._merger)

    def __contains__(self, partition: Any) -> bool:
        return partition in self._places

    @property
    def positions(self) -> dict[Any, int]:
        """Partition -> offset of the next record to hand out."""
        return {partition: place.position for partition, place in self._places.items()}

    @property
    def due(self) -> dict[Any, int]:
        """Partition -> offset of the next record to fetch."""
        return {partition: place.fetched for partition, place in self._places.items()}

    def end(self, partition: Any) -> int:
        """Where its log ended when it was placed."""
        return self._places[partition].end

    def held(self, partition: Any) -> int:
        """Records of a partition that were not handed out yet."""
        return self._merger.held(partition)

    def place(self, partition: Any, offset: int, end: int) -> None:
        """Begin at an offset of a partition, whose log ends at ``end``."""
        self._places[partition] = _Place(offset, offset, end)

    def go_on(self, partition: Any, offset: int, end: int) -> None:
        """Go on fetching at another offset, behind what is held; the log ends at ``end``."""
        place = self._places[partition]
        place.fetched, place.end = offset, end
        if not self.held(partition):
            place.position = offset
            place.times.clear()

    def add(self, partition: Any, records: list[Any], until_end: bool = False) -> None:
        """Take in what was fetched, but for what is there already, or behind the end if asked."""
        if partition not in self._places:
            return
        place = self._places[partition]
        last = place.end if until_end else None
        records = [
            r for r in records if r.offset >= place.fetched and (last is None or r.offset < last)
        ]
        if not records:
            return
        place.fetched = records[-1].offset + 1
        self._merger.add(partition, records)
        place.times.append((records[-1].offset, time.perf_counter()))

    def reach(self, partition: Any, offset: int, until_end: bool = False) -> None:
        """All before an offset was fetched: what was not added of it is for nobody to read.

        That are the markers of transactions, aborted records, and what compaction took away.
        """
        place = self._places[partition]
        place.fetched = max(place.fetched, min(offset, place.end) if until_end else offset)
        self._catch_up(partition, place)

    def take(self, n: int, unread: Collection[Any]) -> list[Any]:
        """The next records in order, at most ``n``; see :meth:`Merger.take`."""
        records = self._merger.take(n, unread)
        for record in records:
            self._place_of(record).position = record.offset + 1
        for partition, place in self._places.items():
            self._catch_up(partition, place)
        return records

    def _catch_up(self, partition: Any, place: _Place) -> None:
        """Where nothing is held, the next record to hand out is the next to fetch."""
        if not self.held(partition):
            place.position = place.fetched

    def fetched_at(self, record: Any) -> float:
        """When a record that was handed out was fetched; asked in order."""
        times = self._place_of(record).times
        while times[0][0] < record.offset:
            times.popleft()
        return times[0][1]

    def _place_of(self, record: Any) -> _Place:
        return self._places[record.topic, record.partition]  # equal to the client's named tuple

    def clear(self) -> None:
        """Let go of all that was not handed out: it is fetched again."""
        self._merger.clear()
        for place in self._places.values():
            place.fetched = place.position
            place.times.clear()

    def drop(self) -> None:
        """Let go of all partitions."""
        self._merger.clear()
        self._places.clear()
