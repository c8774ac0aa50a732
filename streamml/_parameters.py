"""Checks of parameters that many classes share."""

from __future__ import annotations

from streamml.errors import ConfigError

__all__ = ["check_seed"]


def check_seed(seed: object) -> None:
    """Raise where a seed is no whole number of at least 0."""
    if isinstance(seed, bool) or not hasattr(seed, "__index__") or seed.__index__() < 0:
        raise ConfigError(f"seed must be a whole number, at least 0, not {seed!r}.")
