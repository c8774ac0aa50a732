"""What can be seen of a process from outside: its memory, and the metrics it serves."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.request import urlopen

__all__ = ["resident_mib", "series"]


def resident_mib(pid: int | str = "self") -> float:
    """Memory that a process holds now; NaN where the system does not say."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="utf-8").split()[1])
    except (OSError, IndexError, ValueError):
        return float("nan")
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def series(url: str) -> dict[str, float]:
    """Series -> value at ``.../metrics``, as a scraper sees them; none where nobody listens."""
    try:
        with urlopen(url, timeout=10) as page:
            lines = page.read().decode().splitlines()
    except OSError:
        return {}
    pairs = (line.rpartition(" ") for line in lines if not line.startswith("#"))
    return {name: float(value) for name, _, value in pairs}
