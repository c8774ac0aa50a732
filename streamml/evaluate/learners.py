"""The learner that is evaluated and those beside it: run, scored and stored together."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from streamml import baselines
from streamml.base import MIN_SCORE, Learner
from streamml.baselines import MajorityLabelSet, NoChange
from streamml.errors import ConfigError
from streamml.io.operation import JoinState
from streamml.metrics import Prequential
from streamml.state.capture import check, part_of
from streamml.types import DeadLetter, EventBatch, Predictions, Schema

__all__ = ["EvaluatedLearners", "ReportsSplit", "StepResult", "Timer"]


@runtime_checkable
class ReportsSplit(Protocol):
    """A learner that knows how its test-then-train time splits."""

    def take_split(self) -> tuple[float, float]:
        """Seconds spent predicting and learning since the last call."""


class EvaluatedLearners:
    """Learners by name, with the metrics of each.

    Parameters
    ----------
    learner
        What is evaluated; its name is ``"learner"``. A learner, or a multi-label classifier of
        river, or a pipeline that ends in one.
    beside
        Others by name; by default ``no-change`` and ``majority``.
    metrics
        Makes the metrics of one learner.
    min_score
        Passed to the learners: smaller scores are left out of predictions.

    Raises
    ------
    ConfigError
        One of them is no learner, or stands there twice.
    """

    def __init__(
        self,
        learner: Any,
        *,
        beside: Mapping[str, Any] | None = None,
        metrics: Callable[[], Prequential] = Prequential,
        min_score: float = MIN_SCORE,
    ) -> None:
        if beside is None:
            beside = {"no-change": NoChange(), "majority": MajorityLabelSet()}
        if "learner" in beside:
            raise ConfigError("'learner' names the evaluated learner: call the other by another.")
        self.learners = _learners({"learner": learner, **beside})
        self.learner = self.learners["learner"]
        self.min_score = min_score
        self.metrics = {name: metrics() for name in self.learners}

    @property
    def events(self) -> int:
        """Number of events predicted so far: learned, waiting, or given up."""
        return self.learned + self.waiting + self.expired

    @property
    def learned(self) -> int:
        """Number of events whose labels have arrived, between steps: all of these are scored."""
        metrics = self.metrics["learner"]
        return metrics.events + metrics.unscored

    @property
    def waiting(self) -> int:
        """Number of events whose labels have not all arrived."""
        return 0

    @property
    def expired(self) -> int:
        """Number of events given up: they waited too long, or too many did."""
        return 0

    @property
    def outcomes(self) -> dict[str, int]:
        """What came of the events: outcome -> number."""
        metrics = self.metrics["learner"]
        return {"learned": metrics.events, "unlabelled": metrics.unscored}

    def join_state(self) -> JoinState | None:
        """How labels meet their events; ``None`` where they come with them, or by a delay."""
        return None

    def take_dead_letters(self) -> list[DeadLetter]:
        """What the loop could not use since the last call."""
        return []

    def bind(self, schema: Schema) -> None:
        """Let every learner work with the names of ``schema``."""
        for learner in self.learners.values():
            learner.bind(schema)

    def predict(self, events: EventBatch, timer: Timer) -> dict[str, Predictions]:
        """What each learner predicts."""
        made = {}
        for name, learner in self.learners.items():
            made[name] = learner.predict(events, self.min_score)
            timer.lap("predict" if name == "learner" else "beside")
        return made

    def learn(self, events: EventBatch, timer: Timer) -> None:
        """Let every learner learn."""
        for name, learner in self.learners.items():
            learner.learn(events)
            timer.lap("learn" if name == "learner" else "beside")

    def test_then_train(self, batch: EventBatch, timer: Timer) -> dict[str, Predictions]:
        """Predict and learn event by event inside each learner; scores nothing."""
        decided: dict[str, Predictions] = {}
        for name, learner in self.learners.items():
            decided[name] = learner.test_then_train(batch, self.min_score)
            timer.lap("learn" if name == "learner" else "beside")
        if isinstance(self.learner, ReportsSplit):
            timer.move(self.learner.take_split()[0], "learn", "predict")
        return decided

    def score(self, batch: EventBatch, decided: Mapping[str, Predictions], timer: Timer) -> None:
        """Score what each learner decided for a batch."""
        for name, predictions in decided.items():
            self.metrics[name].update(batch, predictions)
        timer.lap("score")

    def snapshot(self, copy: bool = True) -> dict[str, Any]:
        """Learners, their names and their metrics, as plain values (see Learner.snapshot)."""
        learners = {name: learner.snapshot(copy) for name, learner in self.learners.items()}
        schemas = [saved.pop("schema") for saved in learners.values()]
        bound = [schema is not None for schema in schemas]
        return {
            "schema": next((schema for schema in schemas if schema is not None), None),
            "bound": dict(zip(learners, bound, strict=True)),
            "learners": learners,
            "metrics": {name: metrics.snapshot() for name, metrics in self.metrics.items()},
        }

    def restore(self, snapshot: Mapping[str, Any], schema: Schema | None = None) -> None:
        """Go to a state that :meth:`snapshot` gave, with the same learners.

        Parameters
        ----------
        snapshot
            May come from an untrusted file.
        schema
            That of the stream to go on with, before it hands out its next event: it takes
            over the names. Without it there is a new one: ``learner.schema``.

        Raises
        ------
        StateError
            It does not fit; use new learners then.
        SchemaError
            The names of ``schema`` stand at other columns.
        """
        where = "the loop"
        learners = part_of(snapshot, "learners", dict, where)
        metrics = part_of(snapshot, "metrics", dict, where)
        bound = part_of(snapshot, "bound", dict, where)
        known = set(learners) == set(metrics) == set(bound) == set(self.learners)
        check(known, where, "has other learners")
        names = self.names(snapshot, schema)
        for name, learner in self.learners.items():
            state = {**part_of(learners, name, dict, where), "schema": None}
            learner.restore(state, names if bound[name] else None)
            self.metrics[name].restore(part_of(metrics, name, dict, where))

    def names(self, snapshot: Mapping[str, Any], schema: Schema | None) -> Schema:
        """The schema to go on with, with the names of the snapshot."""
        found = Schema()
        if snapshot.get("schema") is not None:
            found.restore(part_of(snapshot, "schema", dict, "the loop"))
        if schema is None:
            return found
        schema.take_over(found)
        return schema


@dataclass(frozen=True, slots=True)
class StepResult:
    """What one step of the loop did.

    Parameters
    ----------
    predictions
        Of the events that came in, made when they came (none in a flush).
    scored
        Number of events whose labels arrived: scored, where known, and learned.
    seconds
        Wall time of ``predict``, ``learn``, ``score``, and ``beside`` (the other
        learners). Without a delay the learner predicts and learns in one call: all of it
        is ``learn``, unless the learner :class:`ReportsSplit`.
    events
        Those that were predicted, where they are not all rows of the batch.
    """

    predictions: Predictions
    scored: int
    seconds: Mapping[str, float]
    events: EventBatch | None = None


class Timer:
    """Splits wall time: each lap goes to what was done since the one before."""

    def __init__(self) -> None:
        self.seconds = dict.fromkeys(("predict", "learn", "score", "beside"), 0.0)
        self._last = time.perf_counter()

    def lap(self, name: str) -> None:
        """What was done since the last lap was ``name``."""
        now = time.perf_counter()
        self.seconds[name] += now - self._last
        self._last = now

    def move(self, seconds: float, source: str, target: str) -> None:
        """Some of the time of ``source`` was ``target``'s."""
        seconds = min(max(seconds, 0.0), self.seconds[source])
        self.seconds[source] -= seconds
        self.seconds[target] += seconds


def _learners(models: Mapping[str, Any]) -> dict[str, Learner]:
    """Each as a learner; what is of river's own is wrapped."""
    found: dict[str, Learner] = {}
    for name, model in models.items():
        try:
            is_one = issubclass(type(model), Learner)  # river counts a pipeline as its last step
            found[name] = model if is_one else baselines.as_learner(model)
        except ConfigError as error:
            raise ConfigError(f"{name!r} is {error}") from error
    if len({id(model) for model in models.values()}) < len(models):
        raise ConfigError("One learner has two names, and would learn twice: give a clone().")
    return found
