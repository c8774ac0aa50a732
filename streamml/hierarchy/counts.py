"""How often labels occur and occur together, counted sparsely and fading.

An event with k labels touches k counts and k (k - 1) / 2 pair counts, whatever the
number of labels L; memory is the number of pairs that co-occurred, never L^2. Counts
fade by growing increments: nothing is multiplied until the increment gets large.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numba import njit

from streamml.hierarchy.saved import count_arrays
from streamml.types import BoolArray, Float64Array, Int32Array, Int64Array

__all__ = ["LabelCounts", "Pairs"]

_EMPTY = -1
_RESCALE_ABOVE = 1e9
_PRUNE_BELOW = 1e-3


class Pairs(NamedTuple):
    """Pairs of labels that co-occurred: columns ``i < j`` and their (fading) count, ``weight``."""

    i: Int32Array
    j: Int32Array
    weight: Float64Array


class LabelCounts:
    """Label and label-pair counts of a stream.

    Parameters
    ----------
    fading
        Factor in (0, 1] by which the weight of an event shrinks with each later event;
        1 counts everything alike, 0.999 forgets with a mean age of 1,000 events.
    max_pairs
        Largest number of pairs held. Where it is reached, new ones are not taken up until
        :meth:`maintain` has dropped the rarer half.

    Examples
    --------
    >>> import numpy as np
    >>> counts = LabelCounts()
    >>> counts.reserve_labels(3)
    >>> counts.observe(np.array([0, 2, 3]), np.array([0, 2, 2], np.int32), 0, 2)
    >>> counts.labels().tolist(), counts.total
    ([1.0, 0.0, 2.0], 2.0)
    >>> [a.tolist() for a in counts.pairs()]
    [[0], [2], [1.0]]
    """

    def __init__(self, fading: float = 1.0, max_pairs: int = 2**40) -> None:
        self.fading = fading
        self.max_pairs = max_pairs
        self.shed = 0
        """Pairs given up so far: dropped for being rare, or not taken up while all was full."""
        self.work = 0
        """Elementary count updates so far; tests bound it."""
        self._increment = 1.0
        self._total = 0.0
        self._label = np.zeros(8, np.float64)
        self._n_labels = 0
        self._sizes = np.zeros(8, np.float64)
        self._clear_table(64)

    def _clear_table(self, capacity: int) -> None:
        self._key = np.full(capacity, _EMPTY, np.int64)
        self._value = np.zeros(capacity, np.float64)
        self._used = 0

    # -- counting --------------------------------------------------------------------

    def reserve_labels(self, n_labels: int) -> None:
        """Make room for label columns below ``n_labels``."""
        self._n_labels = max(self._n_labels, n_labels)
        while len(self._label) < self._n_labels:
            self._label = np.concatenate([self._label, np.zeros_like(self._label)])

    def observe(self, indptr: Int64Array, indices: Int32Array, start: int, stop: int) -> None:
        """Count the label sets of rows ``start`` to ``stop`` (CSR, columns ascending)."""
        sizes = np.diff(indptr[start : stop + 1])
        if len(sizes) == 0:
            return
        self._reserve_pairs(int((sizes * (sizes - 1)).sum()) // 2)
        while len(self._sizes) <= sizes.max():
            self._sizes = np.concatenate([self._sizes, np.zeros_like(self._sizes)])
        self._increment, self._total, added, work, refused = _observe(
            indptr,
            indices,
            start,
            stop,
            self._label,
            self._sizes,
            self._key,
            self._value,
            self._increment,
            self._total,
            1.0 / self.fading,
            self.max_pairs - self._used,
        )
        self.shed += refused
        self._used += added
        self.work += work

    def _reserve_pairs(self, more: int) -> None:
        more = min(more, max(self.max_pairs - self._used, 0))
        if 2 * (self._used + more) <= len(self._key):
            return
        live = self._key != _EMPTY
        capacity = len(self._key)
        while capacity < 2 * (int(live.sum()) + more):
            capacity *= 2
        self._rebuild(live, capacity)

    def _rebuild(self, keep: BoolArray, capacity: int) -> None:
        keys, values = self._key[keep], self._value[keep]
        self._clear_table(capacity)
        _insert_all(keys, values, self._key, self._value)
        self._used = len(keys)

    def maintain(self) -> None:
        """Bring large numbers down and drop pairs that faded away.

        Call it every some thousand events at most, always at the same positions of a
        stream: it may change last bits.
        """
        if self._used >= self.max_pairs:
            self._drop_rare()
        if self._increment <= _RESCALE_ABOVE:
            return
        self._total /= self._increment
        for counts in (self._label, self._sizes, self._value):
            counts /= self._increment
        self._increment = 1.0
        keep = (self._key != _EMPTY) & (self._value > _PRUNE_BELOW)
        self._rebuild(keep, len(self._key))

    def _drop_rare(self) -> None:
        """Keep the more frequent half; of equals, those with the smaller columns."""
        live = np.flatnonzero(self._key != _EMPTY)
        order = np.lexsort((self._key[live], -self._value[live]))
        keep = np.zeros(len(self._key), np.bool_)
        keep[live[order[: self.max_pairs // 2]]] = True
        self.shed += len(live) - int(keep.sum())
        self._rebuild(keep, len(self._key))

    def forget_pairs(self, label_mask: BoolArray) -> None:
        """Set the counts of the given labels, and of pairs within them, to zero."""
        self._label[: len(label_mask)][label_mask] = 0.0
        live = self._key != _EMPTY
        i, j = _split_keys(self._key[live])
        inside = label_mask[i] & label_mask[j]
        keep = live.copy()
        keep[np.flatnonzero(live)[inside]] = False
        self._rebuild(keep, len(self._key))

    # -- state -----------------------------------------------------------------------

    def snapshot(self) -> dict[str, Any]:
        """All counts as plain values; pairs by ascending key."""
        live = np.flatnonzero(self._key != _EMPTY)
        order = live[np.argsort(self._key[live])]
        return {
            "label": self._label[: self._n_labels].copy(),
            "sizes": self._sizes.copy(),
            "key": self._key[order],
            "value": self._value[order],
            "increment": float(self._increment),
            "total": float(self._total),
            "work": int(self.work),
            "shed": int(self.shed),
        }

    def restore(self, snapshot: Mapping[str, Any], n_labels: int) -> None:
        """Go to a state that :meth:`snapshot` gave, of ``n_labels`` labels."""
        found = count_arrays(snapshot, n_labels)
        self._n_labels, self._label = 0, np.zeros(8, np.float64)
        self.reserve_labels(n_labels)
        self._label[:n_labels] = found["label"]
        self._sizes = found["sizes"]
        capacity = 64
        while capacity < 2 * len(found["key"]):
            capacity *= 2
        self._clear_table(capacity)
        _insert_all(found["key"], found["value"], self._key, self._value)
        self._used = len(found["key"])
        self._increment, self._total = found["increment"], found["total"]
        self.work, self.shed = found["work"], found["shed"]

    # -- reading ---------------------------------------------------------------------

    @property
    def total(self) -> float:
        """Number of events counted, faded."""
        return self._total / self._increment

    @property
    def nbytes(self) -> int:
        """Bytes of all counts."""
        arrays = (self._label, self._sizes, self._key, self._value)
        return sum(array.nbytes for array in arrays)

    @property
    def n_pairs(self) -> int:
        """Number of distinct pairs held."""
        return self._used

    def labels(self) -> Float64Array:
        """Count of each label, faded: float64 ``(n_labels,)``."""
        return np.asarray(self._label[: self._n_labels] / self._increment)

    def pairs(self) -> Pairs:
        """All co-occurring pairs, ordered by ``(i, j)``."""
        live = self._key != _EMPTY
        keys, values = self._key[live], self._value[live]
        order = np.argsort(keys)
        i, j = _split_keys(keys[order])
        return Pairs(i, j, values[order] / self._increment)

    def modal_size(self) -> int:
        """The most frequent size of a label set (empty sets aside), at least 1."""
        return int(np.argmax(self._sizes[1:])) + 1 if self._sizes[1:].any() else 1


def _split_keys(keys: Int64Array) -> tuple[Int32Array, Int32Array]:
    return (keys >> 32).astype(np.int32), (keys & 0xFFFFFFFF).astype(np.int32)


@njit(cache=True, inline="always")
def _slot(key, keys):  # type: ignore[no-untyped-def]
    mask = np.uint64(len(keys) - 1)
    slot = (np.uint64(key) * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(20)
    slot &= mask
    while keys[slot] != key and keys[slot] != _EMPTY:
        slot = (slot + np.uint64(1)) & mask
    return slot


@njit(cache=True)
def _observe(  # type: ignore[no-untyped-def]
    indptr, indices, start, stop, label, sizes, keys, values, increment, total, growth, room
):
    added = 0
    work = 0
    refused = 0
    for row in range(start, stop):
        increment *= growth
        total += increment
        a, b = indptr[row], indptr[row + 1]
        sizes[b - a] += increment
        work += b - a
        for p in range(a, b):
            label[indices[p]] += increment
            for q in range(p + 1, b):
                key = (np.int64(indices[p]) << 32) | np.int64(indices[q])
                slot = _slot(key, keys)
                if keys[slot] == _EMPTY:
                    if added >= room:
                        refused += 1
                        continue
                    keys[slot] = key
                    added += 1
                values[slot] += increment
                work += 1
    return increment, total, added, work, refused


@njit(cache=True)
def _insert_all(keys, values, into_keys, into_values):  # type: ignore[no-untyped-def]
    for n in range(len(keys)):
        slot = _slot(keys[n], into_keys)
        into_keys[slot] = keys[n]
        into_values[slot] += values[n]
