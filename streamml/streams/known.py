"""The drifts that a synthetic stream is known to contain."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["DriftKind", "DriftOf", "KnownDrift"]

DriftKind = Literal["sudden", "gradual", "incremental", "recurring", "regrouping"]
DriftOf = Literal["concept", "correlation", "imbalance", "labels"]


@dataclass(frozen=True, slots=True)
class KnownDrift:
    """A drift that the stream contains, for scoring what a detector found.

    Parameters
    ----------
    kind
        ``"sudden"``; ``"gradual"``: ever more events follow the new state; ``"incremental"``:
        the state itself moves, step by step; ``"recurring"``: sudden, and back to a state
        that was there before. (``"regrouping"``: the demo stream's, a sudden change of
        which labels go together.)
    start, end
        Positions (number of events before it). From ``end`` on the new state is alone;
        a sudden drift has ``start == end``.
    what
        What changes: ``"concept"`` (what the features say about the labels),
        ``"correlation"`` (which labels go together), ``"imbalance"`` (how frequent each
        label is) or ``"labels"`` (some vanish, others appear).

    Examples
    --------
    >>> drift = KnownDrift("gradual", 9_000, 11_000)
    >>> drift.position, drift.width, drift.what
    (9000, 2000, 'concept')
    """

    kind: DriftKind
    start: int
    end: int
    what: DriftOf = "concept"

    @property
    def position(self) -> int:
        """The same as :attr:`start`."""
        return self.start

    @property
    def width(self) -> int:
        """Events from start to end, 0 for a sudden drift."""
        return self.end - self.start
