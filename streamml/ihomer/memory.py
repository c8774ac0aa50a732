"""A hard bound on what a learner holds, and what it gives up to keep it.

In this order: the alternate learner on trial, rare pairs of labels, and the least used
features. Everything is decided by what was learned, event by event, so that batches of any
size shed the same; with room enough nothing here touches an event.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from streamml.errors import ConfigError
from streamml.ihomer.feature_table import FeatureTable, with_reserve
from streamml.ihomer.loop import BatchArrays
from streamml.nodes.capacity import bytes_for
from streamml.nodes.members import MixturePlan
from streamml.state.capture import check, part_of
from streamml.state.parameters import bytes_in
from streamml.types import LABELS_UNKNOWN, EventBatch, Schema

__all__ = ["Memory", "bytes_of", "cut", "label_capacity"]

_PER_NAME = 160  # bytes of a name in its vocabulary, about
_PAIRS_SHARE = 16  # one part in so many is for pairs of labels
_NAMES_SHARE = 4
_AHEAD = 64  # labels there is room for before they come, once room is short
_FEWEST = 64  # features a learner has room for at least


def bytes_of(text: str | int) -> int:
    """Bytes out of ``"512MiB"``, ``"2 GB"`` or a number.

    Raises
    ------
    ConfigError
        It is none of these.

    Examples
    --------
    >>> bytes_of("512MiB"), bytes_of("2 GB"), bytes_of(1000)
    (536870912, 2000000000, 1000)
    """
    size = bytes_in(text) or 0
    if size < 1:
        raise ConfigError(f"{text!r} is no memory budget: write '512MiB', '2GB' or bytes.")
    return size


class Memory:
    """Decides what fits into a budget, and keeps the table of features once they do not.

    Parameters
    ----------
    budget
        Bytes for everything that is learned, names included.
    plan
        Members and constants of the learner.
    """

    def __init__(self, budget: int, plan: MixturePlan) -> None:
        self.budget = budget
        self.plan = plan
        self.table: FeatureTable | None = None
        self.features = 0
        """Features known at the last event learned."""
        self.shed: Counter[str] = Counter()
        """What was given up so far, and how often."""
        self._safe = (0, 0)
        if self._least(1) > budget:
            raise ConfigError(
                f"memory_budget must be at least {self._least(1) / 2**20:.0f} MiB for these "
                f"members, not {budget / 2**20:.0f}: raise it, or take a smaller preset."
            )

    # -- what fits ---------------------------------------------------------------------

    @property
    def max_pairs(self) -> int:
        """Pairs of labels that may be counted; their table is up to four times as long."""
        return max(self.budget // _PAIRS_SHARE // 64, 1024)

    def _arrays(self) -> int:
        return self.budget - self.budget // _PAIRS_SHARE

    def _least(self, n_labels: int) -> int:
        return bytes_for(self.plan, _FEWEST, label_capacity(n_labels)) * _PAIRS_SHARE // 15

    def most_features(self, n_features: int, n_labels: int) -> int:
        """Rows of features there is room for, when so many names are known."""
        low, high = 0, 2**24
        while low < high:
            middle = (low + high + 1) // 2
            if self._has_room(middle, n_features, n_labels):
                low = middle
            else:
                high = middle - 1
        return low

    def _has_room(self, rows: int, n_features: int, n_labels: int) -> bool:
        needed = bytes_for(self.plan, rows, label_capacity(n_labels)) + 24 * rows
        return needed + _PER_NAME * (n_features + n_labels) <= self._arrays()

    def two_fit(self, n_features: int, n_labels: int) -> bool:
        """Whether there is room for an alternate learner too."""
        needed = 2 * bytes_for(self.plan, n_features, label_capacity(n_labels))
        return needed + _PER_NAME * (n_features + n_labels) <= self._arrays()

    def fits(self, n_features: int, n_labels: int) -> bool:
        """Whether every feature may have the row of its own column, with some rows to spare."""
        if n_features <= self._safe[0] and n_labels <= self._safe[1]:
            return True
        if not self._has_room(with_reserve(n_features), n_features, n_labels):
            return False
        more, labels = 2 * n_features, n_labels + n_labels // 4 + 64
        if self._has_room(with_reserve(more), more, labels):
            self._safe = (more, labels)
        return True

    def cap_names(self, schema: Schema) -> None:
        """Cap the vocabularies where their owner did not.

        Raises
        ------
        ConfigError
            More labels are declared than there is room for.
        """
        labels = self._most_labels()
        if schema.declared_labels > labels:
            raise ConfigError(
                f"memory_budget is too small for {schema.declared_labels} labels: there is room "
                f"for {labels}; raise it to {self._least(schema.declared_labels) / 2**20:.0f} MiB."
            )
        if schema.features.limit is None:
            most = self.budget // _NAMES_SHARE // _PER_NAME
            schema.features.limit = max(most, len(schema.features), 1)
        if schema.labels.limit is None:
            schema.labels.limit = max(labels, len(schema.labels), 1)

    def _most_labels(self) -> int:
        """Labels there is room for beside the fewest features; what they need is linear."""
        least = self._least(1) + _PER_NAME
        each = (self._least(1601) - self._least(1)) / 1600 + _PER_NAME
        return max(int((self.budget - least) / each), 1)

    # -- rows ----------------------------------------------------------------------------

    def stop(self, batch: EventBatch, start: int, stop: int, two: bool) -> int:
        """Row after the first one, of those learned, whose names leave too little room."""
        if self.table is not None:
            return stop
        return _first(batch, start, stop, lambda d, labels: not self._all_fit(d, labels, two))

    def first_near(self, batch: EventBatch, start: int, stop: int) -> int:
        """First row whose names leave too little room; ``stop`` where there is none."""
        names = _running(batch, np.arange(start, stop))
        if not names or self.fits(*names[-1]):
            return stop
        return start + _search(names, lambda d, labels: not self.fits(d, labels))

    def stop_at(self, batch: EventBatch, start: int, stop: int, labels: int) -> int:
        """Row after the first one, of those learned, with more labels than that."""
        return _first(batch, start, stop, lambda _, known: known > labels)

    def _all_fit(self, n_features: int, n_labels: int, two: bool) -> bool:
        return self.fits(n_features, n_labels) and (not two or self.two_fit(n_features, n_labels))

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


def label_capacity(n_labels: int) -> int:
    """Label columns there is room for once room is short."""
    return -(-(n_labels + _AHEAD) // 16) * 16


def _first(batch: EventBatch, start: int, stop: int, over: Callable[[int, int], bool]) -> int:
    """Row after the first labelled one where ``over`` holds; it never stops holding."""
    learned = start + np.flatnonzero(batch.y_kind[start:stop] != LABELS_UNKNOWN)
    if len(learned) == 0:
        return stop
    names = _running(batch, learned)
    if not over(*names[-1]):
        return stop
    return int(learned[_search(names, over)]) + 1


def _running(batch: EventBatch, rows: NDArray[np.int64]) -> list[list[int]]:
    """Most features and labels known at these rows so far; joined rows come in any order."""
    names = np.stack([batch.n_features[rows], batch.n_labels[rows]], axis=1)
    found: list[list[int]] = np.maximum.accumulate(names, axis=0).tolist()
    return found


def _search(names: list[list[int]], over: Callable[[int, int], bool]) -> int:
    """First entry where ``over`` holds; it never stops holding, and holds for the last."""
    low, high = 0, len(names) - 1
    while low < high:
        middle = (low + high) // 2
        if over(*names[middle]):
            high = middle
        else:
            low = middle + 1
    return low


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
