"""Lists of labels: as text (separated, JSON, Python), as lists, as mappings, as rows of 0 and 1."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any, Final

import numpy as np

from streamml.types.truth import truth
from streamml.types.values import BadValueError, is_missing, shown

__all__ = [
    "SEPARATORS",
    "find_separator",
    "is_multi_hot",
    "label_names",
    "labels_at",
    "split_labels",
    "unsplit",
]

SEPARATORS: Final = (";", "|", ",", " ")
"""What may stand between the labels of a list in a text, the likeliest first."""
_SIDE_BY_SIDE: Final = re.compile(r"""(['"])\s+(?=['"])""")
_DOUBLED: Final = re.compile(r"(?<=\w)''(?=\w)")
_ROW: Final = (
    "{what} is a row of 0 and 1, and no list of names: give the names of the labels that are true."
)


def find_separator(texts: Iterable[str]) -> str:
    """What separates the labels in these lists: the first of :data:`SEPARATORS` in use.

    A blank separates only where no list holds another separator, and where the words it parts
    come again in other lists (``sun warm``, ``warm``), or it would cut ``New York`` in two.
    ``;`` where there is nothing to tell by.

    Examples
    --------
    >>> find_separator(["Action|Comedy", "Comedy"]), find_separator(["a, b", "a"])
    ('|', ',')
    >>> find_separator(["sun warm", "warm"]), find_separator(["New York", "Rome"])
    (' ', ';')
    """
    plain = [text for text in texts if not is_missing(text) and not _is_written_list(text)]
    for separator in SEPARATORS[:-1]:
        if any(separator in text for text in plain):
            return separator
    parted = [text.split() for text in plain if len(text.split()) > 1]
    lists = [frozenset(text.split()) for text in plain]
    words = {word for parts in parted for word in parts}
    again = sum(sum(word in one for one in set(lists)) > 1 for word in words)
    return " " if words and 2 * again >= len(words) else ";"


def split_labels(text: str, separator: str | None = ";") -> list[str] | None:
    """The labels of a list that is written as text, each once; ``None``: they are not known.

    JSON and Python lists (``["a", "b"]``, ``['a', 'b']``, ``{'a'}``) are read as such. An empty
    text has no labels.

    Parameters
    ----------
    separator
        What stands between labels; a blank stands for any white space.

    Raises
    ------
    BadValueError
        It begins like a written list and is none.

    Examples
    --------
    >>> split_labels("sun; rain"), split_labels(""), split_labels("N/A")
    (['sun', 'rain'], [], None)
    >>> split_labels("['a', 'it''s, ok']"), split_labels('["a"]'), split_labels("[]")
    (['a', "it's, ok"], ['a'], [])
    >>> split_labels("sun  warm", " ")
    ['sun', 'warm']
    """
    if not text.strip():
        return []
    if is_missing(text):
        return None
    if _is_written_list(text):
        return label_names(_written_list(text.strip()), "Its list of labels")
    parts = text.split() if separator == " " else text.split(separator or ";")
    return list(dict.fromkeys(part.strip() for part in parts if part.strip()))


def _is_written_list(text: str) -> bool:
    ends = text.strip()
    return (ends[:1], ends[-1:]) in (("[", "]"), ("{", "}"))


def _written_list(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        pass
    parted = _SIDE_BY_SIDE.sub(r"\1,", text)  # as numpy writes ['a' 'b']
    try:
        return ast.literal_eval(_DOUBLED.sub(r"\\'", parted))
    except (ValueError, SyntaxError, RecursionError, MemoryError, TypeError):
        pass
    inner = text[1:-1].strip()  # [a, b]
    if any(mark in inner for mark in "[]{}\"'"):
        raise BadValueError(
            "malformed", f"Its list of labels {shown(text)} cannot be read: write [...]."
        )
    return [part.strip() for part in inner.split(",") if part.strip()]


def label_names(value: Any, what: str) -> list[str]:
    """The names of the labels that are true, each once, of a list or a mapping name -> truth.

    Integers are the names that they are written as; ``None``, NaN and empty texts within a list
    are passed over, other texts are names (``none``). Whether the labels are known at all is for
    the caller to ask (:func:`is_missing`).

    Parameters
    ----------
    what
        What the value is, at the beginning of a sentence (``"Its 'labels'"``).

    Raises
    ------
    BadValueError
        It is something else, or a row of 0 and 1.

    Examples
    --------
    >>> label_names([0, 3, 3], "Its 'y'"), label_names({"toxic": 1, "spam": False}, "Its 'y'")
    (['0', '3'], ['toxic'])
    >>> label_names([0, 1, 1], "Its 'y'")
    Traceback (most recent call last):
    ...
    streamml.types.values.BadValueError: Its 'y' is a row of 0 and 1, and no list of names: \
give the names of the labels that are true.
    """
    if isinstance(value, Mapping):
        return list(dict.fromkeys(_true_names(value, what)))
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if not isinstance(value, Sequence | AbstractSet) or isinstance(value, str | bytes):
        raise BadValueError("wrong_type", f"{what} is {shown(value)}: give a list of labels.")
    if is_multi_hot(value):
        raise BadValueError("wrong_type", _ROW.format(what=what))
    return list(dict.fromkeys(_label(name, what) for name in value if _is_given(name)))


def _true_names(value: Mapping[Any, Any], what: str) -> Iterator[str]:
    for name, said in value.items():
        if truth(said, f"{what} of {shown(name)}"):
            yield _label(name, what)


def _is_given(name: Any) -> bool:
    return name != "" if isinstance(name, str) else not is_missing(name)


def _label(name: Any, what: str) -> str:
    if isinstance(name, str):
        return name
    if isinstance(name, int | np.integer) and not isinstance(name, bool):
        return str(int(name))
    if isinstance(name, float) and name.is_integer() and abs(name) < 2**53:
        return str(int(name))  # integers that stood beside a missing one
    raise BadValueError(
        "wrong_type", f"{what} holds {shown(name)}: name labels with texts or integers."
    )


def is_multi_hot(values: Any) -> bool:
    """Whether a list is a row of 0 and 1, one a label, and no list of names.

    Booleans are, and zeros and ones of which one comes twice: names come once. ``[0, 1]``
    may be the labels 0 and 1.

    Examples
    --------
    >>> is_multi_hot([0, 1, 1]), is_multi_hot([True]), is_multi_hot([0, 1]), is_multi_hot([1, 2])
    (True, True, False, False)
    """
    if not isinstance(values, Sequence) or isinstance(values, str | bytes) or not values:
        return False
    if any(isinstance(v, bool | np.bool_) for v in values):
        return True
    return len(set(map(str, values))) < len(values) and all(
        isinstance(v, int | float | np.number) and v in (0, 1) for v in values
    )


def labels_at(values: Sequence[Any], names: Sequence[str], what: str) -> list[str]:
    """The labels that a row of 0 and 1 names by position.

    Raises
    ------
    BadValueError
        It is not as long as there are names, or holds something else.

    Examples
    --------
    >>> labels_at([0, 1, 1], ["sun", "rain", "snow"], "Its 'y'")
    ['rain', 'snow']
    """
    if len(values) != len(names):
        raise BadValueError(
            "wrong_type", f"{what} has {len(values)} places for {len(names)} labels."
        )
    pairs = zip(names, values, strict=True)
    return [name for name, value in pairs if truth(value, f"{what} at {name!r}")]


def unsplit(texts: Iterable[str], separator: str) -> str | None:
    """One sentence where lists of labels look as if another separator stood in them.

    Parameters
    ----------
    texts
        Lists as written.

    Examples
    --------
    >>> unsplit(["a|b", "b|c", "a"], ";")
    "The lists of labels look unsplit: none holds ';', but 2 of 3 hold '|', such as 'a|b'."
    >>> unsplit(["a;b", "c|d"], ";") is None
    True
    """
    known = [text for text in texts if text.strip() and not _is_written_list(text)]
    if any(separator in text for text in known):
        return None
    for other in SEPARATORS[:-1]:
        holds = [text for text in known if other in text]
        if holds and other != separator:
            return (
                f"The lists of labels look unsplit: none holds {separator!r}, but {len(holds)} of "
                f"{len(known)} hold {other!r}, such as {shown(holds[0])}."
            )
    return None
