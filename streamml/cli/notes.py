"""What a reader says once of how it reads its file, on standard error."""

from __future__ import annotations

from typing import Any

from streamml.cli.saying import say

__all__ = ["Notes"]

_MOST = 10


class Notes:
    """Says each note of a source once: the first ones at the start, others as they come.

    Parameters
    ----------
    source
        As opened, before any stage behind it; one without notes is silent.

    Examples
    --------
    >>> from streamml.streams import DemoStream
    >>> Notes(DemoStream()).tell()
    """

    def __init__(self, source: Any) -> None:
        self._source = source
        self._told = 0

    def tell(self) -> None:
        """Say those that are new."""
        notes = list(getattr(self._source, "notes", ()))
        for note in notes[self._told : _MOST]:
            say(note)
        if len(notes) > _MOST >= self._told and self._told < len(notes):
            say(f"… and {len(notes) - _MOST} more notes: streamml peek shows all.")
        self._told = len(notes)
