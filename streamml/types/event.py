"""One event of a stream, what is known of its labels, and what becomes of one that is unusable."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from streamml.errors import SchemaError

__all__ = [
    "LABELS_FULL",
    "LABELS_PARTIAL",
    "LABELS_UNKNOWN",
    "DeadLetter",
    "Event",
    "EventId",
    "Labels",
    "PartialLabels",
]

EventId = str | int

LABELS_UNKNOWN: Final = 0
"""``EventBatch.y_kind``: the labels of the event are not known (yet)."""
LABELS_FULL: Final = 1
"""``EventBatch.y_kind``: every label that is not positive is negative."""
LABELS_PARTIAL: Final = 2
"""``EventBatch.y_kind``: a label that is neither positive nor negative is unknown."""


@dataclass(frozen=True, slots=True)
class PartialLabels:
    """Partial knowledge of a label set; a label in neither set is unknown, never negative.

    Examples
    --------
    >>> PartialLabels(positive=frozenset({"sun"}), negative=frozenset({"rain"})).negative
    frozenset({'rain'})
    """

    positive: frozenset[Any]
    negative: frozenset[Any]

    def __post_init__(self) -> None:
        both = self.positive & self.negative
        if both:
            raise SchemaError(
                f"Label {min(both, key=str)!r} is both positive and negative: give it one side."
            )


Labels = frozenset[Any] | PartialLabels


@dataclass(frozen=True, slots=True)
class Event:
    """One instance of a stream.

    Parameters
    ----------
    id
        Identifies the event; labels that arrive later name it.
    timestamp
        Seconds, event time.
    x
        Feature -> finite number; a feature that is absent is absent, not zero. Other values
        become features as :func:`streamml.types.values.feature_items` says. Text where an
        embedding stage is on (``Schema(takes_text=True)``).
    y
        The label set; ``None`` while it is not known.

    Examples
    --------
    >>> Event(1, 0.0, {"height": 1.8}, frozenset({"tall"})).y
    frozenset({'tall'})
    """

    id: EventId
    timestamp: float
    x: Mapping[Any, Any] | str
    y: Labels | None = None


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """Something of the input that could not be used, kept with where and why.

    Parameters
    ----------
    reason
        Short, from a small fixed set (a metric label): ``"not_a_number"``, ``"malformed"``, ...
    detail
        One sentence for a person.
    position
        Where it stood: ``"line 17"``, ``"row 3"``, ``"topic/0@42"``.
    raw
        Its bytes, cut at a bound that ``detail`` names where it was cut.
    """

    reason: str
    detail: str
    position: str
    raw: bytes = b""
