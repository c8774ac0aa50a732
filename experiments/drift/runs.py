"""The streams and learners of the drift table, and one run of a learner over a stream."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from streamml import IHOMER
from streamml.base import Learner
from streamml.cli.learners import make_learner
from streamml.metrics.drift import (
    AlarmScores,
    Recovery,
    event_counts,
    recovery,
    score_alarms,
)
from streamml.streams import DemoStream, KnownDrift, SyntheticStream, make_stream
from streamml.types import Int64Array

CHUNK = 500
ALWAYS = 1_000
"""The always-fire baseline alarms every so many events, first after half as many."""
GENERATORS = ("random-tree", "rbf", "hyperplane")
KINDS = ("sudden", "gradual", "incremental", "recurring")
OTHERS = ("correlation", "imbalance", "labels")


@dataclass(frozen=True)
class Case:
    """A stream to run: its name in the table, and how it is made."""

    title: str
    stream: str
    parameters: dict[str, Any]

    def open(self, seed: int) -> DemoStream | SyntheticStream:
        """The stream from its first event."""
        return make_stream(self.stream, seed=seed, **self.parameters)


def cases(n_events: int, label_numbers: tuple[int, ...]) -> Iterator[Case]:
    """Stationary streams, the demo stream, and every kind of drift; drifts at 40 and 70 %."""
    shared = {"n_events": n_events, "positions": (n_events * 2 // 5, n_events * 7 // 10)}
    shared["width"] = max(n_events // 25, 1)
    yield Case("demo", "demo", {"n_events": min(n_events, 20_000)})
    for labels in label_numbers:
        for name in (*GENERATORS, "correlation"):
            yield Case(f"{name} {labels}", name, {**shared, "n_labels": labels})
        for name in GENERATORS:
            for kind in KINDS:
                how = {**shared, "n_labels": labels, "drift": kind}
                yield Case(f"{name} {labels} {kind}", name, how)
        for what in OTHERS:
            how = {**shared, "n_labels": labels, "drift": "sudden", "what": what}
            yield Case(f"correlation {labels} sudden, of {what}", "correlation", how)


@dataclass(frozen=True)
class Run:
    """What came of a learner on a stream; ``clusters`` is the mean number of detectors."""

    counts: Int64Array
    drifts: tuple[KnownDrift, ...]
    alarms: AlarmScores
    recoveries: tuple[Recovery, ...]
    clusters: float


Tick = Callable[[int], None]
Act = Callable[[Learner, int], Learner]


def run(case: Case, learner: Learner, seed: int, tick: Tick, act: Act) -> Run:
    """Test, then train; ``act`` may change or replace the learner before each chunk."""
    stream = case.open(seed)
    counts, alarms, clusters, position = [], [], [], 0
    while (batch := stream.next_batch(CHUNK)) is not None:
        seen = len(learner.changes)
        new = act(learner, position)
        if new is not learner:
            new.bind(stream.schema)
            learner, seen = new, 0
        counts.append(event_counts(batch, learner.test_then_train(batch)))
        first = position - learner._position + len(batch)  # of this learner's life
        alarms += [first + c.position for c in learner.changes[seen:] if c.kind == "drift"]
        clusters.append(learner.n_clusters)
        position += len(batch)
        tick(len(batch))
    joined = np.concatenate(counts)
    drifts = tuple(drift for drift in stream.drifts if drift.start < position)
    return Run(
        joined,
        drifts,
        score_alarms(drifts, alarms, position),
        recovery(drifts, joined),
        float(np.mean(clusters)),
    )


def nothing(learner: Learner, position: int) -> Learner:  # noqa: ARG001
    """Leave the learner alone."""
    return learner


def refresh_always(learner: Learner, position: int) -> Learner:
    """Always-fire: every label learns as after a drift, every ``ALWAYS`` events."""
    if isinstance(learner, IHOMER) and position % ALWAYS == ALWAYS // 2:
        learner.mixture.learn_fast()
    return learner


def start_anew(case: Case, seed: int) -> Act:
    """An oracle: a new learner as soon as each known drift is over."""
    ends = {-(-drift.end // CHUNK) * CHUNK for drift in case.open(seed).drifts}

    def act(learner: Learner, position: int) -> Learner:
        return learner.clone() if position in ends else learner

    return act


def variants(
    name: str, settings: tuple[str, ...], case: Case, seed: int
) -> dict[str, tuple[Learner, Act]]:
    """The learner, and what it is compared with."""
    learner = make_learner(name, settings)
    found: dict[str, tuple[Learner, Act]] = {"learner": (learner, nothing)}
    if isinstance(learner, IHOMER):
        still = ("drift_delta=0", *settings)
        found["never"] = make_learner(name, still), nothing
        found["always"] = make_learner(name, still), refresh_always
    found["anew"] = make_learner(name, settings), start_anew(case, seed)
    return found


def always_alarms(found: Run) -> AlarmScores:
    """What a detector that alarms every ``ALWAYS`` events would score."""
    n = len(found.counts)
    return score_alarms(found.drifts, range(ALWAYS // 2, n, ALWAYS), n)
