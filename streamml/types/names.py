"""What users hand over by name: labels and features, told apart from what only looks like them."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from typing import Any

import numpy as np

from streamml.errors import SchemaError
from streamml.types.event import Labels, PartialLabels
from streamml.types.schema import Schema

__all__ = ["features", "labels", "name_of"]


def name_of(name: Hashable) -> str:
    """A name as vocabularies keep it."""
    return name if isinstance(name, str) else str(name)


def features(x: Mapping[Any, Any]) -> dict[str, float]:
    """Feature name -> number.

    Raises
    ------
    SchemaError
        It is no mapping, or a value is no number.
    """
    if not hasattr(x, "items"):
        raise SchemaError(
            f"The features are of type {type(x).__name__}: give a mapping, feature -> number."
        )
    try:
        return {name_of(name): float(value) for name, value in x.items()}
    except (TypeError, ValueError, OverflowError):
        for name, value in x.items():
            _number(name, value)
        raise


def labels(y: Mapping[Any, Any] | Iterable[Any] | PartialLabels, schema: Schema) -> Labels:
    """What is known of the labels of an event; a mapping makes its names known to the schema.

    Raises
    ------
    SchemaError
        It is neither a mapping nor a collection of names, or a value is neither true nor false.
    """
    if isinstance(y, PartialLabels):
        return y
    if not hasattr(y, "items"):
        return frozenset(_label(label) for label in _collection(y))
    told: dict[str, bool] = {}
    for label, value in y.items():
        known = value if value is True or value is False else _truth(label, value)
        if known is not None:
            told[name_of(label)] = known
    positive = frozenset(name for name, value in told.items() if value)
    names = schema.labels
    if len(told) < len(names) or not all(name in told for name in names.names):
        return PartialLabels(positive, frozenset(told) - positive)
    for name in told:  # negatives are known labels from now on
        names.add(name)
    return positive


def _number(name: Hashable, value: Any) -> None:
    try:
        float(value)
    except (TypeError, ValueError, OverflowError) as error:
        raise SchemaError(
            f"Feature {name!r} is {value!r}, which is no number: encode it, or leave it out "
            "where it is not known."
        ) from error


def _collection(y: object) -> Iterable[Any]:
    if isinstance(y, Iterable) and not isinstance(y, str | bytes):
        return y
    raise SchemaError(
        f"The labels are {y!r:.60}: give a mapping, label -> bool, or a set of those that are true."
    )


def _label(label: Any) -> str:
    if label is None or isinstance(label, bool | np.bool_):
        raise SchemaError(
            f"A label is called {label}: give names of labels, or a mapping, label -> bool."
        )
    return name_of(label)


def _truth(label: Hashable, value: Any) -> bool | None:
    """True, false or, for a missing value, not known."""
    if value is None or type(value).__name__ == "NAType":
        return None
    if not isinstance(value, str | bytes):
        try:
            number = float(value)
        except (TypeError, ValueError):
            number = -1.0
        if number in (0.0, 1.0):
            return number == 1.0
        if number != number:
            return None
    raise SchemaError(
        f"Label {label!r} is {value!r}: give True, False, or leave it out where it is not known."
    )
