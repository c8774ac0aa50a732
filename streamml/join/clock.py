"""The clock of the records: it follows them, but no single wrong timestamp moves it far."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import compress
from typing import Any, Final

import numpy as np

from streamml.state.capture import check, part_of, restore_value

__all__ = ["RecordClock"]

_WITNESSES: Final = 16


class RecordClock:
    """The latest time that the records agree on; it never goes back.

    A record moves it by a sixteenth of the largest age at most. One that is further ahead
    is in doubt, and moves nothing: its timestamp may be wrong, or there was silence. Once
    sixteen in a row are that far ahead, the clock goes to the earliest of them.

    Parameters
    ----------
    max_age
        Seconds, or ``None``: no record is doubted.

    Attributes
    ----------
    now
        Seconds; ``None`` before the first record.
    doubted, came
        The times of the last records, in order, as far as they are in doubt, and what came
        to wait with each.

    Examples
    --------
    >>> clock = RecordClock(max_age=16.0)
    >>> _ = [clock.advance(moment) for moment in (0.0, 1.0, 4e9, 2.0)]
    >>> clock.now
    2.0
    >>> for second in range(16):
    ...     came = clock.advance(1000.0 + second)
    ...     clock.note(f"event {second}")
    >>> clock.now, came[0], came[-1]
    (1000.0, 'event 0', 'event 14')
    """

    def __init__(self, max_age: float | None) -> None:
        self.now: float | None = None
        self.doubted: list[float] = []
        self.came: list[str | None] = []
        self._reach = math.inf if max_age is None else max_age / _WITNESSES
        self._doubts_last = False

    def advance(self, moment: float) -> Sequence[str]:
        """A record of this time came.

        Gives what came with records in doubt that the clock has gone to: it came now, and
        has not waited since before the silence.
        """
        now = self.now
        if now is None or moment - now <= self._reach:
            if now is None or moment > now:
                self.now = moment
            if self.doubted:
                self.doubted, self.came, self._doubts_last = [], [], False
            return ()
        self.doubted.append(moment)
        self.came.append(None)
        self._doubts_last = True
        return () if len(self.doubted) < _WITNESSES else self._go()

    def note(self, key: str) -> None:
        """An event or labels came to wait with the last record."""
        if self._doubts_last:
            self.came[-1] = key

    def _go(self) -> list[str]:
        came = [key for key in self.came if key is not None]
        self.now = now = min(self.doubted)
        still = [one - now > self._reach for one in self.doubted]
        self._doubts_last = still[-1]
        self.doubted = list(compress(self.doubted, still))
        self.came = list(compress(self.came, still))
        return came

    def snapshot(self) -> dict[str, Any]:
        """The records in doubt, as plain values and an array."""
        return {"times": np.array(self.doubted), "ids": list(self.came)}

    def restore(self, snapshot: Mapping[str, Any], where: str) -> None:
        """Doubt what :meth:`snapshot` gave.

        Raises
        ------
        StateError
            It does not fit.
        """
        times = restore_value(snapshot.get("times"), np.zeros(0), where)
        ids = part_of(snapshot, "ids", list, where)
        check(len(ids) == len(times) and bool(np.isfinite(times).all()), where, "has no times")
        check(all(type(i) in (int, str, type(None)) for i in ids), where, "doubts what is no id")
        self.doubted = times.tolist()
        self.came = [None if one is None else str(one) for one in ids]  # older ones have numbers
