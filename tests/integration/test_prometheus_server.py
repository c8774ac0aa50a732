"""A real Prometheus server scrapes a real run, with the rules and panels that are deployed."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode
from urllib.request import urlopen

import pytest
import yaml

from tests.integration.deployment import DEPLOY, alerts, expressions, load

pytestmark = pytest.mark.prometheus

SUBSTITUTES = {"$instance": ".*", "$__rate_interval": "15s"}


def until(found: Callable[[], Any], what: str, seconds: float = 60.0) -> Any:
    """The first true answer of another process, which tells nobody when it has one."""
    pause = threading.Event()
    for _ in range(int(seconds / 0.2)):
        try:
            if answer := found():
                return answer
        except URLError:
            pass
        pause.wait(0.2)
    pytest.fail(f"never: {what}")


def get(url: str) -> tuple[int, Any]:
    try:
        with urlopen(url, timeout=10) as answer:
            return answer.status, json.load(answer)
    except HTTPError as error:
        with error:
            return error.code, json.load(error)


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
    """Prometheus with the deployed configuration, only faster and at this consumer."""
    server = shutil.which("prometheus")
    if server is None:
        assert os.environ.get("CI") != "true", "prometheus is missing: apt-get install prometheus"
        pytest.skip("prometheus is missing: install the Debian package prometheus")
    folder = tmp_path_factory.mktemp("prometheus")
    config = load("prometheus/prometheus.yml")
    config["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    config["scrape_configs"][0]["static_configs"][0]["targets"] = [consumer]
    (folder / "prometheus.yml").write_text(yaml.safe_dump(config))
    shutil.copy(DEPLOY / "prometheus/rules.yml", folder)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with subprocess.Popen(
        [
            server,
            f"--config.file={folder}/prometheus.yml",
            f"--storage.tsdb.path={folder}/data",
            f"--web.listen-address=127.0.0.1:{port}",
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        ready = f"http://127.0.0.1:{port}/-/ready"
        until(lambda: urlopen(ready, timeout=10).read(), "Prometheus is ready")
        yield f"http://127.0.0.1:{port}/api/v1"
        process.terminate()


def query(api: str, expression: str) -> list[dict[str, Any]]:
    for name, value in SUBSTITUTES.items():
        expression = expression.replace(name, value)
    status, body = get(f"{api}/query?{urlencode({'query': expression})}")
    assert status == 200, f"{expression}: {body['error']}"
    return body["data"]["result"]


def value(api: str, expression: str) -> float:
    found = query(api, expression)
    return float(found[0]["value"][1]) if found else 0.0


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
