"""Fakes for tests, yours too: a clock that is set, sources in memory, one that aborts, sinks.

:class:`CommittingSource` is a log with partitions that a group of processes shares, as a
Kafka topic is, without a broker. They keep the contracts of :mod:`streamml.io` and
:mod:`streamml.io.pacing`.
"""

from streamml.testing.clock import SettableClock
from streamml.testing.committing import CommittingSource
from streamml.testing.sinks import MemoryDeadLetters, MemoryPredictions
from streamml.testing.sources import Aborted, AbortingSource, EventSource

__all__ = [
    "Aborted",
    "AbortingSource",
    "CommittingSource",
    "EventSource",
    "MemoryDeadLetters",
    "MemoryPredictions",
    "SettableClock",
]
