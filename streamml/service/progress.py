"""What a service says of a run: while it goes on, and at its end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from streamml.embed.status import EmbeddingStatus
from streamml.errors import StreamMLError
from streamml.io.operation import Operation
from streamml.metrics import Prequential, Scores
from streamml.types import Change, DeadLetter

__all__ = ["ALTERNATE_CHANGES", "STRUCTURE_CHANGES", "Progress", "Result", "TimeSplit"]

STRUCTURE_CHANGES: Final = ("split", "merge", "rebuild")
"""Kinds of :class:`~streamml.types.Change` that change the label tree."""

ALTERNATE_CHANGES: Final = ("warning", "swap", "prune")
"""Kinds that concern alternates: one is grown, took over, was given up."""


@dataclass(frozen=True, slots=True)
class TimeSplit:
    """Where the time of a run went, in seconds.

    Parameters
    ----------
    read, predict, learn, score
        Of the stream and the learner. Where the learner predicts and learns in one call
        and does not say how that splits, the share of predicting is measured on samples.
    beside
        The learners it is compared with.
    sinks
        Writing predictions and dead letters.
    waited
        Idle, because the events were not due.
    """

    read: float = 0.0
    predict: float = 0.0
    learn: float = 0.0
    score: float = 0.0
    beside: float = 0.0
    sinks: float = 0.0
    waited: float = 0.0


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is; what observers are told.

    Parameters
    ----------
    events, features, labels
        Events handed out, names known.
    length
        Number of events to come in all, where it is known.
    seconds
        Since the start of the run, waiting included.
    cumulative, window, faded
        The learner's scores over all events, over the sliding window, and fading.
    window_events
        Number of scored events in the sliding window.
    clusters
        Label clusters now.
    structure_changes, drifts
        Counts so far.
    new_changes
        Structural changes and drifts since the observers were told last, as far as the
        learner still keeps them.
    dead_letters
        Counts by reason.
    times
        Where the time went so far.
    resumed
        How many of the events an earlier process handed out.
    operation
        Partitions, joins, snapshots and latency, where the run has such things.
    embedding
        How the embedding stage is doing, where there is one.
    """

    events: int
    features: int
    labels: int
    length: int | None
    seconds: float
    cumulative: Scores
    window: Scores
    faded: Scores
    window_events: int
    clusters: int
    structure_changes: int
    drifts: int
    new_changes: tuple[Change, ...]
    dead_letters: Mapping[str, int]
    times: TimeSplit
    operation: Operation = field(default_factory=Operation)
    embedding: EmbeddingStatus | None = None
    resumed: int = 0

    @property
    def events_per_second(self) -> float:
        """Mean rate since this process started."""
        return (self.events - self.resumed) / self.seconds if self.seconds > 0 else 0.0


@dataclass(frozen=True, slots=True)
class Result:
    """What a run came to.

    Parameters
    ----------
    progress
        As it stood at the end.
    stopped
        Whether it was asked to stop before the end of the stream.
    error
        What the source broke off with, after it had handed out events.
    metrics
        Learner name -> its metrics; the learner first, then those beside it.
    first_letters
        Reason -> the first dead letter of this process that has it.
    """

    progress: Progress
    stopped: bool
    error: StreamMLError | None
    metrics: Mapping[str, Prequential]
    first_letters: Mapping[str, DeadLetter] = field(default_factory=dict)

    @property
    def unusable(self) -> bool:
        """Whether the stream brought something, and nothing of it could be used."""
        return not self.progress.events and bool(self.progress.dead_letters)
