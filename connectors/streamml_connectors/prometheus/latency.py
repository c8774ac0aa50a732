"""Histograms as Prometheus wants them, from observations that come in batches."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from typing import Final

from prometheus_client.core import HistogramMetricFamily, Metric

__all__ = ["LATENCY_BUCKETS", "Latency", "histogram"]

LATENCY_BUCKETS: Final[tuple[float, ...]] = (
    *(float(f"{m}e{e}") for e in range(-6, 0) for m in ("1", "2.5", "5")),
    1.0,
)
"""Upper bounds of the histograms of predicting and learning: 1 microsecond to 1 second."""


class Latency:
    """A histogram that takes a batch of equal observations in one step."""

    def __init__(self) -> None:
        self.counts = [0] * (len(LATENCY_BUCKETS) + 1)
        self.sum = 0.0

    def observe(self, seconds: float, events: int) -> None:
        """``events`` events took ``seconds`` together; each counts the mean."""
        if events > 0:
            self.counts[bisect_left(LATENCY_BUCKETS, seconds / events)] += events
            self.sum += seconds

    def family(self, name: str, what: str) -> Metric:
        """The histogram as it is exported."""
        return histogram(name, what, LATENCY_BUCKETS, self.counts, self.sum)


def histogram(
    name: str, what: str, bounds: Sequence[float], counts: Sequence[int], total: float
) -> Metric:
    """A family from counts by bucket (not added up), the last one above all bounds."""
    buckets: list[tuple[str, float]] = []
    seen = 0
    for bound, n in zip((*map(repr, bounds), "+Inf"), counts, strict=True):
        seen += n
        buckets.append((bound, seen))
    return HistogramMetricFamily(name, what, buckets=buckets, sum_value=total)
