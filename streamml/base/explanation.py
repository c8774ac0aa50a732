"""Why a learner scored a label as it did: cluster, classifiers, features, and other labels."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from html import escape

from streamml.types.printable import printable

__all__ = ["Explanation", "LabelExplanation", "Share"]

_BAR, _ROW, _TEXT = 90.0, 20, 190  # pixels
_NAME = 24  # characters of a name shown in a picture
_LEAST = 0.005  # logits: what is less is not shown


@dataclass(frozen=True, slots=True)
class Share:
    """What one part adds to a label's score.

    Parameters
    ----------
    name
        Of the classifier, feature or label.
    added
        Logits; a positive number speaks for the label.
    value
        Score of the classifier (a logit), scaled value of the feature, or how far the
        other label's probability lies above its frequency.
    """

    name: str
    added: float
    value: float


@dataclass(frozen=True, slots=True)
class LabelExplanation:
    """Why one label got its score; the shares of classifiers and labels add up to it.

    Parameters
    ----------
    label, cluster
        The label, and all labels of its cluster.
    probability, threshold
        Score, and what thresholds ask for; both in [0, 1].
    decided
        Whether the label is in the predicted set. A set that was seen before may win
        over thresholds.
    by_set
        Whether the best label set seen decided, not the thresholds.
    classifiers
        Shares of the node classifiers, largest first.
    labels
        Shares of the other labels of the cluster (the second level), largest first.
    features
        Shares of features in what the linear classifiers among them add, largest first;
        the rest of it is their bias.
    """

    label: str
    cluster: tuple[str, ...]
    probability: float
    threshold: float
    decided: bool
    by_set: bool
    classifiers: tuple[Share, ...]
    labels: tuple[Share, ...]
    features: tuple[Share, ...]

    @property
    def score(self) -> float:
        """The logit that the shares of classifiers and labels add up to."""
        return sum(share.added for share in (*self.classifiers, *self.labels))

    def lines(self) -> Iterator[str]:
        """As text."""
        word = "predicted" if self.decided else "not predicted"
        how = "by a label set seen" if self.by_set else f"threshold {self.threshold:.2f}"
        yield f"{printable(self.label)}: {word} at {self.probability:.2f} ({how})"
        yield f"  cluster: {', '.join(map(printable, self.cluster))}"
        for title, shares in self._groups():
            if shares:
                yield f"  {title}:"
            for share in shares:
                yield f"    {share.added:+7.2f}  {printable(share.name)} ({share.value:.3g})"

    def _groups(self) -> tuple[tuple[str, list[Share]], ...]:
        """What is shown: shares that do not round to nothing."""
        groups = {
            "classifiers": self.classifiers,
            "other labels": self.labels,
            "features": self.features,
        }
        return tuple(
            (title, [share for share in shares if abs(share.added) >= _LEAST])
            for title, shares in groups.items()
        )


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why an event got its label set: one part a label, the likeliest first.

    ``print`` it, or draw it with :meth:`svg`.
    """

    labels: tuple[LabelExplanation, ...]

    def __str__(self) -> str:
        return "\n".join(line for label in self.labels for line in label.lines())

    def svg(self) -> str:
        """A picture that scales: bars to the right speak for a label, to the left against it."""
        rows: list[tuple[str, float | None]] = []
        for label in self.labels:
            rows.append((next(label.lines()), None))
            for title, shares in label._groups():
                if shares:
                    rows.append((title, None))
                rows.extend((printable(share.name), share.added) for share in shares)
        largest = max((abs(added) for _, added in rows if added is not None), default=1.0) or 1.0
        parts = [
            _row(_ROW * k, name, None if added is None else added / largest, added)
            for k, (name, added) in enumerate(rows)
        ]
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 460 {_ROW * len(rows) + 6}" '
            'font-family="sans-serif" font-size="12" fill="currentColor" role="img" '
            f'aria-label="explanation">{"".join(parts)}</svg>'
        )

    def _repr_svg_(self) -> str:
        return self.svg()


def _row(y: int, name: str, length: float | None, added: float | None) -> str:
    if length is None or added is None:
        return f'<text x="4" y="{y + 14}" font-weight="bold">{escape(name)}</text>'
    shown = name if len(name) <= _NAME else name[: _NAME - 1] + "…"
    width = abs(length) * _BAR
    middle = _TEXT + _BAR
    x = middle if length >= 0 else middle - width
    colour = "#2a7" if length >= 0 else "#c53"
    return (
        f'<text x="{_TEXT - 6}" y="{y + 14}" text-anchor="end">{escape(shown)}</text>'
        f'<rect x="{x:.1f}" y="{y + 4}" width="{width:.1f}" height="12" fill="{colour}"/>'
        f'<text x="{middle + _BAR + 8:.0f}" y="{y + 14}">{added:+.2f}</text>'
    )
