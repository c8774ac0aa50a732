"""Opening a file by its path, whoever reads it."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any, Final

from streamml.errors import MissingDependencyError
from streamml.io.protocols import Source

__all__ = ["open_path"]

_READERS: Final = "streamml_connectors.files"  # looked for when it is asked: no import from here


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
    try:
        readers = import_module(_READERS)
    except ImportError as error:
        raise MissingDependencyError(
            f"{path} needs {_READERS}, which reads files: install all of streamml."
        ) from error
    source: Source = readers.open_source(path, **options)
    return source
