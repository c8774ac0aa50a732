"""Fields that are no features: identifiers, timestamps, lists of labels."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Final

from streamml.types import EventId
from streamml_connectors.files.columns import BadRow, number

__all__ = ["MISSING", "event_id", "label_set", "timestamp"]

MISSING: Final = frozenset({"", "?", "NA", "null"})
"""What stands for a value that is not known."""
_INTEGER = re.compile(r"0|-?[1-9][0-9]{0,17}")


def event_id(text: str) -> EventId | None:
    """An identifier: an integer where it is written as one, else a string.

    Examples
    --------
    >>> event_id("17"), event_id("017"), event_id("")
    (17, '017', None)
    """
    if text == "":
        return None
    return int(text) if _INTEGER.fullmatch(text) else text


def timestamp(text: str) -> float | None:
    """Seconds, from a number or an ISO 8601 time (UTC where it names no zone).

    Examples
    --------
    >>> timestamp("1.5"), timestamp("1970-01-01T00:01:00Z"), timestamp("")
    (1.5, 60.0, None)
    """
    if text == "":
        return None
    try:
        return number(text, "The timestamp")
    except BadRow as bad:
        if bad.reason != "not_a_number":
            raise
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise BadRow(
            "wrong_type", f"The timestamp {text[:40]!r} is neither seconds nor an ISO 8601 time."
        ) from None
    return (time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp()


def label_set(text: str, separator: str) -> list[str] | None:
    """Labels of a list in one field; ``None`` where they are not known (``?``).

    Examples
    --------
    >>> label_set("sun; rain", ";"), label_set("", ";"), label_set("?", ";")
    (['sun', 'rain'], [], None)
    """
    if text == "?":
        return None
    parts = (part.strip() for part in text.split(separator))
    return list(dict.fromkeys(part for part in parts if part))
