"""The hot loop of IHOMER: score, decide, write down; then learn, event by event."""

from streamml.ihomer.loop.arrays import (
    CALM,
    DRIFT,
    WARNING,
    BatchArrays,
    ClusterDetectors,
    Output,
    batch_arrays,
    new_output,
    predictions_of,
)
from streamml.ihomer.loop.run import run_events

__all__ = [
    "CALM",
    "DRIFT",
    "WARNING",
    "BatchArrays",
    "ClusterDetectors",
    "Output",
    "batch_arrays",
    "new_output",
    "predictions_of",
    "run_events",
]
