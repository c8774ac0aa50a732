"""What was learned as plain values, and back: the generic part of snapshots.

``capture`` turns attributes into scalars, lists, mappings and arrays; ``restore_value`` makes
attributes of the same kind out of them, and refuses what is of another kind: arrays keep
dtype and number of axes, named tuples their fields. Ranges are checked by whoever knows
them, with :func:`check`.
"""

from __future__ import annotations

import copy as copying
from collections.abc import Mapping
from typing import Any, Protocol, TypeVar, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from streamml.errors import StateError

__all__ = ["Restorable", "Saveable", "capture", "check", "check_range", "part_of", "restore_value"]

State = TypeVar("State")


@runtime_checkable
class Restorable(Protocol):
    """Something with a state of its own."""

    def snapshot(self) -> Mapping[str, Any]:
        """All that it learned, as plain values."""

    def restore(self, snapshot: Mapping[str, Any]) -> None:
        """Go to a state that :meth:`snapshot` gave."""


@runtime_checkable
class Saveable(Restorable, Protocol):
    """A learner, as far as a file knows it: parameters, a state, and names that it is bound to."""

    def snapshot(self, copy: bool = True) -> Mapping[str, Any]:
        """All that it learned; with ``copy=False`` arrays change as it goes on."""

    def bind(self, schema: Any) -> None:
        """Take the names of a schema."""


def is_named(value: object) -> bool:
    """Whether it is a named tuple."""
    return isinstance(value, tuple) and hasattr(value, "_fields")


def capture(value: Any, copy: bool = True) -> Any:
    """A value as scalars, lists, mappings and arrays; named tuples by field name.

    Examples
    --------
    >>> capture({"counts": [1, np.int64(2)], "none": None})
    {'counts': [1, 2], 'none': None}
    """
    if value is None or isinstance(value, bool | int | float | str | bytes):
        return value
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        return value.copy() if copy else value
    if is_named(value):
        return {name: capture(getattr(value, name), copy) for name in value._fields}
    if isinstance(value, list | tuple):
        return type(value)(capture(part, copy) for part in value)
    if isinstance(value, Mapping):
        return {key: capture(part, copy) for key, part in value.items()}
    if isinstance(value, np.random.Generator):
        return {"generator": capture(value.bit_generator.state)}
    if isinstance(value, Restorable):
        return value.snapshot()
    raise StateError(
        f"A {type(value).__name__} cannot be saved: keep what is learned in numbers, texts, "
        "lists, mappings, arrays, named tuples of arrays, or something with snapshot and restore."
    )


def restore_value(saved: Any, like: State, where: str) -> State:
    """What was captured, as a value of the kind of ``like``; shares no memory with ``saved``.

    Fields of named tuples go by name: one that ``saved`` does not have yet is that of ``like``.

    Raises
    ------
    StateError
        It is of another kind. ``where`` names it in the message.
    """
    found: Any
    if is_named(like):
        fields: Any = like
        mapping = _fields(saved, fields._fields, where)
        found = type(fields)(
            **{
                name: restore_value(mapping[name], getattr(fields, name), f"{where}.{name}")
                if name in mapping
                else copying.deepcopy(getattr(fields, name))
                for name in fields._fields
            }
        )
    elif isinstance(like, np.ndarray):
        found = _array(saved, like, where)
    elif isinstance(like, np.random.Generator):
        found = _generator(saved, like, where)
    elif like is None or isinstance(like, bool | int | float | str | bytes):
        found = _scalar(saved, like, where)
    elif isinstance(like, list | tuple | Mapping):
        check(type(saved) is type(like), where, f"is no {type(like).__name__}")
        found = capture(saved)
    elif isinstance(like, Restorable):
        check(isinstance(saved, Mapping), where, "is no mapping")
        found = copying.deepcopy(like)
        found.restore(saved)
    else:
        raise StateError(f"{where} cannot be restored: a {type(like).__name__} has no snapshot.")
    return found  # type: ignore[no-any-return]


def _fields(saved: Any, names: tuple[str, ...], where: str) -> Mapping[str, Any]:
    known = isinstance(saved, Mapping) and bool(saved) and set(saved) <= set(names)
    check(known, where, "has other fields")
    mapping: Mapping[str, Any] = saved
    return mapping


def _array(saved: Any, like: NDArray[Any], where: str) -> NDArray[Any]:
    check(isinstance(saved, np.ndarray), where, "is no array")
    check(
        saved.dtype == like.dtype and saved.ndim == like.ndim,
        where,
        f"is no {like.dtype} array with {like.ndim} axes",
    )
    return np.array(saved, like.dtype, order="C")


def _generator(saved: Any, like: np.random.Generator, where: str) -> np.random.Generator:
    found = copying.deepcopy(like)
    try:
        found.bit_generator.state = saved["generator"]
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise StateError(f"{where} is no state of its random generator.") from error
    return found


def _scalar(saved: Any, like: object, where: str) -> Any:
    if isinstance(like, float) and type(saved) is int:
        return float(saved)
    kind = "nothing" if like is None else type(like).__name__
    check(type(saved) is type(like), where, f"is no {kind}")
    return saved


def check(holds: bool | np.bool_, where: str, fault: str) -> None:
    """Refuse a snapshot: ``where`` names the part, ``fault`` says what is wrong with it."""
    if not holds:
        raise StateError(f"The snapshot does not fit: {where} {fault}.")


def check_range(values: NDArray[Any], low: int, high: int, where: str) -> None:
    """Every entry must lie in ``[low, high)``."""
    if values.size:
        inside = low <= values.min() and values.max() < high
        check(bool(inside), where, f"leaves the range from {low} to {high - 1}")


def part_of(snapshot: Any, name: str, kind: type[State], where: str = "it") -> State:
    """One entry of a snapshot, of the given type (``float`` takes whole numbers too)."""
    check(isinstance(snapshot, Mapping) and name in snapshot, where, f"lacks {name!r}")
    value = snapshot[name]
    if kind is float and type(value) is int:
        value = float(value)
    fits = type(value) is kind or (kind not in (int, bool, float) and isinstance(value, kind))
    check(fits, f"{name!r} of {where}", f"is no {kind.__name__}")
    return value  # type: ignore[no-any-return]
