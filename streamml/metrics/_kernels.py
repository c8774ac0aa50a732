"""The inner loop of prequential scoring: sparse rows in, counts and example sums out.

A scored event leaves one *entry* for each label that is true or predicted:
``3 * column + outcome``, so that an entry is at once the flat index into a
``(labels, 3)`` array of counts. The window is a ring of entries; what leaves it is
subtracted again. Sums of example precision, recall and F1 are fixed-point integers
(units, and 2**-52 of a unit), so that adding and subtracting is exact and a window
never drifts. An event costs the number of its entries, whatever the number of labels.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from streamml.types import (
    LABELS_FULL,
    LABELS_UNKNOWN,
    Float64Array,
    Int32Array,
    Int64Array,
    UInt8Array,
)

__all__ = [
    "EVENTS",
    "EXACT",
    "F1",
    "FALSE_NEGATIVE",
    "FALSE_POSITIVE",
    "FULL",
    "KNOWN",
    "N_OUTCOMES",
    "N_TOTALS",
    "ONE",
    "PRECISION",
    "RECALL",
    "TRUE_POSITIVE",
    "Faded",
    "LabelRows",
    "Sums",
    "Truth",
    "Window",
    "find_bad_row",
    "score_rows",
]

Integer = int | np.int64

# Outcome of a label in an event.
TRUE_POSITIVE, FALSE_POSITIVE, FALSE_NEGATIVE, N_OUTCOMES = 0, 1, 2, 3

# Totals over events: how many, how many matched exactly, how many were fully known, the
# known labels of the others, and three sums of a unit cell and a fraction cell each.
EVENTS, EXACT, FULL, KNOWN, PRECISION, RECALL, F1, N_TOTALS = 0, 1, 2, 3, 4, 6, 8, 10

ONE = 1 << 52
"""What 1.0 is in the fraction cell of an example sum."""

_HUGE_WEIGHT = 2.0**512
_SHRINK = 2.0**-512  # a power of two, so that rescaling rounds nothing


class LabelRows(NamedTuple):
    """A label set an event, columns ascending (CSR)."""

    indptr: Int64Array
    indices: Int32Array


class Truth(NamedTuple):
    """What a batch says of its labels."""

    true: LabelRows
    kind: UInt8Array
    negative: LabelRows
    n_labels: Int32Array


class Sums(NamedTuple):
    """Over all events."""

    counts: Int64Array  # [3 * column + outcome]
    totals: Int64Array


class Window(NamedTuple):
    """Over the last events, which a ring holds."""

    counts: Int64Array
    totals: Int64Array
    entries: Int32Array
    rows: Int32Array  # [slot, 2] entries of an event, labels known of it (-1: all)
    ring: Int64Array  # oldest row's slot, rows held, oldest entry's slot, entries held


class Faded(NamedTuple):
    """Over all events, new ones weighing more."""

    counts: Float64Array
    totals: Float64Array


@njit(cache=True)
def find_bad_row(indptr: Int64Array, indices: Int32Array, n_labels: Int32Array) -> int:
    """First row whose columns are not ascending within [0, n_labels), or -1."""
    for i in range(len(n_labels)):
        last = -1
        for j in range(indptr[i], indptr[i + 1]):
            column = indices[j]
            if column <= last or column >= n_labels[i]:
                return i
            last = column
    return -1


@njit(cache=True)
def _match_full(true: Int32Array, predicted: Int32Array, row: Int32Array) -> int:
    """Entries of an event where every label is known; gives their number."""
    i = j = n = 0
    while i < len(true) or j < len(predicted):
        if j == len(predicted) or (i < len(true) and true[i] < predicted[j]):
            row[n] = N_OUTCOMES * true[i] + FALSE_NEGATIVE
            i += 1
        elif i == len(true) or predicted[j] < true[i]:
            row[n] = N_OUTCOMES * predicted[j] + FALSE_POSITIVE
            j += 1
        else:
            row[n] = N_OUTCOMES * true[i] + TRUE_POSITIVE
            i += 1
            j += 1
        n += 1
    return n


@njit(cache=True)
def _drop_unknown(n: int, negative: Int32Array, row: Int32Array) -> int:
    """Keep, of the false positives, those that are known to be negative."""
    kept = k = 0
    for r in range(n):
        column = row[r] // N_OUTCOMES
        while k < len(negative) and negative[k] < column:
            k += 1
        known = row[r] % N_OUTCOMES != FALSE_POSITIVE
        if known or (k < len(negative) and negative[k] == column):
            row[kept] = row[r]
            kept += 1
    return kept


@njit(cache=True)
def _judge(row: Int32Array, length: Integer, example: Float64Array) -> bool:
    """Fill in precision, recall and F1 of an event; says whether it matched exactly."""
    tp = fp = fn = 0
    for k in range(length):
        outcome = row[k] % N_OUTCOMES
        tp += outcome == TRUE_POSITIVE
        fp += outcome == FALSE_POSITIVE
        fn += outcome == FALSE_NEGATIVE
    if tp == 0:  # nothing true and nothing predicted is right, anything else wrong
        example[0] = example[1] = example[2] = 1.0 if length == 0 else 0.0
    else:
        example[0] = tp / (tp + fp)
        example[1] = tp / (tp + fn)
        example[2] = 2 * tp / (2 * tp + fp + fn)
    return tp == length


@njit(cache=True)
def _add_event(
    totals: Int64Array, known: Integer, exact: bool, example: Float64Array, sign: Integer
) -> None:
    """Add an event to integer totals (``sign`` 1), or take it away (-1)."""
    totals[EVENTS] += sign
    if exact:
        totals[EXACT] += sign
    if known < 0:
        totals[FULL] += sign
    else:
        totals[KNOWN] += sign * known
    for k in range(len(example)):
        cell = PRECISION + 2 * k
        fraction = totals[cell + 1] + sign * np.int64(np.rint(example[k] * ONE))
        if fraction >= ONE:
            fraction -= ONE
            totals[cell] += 1
        elif fraction < 0:
            fraction += ONE
            totals[cell] -= 1
        totals[cell + 1] = fraction


@njit(cache=True)
def _fade_event(
    totals: Float64Array, known: Integer, exact: bool, example: Float64Array, weight: float
) -> None:
    totals[EVENTS] += weight
    if exact:
        totals[EXACT] += weight
    if known < 0:
        totals[FULL] += weight
    else:
        totals[KNOWN] += weight * known
    for k in range(len(example)):
        totals[PRECISION + 2 * k] += weight * example[k]


@njit(cache=True)
def _scale(values: Float64Array, factor: float) -> None:
    for i in range(len(values)):
        values[i] *= factor


@njit(cache=True)
def _take_oldest(row: Int32Array, window: Window) -> tuple[np.int64, np.int64]:
    """Move the oldest event of the window into ``row``; gives its length and known labels."""
    entries, rows, ring = window.entries, window.rows, window.ring
    length, known = np.int64(rows[ring[0], 0]), np.int64(rows[ring[0], 1])
    at = ring[2]
    for k in range(length):
        row[k] = entries[at]
        at += 1
        if at == len(entries):
            at = 0
    ring[0] = ring[0] + 1 if ring[0] + 1 < len(rows) else 0
    ring[1] -= 1
    ring[2] = at
    ring[3] -= length
    return length, known


@njit(cache=True)
def _append_row(row: Int32Array, length: Integer, known: Integer, window: Window) -> None:
    """Put an event at the young end of the window (there must be room)."""
    entries, rows, ring = window.entries, window.rows, window.ring
    slot = ring[0] + ring[1]
    if slot >= len(rows):
        slot -= len(rows)
    rows[slot, 0] = length
    rows[slot, 1] = known
    at = ring[2] + ring[3]
    if at >= len(entries):
        at -= len(entries)
    for k in range(length):
        entries[at] = row[k]
        at += 1
        if at == len(entries):
            at = 0
    ring[1] += 1
    ring[3] += length


@njit(cache=True)
def _labels_of(rows: LabelRows, i: int) -> Int32Array:
    return rows.indices[rows.indptr[i] : rows.indptr[i + 1]]


@njit(cache=True)
def score_rows(
    start: int,
    stop: int,
    truth: Truth,
    decided: LabelRows,
    sums: Sums,
    window: Window,
    faded: Faded,
    row: Int32Array,
    example: Float64Array,
    weight: float,
    growth: float,
    labels: int,
) -> tuple[float, int, int]:
    """Score events ``start`` to ``stop``; updates ``sums``, ``window`` and ``faded`` in place.

    ``row`` (as long as any event's entries) and ``example`` (3) are scratch. Instead of
    fading what is old, what is new weighs more: ``weight`` is that of the next event and
    grows by ``growth`` an event. Gives the next weight, the number of labels known, and how
    many events could not be scored.
    """
    plus, minus = np.int64(1), np.int64(-1)
    unscored = 0
    for i in range(start, stop):
        if truth.kind[i] == LABELS_UNKNOWN:
            unscored += 1
            continue
        if truth.n_labels[i] > labels:
            labels = truth.n_labels[i]
        if window.ring[1] == len(window.rows):
            gone, gone_known = _take_oldest(row, window)
            for k in range(gone):
                window.counts[row[k]] -= 1
            exact = _judge(row, gone, example)
            _add_event(window.totals, gone_known, exact, example, minus)

        true = _labels_of(truth.true, i)
        length = _match_full(true, _labels_of(decided, i), row)
        known = np.int64(-1)  # all of them
        if truth.kind[i] != LABELS_FULL:
            negative = _labels_of(truth.negative, i)
            length = _drop_unknown(length, negative, row)
            known += 1 + len(true) + len(negative)
        for k in range(length):
            sums.counts[row[k]] += 1
            window.counts[row[k]] += 1
            faded.counts[row[k]] += weight
        exact = _judge(row, length, example)
        _add_event(sums.totals, known, exact, example, plus)
        _add_event(window.totals, known, exact, example, plus)
        _fade_event(faded.totals, known, exact, example, weight)
        _append_row(row, length, known, window)
        weight *= growth
        if weight > _HUGE_WEIGHT:
            weight *= _SHRINK
            _scale(faded.counts, _SHRINK)
            _scale(faded.totals, _SHRINK)
    return weight, labels, unscored
