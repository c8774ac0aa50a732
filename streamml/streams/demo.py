"""The demo stream: correlated labels, and three kinds of drift at known positions."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar, Final, Literal, NamedTuple

import numpy as np

from streamml.errors import ConfigError
from streamml.io import JSON
from streamml.streams.generated import BLOCK, GeneratedStream
from streamml.streams.known import KnownDrift
from streamml.types import (
    LABELS_FULL,
    BoolArray,
    EventBatch,
    Float32Array,
    Float64Array,
    Int64Array,
    Schema,
)

__all__ = ["DemoStream"]

_DENSE: Final = 24
_SPARSE: Final = 16
_FEATURES: Final = _DENSE + _SPARSE
_PRESENT: Final = 0.15  # a sparse feature is there in this share of the events
_LABELS: Final = (
    *("alpha", "bravo", "charlie"),
    *("delta", "echo", "foxtrot"),
    *("golf", "hotel", "india"),
    *("juliett", "kilo", "lima"),
)
_GROUPS: Final = 4
_SECOND_GROUP: Final = 0.8  # a group whose score (unit variance) is above it is active too
_MEMBER: Final = -0.8  # a label of an active group is on when its own score is above it

# Shares of the variance of a group's score; the rest is noise no learner can predict.
_LINEAR, _FROM_SPARSE, _PRODUCT = 0.68, 0.15, 0.12


_DRIFTS: Final = (
    KnownDrift("sudden", 5_000, 5_000),
    KnownDrift("gradual", 9_000, 11_000),
    KnownDrift("regrouping", 15_000, 15_000, "correlation"),
)


@dataclass(frozen=True, slots=True)
class _Concept:
    """What the features say: weights of the groups' and the labels' scores."""

    group_weights: Float64Array  # (features, groups), unit columns per block of features
    label_weights: Float64Array  # (features, labels), unit columns, dense features only
    factors: Int64Array  # (2, groups): the dense features whose product matters


class _DrawnRows(NamedTuple):
    """Events as dense arrays, one row each."""

    positions: Int64Array
    values: Float32Array
    present: BoolArray
    on: BoolArray

    def take(self, rows: Int64Array) -> _DrawnRows:
        return _DrawnRows(
            self.positions[rows], self.values[rows], self.present[rows], self.on[rows]
        )


class DemoStream(GeneratedStream):
    """A seeded synthetic stream on which the label hierarchy has something to find.

    Twelve labels in four groups of three. One group is active (the one with the highest
    score, others join when theirs is high too), and each label of an active group is
    on when its own score says so: labels of a group share about 60 % of their events
    (Jaccard), labels of different groups meet by chance. A group's score is linear in
    24 dense and 16 sparse features, plus a product of two features, plus noise.

    ======== ========== ==============================================================
    position kind       what changes
    ======== ========== ==============================================================
    5,000    sudden     all weights: the features mean something else
    9,000    gradual    until 11,000 ever more events follow a third set of weights
    15,000   regrouping every label leaves its group: no two labels stay together
    ======== ========== ==============================================================

    It is a :class:`streamml.io.Source`. Events are generated as they are read, every
    thousand from a generator of their own, so any position costs the same to reach.

    Parameters
    ----------
    seed
        Non-negative; the same seed gives the same bits.
    n_events
        Length; the positions of the drifts do not move with it.
    order
        ``"natural"``, or ``"shuffled"``: rows in ``default_rng(1).permutation(n_events)``,
        all generated at the first one; events keep their ids and timestamps.

    Attributes
    ----------
    drifts : tuple of KnownDrift
        The drifts within the length of the stream; none in shuffled order.

    Raises
    ------
    ConfigError
        ``seed`` is negative, ``n_events`` below 1 or ``order`` unknown.

    Examples
    --------
    >>> stream = DemoStream(seed=7)
    >>> event = next(stream.next_batch(1).events())
    >>> event.id, event.timestamp, sorted(event.y)
    (0, 0.0, ['delta', 'echo', 'golf', 'hotel'])
    >>> [(drift.kind, drift.start) for drift in stream.drifts]
    [('sudden', 5000), ('gradual', 9000), ('regrouping', 15000)]
    """

    NAME: ClassVar[str] = "demo"
    drifts: tuple[KnownDrift, ...] = _DRIFTS

    def __init__(
        self,
        seed: int = 0,
        n_events: int = 20_000,
        order: Literal["natural", "shuffled"] = "natural",
    ) -> None:
        if seed < 0:
            raise ConfigError(f"The seed must be 0 or more, not {seed}.")
        if n_events < 1:
            raise ConfigError(f"The demo stream must have at least 1 event, not {n_events}.")
        if order not in ("natural", "shuffled"):
            raise ConfigError(f"The order must be natural or shuffled, not {order!r}.")
        self.order = order
        self.seed = seed
        self.n_events = n_events
        features = [f"dense_{i:02d}" for i in range(_DENSE)]
        features += [f"sparse_{i:02d}" for i in range(_SPARSE)]
        self._schema = Schema(features, _LABELS)
        known = _DRIFTS if order == "natural" else ()
        self.drifts = tuple(drift for drift in known if drift.start < n_events)
        self._concepts = tuple(_concept(seed, number) for number in range(3))
        self._block = lru_cache(maxsize=2)(self._make_block)
        self._all: _DrawnRows | None = None

    # -- what a source is read by ------------------------------------------------------

    def close(self) -> None:
        """No event comes after it."""
        super().close()
        self._block.cache_clear()

    def _events(self, start: int, end: int) -> EventBatch:
        number, first = divmod(start, BLOCK)
        return self._block(number).slice(first, first + end - start)

    def _identity(self) -> dict[str, JSON]:
        return {"seed": self.seed, "n_events": self.n_events, "order": self.order}

    # -- what is known about it --------------------------------------------------------

    @staticmethod
    def groups_at(position: int) -> tuple[tuple[str, ...], ...]:
        """The labels that go together at a position (number of events before it).

        Examples
        --------
        >>> DemoStream.groups_at(0)[0], DemoStream.groups_at(15_000)[0]
        (('alpha', 'bravo', 'charlie'), ('alpha', 'echo', 'india'))
        """
        group_of = _group_of(np.array([position]))[0]
        return tuple(
            tuple(name for name, k in zip(_LABELS, group_of, strict=True) if k == group)
            for group in range(_GROUPS)
        )

    # -- generation --------------------------------------------------------------------

    def _make_block(self, number: int) -> EventBatch:
        if self.order == "natural":
            return self._to_batch(_draw(self.seed, number, self._concepts))
        if self._all is None:
            self._all = self._draw_shuffled()
        start = number * BLOCK
        return self._to_batch(self._all.take(np.arange(start, min(start + BLOCK, self.n_events))))

    def _draw_shuffled(self) -> _DrawnRows:
        blocks = range(-(-self.n_events // BLOCK))
        drawn = [_draw(self.seed, block, self._concepts) for block in blocks]
        everything = _DrawnRows(
            np.concatenate([rows.positions for rows in drawn]),
            np.concatenate([rows.values for rows in drawn]),
            np.concatenate([rows.present for rows in drawn]),
            np.concatenate([rows.on for rows in drawn]),
        )
        return everything.take(np.random.default_rng(1).permutation(self.n_events))

    def _to_batch(self, rows: _DrawnRows) -> EventBatch:
        n = len(rows.positions)
        return EventBatch(
            self._schema,
            rows.positions.tolist(),
            rows.positions.astype(np.float64),  # one event a second
            _indptr(rows.present),
            np.nonzero(rows.present)[1].astype(np.int32),
            rows.values[rows.present],
            _indptr(rows.on),
            np.nonzero(rows.on)[1].astype(np.int32),
            np.full(n, LABELS_FULL, np.uint8),
            np.zeros(n + 1, np.int64),
            np.zeros(0, np.int32),
            np.full(n, _FEATURES, np.int32),
            np.full(n, len(_LABELS), np.int32),
        )


def _draw(seed: int, block: int, concepts: tuple[_Concept, ...]) -> _DrawnRows:
    """The events of a block; a generator of its own makes every position as near as any."""
    rng = np.random.default_rng([seed, 1, block])
    positions = np.arange(block * BLOCK, (block + 1) * BLOCK)
    values = np.empty((BLOCK, _FEATURES), np.float32)
    values[:, :_DENSE] = rng.standard_normal((BLOCK, _DENSE))
    values[:, _DENSE:] = 0.5 + rng.standard_exponential((BLOCK, _SPARSE))
    present = np.ones((BLOCK, _FEATURES), np.bool_)
    present[:, _DENSE:] = rng.random((BLOCK, _SPARSE)) < _PRESENT
    noise = rng.standard_normal((BLOCK, _GROUPS))
    which = _concept_of(positions, rng.random(BLOCK))
    x = np.where(present, values, 0.0).astype(np.float64)
    on = np.zeros((BLOCK, len(_LABELS)), np.bool_)
    for c, concept in enumerate(concepts):
        rows = which == c
        if rows.any():
            on[rows] = _labels(concept, x[rows], noise[rows], positions[rows])
    return _DrawnRows(positions, values, present, on)


def _concept(seed: int, number: int) -> _Concept:
    rng = np.random.default_rng([seed, 0, number])
    dense = _sparse_columns(rng, _DENSE, _GROUPS, used=8) * np.sqrt(_LINEAR)
    # A sparse feature's standard deviation is 0.66, absence (0) included.
    sparse = _sparse_columns(rng, _SPARSE, _GROUPS, used=4) * np.sqrt(_FROM_SPARSE) / 0.66
    own = np.zeros((_FEATURES, len(_LABELS)))
    own[:_DENSE] = _sparse_columns(rng, _DENSE, len(_LABELS), used=4)
    factors = np.stack([rng.permutation(_DENSE)[:2] for _ in range(_GROUPS)], axis=1)
    return _Concept(np.vstack([dense, sparse]), own, factors)


def _sparse_columns(rng: np.random.Generator, rows: int, columns: int, used: int) -> Float64Array:
    """A matrix whose columns have unit length and ``used`` non-zero rows."""
    matrix = np.zeros((rows, columns))
    for j in range(columns):
        weights = rng.standard_normal(used)
        matrix[rng.permutation(rows)[:used], j] = weights / np.linalg.norm(weights)
    return matrix


def _concept_of(positions: Int64Array, chance: Float64Array) -> Int64Array:
    """Which of the three concepts each event follows."""
    sudden, gradual, _ = _DRIFTS
    ramp = (positions - gradual.start) / (gradual.end - gradual.start)
    return (positions >= sudden.start).astype(np.int64) + (chance < ramp)


def _group_of(positions: Int64Array) -> Int64Array:
    """Group of every label at each position, ``(n, labels)``."""
    label = np.arange(len(_LABELS))
    before, after = label // (len(_LABELS) // _GROUPS), label % _GROUPS
    return np.where((positions >= _DRIFTS[2].start)[:, None], after, before)


def _labels(
    concept: _Concept, x: Float64Array, noise: Float64Array, positions: Int64Array
) -> BoolArray:
    """Which labels are on: those of active groups whose own score agrees."""
    first, second = concept.factors
    score = x @ concept.group_weights + np.sqrt(_PRODUCT) * x[:, first] * x[:, second]
    score += np.sqrt(1.0 - _LINEAR - _FROM_SPARSE - _PRODUCT) * noise
    # Sparse features are 0.225 on average: without this the groups would differ in size.
    score -= 0.225 * concept.group_weights[_DENSE:].sum(axis=0)
    active = (score > _SECOND_GROUP) | (score == score.max(axis=1, keepdims=True))
    member = x @ concept.label_weights > _MEMBER
    return np.take_along_axis(active, _group_of(positions), axis=1) & member


def _indptr(mask: BoolArray) -> Int64Array:
    return np.concatenate(([0], np.cumsum(mask.sum(axis=1)))).astype(np.int64)
