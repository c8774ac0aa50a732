"""State that Python attributes do not show: random generators, and two classes of river's in Rust.

What a file says of these is checked in full before compiled code sees it.
"""

from __future__ import annotations

import random
import struct
from collections.abc import Hashable
from importlib.metadata import version
from typing import Any, Final

import numpy as np

from streamml.errors import StateError
from streamml.state.capture import check
from streamml.state.objects.known import name_of_constant

__all__ = [
    "WORDS",
    "is_vector",
    "is_windowing",
    "numbers_of",
    "restore_generator",
    "restore_random",
    "restore_vector",
    "restore_windowing",
    "river_version",
    "vector_parts",
    "windowing_bytes",
    "words_of",
]

WORDS: Final = 625
_RANDOM_VERSION: Final = 3
_HEAD: Final = struct.Struct("<diQddddddiiiiQ")
_TAIL: Final = struct.Struct("<diQii")
_MAX_ROWS: Final = 31  # a row holds twice the events of the one before, in 32 bits
_MAX_BUCKETS: Final = 1000


def river_version() -> str:
    """The river that is installed: its attributes have the meaning that its version gives them."""
    return version("river")


# -- random generators ---------------------------------------------------------------------


def words_of(value: random.Random) -> tuple[Any, float | None]:
    """Words of the Mersenne twister with its position, and the normal number it has left."""
    number, words, gauss = value.getstate()
    if number != _RANDOM_VERSION or len(words) != WORDS:
        raise StateError("This Python's random generator cannot be saved: use another Python.")
    return words, gauss


def restore_random(words: list[int], gauss: Any) -> random.Random:
    """A generator of Python's out of its words."""
    check(gauss is None or type(gauss) is float, "a random generator", "holds no number")
    check(words[-1] < WORDS, "a random generator", "stands beyond its end")
    found = random.Random.__new__(random.Random)
    found.setstate((_RANDOM_VERSION, tuple(words), gauss))
    return found


def numbers_of(value: np.random.Generator) -> list[Any]:
    """The numbers of numpy's default generator."""
    state: Any = value.bit_generator.state
    if state["bit_generator"] != "PCG64":
        raise StateError(
            f"A generator with {state['bit_generator']} cannot be saved: make it with "
            "numpy.random.default_rng."
        )
    inner = state["state"]
    return [inner["state"], inner["inc"], state["has_uint32"], state["uinteger"]]


def restore_generator(parts: list[Any]) -> np.random.Generator:
    """A generator of numpy's (PCG64) out of its numbers."""
    limits = (2**128, 2**128, 2, 2**32)
    fits = len(parts) == len(limits) and all(
        type(part) is int and 0 <= part < limit for part, limit in zip(parts, limits, strict=True)
    )
    check(fits, "a random generator", "holds other numbers")
    found = np.random.PCG64(0)
    state, inc, has, left = parts
    found.state = {
        "bit_generator": "PCG64",
        "state": {"state": state, "inc": inc},
        "has_uint32": has,
        "uinteger": left,
    }
    return np.random.Generator(found)


# -- adaptive windowing ----------------------------------------------------------------------


def is_windowing(kind: type) -> bool:
    """Whether it is the compiled part of river's ADWIN."""
    return kind.__name__ == "AdaptiveWindowing" and kind.__module__.startswith("river.")


def windowing_bytes(value: Any) -> bytes:
    """Its state as river writes it, where that has the layout that is known here."""
    try:
        found = value.__getstate__()
        _check_windowing(found)
    except (AttributeError, StateError, struct.error, TypeError) as error:
        raise StateError(
            f"ADWIN of river {river_version()} has a layout that is not known here: install the "
            "river that constraints.txt names."
        ) from error
    return bytes(found)


def restore_windowing(parts: list[Any]) -> Any:
    """A detector's window of river's out of its bytes."""
    from river._river_rust.drift import AdaptiveWindowing

    state: Any = parts[0] if len(parts) == 1 else None
    check(type(state) is bytes, "ADWIN", "is no bytes")
    try:
        _check_windowing(state)
    except struct.error as error:
        raise StateError("The snapshot does not fit: ADWIN is cut short.") from error
    found = AdaptiveWindowing()
    found.__setstate__(state)
    return found


def _check_windowing(state: Any) -> None:
    """Every length and place in it, and that the rows hold as many events as it says."""
    (delta, clock, most, least, grace, total, variance, width, widths, buckets, peak, tick,
     detections, rows) = _HEAD.unpack_from(state)  # fmt: skip
    inside = 1 <= clock < 2**31 and 1 <= most <= _MAX_BUCKETS and 1 <= rows <= _MAX_ROWS
    check(inside, "ADWIN", "has other settings or rows")
    counts = all(number >= 0 for number in (buckets, peak, tick, detections, widths, least, grace))
    check(counts, "ADWIN", "has counted less than nothing")
    check(
        bool(np.isfinite([delta, total, variance, width, widths]).all()), "ADWIN", "is not finite"
    )
    row = struct.Struct(f"<QQQ{most + 1}dQ{most + 1}d")
    at = _HEAD.size
    check(len(state) == at + rows * row.size + _TAIL.size, "ADWIN", "has another size")
    events = 0
    for k in range(rows):
        size, used, first, *rest = row.unpack_from(state, at + k * row.size)
        fits = size == most and used <= most and first == rest[most + 1] == most + 1
        check(fits, "ADWIN", "has a row of another size")
        check(used > 0 or k < max(rows - 1, 1), "ADWIN", "has an empty last row")
        events += used << k
    check(events == width, "ADWIN", "has other events than its width")
    again = _TAIL.unpack_from(state, len(state) - _TAIL.size)
    check(again == (delta, clock, most, least, grace), "ADWIN", "contradicts its settings")


# -- vectors by name ---------------------------------------------------------------------------


def is_vector(kind: type) -> bool:
    """Whether it is river's vector whose places have names."""
    return kind.__name__ == "VectorDict" and kind.__module__.startswith("river.")


def vector_parts(value: Any) -> list[Any]:
    """What makes a name that is not there, the names, and their numbers."""
    kind, (data, factory, mask, *_) = value.__reduce__()
    if mask is not None or kind is not type(value):
        raise StateError("A VectorDict with a mask cannot be saved: make one without.")
    if factory is not None:
        name_of_constant(factory)
    return [factory, *data, *data.values()]


def restore_vector(factory: Any, data: dict[Hashable, Any]) -> Any:
    """A vector of river's with its maker of missing entries."""
    from river._river_rust.vectordict import VectorDict

    check(factory is None or callable(factory), "a vector", "makes nothing")
    numbers = all(type(value) in (int, float) for value in data.values())
    names = all(type(name) in (int, str) for name in data)
    check(numbers and names, "a vector", "holds no numbers by name")
    return VectorDict(data, factory, None, True)
