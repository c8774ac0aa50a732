"""What changed, in bounded memory: the newest changes whole, all of them counted by kind."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any, overload

import numpy as np

from streamml.state.capture import check, check_range, part_of, restore_value
from streamml.types import Change

__all__ = ["ChangeLog"]


class ChangeLog(Sequence[Change]):
    """The newest changes, oldest first; older ones are forgotten and stay counted.

    Parameters
    ----------
    keep
        Largest number of changes kept, at least 1.
    columns
        Largest number of label columns that the kept changes name in all; the newest
        change is kept however many it names.

    Examples
    --------
    >>> log = ChangeLog(keep=2)
    >>> log.extend(Change("drift", "local", t, ((0,),)) for t in range(5))
    >>> [change.position for change in log], log.totals
    ([3, 4], {'drift': 5})
    """

    def __init__(self, keep: int = 1000, columns: int = 100_000) -> None:
        self.keep = keep
        self.columns = columns
        self._changes: deque[Change] = deque()
        self._named = 0
        self._totals: Counter[str] = Counter()

    @property
    def totals(self) -> dict[str, int]:
        """Kind -> number of changes so far, forgotten ones included."""
        return dict(self._totals)

    def append(self, change: Change) -> None:
        """Take one more."""
        self._changes.append(change)
        self._named += _named(change)
        self._totals[change.kind] += 1
        while len(self._changes) > 1 and (
            len(self._changes) > self.keep or self._named > self.columns
        ):
            self._named -= _named(self._changes.popleft())

    def extend(self, changes: Iterable[Change]) -> None:
        """Take more, oldest first."""
        for change in changes:
            self.append(change)

    def __len__(self) -> int:
        return len(self._changes)

    def __iter__(self) -> Iterator[Change]:
        return iter(self._changes)

    @overload
    def __getitem__(self, index: int) -> Change: ...
    @overload
    def __getitem__(self, index: slice) -> list[Change]: ...
    def __getitem__(self, index: int | slice) -> Change | list[Change]:
        if isinstance(index, slice):
            return list(self._changes)[index]
        return self._changes[index]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, ChangeLog):
            return NotImplemented
        same = repr(self._changes) == repr(other._changes)  # a statistic may be NaN
        return same and self._totals == other._totals

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"ChangeLog({list(self._changes)!r})"

    def snapshot(self) -> dict[str, Any]:
        """All of it as plain values."""
        groups = [group for change in self for group in change.labels]
        return {
            "totals": dict(self._totals),
            "kinds": [[c.kind, c.scope, c.position, len(c.labels)] for c in self],
            "compared": np.array([[c.statistic, c.bound] for c in self]).reshape(-1, 2),
            "sizes": np.array([len(group) for group in groups], np.int64),
            "labels": np.array([label for group in groups for label in group], np.int64),
        }

    def restore(self, snapshot: Mapping[str, Any]) -> None:
        """Go to a state that :meth:`snapshot` gave."""
        where, empty = "the list of changes", np.zeros(0, np.int64)
        totals = part_of(snapshot, "totals", dict, where)
        numbers = all(isinstance(k, str) and type(n) is int and n > 0 for k, n in totals.items())
        check(numbers, where, "has a wrong count")
        kinds = part_of(snapshot, "kinds", list, where)
        sizes = restore_value(snapshot.get("sizes"), empty, where)
        labels = restore_value(snapshot.get("labels"), empty, where)
        compared = restore_value(snapshot.get("compared"), np.zeros((0, 2)), where)
        check_range(sizes, 0, len(labels) + 1, where)
        check_range(labels, 0, 2**31, where)
        check(int(sizes.sum()) == len(labels), where, "has broken groups")
        check(compared.shape == (len(kinds), 2), where, "has other statistics")
        ends = np.cumsum([0, *sizes.tolist()]).tolist()
        groups = [tuple(labels[a:b].tolist()) for a, b in pairwise(ends)]
        found: list[Change] = []
        first = 0
        for entry, pair in zip(kinds, compared.tolist(), strict=True):
            fits = isinstance(entry, list) and list(map(type, entry)) == [str, str, int, int]
            check(fits and 0 <= entry[3] <= len(groups) - first, where, "has a broken entry")
            kind, scope, position, n = entry
            found.append(Change(kind, scope, position, tuple(groups[first : first + n]), *pair))
            first += n
        check(first == len(groups), where, "has groups left over")
        kept = Counter(change.kind for change in found)
        check(all(totals.get(k, 0) >= n for k, n in kept.items()), where, "has a wrong count")
        self._changes, self._named, self._totals = deque(), 0, Counter()
        self.extend(found)
        self._totals = Counter(totals)


def _named(change: Change) -> int:
    return sum(map(len, change.labels))
