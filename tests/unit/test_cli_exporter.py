"""What the exporter is fed: differences, whatever the progress."""

from __future__ import annotations

from streamml.cli.exporter import ExporterFeed
from streamml.ihomer import IHOMER
from streamml.service import Service
from streamml.streams import DemoStream
from streamml.testing import EventSource
from streamml.types import Event
from streamml_connectors.prometheus import PrometheusExporter


def sample(exporter: PrometheusExporter, name: str, **labels: str) -> float:
    value = exporter.registry.get_sample_value(name, labels)
    assert value is not None
    return value


def test_totals_add_up_to_the_run():
    exporter = PrometheusExporter()
    feed = ExporterFeed(exporter)
    learner = IHOMER()
    result = Service(DemoStream(), learner, limit=6_000, observers=[feed.show], every=0).run()
    assert sample(exporter, "streamml_events_total") == 6_000
    assert sample(exporter, "streamml_label_clusters") == learner.n_clusters
    local = sum(c.kind == "drift" and c.scope == "local" for c in learner.changes)
    assert sample(exporter, "streamml_drifts_total", scope="local") == local > 0
    counts = learner.change_counts
    for kind in ("split", "merge", "rebuild", "warning", "swap", "prune"):
        found = sample(exporter, "streamml_structure_changes_total", kind=kind)
        assert found == counts.get(kind, 0)
    assert min(counts["split"], counts["warning"], counts["swap"]) > 0
    for window, scores in (
        ("cumulative", result.progress.cumulative),
        ("sliding", result.progress.window),
        ("fading", result.progress.faded),
    ):
        for metric, value in scores.as_dict().items():
            labels = {"metric": metric, "window": window}
            assert sample(exporter, "streamml_prequential", **labels) == value
    for what in ("predict", "learn"):
        assert sample(exporter, f"streamml_{what}_seconds_count") == 6_000
        assert sample(exporter, f"streamml_{what}_seconds_sum") > 0


def test_dead_letters_are_counted_once():
    exporter = PrometheusExporter()
    events = [Event(i, 0.0, {"f": 1.0} if i % 2 else {}, frozenset()) for i in range(10)]
    feed = ExporterFeed(exporter)
    Service(EventSource(events), IHOMER(), observers=[feed.show, feed.show], every=0).run()
    assert sample(exporter, "streamml_dead_letters_total", reason="no_features") == 5
