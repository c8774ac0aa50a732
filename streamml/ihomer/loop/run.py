"""The hot loop of IHOMER: score, decide, write down; then learn, event by event.

One compiled call works through a run of events. It stops early where a cluster's
detector fires, so that the caller can act before the next event is predicted.

numba copies a whole tuple of states wherever a new basic block takes something out of it: the
steps take out what they need before their first branch, or have none.
"""

from __future__ import annotations

import numpy as np

from streamml.ihomer.loop.arrays import BatchArrays, ClusterDetectors, Output, Settings
from streamml.ihomer.loop.detect import ask_detectors
from streamml.ihomer.loop.event import event_of, negative_of, row_of, truth_of
from streamml.ihomer.loop.learn import learn_combination, learn_members, mark, unmark
from streamml.ihomer.loop.score import combine, score_members, write_prediction
from streamml.kernels.compile import entry_point
from streamml.nodes.combine.propensity import OFF, scale_scores
from streamml.nodes.inputs import inputs_learn, inputs_row
from streamml.nodes.member_states import N_LABELS, NEGATIVES, MemberStates, OptionalMembers
from streamml.nodes.members import MixturePlan
from streamml.nodes.tree.member import tree_full
from streamml.types import LABELS_UNKNOWN

__all__ = ["run_events"]


@entry_point
def run_events(
    plan: MixturePlan,
    rows: BatchArrays,
    start: int,
    stop: int,
    predict: bool,
    learn: bool,
    states: MemberStates,
    optional: OptionalMembers,
    clusters: ClusterDetectors,
    output: Output,
    settings: Settings,
) -> int:
    """Predict and/or learn rows ``start`` to ``stop``; give the row after the last one done."""
    inputs, decision, prior, clock = states.inputs, states.decision, states.prior, states.clock
    y, known, soft = states.y, states.known, states.soft
    for i in range(start, stop):
        learns = learn and rows.y_kind[i] != LABELS_UNKNOWN
        if not (predict or learns):
            continue
        d = np.int64(max(rows.n_features[i], 1))
        row = row_of(rows, i, d, settings.absent_is_zero)
        if learns and tree_full(optional.tree, row, np.int64(rows.n_labels[i])):
            return i
        dense = inputs_row(inputs, row)
        n_labels = clock[N_LABELS]
        # an event that brings new labels is predicted without them and learned with them
        for again in range(1 + (learns and rows.n_labels[i] > n_labels)):
            if again:
                n_labels = rows.n_labels[i]
            event = event_of(row, inputs, dense, n_labels)
            score_members(plan, rows, i, states, optional, event)
            combine(plan, states, optional, event)
            if predict and not again:
                scale_scores(optional.propensity, decision, n_labels)
                write_prediction(
                    output, decision, optional.propensity, n_labels, settings.min_score
                )
        if not learns:
            continue
        clock[N_LABELS] = n_labels
        negative = negative_of(rows, i)
        rest = plan.propensity != OFF or clock[NEGATIVES] + len(negative) == 0
        truth = truth_of(rows, i, y, known, soft, rest)
        clock[NEGATIVES] += truth.whole or len(negative) > 0
        mark(event, truth, negative, prior)
        alarm = ask_detectors(clusters, decision, event, truth, settings.delta)
        learn_combination(plan, states, optional, clusters, event, truth)
        learn_members(plan, states, optional, event, truth)
        inputs_learn(inputs, row, dense)
        unmark(event, truth)
        if alarm:
            return i + 1
    return stop
