"""HDDM-W: exponentially weighted means of before and after, compared by McDiarmid's bound."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from streamml.drift.detector import Detector, DetectorState, check_confidences
from streamml.state.parameters import SHARE, Constraints, Flag, check_parameters

__all__ = ["HDDMW"]

_Average = tuple[float, float]  # mean, and the sum of squared weights behind the bound
_EMPTY: _Average = (math.nan, 1.0)
_AVERAGES = ("_all", "_low", "_after_low", "_high", "_after_high")


class HDDMW(Detector):
    """HDDM with weighted averages; river's alarms, without its copies at every event.

    The mean where it was surely lowest is kept, and compared with the mean of all that
    came after.

    Parameters
    ----------
    drift_confidence, warning_confidence
        One minus the confidences, in (0, 1); the warning's is the larger. river's 0.001
        with its weight of 0.05 gives eight false alarms in 10,000 events of a Bernoulli
        stream of .5, the defaults here 0.3.
    weight
        Weight of the newest value in the means, in (0, 1).
    both
        Whether a fall of the level is a drift too; river's default says no.

    Examples
    --------
    >>> detector = HDDMW()
    >>> [t for t in range(600) if detector.update(float(t % 10 < (6 if t >= 300 else 1)))]
    [375]

    References
    ----------
    Frías-Blanco et al., Online and non-parametric drift detection methods based on
    Hoeffding's bounds, IEEE TKDE 27(3), 2015.
    """

    _all: _Average
    _low: _Average
    _after_low: _Average
    _high: _Average
    _after_high: _Average
    _low_cut: float
    _high_cut: float

    _constraints: ClassVar[Constraints] = {
        "drift_confidence": SHARE,
        "warning_confidence": SHARE,
        "weight": SHARE,
        "both": Flag(),
    }

    def __init__(
        self,
        drift_confidence: float = 1e-5,
        warning_confidence: float = 1e-3,
        weight: float = 0.02,
        both: bool = False,
    ) -> None:
        self.drift_confidence = drift_confidence
        self.warning_confidence = warning_confidence
        self.weight = weight
        self.both = both
        check_parameters(self)
        check_confidences(
            ("drift_confidence", drift_confidence), ("warning_confidence", warning_confidence)
        )
        self.reset()

    @property
    def estimation(self) -> float:
        return 0.0 if math.isnan(self._all[0]) else self._all[0]

    def _step(self, value: float) -> tuple[bool, bool]:
        self._all = self._with(self._all, value)
        mean, squares = self._all
        eps = _bound(squares, self.drift_confidence)
        if mean + eps < self._low_cut:
            self._low_cut, self._low, self._after_low = mean + eps, self._all, _EMPTY
        else:
            self._after_low = self._with(self._after_low, value)
        pairs = [(self._low, self._after_low)]
        if mean - eps > self._high_cut:
            self._high_cut, self._high, self._after_high = mean - eps, self._all, _EMPTY
        else:
            self._after_high = self._with(self._after_high, value)
        if self.both:
            pairs.append((self._after_high, self._high))
        warning = any(_rose(a, b, self.warning_confidence) for a, b in pairs)
        return warning, any(_rose(a, b, self.drift_confidence) for a, b in pairs)

    def _with(self, average: _Average, value: float) -> _Average:
        mean, squares = average
        new = value if math.isnan(mean) else self.weight * value + (1 - self.weight) * mean
        return new, self.weight * self.weight + (1 - self.weight) ** 2 * squares

    def _clear(self) -> None:
        self._all = self._low = self._after_low = self._high = self._after_high = _EMPTY
        self._low_cut, self._high_cut = math.inf, -math.inf

    def _state(self) -> dict[str, DetectorState]:
        return {
            "averages": np.array([getattr(self, name) for name in _AVERAGES]),
            "low_cut": self._low_cut,
            "high_cut": self._high_cut,
        }

    def _load(self, state: Mapping[str, Any]) -> None:
        for name, (mean, squares) in zip(_AVERAGES, state["averages"].tolist(), strict=True):
            setattr(self, name, (mean, squares))
        self._low_cut, self._high_cut = float(state["low_cut"]), float(state["high_cut"])


def _bound(squares: float, confidence: float) -> float:
    return math.sqrt(squares * math.log(1 / confidence) / 2)


def _rose(before: _Average, after: _Average, confidence: float) -> bool:
    """False where a mean is still empty (NaN)."""
    return after[0] - before[0] > _bound(before[1] + after[1], confidence)
