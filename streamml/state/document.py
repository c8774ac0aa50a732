"""A nested mapping as one JSON document and arrays apart; keys and kinds survive.

JSON has text keys and no tuples, bytes or arrays: these are written as a mapping with one
key that begins with ``$``; a mapping that has such a key itself is written as pairs. A long
list of texts, such as the names of features, becomes two arrays, as objects of Python's would
take many times its bytes in the document.

What is read may come from anywhere: what it will cost is known before it is made.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from streamml.errors import StateError
from streamml.state.bounded import check_cost, check_keys, cost_of_json, parse
from streamml.state.capture import is_named
from streamml.state.statefile import dtype_name

__all__ = ["pack", "unpack"]

_DEPTH = 100
_MAX_DOCUMENT = 64 * 2**20
_MAX_GRAPHS = 16  # each has some room of its own
_MANY = 1000  # texts in a list, from which they go into arrays
_TEXT = 73  # bytes of a text in a list, beside its letters
_PIECE = 2**16
_ARRAY, _TUPLE, _PAIRS, _BYTES, _TEXTS = "$array", "$tuple", "$pairs", "$bytes", "$texts"

Arrays = dict[str, NDArray[Any]]


def pack(mapping: Mapping[str, Any]) -> tuple[bytes, Arrays]:
    """The document, and the arrays by the name under which it mentions them.

    Raises
    ------
    StateError
        A value cannot be saved, or :func:`unpack` would refuse the whole.

    Examples
    --------
    >>> pack({"a": np.zeros(1), 3: (True,)})
    (b'{"$pairs":[["a",{"$array":"a"}],[3,{"$tuple":[true]}]]}', {'a': array([0.])})
    """
    arrays: Arrays = {}
    document = json.dumps(_plain(mapping, (), arrays), separators=(",", ":")).encode()
    _check(document, arrays)  # what could not be read again is not written
    return document, arrays


def _plain(value: Any, path: tuple[str, ...], arrays: Arrays) -> Any:
    if len(path) > _DEPTH:
        raise StateError(f"The state is nested more than {_DEPTH} deep: make it flatter.")
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, np.ndarray):
        return {_ARRAY: _keep(value, path, arrays)}
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, bytes):
        return {_BYTES: base64.b64encode(value).decode()}
    if is_named(value):
        value = value._asdict()
    if isinstance(value, Mapping):
        return _plain_mapping(value, path, arrays)
    if type(value) is list and len(value) >= _MANY and all(type(part) is str for part in value):
        return {_TEXTS: _keep_texts(value, path, arrays)}
    if isinstance(value, list | tuple):
        parts = [_plain(part, (*path, str(k)), arrays) for k, part in enumerate(value)]
        return parts if isinstance(value, list) else {_TUPLE: parts}
    raise StateError(f"{_where(path)} is a {type(value).__name__}, which cannot be saved.")


def _plain_mapping(value: Mapping[Any, Any], path: tuple[str, ...], arrays: Arrays) -> Any:
    pairs = [(key, _plain(part, (*path, str(key)), arrays)) for key, part in value.items()]
    if all(isinstance(key, str) and not key.startswith("$") for key, _ in pairs):
        return dict(pairs)
    check_keys(value)
    keys = [_plain(key, path, arrays) for key, _ in pairs]
    return {_PAIRS: [[key, part] for key, (_, part) in zip(keys, pairs, strict=True)]}


def _keep(array: NDArray[Any], path: tuple[str, ...], arrays: Arrays) -> str:
    if dtype_name(array) is None:
        raise StateError(
            f"{_where(path)} is an array of {array.dtype}: save booleans, integers or floats."
        )
    name = stem = "/".join(path)[:200].encode("ascii", "replace").decode()
    while name in arrays or name in ("", "document", "__metadata__"):
        name = f"{stem}#{len(arrays)}"
    arrays[name] = array
    return name


def _keep_texts(texts: list[str], path: tuple[str, ...], arrays: Arrays) -> list[str]:
    """Names of two arrays: all texts after each other as UTF-8, and where each ends."""
    raw = [text.encode("utf-8", "surrogatepass") for text in texts]
    ends = np.cumsum([len(text) for text in raw], dtype=np.int64)
    whole = np.frombuffer(b"".join(raw), np.uint8)
    _check_texts(whole, ends)
    return [_keep(whole, (*path, "utf8"), arrays), _keep(ends, (*path, "ends"), arrays)]


def _where(path: tuple[str, ...]) -> str:
    return "/".join(path)[:80] or "The state"


def unpack(document: bytes, arrays: Mapping[str, NDArray[Any]]) -> dict[str, Any]:
    """The mapping that :func:`pack` packed.

    Raises
    ------
    StateError
        The document is too long, no JSON, nested too deeply, or mentions an array that is
        not there or mentioned twice.
    """
    _check(document, arrays)
    left = dict(arrays)
    try:
        value = _restore(parse(document.decode("ascii")), left, 0)
    except (ValueError, TypeError, KeyError, RecursionError, OverflowError) as error:
        raise StateError(f"The document cannot be read ({type(error).__name__}).") from error
    if not isinstance(value, dict):
        raise StateError("The document is no mapping.")
    if left:
        raise StateError(f"The array {min(left)[:60]!r} is not mentioned in the document.")
    return value


def _check(document: bytes, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Refuse a document that is too long, or says more than its file may cost."""
    if len(document) > _MAX_DOCUMENT:
        raise StateError(
            f"The document has {len(document)} bytes, more than {_MAX_DOCUMENT}: keep numbers in "
            "arrays, and names in lists of texts."
        )
    if document.count(b'"$graph"') > _MAX_GRAPHS:
        raise StateError(
            f"The state holds more than {_MAX_GRAPHS} models of libraries: save fewer."
        )
    room = sum(array.nbytes for array in arrays.values())
    check_cost(cost_of_json(document) + room, len(document) + room, "The document")


