"""The exporter, scraped over HTTP and judged by Prometheus's own tools."""

from __future__ import annotations

import json
import re
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

import pytest
from prometheus_client import REGISTRY
from prometheus_client.parser import text_string_to_metric_families

from streamml.errors import ConfigError
from streamml.io.operation import JoinState, LatencyCounts, Operation, PartitionLag, SnapshotState
from streamml.join import OUTCOMES
from streamml_connectors.health import Health, HealthBounds
from streamml_connectors.page import StatusPage
from streamml_connectors.prometheus import LATENCY_BUCKETS, PrometheusExporter
from tests.conftest import needs

Series = dict[tuple[str, frozenset[tuple[str, str]]], float]
STRANGE = 'sun "and"\nrain\\ {x="1"}, \u00fc'


def page(exporter: PrometheusExporter) -> str:
    with urlopen(f"http://127.0.0.1:{exporter.port}/metrics", timeout=10) as answer:
        assert answer.status == 200
        return answer.read().decode()


def scrape(exporter: PrometheusExporter) -> Series:
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(page(exporter))
        for sample in family.samples
    }


def at(series: Series, name: str, **labels: str) -> float:
    return series[name, frozenset(labels.items())]


@pytest.fixture
def exporter() -> Iterator[PrometheusExporter]:
    with PrometheusExporter(per_label=True, max_labels=2) as it:
        yield it


def fill(exporter: PrometheusExporter) -> None:
    exporter.set_operation(
        Operation(
            partitions=(PartitionLag(STRANGE, 0, 2),),
            end_to_end=LatencyCounts((0.1,), (1, 0), 0.1),
            join=JoinState(),
            snapshot=SnapshotState(age=1.0, size=1, seconds=1.0),
        )
    )
    exporter.set_baseline("no-change", {"micro_f1": 0.5})
    exporter.add_events(40)
    exporter.add_events(2)
    exporter.set_clusters(3)
    for window in ("cumulative", "sliding", "fading"):
        exporter.set_scores(window, {"exact_match": 0.5, "micro_f1": 0.25})
    exporter.add_structure_changes("split", 2)
    exporter.add_structure_changes("merge")
    exporter.add_drifts("local")
    exporter.add_dead_letters("malformed", 7)
    exporter.observe_predict(0.02, 10)
    exporter.observe_predict(5.0, 1)
    exporter.observe_learn(1e-6, 1)
    exporter.set_labels(
        [("rare", 1, {"f1": 0.1}), (STRANGE, 9, {"f1": 0.9}), ("b", 5, {"f1": 0.5})]
    )


def test_a_scrape_gives_what_was_put_in(exporter: PrometheusExporter) -> None:
    fill(exporter)
    series = scrape(exporter)
    assert at(series, "streamml_events_total") == 42
    assert at(series, "streamml_label_clusters") == 3
    for window in ("cumulative", "sliding", "fading"):
        assert at(series, "streamml_prequential", metric="micro_f1", window=window) == 0.25
    assert at(series, "streamml_structure_changes_total", kind="split") == 2
    assert at(series, "streamml_drifts_total", scope="local") == 1
    assert at(series, "streamml_dead_letters_total", reason="malformed") == 7
    assert at(series, "streamml_label_prequential", label=STRANGE, metric="f1") == 0.9


def test_latencies_count_every_event_of_a_batch(exporter: PrometheusExporter) -> None:
    fill(exporter)
    exporter.observe_predict(1.0, 0)  # nobody was predicted: no observation
    series = scrape(exporter)
    assert at(series, "streamml_predict_seconds_count") == 11
    assert at(series, "streamml_predict_seconds_sum") == pytest.approx(5.02)
    counts = [at(series, "streamml_predict_seconds_bucket", le=repr(b)) for b in LATENCY_BUCKETS]
    assert counts == [0 if bound < 0.002 else 10 for bound in LATENCY_BUCKETS]
    assert at(series, "streamml_predict_seconds_bucket", le="+Inf") == 11
    assert at(series, "streamml_learn_seconds_bucket", le="1e-06") == 1  # a bound counts itself


