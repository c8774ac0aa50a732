"""Every error that streamml raises on purpose.

Each says in one sentence what is wrong and what to do.

::

    StreamMLError
    ├── ConfigError          a parameter, option or combination of them is not usable
    ├── DataError            the input as a whole cannot be read
    │   └── SchemaError      columns, labels or vocabularies do not fit
    ├── ContractError        a learner, source or sink was used against its contract
    ├── StateError           a snapshot cannot be written, read, or does not fit
    ├── DeviceError          an accelerator was lost, or its memory does not suffice
    └── MissingDependencyError  an optional package is not installed

A single event that cannot be used raises nothing: it becomes a
:class:`streamml.types.DeadLetter`, and the stream goes on.
"""

from __future__ import annotations

import shlex
from typing import Final

__all__ = [
    "ConfigError",
    "ContractError",
    "DataError",
    "DeviceError",
    "MissingDependencyError",
    "SchemaError",
    "StateError",
    "StreamMLError",
    "install_hint",
]

_EXTRAS: Final = ("bench", "dev", "embed", "kafka")  # those of pyproject.toml


class StreamMLError(Exception):
    """Root of all errors that streamml raises on purpose."""


class ConfigError(StreamMLError, ValueError):
    """A parameter or option has a value that cannot be used."""


class DataError(StreamMLError):
    """The input as a whole cannot be read (missing, empty, truncated, wrong format)."""


class SchemaError(DataError):
    """Columns, labels or vocabularies do not fit each other."""


class ContractError(StreamMLError):
    """A learner, source or sink was used against its contract."""


class StateError(StreamMLError):
    """A snapshot cannot be written or read, or does not fit what is to be restored from it."""


class DeviceError(StreamMLError):
    """An accelerator was lost, or its memory does not hold what it must."""


class MissingDependencyError(StreamMLError, ImportError):
    """An optional package is needed; the message holds the line that installs it."""


def install_hint(name: str) -> str:
    """The command that installs an extra of streamml, or another package.

    The one place that decides how: streamml is in no package index, so its extras come from a
    clone.

    Parameters
    ----------
    name
        An extra of streamml, or what pip calls a package.

    Examples
    --------
    >>> install_hint("kafka")
    "pip install '.[kafka]' -c constraints.txt (in a clone of streamml)"
    >>> install_hint("pandas")
    'pip install pandas'
    """
    if name in _EXTRAS:
        return f"pip install '.[{name}]' -c constraints.txt (in a clone of streamml)"
    return f"pip install {shlex.quote(name)}"
