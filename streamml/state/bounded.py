"""What a JSON text costs before it is read, and keys that would make a table crawl.

Somebody's file may say much in few bytes: ``[],`` is three, and a list of Python's takes sixty.
So what reading it would take is counted in its bytes first, and held against its size.
"""

from __future__ import annotations

import json
import re
from array import array
from collections.abc import Iterable
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from streamml.errors import StateError

__all__ = ["FACTOR", "ROOM", "check_cost", "check_keys", "cost_of_json", "parse"]

FACTOR: Final = 8
ROOM: Final = 32 * 2**20
"""A file may cost :data:`FACTOR` times its bytes, beside this room that any file may take."""

_BRACKET, _PAIR, _BRACE, _ENTRY, _COMMA, _QUOTE = 110, 200, 264, 220, 41, 16  # bytes of each
_ALIKE: Final = 64  # more keys of one hash are somebody's work; chance makes two, floats 34
_BEYOND: Final = re.compile(rb"\\u(?!00)")
_FAR: Final = re.compile(rb"\\u[dD][89abAB]")
_DIGITS: Final = 20  # of shorter whole numbers, few hash alike
_LONG: Final = re.compile(f"[0-9]{{{_DIGITS}}}")


def cost_of_json(text: bytes) -> int:
    """Bytes that the text and the objects in it take, at most; in time that grows with it.

    Counted as if no bracket, comma or quotation mark stood inside of a string.
    """
    bracket = _PAIR if b'"$pairs"' in text else _BRACKET  # these become a table
    wide = 1
    if _BEYOND.search(text):  # one such letter makes all of its string wider
        wide = 4 if _FAR.search(text) else 2
    return (
        bracket * text.count(b"[")
        + _BRACE * text.count(b"{")
        + _ENTRY * text.count(b":")
        + _COMMA * text.count(b",")
        + _QUOTE * text.count(b'"')
        + (2 + wide) * len(text)
    )


def check_cost(cost: int, size: int, what: str) -> None:
    """Refuse what would take more memory than ``size`` bytes of file may.

    Raises
    ------
    StateError
        It says too much in too few bytes.
    """
    if cost > FACTOR * size + ROOM:
        raise StateError(
            f"{what} would take about {cost >> 20} MiB of memory, more than {FACTOR} times its "
            f"{size} bytes: keep numbers in arrays, and fewer lists and mappings."
        )


def parse(text: str) -> Any:
    """What JSON says; whole numbers beyond 64 bits are looked at as keys are.

    Raises
    ------
    StateError
        Long numbers in it are alike as keys, as somebody chose them to be.
    ValueError, RecursionError
        It is no JSON, or nested too deeply.
    """
    if _LONG.search(text) is None:
        return json.loads(text)
    long, said = array("q"), array("q")

    def whole(digits: str) -> int:
        number = int(digits)
        if len(digits) >= _DIGITS:
            long.append(hash(number))
            said.append(hash(digits))  # by a secret: tells numbers apart
        return number

    found = json.loads(text, parse_int=whole)
    _check_hashes(np.unique(np.array([long, said]), axis=1)[0])
    return found


def check_keys(keys: Iterable[Any]) -> None:
    """Refuse keys of which many hash alike: a table of these takes time of their square.

    Raises
    ------
    StateError
        They do. Texts are hashed by a secret, numbers and tuples are not.
    """
    hashes = np.fromiter(map(hash, keys), np.int64)
    hashes.sort()
    _check_hashes(hashes)


def _check_hashes(hashes: NDArray[np.int64]) -> None:
    """Of hashes in order, at most so many may be the same."""
    if len(hashes) > _ALIKE and bool((hashes[_ALIKE:] == hashes[:-_ALIKE]).any()):
        raise StateError(f"More than {_ALIKE} keys are chosen to hash alike: use others.")
