"""Majority label set: what was seen most often will be seen again."""

from __future__ import annotations

import heapq
from collections.abc import Mapping
from itertools import islice, pairwise
from typing import Any, ClassVar

import numpy as np

from streamml.base import MIN_SCORE, Learner
from streamml.baselines._answer import answer, known_before, repeat_row
from streamml.state.capture import check, check_range, part_of, restore_value
from streamml.state.parameters import Constraints, Whole, check_parameters
from streamml.types import LABELS_FULL, EventBatch, Int32Array, Predictions, Schema

__all__ = ["MajorityLabelSet"]


class MajorityLabelSet(Learner):
    """Predicts the label set seen most often so far; the empty set at the first event.

    Of sets seen equally often it predicts the one that reached the count first. Only
    fully known events are counted: a partially known one does not say which set it is.

    Parameters
    ----------
    max_sets
        Largest number of distinct label sets kept, at least 2. When one more appears,
        the rarer half is forgotten (of equals, those that appeared first) and counted in
        :attr:`forgotten`; a forgotten set that comes back starts at 1. The set predicted
        is never forgotten.

    Examples
    --------
    >>> learner = MajorityLabelSet()
    >>> for y in ({"sun"}, {"rain"}, {"rain"}):
    ...     learner.learn_one({"f": 1.0}, y)
    >>> learner.predict_one({"f": 2.0})
    {'sun': False, 'rain': True}

    References
    ----------
    Read, Bifet, Holmes and Pfahringer (2012), Scalable and efficient multi-label
    classification for evolving data streams: the majority label set as default.
    """

    _constraints: ClassVar[Constraints] = {"max_sets": Whole(2, 10**9)}

    def __init__(self, max_sets: int = 100_000) -> None:
        self.max_sets = max_sets
        check_parameters(self)
        self.forgotten = 0
        """Number of label sets dropped to stay within ``max_sets``."""
        self._counts: dict[bytes, int] = {}
        self._best = b""
        self._best_count = 0
        self._known = 0

    def predict(self, batch: EventBatch, min_score: float = MIN_SCORE) -> Predictions:
        n = len(batch)
        known = np.full(n, max(self._known, batch.schema.declared_labels), np.int32)
        return answer(*repeat_row(_columns(self._best), n), known, min_score)

    def learn(self, batch: EventBatch) -> None:
        self._count(batch)

    def test_then_train(self, batch: EventBatch, min_score: float = MIN_SCORE) -> Predictions:
        known = known_before(self._known, batch)
        before = self._best
        changes = self._count(batch)
        # Rows up to and including the one that changed the majority had the old one.
        ends = [row + 1 for row, _ in changes] + [len(batch)]
        sets = [_columns(key) for key in (before, *(key for _, key in changes))]
        repeats = np.diff(ends, prepend=0)
        indptr = np.zeros(len(batch) + 1, np.int64)
        np.cumsum(np.repeat([len(s) for s in sets], repeats), out=indptr[1:])
        runs = [np.tile(s, r) for s, r in zip(sets, repeats.tolist(), strict=True)]
        indices = np.concatenate(runs).astype(np.int32, copy=False)
        return answer(indptr, indices, known, min_score)

    # -- state: label sets as rows of columns, in order of first appearance -------------------

    def _capture_learned(self, copy: bool) -> dict[str, Any]:
        del copy
        sets = list(self._counts)
        indptr = np.cumsum([0, *(len(key) // 4 for key in sets)], dtype=np.int64)
        return {
            "indptr": indptr,
            "indices": _columns(b"".join(sets)),
            "counts": np.array(list(self._counts.values()), np.int64),
            "best": _columns(self._best),
            "best_count": self._best_count,
            "known": self._known,
            "forgotten": self.forgotten,
        }

    def _restore_learned(self, learned: Mapping[str, Any], schema: Schema) -> None:
        where, empty = "the majority label set", np.zeros(0, np.int64)
        sets, best = (part_of(learned, name, np.ndarray, where) for name in ("indices", "best"))
        indptr = restore_value(learned.get("indptr"), empty, where)
        counts = restore_value(learned.get("counts"), empty, where)
        known, most, forgotten = (
            part_of(learned, name, int, where) for name in ("known", "best_count", "forgotten")
        )
        for columns in (sets, best):
            check(columns.dtype == np.int32 and columns.ndim == 1, where, "holds no columns")
            check_range(columns, 0, known, where)
        check(bool((np.diff(best) > 0).all()), where, "is unordered")
        check(
            len(indptr) == len(counts) + 1 and len(counts) <= self.max_sets + 1,
            where,
            "has other sets",
        )
        check(indptr[0] == 0 and indptr[-1] == len(sets), where, "has broken rows")
        check(bool((np.diff(indptr) >= 0).all() and (counts > 0).all()), where, "has broken rows")
        check(
            0 <= known <= len(schema.labels) and forgotten >= 0 <= most, where, "has a wrong count"
        )
        keys = [sets[a:b].tobytes() for a, b in pairwise(indptr.tolist())]
        self._counts = dict(zip(keys, counts.tolist(), strict=True))
        self._best, self._best_count = best.tobytes(), most
        self._known, self.forgotten = known, forgotten

    def _count(self, batch: EventBatch) -> list[tuple[int, bytes]]:
        """Count the label sets of a batch; gives the rows after which the majority changed."""
        self.bind(batch.schema)
        if len(batch) == 0:
            return []
        raw = np.ascontiguousarray(batch.y_indices, np.int32).tobytes()
        bounds = (batch.y_indptr * 4).tolist()
        full = (batch.y_kind == LABELS_FULL).tolist()
        changes: list[tuple[int, bytes]] = []
        counts = self._counts
        best, best_count = self._best, self._best_count
        for row, (start, stop) in enumerate(zip(bounds, islice(bounds, 1, None), strict=False)):
            if not full[row]:
                continue
            key = raw[start:stop]
            count = counts[key] = counts.get(key, 0) + 1
            if count > best_count:
                best_count = count
                if key != best:
                    best = key
                    changes.append((row, key))
            if count == 1 and len(counts) > self.max_sets:
                counts = self._forget(best)
        self._best, self._best_count = best, best_count
        self._known = max(self._known, int(batch.n_labels.max()))
        self._position += len(batch)
        return changes

    def _forget(self, best: bytes) -> dict[bytes, int]:
        """Keep the more frequent half, in order of first appearance, and the majority."""
        keep = max(self.max_sets // 2, 1)
        order = {key: i for i, key in enumerate(self._counts)}
        kept = set(
            heapq.nsmallest(
                keep, order, key=lambda key: (key != best, -self._counts[key], -order[key])
            )
        )
        self.forgotten += len(self._counts) - len(kept)
        self._counts = {key: count for key, count in self._counts.items() if key in kept}
        return self._counts


def _columns(key: bytes) -> Int32Array:
    return np.frombuffer(key, np.int32).copy()
