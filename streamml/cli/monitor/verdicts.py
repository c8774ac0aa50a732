"""The operator's three questions, answered in a word and a sentence.

Is it learning: does it beat the better of no-change and majority, over the window?
Is it drifting: did clusters drift lately, did quality fall against its own past?
Is it keeping up: is the lag small, and if not, does it shrink?
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final

from streamml.cli.monitor.history import Point
from streamml.cli.words import count, plural, score, seconds
from streamml.io.operation import Operation

__all__ = ["Verdict", "is_drifting", "is_keeping_up", "is_learning"]

_CLOSE: Final = 0.02
_FALL: Final = 0.1
_DIP: Final = 0.03
_FEW: Final = 200
_ENOUGH: Final = 8
_SECONDS_BEHIND: Final = 5.0
_TREND: Final = 30.0


@dataclass(frozen=True, slots=True)
class Verdict:
    """An answer.

    Parameters
    ----------
    state
        ``"good"``, ``"watch"``, ``"bad"`` or ``"unknown"``.
    word, sentence
        For a person.
    """

    state: str
    word: str
    sentence: str


def is_learning(f1: float | None, events: int, best: tuple[str, float] | None) -> Verdict:
    """Micro-F1 over the window of ``events`` against the better baseline.

    Examples
    --------
    >>> is_learning(0.7, 1000, ("no-change", 0.4)).sentence
    'F1 0.700 over the last 1,000 events, 0.300 above no-change.'
    """
    if f1 is None or not events:
        return Verdict("unknown", "Waiting", "No labels have arrived yet.")
    seen = f"F1 {score(f1)} over the last {plural(events, 'event')}"
    if best is None:
        return Verdict("good", "Yes", f"{seen}.")
    name, base = best
    gap = f1 - base
    side = "above" if gap >= 0 else "below"
    sentence = f"{seen}, {score(abs(gap))} {side} {name}."
    if events < _FEW:
        return Verdict("unknown", "Starting", sentence)
    if gap < -_CLOSE:
        return Verdict("bad", "No", sentence)
    return (
        Verdict("watch", "Hardly", sentence) if gap <= _CLOSE else Verdict("good", "Yes", sentence)
    )


def is_drifting(
    drifts: Sequence[int], position: int, window: int, past: Sequence[Point]
) -> Verdict:
    """Positions of drifts and the quality of the last minutes against their past.

    Examples
    --------
    >>> is_drifting([100], 5000, 1000, []).sentence
    'The last drift was 4,900 events ago.'
    """
    fall, usual = _fall(past)
    said = f"F1 is {score(fall)} below its usual {score(usual)}"
    if fall > _FALL:
        return Verdict("bad", "Yes", f"{said}.")
    new = sum(position - at <= window for at in drifts)
    if new:
        said = f"; {said}" if fall > _DIP else ""
        lately = f"{plural(new, 'drift')} within the last {plural(window, 'event')}"
        return Verdict("watch", "A little", f"{lately}{said}.")
    if not drifts:
        return Verdict("good", "No", "No drift so far.")
    ago = plural(max(position - drifts[-1], 0), "event")
    return Verdict("good", "No", f"The last drift was {ago} ago.")


def _fall(past: Sequence[Point]) -> tuple[float, float]:
    """How far F1 is below its median before the newest quarter, and that median."""
    scored = [p.f1 for p in past if p.f1 is not None]
    if len(scored) < _ENOUGH:
        return 0.0, math.nan
    usual = median(scored[: -(len(scored) // 4)])
    return usual - scored[-1], usual


def is_keeping_up(operation: Operation, past: Sequence[Point]) -> Verdict:
    """The lag now, and half a minute ago.

    Examples
    --------
    >>> is_keeping_up(Operation(), [Point(1.0, 2000, 2000.0)]).sentence
    '2,000 events/s; the source never runs ahead.'
    """
    rate = (past[-1].rate if past else None) or 0.0
    pace = f"{count(rate)} events/s"
    if operation.partitions is None:
        return Verdict("good", "Yes", f"{pace}; the source never runs ahead.")
    if not operation.partitions:
        return Verdict("watch", "Waiting", "No partition is assigned.")
    lag = operation.lag
    if lag is None:
        return Verdict("unknown", "Unknown", f"{pace}; the lag is not known yet.")
    if lag <= max(_SECONDS_BEHIND * rate, 100):
        return Verdict("good", "Yes", f"{pace}; {plural(lag, 'event')} behind.")
    before = _before(past)
    behind = f"{pace}; {plural(lag, 'event')} behind"
    if before is None or before.lag is None:
        return Verdict("watch", "Behind", f"{behind}.")
    gain = (before.lag - lag) / max(past[-1].at - before.at, 1e-9)
    if gain > 0:
        return Verdict("watch", "Catching up", f"{behind}, {seconds(lag / gain)} at this pace.")
    return Verdict("bad", "No", f"{behind}, and growing." if gain < 0 else f"{behind}.")


def _before(past: Sequence[Point]) -> Point | None:
    """The newest point that is half a minute old, else the oldest."""
    if len(past) < 2:
        return None
    old = [p for p in past if past[-1].at - p.at >= _TREND]
    return old[-1] if old else past[0]
