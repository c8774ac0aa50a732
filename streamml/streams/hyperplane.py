"""Labels that are half-spaces: one rotating hyperplane a label."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np

from streamml.streams.label_plan import LabelState, cuts
from streamml.streams.schedule import Blend
from streamml.streams.synthetic import Draws, SyntheticStream
from streamml.types import BoolArray, Float64Array

__all__ = ["HyperplaneStream"]


class _Concept(NamedTuple):
    weights: Float64Array  # (features, labels), unit columns
    cuts: Float64Array  # (labels,)


@dataclass(eq=False)
class HyperplaneStream(SyntheticStream):
    """A label stands where a linear score of standard normal features is high.

    The normal of a label's hyperplane is its group's direction plus one of its own. An
    incremental drift of the concept turns the hyperplanes. Parameters are
    :class:`~streamml.streams.synthetic.SyntheticStream`'s.

    Examples
    --------
    >>> stream = HyperplaneStream(n_labels=8, drift="incremental", width=5_000)
    >>> [(drift.kind, drift.start, drift.end) for drift in stream.drifts]
    [('incremental', 20000, 25000), ('incremental', 35000, 40000)]

    References
    ----------
    Hulten, Spencer and Domingos, Mining time-changing data streams, KDD 2001.
    """

    NAME: ClassVar[str] = "hyperplane"

    def _draw(self, rng: np.random.Generator, n: int) -> Draws:
        return (rng.standard_normal((n, self.n_features)),)

    def _concept(self, blend: Blend, labels: LabelState) -> _Concept:
        old, new = (self._weights(number, labels) for number in (blend.old, blend.new))
        return _Concept(_unit((1.0 - blend.share) * old + blend.share * new), cuts(labels.rates))

    def _weights(self, number: int, labels: LabelState) -> Float64Array:
        rng = self._rng(number)
        group = _unit(rng.standard_normal((self.n_features, self._plan.n_groups)))
        own = _unit(rng.standard_normal((self.n_features, self.n_labels)))
        shared = np.sqrt(self.correlation) * group[:, labels.groups]
        return _unit(shared + np.sqrt(1.0 - self.correlation) * own)

    def _make(self, concept: _Concept, draws: Draws) -> tuple[Float64Array, BoolArray]:
        return draws[0], draws[0] @ concept.weights > concept.cuts


def _unit(columns: Float64Array) -> Float64Array:
    found: Float64Array = columns / np.maximum(np.linalg.norm(columns, axis=0), 1e-12)
    return found
