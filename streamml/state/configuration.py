"""How something is configured, by name and in texts: what a stored run compares itself with."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

import numpy as np

from streamml.state.capture import part_of
from streamml.state.parameters import parameter_names

__all__ = ["configured", "differences", "told"]


def told(value: object) -> str:
    """A parameter's value as a text that is the same in every process.

    Examples
    --------
    >>> told((1, 2.0, "three")), told({"a": np.float64(0.5)}), told(len)
    ("[1, 2, 'three']", "{'a': 0.5}", 'len')
    """
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float):  # 1 and 1.0 are one number
        return str(int(value)) if value.is_integer() and abs(value) < 2**53 else repr(value)
    if value is None or isinstance(value, bool | int | str):
        return repr(value)
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{told(k)}: {told(v)}' for k, v in value.items())}}}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(told, value))}]"
    if callable(value) and hasattr(value, "__qualname__"):
        return str(value.__qualname__)
    given = configured(value)
    return f"{given['name']}({', '.join(f'{k}={v}' for k, v in given['parameters'].items())})"


def configured(thing: object) -> dict[str, Any]:
    """Name of its class, and its parameters as texts; a text or ``None`` has none.

    Examples
    --------
    >>> from streamml.evaluate import Delay
    >>> configured(Delay(events=20))
    {'name': 'Delay', 'parameters': {'events': '20', 'seconds': 'None'}}
    """
    if thing is None or isinstance(thing, str):
        return {"name": "none" if thing is None else thing, "parameters": {}}
    names = [name for name in parameter_names(type(thing)) if hasattr(thing, name)]
    return {
        "name": type(thing).__name__,
        "parameters": {name: told(getattr(thing, name)) for name in names},
    }


def differences(stored: Mapping[str, Any], thing: object) -> list[str]:
    """Where ``thing`` is configured otherwise than what was stored; parameters by name.

    One that is not in ``stored`` is newer than that: it had the value that its class names in
    ``_values_before``, else its default. What is ``None`` there is not known.

    Raises
    ------
    StateError
        ``stored`` is nothing that :func:`configured` gave.
    """
    where = "the configuration"
    name, mine = part_of(stored, "name", str, where), configured(thing)
    if name != mine["name"]:
        return [f"it was {name}, not {mine['name']}"]
    if stored.get("parameters") is None:
        return []
    was = part_of(stored, "parameters", dict, where)
    now, before = mine["parameters"], _before(type(thing))
    found = []
    for parameter in [*now, *(extra for extra in was if extra not in now)]:
        old = was.get(parameter, before.get(parameter))
        new = now.get(parameter, "no longer there")
        if old is not None and old != new:
            found.append(f"{parameter} was {old}, and is {new}")
    return found


def _before(kind: type) -> dict[str, str]:
    """Values of parameters in states that do not have them yet."""
    signature = inspect.signature(kind.__init__).parameters.values()  # type: ignore[misc]
    defaults = {p.name: p.default for p in signature if p.default is not p.empty}
    return {k: told(v) for k, v in {**defaults, **getattr(kind, "_values_before", {})}.items()}
