"""The run behind the command line: read, predict, join, learn, score, hand on, store."""

from streamml.service.service import (
    STRUCTURE_CHANGES,
    Every,
    Observer,
    Progress,
    Result,
    Service,
    TimeSplit,
)

__all__ = [
    "STRUCTURE_CHANGES",
    "Every",
    "Observer",
    "Progress",
    "Result",
    "Service",
    "TimeSplit",
]
