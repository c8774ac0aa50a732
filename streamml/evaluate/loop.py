"""What a run asks of a loop, whatever way the labels come."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from streamml.evaluate.learners import StepResult
from streamml.io.operation import JoinState
from streamml.metrics import Prequential
from streamml.types import DeadLetter, EventBatch, Schema

__all__ = ["EvaluationLoop"]


class EvaluationLoop(Protocol):
    """Predicts events, and scores and learns them when their labels are there.

    :class:`~streamml.evaluate.PrequentialLoop` is one for labels that come with their events or
    after a delay, ``streamml.join.loop.JoinLoop`` for labels that come by themselves.

    Attributes
    ----------
    metrics
        ``"learner"`` and the names of those beside it -> metrics.
    """

    metrics: dict[str, Prequential]

    @property
    def events(self) -> int:
        """Number of events predicted so far."""

    @property
    def learned(self) -> int:
        """Number of those whose labels have arrived."""

    @property
    def outcomes(self) -> dict[str, int]:
        """What came of them: outcome -> number."""

    def join_state(self) -> JoinState | None:
        """How labels meet their events, where they come by themselves."""

    def step(self, batch: EventBatch) -> StepResult:
        """Take what comes next."""

    def flush(self) -> StepResult:
        """The end of the stream."""

    def take_dead_letters(self) -> list[DeadLetter]:
        """What the loop could not use since the last call."""

    def snapshot(self, copy: bool = True) -> dict[str, Any]:
        """Everything it knows, as plain values."""

    def restore(self, snapshot: Mapping[str, Any], schema: Schema | None = None) -> None:
        """Go to a state that :meth:`snapshot` gave; ``schema`` takes over its names."""
