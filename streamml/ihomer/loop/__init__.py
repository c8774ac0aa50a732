"""The hot loop of IHOMER: score, decide, write down; then learn, event by event."""

from streamml.ihomer.loop import arrays
from streamml.ihomer.loop.arrays import *  # noqa: F403
from streamml.ihomer.loop.run import run_events

__all__ = ["run_events"]
__all__ += arrays.__all__
