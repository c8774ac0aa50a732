"""What a command writes is none of the files it reads: the one place that decides."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from streamml.errors import ConfigError

__all__ = ["refuse_overwriting"]

_Named = tuple[str, Path | str | None]


def refuse_overwriting(read: Iterable[_Named], written: Iterable[_Named]) -> None:
    """Raise where a file to write is one that is read, or that is written already.

    Files are told apart by device and inode, so no link leads around it; those that are not
    there yet by their path. Devices and pipes hold nothing to lose.

    Parameters
    ----------
    read, written
        What each is called, and its path if it has one. Of a folder that is read every
        file counts, and whatever would lie in it.

    Raises
    ------
    ConfigError
        One is.

    Examples
    --------
    >>> refuse_overwriting([("the source", "a.csv")], [("--predictions", "./a.csv")])
    Traceback (most recent call last):
    ...
    streamml.errors.ConfigError: --predictions ./a.csv is the source as well: name another file.
    """
    taken: dict[object, str] = {}
    for what, path in read:
        if path is not None:
            for file in _files_in(Path(path)):
                taken.update(dict.fromkeys(_keys(file), f"a file in {what}"))
            taken.update(dict.fromkeys(_keys(Path(path)), what))
    for what, path in written:
        if path is None or (Path(path).exists() and not Path(path).is_file()):
            continue
        keys = _keys(Path(path))
        others = [taken[key] for key in keys if key in taken]
        others += [f"a file in {taken[f]}" for f in _real(Path(path)).parents if f in taken]
        if others:
            raise ConfigError(f"{what} {path} is {others[0]} as well: name another file.")
        taken.update(dict.fromkeys(keys, what))


def _keys(path: Path) -> list[object]:
    """What a file is known by: where it is, and what it is if it is there."""
    keys: list[object] = [_real(path)]
    with suppress(OSError):
        status = path.stat()
        keys.append((status.st_dev, status.st_ino))
    return keys


def _real(path: Path) -> Path:
    return Path(os.path.realpath(path))  # Path.resolve raises where links go round


def _files_in(path: Path) -> Iterator[Path]:
    with suppress(OSError):  # it is none, or not there yet
        yield from path.iterdir()
