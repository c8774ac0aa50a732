"""A detector of one's own: alarms when so many of the last losses were high."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from streamml.drift import Detector
from streamml.drift.detector import DetectorState
from streamml.types import Float64Array


class Quorum(Detector):
    """A drift where more than ``share`` of the last ``window`` values exceed ``level``.

    Parameters
    ----------
    window
        Values looked back on.
    level, share
        Each in (0, 1); a warning comes at half the share.
    """

    _recent: Float64Array

    def __init__(self, window: int = 50, level: float = 0.5, share: float = 0.6) -> None:
        self.window = window
        self.level = level
        self.share = share
        self.reset()

    @property
    def estimation(self) -> float:
        return float(self._recent.mean()) if len(self._recent) else 0.0

    def _step(self, value: float) -> tuple[bool, bool]:
        self._recent = np.append(self._recent, value)[-self.window :]
        high = float(np.count_nonzero(self._recent > self.level)) / self.window
        return high > self.share / 2, high > self.share

    def _clear(self) -> None:
        self._recent = np.zeros(0)

    def _state(self) -> dict[str, DetectorState]:
        return {"recent": self._recent.copy()}

    def _load(self, state: Mapping[str, Any]) -> None:
        self._recent = np.array(state["recent"])


if __name__ == "__main__":
    detector = Quorum()
    losses = np.random.default_rng(1).random(2_000) * np.repeat([0.6, 1.4], 1_000)
    print("alarms at", [t for t, loss in enumerate(losses) if detector.update(loss)][:3])
