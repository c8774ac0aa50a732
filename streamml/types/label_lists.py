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
    "holds_unknown",
    "is_multi_hot",
    "label_names",
    "labels_at",
    "split_labels",
    "unsplit",
    "written_labels",
]

SEPARATORS: Final = (";", "|", ",", " ")
"""What may stand between the labels of a list in a text, the likeliest first."""
_TAGS: Final = "><"  # <python><pandas>, as Stack Overflow writes its tags
_TAGGED: Final = re.compile(r"(?:<[^<>]++>)++")
_DIGITS: Final = r"\s*+[+-]?\d[\d\s.+-]*,(?:[\d\s.,+-]|NA)*"  # (1, 2) is a list, (2 parts) a name
_WRITTEN: Final = re.compile(
    rf"""\[.*\] | \{{.*\}} | \(\s*+\) | \(\s*+b?['"].*\) | \({_DIGITS}\)
    | (?:(?:frozen)?set|list|tuple)\(\s*+(?:[\[({{].*)?\)
    | c\(\s*+["'].*\) | c\((?:{_DIGITS}|\d+)\) | (?:character|integer|numeric)\(0\)
    """,
    re.DOTALL | re.VERBOSE | re.ASCII,
)
_CALLED: Final = frozenset({"set", "frozenset", "list", "tuple", "c"})
_CALL: Final = re.compile(r"([a-z]+)\(")
_BYTES: Final = re.compile(r"""b'([^']*)'|b"([^"]*)\"""")
_INTEGER: Final = re.compile(r"(0|-?[1-9]\d{0,14})(?:\.0*)?", re.ASCII)
_NUMBERS: Final = re.compile(r"(?:(?:-?\d++\.?+\d*+|nan)\s*+)*+", re.ASCII)  # as numpy writes them
_NOT_KNOWN: Final = frozenset({"nan", "null", "None", "NA"})  # in a list that has no quotes
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
    >>> find_separator(["<python><pandas>", "<r>"])
    '><'
    """
    plain = [text for text in texts if not is_missing(text) and not _is_written_list(text)]
    if any(_TAGS in text for text in plain) and all(_TAGGED.fullmatch(text) for text in plain):
        return _TAGS
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

    Lists as JSON, Python, numpy and R write them (``["a", "b"]``, ``('a', 'b')``, ``{'a'}``,
    ``set()``, ``[1 2]``, ``c("a", "b")``) are read as such. An empty text has no labels.

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
    >>> split_labels("sun  warm", " "), split_labels("<a><b>", "><"), split_labels("1.0;2", ";")
    (['sun', 'warm'], ['a', 'b'], ['1', '2'])
    """
    found = written_labels(text, separator)
    return None if found is None else label_names(found, "Its list of labels")


def written_labels(text: str, separator: str | None = ";") -> Any:
    """What a text lists, as :func:`label_names` takes it; ``None``: it is not known.

    Where a written list names what is not known (``["a", null]``), that is still in it.

    Raises
    ------
    BadValueError
        It begins like a written list and is none.

    Examples
    --------
    >>> written_labels("sun; rain"), written_labels('{"a": 1, "b": null}')
    (['sun', 'rain'], {'a': 1, 'b': None})
    """
    text = _without_b(text.strip())
    if not text:
        return []
    if is_missing(text):
        return None
    if _is_written_list(text):
        return _written_list(text) or []
    if separator == _TAGS and _TAGGED.fullmatch(text):
        text = text[1:-1]
    parts = text.split() if separator == " " else text.split(separator or ";")
    stripped = (_without_b(part.strip()) for part in parts)
    return [_integer(part) for part in stripped if part]


def _without_b(text: str) -> str:
    """What stands in ``b'...'``, as Python writes bytes."""
    found = _BYTES.fullmatch(text)
    return text if found is None else found[1] or found[2] or ""


def _integer(text: str) -> str:
    """An integer without the point that it got beside a missing one, as in lists of numbers."""
    found = _INTEGER.fullmatch(text)
    return text if found is None else found[1]


def _is_written_list(text: str) -> bool:
    return _WRITTEN.fullmatch(text.strip()) is not None


def _written_list(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        pass
    call = _CALL.match(text)
    if call is not None:  # it holds values (R), a list (Python), or the length of none (R)
        inner = text[call.end() : -1].strip() if call[1] in _CALLED else ""
        text = inner if inner[:1] in ("[", "{", "(") else f"[{inner}]"
    parted = _SIDE_BY_SIDE.sub(r"\1,", text)  # as numpy writes ['a' 'b']
    try:
        return _with_texts(ast.literal_eval(_DOUBLED.sub(r"\\'", parted)))
    except (ValueError, SyntaxError, RecursionError, MemoryError, TypeError):
        pass
    return _unquoted(text)


def _with_texts(value: Any) -> Any:
    """A list with bytes in it as texts; of one that ``(...)`` holds alone, a list."""
    if isinstance(value, Mapping):
        return value
    if not isinstance(value, list | tuple | AbstractSet):
        value = [value]
    if isinstance(value, AbstractSet):
        value = sorted(value, key=str)
    return [part.decode() if isinstance(part, bytes) else part for part in value]


def _unquoted(text: str) -> list[Any]:
    """What stands in brackets without quotes: ``[a, b]``, or ``[1 2]``, as numpy writes it."""
    inner = text[1:-1].strip()
    if any(mark in inner for mark in "[]{}\"'") or "..." in inner:
        raise BadValueError(
            "malformed", f"Its list of labels {shown(text)} cannot be read: write [...]."
        )
    parts = inner.split() if _NUMBERS.fullmatch(inner) else map(str.strip, inner.split(","))
    return [None if part in _NOT_KNOWN else _number(part) for part in parts if part]


def _number(text: str) -> str | int:
    """An integer where it is written as one: a row of 0 and 1 is known by its numbers."""
    found = _INTEGER.fullmatch(text)
    return text if found is None else int(found[1])


def holds_unknown(value: Any) -> bool:
    """Whether a list of labels has a place that is not known: then only what it names is.

    Examples
    --------
    >>> holds_unknown(["a", None]), holds_unknown(["a", ""]), holds_unknown(["a", float("nan")])
    (True, False, True)
    """
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if not isinstance(value, list | tuple | AbstractSet):
        return False
    return any(is_missing(part) for part in value if not isinstance(part, str))


def label_names(value: Any, what: str) -> list[str]:
    """The names of the labels that are true, each once, of a list or a mapping name -> truth.

    Integers are the names that they are written as; ``None``, NaN and empty texts within a list
    are passed over, other texts are names (``none``), without blanks around them. Whether the
    labels are known at all, or all of them, is for the caller to ask (:func:`is_missing`,
    :func:`holds_unknown`).

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
    return name.strip() != "" if isinstance(name, str) else not is_missing(name)


def _label(name: Any, what: str) -> str:
    if isinstance(name, str):
        return name.strip()
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
