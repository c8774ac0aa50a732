"""A nested mapping as one JSON document and arrays apart; keys and kinds survive.

JSON has text keys and no tuples, bytes or arrays: these are written as a mapping with one
key that begins with ``$``; a mapping that has such a key itself is written as pairs.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from streamml._capture import is_named
from streamml._statefile import dtype_name
from streamml.errors import StateError

__all__ = ["pack", "unpack"]

_DEPTH = 100
_MAX_DOCUMENT = 2**30
_ARRAY, _TUPLE, _PAIRS, _BYTES = "$array", "$tuple", "$pairs", "$bytes"

Arrays = dict[str, NDArray[Any]]


def pack(mapping: Mapping[str, Any]) -> tuple[bytes, Arrays]:
    """The document, and the arrays by the name under which it mentions them.

    Examples
    --------
    >>> pack({"a": np.zeros(1), 3: (True,)})
    (b'{"$pairs":[["a",{"$array":"a"}],[3,{"$tuple":[true]}]]}', {'a': array([0.])})
    """
    arrays: Arrays = {}
    document = json.dumps(_plain(mapping, (), arrays), separators=(",", ":")).encode()
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
    if isinstance(value, list | tuple):
        parts = [_plain(part, (*path, str(k)), arrays) for k, part in enumerate(value)]
        return parts if isinstance(value, list) else {_TUPLE: parts}
    raise StateError(f"{_where(path)} is a {type(value).__name__}, which cannot be saved.")


def _plain_mapping(value: Mapping[Any, Any], path: tuple[str, ...], arrays: Arrays) -> Any:
    pairs = [(key, _plain(part, (*path, str(key)), arrays)) for key, part in value.items()]
    if all(isinstance(key, str) and not key.startswith("$") for key, _ in pairs):
        return dict(pairs)
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
    if len(document) > _MAX_DOCUMENT:
        raise StateError(f"The document has {len(document)} bytes, more than {_MAX_DOCUMENT}.")
    left = dict(arrays)
    try:
        value = _revive(json.loads(document), left, 0)
    except (ValueError, TypeError, KeyError, RecursionError, OverflowError) as error:
        raise StateError(f"The document cannot be read ({type(error).__name__}).") from error
    if not isinstance(value, dict):
        raise StateError("The document is no mapping.")
    if left:
        raise StateError(f"The array {min(left)[:60]!r} is not mentioned in the document.")
    return value


def _revive(value: Any, arrays: Arrays, depth: int) -> Any:
    if depth > 2 * _DEPTH + 8:
        raise StateError("The document is nested too deeply.")
    if isinstance(value, list):
        return [_revive(part, arrays, depth + 1) for part in value]
    if not isinstance(value, dict):
        return value
    if len(value) == 1:
        ((key, inner),) = value.items()
        if key in _REVIVE:
            return _REVIVE[key](inner, arrays, depth + 1)
    return {key: _revive(part, arrays, depth + 1) for key, part in value.items()}


def _revive_array(name: Any, arrays: Arrays, depth: int) -> NDArray[Any]:
    del depth
    if name not in arrays:
        raise StateError(f"The document mentions an array {str(name)[:60]!r} that is not there.")
    return arrays.pop(name)


def _revive_tuple(parts: Any, arrays: Arrays, depth: int) -> tuple[Any, ...]:
    if not isinstance(parts, list):
        raise TypeError
    return tuple(_revive(part, arrays, depth) for part in parts)


def _revive_pairs(pairs: Any, arrays: Arrays, depth: int) -> dict[Any, Any]:
    return {_revive(key, arrays, depth): _revive(part, arrays, depth + 1) for key, part in pairs}


def _revive_bytes(text: Any, arrays: Arrays, depth: int) -> bytes:
    del arrays, depth
    return base64.b64decode(text, validate=True)


_REVIVE: dict[str, Callable[[Any, Arrays, int], Any]] = {
    _ARRAY: _revive_array,
    _TUPLE: _revive_tuple,
    _PAIRS: _revive_pairs,
    _BYTES: _revive_bytes,
}
