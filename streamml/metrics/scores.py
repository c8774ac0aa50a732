"""Figures read off counts: the scores of a stream, and of each of its labels."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Final

import numpy as np
from numpy.typing import NDArray

from streamml.metrics._kernels import EVENTS, EXACT, F1, FULL, KNOWN, ONE, PRECISION, RECALL
from streamml.types import Float64Array, Int64Array

__all__ = ["LOWER_IS_BETTER", "TITLES", "LabelScores", "Scores"]

TITLES: Final = {
    "exact_match": "exact match",
    "hamming_loss": "Hamming loss",
    "micro_f1": "micro-F1",
    "macro_f1": "macro-F1",
    "example_f1": "example-F1",
}
"""The scores that people are shown, in this order, with what they are called."""

LOWER_IS_BETTER: Final = frozenset({"hamming_loss"})

Tally = Int64Array | Float64Array


@dataclass(frozen=True, slots=True)
class Scores:
    """Multi-label scores over a set of events; all in [0, 1], NaN where no event was scored.

    Parameters
    ----------
    exact_match
        Share of events whose label set was predicted exactly (subset accuracy).
    hamming_loss
        Share of wrong ones among the known label values: events times labels known now;
        in a partially known event only its known labels count.
    micro_precision, micro_recall, micro_f1
        Over all events and labels together; 0 where undefined.
    macro_precision, macro_recall, macro_f1
        Mean over all labels known now; 0 for a label where it is undefined.
    example_precision, example_recall, example_f1
        Mean over events. An event with no true and no predicted label counts 1 in all
        three; where only one of the two is empty, all three are 0. In scikit-learn's
        terms: ``average="samples", zero_division=0``, plus the share of events with both
        empty. Its F1 with ``zero_division=1`` is the same figure.

    Examples
    --------
    >>> from streamml.metrics import Prequential
    >>> Prequential().cumulative().exact_match
    nan

    References
    ----------
    Tsoumakas, Katakis and Vlahavas (2010), Mining Multi-label Data, section 7.
    """

    exact_match: float
    hamming_loss: float
    micro_precision: float
    micro_recall: float
    micro_f1: float
    macro_precision: float
    macro_recall: float
    macro_f1: float
    example_precision: float
    example_recall: float
    example_f1: float

    def as_dict(self) -> dict[str, float]:
        """Name -> value, in the order of the fields."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class LabelScores:
    """Scores of every label, one array cell a label column.

    Parameters
    ----------
    support
        Number of events where the label was true, ``(labels,)``; a faded number in the
        fading view.
    precision, recall, f1
        In [0, 1], ``(labels,)``; 0 where undefined.

    Examples
    --------
    >>> from streamml.metrics import Prequential
    >>> len(Prequential().per_label("windowed").f1)
    0
    """

    support: NDArray[np.int64] | NDArray[np.float64]
    precision: Float64Array
    recall: Float64Array
    f1: Float64Array


def _share(part: Tally, whole: Tally) -> Float64Array:
    """``part / whole`` cell by cell, 0 where undefined."""
    out = np.zeros(len(part), np.float64)
    np.divide(part, whole, out=out, where=whole > 0)
    return out


def label_scores(counts: Tally) -> LabelScores:
    """Read counts ``(labels, 3)`` of true positives, false positives, false negatives."""
    tp, fp, fn = counts[:, 0], counts[:, 1], counts[:, 2]
    return LabelScores(
        tp + fn, _share(tp, tp + fp), _share(tp, tp + fn), _share(2 * tp, 2 * tp + fp + fn)
    )


def scores(counts: Tally, totals: Tally) -> Scores:
    """Read counts ``(labels, 3)`` and totals over events (cells as in ``_kernels``)."""
    events = totals[EVENTS]
    labels = len(counts)
    if not events > 0:
        return Scores(*[float("nan")] * len(fields(Scores)))
    tp, fp, fn = counts.sum(axis=0)
    cells = totals[FULL] * labels + totals[KNOWN]

    def ratio(part: np.number, whole: np.number) -> float:
        return float(part / whole) if whole > 0 else 0.0

    def example(cell: int) -> float:
        return (float(totals[cell]) + float(totals[cell + 1]) / ONE) / float(events)

    each = label_scores(counts)
    return Scores(
        exact_match=float(totals[EXACT] / events),
        hamming_loss=ratio(fp + fn, cells),
        micro_precision=ratio(tp, tp + fp),
        micro_recall=ratio(tp, tp + fn),
        micro_f1=ratio(2 * tp, 2 * tp + fp + fn),
        macro_precision=float(each.precision.mean()) if labels else 0.0,
        macro_recall=float(each.recall.mean()) if labels else 0.0,
        macro_f1=float(each.f1.mean()) if labels else 0.0,
        example_precision=example(PRECISION),
        example_recall=example(RECALL),
        example_f1=example(F1),
    )
