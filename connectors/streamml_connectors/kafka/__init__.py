"""Kafka: events and labels in, predictions and dead letters out, events sent for a try."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from streamml_connectors.kafka.produce import Producer
    from streamml_connectors.kafka.settings import Connection, Input, Secret, parse_url
    from streamml_connectors.kafka.sinks import KafkaDeadLetterSink, KafkaPredictionSink
    from streamml_connectors.kafka.source import KafkaSource

__all__ = [
    "Connection",
    "Input",
    "KafkaDeadLetterSink",
    "KafkaPredictionSink",
    "KafkaSource",
    "Producer",
    "Secret",
    "parse_url",
]

_WHERE: Final = {
    "Connection": "settings",
    "Input": "settings",
    "KafkaDeadLetterSink": "sinks",
    "KafkaPredictionSink": "sinks",
    "KafkaSource": "source",
    "Producer": "produce",
    "Secret": "settings",
    "parse_url": "settings",
}


def __getattr__(name: str) -> Any:
    """Import what is asked for: the command line reads the settings and starts without the rest."""
    if name not in _WHERE:
        raise AttributeError(f"module 'streamml_connectors.kafka' has no attribute {name!r}")
    return getattr(import_module(f"streamml_connectors.kafka.{_WHERE[name]}"), name)
