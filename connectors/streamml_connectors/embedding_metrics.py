"""Prometheus metrics of an embedding stage: a handful of series, whatever the stream does."""

from __future__ import annotations

import threading
from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

__all__ = ["EmbeddingNumbers"]

_GAUGES = {
    "queue_depth": "Events read and not handed to the learner yet.",
    "batch_size": "Events in the batch embedded last.",
    "batch_limit": "Largest batch now; out of device memory halves it.",
    "device_memory_bytes": "Memory held on the device.",
}
_COUNTERS = {
    "events": "Events embedded; its rate is texts a second.",
    "seconds": "Time spent embedding.",
}


class EmbeddingNumbers(Collector):
    """The newest numbers; add it to a registry.

    Examples
    --------
    >>> numbers = EmbeddingNumbers()
    >>> numbers.set(queue_depth=7, batch_size=32, batch_limit=32, events=100, seconds=0.5)
    >>> [metric.name for metric in numbers.collect()][:2]
    ['streamml_embed_queue_depth', 'streamml_embed_batch_size']
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._gauges: dict[str, float] = {}
        self._counters: dict[str, float] = {}

    def set(
        self,
        *,
        queue_depth: int,
        batch_size: int,
        batch_limit: int,
        events: int,
        seconds: float,
        device_memory: int | None = None,
    ) -> None:
        """Take the newest numbers."""
        with self._lock:
            self._gauges = {
                "queue_depth": queue_depth,
                "batch_size": batch_size,
                "batch_limit": batch_limit,
            }
            if device_memory is not None:
                self._gauges["device_memory_bytes"] = device_memory
            self._counters = {"events": events, "seconds": seconds}

    def collect(self) -> Iterator[Metric]:
        """The families, all of one moment."""
        with self._lock:
            gauges, counters = dict(self._gauges), dict(self._counters)
        for name, value in gauges.items():
            yield GaugeMetricFamily(f"streamml_embed_{name}", _GAUGES[name], value=value)
        for name, value in counters.items():
            yield CounterMetricFamily(f"streamml_embed_{name}", _COUNTERS[name], value=value)
