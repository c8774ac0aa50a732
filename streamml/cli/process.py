"""What the operating system knows of this process: its age and its memory."""

from __future__ import annotations

import gc
import os
import sys
import time
from pathlib import Path

__all__ = ["collect_seldom", "peak_rss_mb", "seconds_since_start"]

_IMPORTED = time.perf_counter()


def seconds_since_start() -> float:
    """Seconds since the process was started; since this module was imported where unknown.

    Examples
    --------
    >>> seconds_since_start() > 0
    True
    """
    try:
        # Field 22 of proc(5); the name in field 2 may hold spaces.
        fields = Path("/proc/self/stat").read_text("utf-8", "replace").rpartition(")")[2].split()
        started = int(fields[19]) / os.sysconf("SC_CLK_TCK")
        return time.clock_gettime(time.CLOCK_BOOTTIME) - started
    except (OSError, AttributeError, ValueError, IndexError):
        return time.perf_counter() - _IMPORTED


def peak_rss_mb() -> float:
    """Largest resident memory of this process so far, in MB; 0 where it cannot be known.

    Examples
    --------
    >>> peak_rss_mb() >= 0
    True
    """
    try:
        import resource
    except ImportError:  # Windows
        return 0.0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1e6 if sys.platform == "darwin" else 1e6 / 1024)


def collect_seldom() -> None:
    """Let Python look for garbage cycles seldom: a consumer makes many objects and few cycles.

    Worth a tenth of its throughput, and pauses.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 50, 100)
