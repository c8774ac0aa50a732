"""A real Prometheus server scrapes a real run, with the rules and panels that are deployed."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.integration.deployment import alerts, expressions
from tests.integration.prometheus_server import get, prometheus_server, query, until, value

pytestmark = pytest.mark.prometheus


@pytest.fixture(scope="module")
def consumer() -> Iterator[str]:
    """``streamml run`` as a process; gives HOST:PORT."""
    with subprocess.Popen(
        [sys.executable, "-m", "streamml", "run", "--rate", "300", "--listen", "127.0.0.1:0"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        cwd="/",
    ) as process:
        assert process.stderr is not None
        match = re.search(r"http://(127\.0\.0\.1:\d+)/metrics", process.stderr.readline())
        assert match is not None
        yield match[1]
        process.terminate()
        process.stderr.read()


@pytest.fixture(scope="module")
def prometheus(consumer: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with prometheus_server(consumer, tmp_path_factory.mktemp("prometheus")) as api:
        yield api


def test_it_is_scraped_and_ready(consumer: str, prometheus: str) -> None:
    until(lambda: value(prometheus, 'up{job="streamml"}') == 1, "scraped")
    until(lambda: get(f"http://{consumer}/readyz")[0] == 200, "ready", seconds=180)
    assert get(f"http://{consumer}/healthz")[1]["ok"] is True
    first = until(lambda: value(prometheus, "streamml_events_total"), "events")
    until(lambda: value(prometheus, "streamml_events_total") > first, "more events")
    learned = 'streamml_event_outcomes_total{outcome="learned"}'
    until(lambda: value(prometheus, learned) > first, "learned")
    score = 'streamml_prequential{metric="micro_f1",window="sliding"}'
    assert until(lambda: value(prometheus, score), "a score") <= 1
    assert value(prometheus, "time() - streamml_progress_timestamp_seconds") < 60
    # The page comes to show what Prometheus holds.
    scraped = value(prometheus, "streamml_events_total")
    state = f"http://{consumer}/state.json"
    until(lambda: get(state)[1]["state"]["events"] >= scraped, "the page goes on")


def test_the_server_takes_every_rule_and_panel(prometheus: str) -> None:
    groups = until(
        lambda: [
            group
            for group in get(f"{prometheus}/rules")[1]["data"]["groups"]
            if all(rule["health"] == "ok" for rule in group["rules"])
        ],
        "rules evaluated",
    )
    assert {rule["name"] for rule in groups[0]["rules"]} == {rule["alert"] for rule in alerts()}
    firing = [rule["name"] for rule in groups[0]["rules"] if rule["state"] == "firing"]
    assert firing == []
    for expression in expressions():
        query(prometheus, expression)


def test_panels_that_need_no_broker_show_something(prometheus: str) -> None:
    for expression in (
        'streamml_baseline_prequential{metric="micro_f1",baseline="no-change"}',
        "rate(streamml_predict_seconds_sum[15s]) / rate(streamml_predict_seconds_count[15s])",
        "process_resident_memory_bytes",
        "streamml_label_clusters",
        'sum(streamml_drifts_total{scope="local"})',
    ):
        until(lambda e=expression: query(prometheus, e), expression)


def test_the_series_of_a_run_are_few(prometheus: str) -> None:
    assert 50 < value(prometheus, 'scrape_samples_scraped{job="streamml"}') < 200
