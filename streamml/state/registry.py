"""Things by name: what a command or a configuration calls them, made with parameters."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from streamml.errors import ConfigError

__all__ = ["made"]

_T = TypeVar("_T")


def made(what: str, kinds: Mapping[str, Callable[..., _T]], name: str, /, **parameters: Any) -> _T:
    """The thing called ``name``.

    Parameters
    ----------
    what
        What these things are, for the error.
    kinds
        Name -> class.
    parameters
        Of the class.

    Raises
    ------
    ConfigError
        Name or parameter is not known, or a value is out of range.

    Examples
    --------
    >>> made("number", {"whole": int}, "real")
    Traceback (most recent call last):
    ...
    streamml.errors.ConfigError: There is no number 'real': take one of whole.
    """
    if name not in kinds:
        raise ConfigError(f"There is no {what} {name!r}: take one of {', '.join(kinds)}.")
    takes = inspect.signature(kinds[name]).parameters
    unknown = [key for key in parameters if key not in takes]
    if unknown:
        raise ConfigError(f"{name} has no parameter {unknown[0]!r}: it takes {', '.join(takes)}.")
    return kinds[name](**parameters)
