"""How many dead letters there were of each reason, and the first of each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from streamml.types.event import DeadLetter

__all__ = ["LetterCounts"]


class LetterCounts(Counter[str]):
    """Reason -> number of dead letters; :attr:`first` has one of each to look at.

    Parameters
    ----------
    before
        What was counted elsewhere; nothing of it can be looked at.

    Attributes
    ----------
    first
        Reason -> the first dead letter that was added here.

    Examples
    --------
    >>> letters = LetterCounts({"malformed": 2})
    >>> letters.add([DeadLetter("malformed", "It is no JSON.", "line 3")])
    >>> letters["malformed"], letters.first["malformed"].position
    (3, 'line 3')
    """

    def __init__(self, before: Mapping[str, int] | None = None) -> None:
        super().__init__(before or {})
        self.first: dict[str, DeadLetter] = {}

    def add(self, letters: Iterable[DeadLetter]) -> None:
        """Count them."""
        for letter in letters:
            self[letter.reason] += 1
            self.first.setdefault(letter.reason, letter)
