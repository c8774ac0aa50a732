"""What a field of a dataclass is as an option: the one place where an option is declared.

A command line, a configuration file and the environment are made of such fields; the value
that was given goes back into the field, so that no name stands twice.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import Field, dataclass, field
from typing import Any, Final

__all__ = ["Option", "option", "option_of"]

_KEY: Final = "option"


@dataclass(frozen=True, slots=True)
class Option:
    """How a field is given.

    Parameters
    ----------
    help
        A sentence for who asks.
    flag
        Its name there, where the field has another one.
    metavar
        What stands for the value in the help.
    least, most, above
        Bounds of a number: at least, at most, above.
    parse
        What makes the value of the field out of the text that is given.
    secret
        Whether the value is never shown.
    reads
        Whether the value is a file that is read: nothing may be written over it.
    bare
        What it means without a value behind it, where that is allowed.
    """

    help: str
    flag: str | None = None
    metavar: str | None = None
    least: float | None = None
    most: float | None = None
    above: float | None = None
    parse: Callable[[str], Any] | None = None
    secret: bool = False
    reads: bool = False
    bare: str | None = None


def option(help: str, *, default: Any = None, **about: Any) -> Any:  # noqa: A002
    """A field that is an option; its annotation says what values it takes.

    A ``bool`` is a flag, a ``Literal`` a choice, a tuple of texts may be given repeatedly.

    Parameters
    ----------
    help, about
        Of :class:`Option`.
    default
        Of the field.

    Examples
    --------
    >>> @dataclass
    ... class Oven:
    ...     degrees: int = option("How hot.", default=180, least=0)
    >>> Oven()
    Oven(degrees=180)
    """
    return field(default=default, metadata={_KEY: Option(help, **about)})


def option_of(one: Field[Any]) -> Option | None:
    """What a field is as an option; ``None`` where it is none."""
    found: Option | None = one.metadata.get(_KEY)
    return found
