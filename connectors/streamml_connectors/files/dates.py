"""Dates as people and spreadsheets write them: ``31.12.2025 10:00``, ``12/31/2025``."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Final

__all__ = ["counted_date", "day_first", "unclear_date", "written_date"]

_WRITTEN: Final = re.compile(
    r"(?P<a>\d{1,2})(?P<mark>[./])(?P<b>\d{1,2})(?P=mark)(?P<year>\d{4})"
    r"(?:,? (?P<hour>\d{1,2}):(?P<minute>\d\d)(?::(?P<second>\d\d))?(?: ?(?P<half>[AP])M)?)?",
    re.ASCII | re.IGNORECASE,
)

_EPOCH: Final = date(1899, 12, 30)  # from which spreadsheets count days
_YEARS: Final = range(1990, 2101)  # of dates that a number may stand for


def counted_date(number: float) -> date | None:
    """The day of 1990 to 2100 that a number looks like, which as seconds lies in 1970.

    A spreadsheet counts days since 1900 (``45292.04``), others write ``20240101``.

    Examples
    --------
    >>> counted_date(45292.04), counted_date(20240101)
    (datetime.date(2024, 1, 1), datetime.date(2024, 1, 1))
    >>> counted_date(1_700_000_000), counted_date(5.0), counted_date(20241301)
    (None, None, None)
    """
    if not 0 < number < 21_010_000:
        return None
    try:
        if number < 100_000:
            day = _EPOCH + timedelta(days=int(number))
        elif number == int(number):
            day = date(int(number) // 10_000, int(number) // 100 % 100, int(number) % 100)
        else:
            return None
    except ValueError:
        return None
    return day if day.year in _YEARS else None


def day_first(values: Iterable[object]) -> bool | None:
    """Whether dates with slashes begin with the day; ``None``: they do not show it.

    Examples
    --------
    >>> day_first(["01/02/2025", "31/12/2025"]), day_first(["12/31/2025"]), day_first(["1/2/2025"])
    (True, False, None)
    """
    dates = [found for found in map(_slashed, values) if found is not None]
    first = any(int(date["a"]) > 12 for date in dates)
    second = any(int(date["b"]) > 12 for date in dates)
    return None if first == second else first


def unclear_date(values: Iterable[object]) -> str | None:
    """A date of which one cannot say, by all of the values, what is the day of it.

    Examples
    --------
    >>> unclear_date(["01/02/2025"]), unclear_date(["01/02/2025", "12/31/2025"])
    ('01/02/2025', None)
    """
    held = [value for value in values if isinstance(value, str) and _slashed(value)]
    return held[0] if held and day_first(held) is None else None


def _slashed(value: object) -> re.Match[str] | None:
    found = _WRITTEN.fullmatch(value.strip()) if isinstance(value, str) else None
    return found if found is not None and found["mark"] == "/" else None


def written_date(text: str, day_first: bool | None) -> datetime | None:
    """The date that a text is, without a zone; ``None``: it is none.

    Parameters
    ----------
    day_first
        Of dates with slashes; with points the day is always first.

    Raises
    ------
    ValueError
        There is no such day or hour.

    Examples
    --------
    >>> written_date("31.12.2025 10:00", None), written_date("12/31/2025 1:05 PM", False)
    (datetime.datetime(2025, 12, 31, 10, 0), datetime.datetime(2025, 12, 31, 13, 5))
    >>> written_date("01/02/2025", None) is None
    True
    """
    found = _WRITTEN.fullmatch(text.strip())
    if found is None or (found["mark"] == "/" and day_first is None):
        return None
    day, month = int(found["a"]), int(found["b"])
    if found["mark"] == "/" and not day_first:
        day, month = month, day
    hour = int(found["hour"] or 0)
    if found["half"]:
        if not 1 <= hour <= 12:
            raise ValueError("hours of a half day are 1 to 12")
        hour = hour % 12 + (12 if found["half"] in "Pp" else 0)
    return datetime(
        int(found["year"]), month, day, hour, int(found["minute"] or 0), int(found["second"] or 0)
    )
