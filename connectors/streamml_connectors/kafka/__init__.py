"""Kafka: events and labels in, predictions and dead letters out, events sent for a try."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from streamml_connectors.kafka.settings import Connection, Input, Secret, parse_url

if TYPE_CHECKING:
    from streamml_connectors.kafka.produce import Producer
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

_LAZY: Final = {
    "KafkaDeadLetterSink": "sinks",
    "KafkaPredictionSink": "sinks",
    "KafkaSource": "source",
    "Producer": "produce",
}


def __getattr__(name: str) -> Any:
    """Import what is asked for: the command line reads the settings and starts without the rest."""
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_LAZY[name]}"), name)
