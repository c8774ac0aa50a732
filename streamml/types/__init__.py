"""What travels: events, batches of events, schemas, predictions, dead letters.

Names live in a :class:`Schema` (append-only vocabularies), numbers in arrays.
"""

from streamml.arrays import (
    BoolArray,
    Float32Array,
    Float64Array,
    Int8Array,
    Int16Array,
    Int32Array,
    Int64Array,
    UInt8Array,
    UInt64Array,
)
from streamml.types.batch import EventBatch
from streamml.types.change import Change
from streamml.types.event import (
    LABELS_FULL,
    LABELS_PARTIAL,
    LABELS_UNKNOWN,
    DeadLetter,
    Event,
    EventId,
    Labels,
    PartialLabels,
)
from streamml.types.predictions import Predictions
from streamml.types.schema import Schema, Vocabulary

__all__ = [
    "LABELS_FULL",
    "LABELS_PARTIAL",
    "LABELS_UNKNOWN",
    "BoolArray",
    "Change",
    "DeadLetter",
    "Event",
    "EventBatch",
    "EventId",
    "Float32Array",
    "Float64Array",
    "Int8Array",
    "Int16Array",
    "Int32Array",
    "Int64Array",
    "Labels",
    "PartialLabels",
    "Predictions",
    "Schema",
    "UInt8Array",
    "UInt64Array",
    "Vocabulary",
]
