"""What stands under ``deploy/``, read for tests."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import yaml
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from streamml.io.operation import (
    END_TO_END_BUCKETS,
    JoinState,
    LatencyCounts,
    Operation,
    PartitionLag,
    SnapshotState,
)
from streamml_connectors.embedding_metrics import EmbeddingNumbers
from streamml_connectors.prometheus import PrometheusExporter

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"


def load(name: str) -> Any:
    return yaml.safe_load((DEPLOY / name).read_text())


def alerts() -> list[dict[str, Any]]:
    return [rule for group in load("prometheus/rules.yml")["groups"] for rule in group["rules"]]


def exported() -> dict[str, dict[str, set[str]]]:
    """Series name -> label name -> values, of an exporter that was told everything."""
    exporter = PrometheusExporter()
    exporter.add_events(1)
    exporter.set_clusters(1)
    exporter.set_scores("sliding", {"micro_f1": 0.5, "exact_match": 0.5})
    exporter.set_baseline("no-change", {"micro_f1": 0.5})
    exporter.add_dead_letters("malformed")
    embedding = EmbeddingNumbers()
    embedding.set(
        queue_depth=1, batch_size=1, batch_limit=1, events=1, seconds=1.0, device_memory=1
    )
    exporter.registry.register(embedding)
    exporter.set_operation(
        Operation(
            partitions=(PartitionLag("events", 0, 1),),
            outcomes={"learned": 1, "unlabelled": 1, "expired": 1},
            end_to_end=LatencyCounts(END_TO_END_BUCKETS, (0,) * 17, 0.0),
            join=JoinState(),
            snapshot=SnapshotState(1.0, 1, 1.0, 1, 0),
        )
    )
    found: dict[str, dict[str, set[str]]] = {"up": {}}
    for family in text_string_to_metric_families(generate_latest(exporter.registry).decode()):
        for sample in family.samples:
            labels = found.setdefault(sample.name, {})
            for name, value in sample.labels.items():
                labels.setdefault(name, set()).add(value)
    return found


def dashboard() -> dict[str, Any]:
    return json.loads((DEPLOY / "grafana/dashboard.json").read_text())


def expressions() -> list[str]:
    board = dashboard()
    shown = [target["expr"] for panel in board["panels"] for target in panel["targets"]]
    notes = [note["expr"] for note in board["annotations"]["list"]]
    queries = [re.sub(r"label_values\((.*), \w+\)", r"\1", v["query"]) for v in variables("query")]
    return [rule["expr"] for rule in alerts()] + shown + notes + queries


def variables(kind: str) -> list[dict[str, Any]]:
    return [one for one in dashboard()["templating"]["list"] if one["type"] == kind]
