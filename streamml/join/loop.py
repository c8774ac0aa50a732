"""The prequential loop over labels that come when they come.

Whatever order events and labels arrive in, each learner sees one sequence of rows: a row
without labels is predicted, one with labels is learned (and predicted first, if it is
new). Learning a row and predicting it do not disturb each other, so the whole sequence is
one test-then-train call, however finely events and labels alternate.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from streamml.base import MIN_SCORE, Learner
from streamml.evaluate import StepResult
from streamml.evaluate.learners import EvaluatedLearners, Timer
from streamml.io.operation import JoinState
from streamml.join.arrivals import Arrivals, Joined
from streamml.join.buffer import JoinBuffer, JoinPolicy
from streamml.metrics import Prequential
from streamml.state.capture import part_of
from streamml.types import (
    LABELS_UNKNOWN,
    DeadLetter,
    EventBatch,
    Int64Array,
    Predictions,
    Schema,
)
from streamml.types.rows import select_rows

__all__ = ["JoinLoop"]


class JoinLoop(EvaluatedLearners):
    """Predicts events as they arrive; scores and learns them when their labels do.

    Parameters
    ----------
    learner, beside, metrics, min_score
        As in :class:`~streamml.evaluate.PrequentialLoop`.
    policy
        Bounds of the buffer.

    Examples
    --------
    >>> from streamml.baselines import NoChange
    >>> from streamml.types import Event
    >>> loop, schema = JoinLoop(NoChange()), Schema()
    >>> events = [Event(i, float(i), {"f": 1.0}, frozenset({"a"})) for i in range(4)]
    >>> loop.step(EventBatch.from_events(events, schema)).scored
    4
    """

    def __init__(
        self,
        learner: Learner,
        *,
        policy: JoinPolicy | None = None,
        beside: Mapping[str, Learner] | None = None,
        metrics: Callable[[], Prequential] = Prequential,
        min_score: float = MIN_SCORE,
    ) -> None:
        super().__init__(learner, beside=beside, metrics=metrics, min_score=min_score)
        self.buffer = JoinBuffer(policy)

    @property
    def waiting(self) -> int:
        """Number of events whose labels have not arrived."""
        return self.buffer.state().events

    @property
    def expired(self) -> int:
        """Number of events whose labels did not come in time."""
        return self.buffer.counts["event_expired"]

    @property
    def outcomes(self) -> dict[str, int]:
        """What came of the events: outcome -> number."""
        tombstones = self.buffer.counts["tombstones"]
        return {**super().outcomes, "expired": self.expired, "tombstones": tombstones}

    def join_state(self) -> JoinState:
        """What waits in the buffer, and what was counted there."""
        return self.buffer.state()

    def take_dead_letters(self) -> list[DeadLetter]:
        """What the join could not use since the last call."""
        return self.buffer.take_dead_letters()

    def step(self, batch: EventBatch) -> StepResult:
        """Take arrivals, or plain events, in order."""
        timer = Timer()
        arrivals = batch if isinstance(batch, Arrivals) else Arrivals.of(batch)
        self.bind(batch.schema)
        joined = self.buffer.join(arrivals)
        rows = joined.batch
        if len(rows) == 0:
            return StepResult(Predictions.concatenate([]), 0, timer.seconds, rows)
        decided = self.test_then_train(rows, timer)
        learned = rows.y_kind != LABELS_UNKNOWN
        if joined.new.all() and learned.all():
            self.score(rows, decided, timer)
            return StepResult(decided["learner"], len(rows), timer.seconds, rows)
        _keep_decisions(joined, decided)
        at = np.flatnonzero(learned)
        if len(at):
            self.score(select_rows(rows, at), self._decisions(joined, decided, at), timer)
        new = np.flatnonzero(joined.new)
        predictions = _rows_of(decided["learner"], new)
        return StepResult(predictions, len(at), timer.seconds, select_rows(rows, new))

    def _decisions(
        self, joined: Joined, decided: Mapping[str, Predictions], at: Int64Array
    ) -> dict[str, Predictions]:
        """What each learner decided for the learned rows when their features arrived."""
        found = {}
        for name, made in decided.items():
            sets = []
            for i in at.tolist():
                waiting = joined.waiting[i]
                sets.append(made.row(i) if waiting is None else waiting.decided[name])
            indptr = np.zeros(len(sets) + 1, np.int64)
            np.cumsum([len(columns) for columns in sets], out=indptr[1:])
            found[name] = Predictions(indptr, np.concatenate(sets))
        return found

    def flush(self) -> StepResult:
        """The end of the input: labels that did not come are not known, so nothing is learned."""
        return StepResult(Predictions.concatenate([]), 0, Timer().seconds)

    def snapshot(self, copy: bool = True) -> dict[str, Any]:
        """Learners, metrics, and what waits in the buffer."""
        return {**super().snapshot(copy), "join": self.buffer.snapshot()}

    def restore(self, snapshot: Mapping[str, Any], schema: Schema | None = None) -> None:
        """Go to a state that :meth:`snapshot` gave; ``schema`` takes over its names."""
        names = self.names(snapshot, schema)
        super().restore(snapshot, names)
        self.buffer.restore(part_of(snapshot, "join", dict, "the loop"), names)


def _keep_decisions(joined: Joined, decided: Mapping[str, Predictions]) -> None:
    """Note what was decided with the events that now wait for their labels."""
    for i in np.flatnonzero(joined.new).tolist():
        waiting = joined.waiting[i]
        if waiting is not None:
            waiting.decided = {name: made.row(i).copy() for name, made in decided.items()}


def _rows_of(predictions: Predictions, rows: Int64Array) -> Predictions:
    """Some rows of predictions."""
    parts = []
    for indptr, *arrays in (
        (predictions.indptr, predictions.indices),
        (predictions.score_indptr, predictions.score_indices, predictions.scores),
    ):
        counts = np.diff(indptr)[rows]
        offsets = np.zeros(len(rows) + 1, np.int64)
        np.cumsum(counts, out=offsets[1:])
        where = np.arange(offsets[-1]) + np.repeat(indptr[rows] - offsets[:-1], counts)
        parts += [offsets, *(array[where] for array in arrays)]
    return Predictions(*parts)
