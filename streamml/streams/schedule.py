"""Which state of a drifting stream each event follows."""

from __future__ import annotations

from typing import NamedTuple, get_args

import numpy as np

from streamml.errors import ConfigError
from streamml.streams.known import DriftKind, DriftOf, KnownDrift
from streamml.types import Float64Array, Int64Array

__all__ = ["STEPS", "Blend", "Schedule"]

STEPS = 32
"""An incremental drift moves in this many steps."""

_KINDS = ("none", "sudden", "gradual", "incremental", "recurring")


class Blend(NamedTuple):
    """A state on the way from number ``old`` to number ``new``; ``share`` in [0, 1] of the new."""

    old: int
    new: int
    share: float


class Schedule:
    """Turns positions into states.

    Parameters
    ----------
    kind, what
        As in :class:`~streamml.streams.known.KnownDrift`; ``"none"`` for no drift.
    positions
        Where drifts start, ascending.
    width
        Events that a gradual or incremental drift takes, at least 1.
    """

    def __init__(self, kind: str, what: str, positions: tuple[int, ...], width: int) -> None:
        if kind not in _KINDS:
            raise ConfigError(f"There is no drift {kind!r}: take one of {', '.join(_KINDS)}.")
        if what not in get_args(DriftOf):
            raise ConfigError(
                f"There is no drift of {what!r}: take one of {', '.join(get_args(DriftOf))}."
            )
        self._kind = kind
        self._width = width if kind in ("gradual", "incremental") else 0
        gaps = np.diff((0, *positions))
        if width < 1 or (gaps <= 0).any() or (gaps[1:] < self._width).any():
            raise ConfigError(
                f"Drifts at {positions} of {width} events do not fit: positions must be "
                "above 0, ascend, and lie at least a width apart; the width is at least 1."
            )
        self._starts = np.array(positions if kind != "none" else (), np.int64)
        self.drifts = tuple(
            KnownDrift(_kind(kind), start, start + self._width, _what(what))
            for start in self._starts.tolist()
        )

    def blends(self, positions: Int64Array, chance: Float64Array) -> list[tuple[Blend, Int64Array]]:
        """Every state among some events, and which rows follow it.

        ``chance``, uniform in [0, 1), one an event, decides in a gradual drift.
        """
        passed = self._starts.searchsorted(positions, "right")
        share: Float64Array = np.ones(len(positions))
        if self._width:
            start = np.concatenate([[0], self._starts])[passed]
            ramp = np.where(passed > 0, (positions - start) / self._width, 1.0)
            share = np.minimum(ramp, 1.0)
            gradual = self._kind == "gradual"
            share = (
                np.where(chance < share, 1.0, 0.0) if gradual else np.floor(share * STEPS) / STEPS
            )
        key = passed * (STEPS + 1) + np.rint(share * STEPS).astype(np.int64)
        found = []
        for code in np.unique(key).tolist():
            number, step = divmod(code, STEPS + 1)
            old, new = self._state(max(number - 1, 0)), self._state(number)
            if step in (0, STEPS):  # the pure states have one name each
                old = new = old if step == 0 else new
            found.append((Blend(old, new, step / STEPS), np.flatnonzero(key == code)))
        return found

    def _state(self, number: int) -> int:
        return number % 2 if self._kind == "recurring" else number


def _kind(kind: str) -> DriftKind:
    found: DriftKind = kind  # type: ignore[assignment]
    return found


def _what(what: str) -> DriftOf:
    found: DriftOf = what  # type: ignore[assignment]
    return found
