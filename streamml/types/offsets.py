"""Where each row of sparse rows begins, and behind the last one its end."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from streamml.arrays import Int64Array

__all__ = ["empty_offsets", "joined_offsets"]


def empty_offsets() -> Int64Array:
    """Those of no rows."""
    return np.zeros(1, np.int64)


def joined_offsets(arrays: Sequence[Int64Array]) -> Int64Array:
    """Row offsets of arrays of rows that are put one behind the other."""
    if len(arrays) == 1:
        return arrays[0]
    ends = np.cumsum([a[-1] for a in arrays])
    rest = [a[1:] + end for a, end in zip(arrays[1:], ends[:-1], strict=True)]
    return np.concatenate([arrays[0], *rest])
