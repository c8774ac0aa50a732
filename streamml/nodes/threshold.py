"""From probabilities to a label set: a threshold, and at least one label where that is usual."""

from __future__ import annotations

from numba import njit

__all__ = ["decide"]

_EMPTY_IS_USUAL = 0.05
_THRESHOLD = 0.5


@njit(cache=True)
def decide(p, n_labels, empty_share, out):  # type: ignore[no-untyped-def]
    """Write the decided columns, ascending, to ``out``; give their number.

    ``empty_share`` is the share of empty label sets so far; below 5 % the most probable
    label is taken where none reaches the threshold.
    """
    count = 0
    best = 0
    for label in range(n_labels):
        if p[label] > p[best]:
            best = label
        if p[label] >= _THRESHOLD:
            out[count] = label
            count += 1
    if count == 0 and n_labels > 0 and empty_share < _EMPTY_IS_USUAL and p[best] > 0.0:
        out[0] = best
        count = 1
    return count
