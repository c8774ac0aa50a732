"""Labels that belong to places: each radial basis centre has a label set."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np

from streamml.errors import ConfigError
from streamml.streams.label_plan import LabelState, cells
from streamml.streams.schedule import Blend
from streamml.streams.synthetic import Draws, SyntheticStream
from streamml.types import BoolArray, Float64Array

__all__ = ["RBFStream"]


class _Concept(NamedTuple):
    centres: Float64Array  # (centres, features)
    spread: Float64Array  # (centres, 1)
    ends: Float64Array  # cumulated shares of the events
    labels: BoolArray  # (centres, labels)


@dataclass(eq=False)
class RBFStream(SyntheticStream):
    """An event lies near one of many centres and has that centre's label set.

    Centres keep their labels for good; a drift of the concept is that they go to other
    places, at once or on straight lines. Other parameters are
    :class:`~streamml.streams.synthetic.SyntheticStream`'s.

    Parameters
    ----------
    n_centres
        At least 2.

    Examples
    --------
    >>> stream = RBFStream(seed=3, n_features=4)
    >>> event = next(stream.next_batch(1).events())
    >>> event.id, len(event.x), len(stream.drifts)
    (0, 4, 0)

    References
    ----------
    Bifet, Holmes, Pfahringer, Kirkby and Gavaldà, New ensemble methods for evolving data
    streams, KDD 2009 (the generator with moving centres).
    """

    n_centres: int = 40

    NAME: ClassVar[str] = "rbf"

    def _check(self) -> None:
        super()._check()
        if self.n_centres < 2:
            raise ConfigError(f"n_centres must be at least 2, not {self.n_centres}.")

    def _draw(self, rng: np.random.Generator, n: int) -> Draws:
        return rng.random(n), rng.standard_normal((n, self.n_features))

    def _concept(self, blend: Blend, labels: LabelState) -> _Concept:
        old, new = (self._centres(number) for number in (blend.old, blend.new))
        rng = self._rng(0, 1)
        mass = rng.uniform(0.5, 1.5, self.n_centres)
        mass /= mass.sum()
        spread = rng.uniform(0.3, 0.7, (self.n_centres, 1))
        group = rng.standard_normal((self.n_centres, self._plan.n_groups))[:, labels.groups]
        own = rng.standard_normal((self.n_centres, self.n_labels))
        scores = np.sqrt(self.correlation) * group + np.sqrt(1.0 - self.correlation) * own
        return _Concept(
            (1.0 - blend.share) * old + blend.share * new,
            spread,
            np.cumsum(mass)[:-1],
            cells(scores, mass, labels.rates),
        )

    def _centres(self, number: int) -> Float64Array:
        return self._rng(number).standard_normal((self.n_centres, self.n_features))

    def _make(self, concept: _Concept, draws: Draws) -> tuple[Float64Array, BoolArray]:
        which = concept.ends.searchsorted(draws[0], "right")
        x = concept.centres[which] + concept.spread[which] * draws[1]
        return x, concept.labels[which]
