"""A folder of snapshots: the newest good one is used, one that is broken costs nothing.

Files are numbered. A few are kept, so that one cut short or damaged leaves the one before.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final

from streamml import state
from streamml.errors import ConfigError, DataError, StreamMLError

__all__ = ["Saved", "SnapshotFolder"]

_NAME: Final = re.compile(r"snapshot-(\d{12})\.streamml")
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
        Folder; made where there is none. It belongs to one process at a time.
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
            self.path.mkdir(parents=True, exist_ok=True)
            self._lock: IO[str] | None = None
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
        """
        try:
            import fcntl
        except ImportError:  # not on Windows
            return
        lock = (self.path / "lock").open("w")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            lock.close()
            raise ConfigError(
                f"Another process keeps its snapshots in {self.path}: give each its own folder."
            ) from None
        self._lock = lock
        for left in self.path.glob(".snapshot-*.tmp"):
            left.unlink(missing_ok=True)

    def release(self) -> None:
        """Let other processes in again."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def save(self, mapping: Mapping[str, Any]) -> Saved:
        """Store a snapshot; once this returns, it survives a power cut.

        Raises
        ------
        StreamMLError, OSError
            It could not be stored (a full disk); those before are untouched.
        """
        started = time.perf_counter()
        path = self.path / f"snapshot-{self._number + 1:012d}.streamml"
        state.write(path, mapping, kind=KIND)
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
                return state.read(path, kind=KIND)
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
