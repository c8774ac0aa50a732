"""Scoring drift: how soon and how rightly alarms came, and when the learner was back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol

import numpy as np

from streamml.errors import ConfigError, ContractError
from streamml.types import EventBatch, Float64Array, Int64Array, Predictions

__all__ = [
    "AlarmScores",
    "Recovery",
    "Span",
    "event_counts",
    "recovery",
    "score_alarms",
    "windowed_micro_f1",
]


class Span(Protocol):
    """A drift: from ``start`` events on until ``end``; ``KnownDrift`` is one."""

    @property
    def start(self) -> int: ...

    @property
    def end(self) -> int: ...


@dataclass(frozen=True, slots=True)
class AlarmScores:
    """What the alarms of one detector are worth.

    Parameters
    ----------
    delays
        For each drift the events from its start to the first alarm; ``None``: missed.
    false_alarms
        Alarms outside of the drifts' reach.
    quiet
        Events outside of it.
    """

    delays: tuple[int | None, ...]
    false_alarms: int
    quiet: int

    @property
    def missed(self) -> int:
        """Drifts without an alarm."""
        return sum(delay is None for delay in self.delays)

    @property
    def mean_delay(self) -> float:
        """Mean over the drifts that were found; NaN where none was."""
        found = [delay for delay in self.delays if delay is not None]
        return sum(found) / len(found) if found else float("nan")

    @property
    def false_per_10_000(self) -> float:
        """False alarms in 10,000 quiet events; NaN where no event is quiet."""
        return 10_000 * self.false_alarms / self.quiet if self.quiet else float("nan")


def score_alarms(
    drifts: Sequence[Span], alarms: Sequence[int], n_events: int, reach: int = 2_000
) -> AlarmScores:
    """Compare alarms with the drifts that a stream is known to contain.

    A drift's reach goes from its start to ``reach`` events after its end, or to the next
    drift. The first alarm there found it, later ones there count neither way, and alarms
    anywhere else are false.

    Parameters
    ----------
    drifts
        In order; those that start beyond the end are left out.
    alarms
        Positions (number of events before the one that raised it), in any order.
    n_events
        Length of the stream.

    Examples
    --------
    >>> from streamml.streams import KnownDrift
    >>> drifts = [KnownDrift("sudden", 5_000, 5_000), KnownDrift("sudden", 9_000, 9_000)]
    >>> found = score_alarms(drifts, [1_000, 5_100, 5_400], 14_000)
    >>> found.delays, found.missed, found.false_per_10_000
    ((100, None), 1, 1.0)
    """
    drifts = [drift for drift in drifts if drift.start < n_events]
    ordered = np.sort(np.asarray(alarms, np.int64))
    near = np.zeros(len(ordered), np.bool_)
    delays: list[int | None] = []
    quiet = n_events
    for drift, until in zip(drifts, _ends(drifts, n_events), strict=True):
        stop = min(drift.end + reach, until)
        inside = (ordered >= drift.start) & (ordered < stop)
        near |= inside
        delays.append(int(ordered[inside][0]) - drift.start if inside.any() else None)
        quiet -= stop - drift.start
    return AlarmScores(tuple(delays), int((~near).sum()), quiet)


@dataclass(frozen=True, slots=True)
class Recovery:
    """How a learner came back after a drift.

    Parameters
    ----------
    before
        Micro-F1 of the events before the drift's start.
    after
        Micro-F1 of as many events after its end.
    late
        Micro-F1 of as many events before the next drift, or the end of the stream.
    events
        Events after the drift's end until a window that lies wholly behind it is back to
        the asked share of ``before``; ``None``: not before the next drift.
    """

    before: float
    after: float
    late: float
    events: int | None


def recovery(
    drifts: Sequence[Span],
    counts: Int64Array,
    window: int = 500,
    span: int = 1_000,
    share: float = 0.95,
) -> tuple[Recovery, ...]:
    """When micro-F1 was back, drift by drift.

    Parameters
    ----------
    drifts
        In order; those that start beyond the end are left out.
    counts
        Of :func:`event_counts`.
    window
        Events whose micro-F1 must be back. The window may hold no event from before the
        drift's end, so it is the least figure that can come out.
    span
        Events over which ``before``, ``after`` and ``late`` are taken.
    share
        Of the level before that counts as back, in (0, 1].

    Examples
    --------
    >>> from streamml.streams import KnownDrift
    >>> right, wrong = [1, 1, 1], [0, 1, 1]
    >>> counts = np.array([right] * 2000 + [wrong] * 300 + [right] * 1700)
    >>> recovery([KnownDrift("sudden", 2_000, 2_000)], counts)[0].events
    775
    """
    if window < 1 or span < 1 or not 0.0 < share <= 1.0:
        raise ConfigError(
            f"window ({window}) and span ({span}) must be at least 1 event, "
            f"share ({share}) above 0 and at most 1."
        )
    n = len(counts)
    sums = np.concatenate([np.zeros((1, 3), np.int64), np.cumsum(counts, axis=0)])
    drifts = [drift for drift in drifts if drift.start < n]
    found = []
    for drift, until in zip(drifts, _ends(drifts, n), strict=True):
        end = min(drift.end, until)
        before = _f1(sums, max(drift.start - span, 0), drift.start)
        stops = np.arange(end + window, until + 1)
        back = np.flatnonzero(_f1s(sums, stops - window, stops) >= share * before)
        found.append(
            Recovery(
                before,
                _f1(sums, end, min(end + span, until)),
                _f1(sums, max(until - span, end), until),
                int(stops[back[0]]) - end if len(back) else None,
            )
        )
    return tuple(found)


def event_counts(batch: EventBatch, predictions: Predictions) -> Int64Array:
    """Labels right, predicted and true of every event, ``(n, 3)``; unknown ones are negative.

    Raises
    ------
    ContractError
        There is not one prediction an event.
    """
    if len(batch) != len(predictions):
        raise ContractError(
            f"{len(predictions)} predictions came for {len(batch)} events: give one an event."
        )
    n = len(batch)
    width = 1 + max(batch.y_indices.max(initial=0), predictions.indices.max(initial=0))
    rows = np.repeat(np.arange(n), np.diff(batch.y_indptr))
    said = np.repeat(np.arange(n), np.diff(predictions.indptr))
    right = np.isin(said * width + predictions.indices, rows * width + batch.y_indices)
    return np.stack(
        [np.bincount(r, minlength=n) for r in (said[right], said, rows)], axis=1
    ).astype(np.int64)


def windowed_micro_f1(counts: Int64Array, window: int) -> Float64Array:
    """Micro-F1 of the events up to each one, at most ``window``: a curve to plot."""
    sums = np.concatenate([np.zeros((1, 3), np.int64), np.cumsum(counts, axis=0)])
    stops = np.arange(1, len(counts) + 1)
    return _f1s(sums, np.maximum(stops - window, 0), stops)


def _ends(drifts: Sequence[Span], n_events: int) -> list[int]:
    """Where the events after each drift end: at the next one."""
    starts = [drift.start for drift in drifts]
    if any(b <= a for a, b in pairwise(starts)):
        raise ConfigError(f"Drifts start at {starts}: give them in order.")
    return [*starts[1:], n_events][: len(starts)]


def _f1(sums: Int64Array, start: int, stop: int) -> float:
    return float(_f1s(sums, np.array([start]), np.array([stop]))[0])


def _f1s(sums: Int64Array, starts: Int64Array, stops: Int64Array) -> Float64Array:
    right, said, true = (sums[stops] - sums[starts]).T
    found: Float64Array = 2.0 * right / np.maximum(said + true, 1)
    return found
