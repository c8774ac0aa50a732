"""The one grammar of values: what is missing, what is a number, what a field becomes as features.

Files, topics, DataFrames and ``learn_one`` ask here, so that one row means one thing wherever
it comes from. What is true stands in :mod:`streamml.types.truth`, lists of labels in
:mod:`streamml.types.label_lists`.
"""

from __future__ import annotations

import math
import numbers
import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, Final

import numpy as np

from streamml.errors import SchemaError

__all__ = [
    "FLOAT32_MAX",
    "MISSING",
    "BadValueError",
    "feature_items",
    "flat_features",
    "is_missing",
    "number",
    "plain_number",
    "shown",
    "text_feature",
]

FLOAT32_MAX: Final = float(np.finfo(np.float32).max)
"""Features are kept as float32: a larger number is an error, as infinity is."""

MISSING: Final = frozenset(
    {
        "", "?", "-", "--", "na", "n/a", "n.a.", "<na>", "#n/a", "#na", "#n/a n/a", "nan", "-nan",
        "+nan", "nat", "null", "none", "nil", "<null>", "#null!", "1.#ind", "-1.#ind", "1.#qnan",
        "-1.#qnan", "..", "\\n", "#div/0!", "#value!", "#ref!", "#name?", "#num!",
    }
)  # fmt: skip
"""Spellings, in lower case, of a value that is not known; also what Excel writes for errors, what
databases (``\\N``) and statistical offices (``..``) write."""
_LONGEST: Final = max(map(len, MISSING))
_NUMBER: Final = re.compile(r"[+-]?(?:\d++(?:\.\d*+)?+|\.\d++)(?:[eE][+-]?\d++)?+", re.ASCII)
_INFINITE: Final = re.compile(r"[+-]?inf(?:inity)?", re.ASCII | re.IGNORECASE)
_NOT_FINITE: Final = re.compile(rf"[+-]?nan|{_INFINITE.pattern}", re.ASCII | re.IGNORECASE)
_PLAIN: Final = (float, int)
_CODE: Final = re.compile(r"[+-]?0\d", re.ASCII)
_DEEPEST: Final = 32  # objects within objects


class BadValueError(SchemaError):
    """A value, or the row or record that holds it, that cannot be used, and why.

    Parameters
    ----------
    reason
        Short, from the fixed set of dead letters: ``"not_a_number"``, ``"not_finite"``,
        ``"unknown_value"``, ``"wrong_type"``, ``"malformed"``.
    detail
        One sentence for a person.
    refused
        How many labels a cap kept out.
    """

    def __init__(self, reason: str, detail: str, refused: int = 0) -> None:
        super().__init__(detail)
        self.refused = refused
        self.reason = reason
        self.detail = detail


def shown(value: object) -> str:
    """A value as a sentence shows it: its ``repr``, cut.

    Examples
    --------
    >>> shown("x" * 100) == repr("x" * 40 + "...")
    True
    """
    if isinstance(value, str):
        return repr(value if len(value) <= 40 else value[:40] + "...")
    return f"{value!r:.60}"


def is_missing(value: object) -> bool:
    """Whether a value says that it is not known.

    ``None``, NaN, pandas' ``NA`` and ``NaT``, and the usual words for them in any case. As a
    feature such a value is absent, as a label unknown. Two kinds of words are values all the
    same, and asked for by the caller first: those that a header declares (a nominal attribute
    ``{none, mild, severe}``), and those in quotes in a column of texts (``"NA"`` is Namibia).

    Examples
    --------
    >>> [is_missing(v) for v in ("", " ?", "N/A", "#N/A", "NaN", "none", None, float("nan"))]
    [True, True, True, True, True, True, True, True]
    >>> [is_missing(v) for v in ("Nana", "0", 0, False, "inf", [])]
    [False, False, False, False, False, False]
    """
    if isinstance(value, str):
        return len(value) <= _LONGEST + 8 and value.strip().lower() in MISSING
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return True
    if isinstance(value, np.datetime64 | np.timedelta64):
        return bool(np.isnat(value))
    return isinstance(value, numbers.Number | Decimal) and bool(value != value)


def number(value: object, what: str) -> float:
    """A finite number that float32 can hold; a text must be written as a decimal number.

    For what is declared or known to be a number: ``"04107"`` is one here. Digits of other
    scripts, ``1_000``, ``0x10`` and a decimal comma are none.

    Parameters
    ----------
    what
        What the value is, at the beginning of a sentence (``"Feature 'f'"``).

    Raises
    ------
    BadValueError
        It is no number (``not_a_number``; ``wrong_type`` where it is no text either), or too
        large or infinite (``not_finite``).

    Examples
    --------
    >>> number("-1.5e3", "Field 1"), number(True, "Field 2"), number(np.int8(3), "Field 3")
    (-1500.0, 1.0, 3.0)
    >>> number("1,5", "Field 1")
    Traceback (most recent call last):
    ...
    streamml.types.values.BadValueError: Field 1 is '1,5', which is no number.
    """
    if isinstance(value, str):
        if not _NUMBER.fullmatch(value):
            if _NOT_FINITE.fullmatch(value):
                raise BadValueError(
                    "not_finite", f"{what} is {shown(value)}: leave out what is not known."
                )
            raise BadValueError("not_a_number", f"{what} is {shown(value)}, which is no number.")
    elif not isinstance(value, numbers.Real | Decimal | np.bool_):
        raise BadValueError("wrong_type", f"{what} is {shown(value)}, which is no number.")
    try:
        found = float(value)
    except (OverflowError, ValueError):
        found = math.inf
    if found != found:
        raise BadValueError("not_finite", f"{what} is NaN: leave out what is not known.")
    if not abs(found) <= FLOAT32_MAX:
        raise BadValueError("not_finite", f"{what} is {shown(value)}: float32 cannot hold it.")
    return found


