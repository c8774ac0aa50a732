"""The label tree as the page draws it: clusters with their labels, score and drift state."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from streamml.service.progress import STRUCTURE_CHANGES

if TYPE_CHECKING:
    from streamml.base import LabelNode
    from streamml.types import Change, Float64Array, Int64Array

__all__ = ["LabelHistory", "shown_name", "tree_view"]

_MOST_NAMES: Final = 40
_MOST_CLUSTERS: Final = 250
_LONGEST_NAME: Final = 80


def shown_name(name: str) -> str:
    r"""A name that fits a line and any encoding.

    Examples
    --------
    >>> shown_name("a" * 100)[-3:], shown_name("half \ud83d")
    ('aa…', 'half ?')
    """
    name = name.encode("utf-8", "replace").decode()
    return name if len(name) <= _LONGEST_NAME else name[: _LONGEST_NAME - 1] + "…"


class LabelHistory:
    """When each label's cluster drifted and changed last; costs one number a label.

    Parameters
    ----------
    window
        Events for which a drift or a change counts as new.

    Examples
    --------
    >>> from streamml.types import Change
    >>> history = LabelHistory(window=1000)
    >>> history.note([Change("drift", "local", 5000, ((0, 1),))])
    >>> history.state([1, 2], 5600), history.state([2], 5600), history.state([1], 9000)
    (('drifting', 5000), ('stable', None), ('recent', 5000))
    """

    def __init__(self, window: int) -> None:
        self.window = window
        self._drift: dict[int, int] = {}
        self._change: dict[int, int] = {}

    def note(self, changes: Iterable[Change]) -> None:
        """Changes since the last call, oldest first."""
        for change in changes:
            at = self._drift if change.kind == "drift" else self._change
            if change.kind == "drift" or change.kind in STRUCTURE_CHANGES:
                for group in change.labels:
                    at.update(dict.fromkeys(group, change.position))

    def state(self, labels: Sequence[int], position: int) -> tuple[str, int | None]:
        """State of a cluster, and the position of the drift or change behind it.

        ``"drifting"`` within the window, ``"new"`` where the cluster itself is,
        ``"recent"`` where it drifted within five windows, else ``"stable"``.
        """
        drift = max((self._drift[k] for k in labels if k in self._drift), default=None)
        change = max((self._change[k] for k in labels if k in self._change), default=None)
        if drift is not None and position - drift <= self.window:
            return "drifting", drift
        if change is not None and position - change <= self.window:
            return "new", change
        if drift is not None and position - drift <= 5 * self.window:
            return "recent", drift
        return "stable", drift


def tree_view(
    tree: LabelNode | None,
    names: Sequence[str],
    counts: Int64Array | Float64Array,
    history: LabelHistory,
    position: int,
) -> dict[str, Any]:
    """The tree as nested plain values, cut where it is too large to show.

    Parameters
    ----------
    tree
        As the learner gives it; ``None`` is one cluster of all labels.
    names
        Of the label columns.
    counts
        True positives, false positives, false negatives ``(labels, 3)`` in the window.
    history
        Knows drifts and changes.
    position
        Number of events learned.
    """
    if tree is None:
        tree = (tuple(range(len(names))), ())
    left = [_MOST_CLUSTERS]

    def view(node: LabelNode) -> dict[str, Any]:
        labels, children = node
        seen = {"n": len(labels), **_scores(labels, counts)}
        shown = []
        for child in children:
            if left[0] <= 0:
                break
            shown.append(view(child))
        if children:
            return {**seen, "children": shown, "hidden": len(children) - len(shown)}
        left[0] -= 1
        state, at = history.state(labels, position)
        known = [k for k in labels if k < len(names)]
        often = sorted(known, key=lambda k: (-_support(k, counts), k))[:_MOST_NAMES]
        return {
            **seen,
            "labels": [{"name": shown_name(names[k]), **_scores((k,), counts)} for k in often],
            "more": len(known) - len(often),
            "state": state,
            "at": at,
        }

    return view(tree)


def _support(label: int, counts: Int64Array | Float64Array) -> int:
    return int(counts[label, 0] + counts[label, 2]) if label < len(counts) else 0


def _scores(labels: Sequence[int], counts: Int64Array | Float64Array) -> dict[str, Any]:
    """Micro-F1 over the labels (``None`` where none was true or predicted) and support."""
    columns = np.array([k for k in labels if k < len(counts)], np.int64)
    tp, fp, fn = (int(n) for n in counts[columns].sum(axis=0))
    whole = 2 * tp + fp + fn
    return {"f1": round(2 * tp / whole, 4) if whole else None, "support": tp + fn}
