"""What fits into a number of bytes: rows of features, labels, pairs of labels, two learners."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from streamml.errors import ConfigError
from streamml.ihomer.feature_table import with_reserve
from streamml.nodes.capacity import bytes_for
from streamml.nodes.members import MixturePlan
from streamml.state.parameters import bytes_in
from streamml.types import LABELS_UNKNOWN, EventBatch, Schema

__all__ = ["Budget", "bytes_of", "label_capacity"]

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


class Budget:
    """Says what fits; holds nothing that was learned.

    Parameters
    ----------
    size
        Bytes for everything that is learned, names included.
    plan
        Members and constants of the learner.

    Raises
    ------
    ConfigError
        The members do not fit, however little they learn.
    """

    def __init__(self, size: int, plan: MixturePlan) -> None:
        self.size = size
        self.plan = plan
        self._safe = (0, 0)
        if self._least(1) > size:
            raise ConfigError(
                f"memory_budget must be at least {self._least(1) / 2**20:.0f} MiB for these "
                f"members, not {size / 2**20:.0f}: raise it, or take a smaller preset."
            )

    @property
    def max_pairs(self) -> int:
        """Pairs of labels that may be counted; their table is up to four times as long."""
        return max(self.size // _PAIRS_SHARE // 64, 1024)

    def _arrays(self) -> int:
        return self.size - self.size // _PAIRS_SHARE

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
        labels = self.most_labels()
        if schema.declared_labels > labels:
            raise ConfigError(
                f"memory_budget is too small for {schema.declared_labels} labels: there is room "
                f"for {labels}; raise it to {self._least(schema.declared_labels) / 2**20:.0f} MiB."
            )
        if schema.features.limit is None:
            most = self.size // _NAMES_SHARE // _PER_NAME
            schema.features.limit = max(most, len(schema.features), 1)
        if schema.labels.limit is None:
            schema.labels.limit = max(labels, len(schema.labels), 1)

    def most_labels(self) -> int:
        """Labels there is room for beside the fewest features; what they need is linear."""
        least = self._least(1) + _PER_NAME
        each = (self._least(1601) - self._least(1)) / 1600 + _PER_NAME
        return max(int((self.size - least) / each), 1)

    # -- which events still fit ------------------------------------------------------------

    def stop(self, batch: EventBatch, start: int, stop: int, two: bool) -> int:
        """Row after the first one, of those learned, whose names leave too little room."""
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
