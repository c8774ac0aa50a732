"""Labels that share hidden causes: what a label says of another, the features do not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np

from streamml.errors import ConfigError
from streamml.streams.label_plan import LabelState, cuts
from streamml.streams.schedule import Blend
from streamml.streams.synthetic import Draws, SyntheticStream
from streamml.types import BoolArray, Float64Array, Int64Array

__all__ = ["LabelCorrelationStream"]


class _Concept(NamedTuple):
    shown: Float64Array  # (groups, features): how features show the hidden causes
    own: Float64Array  # (features, labels), unit columns
    groups: Int64Array  # (labels,)
    cuts: Float64Array  # (labels,)


@dataclass(eq=False)
class LabelCorrelationStream(SyntheticStream):
    """Each group of labels has a hidden cause, which the features show only in part.

    So the labels of a group depend on each other even when the features are known, by
    ``correlation`` in their hidden scores. Other parameters are
    :class:`~streamml.streams.synthetic.SyntheticStream`'s.

    Parameters
    ----------
    visible
        Share of a feature's variance that hidden causes give, in [0, 1].

    Examples
    --------
    >>> stream = LabelCorrelationStream(drift="sudden", what="correlation")
    >>> stream.groups_at(0)[0]
    ('label_00', 'label_01', 'label_02', 'label_03')
    """

    visible: float = 0.6

    NAME: ClassVar[str] = "correlation"

    def _check(self) -> None:
        super()._check()
        if not 0.0 <= self.visible <= 1.0:
            raise ConfigError(f"visible must lie in [0, 1], not {self.visible}.")

    def groups_at(self, position: int) -> tuple[tuple[str, ...], ...]:
        """The labels that go together at a position outside of a drift."""
        blend, _ = self._schedule.blends(np.array([position]), np.zeros(1))[0]
        groups = self._state(blend)[1].groups
        return tuple(
            tuple(self._label_names[i] for i in np.flatnonzero(groups == group).tolist())
            for group in range(self._plan.n_groups)
        )

    def _draw(self, rng: np.random.Generator, n: int) -> Draws:
        hidden = rng.standard_normal((n, self._plan.n_groups))
        return hidden, rng.standard_normal((n, self.n_features))

    def _concept(self, blend: Blend, labels: LabelState) -> _Concept:
        old, new = (self._directions(number) for number in (blend.old, blend.new))
        shown, own = (
            _unit((1.0 - blend.share) * a + blend.share * b) for a, b in zip(old, new, strict=True)
        )
        return _Concept(shown, own, labels.groups, cuts(labels.rates))

    def _directions(self, number: int) -> tuple[Float64Array, Float64Array]:
        rng = self._rng(number)
        shown = rng.standard_normal((self._plan.n_groups, self.n_features))
        return shown, rng.standard_normal((self.n_features, self.n_labels))

    def _make(self, concept: _Concept, draws: Draws) -> tuple[Float64Array, BoolArray]:
        hidden, rest = draws
        x = np.sqrt(self.visible) * (hidden @ concept.shown) + np.sqrt(1.0 - self.visible) * rest
        shared = np.sqrt(self.correlation) * hidden[:, concept.groups]
        score = shared + np.sqrt(1.0 - self.correlation) * (rest @ concept.own)
        return x, score > concept.cuts


def _unit(columns: Float64Array) -> Float64Array:
    found: Float64Array = columns / np.maximum(np.linalg.norm(columns, axis=0), 1e-12)
    return found
