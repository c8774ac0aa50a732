"""The numbers that are exported, and the metric families made of them when scraped."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from streamml.io.operation import Operation
from streamml_connectors.prometheus.latency import Latency
from streamml_connectors.prometheus.operation import operation_families

__all__ = ["Numbers"]

MAX_VALUES: Final = 50
OTHER: Final = "other"
CHANGES: Final = ("split", "merge", "rebuild", "warning", "swap", "prune")
"""Of the label tree; then an alternate is grown, took over, was given up."""


class Numbers(Collector):
    """What is exported, behind one lock; Prometheus's families are made when scraped."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.events = 0
        self.clusters: int | None = None
        self.scores: dict[str, dict[str, float]] = {}
        self.labels: Sequence[tuple[str, float, Mapping[str, float]]] = ()
        self.changes: dict[str, int] = dict.fromkeys(CHANGES, 0)
        self.drifts: dict[str, int] = dict.fromkeys(("local", "global"), 0)
        self.dead_letters: dict[str, int] = {}
        self.predict, self.learn = Latency(), Latency()
        self.baselines: dict[str, dict[str, float]] = {}
        self.progressed: float | None = None
        self.operation = Operation()
        self.snapshot_time: float | None = None

    def count(self, counts: dict[str, int], value: str, n: int) -> None:
        with self.lock:
            if value not in counts and len(counts) >= MAX_VALUES:
                value = OTHER
            counts[value] = counts.get(value, 0) + n

    def observe(self, latency: Latency, seconds: float, events: int) -> None:
        with self.lock:
            latency.observe(seconds, events)

    def collect(self) -> Iterator[Metric]:
        """The families, all of one moment."""
        with self.lock:
            families = [*self._counters(), *self._gauges(), *self._histograms()]
            families += operation_families(self.operation, self.snapshot_time)
        yield from families

    def _counters(self) -> Iterator[Metric]:
        yield CounterMetricFamily(
            "streamml_events", "Events handed to the learner.", value=self.events
        )
        for name, what, label, counts in (
            (
                "structure_changes",
                "Changes of label tree and alternates.",
                "kind",
                self.changes,
            ),
            ("drifts", "Drifts that were acted on.", "scope", self.drifts),
            ("dead_letters", "Events that could not be used.", "reason", self.dead_letters),
        ):
            family = CounterMetricFamily(f"streamml_{name}", what, labels=[label])
            for value, n in counts.items():
                family.add_metric([value], n)
            yield family

    def _gauges(self) -> Iterator[Metric]:
        scores = GaugeMetricFamily(
            "streamml_prequential",
            "Prequential score: predicted first, learned then.",
            labels=["metric", "window"],
        )
        for window, values in self.scores.items():
            for metric, value in values.items():
                scores.add_metric([metric, window], value)
        yield scores
        if self.clusters is not None:
            yield GaugeMetricFamily(
                "streamml_label_clusters", "Label clusters now.", value=self.clusters
            )
        if self.progressed is not None:
            yield GaugeMetricFamily(
                "streamml_progress_timestamp_seconds",
                "When the main loop went round last, in seconds since 1970.",
                value=self.progressed,
            )
        if self.baselines:
            baselines = GaugeMetricFamily(
                "streamml_baseline_prequential",
                "Prequential score of a baseline over the sliding window.",
                labels=["baseline", "metric"],
            )
            for name, values in self.baselines.items():
                for metric, value in values.items():
                    baselines.add_metric([name, metric], value)
            yield baselines
        if self.labels:
            labels = GaugeMetricFamily(
                "streamml_label_prequential",
                "Prequential score of a label, for the labels seen most often.",
                labels=["label", "metric"],
            )
            for name, _, of_label in self.labels:
                for metric, value in of_label.items():
                    labels.add_metric([name, metric], value)
            yield labels

    def _histograms(self) -> Iterator[Metric]:
        for name, what, latency in (
            ("predict", "Time to predict an event.", self.predict),
            ("learn", "Time to learn an event.", self.learn),
        ):
            yield latency.family(f"streamml_{name}_seconds", what)
