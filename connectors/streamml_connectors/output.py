"""Files that sinks write."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

from streamml.errors import DataError

__all__ = ["open_output"]


def open_output(path: Path, append: bool) -> BinaryIO:
    """Open ``path`` for writing, anew or behind what is there.

    Raises
    ------
    DataError
        The file cannot be written.
    """
    try:
        return path.open("ab" if append else "wb")
    except OSError as error:
        raise DataError(
            f"{path} cannot be written ({error.strerror}): name another file."
        ) from error
