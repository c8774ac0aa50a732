"""Kafka: events and labels in, predictions and dead letters out, events sent for a try."""

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
