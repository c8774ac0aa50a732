"""Parameters: checks that many classes share, and their names."""

from __future__ import annotations

import inspect

from streamml.errors import ConfigError

__all__ = ["check_seed", "parameter_names"]


def check_seed(seed: object) -> None:
    """Raise where a seed is no whole number of at least 0."""
    if isinstance(seed, bool) or not hasattr(seed, "__index__") or seed.__index__() < 0:
        raise ConfigError(f"seed must be a whole number, at least 0, not {seed!r}.")


def parameter_names(kind: type) -> list[str]:
    """Names of the parameters that an object is made with."""
    if kind.__init__ is object.__init__:  # type: ignore[misc]
        return []
    found = list(inspect.signature(kind.__init__).parameters.values())[1:]  # type: ignore[misc]
    return [p.name for p in found if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)]
