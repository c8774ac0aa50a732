"""A change of structure, or a drift: what the hierarchy and the detectors tell."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Change"]


@dataclass(frozen=True, slots=True)
class Change:
    """A structural change of a learner: of its label tree, or a drift that was acted on.

    Parameters
    ----------
    kind
        ``"split"``, ``"merge"``, ``"rebuild"`` (label tree); ``"warning"`` (an alternate is
        grown), ``"drift"``, ``"swap"`` (the alternate took over), ``"prune"`` (it did not).
    scope
        ``"global"`` (label correlations) or ``"local"`` (one cluster's loss).
    position
        Number of events learned when it happened.
    labels
        Columns of the labels concerned, grouped as they stand after the change.
    statistic, bound
        What was compared, where the rule has such a pair.
    """

    kind: str
    scope: str
    position: int
    labels: tuple[tuple[int, ...], ...]
    statistic: float = float("nan")
    bound: float = float("nan")