def test_new_numbers_replace_old_ones(exporter: PrometheusExporter) -> None:
    fill(exporter)
    exporter.set_scores("sliding", {"micro_f1": 0.75})
    exporter.set_labels([("b", 5, {"f1": 0.6})])
    series = scrape(exporter)
    assert at(series, "streamml_prequential", metric="micro_f1", window="sliding") == 0.75
    names = [
        dict(labels)["label"] for name, labels in series if name.startswith("streamml_label_p")
    ]
    assert names == ["b"]


def test_labels_are_capped_and_only_on_request(exporter: PrometheusExporter) -> None:
    rows = [(f"l{i}", i, {"f1": 0.5, "recall": 0.5}) for i in range(1000)]
    exporter.set_labels(rows)
    found = {dict(labels)["label"] for _, labels in scrape(exporter) if dict(labels).get("label")}
    assert found == {"l999", "l998"}
    with PrometheusExporter() as quiet:
        quiet.set_labels(rows)
        assert "streamml_label_prequential" not in page(quiet)
    with PrometheusExporter(per_label=True) as default:
        default.set_labels(rows)
        assert page(default).count('metric="f1"') == 50


def test_series_stay_bounded(exporter: PrometheusExporter) -> None:
    for i in range(500):
        exporter.add_dead_letters(f"reason {i}")
    series = scrape(exporter)
    reasons = {n: v for n, v in series.items() if n[0] == "streamml_dead_letters_total"}
    assert len(reasons) == 51
    assert at(series, "streamml_dead_letters_total", reason="other") == 450


def test_nothing_known_is_nothing_said(exporter: PrometheusExporter) -> None:
    series = scrape(exporter)
    assert at(series, "streamml_events_total") == 0
    assert not any(name.startswith(("streamml_preq", "streamml_label")) for name, _ in series)


@pytest.mark.prometheus
def test_promtool_finds_nothing(exporter: PrometheusExporter) -> None:
    promtool = shutil.which("promtool")
    needs("promtool is missing: apt-get install prometheus", promtool)
    for _ in range(2):  # before the first event, and with everything set
        run = subprocess.run(
            [promtool, "check", "metrics"],
            input=page(exporter).encode(),
            capture_output=True,
            check=False,
        )
        assert (run.returncode, run.stdout, run.stderr) == (0, b"", b"")
        fill(exporter)


def test_it_listens_at_home_only_and_leaves_nothing_behind() -> None:
    threads = set(threading.enumerate())
    known = list(REGISTRY.collect())
    exporter = PrometheusExporter()
    port = exporter.start()
    assert port > 0
    assert exporter.start() == exporter.port == port  # once is enough
    assert exporter.host == "127.0.0.1"
    page(exporter)
    exporter.close()
    exporter.close()
    with pytest.raises(URLError):
        urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10)
    for thread in set(threading.enumerate()) - threads:
        thread.join(10)
        assert not thread.is_alive()
    assert [f.name for f in REGISTRY.collect()] == [f.name for f in known]
    with PrometheusExporter(port=port) as again:  # the port is free again
        assert again.port == port


def test_mistakes_are_named() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(ConfigError, match=f"cannot be served at 127.0.0.1:{port}"):
            PrometheusExporter(port=port).start()
    with pytest.raises(ConfigError, match="0 to 65535"):
        PrometheusExporter(port=70000)
    with pytest.raises(ConfigError, match="max_labels"):
        PrometheusExporter(max_labels=0)
    with pytest.raises(ConfigError, match="no window 'windowed'"):
        PrometheusExporter().set_scores("windowed", {})


def status(exporter: PrometheusExporter, path: str, method: str = "GET") -> int:
    request = Request(f"http://127.0.0.1:{exporter.port}{path}", method=method)
    try:
        with urlopen(request, timeout=10) as answer:
            return answer.status
    except HTTPError as error:
        with error:
            return error.code


