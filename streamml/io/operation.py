"""What only a long-running consumer has to say of itself: input, joins, snapshots, latency.

Everything is a plain value of one moment, and every part may be missing: a run over a
file has no partitions and takes no snapshots. Outcomes and joins are counted over the whole run,
which may be resumed; latency and snapshots since the process started.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

__all__ = [
    "END_TO_END_BUCKETS",
    "JoinState",
    "LatencyCounts",
    "LatencyRecorder",
    "Operation",
    "PartitionLag",
    "SnapshotState",
]

END_TO_END_BUCKETS: Final[tuple[float, ...]] = (
    0.001,
    0.0025,
    0.005,
    0.01,
    0.025,
    0.05,
    0.1,
    0.25,
    0.5,
    1.0,
    2.5,
    5.0,
    10.0,
    30.0,
    60.0,
    300.0,
)
"""Upper bounds in seconds: a millisecond to five minutes."""


@dataclass(frozen=True, slots=True)
class PartitionLag:
    """How far a partition that is assigned to this process has been read.

    Parameters
    ----------
    topic, partition
        Which one.
    lag
        Records in the log that were not read yet; ``None`` while that is not known.
    """

    topic: str
    partition: int
    lag: int | None = None


@dataclass(frozen=True, slots=True)
class JoinState:
    """The buffer where predicted events wait for their labels, and labels for their events.

    Parameters
    ----------
    events, labels
        Waiting now.
    oldest
        Seconds that the oldest of them has waited; 0 where none waits.
    joined
        Labels that met their event.
    duplicate_event, duplicate_labels
        Events that had come before, and labels of an event that had its labels.
    late_labels, labels_expired, event_expired
        Labels whose event had waited too long, labels whose event never came, and events
        whose labels did not come in time.

    Examples
    --------
    >>> JoinState(joined=2, late_labels=1).outcomes["late_labels"]
    1
    """

    events: int = 0
    labels: int = 0
    oldest: float = 0.0
    joined: int = 0
    duplicate_event: int = 0
    duplicate_labels: int = 0
    late_labels: int = 0
    labels_expired: int = 0
    event_expired: int = 0

    @property
    def outcomes(self) -> dict[str, int]:
        """``"joined"`` and the reasons of the join's dead letters -> how many there were."""
        return {
            "joined": self.joined,
            "duplicate_event": self.duplicate_event,
            "duplicate_labels": self.duplicate_labels,
            "late_labels": self.late_labels,
            "labels_expired": self.labels_expired,
            "event_expired": self.event_expired,
        }


@dataclass(frozen=True, slots=True)
class SnapshotState:
    """What is stored, and how storing it went.

    Parameters
    ----------
    age
        Seconds since the newest durable snapshot (the one resumed from counts); ``None``
        where there is none yet.
    size
        Its bytes; ``None`` where not known.
    seconds
        What taking the newest one took; ``None`` where not known.
    saved, failures
        Snapshots that were stored, and that could not be.
    """

    age: float | None = None
    size: int | None = None
    seconds: float | None = None
    saved: int = 0
    failures: int = 0


@dataclass(frozen=True, slots=True)
class LatencyCounts:
    """A histogram of seconds.

    Parameters
    ----------
    bounds
        Upper bounds of the buckets, ascending; a bound belongs to its bucket.
    counts
        Observations in each bucket (not added up), and one cell for those above.
    sum
        Of all observations, in seconds.
    """

    bounds: tuple[float, ...]
    counts: tuple[int, ...]
    sum: float

    @property
    def total(self) -> int:
        """Number of observations."""
        return sum(self.counts)

    def quantile(self, q: float) -> float | None:
        """Upper bound of the bucket where the share ``q`` of observations is reached.

        ``None`` where there is no observation; infinity where it is above all bounds.

        Examples
        --------
        >>> LatencyCounts((0.1, 1.0), (98, 1, 1), 20.0).quantile(0.99)
        1.0
        """
        if not self.total:
            return None
        seen = 0
        for bound, n in zip((*self.bounds, float("inf")), self.counts, strict=True):
            seen += n
            if seen >= q * self.total:
                return bound
        return float("inf")


class LatencyRecorder:
    """Counts seconds into buckets.

    Parameters
    ----------
    bounds
        Upper bounds of the buckets, ascending.

    Examples
    --------
    >>> recorder = LatencyRecorder((0.1, 1.0))
    >>> recorder.observe(0.1), recorder.observe(5.0, events=2)
    (None, None)
    >>> recorder.counts()
    LatencyCounts(bounds=(0.1, 1.0), counts=(1, 0, 2), sum=10.1)
    """

    def __init__(self, bounds: Iterable[float] = END_TO_END_BUCKETS) -> None:
        self._bounds = tuple(bounds)
        self._counts = [0] * (len(self._bounds) + 1)
        self._sum = 0.0

    def observe(self, seconds: float, events: int = 1) -> None:
        """``events`` events took ``seconds`` each; a clock that jumped back counts as 0."""
        seconds = max(seconds, 0.0)
        self._counts[bisect_left(self._bounds, seconds)] += events
        self._sum += seconds * events

    def counts(self) -> LatencyCounts:
        """As it stands."""
        return LatencyCounts(self._bounds, tuple(self._counts), self._sum)


@dataclass(frozen=True, slots=True)
class Operation:
    """What a run says of its surroundings, each part where there is such a thing.

    Parameters
    ----------
    partitions
        Those assigned to this process: none while it waits for an assignment; ``None``
        for a source without partitions.
    outcomes
        Outcome -> number of events that came to it: ``"learned"``, ``"expired"``,
        ``"unlabelled"``. A small fixed set. Dead letters are counted by reason elsewhere.
    end_to_end
        Event produced (or its features fetched) to prediction sent.
    join
        The join buffer.
    snapshot
        ``None`` where no snapshots are taken.
    """

    partitions: tuple[PartitionLag, ...] | None = None
    outcomes: Mapping[str, int] = field(default_factory=dict)
    end_to_end: LatencyCounts | None = None
    join: JoinState | None = None
    snapshot: SnapshotState | None = None

    @property
    def lag(self) -> int | None:
        """Records not read yet over all partitions; ``None`` where that is not known.

        Examples
        --------
        >>> Operation(partitions=(PartitionLag("t", 0, 3), PartitionLag("t", 1, 4))).lag
        7
        >>> Operation().lag is None
        True
        """
        if self.partitions is None or any(p.lag is None for p in self.partitions):
            return None
        return sum(p.lag or 0 for p in self.partitions)
