"""Keys of features and labels that are no texts: how people see them, how a state keeps them.

River's dictionaries may have integers, tuples or members of an enumeration as keys. A vocabulary
hands them back as they came; a state file holds no objects, so there each is a text that says
what it is. Members of an enumeration are found among the modules that are loaded already:
nothing is imported because a file names it.
"""

from __future__ import annotations

import base64
import json
import sys
from collections.abc import Hashable
from enum import Enum
from typing import Any, Final

import numpy as np

from streamml.errors import StateError
from streamml.state.bounded import check_cost, check_keys, cost_of_json
from streamml.types.values import is_missing

__all__ = ["is_key", "key_of", "keys_of", "name_of", "text_of", "texts_of"]

_DEEPEST: Final = 16  # tuples within tuples
_SET, _BYTES, _MEMBER = "set", "bytes", "member"


def is_key(key: object) -> bool:
    """Whether something can be the key of a feature or a label: not what is missing.

    Examples
    --------
    >>> is_key("f"), is_key((1, "a")), is_key(None), is_key(float("nan"))
    (True, True, False, False)
    """
    return isinstance(key, str) or not is_missing(key)


def name_of(key: Hashable) -> str:
    """What people see of a key.

    Examples
    --------
    >>> name_of("f"), name_of(7), name_of(("new", "york"))
    ('f', '7', "('new', 'york')")
    """
    return str.__str__(key) if isinstance(key, str) else str(key)


# -- in a state ------------------------------------------------------------------------------


def text_of(key: Hashable) -> str:
    """The text by which a state keeps a key; equal keys of one type have equal texts.

    Raises
    ------
    StateError
        It is of a type that no file keeps.

    Examples
    --------
    >>> text_of(7), text_of(True), text_of(("new", "york")), text_of(frozenset({1}))
    ('7', 'true', '["new","york"]', '{"set":[1]}')
    """
    try:
        return json.dumps(_plain(key, 0), separators=(",", ":"))
    except ValueError as error:
        raise StateError(f"A key is a number that no file keeps ({error}): use others.") from error


def key_of(text: str) -> Any:
    """The key of which :func:`text_of` made a text; the text may come from anywhere.

    Raises
    ------
    StateError
        It is no such text, or its enumeration is not loaded.

    Examples
    --------
    >>> key_of("7"), key_of("true"), key_of('["new",["york"]]'), key_of('{"set":[1]}')
    (7, True, ('new', ('york',)), frozenset({1}))
    """
    try:
        return _key(json.loads(text), 0)
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise StateError(f"The snapshot does not fit: {text[:40]!r} is no key.") from error


def texts_of(keys: list[Hashable]) -> list[str]:
    """Texts of many keys, as many as a file may hold.

    Raises
    ------
    StateError
        One is of a type that no file keeps, or together they would take too much to read.
    """
    texts = [text_of(key) for key in keys]
    _check_cost(texts)
    return texts


def keys_of(texts: list[str]) -> list[Any]:
    """Keys of many texts, which may come from anywhere.

    Raises
    ------
    StateError
        One is no key, or they say too much in too few bytes.
    """
    _check_cost(texts)
    keys = [key_of(text) for text in texts]
    check_keys(keys)
    return keys


_BESIDE: Final = 48  # bytes that a key has in a file beside its text: name, column, ends


def _check_cost(texts: list[str]) -> None:
    raw = [text.encode("utf-8", "surrogatepass") for text in texts]
    size = sum(map(len, raw)) + _BESIDE * len(raw)
    check_cost(sum(map(cost_of_json, raw)), size, "What names its columns")


def _plain(key: Any, depth: int) -> Any:
    if depth > _DEEPEST:
        raise StateError(f"A key is nested more than {_DEEPEST} deep: make it flatter.")
    if isinstance(key, Enum):
        return {_MEMBER: _member(key)}
    if key is None or isinstance(key, bool | np.bool_):
        return None if key is None else bool(key)
    if isinstance(key, str):
        return str.__str__(key)
    if isinstance(key, int | np.integer):
        return int(key)
    if isinstance(key, float | np.floating):
        return float(key)
    if isinstance(key, bytes):
        return {_BYTES: base64.b64encode(key).decode()}
    if isinstance(key, tuple):
        return [_plain(part, depth + 1) for part in key]
    if isinstance(key, frozenset):
        return {_SET: sorted((_plain(part, depth + 1) for part in key), key=repr)}
    raise StateError(
        f"The key {key!r:.60} is of type {type(key).__name__}, which no file keeps: name features "
        "and labels with texts, numbers, booleans, tuples of these, or members of an enumeration."
    )


def _member(key: Enum) -> list[str]:
    kind = type(key)
    found = [kind.__module__, kind.__qualname__, key.name]
    if _enumeration(*found[:2]) is not kind or key.name not in kind.__members__:
        raise StateError(
            f"The key {key!r:.60} cannot be found again by its name: define the enumeration at "
            "the top of a module, and name its members."
        )
    return found


def _enumeration(module: str, name: str) -> type[Enum] | None:
    """An enumeration of a module that is loaded; looks things up and runs nothing."""
    found: Any = sys.modules.get(module)
    for part in name.split("."):
        found = vars(found).get(part) if hasattr(found, "__dict__") else None
    return found if isinstance(found, type) and issubclass(found, Enum) else None


def _key(value: Any, depth: int) -> Any:
    if depth > _DEEPEST:
        raise ValueError
    if isinstance(value, list):
        return tuple(_key(part, depth + 1) for part in value)
    if not isinstance(value, dict):
        return value
    ((what, inner),) = value.items()
    if what == _SET:
        return frozenset(_key(inner, depth))
    if what == _BYTES:
        return base64.b64decode(inner, validate=True)
    if what != _MEMBER:
        raise ValueError
    module, name, member = inner
    kind = _enumeration(module, name)
    if kind is None or member not in kind.__members__:
        raise StateError(
            f"A key is the member {member!r:.40} of the enumeration {name!r:.60}: import it from "
            f"{module!r:.60} before, nothing is imported because a file names it."
        )
    return kind[member]
