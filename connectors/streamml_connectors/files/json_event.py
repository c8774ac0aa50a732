"""The JSON event of this project: what its fields may hold, and why one is refused."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NoReturn

import msgspec

from streamml_connectors.files.columns import FLOAT32_MAX, BadRow, Row
from streamml_connectors.files.fields import timestamp as parse_time

__all__ = [
    "decode_object",
    "feature",
    "features",
    "identify",
    "label_names",
    "read_event",
    "read_labels",
    "take_text",
]


def decode_object(text: str | bytes) -> dict[str, Any]:
    """The JSON object in a text.

    Raises
    ------
    BadRow
        It is none.
    """
    try:
        found = msgspec.json.decode(text)
    except UnicodeDecodeError as error:
        raise BadRow("malformed", "A text in it is not UTF-8: send it as UTF-8.") from error
    except (msgspec.DecodeError, RecursionError) as error:
        if "out of range" in str(error):
            raise BadRow("not_finite", f"A number is too large: {str(error)[:100]}.") from error
        _refuse_not_finite(text)
        raise BadRow("malformed", f"It is no JSON: {str(error)[:100]}.") from error
    if not isinstance(found, dict):
        raise BadRow("malformed", "It is no JSON object: write {...} on each line.")
    return found


def _refuse_not_finite(text: str | bytes) -> None:
    """Raise for NaN and Infinity, which other writers put where JSON has no such thing."""

    def refuse(word: str) -> NoReturn:
        raise BadRow("not_finite", f"It holds {word}: leave out what is not known.")

    try:
        json.loads(text, parse_constant=refuse)
    except (ValueError, RecursionError):
        return


def identify(found: Mapping[str, Any], row: Row, id_field: str, time_field: str) -> None:
    """Read the identifier and the time of an object.

    Raises
    ------
    BadRow
        One of them is of a wrong type.
    """
    row.id = found.get(id_field)
    if isinstance(row.id, bool) or not isinstance(row.id, str | int | None):
        raise BadRow("wrong_type", f"Its {id_field!r} is neither a string nor an integer.")
    time = found.get(time_field)
    if isinstance(time, str):
        time = parse_time(time)
    row.timestamp = None if time is None else _real(time, f"Its {time_field!r}")


def take_text(found: dict[str, Any], field: str) -> str | None:
    """Take the text out of an object, so that only numbers are left as features."""
    x = found.get("x")
    if isinstance(x, str):
        text = found.pop("x") if field == "x" or field not in found else found.pop(field)
    elif isinstance(x, dict) and field in x:
        text = x.pop(field)
    else:
        text = found.pop(field, None)
    if text is not None and not isinstance(text, str):
        raise BadRow("wrong_type", f"Its text {field!r} is no string.")
    return text


def read_event(found: Mapping[str, Any], row: Row) -> None:
    """``x`` and ``y`` of an event; with ``"sparse": true`` all it leaves out are zeros.

    Raises
    ------
    BadRow
        They cannot be used.
    """
    x = found.get("x")
    if x is None and row.text is not None:
        x = {}
    if x is None:
        raise BadRow("no_features", 'It has no "x": give it at least one feature.')
    sparse = found.get("sparse", False)
    if not isinstance(sparse, bool):
        raise BadRow("wrong_type", 'Its "sparse" is neither true nor false.')
    row.sparse = sparse  # then it may have no features at all
    row.x = features(x)
    read_labels(found, row)


def read_labels(found: Mapping[str, Any], row: Row) -> None:
    """``y``: a list of labels, ``null``, or positives and negatives.

    Raises
    ------
    BadRow
        It is neither.
    """
    y = found.get("y")
    if isinstance(y, dict):
        row.positive = label_names(y.get("positive", []), "y")
        row.negative = label_names(y.get("negative", []), "y")
        if y.keys() - {"positive", "negative"}:
            raise BadRow("wrong_type", 'Its "y" may hold "positive" and "negative" only.')
        if set(row.positive) & set(row.negative):
            raise BadRow("malformed", "A label is both positive and negative.")
    else:
        row.y_known = y is not None
        row.positive = label_names(y or [], "y") if y is not None else []


def label_names(value: Any, field: str) -> list[str]:
    """A list of labels, each once."""
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        raise BadRow("wrong_type", f"Its {field!r} is no list of strings.")
    return list(dict.fromkeys(value))


def features(x: Any) -> dict[str, float]:
    """Feature -> number, of an object; ``null`` is not known."""
    if not isinstance(x, dict):
        raise BadRow("wrong_type", 'Its "x" is no object: text needs --embed.')
    return {name: feature(name, value) for name, value in x.items() if value is not None}


def feature(name: str, value: Any) -> float:
    """The number of a feature."""
    if isinstance(value, str):
        raise BadRow("not_a_number", f"Feature {name!r} is {value[:40]!r}, which is no number.")
    return _real(value, f"Feature {name!r}")


def _real(value: Any, what: str) -> float:
    if not isinstance(value, int | float):
        raise BadRow("wrong_type", f"{what} is no number.")
    if not abs(value) <= FLOAT32_MAX:
        raise BadRow("not_finite", f"{what} is {str(value)[:40]}: float32 cannot hold it.")
    return float(value)
