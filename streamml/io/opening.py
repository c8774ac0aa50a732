"""Opening a file by its path, whoever reads it."""

from __future__ import annotations

from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, Final

from streamml.errors import MissingDependencyError
from streamml.io.protocols import Source

__all__ = ["open_path"]

_GROUP: Final = "streamml.readers"  # of entry points: what reads files is not known here


def open_path(path: str | Path, **options: Any) -> Source:
    """The events of a file as a source.

    Parameters
    ----------
    path
        The file; its suffix says the format.
    options
        As in :func:`streamml_connectors.files.open_source`: which columns are labels, and so on.

    Raises
    ------
    DataError
        The file cannot be read.
    MissingDependencyError
        The readers of files are not installed.
    """
    readers = entry_points(group=_GROUP, name="files")
    if not readers:
        raise MissingDependencyError(
            f"{path} needs streamml_connectors, which reads files: install all of streamml."
        )
    source: Source = next(iter(readers)).load()(path, **options)
    return source
