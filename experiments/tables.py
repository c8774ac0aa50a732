"""Tables of rows in TOML files: the benchmark's, and those of users, whose mistakes are told."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from streamml.cli.config import read_toml
from streamml.errors import ConfigError

__all__ = ["rows_of"]


def rows_of(
    path: Path, kind: str, required: Collection[str], known: Collection[str]
) -> Iterator[dict[str, Any]]:
    """The ``[[kind]]`` rows of a table.

    Raises
    ------
    ConfigError
        It cannot be read, has no such row, or a row lacks a key or has one that is not known.
    """
    rows = read_toml(path).get(kind)
    if not isinstance(rows, list) or not rows:
        raise ConfigError(f"{path} has no row: begin each with [[{kind}]].")
    for number, row in enumerate(rows, 1):
        where = f"Row {number} of {path}"
        missing = [key for key in required if key not in row]
        if missing:
            raise ConfigError(f"{where} has no {missing[0]!r}: add it.")
        unknown = sorted(set(row) - set(known))
        if unknown:
            raise ConfigError(f"{where} has {unknown[0]!r}: it takes {', '.join(sorted(known))}.")
        yield dict(row)
