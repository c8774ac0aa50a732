"""IHOMER: an on-line multi-label learner over an incremental hierarchy of labels.

After iHOMER (arXiv 2507.20894): labels that occur together share a cluster, every
cluster has classifiers and a drift detector, and the clusters follow the stream. State
that belongs to a label lies in arrays by label column, so a structure change moves an
index and loses nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from streamml.base import MIN_SCORE, Learner
from streamml.base.changes import ChangeLog
from streamml.drift.adwin import check_adwin, new_adwin_state
from streamml.errors import ConfigError, StateError
from streamml.hierarchy import RULES, LabelHierarchy
from streamml.ihomer.alternate import Alternate
from streamml.ihomer.drift_handling import DriftHandling
from streamml.ihomer.explainable import Explainable
from streamml.ihomer.loop import Settings, batch_arrays, new_output, predictions_of, run_events
from streamml.ihomer.memory import Memory, bytes_of
from streamml.nodes import NodeClassifier
from streamml.nodes.custom_classifiers import (
    custom_scores,
    custom_snapshot,
    restore_custom,
    teach_custom,
)
from streamml.nodes.layout import Layout, layout_of, layout_snapshot, restore_layout
from streamml.nodes.member_states import (
    N_LABELS,
    extend_tree,
    new_member_states,
    new_optional_members,
)
from streamml.nodes.members import DECISIONS, MEMBERS, PRESETS, PRESETS_0_1, MixturePlan, make_plan
from streamml.nodes.restore import StartValues, restore_member_states, restore_optional_members
from streamml.state.capture import capture, check, part_of, restore_value
from streamml.state.parameters import (
    COUNT,
    SEED,
    Constraints,
    Flag,
    Instance,
    ListOf,
    OneOf,
    OrNone,
    Real,
    Size,
    Whole,
    check_parameters,
)
from streamml.types import (
    LABELS_UNKNOWN,
    Change,
    EventBatch,
    Predictions,
    Schema,
    UInt8Array,
)

__all__ = ["IHOMER"]

_RUN = 512  # events a compiled call works through at most: bounds scratch memory
_LABEL_BLOCK = 16  # room for labels is a multiple of it
_ALERT_VARIANCE = np.float32(1.0)
_OWN = Instance(
    NodeClassifier,
    "a node classifier (an object with scores(columns, values, n_labels) and "
    "learn(columns, values, true, false, n_labels))",
)


class IHOMER(Explainable, DriftHandling, Learner):
    """Streaming multi-label classifier that clusters its labels as it learns.

    Parameters
    ----------
    preset
        ``"fast"`` (linear classifiers), ``"default"`` or ``"accurate"``: the same code
        with fewer or more node classifiers.
    members
        Names of the node classifiers to mix instead of the preset's.
    classifiers
        Node classifiers of your own (:class:`streamml.nodes.NodeClassifier`) that join the
        mixture; they make every event a run of its own.
    rule
        How clusters are found: ``"evidence"`` (co-occurrence beyond chance, with a bound
        by its own sample), ``"odac"`` (the paper's) or ``"one"`` (no clusters).
    decision
        ``"label"`` (thresholds), ``"set"`` (the best label set seen) or ``"adaptive"``
        (learns when to trust which).
    lean
        From 0 (exact match and Hamming loss) to 1 (F1): how far thresholds follow F1.
    window
        Events that the nearest-neighbour classifiers look back on, 32 to 100,000; by default
        the preset's.
    n_min
        Events between two checks of the clusters, at least 1.
    drift_delta
        One minus the confidence of the detector at each cluster, in (0, 1); 0 turns
        the detectors off.
    links
        Whether the labels of a cluster inform each other (the second level).
    alternates
        Whether a warning grows a fresh learner beside the main one, which takes over the
        clusters it serves better; it doubles the cost while it lives (up to 2,000 events).
    rebuild
        Forget everything at a structure change, as the paper does; for comparison.
    memory_budget
        Bytes of state at most, as a number or like ``"512MiB"``. Reached, the least useful
        goes first (see :attr:`shed`): an alternate learner, pairs of labels that are rare,
        the least used features. Vocabularies without a cap of their own get one.
    seed
        Everything random hangs on it.

    Examples
    --------
    >>> model = IHOMER()
    >>> for t in range(200):
    ...     sunny = t % 3 == 0
    ...     model.learn_one({"light": float(sunny), "wind": 1.0},
    ...                     {"sun": sunny, "warm": sunny, "rain": not sunny})
    >>> model.predict_one({"light": 1.0, "wind": 1.0})
    {'sun': True, 'warm': True, 'rain': False}

    References
    ----------
    iHOMER, arXiv 2507.20894 (ECAI 2025); ODAC, Rodrigues, Gama and Pedroso, IEEE TKDE
    20(5), 2008; ADWIN, Bifet and Gavaldà, SDM 2007.
    """

    _constraints: ClassVar[Constraints] = {
        "preset": OneOf(*PRESETS),
        "members": OrNone(ListOf(OneOf(*MEMBERS), least=1)),
        "classifiers": OrNone(ListOf(_OWN)),
        "rule": OneOf(*RULES),
        "decision": OneOf(*DECISIONS),
        "lean": Real(0, 1),
        "window": OrNone(Whole(32, 100_000)),
        "n_min": COUNT,
        "drift_delta": Real(0, 1, closed="left"),
        "links": Flag(),
        "rebuild": Flag(),
        "alternates": Flag(),
        "memory_budget": Size(),
        "seed": SEED,
    }

    def __init__(
        self,
        preset: str = "default",
        members: Sequence[str] | None = None,
        classifiers: Sequence[NodeClassifier] | None = None,
        rule: str = "evidence",
        decision: str = "adaptive",
        lean: float = 0.5,
        window: int | None = None,
        n_min: int = 100,
        drift_delta: float = 1e-4,
        links: bool = True,
        rebuild: bool = False,
        alternates: bool = True,
        memory_budget: str | int = "512MiB",
        seed: int = 1,
    ) -> None:
        self.preset = preset
        self.members = members
        self.classifiers = classifiers
        self.rule = rule
        self.decision = decision
        self.lean = lean
        self.window = window
        self.n_min = n_min
        self.drift_delta = drift_delta
        self.links = links
        self.rebuild = rebuild
        self.alternates = alternates
        self.memory_budget = memory_budget
        self.seed = seed
        check_parameters(self)
        self._make_members(layout_of(preset, members, links, self.window))
        self._hierarchy = LabelHierarchy(rule, self.n_min, self._memory.max_pairs)
        self._changes = ChangeLog()
        self._leaf_ids: list[int] = [0]
        self._detectors = new_adwin_state(1)
        self._alternate: Alternate | None = None

    def _make_members(self, layout: Layout) -> None:
        """Members that have learned nothing."""
        self._layout, self._plan = layout, self._plan_of(layout)
        self._memory = Memory(bytes_of(self.memory_budget), self._plan)
        self._states = new_member_states(self._plan, layout.members, 16, _LABEL_BLOCK, self.seed)
        self._optional = new_optional_members(self._plan, 16, _LABEL_BLOCK, self.seed)

    def _plan_of(self, layout: Layout) -> MixturePlan:
        given: dict[str, Any] = {"decision": self.decision, "lean": self.lean, **layout.constants}
        return make_plan(tuple(layout.members), n_custom=len(self.classifiers or ()), **given)

    # -- the contract ------------------------------------------------------------------

    def bind(self, schema: Schema) -> None:
        new, before = self._unbound, self._schema
        super().bind(schema)
        if before is not schema:
            self._memory.cap_names(schema)
        if self._alternate is not None:
            self._alternate.learner._schema = self._schema
        if new:
            self._reserve(schema.declared_features, schema.declared_labels)
            self._states.clock[N_LABELS] = schema.declared_labels
            self._hierarchy.reserve_labels(schema.declared_labels)

    def predict(self, batch: EventBatch, min_score: float = MIN_SCORE) -> Predictions:
        return self._run(batch, predict=True, learn=False, min_score=min_score)

    def learn(self, batch: EventBatch) -> None:
        self._run(batch, predict=False, learn=True, min_score=1.0)

    def test_then_train(self, batch: EventBatch, min_score: float = MIN_SCORE) -> Predictions:
        return self._run(batch, predict=True, learn=True, min_score=min_score)

    @property
    def n_clusters(self) -> int:
        return len(self._hierarchy.tree.leaves)

    @property
    def changes(self) -> Sequence[Change]:
        return self._changes

    @property
    def change_counts(self) -> dict[str, int]:
        return self._changes.totals

    @property
    def hierarchy(self) -> LabelHierarchy:
        """The label hierarchy: statistics, tree and changes."""
        return self._hierarchy

    def mixture_weights(self) -> dict[str, float]:
        """How far the mixture trusts each member now, shared over all labels."""
        weights = self._states.mixture.wg
        return {name: float(weights[getattr(self._plan, name)]) for name in self._layout.members}

    # -- running -----------------------------------------------------------------------

    def _run(self, batch: EventBatch, predict: bool, learn: bool, min_score: float) -> Predictions:
        self.bind(batch.schema)
        if len(batch) == 0:
            return Predictions.concatenate([])
        if self.classifiers and len(batch) > 1:
            events = (batch.slice(i, i + 1) for i in range(len(batch)))
            return Predictions.concatenate(
                [self._run(event, predict, learn, min_score) for event in events]
            )
        rows = batch_arrays(batch, custom_scores(self.classifiers or (), batch))
        parts: list[Predictions] = []
        start = 0
        beyond = int(batch.x_indices.max(initial=-1)) + 1
        beyond = beyond if beyond > batch.n_features.max() else 0
        placed, end, full = rows, 0, False
        while start < len(batch):
            if start >= end or self._memory.table is None:
                end = self._run_stop(batch, start, learn)
                if learn:
                    end = self._budget_stop(batch, start, end)
                placed, end, full = self._place(rows, start, end, learn, beyond)
            stop = min(end, self._run_stop(batch, start, learn))
            told = predict or (learn and self._alternate is not None)
            # joined rows come in any order: one of them may know more labels than the last
            labels = max(int(batch.n_labels[start:stop].max()), int(self._states.clock[N_LABELS]))
            output = new_output(stop - start if told else 0, labels)
            if learn:
                self._hierarchy.reserve_labels(labels)
            clusters = self._cluster_detectors()
            done = run_events(
                self._plan,
                placed,
                start,
                stop,
                told,
                learn,
                self._states,
                self._optional,
                clusters,
                output,
                Settings(
                    float(self.drift_delta), np.float32(min_score), batch.schema.absent_is_zero
                ),
            )
            made = predictions_of(output)
            if predict:
                parts.append(made)
            if done < stop and not clusters.level.any():  # the tree wants room
                self._optional = extend_tree(
                    self._optional, len(self._states.inputs.top), len(self._states.y)
                )
            if learn and done > start:
                teach_custom(self.classifiers or (), batch)
                self._note_names(batch, start, done)
                self._after(batch, start, done, clusters.level, made)
                self._keep_budget(full and done == end)
            start = done
        return Predictions.concatenate(parts)

    def _run_stop(self, batch: EventBatch, start: int, learn: bool) -> int:
        """Row after the last one that may run before the clusters must be looked at."""
        stop = min(start + _RUN, len(batch))
        if not learn:
            return stop
        left = self._hierarchy.next_check - self._hierarchy.position
        if self._alternate is not None:
            left = min(left, self._alternate.next_check - self._alternate.events)
        labelled = np.cumsum(batch.y_kind[start:stop] != LABELS_UNKNOWN)
        return start + int(np.searchsorted(labelled, left)) + 1 if labelled[-1] >= left else stop

    def _after(
        self, batch: EventBatch, start: int, stop: int, level: UInt8Array, made: Predictions
    ) -> None:
        """Count labels, act on drifts, and let the hierarchy change."""
        labelled = batch.y_kind[start:stop] != LABELS_UNKNOWN
        if labelled.all():
            self._hierarchy.observe(batch.y_indptr, batch.y_indices, start, stop)
        else:
            for row in (start + np.flatnonzero(labelled)).tolist():
                self._hierarchy.observe(batch.y_indptr, batch.y_indices, row, row + 1)
        self._position += int(labelled.sum())
        if self._alternate is not None:
            self._compare(self._alternate, batch.slice(start, stop), made)
        for leaf in np.flatnonzero(level).tolist():
            self._heed(leaf, int(level[leaf]))
        changes = self._hierarchy.check()
        if changes:
            self._changes.extend(changes)
            self._move_detectors()
            if self._alternate is not None:
                self._alternate.restart(self.n_clusters)
            if self.rebuild:
                self._start_over()

    # -- state -------------------------------------------------------------------------

    def _capture_learned(self, copy: bool) -> dict[str, Any]:
        return {
            "layout": layout_snapshot(self._layout, self._plan),
            "stack": capture(self._states, copy),
            "extras": capture(self._optional, copy),
            "detectors": capture(self._detectors, copy),
            "hierarchy": self._hierarchy.snapshot(),
            "changes": self._changes.snapshot(),
            "classifiers": [custom_snapshot(c) for c in self.classifiers or ()],
            "memory": self._memory.snapshot(),
            "alternate": None if self._alternate is None else self._alternate.snapshot(copy),
        }

    def _restore_layout(self, learned: Mapping[str, Any]) -> tuple[Layout, MixturePlan]:
        """What the state was made with, whatever the preset is today."""
        layout = layout_of(self.preset, self.members, self.links, self.window, PRESETS_0_1)
        if "layout" in learned:
            layout = restore_layout(part_of(learned, "layout", dict))
        try:
            return layout, self._plan_of(layout)
        except ConfigError as error:
            raise StateError(f"The state does not fit: {error}") from error

    def _restore_learned(self, learned: Mapping[str, Any], schema: Schema) -> None:
        layout, plan = self._restore_layout(learned)
        memory, changes = Memory(self._memory.budget, plan), ChangeLog()
        hierarchy = LabelHierarchy(self.rule, self.n_min, memory.max_pairs)
        hierarchy.restore(part_of(learned, "hierarchy", dict))
        changes.restore(part_of(learned, "changes", dict))
        tree = hierarchy.tree
        check(tree.n_labels <= len(schema.labels), "the label tree", "has labels without a name")
        start = StartValues(plan, layout.members, self.seed)
        states = restore_member_states(part_of(learned, "stack", dict), plan, tree.n_labels, start)
        optional = restore_optional_members(part_of(learned, "extras", dict), plan, states, start)
        memory.restore(part_of(learned, "memory", dict), schema, len(states.inputs.top))
        detectors = restore_value(learned.get("detectors"), self._detectors, "detectors")
        check(len(detectors.levels) == len(tree.leaves), "detectors", "are of other clusters")
        check_adwin(detectors, "detectors")
        restore_custom(self.classifiers or (), part_of(learned, "classifiers", list))
        alternate = None
        if learned.get("alternate") is not None:
            known = int(states.clock[N_LABELS])
            alternate = Alternate(self._newcomer(schema, states, layout), len(tree.leaves), known)
            alternate.restore(part_of(learned, "alternate", dict), schema)
        self._layout, self._plan = layout, plan
        self._states, self._optional, self._detectors = states, optional, detectors
        self._hierarchy, self._changes, self._alternate = hierarchy, changes, alternate
        self._memory = memory
        self._leaf_ids = [leaf.id for leaf in tree.leaves]