def plain_number(text: str, what: str) -> float | None:
    """The number that a text is by its looks; ``None`` where it only looks like one, or is none.

    A code such as ``04107`` has a leading zero that means something, and stays a text.

    Raises
    ------
    BadValueError
        It is infinite, or float32 cannot hold it.

    Examples
    --------
    >>> [plain_number(t, "f") for t in ("4107", "-0.5", "1e3", "0")]
    [4107.0, -0.5, 1000.0, 0.0]
    >>> [plain_number(t, "f") for t in ("04107", "1_000", "0x10", "1,5", "\u0661", " 1", "Rome")]
    [None, None, None, None, None, None, None]
    """
    if _CODE.match(text) or not (_NUMBER.fullmatch(text) or _INFINITE.fullmatch(text)):
        return None
    return number(text, what)


def text_feature(name: str, text: str) -> tuple[str, float] | None:
    """The feature that a text makes; ``None``: it is missing.

    A text that is a number by its looks is that number, ``true`` and ``false`` are 1 and 0
    (what programs write for booleans), every other text is a feature of its own, with value 1.

    Raises
    ------
    BadValueError
        It is infinite, or float32 cannot hold it.

    Examples
    --------
    >>> text_feature("city", "Rome"), text_feature("zip", "04107"), text_feature("t", "0.5")
    (('city=Rome', 1.0), ('zip=04107', 1.0), ('t', 0.5))
    >>> text_feature("open", "True"), text_feature("city", "N/A")
    (('open', 1.0), None)
    """
    if is_missing(text):
        return None
    found = plain_number(text, f"Feature {name!r}")
    if found is not None:
        return name, found
    if len(text) <= 5 and text.lower() in ("true", "false"):
        return name, float(len(text) == 4)
    return f"{name}={text}", 1.0


def feature_items(name: str, value: Any) -> Iterator[tuple[str, float]]:
    """Features that one field makes, whatever it holds.

    A number or boolean is one feature, a text one by :func:`text_feature`, a list of numbers
    one a position (``emb.0``), a list of texts one a text, an object those of its fields with
    dotted names. What is missing makes none.

    Raises
    ------
    BadValueError
        It is, or holds, something that is no value of these.

    Examples
    --------
    >>> list(feature_items("emb", [0.1, None, 0.3])), list(feature_items("tag", ["a", "b"]))
    ([('emb.0', 0.1), ('emb.2', 0.3)], [('tag=a', 1.0), ('tag=b', 1.0)])
    >>> dict(feature_items("meta", {"likes": 3, "from": {"city": "Rome"}, "open": True, "x": None}))
    {'meta.likes': 3.0, 'meta.from.city=Rome': 1.0, 'meta.open': 1.0}
    """
    return _items(name, value, 0)


def _items(name: str, value: Any, depth: int) -> Iterator[tuple[str, float]]:
    if isinstance(value, str):
        found = text_feature(name, value)
        if found is not None:
            yield found
    elif isinstance(value, Mapping | list | tuple | np.ndarray):
        if depth == _DEEPEST:
            raise BadValueError("wrong_type", f"Feature {name:.40} nests too deep: flatten it.")
        said: set[str] = set()
        for key, part in _parts(value):
            if isinstance(value, Mapping) or not isinstance(part, str):
                yield from _items(f"{name}.{key}", part, depth + 1)
            elif part not in said and not is_missing(part):
                said.add(part)
                yield f"{name}={part}", 1.0
    elif not is_missing(value):
        yield name, number(value, f"Feature {name!r}")


def _parts(value: Any) -> Iterator[tuple[Any, Any]]:
    if isinstance(value, Mapping):
        yield from value.items()
    else:
        yield from enumerate(value.tolist() if isinstance(value, np.ndarray) else value)


def flat_features(x: Mapping[Any, Any]) -> dict[str, float]:
    """The features of an event, feature -> number, of fields that hold anything.

    Parameters
    ----------
    x
        Field -> value; a field's name that is no text is taken as ``str`` writes it.

    Raises
    ------
    BadValueError
        A value cannot be used, or two fields make the same feature.

    Examples
    --------
    >>> flat_features({"t": 0.5, "city": "Rome", "age": None, "emb": [1.0, 2.0]})
    {'t': 0.5, 'city=Rome': 1.0, 'emb.0': 1.0, 'emb.1': 2.0}
    >>> flat_features({"a": {"b": 1}, "a.b": 2})
    Traceback (most recent call last):
    ...
    streamml.types.values.BadValueError: Two of its fields make the feature 'a.b': rename one.
    """
    found: dict[str, float] = {}
    for name, value in x.items():
        if type(value) in _PLAIN and -FLOAT32_MAX <= value <= FLOAT32_MAX and type(name) is str:
            items: Any = ((name, float(value)),)  # nearly all there are
        else:
            items = feature_items(name if isinstance(name, str) else str(name), value)
        for feature, number_ in items:
            if feature in found:
                raise BadValueError(
                    "malformed", f"Two of its fields make the feature {shown(feature)}: rename one."
                )
            found[feature] = number_
    return found
