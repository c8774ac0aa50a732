"""What is true: one set of words for labels and two-valued features, whatever their order."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from streamml.types.values import BadValueError, is_missing, number, shown

__all__ = ["TRUTH_WORDS", "is_signed", "truth", "two_values", "words_of_pair"]

_PAIRS: Final = (
    ("true", "false"), ("yes", "no"), ("t", "f"), ("y", "n"), ("on", "off"),
    ("positive", "negative"), ("pos", "neg"), ("present", "absent"),
    ("ja", "nein"), ("wahr", "falsch"), ("oui", "non"), ("vrai", "faux"),  # as Excel writes them
)  # fmt: skip
TRUTH_WORDS: Final = {word: k == 0 for pair in _PAIRS for k, word in enumerate(pair)}
"""Word in lower case -> what it says; numbers are read as numbers."""
_LONGEST: Final = max(map(len, TRUTH_WORDS))
_ALLOWED: Final = "it must be 0 or 1 (or true/false, yes/no, y/n, t/f, on/off)"


def truth(value: object, what: str, *, signed: bool = False) -> bool | None:
    """Whether a value says true; ``None``: it says that it is not known.

    True is 1 however it is written (``1``, ``+1``, ``1.0``, ``True``), and the words true, yes,
    y, t, on, positive, present in any case; false is 0, and their counterparts.

    Parameters
    ----------
    what
        What the value is, at the beginning of a sentence (``"Label 'a'"``).
    signed
        Whether -1 is false: where 1 and -1 stand in the file and 0 does not
        (:func:`is_signed`). Then ``+`` and ``-`` are true and false, too.

    Raises
    ------
    BadValueError
        It says something else.

    Examples
    --------
    >>> [truth(v, "Label 'a'") for v in ("Yes", "off", "1.0", True, 0, "N/A", None)]
    [True, False, True, True, False, None, None]
    >>> truth("-1", "Label 'a'", signed=True)
    False
    >>> truth("maybe", "Label 'a'")
    Traceback (most recent call last):
    ...
    streamml.types.values.BadValueError: Label 'a' is 'maybe': it must be 0 or 1 (or true/false, \
yes/no, y/n, t/f, on/off).
    """
    if isinstance(value, str):
        text = value.strip()
        if signed and text in ("+", "-"):
            return text == "+"
        word = TRUTH_WORDS.get(text.lower()) if len(text) <= _LONGEST else None
        if word is not None:
            return word
    if is_missing(value):
        return None
    try:
        found = number(text if isinstance(value, str) else value, what)
    except BadValueError as bad:
        if bad.reason == "not_finite":
            raise
        found = 2.0
    if found in (0.0, 1.0):
        return found == 1.0
    if signed and found == -1.0:
        return False
    raise BadValueError("unknown_value", f"{what} is {shown(value)}: {_ALLOWED}.")


def is_signed(values: Iterable[object]) -> bool:
    """Whether -1 (or ``-``) is false among these values of labels: it is there, and 0 is not.

    Where 0 stands beside -1, nobody knows what -1 means (no, or not known): then it is not
    taken.

    Examples
    --------
    >>> is_signed(["1", "-1", "?"]), is_signed(["1", "0", "-1"]), is_signed(["+", "-"])
    (True, False, True)
    """
    negative = False
    for value in values:
        text = value.strip() if isinstance(value, str) else value
        try:
            found = -1.0 if text == "-" else number(text, "")
        except BadValueError:
            continue
        if found == 0.0:
            return False
        negative = negative or found == -1.0
    return negative


def words_of_pair(values: Iterable[str]) -> bool:
    """Whether all values are the two words of one pair such as yes and no, and both occur.

    A column of such texts is one feature of 0 and 1. A single word proves nothing: ``no`` may
    be Norway.

    Examples
    --------
    >>> words_of_pair(["YES", "no", "yes"]), words_of_pair(["no", "no"]), words_of_pair(["y", "no"])
    (True, False, False)
    """
    said = {value.strip().lower() for value in values}
    return any(said == set(pair) for pair in _PAIRS)


def two_values(words: Sequence[str], what: str) -> tuple[dict[str, bool], str | None]:
    """What each of two declared words says, and a sentence where that is only a convention.

    The order of declaration counts for nothing where the words say it themselves
    (``{yes, no}``, ``{1, 0}``, ``{1, -1}``, ``{+, -}``). Where one alone says it, the other is
    its counterpart (``{2, 0}``, ``{yes, unsure}``); of other words the second is true.

    Parameters
    ----------
    words
        Two different words (or one of them alone).
    what
        What declares them, within a sentence (``"the label 'a'"``).

    Examples
    --------
    >>> two_values(["yes", "no"], "the label 'a'")
    ({'yes': True, 'no': False}, None)
    >>> two_values(["ham", "spam"], "the label 'a'")
    ({'ham': False, 'spam': True}, "Of the label 'a', 'spam' is taken as true, 'ham' as false.")
    """
    signed = is_signed(words)
    said = {}
    for word in words:
        try:
            found = truth(word, "", signed=signed)
        except BadValueError:
            found = None
        if found is not None:
            said[word] = found
    if len(said) == len(words) and len(set(said.values())) == len(words):
        return said, None
    if len(words) == 1 and not said:
        return {words[0]: True}, None
    yes = words[-1]
    for word, is_true in said.items() if len(said) == 1 else ():
        if not is_true or word.strip().lower() in TRUTH_WORDS:  # of 1 and 2, who knows
            yes = word if is_true else next(other for other in words if other != word)
    no = next((word for word in words if word != yes), yes)
    table = {word: word == yes for word in words}
    return table, f"Of {what}, {shown(yes)} is taken as true, {shown(no)} as false."
