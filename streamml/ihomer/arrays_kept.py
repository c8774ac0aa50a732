"""The arrays of a learner: they grow with the stream, within its memory budget."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from streamml.base.changes import ChangeLog
from streamml.hierarchy import LabelHierarchy
from streamml.ihomer.alternate import Alternate
from streamml.ihomer.loop import Rows
from streamml.ihomer.memory import Memory, cut, room_for
from streamml.ihomer.slots import FeatureSlots, reserve_of
from streamml.nodes.layout import Layout
from streamml.nodes.members import Plan
from streamml.nodes.room import bytes_for, bytes_held, clear_features, keep_features
from streamml.nodes.stack import (
    N_LABELS,
    Extras,
    Stack,
    new_extras,
    new_stack,
    resize,
    resize_extras,
)
from streamml.types import LABELS_UNKNOWN, Change, EventBatch, Schema

__all__ = ["ArraysKept"]

_LANES = 16  # room for labels is a multiple of it
_SLACK = 32  # labels there is room for still, when room for more is made
_LESS = 0.97  # rows are numbered anew where there is room for so much less


class ArraysKept:
    """Stack and extras of a learner, and the memory that says how large they may be."""

    seed: int
    _plan: Plan
    _layout: Layout
    _stack: Stack
    _extras: Extras
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
        arrays = bytes_held(self._stack) + bytes_held(self._extras)
        if self._alternate is not None:
            other: Any = self._alternate.learner
            arrays += bytes_held(other._stack) + bytes_held(other._extras)
        if self._memory.slots is not None:
            arrays += self._memory.slots.nbytes
        return {"arrays": arrays, "pairs": self._hierarchy.counts.nbytes, "names": names}

    # -- growing -----------------------------------------------------------------------

    def _reserve(self, n_features: int, n_labels: int) -> None:
        """Make room; the size of the arrays changes no result."""
        d, labels = len(self._stack.inputs.top), len(self._stack.y)
        if n_features <= d and n_labels <= labels:
            return
        if n_features > d:
            d = max(n_features, min(2 * d, d + 4096))
        if n_labels > labels:
            labels = -(-max(n_labels, min(2 * labels, labels + 512)) // _LANES) * _LANES
        if bytes_for(self._plan, d, labels) > self._memory.budget // 2:
            most = self._memory.most_features(self._memory.features, n_labels)
            labels = room_for(max(n_labels, int(self._stack.clock[N_LABELS])))
            d = max(n_features, min(d, most), len(self._stack.inputs.top))
        self._resize(d, labels)

    def _resize(self, n_features: int, n_labels: int) -> None:
        """Room for exactly so many features (no fewer than now) and labels."""
        if n_labels < len(self._stack.y):
            self._keep(np.arange(len(self._stack.inputs.top)), n_labels)
        plan, seed = self._plan, self.seed
        self._stack = resize(self._stack, plan, n_features, n_labels, seed)
        self._extras = resize_extras(self._extras, plan, n_features, n_labels, seed)

    def _keep(self, rows: NDArray[np.int64], n_labels: int) -> None:
        found = keep_features(self._stack, self._extras, self._plan, rows, n_labels)
        self._stack, self._extras = found

    def _start_over(self) -> None:
        """Forget what the node classifiers learned; the hierarchy stays."""
        n_labels, seed = self._stack.clock[N_LABELS], self.seed
        size = len(self._stack.inputs.top), len(self._stack.y)
        self._stack = new_stack(self._plan, self._layout.members, *size, seed)
        self._stack.clock[N_LABELS] = n_labels
        self._extras = new_extras(self._plan, *size, seed)

    # -- keeping the budget ----------------------------------------------------------------

    @property
    def _dense(self) -> bool:
        return bool(self._stack.inputs.mode[0] == 1)

    def _budget_stop(self, batch: EventBatch, start: int, stop: int) -> int:
        """Row after the last one that may be learned before the budget must be looked at."""
        memory = self._memory
        if memory.slots is not None:
            return memory.stop_at(batch, start, stop, len(self._stack.y) - _SLACK)
        two = self._alternate is not None
        near = memory.first_near(batch, start, stop)
        if near < stop:  # what is left out hangs on what was learned before each event
            stop = max(near, start + 1)
        elif not two:
            return stop
        return memory.stop(batch, start, stop, two)

    def _place(
        self, rows: Rows, start: int, stop: int, learn: bool, beyond: int
    ) -> tuple[Rows, int, bool]:
        """Rows as the loop takes them, with room for them.

        Also the row after the last one placed, and whether features must go before the next.
        ``beyond``: columns that rows name although no event brought them.
        """
        needed = max(beyond, int(rows.n_features[start:stop].max()))
        labels = int(rows.n_labels[start:stop].max())
        memory, known = self._memory, int(self._stack.clock[N_LABELS])
        full, slots = False, memory.slots
        if slots is not None:
            reserve = 0 if self._dense else reserve_of(slots.slots)
            rows, stop, full, dropped = slots.place(rows, start, stop, learn, reserve)
            memory.shed["values"] += dropped if learn else 0
            needed = slots.slots
        elif not memory.fits(needed, max(known, labels)):
            needed = min(needed, memory.most_features(memory.features, known))
            rows = cut(rows, needed)
        self._reserve(needed, max(known, labels) if learn else known)
        return rows, stop, full

    def _keep_budget(self, full: bool) -> None:
        """After events were learned: give up what there is no room for."""
        memory, labels = self._memory, int(self._stack.clock[N_LABELS])
        if self._alternate is not None and not memory.two_fit(memory.features, labels):
            self._alternate = None
            memory.shed["alternates"] += 1
        if memory.slots is None:
            if not memory.fits(memory.features, labels):
                self._begin_slots(labels)
        elif labels > len(self._stack.y) - _SLACK or full:
            self._make_room(memory.slots, labels)

    def _two_fit(self) -> bool:
        """Whether there is room for an alternate learner."""
        memory, labels = self._memory, int(self._stack.clock[N_LABELS])
        return memory.slots is None and memory.two_fit(memory.features, labels)

    def _same_size(self, other: ArraysKept) -> None:
        """Give both the room of the larger one."""
        d = max(len(one._stack.inputs.top) for one in (self, other))
        labels = max(len(one._stack.y) for one in (self, other))
        for one in (self, other):
            if (len(one._stack.inputs.top), len(one._stack.y)) != (d, labels):
                one._resize(d, labels)

    def _begin_slots(self, n_labels: int) -> None:
        """From now on a feature has a row only while it is used."""
        memory, d = self._memory, len(self._stack.inputs.top)
        most = memory.most_features(memory.features, n_labels)
        known = min(memory.features, most, d)
        slots = FeatureSlots(most, known)
        slots.used[:known] = self._use(known)
        if d > most:
            self._keep(np.arange(most), room_for(n_labels))
        self._resize(most, room_for(n_labels))
        memory.slots = slots
        self._note_shed(float(memory.features), float(most))
        if not self._dense:
            self._evict(slots, 2 * reserve_of(most))

    def _use(self, known: int) -> NDArray[np.float64]:
        """How much the first features were used so far, in [0, 1): by how sure weights are."""
        for part in (self._stack.linear, self._stack.linear_raw, self._stack.arow):
            if len(part.s) > known:
                left = part.s[1 : known + 1, : max(int(self._stack.clock[N_LABELS]), 1)]
                order = np.argsort(-left.mean(axis=1), kind="stable")
                use = np.empty(known)
                use[order] = np.arange(known) / max(known, 1)
                return use
        return np.zeros(known)

    def _make_room(self, slots: FeatureSlots, n_labels: int) -> None:
        """Free rows; where names and labels leave room for fewer of them, number them anew."""
        memory = self._memory
        most = min(memory.most_features(memory.features, n_labels), slots.slots)
        if most < _LESS * slots.slots:
            self._evict(slots, slots.slots - most + 2 * reserve_of(most))
            self._keep(slots.shrink(most), room_for(n_labels))
            self._note_shed(float(memory.features), float(most))
        elif not self._dense:
            self._evict(slots, 2 * reserve_of(slots.slots))
        if n_labels > len(self._stack.y) - _SLACK:
            self._resize(slots.slots, room_for(n_labels))

    def _evict(self, slots: FeatureSlots, wanted: int) -> None:
        gone = slots.evict(wanted)
        clear_features(self._stack, self._extras, self._plan, gone)
        self._memory.shed["features"] += len(gone)

    def _note_names(self, batch: EventBatch, start: int, stop: int) -> None:
        """Remember how many features were known at the last event learned."""
        learned = np.flatnonzero(batch.y_kind[start:stop] != LABELS_UNKNOWN)
        if len(learned):
            most = int(batch.n_features[start + learned].max())
            self._memory.features = max(self._memory.features, most)

    def _note_shed(self, known: float, room: float) -> None:
        self._changes.append(Change("shed", "global", self._position, (), known, room))
