"""Texts of like length in groups of one shape, so that a row's bits hang on its text alone.

A matrix product may add in another order when the shape of its operands changes. So on a
CPU every group has the same number of rows, filled up where texts are missing, and a
length out of a fixed list, which the text itself decides. On a GPU, groups have few shapes
so that each can be recorded.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from streamml.types import Int64Array

__all__ = ["LENGTHS", "Group", "grouped"]

LENGTHS: Final = (8, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512)
"""Lengths in tokens that texts are padded to."""


@dataclass(frozen=True, slots=True)
class Group:
    """Some texts as one array.

    Attributes
    ----------
    rows
        Which texts they are.
    tokens, mask
        int64 ``(rows or more, length)``; rows beyond those named repeat the first.
    """

    rows: Int64Array
    tokens: Int64Array
    mask: Int64Array


def grouped(tokens: Sequence[Sequence[int]], pad: int, sizes: Sequence[int]) -> Iterator[Group]:
    """Put texts in groups, the shortest first.

    Parameters
    ----------
    tokens
        Of each text, none empty.
    pad
        The token that fills up.
    sizes
        Numbers of rows that a group may have, the smallest first.

    Examples
    --------
    >>> one, two = grouped([[5] * 20, [7, 8], [9]], 0, sizes=[2])
    >>> one.rows.tolist(), one.tokens.shape, two.rows.tolist(), two.tokens.shape
    ([1, 2], (2, 8), [0], (2, 24))
    """
    lengths = np.array([len(one) for one in tokens], np.int64)
    padded = _padded(lengths)
    for length in np.unique(padded):
        same = np.flatnonzero(padded == length)
        for start in range(0, len(same), sizes[-1]):
            part = same[start : start + sizes[-1]]
            filled = np.resize(part, sizes[bisect_left(sizes, len(part))])
            filled[len(part) :] = part[0]
            array = np.full((len(filled), length), pad, np.int64)
            mask = np.zeros((len(filled), length), np.int64)
            for k, row in enumerate(filled.tolist()):
                array[k, : lengths[row]] = tokens[row]
                mask[k, : lengths[row]] = 1
            yield Group(part, array, mask)


def _padded(lengths: Int64Array) -> Int64Array:
    """The next length of the list; beyond it, the next multiple of its last."""
    table = np.array(LENGTHS, np.int64)
    last = table[-1]
    beyond = -(-lengths // last) * last
    place = np.searchsorted(table, lengths).clip(max=len(table) - 1)
    padded: Int64Array = np.where(lengths > last, beyond, table[place])
    return padded
