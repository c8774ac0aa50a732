"""Files that sinks write."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO

from streamml.errors import DataError
from streamml.io import JSON

__all__ = ["OutputFile", "open_output"]


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


class OutputFile:
    """A file that a sink writes, and that a resumed run goes on with.

    Parameters
    ----------
    path
        File to write; an old one is replaced.
    append
        Whether to write behind what is there instead (a resumed run).

    Raises
    ------
    DataError
        The file cannot be written.
    """

    def __init__(self, path: Path | str, *, append: bool = False) -> None:
        self.path = Path(path)
        self._file = open_output(self.path, append)

    def snapshot(self) -> Mapping[str, JSON]:
        """``{"bytes": n}``; so much is safely on the disk once this returns."""
        self._file.flush()
        os.fsync(self._file.fileno())
        return {"bytes": self._file.tell()}

    def restore(self, snapshot: Mapping[str, JSON]) -> None:
        """Cut off what was written after a snapshot: it will be written again.

        Raises
        ------
        DataError
            The file is shorter than it was.
        """
        size = snapshot["bytes"]
        assert isinstance(size, int)
        self._file.flush()
        there = os.fstat(self._file.fileno()).st_size
        if there < size:
            raise DataError(
                f"{self.path} has {there} bytes, fewer than when the run was stored ({size}): "
                "put it back, or name another file."
            )
        self._file.truncate(size)
        self._file.seek(size)

    def close(self) -> None:
        """Flush and close; safe to call twice."""
        self._file.close()
