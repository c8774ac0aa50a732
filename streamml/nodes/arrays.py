"""Room for states: arrays described by their axes, which grow without the kernels knowing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

import numpy as np

__all__ = ["Spec", "allocate", "grow", "shape_of"]

State = TypeVar("State", bound=tuple[Any, ...])


Spec = Mapping[str, tuple[Any, float, tuple[str | int, ...]]]
"""Field of a state -> (dtype, value of new entries, axes); an axis is a name or a length."""


def shape_of(axes: tuple[str | int, ...], sizes: Mapping[str, int]) -> tuple[int, ...]:
    """Lengths of the axes."""
    return tuple(sizes[a] if isinstance(a, str) else a for a in axes)


def allocate(kind: type[State], spec: Spec, sizes: Mapping[str, int]) -> State:
    """A new state with axes of the given sizes.

    Examples
    --------
    >>> from typing import NamedTuple
    >>> class Counts(NamedTuple):
    ...     positive: np.ndarray
    >>> allocate(Counts, {"positive": (np.float32, 0, ("label",))}, {"label": 2}).positive
    array([0., 0.], dtype=float32)
    """
    arrays = {
        name: np.full(shape_of(axes, sizes), fill, dtype)
        for name, (dtype, fill, axes) in spec.items()
    }
    found: State = kind(**arrays)
    return found


def grow(state: State, spec: Spec, sizes: Mapping[str, int]) -> State:
    """The same state with longer axes; what is held stays where it is."""
    arrays = {}
    for name, (dtype, fill, axes) in spec.items():
        old, shape = getattr(state, name), shape_of(axes, sizes)
        if shape == old.shape:
            arrays[name] = old
            continue
        new = np.full(shape, fill, dtype)
        new[tuple(slice(0, n) for n in old.shape)] = old
        arrays[name] = new
    found: State = type(state)(**arrays)
    return found
