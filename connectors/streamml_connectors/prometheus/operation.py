"""Metric families of what a consumer says of its surroundings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from streamml.io.operation import JoinState, Operation, PartitionLag, SnapshotState
from streamml_connectors.prometheus.latency import histogram

__all__ = ["MAX_PARTITIONS", "operation_families"]

MAX_PARTITIONS: Final = 500
"""Largest number of partitions with a series of their own; the others are added up."""


def operation_families(operation: Operation, snapshot_time: float | None) -> Iterator[Metric]:
    """Families for each part that is there; ``snapshot_time`` in seconds since 1970."""
    if operation.partitions is not None:
        yield from _lag(operation.partitions)
    outcomes = CounterMetricFamily(
        "streamml_event_outcomes", "What events came to.", labels=["outcome"]
    )
    for outcome, n in operation.outcomes.items():
        outcomes.add_metric([outcome], n)
    yield outcomes
    if (latency := operation.end_to_end) is not None:
        yield histogram(
            "streamml_end_to_end_seconds",
            "Time from an event to its prediction sent.",
            latency.bounds,
            latency.counts,
            latency.sum,
        )
    if operation.join is not None:
        yield from _join(operation.join)
    if operation.snapshot is not None:
        yield from _snapshot(operation.snapshot, snapshot_time)


def _lag(partitions: Sequence[PartitionLag]) -> Iterator[Metric]:
    yield _gauge("assigned_partitions", "Partitions assigned to this process now.", len(partitions))
    lag = GaugeMetricFamily(
        "streamml_consumer_lag_events",
        "Records in the log that were not read yet.",
        labels=["topic", "partition"],
    )
    known = [p for p in partitions if p.lag is not None]
    for p in known[:MAX_PARTITIONS]:
        lag.add_metric([p.topic, str(p.partition)], p.lag or 0)
    if known[MAX_PARTITIONS:]:
        lag.add_metric(["other", "other"], sum(p.lag or 0 for p in known[MAX_PARTITIONS:]))
    yield lag


def _join(join: JoinState) -> Iterator[Metric]:
    yield _gauge("join_waiting_events", "Predicted events that wait for labels.", join.events)
    yield _gauge("join_waiting_labels", "Labels that wait for their event.", join.labels)
    yield _gauge("join_oldest_seconds", "How long the oldest of them has waited.", join.oldest)
    labels = CounterMetricFamily(
        "streamml_label_joins", "How joining labels to events went.", labels=["outcome"]
    )
    for outcome, n in join.outcomes.items():
        labels.add_metric([outcome], n)
    yield labels


def _snapshot(snapshot: SnapshotState, stored: float | None) -> Iterator[Metric]:
    if stored is not None:
        # A time, not an age: an age stands still where the process does.
        yield _gauge(
            "snapshot_timestamp_seconds",
            "When the newest snapshot was stored, in seconds since 1970.",
            stored,
        )
    if snapshot.size is not None:
        yield _gauge("snapshot_size_bytes", "Size of the newest snapshot.", snapshot.size)
    if snapshot.seconds is not None:
        yield _gauge(
            "snapshot_duration_seconds", "What taking the newest snapshot took.", snapshot.seconds
        )
    counts = CounterMetricFamily(
        "streamml_snapshots", "Snapshots, by whether they could be stored.", labels=["outcome"]
    )
    counts.add_metric(["saved"], snapshot.saved)
    counts.add_metric(["failed"], snapshot.failures)
    yield counts


def _gauge(name: str, what: str, value: float) -> Metric:
    return GaugeMetricFamily(f"streamml_{name}", what, value=value)
