"""Which features have a row: those in use, the least used give theirs up.

Without it a feature's row is its column. Once rows are short, a table says which row a
column has. Some rows are always free, so that an event with new features is predicted as it
will be learned; when an event has taken too many of them, the least used features go.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from streamml.ihomer.loop import BatchArrays
from streamml.kernels.compile import entry_point
from streamml.state.capture import check, part_of, restore_value
from streamml.types import (
    LABELS_UNKNOWN,
    Float32Array,
    Float64Array,
    Int32Array,
    Int64Array,
    UInt8Array,
)

__all__ = ["FeatureTable", "reserve_of", "with_reserve"]

_GROWTH = 1.0 + 1.0 / 20_000.0  # an event weighs e times less after 20,000 others
_HUGE = 1e12
_NEXT, _FREE = range(2)


def reserve_of(n_rows: int) -> int:
    """Free rows that an event finds at least."""
    return max(n_rows // 16, 16)


def with_reserve(features: int) -> int:
    """Fewest rows that leave their reserve free beside so many features."""
    rows = features + max(features // 15, 16)
    while rows - reserve_of(rows) < features:
        rows += 1
    return rows


class FeatureTable:
    """A table from feature columns to rows, with how much each row was used.

    Parameters
    ----------
    n_rows
        Number of rows.
    known
        The first so many columns have the rows of their own numbers.
    """

    def __init__(self, n_rows: int, known: int = 0) -> None:
        self.n_rows = n_rows
        self.row_of: Int32Array = np.full(max(known, 64), -1, np.int32)
        self.row_of[:known] = np.arange(known)
        self.column_of: Int32Array = np.full(n_rows, -1, np.int32)
        self.column_of[:known] = np.arange(known)
        self.used: Float64Array = np.zeros(n_rows)
        self.free: Int32Array = np.full(n_rows, -1, np.int32)
        self.free[: n_rows - known] = np.arange(known, n_rows)
        self.at: Int64Array = np.array([0, n_rows - known], np.int64)
        self.weight: Float64Array = np.ones(1)

    @property
    def n_free(self) -> int:
        """Rows that no feature has."""
        return int(self.at[_FREE] - self.at[_NEXT])

    @property
    def nbytes(self) -> int:
        """Bytes of the table."""
        arrays = (self.row_of, self.column_of, self.used, self.free)
        return sum(array.nbytes for array in arrays)

    def place(
        self, rows: BatchArrays, start: int, stop: int, learn: bool, reserve: int
    ) -> tuple[BatchArrays, int, bool, int]:
        """The arrays with rows for columns, up to where fewer than ``reserve`` rows are free.

        Returns
        -------
        rows
            As the loop takes them; valid from ``start`` to the next entry.
        stop
            Row after the last one placed.
        full
            Whether features must go before the next row.
        dropped
            Values left out, because their features have no row.
        """
        a, b = int(rows.x_indptr[start]), int(rows.x_indptr[stop])
        if learn and b > a:
            self.reserve(int(rows.x_indices[a:b].max()) + 1)
        indptr = np.zeros_like(rows.x_indptr)
        indices, values = np.empty(b - a, np.int32), np.empty(b - a, np.float32)
        done, dropped = _place(
            rows.x_indptr, rows.x_indices, rows.x_values, rows.y_kind, start, stop, learn,
            self.row_of, self.column_of, self.used, self.free, self.at, self.weight,
            reserve, indptr, indices, values,
        )  # fmt: skip
        placed = rows._replace(
            x_indptr=indptr,
            x_indices=indices,
            x_values=values,
            n_features=np.full(len(rows.n_features), self.n_rows, np.int32),
        )
        return placed, done, learn and self.n_free < reserve, dropped

    def reserve(self, columns: int) -> None:
        """Room for so many columns of features."""
        have = len(self.row_of)
        if columns > have:
            more = np.full(max(columns, have + have // 2) - have, -1, np.int32)
            self.row_of = np.concatenate([self.row_of, more])

    def evict(self, wanted: int) -> NDArray[np.int64]:
        """Free rows of the least used features until ``wanted`` are free; gives these rows."""
        n = wanted - self.n_free
        used_rows = np.flatnonzero(self.column_of >= 0)
        gone = np.sort(used_rows[np.argsort(self.used[used_rows], kind="stable")[: max(n, 0)]])
        left = self.free[self.at[_NEXT] : self.at[_FREE]]
        free = np.sort(np.concatenate([left, gone])).astype(np.int32)
        self.row_of[self.column_of[gone]] = -1
        self.column_of[gone] = -1
        self.used[gone] = 0.0
        self.used /= self.weight[0]
        self.weight[0] = 1.0
        self.free[: len(free)] = free
        self.at[:] = 0, len(free)
        return gone

    def shrink(self, n_rows: int) -> NDArray[np.int64]:
        """Number the rows anew, fewer of them; gives the old rows in their new order."""
        used_rows = np.flatnonzero(self.column_of >= 0)
        free = self.free[self.at[_NEXT] : self.at[_FREE]][: n_rows - len(used_rows)]
        rows = np.sort(np.concatenate([used_rows, free]))
        self.column_of, self.used, self.n_rows = self.column_of[rows], self.used[rows], n_rows
        has = np.flatnonzero(self.column_of >= 0)
        self.row_of[self.column_of[has]] = has
        empty = np.flatnonzero(self.column_of < 0)
        self.free = np.full(n_rows, -1, np.int32)
        self.free[: len(empty)] = empty
        self.at[:] = 0, len(empty)
        return rows.astype(np.int64)

    def snapshot(self) -> dict[str, Any]:
        """The table as plain arrays."""
        free = self.free[self.at[_NEXT] : self.at[_FREE]]
        return {
            "column_of": self.column_of.copy(),
            "used": self.used.copy(),
            "free": free.copy(),
            "weight": float(self.weight[0]),
        }

    @classmethod
    def from_snapshot(cls, saved: Mapping[str, Any], columns: int, n_rows: int) -> FeatureTable:
        """The table that :meth:`snapshot` described, of ``columns`` features."""
        found, where = cls(n_rows), "the table of features"
        whole = np.zeros(0, np.int32)
        column_of = restore_value(saved.get("column_of"), whole, where)
        free = restore_value(saved.get("free"), whole, where)
        used = restore_value(saved.get("used"), np.zeros(0), where)
        weight = part_of(saved, "weight", float, where)
        check(len(column_of) == len(used) == n_rows, where, "has other rows")
        check(bool(((column_of >= -1) & (column_of < columns)).all()), where, "has other columns")
        placed = column_of[column_of >= 0]
        check(len(np.unique(placed)) == len(placed), where, "has a feature twice")
        check(np.array_equal(np.sort(free), np.flatnonzero(column_of < 0)), where, "lost a row")
        check(bool((used >= 0).all()) and 0 < weight < 1e300, where, "has no usable counts")
        found.reserve(columns)
        found.row_of[placed] = np.flatnonzero(column_of >= 0)
        found.column_of, found.used = column_of, used
        found.free[: len(free)] = free
        found.at[:] = 0, len(free)
        found.weight[0] = weight
        return found


@entry_point
def _place(
    x_indptr: Int64Array,
    x_indices: Int32Array,
    x_values: Float32Array,
    y_kind: UInt8Array,
    start: int,
    stop: int,
    learn: bool,
    row_of: Int32Array,
    column_of: Int32Array,
    used: Float64Array,
    free: Int32Array,
    at: Int64Array,
    weight: Float64Array,
    reserve: int,
    indptr: Int64Array,
    indices: Int32Array,
    values: Float32Array,
) -> tuple[int, int]:
    """Write rows for columns; an event only predicted borrows free ones for new features."""
    k = 0
    dropped = 0
    indptr[start] = 0
    for i in range(start, stop):
        learns = learn and y_kind[i] != LABELS_UNKNOWN
        borrowed = 0
        for p in range(x_indptr[i], x_indptr[i + 1]):
            column = x_indices[p]
            row = row_of[column] if column < len(row_of) else np.int32(-1)
            if row < 0:
                if at[_NEXT] + borrowed >= at[_FREE]:
                    dropped += 1
                    continue
                row = free[at[_NEXT] + borrowed]
                if learns:
                    at[_NEXT] += 1
                    row_of[column] = row
                    column_of[row] = column
                else:
                    borrowed += 1
            if learns:
                used[row] += weight[0]
            indices[k] = row
            values[k] = x_values[p]
            k += 1
        indptr[i + 1] = k
        if learns:
            weight[0] *= _GROWTH
            if weight[0] > _HUGE:
                for row in range(len(used)):
                    used[row] /= weight[0]
                weight[0] = 1.0
            if at[_FREE] - at[_NEXT] < reserve:
                return i + 1, dropped
    return stop, dropped
