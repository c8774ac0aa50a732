"""Prometheus exporter: plain numbers in, an HTTP page for a scraper out."""

from streamml_connectors.prometheus.exporter import PrometheusExporter
from streamml_connectors.prometheus.latency import LATENCY_BUCKETS

__all__ = ["LATENCY_BUCKETS", "PrometheusExporter"]
