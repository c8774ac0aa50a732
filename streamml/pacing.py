"""How fast a source is read: see :mod:`streamml.io.pacing`."""

from streamml.io.pacing import (
    Clock,
    EventsPerSecond,
    OriginalTimestamps,
    Pace,
    SystemClock,
    Unpaced,
)

__all__ = ["Clock", "EventsPerSecond", "OriginalTimestamps", "Pace", "SystemClock", "Unpaced"]
