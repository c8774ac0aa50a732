"""Any nested mapping in one file: what :func:`write` writes, :func:`read` reads, from anywhere."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import streamml
from streamml.errors import StateError
from streamml.state.document import pack, unpack
from streamml.state.migrations import upgrade
from streamml.state.statefile import VERSION, read_file, write_file

__all__ = ["LIMIT", "read", "write"]

LIMIT: Final = 16 * 2**30
"""Largest file that is read by default, in bytes."""


def write(path: str | Path, mapping: Mapping[str, Any], kind: str = "state") -> None:
    """Write a nested mapping to a file, atomically: a reader sees the old one or the new one.

    Parameters
    ----------
    path
        The file; its directory must exist. One writer at a time and process.
    mapping
        Text, integer or other scalar keys; values None, bool, int, float, str, bytes, list,
        tuple, mapping, named tuple, numpy array (boolean, integer or float).
    kind
        What it is; :func:`read` can insist on it.

    Raises
    ------
    StateError
        A value cannot be saved, or the operating system refuses.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> path = Path(tempfile.mkdtemp()) / "counts.state"
    >>> write(path, {"counts": np.arange(3), "names": {7: "seven"}})
    >>> read(path)
    {'counts': array([0, 1, 2]), 'names': {7: 'seven'}}
    """
    document, arrays = pack(mapping)
    write_file(Path(path), kind, streamml.__version__, document, arrays)


def read(
    path: str | Path, kind: str | tuple[str, ...] | None = None, limit: int = LIMIT
) -> dict[str, Any]:
    """Read what :func:`write` wrote; the file may come from anywhere.

    Parameters
    ----------
    path
        The file.
    kind
        What it must be, or what it may be; ``None`` for anything.
    limit
        Largest file, in bytes; memory stays within 8 times the file, beside 32 MiB that any
        file may take.

    Raises
    ------
    StateError
        There is no such file, it is damaged, of another kind or a version not known.
    """
    content = read_file(Path(path), limit)
    kinds = (kind,) if isinstance(kind, str) else kind
    if kinds is not None and content.kind not in kinds:
        raise StateError(
            f"{path} holds a {content.kind[:40]!r}, not a {' or a '.join(map(repr, kinds))}: name "
            "another file."
        )
    try:
        found = unpack(content.document, content.arrays)
        return upgrade(content.kind, content.version, found, VERSION)
    except StateError as error:
        raise StateError(f"{path}: {error}") from error
