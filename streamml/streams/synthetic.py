"""What the synthetic streams share: blocks of events, positions, drifts, labels."""

from __future__ import annotations

import abc
from dataclasses import dataclass, fields
from typing import Any, ClassVar

import numpy as np

from streamml.errors import ConfigError
from streamml.io import JSON
from streamml.streams.generated import BLOCK, GeneratedStream
from streamml.streams.known import KnownDrift
from streamml.streams.label_plan import LabelPlan, LabelState
from streamml.streams.schedule import Blend, Schedule
from streamml.types import (
    LABELS_FULL,
    BoolArray,
    EventBatch,
    Float64Array,
    Int64Array,
    Schema,
)

__all__ = ["Draws", "SyntheticStream"]

Draws = tuple[Float64Array, ...]
"""Random numbers of some events; each array has one row an event."""


@dataclass(eq=False)
class SyntheticStream(GeneratedStream):
    """A seeded multi-label stream with drifts at known positions, generated as it is read.

    A :class:`streamml.io.Source`. Every thousand events come from a random generator of
    their own, so any position costs the same to reach and the batch size changes nothing.
    Events have as their id their position, and come one a second.

    Parameters
    ----------
    seed
        0 or more; the same seed gives the same stream.
    n_events
        Length, at least 1. It moves no drift.
    n_labels, n_features
        At least 2 and 1. Every feature is there in every event.
    drift
        ``"none"``, ``"sudden"``, ``"gradual"``, ``"incremental"`` or ``"recurring"``.
    what
        What drifts: ``"concept"``, ``"correlation"``, ``"imbalance"`` or ``"labels"``; see
        :class:`~streamml.streams.known.KnownDrift`. With ``"labels"`` a quarter of the
        labels is not known before the first drift.
    positions
        Where drifts start, ascending; those beyond the end are never seen.
    width
        Events that a gradual or incremental drift takes, at least 1.
    cardinality
        Mean number of labels an event, above 0 and at most half of ``n_labels``.
    correlation
        From 0 (labels go their own ways) to 1 (labels of a group go together).
    noise
        Share of the labels of an event that are drawn by chance, in [0, 1].

    Attributes
    ----------
    drifts : tuple of KnownDrift
        The drifts within the length of the stream.

    Raises
    ------
    ConfigError
        A parameter is out of its range.
    """

    seed: int = 0
    n_events: int = 50_000
    n_labels: int = 8
    n_features: int = 10
    drift: str = "none"
    what: str = "concept"
    positions: tuple[int, ...] = (20_000, 35_000)
    width: int = 2_000
    cardinality: float = 2.5
    correlation: float = 0.5
    noise: float = 0.05

    NAME: ClassVar[str] = "synthetic"

    def __post_init__(self) -> None:
        self._check()
        self._schedule = Schedule(self.drift, self.what, tuple(self.positions), self.width)
        self.drifts: tuple[KnownDrift, ...] = tuple(
            drift for drift in self._schedule.drifts if drift.start < self.n_events
        )
        self._plan = LabelPlan(
            self.seed,
            self.n_labels,
            self.cardinality,
            self.what if self._schedule.drifts else "concept",
        )
        self._label_names = [f"label_{i:02d}" for i in range(self.n_labels)]
        self._schema = Schema(
            [f"feature_{i:02d}" for i in range(self.n_features)],
            self._label_names[: self.n_labels - self._plan.n_new],
        )
        self._concepts: dict[Blend, tuple[Any, LabelState]] = {}
        self._block: tuple[int, EventBatch] | None = None

    def _check(self) -> None:
        least = {"seed": 0, "n_events": 1, "n_labels": 2, "n_features": 1}
        for name, low in least.items():
            if getattr(self, name) < low:
                raise ConfigError(f"{name} must be at least {low}, not {getattr(self, name)}.")
        for name in ("correlation", "noise"):
            if not 0.0 <= getattr(self, name) <= 1.0:
                raise ConfigError(f"{name} must lie in [0, 1], not {getattr(self, name)}.")
        if not 0.0 < self.cardinality <= self.n_labels / 2:
            raise ConfigError(
                f"cardinality must be above 0 and at most half of the {self.n_labels} labels, "
                f"not {self.cardinality}."
            )

    # -- what a generator says ---------------------------------------------------------

    @abc.abstractmethod
    def _draw(self, rng: np.random.Generator, n: int) -> Draws:
        """Random numbers of ``n`` events."""

    @abc.abstractmethod
    def _concept(self, blend: Blend, labels: LabelState) -> Any:
        """What the features say about the labels in a state of the stream."""

    @abc.abstractmethod
    def _make(self, concept: Any, draws: Draws) -> tuple[Float64Array, BoolArray]:
        """Features ``(n, features)`` and labels ``(n, labels)`` of events."""

    def _rng(self, *key: int) -> np.random.Generator:
        """The generator behind a part of a concept."""
        return np.random.default_rng([self.seed, 0, *key])

    # -- what a source is read by ------------------------------------------------------

    def close(self) -> None:
        """No event comes after it."""
        super().close()
        self._block = None

    def _events(self, start: int, end: int) -> EventBatch:
        number, first = divmod(start, BLOCK)
        if self._block is None or self._block[0] != number:
            self._block = number, self._make_block(number)
        return self._block[1].slice(first, first + end - start)

    def _identity(self) -> dict[str, JSON]:
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {"stream": self.name, **values, "positions": list(self.positions)}

    def _go_to(self, position: int) -> None:
        """Move on; labels become known where the drift that brings them starts."""
        super()._go_to(position)
        for column in range(len(self._schema.labels), int(self._known(position - 1))):
            self._schema.labels.add(self._label_names[column])

    def _known(self, positions: Int64Array | int) -> Int64Array:
        """Labels known once the event at a position was read."""
        hidden = self._plan.n_new
        first = self._schedule.drifts[0].start if hidden else 0
        return np.where(np.asarray(positions) >= first, self.n_labels, self.n_labels - hidden)

    # -- generation --------------------------------------------------------------------

    def _make_block(self, number: int) -> EventBatch:
        rng = np.random.default_rng([self.seed, 1, number])
        positions = np.arange(number * BLOCK, (number + 1) * BLOCK)
        chance = rng.random(BLOCK)
        random_label = rng.random((BLOCK, self.n_labels)) < self.noise
        level = rng.random((BLOCK, self.n_labels))
        draws = self._draw(rng, BLOCK)
        x = np.empty((BLOCK, self.n_features), np.float32)
        on = np.empty((BLOCK, self.n_labels), np.bool_)
        for blend, rows in self._schedule.blends(positions, chance):
            concept, labels = self._state(blend)
            x[rows], clean = self._make(concept, tuple(draw[rows] for draw in draws))
            on[rows] = np.where(random_label[rows], level[rows] < labels.rates, clean)
        return self._to_batch(positions, x, on)

    def _state(self, blend: Blend) -> tuple[Any, LabelState]:
        """The concept of a state; only what drifts leaves state 0."""
        if blend not in self._concepts:
            if len(self._concepts) > 64:
                self._concepts.clear()
            still = Blend(0, 0, 0.0)
            labels = self._plan.state(still if self.what == "concept" else blend)
            shape = blend if self.what == "concept" else still
            self._concepts[blend] = self._concept(shape, labels), labels
        return self._concepts[blend]

    def _to_batch(self, positions: Int64Array, x: Any, on: BoolArray) -> EventBatch:
        n, d = x.shape
        return EventBatch(
            self._schema,
            positions.tolist(),
            positions.astype(np.float64),  # one event a second
            np.arange(n + 1, dtype=np.int64) * d,
            np.tile(np.arange(d, dtype=np.int32), n),
            x.reshape(-1),
            np.concatenate(([0], np.cumsum(on.sum(axis=1)))).astype(np.int64),
            np.nonzero(on)[1].astype(np.int32),
            np.full(n, LABELS_FULL, np.uint8),
            np.zeros(n + 1, np.int64),
            np.zeros(0, np.int32),
            np.full(n, d, np.int32),
            self._known(positions).astype(np.int32),
        )
