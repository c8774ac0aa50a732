"""KSWIN: the newest values against a sample of older ones, by the Kolmogorov-Smirnov test."""

from __future__ import annotations

import math
import random
from collections import deque
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, ClassVar

import numpy as np

from streamml.drift.detector import Detector, DetectorState, check_confidences
from streamml.errors import ConfigError
from streamml.state.parameters import SEED, SHARE, Constraints, Whole, check_parameters
from streamml.types import Float64Array

__all__ = ["KSWIN"]

_LEAST = 0.1  # river asks for a distance above it, whatever alpha says


class KSWIN(Detector):
    """Kolmogorov-Smirnov windowing; river's alarms, without a p-value an event.

    river computes a p-value at each event. Both samples have the same size, so the exact
    p-value falls with the distance alone, and comparing the distance with the least one
    that is significant gives the same alarms.

    Parameters
    ----------
    alpha, warning_alpha
        Largest p-values of a drift and of a warning, in (0, 1); the warning's is the
        larger. With river's 0.005, 100 and 30, Bernoulli streams of .05, .2 and .5
        give one false alarm in 10,000 events on average and a jump from .1 to .4 is
        mostly missed; the defaults gave none and found it.
    window_size
        Values kept.
    stat_size
        The newest values, and as many of the older ones, drawn at each event: at least
        1, at most half of the window.
    seed
        Of the draws; river starts them anew after each drift, and so does this.

    Examples
    --------
    >>> detector = KSWIN()
    >>> [t for t in range(900) if detector.update(float(t % 10 < (4 if t >= 500 else 1)))]
    [614]

    References
    ----------
    Raab, Heusinger and Schleif, Reactive soft prototype computing for concept drift
    streams, Neurocomputing 416, 2020. The exact p-value: Gnedenko and Korolyuk, 1951.
    """

    _constraints: ClassVar[Constraints] = {
        "alpha": SHARE,
        "warning_alpha": SHARE,
        "window_size": Whole(2, 1_000_000),
        "stat_size": Whole(1, 500_000),
        "seed": SEED,
    }

    def __init__(
        self,
        alpha: float = 1e-4,
        warning_alpha: float = 1e-2,
        window_size: int = 600,
        stat_size: int = 150,
        seed: int = 1,
    ) -> None:
        self.alpha = alpha
        self.warning_alpha = warning_alpha
        self.window_size = window_size
        self.stat_size = stat_size
        self.seed = seed
        check_parameters(self)
        check_confidences(("alpha", alpha), ("warning_alpha", warning_alpha))
        if stat_size > window_size // 2:
            raise ConfigError(
                f"stat_size must be at most half of window_size ({window_size}), not {stat_size}."
            )
        self.reset()

    @property
    def estimation(self) -> float:
        newest = list(self._window)[-self.stat_size :]
        return sum(newest) / len(newest) if newest else 0.0

    def _step(self, value: float) -> tuple[bool, bool]:
        self._window.append(value)
        if len(self._window) < self.window_size:
            return False, False
        values = np.array(self._window)
        older = self.window_size - self.stat_size
        drawn = values[self._random.sample(range(older), self.stat_size)]
        steps = _distance(drawn, values[older:])
        if steps / self.stat_size <= _LEAST:
            return False, False
        return (
            steps >= least_significant(self.stat_size, self.warning_alpha),
            steps >= least_significant(self.stat_size, self.alpha),
        )

    def _clear(self) -> None:
        self._window: deque[float] = deque(maxlen=self.window_size)
        self._random = random.Random(self.seed)  # noqa: S311 - river's draws

    def _state(self) -> dict[str, DetectorState]:
        _, words, _ = self._random.getstate()
        return {"window": np.array(self._window, float), "random": np.array(words, np.int64)}

    def _load(self, state: Mapping[str, Any]) -> None:
        self._clear()
        self._window.extend(state["window"].tolist())
        self._random.setstate((3, tuple(state["random"].tolist()), None))


def _distance(a: Float64Array, b: Float64Array) -> int:
    """Largest difference of how many of each sample lie at or below a value."""
    a, b = np.sort(a), np.sort(b)
    both = np.concatenate([a, b])
    gaps = a.searchsorted(both, "right") - b.searchsorted(both, "right")
    return int(np.abs(gaps).max())


@lru_cache(maxsize=64)
def least_significant(n: int, alpha: float) -> int:
    """Least distance, in steps of ``1 / n``, of two samples of ``n`` with p at most ``alpha``.

    The exact two-sided p of h steps is 2 (C(2n, n-h) - C(2n, n-2h) + ...) / C(2n, n).

    Examples
    --------
    >>> least_significant(30, 0.005)
    14
    """
    total = math.comb(2 * n, n)
    for h in range(1, n + 1):
        terms = range(1, n // h + 1)
        p = 2 * sum((-1) ** (k - 1) * math.comb(2 * n, n - k * h) for k in terms) / total
        if p <= alpha:
            return h
    return n + 1
