"""Fields that are no features: identifiers and timestamps."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, date, datetime
from typing import Any, Final

from streamml.types import EventId
from streamml.types.values import BadValueError as BadRow
from streamml.types.values import is_missing, number
from streamml_connectors.files.dates import counted_date, written_date

__all__ = ["event_id", "moment", "seconds", "time_notes", "time_unit", "timestamp"]

_UNITS: Final = (
    (1e11, ("seconds", 1.0)), (1e14, ("milliseconds", 1e3)), (1e17, ("microseconds", 1e6)),
    (1e20, ("nanoseconds", 1e9)),
)  # fmt: skip
_INTEGER = re.compile(r"0|-?[1-9][0-9]{0,17}")


def event_id(text: str) -> EventId | None:
    """An identifier: an integer where it is written as one, else a string.

    Examples
    --------
    >>> event_id("17"), event_id("017"), event_id("")
    (17, '017', None)
    """
    if is_missing(text):
        return None
    return int(text) if _INTEGER.fullmatch(text) else text


def time_unit(time: float) -> tuple[str, float]:
    """What a number that is a time counts since 1970, by its size, and how many are a second.

    As seconds a number beyond the year 5138 is one nobody means: then it is milliseconds, as
    programs write them, or smaller still.

    Examples
    --------
    >>> time_unit(1.7e9), time_unit(1.7e12), time_unit(1.7e18)
    (('seconds', 1.0), ('milliseconds', 1000.0), ('nanoseconds', 1000000000.0))
    """
    return next((unit for beyond, unit in _UNITS if abs(time) < beyond), _UNITS[-1][1])


def seconds(time: float) -> float:
    """A time in seconds, of a number that may count smaller units.

    Examples
    --------
    >>> seconds(1700000000123), seconds(2.5), seconds(-1.0)
    (1700000000.123, 2.5, -1.0)
    """
    return time / time_unit(time)[1]


def time_notes(times: Iterable[object]) -> list[str]:
    """One sentence where numbers that are times count no seconds, or look as if, and none else.

    Examples
    --------
    >>> time_notes(["1700000000000"])
    ['Timestamps are taken as milliseconds since 1970: 1700000000000 is no time in seconds.']
    >>> time_notes([45292.04])
    ['Timestamps are taken as seconds since 1970, but 45292.04 looks like the day 2024-01-01: \
write times as 2024-01-01T10:00:00.']
    >>> time_notes([1700000000, None, "2023-11-14"])
    []
    """
    days = []
    for time in times:
        try:
            found = None if is_missing(time) else number(time, "The timestamp")
        except BadRow:
            continue
        if found is None:
            continue
        unit = time_unit(found)[0]
        if unit != "seconds":
            return [f"Timestamps are taken as {unit} since 1970: {time} is no time in seconds."]
        days.append((time, counted_date(found)))
    if not days or any(day is None for _, day in days):
        return []
    time, day = days[0]
    return [
        f"Timestamps are taken as seconds since 1970, but {time} looks like the day {day}: "
        f"write times as {day}T10:00:00."
    ]


def timestamp(text: str, day_first: bool | None = None) -> float | None:
    """Seconds, from a number, an ISO 8601 time or a date (UTC where it names no zone).

    A number may count milliseconds or smaller units (:func:`time_unit`). ``day_first`` is for
    dates with slashes, which are none where it is not known.

    Examples
    --------
    >>> timestamp("1.5"), timestamp("1970-01-01T00:01:00Z"), timestamp("")
    (1.5, 60.0, None)
    """
    if is_missing(text):
        return None
    try:
        return seconds(number(text, "The timestamp"))
    except BadRow as bad:
        if bad.reason != "not_a_number":
            raise
    try:
        time = written_date(text, day_first) or datetime.fromisoformat(text)
    except ValueError:
        raise BadRow(
            "wrong_type", f"The timestamp {text[:40]!r} is neither seconds nor an ISO 8601 time."
        ) from None
    return (time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp()


def moment(value: Any, what: str, day_first: bool | None = None) -> float | None:
    """Seconds, of a time in whatever form it stands; ``None``: it is missing.

    Parameters
    ----------
    what
        What the value is, at the beginning of a sentence.

    Raises
    ------
    BadRow
        It is no time: true and false are none.

    Examples
    --------
    >>> moment(1700000000123, "It"), moment("31.12.1970", "It"), moment(float("nan"), "It")
    (1700000000.123, 31449600.0, None)
    """
    if is_missing(value):
        return None
    if isinstance(value, date):
        value = str(value)
    if isinstance(value, str):
        return timestamp(value, day_first)
    if isinstance(value, bool):
        raise BadRow("wrong_type", f"{what} is {str(value).lower()}, which is no time.")
    return seconds(number(value, what))
