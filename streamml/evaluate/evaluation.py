"""What came out of a stream: scores, per label too, a curve of them, and how it is shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from html import escape
from typing import Any, Final, NamedTuple

from streamml.errors import ConfigError
from streamml.evaluate.curve import CurvePlot, CurvePoint
from streamml.metrics import TITLES, Prequential, Scores
from streamml.metrics.prequential import View

__all__ = ["Evaluation", "LabelScore"]

_SCORES: Final = tuple(field.name for field in fields(Scores))


class LabelScore(NamedTuple):
    """How well one label was predicted; figures in [0, 1], 0 where undefined."""

    support: float
    """Number of events where it was true."""
    precision: float
    recall: float
    f1: float


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What came out of a stream.

    Parameters
    ----------
    events, features, labels
        How many events were handed out, and how many names were known at the end.
    metrics
        ``"learner"`` and the names of those beside -> metrics.
    seconds
        Wall time of ``read``, ``predict``, ``learn``, ``score`` and ``beside``.
    dead_letters
        Reason -> how many events could not be used (of a source).
    label_names
        The labels in the order of the schema, which is that of scores per label.
    curve
        Windowed scores at equal distances over the stream, at most 200 of them, and at its end.

    Examples
    --------
    Printed, it is a table of what was scored from the first event on; a notebook shows the table
    and the curve:

    >>> from streamml.baselines import MLHAT
    >>> from streamml.evaluate import prequential
    >>> from streamml.streams import DemoStream
    >>> result = prequential(DemoStream(n_events=500), MLHAT())
    >>> print(result)
    500 events, 40 features, 12 labels
              exact_match hamming_loss micro_f1 macro_f1 example_f1
    learner         0.078        0.253    0.510    0.510      0.459
    no-change       0.058        0.348    0.247    0.246      0.227
    majority        0.092        0.361    0.244    0.222      0.231
    >>> [point.events for point in result.curve][-2:]
    [450, 500]
    """

    events: int
    features: int
    labels: int
    metrics: Mapping[str, Prequential]
    seconds: Mapping[str, float]
    dead_letters: Mapping[str, int]
    label_names: tuple[Any, ...] = ()
    curve: tuple[CurvePoint, ...] = ()

    def per_label(
        self, learner: str = "learner", which: View = "cumulative"
    ) -> dict[Any, LabelScore]:
        """Label -> its scores, in the order of the schema.

        Parameters
        ----------
        learner
            ``"learner"``, or the name of one beside it.
        which
            ``"cumulative"``, ``"windowed"`` or ``"faded"``.

        Raises
        ------
        ConfigError
            There is no such learner or view.

        Examples
        --------
        >>> from streamml.baselines import NoChange
        >>> from streamml.evaluate import prequential
        >>> result = prequential([({"f": 1.0}, {"sun"})] * 4, NoChange())
        >>> result.per_label()["sun"].recall
        0.75
        """
        self._named(learner, self.metrics, "learner")
        found = self.metrics[learner].per_label(which)
        arrays = (found.support, found.precision, found.recall, found.f1)
        columns = zip(*(array.tolist() for array in arrays), strict=True)
        # names that came after the last event scored have no scores yet
        return {
            label: LabelScore(*scores)
            for label, scores in zip(self.label_names, columns, strict=False)
        }

    def plot(self, score: str = "exact_match") -> CurvePlot:
        """A picture of a score over the stream, for notebooks; ``.svg()`` is its text.

        Parameters
        ----------
        score
            Field of :class:`~streamml.metrics.Scores`.

        Raises
        ------
        ConfigError
            There is no such score.
        """
        self._named(score, _SCORES, "score")
        return CurvePlot(self.curve, score)

    def __str__(self) -> str:
        width = max(map(len, self.metrics), default=0)
        lines = [self._counts(), " ".join([" " * width, *TITLES])]
        for name, cells in self._cells().items():
            padded = [f"{cell:>{len(score)}}" for cell, score in zip(cells, TITLES, strict=True)]
            lines.append(" ".join([f"{name:{width}}", *padded]))
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        heads = "".join(f"<th>{score.replace('_', ' ')}</th>" for score in TITLES)
        rows = "".join(
            f"<tr><th>{escape(name)}</th>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"
            for name, cells in self._cells().items()
        )
        table = f"<table><thead><tr><th></th>{heads}</tr></thead><tbody>{rows}</tbody></table>"
        return f"<div><p>{self._counts()}</p>{table}{self.plot().svg()}</div>"

    def _counts(self) -> str:
        return f"{self.events:,} events, {self.features:,} features, {self.labels:,} labels"

    def _cells(self) -> dict[str, list[str]]:
        scores = {name: metrics.cumulative().as_dict() for name, metrics in self.metrics.items()}
        return {name: [f"{found[score]:.3f}" for score in TITLES] for name, found in scores.items()}

    @staticmethod
    def _named(name: str, known: Any, what: str) -> None:
        if name not in known:
            raise ConfigError(f"There is no {what} {name!r}: take one of {', '.join(known)}.")