def _restore(value: Any, arrays: Arrays, depth: int) -> Any:
    """What a value of JSON stands for; lists and mappings are changed where they are."""
    if depth > 2 * _DEPTH + 8:
        raise StateError("The document is nested too deeply.")
    if isinstance(value, list):
        for k, part in enumerate(value):
            if isinstance(part, list | dict):
                value[k] = _restore(part, arrays, depth + 1)
        return value
    if not isinstance(value, dict):
        return value
    if len(value) == 1:
        ((key, inner),) = value.items()
        if key in _REVIVE:
            return _REVIVE[key](inner, arrays, depth + 1)
    for key, part in value.items():
        if isinstance(part, list | dict):
            value[key] = _restore(part, arrays, depth + 1)
    return value


def _restore_array(name: Any, arrays: Arrays, depth: int) -> NDArray[Any]:
    del depth
    if name not in arrays:
        raise StateError(f"The document mentions an array {str(name)[:60]!r} that is not there.")
    return arrays.pop(name)


def _restore_texts(names: Any, arrays: Arrays, depth: int) -> list[str]:
    whole, ends = (_restore_array(name, arrays, depth) for name in names)
    fits = whole.dtype == np.uint8 and ends.dtype == np.int64 and whole.ndim == ends.ndim == 1
    if not (fits and len(ends) and ends[0] >= 0 and ends[-1] == len(whole)):
        raise StateError("The document has texts that are none.")
    if bool((ends[1:] < ends[:-1]).any()):
        raise StateError("The document has texts that overlap.")
    _check_texts(whole, ends)
    raw = whole.tobytes()
    found, start = [], 0
    for first in range(0, len(ends), _PIECE):
        places = ends[first : first + _PIECE].tolist()
        found += [raw[a:b].decode("utf-8", "surrogatepass") for a, b in pairwise([start, *places])]
        start = places[-1]
    return found


def _check_texts(whole: NDArray[Any], ends: NDArray[Any]) -> None:
    """Refuse a list of texts that are so short that it would cost more than its file may."""
    wide = 1 if int(whole.max(initial=0)) < 128 else 4
    cost = _TEXT * len(ends) + wide * len(whole)
    check_cost(cost, whole.nbytes + ends.nbytes, "A list of texts")


def _restore_tuple(parts: Any, arrays: Arrays, depth: int) -> tuple[Any, ...]:
    if not isinstance(parts, list):
        raise TypeError
    return tuple(_restore(parts, arrays, depth))


def _restore_pairs(pairs: Any, arrays: Arrays, depth: int) -> dict[Any, Any]:
    keys = [_restore(key, arrays, depth) for key, _ in pairs]
    check_keys(keys)
    parts = (_restore(part, arrays, depth + 1) for _, part in pairs)
    return dict(zip(keys, parts, strict=True))


def _restore_bytes(text: Any, arrays: Arrays, depth: int) -> bytes:
    del arrays, depth
    return base64.b64decode(text, validate=True)


_REVIVE: dict[str, Callable[[Any, Arrays, int], Any]] = {
    _ARRAY: _restore_array,
    _TUPLE: _restore_tuple,
    _PAIRS: _restore_pairs,
    _BYTES: _restore_bytes,
    _TEXTS: _restore_texts,
}
