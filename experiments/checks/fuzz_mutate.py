"""Inputs nobody sent: bytes and nested values, spoilt by a random generator that is given."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import numpy as np

__all__ = ["spoil_bytes", "spoil_value"]

_NUMBERS = (
    b"0", b"-1", b"1e999", b"-0", b"NaN", b"Infinity", b"9" * 19, b"9" * 40, b"0.1e-400", b"1_0",
    b"18446744073709551616", b"-9223372036854775809", b"\xd9\xa1", b"0x10", b"?", b"null", b"true",
)  # fmt: skip
_MARKS = (
    b'"', b"'", b"\\", b",", b";", b":", b"{", b"}", b"[", b"]", b"%", b"#", b"\n", b"\r\n", b"\r",
    b"\t", b" ", b"\0", b"\xff", b"\xc3", b"\xed\xa0\x80", b"\xef\xbb\xbf", b"\\ud800", b"\x85",
    b"\xe2\x80\xa8", b"@data", b"$array", b"$pairs", b"$tuple", b"$graph",
)  # fmt: skip
_ODD_NUMBERS: tuple[Any, ...] = (
    0, 1, -1, 2, 7, 255, 1000, 2**31 - 1, -(2**31), 2**62, 2**63, -(2**63) - 1, 10**30, 0.5, -1.0,
    1e300, 1e-300, float("nan"), float("inf"), -float("inf"),
)  # fmt: skip
_ODD_VALUES: tuple[Any, ...] = (
    None, True, "", "x", "\ud800", "$array", b"\0", [], {}, (), [None], {"a": 1}, ("a", 0),
)  # fmt: skip


def spoil_bytes(rng: random.Random, seeds: Sequence[bytes]) -> bytes:
    """One of some texts with a few changes: bits, numbers, marks, pieces gone or again."""
    data = bytearray(rng.choice(seeds))
    for _ in range(rng.choice((1, 1, 1, 2, 2, 3, 6))):
        _CHANGES[rng.randrange(len(_CHANGES))](rng, data, seeds)
    return bytes(data)


def _flip(rng: random.Random, data: bytearray, seeds: Sequence[bytes]) -> None:
    del seeds
    if data:
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)


def _cut(rng: random.Random, data: bytearray, seeds: Sequence[bytes]) -> None:
    del seeds
    start, length = _piece(rng, data)
    del data[start : start + length]


def _truncate(rng: random.Random, data: bytearray, seeds: Sequence[bytes]) -> None:
    del seeds
    del data[rng.randint(0, len(data)) :]


def _repeat(rng: random.Random, data: bytearray, seeds: Sequence[bytes]) -> None:
    del seeds
    start, length = _piece(rng, data)
    times = rng.choice((1, 1, 2, 3, 200))
    data[start:start] = data[start : start + length][:64] * times


def _insert(rng: random.Random, data: bytearray, seeds: Sequence[bytes]) -> None:
    del seeds
    start = rng.randint(0, len(data))
    data[start:start] = rng.choice(_NUMBERS + _MARKS)


def _replace(rng: random.Random, data: bytearray, seeds: Sequence[bytes]) -> None:
    """Another number or mark where a number or a word stands."""
    del seeds
    start = end = rng.randint(0, len(data))
    while end < len(data) and (data[end : end + 1].isalnum() or data[end] in b".-+"):
        end += 1
    data[start : max(end, min(start + 1, len(data)))] = rng.choice(_NUMBERS + _MARKS)


def _splice(rng: random.Random, data: bytearray, seeds: Sequence[bytes]) -> None:
    other = rng.choice(seeds)
    start, length = _piece(rng, other)
    at = rng.randint(0, len(data))
    data[at:at] = other[start : start + length]


_CHANGES = (_flip, _flip, _cut, _truncate, _repeat, _insert, _insert, _replace, _replace, _splice)


def _piece(rng: random.Random, data: bytes | bytearray) -> tuple[int, int]:
    start = rng.randint(0, len(data))
    return start, rng.randint(0, min(len(data) - start, rng.choice((1, 4, 16, 64, 1024))))


# -- nested values -------------------------------------------------------------------------


def spoil_value(rng: random.Random, value: Any) -> Any:
    """A copy of nested mappings, lists and arrays with one of its parts changed."""
    if isinstance(value, dict) and value and rng.random() < 0.93:
        key = rng.choice(list(value))
        found = dict(value)
        how = rng.random()
        if how < 0.9:
            found[key] = spoil_value(rng, value[key])
        elif how < 0.95:
            del found[key]
        else:
            found[rng.choice(("x", 7, "$array", key))] = found.pop(key)
        return found
    if isinstance(value, list | tuple) and value and rng.random() < 0.9:
        parts = list(value)
        at = rng.randrange(len(parts))
        how = rng.random()
        if how < 0.8:
            parts[at] = spoil_value(rng, parts[at])
        elif how < 0.9:
            del parts[at]
        else:
            parts.insert(at, parts[at])
        return type(value)(parts)
    if isinstance(value, np.ndarray) and rng.random() < 0.95:
        return _spoil_array(rng, value)
    if isinstance(value, int | float) and rng.random() < 0.7:
        return rng.choice((value + 1, value - 1, -value, rng.choice(_ODD_NUMBERS)))
    return rng.choice(_ODD_NUMBERS + _ODD_VALUES)


def _spoil_array(rng: random.Random, array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    how = rng.random()
    if how < 0.1:
        return array[: rng.randint(0, len(array))] if array.ndim else array.reshape(1)
    if how < 0.15:
        return np.concatenate([array, array[-1:]]) if array.ndim else array
    with np.errstate(all="ignore"):
        if how < 0.2:
            return array.astype(rng.choice(("i1", "u2", "f4", "f8", "?", "i8")))
        found = array.copy()
        flat = found.reshape(-1)
        for _ in range(rng.randint(1, 3) if flat.size else 0):
            at, other = rng.randrange(flat.size), rng.randrange(flat.size)
            if rng.random() < 0.4:
                flat[at] = flat[other]
            else:
                odd = np.array(rng.choice(_ODD_NUMBERS), np.float64)
                flat[at] = odd.astype(array.dtype)
    return found
