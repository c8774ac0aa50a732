"""Mixture, memory, drift handling and hierarchy at work: a learner that knows columns only."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np

from streamml.base import MIN_SCORE
from streamml.base.changes import ChangeLog
from streamml.hierarchy import LabelHierarchy
from streamml.ihomer.drift_handling import DriftHandling
from streamml.ihomer.loop import BatchArrays, Settings
from streamml.ihomer.memory import Memory, Placed
from streamml.ihomer.mixture import Mixture
from streamml.state.capture import check, part_of
from streamml.types import LABELS_UNKNOWN, EventBatch, Predictions, Schema, UInt8Array

__all__ = ["Core"]

_RUN = 512  # events a compiled call works through at most: bounds scratch memory


class Core:
    """Works through batches, and asks its four parts after each run of events.

    Each part holds a share of what was learned and knows nothing of the others' insides; an
    alternate learner is such a core too.

    Parameters
    ----------
    mixture
        Members and their mixture.
    memory
        Their room, and the table of features.
    drift
        Detectors and alternates.
    hierarchy
        The labels' clusters.
    rebuild
        Whether the mixture starts over when clusters change.
    """

    def __init__(
        self,
        mixture: Mixture,
        memory: Memory,
        drift: DriftHandling,
        hierarchy: LabelHierarchy,
        rebuild: bool = False,
    ) -> None:
        self.mixture = mixture
        self.memory = memory
        self.drift = drift
        self.hierarchy = hierarchy
        self.rebuild = rebuild
        self.changes = ChangeLog()
        """What changed in any of them."""

    @property
    def nbytes(self) -> int:
        """Bytes of arrays by feature and label, those of an alternate included."""
        rival = self.drift.alternate
        beside = 0 if rival is None else rival.learner.mixture.nbytes
        return self.mixture.nbytes + beside + self.memory.nbytes

    def declare(self, schema: Schema) -> None:
        """Know the names that were declared, before the first event."""
        n_labels = schema.declared_labels
        self.memory.reserve(self.mixture, schema.declared_features, n_labels)
        self.mixture.declare_labels(n_labels)
        self.hierarchy.reserve_labels(n_labels)

    # -- running -----------------------------------------------------------------------

    def test_then_train(self, batch: EventBatch) -> Predictions:
        """Predict, then learn, event by event."""
        return self.run(batch, predict=True, learn=True)

    def run(
        self, batch: EventBatch, predict: bool, learn: bool, min_score: float = MIN_SCORE
    ) -> Predictions:
        """Predict and/or learn the events of a batch, in order: the same bits however it is cut."""
        if len(batch) == 0:
            return Predictions.concatenate([])
        if self.mixture.classifiers and len(batch) > 1:
            events = (batch.slice(i, i + 1) for i in range(len(batch)))
            return Predictions.concatenate(
                [self.run(event, predict, learn, min_score) for event in events]
            )
        rows = self.mixture.arrays(batch)
        parts: list[Predictions] = []
        start, placed = 0, Placed(rows, 0, False)
        while start < len(batch):
            if start >= placed.stop or self.memory.table is None:
                placed = self._place(batch, rows, start, learn)
            stop = min(placed.stop, self._run_stop(batch, start, learn))
            told = predict or (learn and self.drift.alternate is not None)
            start, made = self._advance(batch, placed, start, stop, told, learn, min_score)
            if predict:
                parts.append(made)
        return Predictions.concatenate(parts)

    def _place(self, batch: EventBatch, rows: BatchArrays, start: int, learn: bool) -> Placed:
        stop = self._run_stop(batch, start, learn)
        if learn:
            two = self.drift.alternate is not None
            stop = self.memory.stop(self.mixture, batch, start, stop, two)
        return self.memory.place(self.mixture, rows, start, stop, learn)

    def _run_stop(self, batch: EventBatch, start: int, learn: bool) -> int:
        """Row after the last one that may run before the clusters must be looked at."""
        stop = min(start + _RUN, len(batch))
        if not learn:
            return stop
        left = self.hierarchy.next_check - self.hierarchy.position
        if self.drift.alternate is not None:
            left = min(left, self.drift.alternate.until_check)
        labelled = np.cumsum(batch.y_kind[start:stop] != LABELS_UNKNOWN)
        return start + int(np.searchsorted(labelled, left)) + 1 if labelled[-1] >= left else stop

    def _advance(
        self,
        batch: EventBatch,
        placed: Placed,
        start: int,
        stop: int,
        predict: bool,
        learn: bool,
        min_score: float,
    ) -> tuple[int, Predictions]:
        """Run rows from ``start`` on; the row after the last one done, and what was predicted."""
        known = self.mixture.n_labels
        # joined rows come in any order: one of them may know more labels than the last
        labels = max(int(batch.n_labels[start:stop].max()), known)
        if learn:
            self.hierarchy.reserve_labels(labels)
        clusters = self.drift.watch(self.hierarchy.tree)
        done, made = self.mixture.run(
            placed.rows,
            start,
            stop,
            predict,
            learn,
            labels,
            clusters,
            Settings(float(self.drift.delta), np.float32(min_score), batch.schema.absent_is_zero),
        )
        if done < stop and not clusters.level.any():  # the tree wants room
            self.mixture.extend_tree()
        if learn and done > start:
            self.mixture.teach(batch)
            self.memory.note_features(batch, start, done)
            self._count(batch, start, done)
            self._handle_drift(batch, start, done, made, clusters.level, known)
            self._restructure()
            self._keep_budget(placed.full and done == placed.stop)
        return done, made

    # -- after a run of events -------------------------------------------------------------

    def _count(self, batch: EventBatch, start: int, stop: int) -> None:
        """Count which labels occur together."""
        labelled = batch.y_kind[start:stop] != LABELS_UNKNOWN
        if labelled.all():
            self.hierarchy.observe(batch.y_indptr, batch.y_indices, start, stop)
            return
        for row in (start + np.flatnonzero(labelled)).tolist():
            self.hierarchy.observe(batch.y_indptr, batch.y_indices, row, row + 1)

    def _handle_drift(
        self,
        batch: EventBatch,
        start: int,
        stop: int,
        made: Predictions,
        level: UInt8Array,
        known: int,
    ) -> None:
        """Let an alternate take over where it is better, and act on what the detectors say."""
        drift, tree, position = self.drift, self.hierarchy.tree, self.hierarchy.position
        if drift.alternate is not None:
            events = batch.slice(start, stop)
            self.changes.extend(drift.compare(events, made, tree, self.mixture, position, known))
        if level.any():
            compete = partial(self._competitor, batch.schema)
            self.changes.extend(drift.heed(level, tree, self.mixture, position, compete))

    def _restructure(self) -> None:
        """Let the hierarchy change."""
        changes = self.hierarchy.check()
        if changes:
            self.changes.extend(changes)
            self.drift.follow(self.hierarchy.tree, self.hierarchy.position)
            if self.rebuild:
                self.mixture.start_over()

    def _keep_budget(self, full: bool) -> None:
        """Give up what there is no room for: an alternate first, then features."""
        two_fit = self.drift.alternate is None or self.memory.two_fit(self.mixture.n_labels)
        if not two_fit:
            self.drift.alternate = None
            self.memory.shed["alternates"] += 1
        self.changes.extend(self.memory.keep(self.mixture, full, self.hierarchy.position))

    # -- an alternate learner ---------------------------------------------------------------

    def _competitor(self, schema: Schema) -> Core | None:
        """A core that knows nothing but how features are scaled, where there is room for one."""
        if self.mixture.classifiers or self.memory.table is not None:
            return None
        if not self.memory.two_fit(self.mixture.n_labels):
            return None
        rival = self._fresh()
        rival.mixture.take_scales(self.mixture)
        rival.declare(schema)
        return rival

    def _fresh(self) -> Core:
        """One of the same members without clusters, detectors or alternates."""
        mixture = self.mixture.fresh()
        memory = Memory(self.memory.budget.size, mixture.plan)
        hierarchy = LabelHierarchy("one", self.hierarchy.n_min, memory.budget.max_pairs)
        return Core(mixture, memory, DriftHandling(0.0, alternates=False), hierarchy)

    # -- state -------------------------------------------------------------------------

    def snapshot(self, copy: bool = True) -> dict[str, Any]:
        """What each part learned, as plain values."""
        return {
            **self.mixture.snapshot(copy),
            **self.drift.snapshot(copy),
            "hierarchy": self.hierarchy.snapshot(),
            "memory": self.memory.snapshot(),
            "changes": self.changes.snapshot(),
        }

    def restore(self, snapshot: Mapping[str, Any], schema: Schema) -> None:
        """Go to a state that :meth:`snapshot` gave, of a core that has learned nothing.

        ``schema`` has the names. A core that refuses is of no use any more; classifiers of the
        user's own are asked last, so that they stay as they were.
        """
        tree = self.hierarchy.tree
        self.hierarchy.restore(part_of(snapshot, "hierarchy", dict))
        self.changes.restore(part_of(snapshot, "changes", dict))
        check(tree.n_labels <= len(schema.labels), "the label tree", "has labels without a name")
        self.mixture.restore(snapshot, tree.n_labels)
        rows = self.mixture.feature_room
        self.memory.restore(part_of(snapshot, "memory", dict), schema, rows)
        self.drift.restore(snapshot, tree, self._fresh, schema)
        self.mixture.restore_classifiers(snapshot)
