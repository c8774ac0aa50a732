"""What a check is, and what comes out of it."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from inspect import signature
from typing import Protocol

from streamml.base import Learner
from streamml.errors import ContractError

__all__ = ["Check", "CheckFailed", "Report", "Result", "run"]


class CheckFailed(ContractError):  # noqa: N818 - what happened, not what went wrong
    """A learner breaks its contract, or a check had nothing to exercise."""


class Check(Protocol):
    """One check; says what it exercised, and raises :class:`CheckFailed`."""

    @property
    def __name__(self) -> str: ...

    def __call__(self, make: Callable[[], Learner], /) -> str:
        """Exercise learners that ``make`` makes."""


@dataclass(frozen=True, slots=True)
class Result:
    """What one check found.

    Parameters
    ----------
    name
        Of the check.
    passed
        ``None`` where it was skipped.
    detail
        What was exercised, what is broken, or why it was skipped.
    """

    name: str
    passed: bool | None
    detail: str

    def __str__(self) -> str:
        word = {True: "passed", False: "FAILED", None: "skipped"}[self.passed]
        return f"{self.name}: {word}, {self.detail}"


@dataclass(frozen=True, slots=True)
class Report:
    """What all checks found.

    Parameters
    ----------
    learner
        Name of its class.
    results
        One a check, in the order they ran.
    """

    learner: str
    results: tuple[Result, ...]

    @property
    def passed(self) -> bool:
        """Whether no check failed."""
        return not self.failures

    @property
    def failures(self) -> tuple[Result, ...]:
        """The checks that failed."""
        return tuple(result for result in self.results if result.passed is False)

    def raise_failures(self) -> None:
        """Raise :class:`CheckFailed` with every failure, where there is one."""
        if self.failures:
            raise CheckFailed(f"{self.learner}: " + "; ".join(map(str, self.failures)))

    def __str__(self) -> str:
        return "\n".join([f"{self.learner}:", *(f"  {result}" for result in self.results)])


def run(check: Check, learner: Learner) -> Result:
    """Run one check on learners made like this one; what it raises is a failure too."""
    kind, names = type(learner), signature(type(learner)).parameters

    def make() -> Learner:
        return kind(**{name: copy.deepcopy(getattr(learner, name)) for name in names})

    try:
        return Result(check.__name__, True, check(make))
    except CheckFailed as failure:
        return Result(check.__name__, False, str(failure))
    except Exception as error:  # a learner of somebody else's may raise anything
        return Result(check.__name__, False, f"it raised {type(error).__name__}: {error}")
