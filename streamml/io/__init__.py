"""What a source and a sink are, and how fast one is read."""

from streamml.io.iterated import Iterated
from streamml.io.protocols import (
    JSON,
    Committing,
    DeadLetterSink,
    Durable,
    InputLost,
    PredictionSink,
    Source,
)

__all__ = [
    "JSON",
    "Committing",
    "DeadLetterSink",
    "Durable",
    "InputLost",
    "Iterated",
    "PredictionSink",
    "Source",
]
