"""The hot loop of IHOMER: score, decide, write down; then learn, event by event."""

from streamml.ihomer.loop.arrays import (
    CALM,
    DRIFT,
    WARNING,
    Output,
    Rows,
    Watch,
    new_output,
    predictions_of,
    rows_of,
)
from streamml.ihomer.loop.run import run_events

__all__ = [
    "CALM",
    "DRIFT",
    "WARNING",
    "Output",
    "Rows",
    "Watch",
    "new_output",
    "predictions_of",
    "rows_of",
    "run_events",
]
