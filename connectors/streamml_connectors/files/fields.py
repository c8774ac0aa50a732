"""Fields that are no features: identifiers, timestamps, lists of labels."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from streamml.types import EventId
from streamml.types.label_lists import split_labels as label_set
from streamml.types.values import is_missing, number
from streamml_connectors.files.columns import BadRow

__all__ = ["event_id", "label_set", "timestamp"]

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


def timestamp(text: str) -> float | None:
    """Seconds, from a number or an ISO 8601 time (UTC where it names no zone).

    Examples
    --------
    >>> timestamp("1.5"), timestamp("1970-01-01T00:01:00Z"), timestamp("")
    (1.5, 60.0, None)
    """
    if is_missing(text):
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
