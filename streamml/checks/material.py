"""Streams for checks, and what every answer must be whatever the learner."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np

from streamml.base import Learner
from streamml.checks.report import CheckFailed
from streamml.types import Event, EventBatch, Labels, PartialLabels, Predictions, Schema

__all__ = ["batch_of", "demand", "drift_events", "exercised", "run", "same", "simple_events"]


def demand(holds: bool | np.bool_, broken: str) -> None:
    """Fail with a sentence."""
    if not holds:
        raise CheckFailed(broken)


def exercised(n: int, what: str) -> str:
    """What a check did ``n`` times; a failure where that is never."""
    demand(n > 0, f"nothing was exercised: 0 {what}")
    return f"{n:,} {what}"


def simple_events(n: int, seed: int = 7) -> Iterator[Event]:
    """Two feature values that say which of two pairs of labels is true, and noise."""
    rng = np.random.default_rng(seed)
    for t in range(n):
        k = int(rng.integers(2))
        x = {"k": float(k), **{f"noise{j}": float(rng.normal()) for j in range(4)}}
        labels = {f"{'ab'[k]}{i}" for i in range(2) if rng.random() < 0.8}
        yield Event(t, float(t), x, frozenset(labels))


def drift_events(n: int, seed: int = 7) -> Iterator[Event]:
    """The same with features and labels that come late, partial and unknown labels, empty sets."""
    rng = np.random.default_rng(seed + 1)
    for event in simple_events(n, seed):
        t, x = int(event.timestamp), dict(event.x)  # type: ignore[arg-type]
        assert isinstance(event.y, frozenset)
        y: Labels | None = event.y
        if t > n // 3:
            x[f"late{t % 5}"] = 1.0
        if t > n // 2 and rng.random() < 0.2:
            y = event.y | {f"new{t % 3}"}
        if t % 6 == 1:
            y = PartialLabels(event.y, frozenset({"b0", "b1", "a0"}) - event.y)
        if t % 10 == 3:
            y = None
        if t % 10 == 7:
            y = frozenset()
        yield Event(t, event.timestamp, x, y)


def batch_of(events: Iterator[Event]) -> EventBatch:
    """A batch with a schema of its own."""
    return EventBatch.from_events(events, Schema())


def run(learner: Learner, batch: EventBatch, size: int) -> list[Any]:
    """Test then train in parts of ``size``; the answers, event by event, checked."""
    rows: list[Any] = []
    for start in range(0, len(batch), size):
        part = batch.slice(start, min(start + size, len(batch)))
        rows.extend(answers(learner.test_then_train(part, 0.0), part))
    return rows


def answers(found: Predictions, batch: EventBatch) -> list[Any]:
    """Decided columns, and scores by column, of every event; all of it sound."""
    demand(len(found) == len(batch), f"{len(found)} answers came for {len(batch)} events")
    rows: list[Any] = []
    for i in range(len(batch)):
        decided = found.row(i).tolist()
        scored = slice(found.score_indptr[i], found.score_indptr[i + 1])
        columns, scores = found.score_indices[scored].tolist(), found.scores[scored].tolist()
        known = max(int(batch.n_labels[i]), len(batch.schema.labels))
        for row in (decided, columns):
            ascending = all(a < b for a, b in pairwise(row))
            demand(ascending, f"columns of event {i} do not ascend: {row}")
            demand(all(0 <= c < known for c in row), f"event {i} names unknown columns: {row}")
        demand(all(0.0 <= s <= 1.0 for s in scores), f"event {i} has no probabilities: {scores}")
        demand(set(decided) <= set(columns), f"event {i} decides what it does not score")
        rows.append((decided, columns, scores))
    return rows


def same(expected: list[Any], found: list[Any], why: str) -> int:
    """Demand equal answers; how many labels were decided or scored in them."""
    for i, (a, b) in enumerate(zip(expected, found, strict=True)):
        demand(a == b, f"{why}: event {i} has {b}, not {a}")
    return sum(len(decided) + len(columns) for decided, columns, _ in expected)
