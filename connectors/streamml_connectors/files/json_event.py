"""The JSON event of this project: what its fields may hold, and why one is refused."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import msgspec

from streamml.types.label_lists import holds_unknown, label_names, written_labels
from streamml.types.truth import truth
from streamml.types.values import FLOAT32_MAX, flat_features, is_missing, shown
from streamml_connectors.files.columns import BadRow, Row
from streamml_connectors.files.fields import moment

__all__ = [
    "decode_object",
    "features",
    "identify",
    "objects_note",
    "plain",
    "read_event",
    "read_labels",
    "take_labels",
    "take_text",
]

_EXTENDED: Final[Mapping[str, Callable[[Any], Any]]] = {
    "$oid": str, "$uuid": str, "$symbol": str, "$date": lambda value: value,
    "$numberInt": int, "$numberLong": int, "$numberDouble": float, "$numberDecimal": float,
}  # fmt: skip
"""What MongoDB writes for values that JSON has no form of."""
_DEEPEST: Final = 40  # what nests deeper makes no features anyway
_SIDES: Final = frozenset({"positive", "negative"})


def decode_object(text: str | bytes) -> dict[str, Any]:
    """The JSON object in a text; NaN, which others than JSON write, is ``None``.

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
        found = _with_nan(text)
        if found is None:
            raise BadRow("malformed", f"It is no JSON: {str(error)[:100]}.") from error
    if not isinstance(found, dict):
        raise BadRow("malformed", "It is no JSON object: write {...} on each line.")
    return found


def _with_nan(text: str | bytes) -> Any:
    """What a text holds beside NaN; ``None`` where it is no JSON all the same.

    Raises
    ------
    BadRow
        It holds an infinity.
    """

    def constant(word: str) -> None:
        if word != "NaN":
            raise BadRow("not_finite", f"It holds {word}: leave out what is not known.")

    try:
        return json.loads(text, parse_constant=constant)
    except (json.JSONDecodeError, UnicodeDecodeError, RecursionError):
        return None


def plain(value: Any, depth: int = 0) -> Any:
    """A value with MongoDB's extended JSON in it taken for what it says.

    Examples
    --------
    >>> plain({"_id": {"$oid": "5f1e"}, "f": {"$numberDouble": "1.5"}})
    {'_id': '5f1e', 'f': 1.5}
    """
    if depth > _DEEPEST or not isinstance(value, list | dict):
        return value
    if isinstance(value, list):
        return [plain(part, depth + 1) for part in value]
    if len(value) == 1:
        key, held = next(iter(value.items()))
        if key in _EXTENDED:
            try:
                return _EXTENDED[key](plain(held, depth + 1))
            except (TypeError, ValueError, OverflowError):
                return value
    return {key: plain(held, depth + 1) for key, held in value.items()}


def identify(
    found: Mapping[str, Any],
    row: Row,
    id_field: str,
    time_field: str,
    read_time: Callable[[Any, str], float | None] = moment,
) -> None:
    """Read the identifier and the time of an object.

    Where it has no field of the name ``id``, MongoDB's ``_id`` is the identifier.

    Parameters
    ----------
    read_time
        Seconds, of a value and of what it is at the beginning of a sentence.

    Raises
    ------
    BadRow
        One of them is of a wrong type.
    """
    given = _name(found.get(id_field))
    if given is None and id_field == "id" and not isinstance(_name(found.get("_id")), dict | list):
        given = _name(found.get("_id"))
    if isinstance(given, bool) or not isinstance(given, str | int | None):
        raise BadRow("wrong_type", f"Its {id_field!r} is neither a string nor an integer.")
    row.id = given
    row.timestamp = read_time(plain(found.get(time_field)), f"Its {time_field!r}")


def _name(value: Any) -> Any:
    """What an identifier says: an integer that is written as 3.0 is one, an empty text none."""
    value = plain(value)
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return None if value == "" else value


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
    """``y``: a list of labels, a mapping name -> truth, ``null``, or positives and negatives.

    Raises
    ------
    BadRow
        It is none of these.
    """
    take_labels(found.get("y"), "Its 'y'", row)


def take_labels(value: Any, what: str, row: Row, separator: str | None = None) -> None:
    """Read labels, in whatever form they stand, into ``row``.

    Parameters
    ----------
    what
        What the value is, at the beginning of a sentence.
    separator
        What stands between labels that are a text; ``None``: one label alone, a text or a
        number, is refused.

    Raises
    ------
    BadRow
        They are in no form that is known.
    """
    if isinstance(value, str) and separator is not None:
        value = written_labels(value, separator)
    if isinstance(value, dict) and _names_sides(value):
        row.positive = label_names(value.get("positive", []), what)
        row.negative = label_names(value.get("negative", []), what)
        if set(row.positive) & set(row.negative):
            raise BadRow("malformed", "A label is both positive and negative.")
    elif isinstance(value, dict) and any(map(is_missing, value.values())):
        known = {name: said for name, said in value.items() if not is_missing(said)}
        row.positive = label_names(known, what)
        row.negative = [name for name, said in known.items() if not truth(said, what)]
    elif is_missing(value):
        row.y_known = False
    elif separator is not None and type(value) in {int, float}:
        row.positive = label_names([value], what)
    else:
        row.positive = label_names(plain(value), what)
        row.negative = [] if holds_unknown(value) else None


def objects_note(lists: Sequence[Any]) -> list[str]:
    """One sentence where lists of labels hold objects, and none else.

    Examples
    --------
    >>> objects_note([["a"]]), objects_note([[{"name": "a"}]])
    ([], ["The lists of labels hold objects, such as {'name': 'a'}, whose rows cannot be used: \
list the names alone."])
    """
    parts = (part for value in lists if isinstance(value, list) for part in value)
    found = next((part for part in parts if isinstance(part, dict)), None)
    if found is None:
        return []
    return [
        f"The lists of labels hold objects, such as {shown(found)}, whose rows cannot be used: "
        "list the names alone."
    ]


def _names_sides(y: Mapping[str, Any]) -> bool:
    """Whether labels are known in part: lists of positives and of negatives, and nothing else."""
    lists = [name for name in y if name in _SIDES and isinstance(y[name], list)]
    if lists and len(lists) < len(y):
        raise BadRow("wrong_type", 'Its "y" may hold "positive" and "negative" only.')
    return len(lists) == len(y)


def features(x: Any) -> dict[str, float]:
    """Feature -> number, of an object; what is missing makes no feature.

    Raises
    ------
    BadRow
        It is no object, or holds what makes no features.

    Examples
    --------
    >>> features({"t": 1, "city": "Rome", "age": None, "at": {"x": 2.5}})
    {'t': 1.0, 'city=Rome': 1.0, 'at.x': 2.5}
    """
    if not isinstance(x, dict):
        raise BadRow("wrong_type", 'Its "x" is no object: text needs --embed.')
    found: dict[str, float] = {}
    for name, value in x.items():  # nearly all objects hold numbers and nothing else
        if value is None:
            continue
        if type(value) not in {int, float} or not -FLOAT32_MAX <= value <= FLOAT32_MAX:
            return flat_features(plain(x))
        found[name] = float(value)
    return found
