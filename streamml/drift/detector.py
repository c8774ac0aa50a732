"""What a change detector is: one number an event in, warning and drift out."""

from __future__ import annotations

import abc
import inspect
import math
from collections.abc import Mapping
from typing import Any, ClassVar, Self

from streamml.errors import ConfigError, ContractError
from streamml.state.parameters import Constraints
from streamml.types import Float64Array, Int64Array

__all__ = ["Detector", "DetectorState", "check_confidences"]

DetectorState = int | float | Int64Array | Float64Array


class Detector(abc.ABC):
    """Watches one number an event, usually a loss in [0, 1], for a change of its level.

    A subclass stores its parameters in ``__init__``, calls :meth:`reset` there, and says
    what a value means in :meth:`_step`. After a drift the next value starts a new
    detector, as in river. A warning is the same test at a looser level: it may come
    without a drift after it, and a drift may come without a warning before it.

    Detectors never see a label: whoever feeds them predicts first.

    Examples
    --------
    >>> from streamml.drift import make_detector
    >>> detector = make_detector("page-hinkley")
    >>> alarms = [t for t in range(2000) if detector.update(float(t >= 1000))]
    >>> alarms, detector.clone() is detector
    ([1026], False)
    """

    _constraints: ClassVar[Constraints] = {}
    """What each parameter may be; a constructor checks that."""

    _warning: bool = False
    _drift: bool = False

    def update(self, value: float) -> bool:
        """Take the next value; true where a drift was found.

        Raises
        ------
        ContractError
            The value is not finite; the detector is as it was.
        """
        value = float(value)
        if not math.isfinite(value):
            raise ContractError(f"A detector was given {value}: give it finite numbers only.")
        if self._drift:
            self._start_over()
        self._warning, self._drift = self._step(value)
        return self._drift

    @property
    def drift(self) -> bool:
        """Whether the last value gave a drift."""
        return self._drift

    @property
    def warning(self) -> bool:
        """Whether the looser test is failed after the last value; true at a drift too."""
        return self._warning or self._drift

    @property
    @abc.abstractmethod
    def estimation(self) -> float:
        """The level of what was seen since the last drift, 0 before the first value."""

    def reset(self) -> None:
        """Forget everything; the parameters stay."""
        self._warning = self._drift = False
        self._clear()

    def clone(self) -> Self:
        """A new detector with the same parameters that has seen nothing."""
        return type(self)(**self._parameters())

    def snapshot(self) -> dict[str, DetectorState]:
        """The whole state as numbers and arrays (copies)."""
        return {
            **{f"parameter_{k}": v for k, v in self._parameters().items()},
            "warning": int(self._warning),
            "drift": int(self._drift),
            **self._state(),
        }

    def restore(self, snapshot: Mapping[str, Any]) -> None:
        """Go to a state that :meth:`snapshot` gave.

        Raises
        ------
        ContractError
            The snapshot is of another detector, or of one with other parameters.
        """
        expected = {f"parameter_{k}": v for k, v in self._parameters().items()}
        keys = {*expected, "warning", "drift", *self._state()}
        if set(snapshot) != keys or any(snapshot[k] != v for k, v in expected.items()):
            raise ContractError(
                f"The snapshot is not of {self!r}: restore it into a detector with the "
                "name and parameters it was taken with."
            )
        self._warning, self._drift = bool(snapshot["warning"]), bool(snapshot["drift"])
        self._load(snapshot)

    def __repr__(self) -> str:
        values = ", ".join(f"{k}={v!r}" for k, v in self._parameters().items())
        return f"{type(self).__name__}({values})"

    # -- what a subclass says ----------------------------------------------------------

    @abc.abstractmethod
    def _step(self, value: float) -> tuple[bool, bool]:
        """Take a value; warning and drift."""

    @abc.abstractmethod
    def _clear(self) -> None:
        """Set the state of a detector that has seen nothing."""

    @abc.abstractmethod
    def _state(self) -> dict[str, DetectorState]:
        """Copies of the state by name."""

    @abc.abstractmethod
    def _load(self, state: Mapping[str, Any]) -> None:
        """Take what :meth:`_state` gave."""

    def _start_over(self) -> None:
        """What a drift is followed by."""
        self._clear()

    def _parameters(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in inspect.signature(type(self)).parameters}


def check_confidences(drift: tuple[str, float], warning: tuple[str, float]) -> None:
    """The warning's is the larger (looser) one."""
    if warning[1] < drift[1]:
        raise ConfigError(
            f"{warning[0]} ({warning[1]}) is smaller than {drift[0]} ({drift[1]}): "
            "a warning must come more easily than a drift."
        )
