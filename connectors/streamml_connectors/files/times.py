"""The times of a stream's rows, and which time a row without one takes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from streamml.types.values import BadValueError as BadRow
from streamml.types.values import is_missing
from streamml_connectors.files.dates import day_first, unclear_date
from streamml_connectors.files.fields import moment, time_notes

__all__ = ["Times", "are_times"]


def are_times(values: Iterable[str]) -> bool:
    """Whether texts are times, one at least, beside missing ones.

    Examples
    --------
    >>> are_times(["1.5", "", "2021-01-01"]), are_times(["soon"]), are_times([""])
    (True, False, False)
    """
    known = {value for value in values if not is_missing(value)}
    order = day_first(known)
    try:
        return bool(known) and all(moment(value, "", order) is not None for value in known)
    except BadRow:
        return False


class Times:
    """Reads the times of a stream in the order of its rows, and fills in those that are missing.

    Where a stream has times, an event without one takes that of the event before it; where
    there is none before it, it is a dead letter. In a stream without times an event's time is
    the number of its row. Dead letters bring no time.

    Parameters
    ----------
    first
        The times of the first rows, as they stand there.

    Examples
    --------
    >>> times = Times(["7", ""])
    >>> [times.of(times.read(text)) for text in ("7", "")]
    [7.0, 7.0]
    >>> times.notes()
    ['1 row without a time took that of the event before it.']
    """

    def __init__(self, first: Iterable[object] = ()) -> None:
        known = [value for value in first if not is_missing(value)]
        self._day_first = day_first(known)
        self._expected = any(map(self._reads, known))
        self._found = time_notes(known)
        unclear = unclear_date(known)
        if unclear is not None:
            self._found.append(
                f"The first dates, such as {unclear!r}, do not show whether the day or the month "
                "comes first: write 2025-12-31."
            )
        self._last: float | None = None
        self._numbered = 0  # rows whose time is their number
        self._numbered_before = 0  # those of them before the first time
        self._filled = 0

    def read(self, value: Any, what: str = "The timestamp") -> float | None:
        """Seconds since 1970; ``None``: there is no time.

        Raises
        ------
        BadRow
            It is no time.
        """
        return moment(value, what, self._day_first)

    def _reads(self, value: object) -> bool:
        try:
            return self.read(value) is not None
        except BadRow:
            return False

    def check(self, time: float | None) -> None:
        """Refuse an event without a time where there is none before it.

        Raises
        ------
        BadRow
            The stream has times, and it has none.
        """
        if time is None and self._last is None and self._expected:
            raise BadRow(
                "no_time", "It has no time, nor has any event before it: give the first one a time."
            )

    def of(self, time: float | None) -> float | None:
        """The time of the next event, of which ``time`` was read; ``None``: its row's number."""
        if time is not None:
            if self._last is None:
                self._numbered_before = self._numbered
            self._last = time
        elif self._last is None:
            self._numbered += 1
        else:
            self._filled += 1
        return self._last

    def notes(self) -> list[str]:
        """What there is to say of the times that were seen so far, a sentence each."""
        notes = list(self._found)
        if self._numbered_before:
            notes.append(
                f"The first {self._numbered_before} events have no time: theirs are the numbers "
                "of their rows, far from those of the events after them."
            )
        if self._filled:
            rows = "1 row" if self._filled == 1 else f"{self._filled} rows"
            notes.append(f"{rows} without a time took that of the event before it.")
        return notes
