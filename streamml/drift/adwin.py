"""ADWIN: a window that shrinks when two parts of it have surely different means.

Bifet and Gavaldà, "Learning from time-changing data with adaptive windowing", SDM 2007.
The kernel keeps many detectors side by side, one row each, so that a node's detector
costs no Python call; :class:`ADWIN` is one of them with a face.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar, NamedTuple

import numpy as np

from streamml.drift.detector import Detector, DetectorState, check_confidences
from streamml.kernels.compile import Real, entry_point, kernel, part
from streamml.state.capture import check, check_range
from streamml.state.parameters import SHARE, Constraints, Flag, check_parameters
from streamml.types import Float64Array, Int64Array

__all__ = [
    "ADWIN",
    "AdwinState",
    "adwin_differs",
    "adwin_reset",
    "adwin_tested",
    "adwin_update",
    "check_adwin",
    "new_adwin_state",
]

_LEVELS = 40  # buckets of up to 2^39 values
_SLOTS = 6  # max_buckets + 1: a level that reaches this many is compressed
_CLOCK = 32
_GRACE = 10
_MIN_WINDOW = 5
_TOTAL, _VARIANCE, _WIDTH, _TICK, _OLD_MEAN, _DETECTIONS = range(6)


class AdwinState(NamedTuple):
    """Exponential histograms of many detectors.

    ``totals`` and ``variances`` are float64 ``(detectors, levels, slots)``, oldest slot
    first; ``used`` counts slots in use, ``levels`` levels in use; ``sums`` holds total,
    variance, width, tick, mean before the last cut and detections.
    """

    totals: Float64Array
    variances: Float64Array
    used: Int64Array
    levels: Int64Array
    sums: Float64Array


def new_adwin_state(n: int) -> AdwinState:
    """``n`` empty detectors."""
    return AdwinState(
        np.zeros((n, _LEVELS, _SLOTS)),
        np.zeros((n, _LEVELS, _SLOTS)),
        np.zeros((n, _LEVELS), np.int64),
        np.ones(n, np.int64),
        np.zeros((n, 6)),
    )


def adwin_reset(state: AdwinState, k: int) -> None:
    """Empty detector ``k``."""
    state.totals[k] = 0.0
    state.variances[k] = 0.0
    state.used[k] = 0
    state.levels[k] = 1
    state.sums[k] = 0.0


def check_adwin(state: AdwinState, where: str) -> None:
    """Refuse detectors out of a snapshot whose buckets would leave their arrays."""
    n = len(state.levels)
    used, levels, sums = state.used, state.levels, state.sums
    fits = state.totals.shape == state.variances.shape == (n, _LEVELS, _SLOTS)
    check(fits and used.shape == (n, _LEVELS) and sums.shape == (n, 6), where, "has other shapes")
    check_range(levels, 1, _LEVELS - 3, where)
    check_range(used, 0, _SLOTS, where)
    top = used[np.arange(n), levels - 1]
    above = np.arange(_LEVELS)[None, :] >= levels[:, None]
    check(bool(((top > 0) | (levels == 1)).all()), where, "has an empty top level")
    check(not (used * above).any(), where, "has buckets above its levels")
    width = (used * 2.0 ** np.arange(_LEVELS)).sum(axis=1)
    check(bool((sums[:, _WIDTH] == width).all()), where, "has another width than its buckets")


@kernel
def adwin_update(state: AdwinState, k: int, value: Real, delta: Real) -> bool:
    """Give ``value`` in [0, 1] to detector ``k``; true where its window was cut."""
    sums = state.sums[k]
    used = state.used[k]
    state.totals[k, 0, used[0]] = value
    state.variances[k, 0, used[0]] = 0.0
    used[0] += 1
    sums[_WIDTH] += 1.0
    width = sums[_WIDTH]
    if width > 1.0:
        gap = value - sums[_TOTAL] / (width - 1.0)
        sums[_VARIANCE] += (width - 1.0) * gap * gap / width
    sums[_TOTAL] += value
    if used[0] == _SLOTS:
        _compress(state, k)
    sums[_TICK] += 1.0
    if sums[_TICK] % _CLOCK != 0.0 or width <= _GRACE:
        return False
    before = sums[_TOTAL] / width
    found = False
    while _cut_once(state, k, delta):
        found = True
    if found:
        sums[_OLD_MEAN] = before
        sums[_DETECTIONS] += 1.0
    return found


@part
def adwin_tested(state: AdwinState, k: int) -> bool:
    """Whether the last value was one at which the window was tested."""
    return bool(state.sums[k, _TICK] % _CLOCK == 0.0 and state.sums[k, _WIDTH] > _GRACE)


@kernel
def _compress(state: AdwinState, k: int) -> None:
    """Join the two oldest buckets of every full level into one of the next."""
    totals, variances, used = state.totals[k], state.variances[k], state.used[k]
    level = 0
    while used[level] == _SLOTS:
        if level + 1 == state.levels[k]:
            state.levels[k] += 1
        n = float(1 << level)
        t0, t1 = totals[level, 0], totals[level, 1]
        gap = t0 / n - t1 / n
        slot = used[level + 1]
        totals[level + 1, slot] = t0 + t1
        variances[level + 1, slot] = (
            variances[level, 0] + variances[level, 1] + n * n * gap * gap / (n + n)
        )
        used[level + 1] += 1
        used[level] -= 2
        for s in range(used[level]):
            totals[level, s] = totals[level, s + 2]
            variances[level, s] = variances[level, s + 2]
        level += 1


@part
def _cut_once(state: AdwinState, k: int, delta: Real) -> bool:
    """Drop the oldest bucket if some cut of the window parts two different means."""
    found = adwin_differs(state, k, delta, False)
    if found:
        _drop_oldest(state, k)
    return found


@kernel
def adwin_differs(state: AdwinState, k: int, delta: Real, rising: bool) -> bool:
    """Whether some cut of the window parts two different means; changes nothing.

    ``rising``: only where the newer mean is the higher one.
    """
    totals, used, sums = state.totals[k], state.used[k], state.sums[k]
    width = sums[_WIDTH]
    spread = sums[_VARIANCE] / width
    delta_prime = math.log(2.0 * math.log(width) / delta)
    n0, u0 = 0.0, 0.0
    n1, u1 = width, sums[_TOTAL]
    for level in range(state.levels[k] - 1, -1, -1):
        n = float(1 << level)
        for slot in range(used[level] - 1 if level == 0 else used[level]):
            n0 += n
            n1 -= n
            u0 += totals[level, slot]
            u1 -= totals[level, slot]
            if n0 < _MIN_WINDOW or n1 < _MIN_WINDOW:
                continue
            m = 1.0 / (n0 - _MIN_WINDOW + 1.0) + 1.0 / (n1 - _MIN_WINDOW + 1.0)
            bound = math.sqrt(2.0 * m * spread * delta_prime) + 2.0 / 3.0 * delta_prime * m
            rise = u1 / n1 - u0 / n0
            if rise > bound or (-rise > bound and not rising):
                return True
    return False


@part
def _drop_oldest(state: AdwinState, k: int) -> None:
    totals, variances, used, sums = (
        state.totals[k],
        state.variances[k],
        state.used[k],
        state.sums[k],
    )
    level = state.levels[k] - 1
    n = float(1 << level)
    total, variance = totals[level, 0], variances[level, 0]
    sums[_WIDTH] -= n
    sums[_TOTAL] -= total
    gap = total / n - sums[_TOTAL] / sums[_WIDTH]
    sums[_VARIANCE] -= variance + n * sums[_WIDTH] * gap * gap / (n + sums[_WIDTH])
    used[level] -= 1
    for s in range(used[level]):
        totals[level, s] = totals[level, s + 1]
        variances[level, s] = variances[level, s + 1]
    while state.levels[k] > 1 and used[state.levels[k] - 1] == 0:
        state.levels[k] -= 1


@entry_point
def _update_one(state: AdwinState, value: float, delta: float, warning_delta: float) -> int:
    """2 for a drift; else 1 or 0 for a warning or none, -1 where nothing was tested."""
    if adwin_update(state, 0, value, delta):
        return 2
    sums = state.sums[0]
    if sums[_TICK] % _CLOCK != 0.0 or sums[_WIDTH] <= _GRACE:
        return -1
    return int(adwin_differs(state, 0, warning_delta, False))


class ADWIN(Detector):
    """One ADWIN detector: river's alarms.

    The window is tested every 32 values. A warning is that window tested with a looser
    ``delta``, with nothing dropped from it; it stands until the next test.

    Parameters
    ----------
    delta, warning_delta
        One minus the confidences of drift and warning, in (0, 1); smaller means fewer
        false alarms. The warning's is the larger.
    start_over
        Forget the window after a change, as river does; otherwise the part after the
        change is kept, as the paper says.

    Examples
    --------
    >>> detector = ADWIN()
    >>> [t for t in range(2000) if detector.update(float(t >= 1000))]
    [1023]
    """

    _constraints: ClassVar[Constraints] = {
        "delta": SHARE,
        "start_over": Flag(),
        "warning_delta": SHARE,
    }

    def __init__(
        self, delta: float = 0.002, start_over: bool = True, warning_delta: float = 0.05
    ) -> None:
        self.delta = delta
        self.warning_delta = warning_delta
        self.start_over = start_over
        check_parameters(self)
        check_confidences(("delta", delta), ("warning_delta", warning_delta))
        self.reset()

    @property
    def width(self) -> int:
        """Number of values in the window."""
        return int(self._arrays.sums[0, _WIDTH])

    @property
    def estimation(self) -> float:
        """Mean of the window, 0 while it is empty."""
        width = self._arrays.sums[0, _WIDTH]
        return float(self._arrays.sums[0, _TOTAL] / width) if width else 0.0

    @property
    def mean_before(self) -> float:
        """Mean of the window just before the last change was found."""
        return float(self._arrays.sums[0, _OLD_MEAN])

    def _step(self, value: float) -> tuple[bool, bool]:
        found = _update_one(self._arrays, value, self.delta, self.warning_delta)
        return found == 1 or (found < 0 and self._warning), found == 2

    def _start_over(self) -> None:
        if self.start_over:
            self._clear()

    def _clear(self) -> None:
        self._arrays = new_adwin_state(1)

    def _state(self) -> dict[str, DetectorState]:
        return {name: array.copy() for name, array in self._arrays._asdict().items()}

    def _load(self, state: Mapping[str, Any]) -> None:
        for name, array in self._arrays._asdict().items():
            array[:] = state[name]
