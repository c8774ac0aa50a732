"""Files that sinks write."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final

from streamml.errors import DataError
from streamml.io import JSON
from streamml.state.capture import check, part_of
from streamml_connectors.files.packed import PACKED

__all__ = ["STDOUT", "OutputFile", "open_output", "told"]

STDOUT: Final = "-"
"""What standard output is called."""

_ROOM = "make room on the disk, or name another file"


def open_output(path: Path, append: bool) -> BinaryIO:
    """Open ``path`` for writing, anew or behind what is there; ``-`` is standard output.

    Raises
    ------
    DataError
        The file cannot be written.
    """
    if str(path) == STDOUT:
        return os.fdopen(os.dup(1), "wb")
    with told(path, "name another file"):
        return path.open("ab" if append else "wb")


@contextmanager
def told(path: Path, advice: str = _ROOM) -> Iterator[None]:
    """What the operating system refuses, as one sentence that names the file.

    A pipe whose reader has seen enough is no mistake: that goes through as it is.
    """
    try:
        yield
    except BrokenPipeError:
        raise
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
        if self.path.suffix.lower() in PACKED:
            raise DataError(
                f"{path} would not be compressed: name a file without {self.path.suffix}."
            )
        self._file = open_output(self.path, append)
        self._unwritten = True

    def append(self, content: bytes, *, flush: bool = False) -> None:
        """Write at the end; ``flush`` hands it to the operating system at once.

        Raises
        ------
        DataError
            The operating system refuses, as where the disk is full.
        """
        with told(self.path):
            self._file.write(content)
            self._unwritten = False
            if flush:
                self._file.flush()

    @property
    def fresh(self) -> bool:
        """Whether it begins here: nothing was written, and nothing stood there before."""
        return self._file.tell() == 0 if self._file.seekable() else self._unwritten

    def snapshot(self) -> Mapping[str, JSON]:
        """``{"bytes": n, "path": ...}``; so much is safely on the disk once this returns.

        Nothing where the file is a pipe, a device or standard output, which keeps nothing.
        """
        with told(self.path):
            self._file.flush()
            status = os.fstat(self._file.fileno())
            if str(self.path) == STDOUT or not stat.S_ISREG(status.st_mode):
                return {}
            os.fsync(self._file.fileno())
        return {"bytes": status.st_size, "path": str(self.path.resolve())}

    def restore(self, snapshot: Mapping[str, JSON]) -> None:
        """Cut off what was written after a snapshot: it will be written again.

        Another file than the one of the snapshot is gone on with as it is.

        Raises
        ------
        DataError
            The file is shorter than it was.
        StateError
            The snapshot names no number of bytes.
        """
        size = part_of({"bytes": 0, **snapshot}, "bytes", int, str(self.path))
        check(size >= 0, f"'bytes' of {self.path}", "is below 0")
        self._file.flush()
        status = os.fstat(self._file.fileno())
        there = status.st_size
        if not stat.S_ISREG(status.st_mode) or self._is_another(snapshot, there):
            return
        if there < size:
            raise DataError(
                f"{self.path} has {there} bytes, fewer than when the run was stored ({size}): "
                "put it back, or name another file."
            )
        self._file.truncate(size)
        self._file.seek(size)

    def _is_another(self, snapshot: Mapping[str, JSON], there: int) -> bool:
        """Whether this is not the file of a snapshot, here or moved elsewhere."""
        stored = Path(str(snapshot.get("path", self.path.resolve())))
        moved = stored != self.path.resolve()
        return "bytes" not in snapshot or (moved and (not there or stored.name != self.path.name))

    def close(self) -> None:
        """Flush and close; safe to call twice."""
        with told(self.path):
            self._file.close()