def test_probes_answer_with_their_reasons() -> None:
    seconds = [0.0]
    health = Health(HealthBounds(stall=60, lag=10), now=lambda: seconds[0])
    with PrometheusExporter(routes=StatusPage(health).routes()) as exporter:
        assert (status(exporter, "/healthz"), status(exporter, "/readyz")) == (200, 503)
        health.progressed(Operation(partitions=(PartitionLag("t", 0, 10),)))
        assert (status(exporter, "/healthz"), status(exporter, "/readyz")) == (200, 200)
        health.progressed(Operation(partitions=(PartitionLag("t", 0, 11),)))
        assert (status(exporter, "/healthz"), status(exporter, "/readyz")) == (200, 503)
        with pytest.raises(HTTPError) as caught:
            urlopen(f"http://127.0.0.1:{exporter.port}/readyz", timeout=10)
        with caught.value as error:
            body = json.load(error)
        assert not body["ok"]
        assert [c["name"] for c in body["checks"] if not c["ok"]] == ["caught_up"]
        assert "11 records behind; the bound is 10" in str(body)
        seconds[0] = 61
        assert (status(exporter, "/healthz"), status(exporter, "/readyz")) == (503, 503)


def test_nothing_but_what_is_meant_is_served() -> None:
    with PrometheusExporter(routes=StatusPage(Health()).routes()) as exporter:
        for path in ("/nope", "/../exporter.py", "/page/__init__.py", "/%2e%2e/etc/passwd"):
            assert status(exporter, path) == 404
        for method in ("POST", "PUT", "DELETE"):
            assert status(exporter, "/metrics", method) == 405
        assert status(exporter, "/", "HEAD") == 200
        with urlopen(f"http://127.0.0.1:{exporter.port}/", timeout=10) as answer:
            policy = answer.headers["Content-Security-Policy"]
            text = answer.read().decode()
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "//" not in text.replace("<!doctype", "")  # no address outside
        # Every file the page names is there.
        for path in re.findall(r'(?:href|src)="([^"]+)"', text):
            assert status(exporter, f"/{path}") in (200, 503), path


def test_a_silent_client_holds_up_nobody() -> None:
    with PrometheusExporter() as exporter, ExitStack() as stack:
        for _ in range(20):
            stack.enter_context(socket.create_connection(("127.0.0.1", exporter.port)))
        assert "streamml_events_total" in page(exporter)


def test_it_speaks_ipv6() -> None:
    try:
        with PrometheusExporter("::1") as exporter:
            answer = urlopen(f"http://[::1]:{exporter.port}/metrics", timeout=10)
            assert b"streamml_events_total" in answer.read()
    except ConfigError:
        with pytest.raises(OSError), socket.create_server(("::1", 0), family=socket.AF_INET6):
            pass  # this machine has no IPv6


def test_a_consumer_is_exported(exporter: PrometheusExporter) -> None:
    partitions = tuple(PartitionLag("t", i, 2 if i < 600 else None) for i in range(601))
    exporter.set_operation(
        Operation(
            partitions=partitions,
            outcomes={"learned": 5, "expired": 1},
            end_to_end=LatencyCounts((0.1, 1.0), (3, 1, 1), 7.0),
            join=JoinState(4, 2, 1.5, 5, *range(10, 15)),
            snapshot=SnapshotState(age=100.0, size=10, seconds=0.1, saved=3, failures=2),
        )
    )
    series = scrape(exporter)
    lags = {labels: v for (name, labels), v in series.items() if "lag_events" in name}
    assert len(lags) == 501  # bounded, and none is lost from the sum
    assert sum(lags.values()) == 1200
    assert at(series, "streamml_assigned_partitions") == 601
    assert at(series, "streamml_event_outcomes_total", outcome="expired") == 1
    joins = {
        dict(labels)["outcome"]: n
        for (name, labels), n in series.items()
        if name == "streamml_label_joins_total"
    }
    assert joins == {"joined": 5, **dict(zip(OUTCOMES, range(10, 15), strict=True))}
    assert at(series, "streamml_join_oldest_seconds") == 1.5
    assert at(series, "streamml_end_to_end_seconds_bucket", le="1.0") == 4
    assert at(series, "streamml_end_to_end_seconds_count") == 5
    assert time.time() - at(series, "streamml_snapshot_timestamp_seconds") == pytest.approx(
        100, 0.1
    )
    assert at(series, "streamml_snapshots_total", outcome="failed") == 2
