"""Alerts and dashboard: judged by promtool and Grafana's types, and against the exporter."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import Dashboard

from streamml.join import OUTCOMES
from tests.conftest import needs
from tests.integration.deployment import (
    DEPLOY,
    ROOT,
    alerts,
    dashboard,
    exported,
    expressions,
    load,
)

# -- Prometheus ---------------------------------------------------------------------------


def promtool(*args: object) -> None:
    tool = shutil.which("promtool")
    needs("promtool is missing: apt-get install prometheus", tool)
    done = subprocess.run([tool, *map(str, args)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.prometheus
def test_the_configuration_and_its_rules_are_sound() -> None:
    promtool("check", "config", "--lint=all", "--lint-fatal", DEPLOY / "prometheus/prometheus.yml")


@pytest.mark.prometheus
def test_every_alert_fires_when_it_must_and_only_then() -> None:
    promtool("test", "rules", DEPLOY / "prometheus/rules_test.yml")


def test_every_alert_is_tested_and_says_what_to_do() -> None:
    tested = (DEPLOY / "prometheus/rules_test.yml").read_text()
    for rule in alerts():
        name = rule["alert"]
        pattern = tested + tested.replace("StreammlSnapshot.*", "StreammlSnapshotOld")
        assert name in pattern, f"{name} is not in rules_test.yml"
        assert set(rule["annotations"]) == {"summary", "action"}, name
        assert rule["labels"]["severity"] in {"page", "ticket"}


# -- expressions name what is exported ----------------------------------------------------


def unknown_in(expression: str, known: dict[str, dict[str, set[str]]]) -> list[str]:
    """Metrics, labels and label values of an expression that nobody exports."""
    wrong = []
    for name, matchers in re.findall(r"\b(up|(?:streamml|process)_\w+)(\{[^}]*\})?", expression):
        if name not in known:
            wrong.append(name)
            continue
        for label, operator, value in re.findall(r'(\w+)\s*(=~|!=|!~|=)\s*"([^"]*)"', matchers):
            if label in ("job", "instance"):
                continue
            values = known[name].get(label)
            named = {"=": [value], "=~": value.split("|")}.get(operator, [])
            if "." in value or "$" in value:  # a pattern or a variable, not names
                named = []
            if values is None or not values.issuperset(named):
                wrong.append(f"{name}{{{label}={value}}}")
    labels = {"job", "instance", "le"}.union(*(known[name] for name in known))
    for clause in re.findall(r"\b(?:by|on|without|ignoring)\s*\(([^)]*)\)", expression):
        wrong += [label for label in clause.replace(" ", "").split(",") if label not in labels]
    return wrong


def test_every_metric_of_a_rule_or_panel_is_exported() -> None:
    known = exported()
    assert len(expressions()) > 30
    wrong = {e: found for e in expressions() if (found := unknown_in(e, known))}
    assert not wrong


@pytest.mark.parametrize(
    "expression",
    [
        "streamml_event_total",
        'streamml_event_outcomes_total{outcome="lerned"}',
        'streamml_drifts_total{kind="local"}',
        'streamml_structure_changes_total{kind=~"swap|prun"}',
        "sum by (topics) (streamml_consumer_lag_events)",
    ],
)
def test_a_slip_in_an_expression_is_found(expression: str) -> None:
    assert unknown_in(expression, exported())


# -- Grafana ------------------------------------------------------------------------------


def lost(before: Any, after: Any, path: str = "") -> list[str]:
    """What a round trip through Grafana's own types drops or changes."""
    if isinstance(before, dict):
        after = after if isinstance(after, dict) else {}
        return [
            line
            for key, value in before.items()
            for line in (lost(value, after[key], f"{path}/{key}") if key in after else [path + key])
        ]
    if isinstance(before, list):
        pairs = zip(before, after, strict=True)
        return [line for i, (b, a) in enumerate(pairs) for line in lost(b, a, f"{path}[{i}]")]
    return [] if before == after else [path]


def test_the_dashboard_is_one_to_grafana() -> None:
    board = dashboard()
    again = json.loads(JSONEncoder(sort_keys=True).encode(Dashboard.from_json(board)))
    assert lost(board, again) == []


def test_panels_have_their_own_place_and_source() -> None:
    board = dashboard()
    panels = board["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    cells: set[tuple[int, int]] = set()
    for panel in panels:
        at = panel["gridPos"]
        assert at["x"] + at["w"] <= 24
        mine = {(at["x"] + i, at["y"] + j) for i in range(at["w"]) for j in range(at["h"])}
        assert not mine & cells, panel["title"]
        cells |= mine
        assert panel["targets"]
        for target in panel["targets"]:
            assert target["datasource"]["uid"] == "${datasource}"
    named = {one["name"] for one in board["templating"]["list"]}
    used = set(re.findall(r"\$\{?(\w+)", json.dumps(board))) - {"__rate_interval"}
    assert used == named


def test_grafana_finds_its_dashboard_and_prometheus() -> None:
    services = load("compose.yaml")["services"]
    source = load("grafana/provisioning/datasources/prometheus.yaml")["datasources"][0]
    host, port = re.fullmatch(r"http://(\w+):(\d+)", source["url"]).groups()
    assert f"127.0.0.1:{port}:{port}" in services[host]["ports"]
    provider = load("grafana/provisioning/dashboards/streamml.yaml")["providers"][0]
    mounts = [mount.split(":") for mount in services["grafana"]["volumes"]]
    inside = {Path(mount[1]) for mount in mounts if mount[0].endswith("dashboard.json")}
    assert {path.parent for path in inside} == {Path(provider["options"]["path"])}
    home = services["grafana"]["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    assert Path(home) in inside


def test_the_readme_names_exactly_what_is_exported() -> None:
    text = (ROOT / "deploy" / "README.md").read_text()
    named = set(re.findall(r"`(streamml_\w+)", text))
    known = {re.sub(r"_(bucket|count|sum|created)$", "", name) for name in exported()}
    assert named == {name for name in known if name.startswith("streamml_")}


def test_the_readme_says_what_every_outcome_of_a_join_is() -> None:
    text = (ROOT / "deploy" / "README.md").read_text()
    (line,) = [line for line in text.splitlines() if "streamml_label_joins_total" in line]
    said = {word for word in re.findall(r"`(\w+)`", line) if not word.startswith("streamml_")}
    assert said == exported()["streamml_label_joins_total"]["outcome"] == {"joined", *OUTCOMES}
