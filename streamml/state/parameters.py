"""Parameters: what each may be, said as data on the class that takes it, and their names.

A class declares ``_constraints = {"n_min": Whole(1, 1000), ...}``, and its constructor calls
:func:`check_parameters` once, when it has stored its parameters and made nothing of them yet.
So a clone and a learner out of a file are checked like one that is written down.
"""

from __future__ import annotations

import inspect
import numbers
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, Protocol

import numpy as np

from streamml.errors import ConfigError

__all__ = [
    "COUNT",
    "SEED",
    "SHARE",
    "Constraint",
    "Constraints",
    "Flag",
    "FlagOr",
    "Instance",
    "ListOf",
    "OneOf",
    "OrNone",
    "Real",
    "Size",
    "Whole",
    "bytes_in",
    "check_declared",
    "check_parameters",
    "check_values",
    "constraints_of",
    "parameter_names",
]


class Constraint(Protocol):
    """What a parameter may be; as text it completes "n_min must be ..."."""

    def allows(self, value: object) -> bool:
        """Whether a value can be used; never raises."""


Constraints = Mapping[str, Constraint]
"""Name of a parameter -> what it may be."""

# -- the vocabulary -----------------------------------------------------------------------


@dataclass(frozen=True)
class Whole:
    """A whole number, numpy's too, from ``low`` to ``high``; a multiple of ``step``.

    Examples
    --------
    >>> str(Whole(1, 9)), Whole(1, 9).allows(9), Whole(1, 9).allows(True)
    ('a whole number between 1 and 9', True, False)
    """

    low: int
    high: int
    step: int = 1

    def allows(self, value: object) -> bool:
        if not isinstance(value, numbers.Integral) or isinstance(value, bool):
            return False
        return self.low <= int(value) <= self.high and int(value) % self.step == 0

    def __str__(self) -> str:
        multiple = f", a multiple of {self.step}" if self.step > 1 else ""
        return f"a whole number between {self.low} and {self.high}{multiple}"


@dataclass(frozen=True)
class Real:
    """A finite number, whole or not, numpy's too; ``closed`` says which bounds may be reached.

    Examples
    --------
    >>> str(Real(0, 1, closed="left")), Real(0, 1, closed="left").allows(1.0)
    ('a number in [0, 1)', False)
    """

    low: float
    high: float
    closed: Literal["both", "left", "right", "neither"] = "both"

    def allows(self, value: object) -> bool:
        number: Any = value
        if not isinstance(value, numbers.Real) or isinstance(value, bool):
            return False
        if not self.low <= number <= self.high:  # NaN lies nowhere
            return False
        above = self.closed in ("both", "left") or number > self.low
        return bool(above and (self.closed in ("both", "right") or number < self.high))

    def __str__(self) -> str:
        left = "[" if self.closed in ("both", "left") else "("
        right = "]" if self.closed in ("both", "right") else ")"
        return f"a number in {left}{self.low:g}, {self.high:g}{right}"


@dataclass(frozen=True)
class Flag:
    """True or false, numpy's too."""

    def allows(self, value: object) -> bool:
        return isinstance(value, bool | np.bool_)

    def __str__(self) -> str:
        return "true or false"


class OneOf:
    """One of these texts.

    Examples
    --------
    >>> str(OneOf("oaa", "plt"))
    "one of 'oaa', 'plt'"
    """

    def __init__(self, *choices: str) -> None:
        self.choices = choices

    def allows(self, value: object) -> bool:
        return isinstance(value, str) and value in self.choices

    def __str__(self) -> str:
        return f"one of {', '.join(map(repr, self.choices))}"


@dataclass(frozen=True)
class Size:
    """A number of bytes, or a text such as ``"512MiB"``."""

    high: int = 2**50

    def allows(self, value: object) -> bool:
        return 1 <= (bytes_in(value) or 0) <= self.high

    def __str__(self) -> str:
        return "a budget in bytes, or a text such as '512MiB' or '2GB'"


@dataclass(frozen=True)
class OrNone:
    """What ``other`` allows, or ``None``."""

    other: Constraint

    def allows(self, value: object) -> bool:
        return value is None or self.other.allows(value)

    def __str__(self) -> str:
        return f"{self.other}, or None"


@dataclass(frozen=True)
class FlagOr:
    """True, false, or what ``other`` allows."""

    other: Constraint

    def allows(self, value: object) -> bool:
        return isinstance(value, bool | np.bool_) or self.other.allows(value)

    def __str__(self) -> str:
        return f"true or false, or {self.other}"


