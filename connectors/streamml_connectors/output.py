"""Files that sinks write."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from streamml.errors import DataError
from streamml.io import JSON

__all__ = ["OutputFile", "open_output"]

_ROOM = "make room on the disk, or name another file"


def open_output(path: Path, append: bool) -> BinaryIO:
    """Open ``path`` for writing, anew or behind what is there.

    Raises
    ------
    DataError
        The file cannot be written.
    """
    with _told(path, "name another file"):
        return path.open("ab" if append else "wb")


@contextmanager
def _told(path: Path, advice: str) -> Iterator[None]:
    """What the operating system refuses, as one sentence that names the file."""
    try:
        yield
    except OSError as error:
        raise DataError(f"{path} cannot be written ({error.strerror}): {advice}.") from error


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

    def append(self, content: bytes, *, flush: bool = False) -> None:
        """Write at the end; ``flush`` hands it to the operating system at once.

        Raises
        ------
        DataError
            The operating system refuses, as where the disk is full.
        """
        with _told(self.path, _ROOM):
            self._file.write(content)
            if flush:
                self._file.flush()

    def snapshot(self) -> Mapping[str, JSON]:
        """``{"bytes": n}``; so much is safely on the disk once this returns."""
        with _told(self.path, _ROOM):
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
        with _told(self.path, _ROOM):
            self._file.close()
