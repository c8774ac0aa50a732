"""A folder of snapshots: the newest good one is used, one that is broken costs nothing.

Files are numbered. A few are kept, so that one cut short or damaged leaves the one before.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final

from streamml.errors import ConfigError, DataError, StreamMLError
from streamml.state.mapping import read, write

__all__ = ["Saved", "SnapshotFolder"]

_NAME: Final = re.compile(r"snapshot-(\d{12})\.streamml")
_LOCK: Final = ".streamml.lock"
_OLD_LOCK: Final = "lock"  # what version 0.1.0 holds, which may still run
KIND: Final = "run"


@dataclass(frozen=True, slots=True)
class Saved:
    """A snapshot that is safely stored: its file, bytes, and the seconds that took."""

    path: Path
    size: int
    seconds: float


class SnapshotFolder:
    """Writes numbered snapshots and finds the newest good one.

    Parameters
    ----------
    path
        Folder; made where there is none, for its owner alone (snapshots hold events that wait
        for their labels). It belongs to one process at a time.
    keep
        Number of snapshots kept, at least 2.

    Attributes
    ----------
    broken
        Snapshots that could not be used: file and reason.

    Raises
    ------
    ConfigError
        ``keep`` is below 2.
    DataError
        The folder cannot be used.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as path:
    ...     folder = SnapshotFolder(path)
    ...     _ = folder.save({"events": 1}), folder.save({"events": 2})
    ...     SnapshotFolder(path).newest()
    {'events': 2}
    """

    def __init__(self, path: Path | str, keep: int = 3) -> None:
        if keep < 2:
            raise ConfigError(f"At least 2 snapshots must be kept, not {keep}.")
        self.path = Path(path)
        self.keep = keep
        self.broken: list[tuple[Path, str]] = []
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._locks: list[IO[bytes]] = []
            self._number = max((n for n, _ in self._files()), default=0)
        except OSError as error:
            raise DataError(
                f"Snapshots cannot be kept in {self.path} ({error.strerror}): name another folder."
            ) from error

    def claim(self) -> None:
        """Keep other processes out until :meth:`release`, or until this one ends.

        What a process that was killed left of a snapshot is removed.

        Raises
        ------
        ConfigError
            Another process uses the folder.
        DataError
            The lock cannot be opened.
        """
        try:
            import fcntl
        except ImportError:  # not on Windows
            return
        locks = self._open_locks()
        try:
            for lock in locks:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            _close(locks)
            raise ConfigError(
                f"Another process keeps its snapshots in {self.path}: give each its own folder."
            ) from None
        self._locks = locks
        for left in self.path.glob(".snapshot-*.tmp"):
            left.unlink(missing_ok=True)

    def release(self) -> None:
        """Let other processes in again."""
        _close(self._locks)
        self._locks = []

    def _open_locks(self) -> list[IO[bytes]]:
        """Open what is locked; a file of another's by that name stays as it is."""
        path = self.path / _LOCK
        try:
            locks = [_open_as_it_is(path, os.O_CREAT)]
        except OSError as error:
            raise DataError(
                f"{path} cannot be opened ({error.strerror}): remove it, or name another folder."
            ) from error
        with suppress(OSError):  # there is none, or it is no file
            locks.append(_open_as_it_is(self.path / _OLD_LOCK))
        return locks

    def save(self, mapping: Mapping[str, Any]) -> Saved:
        """Store a snapshot; once this returns, it survives a power cut.

        Raises
        ------
        StreamMLError, OSError
            It could not be stored (a full disk); those before are untouched.
        """
        started = time.perf_counter()
        path = self.path / f"snapshot-{self._number + 1:012d}.streamml"
        write(path, mapping, kind=KIND)
        if not self.path.stat().st_mode & 0o077:  # as private as the folder, wherever it is moved
            path.chmod(0o600)
        self._number += 1
        for _, old in self._files()[: -self.keep]:
            old.unlink(missing_ok=True)
        return Saved(path, path.stat().st_size, time.perf_counter() - started)

    def newest(self) -> dict[str, Any] | None:
        """The newest snapshot that is whole; ``None`` where there is none at all.

        Raises
        ------
        DataError
            There are snapshots, and every one is broken: starting from nothing would
            forget what was learned, so that is left to a person.
        """
        self.broken.clear()
        files = self._files()
        for _, path in reversed(files):
            try:
                return read(path, kind=KIND)
            except (StreamMLError, OSError) as error:
                self.broken.append((path, str(error)))
        if files:
            raise DataError(
                f"All {len(files)} snapshots in {self.path} are broken ({self.broken[0][1]}): "
                "restore one from a backup, or empty the folder to start from nothing."
            )
        return None

    @property
    def empty(self) -> bool:
        """Whether nothing was stored here."""
        return not self._files()

    def _files(self) -> list[tuple[int, Path]]:
        found = ((_NAME.fullmatch(path.name), path) for path in self.path.iterdir())
        return sorted((int(match[1]), path) for match, path in found if match)


def _close(files: Iterable[IO[bytes]]) -> None:
    for file in files:
        file.close()


def _open_as_it_is(path: Path, flags: int = 0) -> IO[bytes]:
    """Open a file through no link, without emptying it."""

    def opener(name: str, wanted: int) -> int:
        return os.open(name, wanted | flags | os.O_NOFOLLOW, 0o600)

    return open(path, "r+b", buffering=0, opener=opener)
