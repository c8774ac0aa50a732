"""What an operator sees of a consumer on Kafka: Prometheus scrapes it, a browser shows it."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from tests.integration.chromium import Browser
from tests.integration.kafka.consumer import demo, predictions, send, wait_until
from tests.integration.prometheus_server import get, prometheus_server, query, until, value

pytestmark = [
    pytest.mark.kafka,
    pytest.mark.prometheus,
    pytest.mark.browser,
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]

EVENTS, UNLABELLED = 1200, 30


@pytest.fixture
def watched(broker, topics, consumer):
    """A consumer that has learned most of what came; gives HOST:PORT."""
    run = consumer("--learner", "ihomer", "--set", "n_min=100", "--metrics-port", "0").start()
    address = re.search(r"http://([^/]+)/metrics", run.process.stderr.readline())[1]
    events = demo(EVENTS)
    send(broker, topics, events[: EVENTS - UNLABELLED])
    send(broker, topics, events[EVENTS - UNLABELLED :], delay=UNLABELLED)
    wait_until(lambda: len(predictions(broker, topics[2])) == EVENTS)
    return address


def test_prometheus_and_the_page_tell_how_it_stands(watched, topics, tmp_path):
    with prometheus_server(watched, tmp_path) as api:
        learned = 'streamml_event_outcomes_total{outcome="learned"}'
        until(lambda: value(api, learned) == EVENTS, "all learned")
        until(lambda: value(api, "sum(streamml_snapshots_total)") >= 2, "snapshots")
        lag = {
            (one["metric"]["topic"], one["metric"]["partition"]): float(one["value"][1])
            for one in query(api, "streamml_consumer_lag_events")
        }
        assert lag == {(topic, p): 0.0 for topic in topics[:2] for p in "01"}
        assert value(api, "streamml_assigned_partitions") == 4
        assert value(api, "streamml_events_total") == EVENTS
        assert value(api, 'streamml_label_joins_total{outcome="joined"}') == EVENTS
        assert query(api, "streamml_join_waiting_events")
        assert value(api, "time() - streamml_snapshot_timestamp_seconds") < 60
        assert value(api, "streamml_snapshot_size_bytes") > 1000
        assert value(api, "streamml_end_to_end_seconds_count") == EVENTS
        for window in ("cumulative", "sliding", "fading"):
            score = f'streamml_prequential{{metric="micro_f1",window="{window}"}}'
            assert 0.3 < value(api, score) <= 1
        assert value(api, "streamml_label_clusters") >= 2
        assert value(api, 'sum(streamml_structure_changes_total{kind="split"})') >= 1
        assert get(f"http://{watched}/readyz")[0] == 200
        clusters = value(api, "streamml_label_clusters")
        shows(watched, clusters, Path(os.environ.get("STREAMML_ARTEFACTS") or tmp_path))


def shows(address: str, clusters: float, artefacts: Path) -> None:
    """The page says that it keeps up, and has the lag's curve and the label tree."""
    with Browser() as browser:
        browser.resize(1100, 900)
        browser.open(f"http://{address}/")
        browser.wait_for(f"document.body?.dataset.events === '{EVENTS}'")
        browser.wait_for("document.querySelectorAll('#tree .label').length === 12")
        assert browser.run("document.querySelectorAll('#tree .chip').length") >= clusters
        assert not browser.run("document.getElementById('lag').closest('.card').hidden")
        assert browser.wait_for("document.querySelector('#lag path')?.getAttribute('d')")
        assert "0" in browser.run("document.getElementById('lag-legend').innerText")
        word = "document.querySelector('#keeping_up .word').textContent"
        assert browser.run(word) == "Yes"
        artefacts.mkdir(parents=True, exist_ok=True)
        browser.screenshot(artefacts / "page-kafka.png")
        assert browser.errors == []
