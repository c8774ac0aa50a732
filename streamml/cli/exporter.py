"""What a run tells Prometheus: progress in, the exporter's plain numbers out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamml._progress import ALTERNATE_CHANGES, STRUCTURE_CHANGES

if TYPE_CHECKING:
    from streamml.embed import EmbeddingStatus
    from streamml.service import Progress
    from streamml_connectors.embedding_metrics import EmbeddingNumbers
    from streamml_connectors.prometheus import PrometheusExporter

__all__ = ["ExporterFeed"]


class ExporterFeed:
    """An observer that turns what a run came to into what was added since last time.

    Parameters
    ----------
    exporter
        Takes the numbers.
    """

    def __init__(self, exporter: PrometheusExporter) -> None:
        self._exporter = exporter
        self._events = 0
        self._predict = self._learn = 0.0
        self._letters: dict[str, int] = {}
        self._embedding: EmbeddingNumbers | None = None

    def show(self, progress: Progress) -> None:
        """Hand on the newest numbers."""
        exporter = self._exporter
        self._events = max(self._events, progress.resumed)  # counters are this process's
        new = max(progress.events - self._events, 0)
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
        exporter.set_operation(progress.operation)
        for reason, n in progress.dead_letters.items():
            exporter.add_dead_letters(reason, n - self._letters.get(reason, 0))
        # Estimated splits may shrink a little; a histogram must not.
        times = progress.times
        exporter.observe_predict(max(times.predict - self._predict, 0.0), new)
        exporter.observe_learn(max(times.learn - self._learn, 0.0), new)
        self._events, self._letters = progress.events, dict(progress.dead_letters)
        self._predict, self._learn = times.predict, times.learn
        if progress.embedding is not None:
            self._show_embedding(progress.embedding)

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
