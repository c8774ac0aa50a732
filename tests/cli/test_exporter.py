"""What the exporter is fed: differences, whatever the progress."""

from __future__ import annotations

import math

from streamml.baselines import NoChange
from streamml.cli.exporter import ExporterFeed
from streamml.cli.monitor import Monitor
from streamml.evaluate import Delay
from streamml.ihomer import IHOMER
from streamml.join import JoinPolicy
from streamml.service import Every, Service
from streamml.snapshots import SnapshotFolder
from streamml.streams import DemoStream
from streamml.testing import EventSource
from streamml.types import Event
from streamml_connectors.files import open_source
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


def test_before_the_first_label_there_is_no_score():
    """One NaN would make the past day's average NaN, and the alert on it mute."""
    monitor = Monitor()
    events = [Event(i, 0.0, {"f": 1.0}, None) for i in range(10)]
    service = Service(EventSource(events), NoChange(), observers=[monitor.show], every=0)
    monitor.watch(service)
    service.run()
    registry = monitor.exporter.registry
    found = {f.name: f.samples for f in registry.collect() if "prequential" in f.name}
    assert not any(math.isnan(s.value) for samples in found.values() for s in samples)


def test_dead_letters_are_counted_once():
    exporter = PrometheusExporter()
    events = [Event(i, 0.0, {"f": 1.0} if i % 2 else {}, frozenset()) for i in range(10)]
    feed = ExporterFeed(exporter)
    Service(EventSource(events), IHOMER(), observers=[feed.show, feed.show], every=0).run()
    assert sample(exporter, "streamml_dead_letters_total", reason="no_features") == 5


def watched(path, folder, limit):
    """Run over a file, stored in a folder, with a monitor; gives what it shows and what it told."""
    service = Service(
        open_source(path),
        NoChange(),
        delay=Delay(events=5),
        limit=limit,
        snapshots=SnapshotFolder(folder),
        snapshot_every=Every(events=100),
    )
    service.resume()
    with Monitor() as monitor:
        monitor.watch(service)
        monitor.show(service.run().progress)
        return counters(monitor.exporter), service.progress()


def counters(exporter):
    """Every counter's series -> its value."""
    return {
        (found.name.removesuffix("_total"), *found.labels.items()): found.value
        for family in exporter.registry.collect()
        if family.type == "counter" and not family.name.startswith("process")
        for found in family.samples
    }


def test_a_resumed_process_counts_what_it_does_itself(tmp_path):
    """Else Prometheus takes what came back with the snapshot for a burst of a million events."""
    path = tmp_path / "s.jsonl"
    event = '{"x": {"f": 1.0}, "y": ["on"]}'
    path.write_text("\n".join("oops" if k % 10 == 3 else event for k in range(800)))
    first, _ = watched(path, tmp_path / "state", limit=300)
    second, progress = watched(path, tmp_path / "state", limit=450)
    assert progress.events == 450
    assert sum(progress.dead_letters.values()) == 50
    for found, events, letters in ((first, 300, 33), (second, 150, 17)):
        assert found["streamml_events",] == events
        assert found["streamml_dead_letters", ("reason", "malformed")] == letters
    learned = ("streamml_event_outcomes", ("outcome", "learned"))
    assert progress.operation.outcomes["learned"] == 450
    assert first[learned] == 300
    assert second[learned] == 155  # five waited for labels in the snapshot


def test_no_counter_falls_when_a_run_goes_back_to_its_snapshot():
    told, exporter = [], PrometheusExporter()
    source = EventSource([Event(i, 0.0, {"f": 1.0} if i % 3 else {}, None) for i in range(90)])
    join = JoinPolicy(max_events=20)  # what waits for labels beyond that expires
    Service(source, NoChange(), join=join, observers=[told.append], every=0).run()
    feed, before = ExporterFeed(exporter), {}
    for progress in (told[0], told[-1], told[0], told[-1]):
        feed.show(progress)
        now = counters(exporter)
        assert all(now[name] >= n for name, n in before.items())
        before = now
    assert told[0].events < told[-1].events
    assert told[-1].operation.outcomes["expired"] > 0
    assert before["streamml_events",] == 2 * told[-1].events - told[0].events
    first, last = (one.operation.join.event_expired for one in (told[0], told[-1]))
    assert before["streamml_label_joins", ("outcome", "event_expired")] == 2 * last - first
