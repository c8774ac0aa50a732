"""Label statistics, a rule and the tree it shapes, joined to one on-line structure."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from streamml.base.changes import ChangeLog
from streamml.errors import ConfigError
from streamml.hierarchy.counts import LabelCounts
from streamml.hierarchy.rules import RULES
from streamml.hierarchy.tree import LabelTree
from streamml.state.capture import Restorable, check, part_of
from streamml.types import Change, Int32Array, Int64Array

__all__ = ["LabelHierarchy"]


_WORK_PER_EVENT = 16
_LONGEST = 5  # checks that find nothing come up to so many times less often


class LabelHierarchy:
    """An incremental hierarchy of labels, by Jaccard dissimilarity.

    Parameters
    ----------
    rule
        ``"evidence"``, ``"odac"`` (the paper's), or for comparison ``"one"`` (a single
        cluster), ``"alone"`` (single labels), ``"random"`` (clusters of the same sizes)
        ``"linkage"`` (average linkage, done anew at every doubling) or ``"frozen"`` (never
        changed again once found).
    n_min
        Events between two checks, at least 1. Checks that were costly are spaced
        further apart, so that upkeep per event does not grow with the labels.
    max_pairs
        Largest number of pairs of labels that are counted.

    Examples
    --------
    >>> import numpy as np
    >>> h = LabelHierarchy(n_min=50)
    >>> rows = np.array([[0, 1], [2, 3]] * 100, np.int32)
    >>> h.reserve_labels(4)
    >>> for start in range(0, 200, 50):
    ...     h.observe(np.arange(0, 402, 2), rows.ravel(), start, start + 50)
    ...     _ = h.check()
    >>> h.tree.groups()
    ((0, 1), (2, 3))
    """

    def __init__(self, rule: str = "evidence", n_min: int = 100, max_pairs: int = 2**40) -> None:
        if rule not in RULES:
            raise ConfigError(f"There is no rule {rule!r}: use one of {', '.join(RULES)}.")
        if n_min < 1:
            raise ConfigError(f"n_min must be at least 1, not {n_min}.")
        self.n_min = n_min
        self.rule = RULES[rule]()
        self.tree = LabelTree()
        self.counts = LabelCounts(self.rule.fading, max_pairs)
        self.position = 0
        self.next_check = n_min
        self._gap = n_min
        self.work = 0
        """Elementary steps of checks so far; tests bound it."""
        self.seconds = 0.0
        """CPU time that counting and checks took; never part of a result."""
        self.changes = ChangeLog()

    def reserve_labels(self, n_labels: int) -> None:
        """Make room for label columns below ``n_labels``."""
        self.counts.reserve_labels(n_labels)
        self.tree.add_labels(n_labels)

    def observe(self, indptr: Int64Array, indices: Int32Array, start: int, stop: int) -> None:
        """Count the label sets of rows ``start`` to ``stop``; never past the next check."""
        started = time.process_time()
        self.counts.observe(indptr, indices, start, stop)
        self.seconds += time.process_time() - started
        self.position += stop - start

    def check(self) -> list[Change]:
        """Restructure where a check is due; give the changes made now."""
        if self.position < self.next_check:
            return []
        self.counts.maintain()
        work = self.counts.n_pairs + self.tree.n_labels
        self.work += work
        started = time.process_time()
        changes = self.rule.check(self.tree, self.counts, self.position)
        self._gap = self.n_min if changes else min(2 * self._gap, _LONGEST * self.n_min)
        self.next_check = self.position + max(self._gap, work // _WORK_PER_EVENT)
        self.seconds += time.process_time() - started
        self.changes.extend(changes)
        return changes

    def snapshot(self) -> dict[str, Any]:
        """Counts, tree and changes as plain values."""
        rule = self.rule.snapshot() if isinstance(self.rule, Restorable) else None
        return {
            "position": self.position,
            "next_check": self.next_check,
            "gap": self._gap,
            "work": self.work,
            "counts": self.counts.snapshot(),
            "tree": self.tree.snapshot(),
            "changes": self.changes.snapshot(),
            "rule": rule,
        }

    def restore(self, snapshot: Mapping[str, Any]) -> None:
        """Go to a state that :meth:`snapshot` gave, of a hierarchy with the same rule.

        Raises
        ------
        StateError
            It does not fit; use a new hierarchy then.
        """
        where = "the hierarchy"
        numbers = {
            name: part_of(snapshot, name, int, where)
            for name in ("position", "next_check", "gap", "work")
        }
        check(all(0 <= n < 2**62 for n in numbers.values()), where, "has no usable position")
        check(1 <= numbers["gap"] <= _LONGEST * self.n_min, where, "has another distance of checks")
        check(numbers["next_check"] >= numbers["position"], where, "missed a check")
        self.tree.restore(part_of(snapshot, "tree", dict, where))
        n_labels = self.tree.n_labels
        self.counts.restore(part_of(snapshot, "counts", dict, where), n_labels)
        self.changes.restore(part_of(snapshot, "changes", dict, where))
        check(
            isinstance(self.rule, Restorable) == (snapshot.get("rule") is not None),
            where,
            "is of another rule",
        )
        if isinstance(self.rule, Restorable):
            self.rule.restore(part_of(snapshot, "rule", dict, where))
        self.position, self.next_check = numbers["position"], numbers["next_check"]
        self._gap, self.work = numbers["gap"], numbers["work"]