@dataclass(frozen=True)
class ListOf:
    """A list or another sequence, no text, of ``least`` to ``most`` of what ``each`` allows."""

    each: Constraint
    least: int = 0
    most: int = 1000

    def allows(self, value: object) -> bool:
        if not isinstance(value, Sequence) or isinstance(value, str | bytes | bytearray):
            return False
        return self.least <= len(value) <= self.most and all(map(self.each.allows, value))

    def __str__(self) -> str:
        return f"a list of {self.least} to {self.most} entries, each {self.each}"


class Instance:
    """An object of one of these classes, which ``said`` describes; never a class itself."""

    def __init__(self, kinds: type | tuple[type, ...], said: str) -> None:
        self.kinds = kinds
        self.said = said

    def allows(self, value: object) -> bool:
        return isinstance(value, self.kinds) and not isinstance(value, type)

    def __str__(self) -> str:
        return self.said


SEED: Final = Whole(0, 2**63 - 1)
COUNT: Final = Whole(1, 10**9)
"""A number of events that are waited for: nothing of that size is made."""
SHARE: Final = Real(0, 1, closed="neither")
"""A confidence, or one minus a confidence."""

_UNITS: Final = {"": 1, "B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9}
_BINARY: Final = {"KIB": 2**10, "MIB": 2**20, "GIB": 2**30}


def bytes_in(value: object) -> int | None:
    """Bytes out of ``"512MiB"``, ``"2 GB"`` or a whole number; ``None`` where it is neither."""
    if isinstance(value, numbers.Integral) and not isinstance(value, bool):
        return int(value)
    if not isinstance(value, str):
        return None
    found = re.fullmatch(r"\s*([0-9.]{1,40})\s*([A-Za-z]*)\s*", value)
    unit = (_UNITS | _BINARY).get(found[2].upper()) if found else None
    try:
        return None if unit is None or found is None else int(float(found[1]) * unit)
    except ValueError:  # such as 1.2.3
        return None


# -- checking ----------------------------------------------------------------------------------


def constraints_of(kind: type) -> Constraints:
    """What a class declares of its parameters; nothing where it declares nothing."""
    found: Constraints = getattr(kind, "_constraints", {})
    return found


def check_parameters(owner: object) -> None:
    """Check the stored parameters of an object against what its class declares.

    Numbers of numpy's become Python's: compiled code and files know these.

    Raises
    ------
    ConfigError
        A parameter has another type, or lies out of its range.

    Examples
    --------
    >>> class Learner:
    ...     _constraints = {"n_min": Whole(1, 1000)}
    ...     def __init__(self, n_min):
    ...         self.n_min = n_min
    ...         check_parameters(self)
    >>> Learner("a")
    Traceback (most recent call last):
    ...
    streamml.errors.ConfigError: n_min of Learner must be a whole number between 1 and 1000, \
not 'a'.
    """
    names = constraints_of(type(owner))
    values = {name: getattr(owner, name) for name in names}
    check_values(type(owner), values)
    for name, value in values.items():
        plain = _as_python(value)
        if plain is not value:
            setattr(owner, name, plain)


def check_values(kind: type, values: Mapping[str, object]) -> None:
    """Check parameters by name before an object is made of them.

    Raises
    ------
    ConfigError
        As :func:`check_parameters`.
    """
    check_declared(constraints_of(kind), values, kind.__name__)


def check_declared(declared: Constraints, values: Mapping[str, object], owner: str) -> None:
    """Check values by name against what is declared of them; others pass.

    Raises
    ------
    ConfigError
        As :func:`check_parameters`.
    """
    for name, value in values.items():
        if name in declared and not declared[name].allows(value):
            raise ConfigError(f"{name} of {owner} must be {declared[name]}, not {_shown(value)}.")


def _as_python(value: Any) -> Any:
    if isinstance(value, np.bool_):
        return bool(value)
    if isinstance(value, bool | int | float) and not isinstance(value, np.generic):
        return value
    if isinstance(value, numbers.Integral):
        return int(value)
    return float(value) if isinstance(value, numbers.Real) else value


def _shown(value: object) -> str:
    """The value in a message: short, whatever its own ``repr`` does."""
    try:
        text = repr(value)
    except Exception:  # somebody else's, or a number of too many digits
        text = f"a {type(value).__name__}"
    return text if len(text) <= 60 else f"{text[:57]}..."


def parameter_names(kind: type) -> list[str]:
    """Names of the parameters that an object is made with."""
    if kind.__init__ is object.__init__:  # type: ignore[misc]
        return []
    found = list(inspect.signature(kind.__init__).parameters.values())[1:]  # type: ignore[misc]
    return [p.name for p in found if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)]
