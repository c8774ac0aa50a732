"""What was learned, in one file: checksummed, atomic, safe to read from anywhere."""

from streamml.state.learners import (
    ENTRY_POINTS,
    LIMIT,
    load,
    read,
    save,
    write,
)

__all__ = [
    "ENTRY_POINTS",
    "LIMIT",
    "load",
    "read",
    "save",
    "write",
]
