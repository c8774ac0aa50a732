"""Page-Hinkley: a cumulative sum of how far values lie above (or below) their mean."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar

from streamml.drift.detector import Detector, DetectorState
from streamml.errors import ConfigError
from streamml.state.parameters import COUNT, Constraints, Flag, Real, check_parameters

__all__ = ["PageHinkley"]

_STATE = ("_n", "_mean", "_up", "_down", "_lowest", "_highest")


class PageHinkley(Detector):
    """The Page-Hinkley test on both sides; river's alarms, with a warning level.

    river keeps its state to itself, so that a detector could not be saved: these are its
    few lines of arithmetic, in its order.

    Parameters
    ----------
    threshold
        A cumulated deviation above it is a drift; above 0.
    warning_threshold
        ... above it a warning; at most ``threshold``.
    delta
        Deviation that counts as none, at least 0. The defaults give 0.1 false alarms in
        10,000 events, on average over Bernoulli streams of .05, .2 and .5; river's
        0.005 and threshold of 50 give 0.3, and find a jump later.
    alpha
        Factor in (0, 1] by which what was cumulated fades at each event.
    min_instances
        Values before the first alarm, at least 1.
    both
        Whether a fall of the level is a drift too.

    Examples
    --------
    >>> detector = PageHinkley()
    >>> [t for t in range(600) if detector.update(0.4 if t >= 300 else 0.1)]
    [424]

    References
    ----------
    Page, Continuous inspection schemes, Biometrika 41, 1954.
    """

    _n: int
    _mean: float
    _up: float
    _down: float
    _lowest: float
    _highest: float

    _constraints: ClassVar[Constraints] = {
        "threshold": Real(0, 1e12, closed="right"),
        "warning_threshold": Real(0, 1e12, closed="right"),
        "delta": Real(0, 1e12),
        "alpha": Real(0, 1, closed="right"),
        "min_instances": COUNT,
        "both": Flag(),
    }

    def __init__(
        self,
        threshold: float = 25.0,
        warning_threshold: float = 12.5,
        delta: float = 0.05,
        alpha: float = 0.9999,
        min_instances: int = 30,
        both: bool = True,
    ) -> None:
        self.threshold = threshold
        self.warning_threshold = warning_threshold
        self.delta = delta
        self.alpha = alpha
        self.min_instances = min_instances
        self.both = both
        check_parameters(self)
        if warning_threshold > threshold:
            raise ConfigError(
                f"warning_threshold ({warning_threshold}) must not exceed threshold ({threshold})."
            )
        self.reset()

    @property
    def estimation(self) -> float:
        return self._mean

    def _step(self, value: float) -> tuple[bool, bool]:
        self._n += 1
        self._mean += (1.0 / self._n) * (value - self._mean)
        gap = value - self._mean
        self._up = self.alpha * self._up + gap - self.delta
        self._down = self.alpha * self._down + gap + self.delta
        self._lowest = min(self._lowest, self._up)
        self._highest = max(self._highest, self._down)
        if self._n < self.min_instances:
            return False, False
        rise, fall = self._up - self._lowest, self._highest - self._down
        found = max(rise, fall) if self.both else rise
        return found > self.warning_threshold, found > self.threshold

    def _clear(self) -> None:
        self._n = 0
        self._mean = self._up = self._down = 0.0
        self._lowest, self._highest = math.inf, -1.0

    def _state(self) -> dict[str, DetectorState]:
        return {name[1:]: getattr(self, name) for name in _STATE}

    def _load(self, state: Mapping[str, Any]) -> None:
        for name in _STATE:
            setattr(self, name, state[name[1:]])
