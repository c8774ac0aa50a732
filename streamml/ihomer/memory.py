"""A hard bound on what a learner holds, and what it gives up to keep it.

In this order: the alternate learner on trial, rare pairs of labels, and the least used
features. Everything is decided by what was learned, event by event, so that batches of any
size shed the same; with room enough nothing here touches an event.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from streamml.ihomer.budget import Budget, label_capacity
from streamml.ihomer.feature_table import FeatureTable, reserve_of
from streamml.ihomer.loop import BatchArrays
from streamml.ihomer.mixture import Mixture
from streamml.nodes.capacity import bytes_for
from streamml.nodes.members import MixturePlan
from streamml.state.capture import check, part_of
from streamml.types import LABELS_UNKNOWN, Change, EventBatch, Schema

__all__ = ["Memory", "Placed", "cut"]

_LABEL_BLOCK = 16  # room for labels is a multiple of it
_SLACK = 32  # labels there is room for still, when room for more is made
_LESS = 0.97  # rows are numbered anew where there is room for so much less


class Placed(NamedTuple):
    """Events with a row for each feature, as the loop takes them."""

    rows: BatchArrays
    stop: int  # row after the last one placed
    full: bool  # whether features must go before the next


class Memory:
    """Gives features and labels their room in a mixture, and takes it back once it is short.

    Without a table a feature's row is its column.

    Parameters
    ----------
    size
        Bytes for everything that is learned, names included.
    plan
        Members and constants of the mixture.

    Raises
    ------
    ConfigError
        The members do not fit, however little they learn.
    """

    def __init__(self, size: int, plan: MixturePlan) -> None:
        self.budget = Budget(size, plan)
        self.table: FeatureTable | None = None
        self.features = 0
        """Features known at the last event learned."""
        self.shed: Counter[str] = Counter()
        """What was given up so far, and how often."""

    @property
    def nbytes(self) -> int:
        """Bytes of the table."""
        return 0 if self.table is None else self.table.nbytes

    def row_names(self, names: Sequence[str]) -> Sequence[str]:
        """Name of the feature that each row belongs to, out of the names of all columns."""
        if self.table is None:
            return names
        return [names[c] if c >= 0 else "a new feature" for c in self.table.column_of.tolist()]

    def two_fit(self, n_labels: int) -> bool:
        """Whether there is room for an alternate learner too."""
        return self.budget.two_fit(self.features, n_labels)

    # -- before events ---------------------------------------------------------------------

    def reserve(self, mixture: Mixture, n_features: int, n_labels: int) -> None:
        """Make room; the size of the arrays changes no result."""
        d, labels = mixture.feature_room, mixture.label_room
        if n_features <= d and n_labels <= labels:
            return
        if n_features > d:
            d = max(n_features, min(2 * d, d + 4096))
        if n_labels > labels:
            labels = -(-max(n_labels, min(2 * labels, labels + 512)) // _LABEL_BLOCK) * _LABEL_BLOCK
        if bytes_for(mixture.plan, d, labels) > self.budget.size // 2:
            most = self.budget.most_features(self.features, n_labels)
            labels = label_capacity(max(n_labels, mixture.n_labels))
            d = max(n_features, min(d, most), mixture.feature_room)
        mixture.resize(d, labels)

    def stop(self, mixture: Mixture, batch: EventBatch, start: int, stop: int, two: bool) -> int:
        """Row after the last one that may be learned before the budget must be looked at.

        ``two``: whether an alternate learner takes room too.
        """
        if self.table is not None:
            return self.budget.stop_at(batch, start, stop, mixture.label_room - _SLACK)
        near = self.budget.first_near(batch, start, stop)
        if near < stop:  # what is left out hangs on what was learned before each event
            stop = max(near, start + 1)
        elif not two:
            return stop
        return self.budget.stop(batch, start, stop, two)

    def place(
        self, mixture: Mixture, rows: BatchArrays, start: int, stop: int, learn: bool
    ) -> Placed:
        """Events as the loop takes them, with room for them in the mixture."""
        known, labels = mixture.n_labels, int(rows.n_labels[start:stop].max())
        full, table = False, self.table
        if table is not None:
            reserve = 0 if mixture.dense else reserve_of(table.n_rows)
            rows, stop, full, dropped = table.place(rows, start, stop, learn, reserve)
            self.shed["values"] += dropped if learn else 0
            needed = table.n_rows
        else:
            needed = _columns(rows, start, stop)
            if not self.budget.fits(needed, max(known, labels)):
                needed = min(needed, self.budget.most_features(self.features, known))
                rows = cut(rows, needed)
        self.reserve(mixture, needed, max(known, labels) if learn else known)
        return Placed(rows, stop, full)

    # -- after events ----------------------------------------------------------------------

    def note_features(self, batch: EventBatch, start: int, stop: int) -> None:
        """Remember how many features were known at the last event learned."""
        learned = np.flatnonzero(batch.y_kind[start:stop] != LABELS_UNKNOWN)
        if len(learned):
            self.features = max(self.features, int(batch.n_features[start + learned].max()))

    def keep(self, mixture: Mixture, full: bool, position: int) -> list[Change]:
        """Give up the features there is no room for; gives what changed for all of them.

        ``full``: events were placed up to where features must go.
        """
        if self.table is None:
            if self.budget.fits(self.features, mixture.n_labels):
                return []
            return [self._begin_table(mixture, position)]
        if full or mixture.n_labels > mixture.label_room - _SLACK:
            return self._free_rows(mixture, self.table, position)
        return []

    def _begin_table(self, mixture: Mixture, position: int) -> Change:
        """From now on a feature has a row only while it is used."""
        d, labels = mixture.feature_room, label_capacity(mixture.n_labels)
        most = self.budget.most_features(self.features, mixture.n_labels)
        known = min(self.features, most, d)
        self.table = FeatureTable(most, known)
        self.table.used[:known] = mixture.usage(known)
        if d > most:
            mixture.select_rows(np.arange(most), labels)
        mixture.resize(most, labels)
        if not mixture.dense:
            self._evict(mixture, self.table, 2 * reserve_of(most))
        return self._shed_rows(most, position)

    def _free_rows(self, mixture: Mixture, table: FeatureTable, position: int) -> list[Change]:
        """Free rows; where names and labels leave room for fewer of them, number them anew."""
        changes, labels = [], label_capacity(mixture.n_labels)
        most = min(self.budget.most_features(self.features, mixture.n_labels), table.n_rows)
        if most < _LESS * table.n_rows:
            self._evict(mixture, table, table.n_rows - most + 2 * reserve_of(most))
            mixture.select_rows(table.shrink(most), labels)
            changes.append(self._shed_rows(most, position))
        elif not mixture.dense:
            self._evict(mixture, table, 2 * reserve_of(table.n_rows))
        if mixture.n_labels > mixture.label_room - _SLACK:
            mixture.resize(table.n_rows, labels)
        return changes

    def _evict(self, mixture: Mixture, table: FeatureTable, wanted: int) -> None:
        gone = table.evict(wanted)
        mixture.clear_rows(gone)
        self.shed["features"] += len(gone)

    def _shed_rows(self, most: int, position: int) -> Change:
        return Change("shed", "global", position, (), float(self.features), float(most))

    # -- state -------------------------------------------------------------------------

    def snapshot(self) -> dict[str, Any]:
        """The table and what was shed."""
        return {
            "features": self.features,
            "shed": dict(self.shed),
            "slots": None if self.table is None else self.table.snapshot(),
        }

    def restore(self, snapshot: Mapping[str, Any], schema: Schema, rows: int) -> None:
        """Go to a state that :meth:`snapshot` gave, of a learner with so many rows."""
        where = "the memory"
        shed = part_of(snapshot, "shed", dict, where)
        counts = all(isinstance(k, str) and type(n) is int and n >= 0 for k, n in shed.items())
        check(counts, where, "has shed less than nothing")
        features = part_of(snapshot, "features", int, where)
        check(0 <= features <= len(schema.features), where, "knows features without a name")
        table = None
        if snapshot.get("slots") is not None:
            saved = part_of(snapshot, "slots", dict, where)
            table = FeatureTable.from_snapshot(saved, len(schema.features), rows)
        self.table, self.features, self.shed = table, features, Counter(shed)


def _columns(rows: BatchArrays, start: int, stop: int) -> int:
    """Columns known at these rows, or named by them though no event brought them."""
    named = rows.x_indices[rows.x_indptr[start] : rows.x_indptr[stop]]
    return max(int(rows.n_features[start:stop].max()), int(named.max(initial=-1)) + 1)


def cut(rows: BatchArrays, room: int) -> BatchArrays:
    """Rows without the columns there is no room for."""
    kept = rows.x_indices < room
    ends = np.concatenate([[0], np.cumsum(kept)])
    return rows._replace(
        x_indptr=ends[rows.x_indptr].astype(np.int64),
        x_indices=rows.x_indices[kept],
        x_values=rows.x_values[kept],
        n_features=np.minimum(rows.n_features, np.int32(room)),
    )
