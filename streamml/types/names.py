"""What users hand over by name: labels and features, told apart from what only looks like them."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from math import isfinite
from typing import Any, Final

import numpy as np

from streamml.errors import SchemaError
from streamml.types.event import Labels, PartialLabels
from streamml.types.keys import is_key
from streamml.types.schema import Schema
from streamml.types.truth import truth
from streamml.types.values import FLOAT32_MAX, BadValueError, feature_items, shown

__all__ = ["features", "in_order", "labels"]

_PLAIN: Final = frozenset({float, int})
_NUMBERS: Final = _PLAIN | {bool, np.bool_, np.float64, np.float32, np.int64, np.int32}
_NAMED: Final = frozenset({str, int, tuple})


def features(x: Mapping[Any, Any]) -> Mapping[Any, float]:
    """Feature -> finite number; keys stay as they are.

    What is missing is absent, a text is a feature of its own (``city=Rome``), an object has
    dotted names, a list a name for each position: :func:`streamml.types.values.feature_items`.

    Raises
    ------
    BadValueError
        It is no mapping, or has a value that cannot be used; a :class:`SchemaError`.

    Examples
    --------
    >>> features({"t": 0.5, "city": "Rome", "age": None, 7: 1.0, "emb": [0.1, 0.2]})
    {'t': 0.5, 'city=Rome': 1.0, 7: 1.0, 'emb.0': 0.1, 'emb.1': 0.2}
    """
    if type(x) is not dict:
        if not hasattr(x, "items"):
            raise BadValueError(
                "wrong_type",
                f"The features are of type {type(x).__name__}: give a mapping, feature -> number; "
                "text needs an embedding stage.",
            )
        x = dict(x.items())
    types = set(map(type, x.values()))
    plain = x
    if not types <= _PLAIN and types <= _NUMBERS:
        plain = {key: float(value) for key, value in x.items()}
    return plain if types <= _NUMBERS and _is_usable(plain) else _made_of(x)


def _is_usable(x: dict[Any, Any]) -> bool:
    """Whether numbers can stay as they are, as in nearly all events."""
    values = x.values()
    if not _NAMED.issuperset(map(type, x)) and not all(map(is_key, x)):
        return False
    try:
        return not x or (
            isfinite(sum(values)) and max(values) <= FLOAT32_MAX and min(values) >= -FLOAT32_MAX
        )
    except OverflowError:
        return False


def _made_of(x: dict[Any, Any]) -> dict[Any, float]:
    found: dict[Any, float] = {}
    for key, value in x.items():
        if not is_key(key):
            raise BadValueError("wrong_type", f"A feature is called {key}: name it.")
        name = key if isinstance(key, str) else str(key)
        for feature, number in feature_items(name, value):
            made = key if feature == name else feature
            if made in found and not ("=" in feature and found[made] == number):
                raise BadValueError(
                    "malformed", f"Two of its fields make the feature {shown(made)}: rename one."
                )
            found[made] = number
    return found


def labels(y: Mapping[Any, Any] | Iterable[Any] | PartialLabels, schema: Schema) -> Labels:
    """What is known of the labels of an event; a mapping makes its names known to the schema.

    Raises
    ------
    SchemaError
        It is neither a mapping nor a collection of names, or a value is neither true nor false.
    """
    if isinstance(y, PartialLabels):
        return y
    if hasattr(y, "items"):
        return _told(y.items(), schema)
    names = _collection(y)
    if isinstance(names, list) and _is_row(names):
        return _told(zip(_named_positions(names, schema), names, strict=True), schema)
    found = frozenset(_label(label, schema) for label in names)
    return PartialLabels(found, frozenset()) if schema.positive_only else found


def in_order(names: Iterable[Any]) -> list[Any]:
    """Keys in an order that hangs on nothing but what they are called.

    Examples
    --------
    >>> in_order({"b", "a"}), in_order({10, 9, "9"})
    (['a', 'b'], [10, 9, '9'])
    """
    return sorted(names, key=_rank)


def _rank(key: Hashable) -> tuple[str, str]:
    return (key, "text") if type(key) is str else (str(key), type(key).__name__)


def _told(items: Iterable[tuple[Any, Any]], schema: Schema) -> Labels:
    """The labels of a mapping.

    Where it says of a label that it is not true, or not known, those that it does not name are
    unknown; where it names true ones only, the schema says what that means.
    """
    told: dict[Any, bool] = {}
    unknown = False
    for label, value in items:
        if value is True or value is False:
            told[label] = value
        elif type(value) is np.bool_:
            told[label] = bool(value)
        elif (known := truth(value, f"Label {label!r}")) is not None:
            told[label] = known
        else:
            unknown = True
    positive = frozenset(label for label, value in told.items() if value)
    names = schema.labels
    named = len(told) >= len(names) and all(label in told for label in names.keys)
    if positive == told.keys() and not (unknown or named or schema.positive_only):
        return positive
    if not named:
        return PartialLabels(positive, frozenset(told) - positive)
    for label in told:  # negatives are known labels from now on
        names.add(label)
    return positive


def _collection(y: object) -> Iterable[Any]:
    """The names of a collection: a list where their order may mean something."""
    if isinstance(y, np.ndarray):
        y = y.tolist() if y.ndim == 1 else None
    if isinstance(y, Iterable) and not isinstance(y, str | bytes):
        return y if isinstance(y, set | frozenset) else list(y)
    raise SchemaError(
        f"The labels are {y!r:.60}: give a mapping, label -> bool, or a set of those that are true."
    )


def _is_row(values: list[Any]) -> bool:
    """Whether these are zeros and ones, as in a row of a matrix of labels."""
    known = [value for value in values if is_key(value)]
    return bool(known) and all(
        isinstance(value, bool | int | float | np.generic) and value in (0, 1) for value in known
    )


def _named_positions(row: list[Any], schema: Schema) -> Iterable[Any]:
    """The labels that the positions of a row stand for.

    Raises
    ------
    SchemaError
        That many labels are not known, or 0 and 1 may be names of labels themselves.
    """
    keys = schema.labels.keys
    names = len(set(row)) == len(row) and not any(isinstance(v, bool | float) for v in row)
    if len(row) == len(keys) and not (names and (0 in schema.labels or 1 in schema.labels)):
        return keys
    raise SchemaError(
        f"The labels {row!r:.60} look like a row of zeros and ones for {len(row)} labels, of which "
        f"{len(keys)} are known by name: give a mapping, label -> bool, or a set of those that are "
        "true; or name all of them with bind(Schema(labels=...))."
    )


def _label(label: Any, schema: Schema) -> Any:
    if not is_key(label) or (isinstance(label, bool | np.bool_) and label not in schema.labels):
        raise SchemaError(
            f"A label is called {label}: give names of labels, or a mapping, label -> bool."
        )
    return label
