"""The arrays of a learner: they grow with the stream, within its memory budget."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from streamml.base.changes import ChangeLog
from streamml.hierarchy import LabelHierarchy
from streamml.ihomer.alternate import Alternate
from streamml.ihomer.feature_table import FeatureTable, reserve_of
from streamml.ihomer.loop import BatchArrays
from streamml.ihomer.memory import Memory, cut, label_capacity
from streamml.nodes.capacity import bytes_for, bytes_held, clear_features, select_features
from streamml.nodes.layout import Layout
from streamml.nodes.member_states import (
    N_LABELS,
    MemberStates,
    OptionalMembers,
    new_member_states,
    new_optional_members,
    resize,
    resize_optional,
)
from streamml.nodes.members import MixturePlan
from streamml.types import LABELS_UNKNOWN, Change, EventBatch, Schema

__all__ = ["GrowingState"]

_LABEL_BLOCK = 16  # room for labels is a multiple of it
_SLACK = 32  # labels there is room for still, when room for more is made
_LESS = 0.97  # rows are numbered anew where there is room for so much less


class GrowingState:
    """What a learner's members learned, and the memory that says how large it may be."""

    seed: int
    _plan: MixturePlan
    _layout: Layout
    _states: MemberStates
    _optional: OptionalMembers
    _memory: Memory
    _alternate: Alternate | None
    _changes: ChangeLog
    _hierarchy: LabelHierarchy
    _position: int
    _schema: Schema | None

    @property
    def shed(self) -> dict[str, int]:
        """What was given up to stay within ``memory_budget``, and how often.

        ``features``: rows of the least used features; ``values``: of features without a row;
        ``pairs``: counts of rare pairs of labels; ``alternates``: learners on trial.
        """
        pairs = self._hierarchy.counts.shed
        return {**self._memory.shed, **({"pairs": pairs} if pairs else {})}

    @property
    def memory(self) -> dict[str, int]:
        """Bytes held: ``arrays`` of what was learned, ``pairs`` of labels, ``names``."""
        names = 0
        if self._schema is not None:
            names = self._schema.features.nbytes + self._schema.labels.nbytes
        arrays = bytes_held(self._states) + bytes_held(self._optional)
        if self._alternate is not None:
            other: Any = self._alternate.learner
            arrays += bytes_held(other._states) + bytes_held(other._optional)
        if self._memory.table is not None:
            arrays += self._memory.table.nbytes
        return {"arrays": arrays, "pairs": self._hierarchy.counts.nbytes, "names": names}

    # -- growing -----------------------------------------------------------------------

    def _reserve(self, n_features: int, n_labels: int) -> None:
        """Make room; the size of the arrays changes no result."""
        d, labels = len(self._states.inputs.top), len(self._states.y)
        if n_features <= d and n_labels <= labels:
            return
        if n_features > d:
            d = max(n_features, min(2 * d, d + 4096))
        if n_labels > labels:
            labels = -(-max(n_labels, min(2 * labels, labels + 512)) // _LABEL_BLOCK) * _LABEL_BLOCK
        if bytes_for(self._plan, d, labels) > self._memory.budget // 2:
            most = self._memory.most_features(self._memory.features, n_labels)
            labels = label_capacity(max(n_labels, int(self._states.clock[N_LABELS])))
            d = max(n_features, min(d, most), len(self._states.inputs.top))
        self._resize(d, labels)

    def _resize(self, n_features: int, n_labels: int) -> None:
        """Room for exactly so many features (no fewer than now) and labels."""
        if n_labels < len(self._states.y):
            self._select_rows(np.arange(len(self._states.inputs.top)), n_labels)
        plan, seed = self._plan, self.seed
        self._states = resize(self._states, plan, n_features, n_labels, seed)
        self._optional = resize_optional(self._optional, plan, n_features, n_labels, seed)

    def _select_rows(self, rows: NDArray[np.int64], n_labels: int) -> None:
        found = select_features(self._states, self._optional, self._plan, rows, n_labels)
        self._states, self._optional = found

    def _start_over(self) -> None:
        """Forget what the node classifiers learned; the hierarchy stays."""
        n_labels, seed = self._states.clock[N_LABELS], self.seed
        size = len(self._states.inputs.top), len(self._states.y)
        self._states = new_member_states(self._plan, self._layout.members, *size, seed)
        self._states.clock[N_LABELS] = n_labels
        self._optional = new_optional_members(self._plan, *size, seed)

    # -- keeping the budget ----------------------------------------------------------------

    @property
    def _dense(self) -> bool:
        return bool(self._states.inputs.mode[0] == 1)

    def _budget_stop(self, batch: EventBatch, start: int, stop: int) -> int:
        """Row after the last one that may be learned before the budget must be looked at."""
        memory = self._memory
        if memory.table is not None:
            return memory.stop_at(batch, start, stop, len(self._states.y) - _SLACK)
        two = self._alternate is not None
        near = memory.first_near(batch, start, stop)
        if near < stop:  # what is left out hangs on what was learned before each event
            stop = max(near, start + 1)
        elif not two:
            return stop
        return memory.stop(batch, start, stop, two)

    def _place(
        self, rows: BatchArrays, start: int, stop: int, learn: bool, beyond: int
    ) -> tuple[BatchArrays, int, bool]:
        """Rows as the loop takes them, with room for them.

        Also the row after the last one placed, and whether features must go before the next.
        ``beyond``: columns that rows name although no event brought them.
        """
        needed = max(beyond, int(rows.n_features[start:stop].max()))
        labels = int(rows.n_labels[start:stop].max())
        memory, known = self._memory, int(self._states.clock[N_LABELS])
        full, table = False, memory.table
        if table is not None:
            reserve = 0 if self._dense else reserve_of(table.n_rows)
            rows, stop, full, dropped = table.place(rows, start, stop, learn, reserve)
            memory.shed["values"] += dropped if learn else 0
            needed = table.n_rows
        elif not memory.fits(needed, max(known, labels)):
            needed = min(needed, memory.most_features(memory.features, known))
            rows = cut(rows, needed)
        self._reserve(needed, max(known, labels) if learn else known)
        return rows, stop, full

    def _keep_budget(self, full: bool) -> None:
        """After events were learned: give up what there is no room for."""
        memory, labels = self._memory, int(self._states.clock[N_LABELS])
        if self._alternate is not None and not memory.two_fit(memory.features, labels):
            self._alternate = None
            memory.shed["alternates"] += 1
        if memory.table is None:
            if not memory.fits(memory.features, labels):
                self._begin_table(labels)
        elif labels > len(self._states.y) - _SLACK or full:
            self._free_rows(memory.table, labels)

    def _two_fit(self) -> bool:
        """Whether there is room for an alternate learner."""
        memory, labels = self._memory, int(self._states.clock[N_LABELS])
        return memory.table is None and memory.two_fit(memory.features, labels)

    def _same_size(self, other: GrowingState) -> None:
        """Give both the room of the larger one."""
        d = max(len(one._states.inputs.top) for one in (self, other))
        labels = max(len(one._states.y) for one in (self, other))
        for one in (self, other):
            if (len(one._states.inputs.top), len(one._states.y)) != (d, labels):
                one._resize(d, labels)

    def _begin_table(self, n_labels: int) -> None:
        """From now on a feature has a row only while it is used."""
        memory, d = self._memory, len(self._states.inputs.top)
        most = memory.most_features(memory.features, n_labels)
        known = min(memory.features, most, d)
        table = FeatureTable(most, known)
        table.used[:known] = self._use(known)
        if d > most:
            self._select_rows(np.arange(most), label_capacity(n_labels))
        self._resize(most, label_capacity(n_labels))
        memory.table = table
        self._note_shed(float(memory.features), float(most))
        if not self._dense:
            self._evict(table, 2 * reserve_of(most))

    def _use(self, known: int) -> NDArray[np.float64]:
        """How much the first features were used so far, in [0, 1): by how sure weights are."""
        for part in (self._states.linear, self._states.linear_raw, self._states.arow):
            if len(part.s) > known:
                left = part.s[1 : known + 1, : max(int(self._states.clock[N_LABELS]), 1)]
                order = np.argsort(-left.mean(axis=1), kind="stable")
                use = np.empty(known)
                use[order] = np.arange(known) / max(known, 1)
                return use
        return np.zeros(known)

    def _free_rows(self, table: FeatureTable, n_labels: int) -> None:
        """Free rows; where names and labels leave room for fewer of them, number them anew."""
        memory = self._memory
        most = min(memory.most_features(memory.features, n_labels), table.n_rows)
        if most < _LESS * table.n_rows:
            self._evict(table, table.n_rows - most + 2 * reserve_of(most))
            self._select_rows(table.shrink(most), label_capacity(n_labels))
            self._note_shed(float(memory.features), float(most))
        elif not self._dense:
            self._evict(table, 2 * reserve_of(table.n_rows))
        if n_labels > len(self._states.y) - _SLACK:
            self._resize(table.n_rows, label_capacity(n_labels))

    def _evict(self, table: FeatureTable, wanted: int) -> None:
        gone = table.evict(wanted)
        clear_features(self._states, self._optional, self._plan, gone)
        self._memory.shed["features"] += len(gone)

    def _note_names(self, batch: EventBatch, start: int, stop: int) -> None:
        """Remember how many features were known at the last event learned."""
        learned = np.flatnonzero(batch.y_kind[start:stop] != LABELS_UNKNOWN)
        if len(learned):
            most = int(batch.n_features[start + learned].max())
            self._memory.features = max(self._memory.features, most)

    def _note_shed(self, known: float, room: float) -> None:
        self._changes.append(Change("shed", "global", self._position, (), known, room))
