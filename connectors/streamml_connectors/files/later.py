"""What later rows hold that the first rows, by which a file is judged, did not show."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from streamml.types.label_lists import SEPARATORS, unsplit
from streamml.types.values import shown

__all__ = ["Later"]


@dataclass(slots=True)
class Later:
    """Notes the first contradiction of each kind, with the row it stands in.

    Attributes
    ----------
    position
        The row that is read now, as a dead letter would name it.

    Examples
    --------
    >>> later = Later("line 1201")
    >>> later.watch_lists(["a", "b"], ";")
    >>> later.saw_list("a"), later.saw_list("a|b"), later.saw_text("f", "red")
    (None, None, None)
    >>> for note in later.notes():
    ...     print(note)
    From line 1201 on lists of labels hold '|', such as 'a|b', and are not split there: the first \
rows held no separator, so name it (--label-separator '|').
    From line 1201 on column 'f' holds texts, such as 'red', which are features of their own: the \
first rows held numbers only.
    """

    position: str = ""
    _watched: bool = False
    _separator: str = ";"
    _found: dict[str, str] = field(default_factory=dict)

    def watch_lists(self, first: Iterable[str], separator: str) -> None:
        """Say what the first lists of labels are, and what separates their labels."""
        first = list(first)
        split = any(separator in text for text in first)
        self._watched = not split and unsplit(first, separator) is None
        self._separator = separator

    def saw_list(self, text: str) -> None:
        """A list of labels was read."""
        if not self._watched:
            return
        if self._separator in text:
            self._watched = False
        elif unsplit([text], self._separator) is not None:
            self._watched = False
            other = next(one for one in SEPARATORS if one in text)
            self._found["lists"] = (
                f"From {self.position} on lists of labels hold {other!r}, such as {shown(text)}, "
                "and are not split there: the first rows held no separator, so name it "
                f"(--label-separator {other!r})."
            )

    def saw_text(self, column: str, text: str) -> None:
        """A column that held numbers holds a text."""
        key = f"column {column}"
        if key not in self._found:
            self._found[key] = (
                f"From {self.position} on column {column!r} holds texts, such as {shown(text)}, "
                "which are features of their own: the first rows held numbers only."
            )

    def notes(self) -> list[str]:
        """A sentence each."""
        return list(self._found.values())
