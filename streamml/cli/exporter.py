"""What a run tells Prometheus: progress in, the exporter's plain numbers out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from streamml.service.progress import ALTERNATE_CHANGES, STRUCTURE_CHANGES

if TYPE_CHECKING:
    from streamml.embed import EmbeddingStatus
    from streamml.io.operation import Operation
    from streamml.service import Progress
    from streamml_connectors.embedding_metrics import EmbeddingNumbers
    from streamml_connectors.prometheus import PrometheusExporter

__all__ = ["ExporterFeed"]


class _Rise:
    """What counts of a run rose by in this process: a counter of Prometheus never falls.

    A run counts over all its processes, and back at an older snapshot it counts anew from there.
    """

    def __init__(self) -> None:
        self._last: Mapping[str, int] = {}
        self.total: Counter[str] = Counter()

    def start(self, counts: Mapping[str, int]) -> None:
        """What stands there at the start rose in other processes."""
        self._last = dict(counts)

    def since_last(self, counts: Mapping[str, int]) -> dict[str, int]:
        """Name -> the rise since the last call."""
        rise = {name: max(n - self._last.get(name, 0), 0) for name, n in counts.items()}
        self._last = dict(counts)
        self.total.update(rise)
        return rise


class ExporterFeed:
    """An observer that turns what a run came to into what this process added to it.

    Parameters
    ----------
    exporter
        Takes the numbers.
    """

    def __init__(self, exporter: PrometheusExporter) -> None:
        self._exporter = exporter
        self._predict = self._learn = 0.0
        self._events, self._letters, self._outcomes, self._joins = (_Rise() for _ in range(4))
        self._embedding: EmbeddingNumbers | None = None

    def start(self, progress: Progress) -> None:
        """Where the run stands before this process adds to it: what was resumed."""
        self._events.start({"events": progress.events})
        self._letters.start(progress.dead_letters)
        self._outcomes.start(progress.operation.outcomes)
        self._joins.start(_joins(progress.operation))

    def show(self, progress: Progress) -> None:
        """Hand on the newest numbers."""
        exporter = self._exporter
        new = self._events.since_last({"events": progress.events})["events"]
        exporter.add_events(new)
        exporter.set_clusters(progress.clusters)
        for window, scores in (
            ("cumulative", progress.cumulative),
            ("sliding", progress.window),
            ("fading", progress.faded),
        ):
            exporter.set_scores(window, scores.as_dict())
        for change in progress.new_changes:
            if change.kind == "drift":
                exporter.add_drifts(change.scope)
            elif change.kind in STRUCTURE_CHANGES + ALTERNATE_CHANGES:
                exporter.add_structure_changes(change.kind)
        exporter.set_operation(self._here(progress.operation))
        for reason, n in self._letters.since_last(progress.dead_letters).items():
            exporter.add_dead_letters(reason, n)
        # Estimated splits may shrink a little; a histogram must not.
        times = progress.times
        exporter.observe_predict(max(times.predict - self._predict, 0.0), new)
        exporter.observe_learn(max(times.learn - self._learn, 0.0), new)
        self._predict, self._learn = times.predict, times.learn
        if progress.embedding is not None:
            self._show_embedding(progress.embedding)

    def _here(self, operation: Operation) -> Operation:
        """The same with what this process added in place of what the run counts."""
        self._outcomes.since_last(operation.outcomes)
        self._joins.since_last(_joins(operation))
        join = operation.join and replace(operation.join, **self._joins.total)
        return replace(operation, outcomes=dict(self._outcomes.total), join=join)

    def _show_embedding(self, status: EmbeddingStatus) -> None:
        if self._embedding is None:
            from streamml_connectors.embedding_metrics import EmbeddingNumbers

            self._embedding = EmbeddingNumbers()
            self._exporter.registry.register(self._embedding)
        self._embedding.set(
            queue_depth=status.queue_depth,
            batch_size=status.batch_size,
            batch_limit=status.batch_limit,
            events=status.events,
            seconds=status.seconds,
            device_memory=status.device_memory,
        )


def _joins(operation: Operation) -> dict[str, int]:
    return operation.join.outcomes if operation.join else {}
