"""Events that all name the same features are decoded at twice the speed.

The decoder is made for the names of one event: it fills their values in without looking
at the names again. What has other names is left to the general way.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec
import numpy as np

from streamml.types import Int32Array, Schema

__all__ = ["Document", "LabelDocument", "Shape"]

_MISSES: Final = 64  # a shape that fails so often in a row is given up
_MOST: Final = 2_000  # features; beyond it a struct gains nothing
_ESCAPED: Final = re.compile(r'["\\\x00-\x1f]')  # msgspec compares names as they are written


class Document(msgspec.Struct, gc=False):
    """An event as it stands in JSON."""

    x: dict[str, float]
    id: int | str | None = None
    timestamp: float | None = None
    y: list[str] | None = None


class LabelDocument(msgspec.Struct, gc=False):
    """Labels as they stand in JSON."""

    y: list[str]
    id: int | str | None = None
    timestamp: float | None = None


class Shape:
    """The features that one event named, as a decoder for others like it.

    Parameters
    ----------
    names
        Of the features, in any order, each with a column.
    schema
        Where their columns are.

    Attributes
    ----------
    columns
        Ascending.
    order
        Which of the decoded values belongs to each column.

    Examples
    --------
    >>> shape = Shape(["b", "a"], Schema(["a", "b"]))
    >>> document = shape.decode(b'{"id": 7, "x": {"a": 1, "b": 2.5}}')
    >>> document.id, np.array(shape.values(document))[shape.order].tolist()
    (7, [1.0, 2.5])
    """

    def __init__(self, names: Sequence[str], schema: Schema) -> None:
        fields = [(f"f{k}", float) for k in range(len(names))]
        rename = {f"f{k}": name for k, name in enumerate(names)}
        x = msgspec.defstruct("X", fields, rename=rename, forbid_unknown_fields=True, gc=False)
        document: Any = msgspec.defstruct(
            "ShapedDocument",
            [
                ("x", x),
                ("id", int | str | None, None),
                ("timestamp", float | None, None),
                ("y", list[str] | None, None),
            ],
            gc=False,
        )
        self.decode = msgspec.json.Decoder(document).decode
        columns = np.array([schema.features.find(name) for name in names], np.int32)
        self.order = np.argsort(columns, kind="stable")
        self.columns: Int32Array = columns[self.order]
        self.missed = 0

    @classmethod
    def of(cls, x: Mapping[str, float], schema: Schema) -> Shape | None:
        """A shape like an event's features, where all have columns and names it may have."""
        if not 0 < len(x) <= _MOST or any(schema.features.find(name) < 0 for name in x):
            return None
        if any(map(_ESCAPED.search, x)):
            return None
        return cls(list(x), schema)

    @staticmethod
    def values(document: Any) -> tuple[float, ...]:
        """The numbers of a decoded event, in the order of the names."""
        found: tuple[float, ...] = msgspec.structs.astuple(document.x)
        return found

    @property
    def useless(self) -> bool:
        """Whether hardly any event is like this."""
        return self.missed >= _MISSES
