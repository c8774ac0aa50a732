"""The document the status page shows: built beside the run at most once a second."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

from streamml.cli.monitor.history import History, Point, columns
from streamml.cli.monitor.tree import LabelHistory, shown_name, tree_view
from streamml.cli.monitor.verdicts import is_drifting, is_keeping_up, is_learning
from streamml.service.progress import STRUCTURE_CHANGES

if TYPE_CHECKING:
    from streamml.base import Learner
    from streamml.io.operation import Operation
    from streamml.metrics import Prequential
    from streamml.service import Progress
    from streamml.types import Change

__all__ = ["StateBuilder"]

_FORMAT: Final = 1
_DRIFTS: Final = ("drift", "swap")  # warnings and pruned alternates change nothing
_FEWEST_SCORED: Final = 50  # a curve over fewer says nothing
_MOST_CHANGES: Final = 100
_MOST_GROUPS: Final = 12
_MOST_NAMES: Final = 8
_MOST_PARTITIONS: Final = 100
_MOST_REASONS: Final = 20


class StateBuilder:
    """Keeps a bounded past and builds the document.

    Parameters
    ----------
    source
        What is read, for a person.
    learner
        Gives its label tree.
    metrics
        Learner name -> metrics, the learner's own first.
    history
        Where points are kept.

    Examples
    --------
    >>> from streamml import IHOMER
    >>> from streamml.service import Service
    >>> from streamml.streams import DemoStream
    >>> service = Service(DemoStream(), IHOMER(), limit=500)
    >>> builder = StateBuilder("demo", service.learner, service.metrics)
    >>> document = builder.build(service.run().progress)
    >>> document["events"], document["verdicts"]["learning"]["word"]
    (500, 'Yes')
    """

    def __init__(
        self,
        source: str,
        learner: Learner,
        metrics: Mapping[str, Prequential],
        history: History | None = None,
    ) -> None:
        self._source = source
        self._learner = learner
        self._metrics = metrics
        self._name, self._own = next(iter(metrics.items()))
        self.history = history if history is not None else History()
        self._labels = LabelHistory(self._own.window)
        self._changes: deque[dict[str, Any]] = deque(maxlen=_MOST_CHANGES)
        self._drifts: deque[dict[str, Any]] = deque(maxlen=_MOST_CHANGES)
        self._last: Point | None = None

    def note(self, changes: Sequence[Change], at: float) -> None:
        """Changes since the last call; ``at`` in seconds since the start."""
        self._labels.note(changes)
        drifts = [change for change in changes if change.kind in _DRIFTS]
        others = [change for change in changes if change.kind in STRUCTURE_CHANGES]
        # Of many at once only the newest can be shown.
        self._drifts.extend(self._change(change, at) for change in drifts[-_MOST_CHANGES:])
        self._changes.extend(self._change(change, at) for change in others[-_MOST_CHANGES:])

    def build(self, progress: Progress) -> dict[str, Any]:
        """The document as it stands: plain values, of bounded size."""
        baselines = self._baselines()
        best = max(baselines.items(), key=lambda item: item[1], default=None)
        point = self._point(progress, None if best is None else best[1])
        self.history.add(point)
        recent = list(self.history.recent)
        return {
            "format": _FORMAT,
            "source": shown_name(self._source),
            "learner": shown_name(self._name),
            "seconds": round(progress.seconds, 1),
            "events": progress.events,
            "length": progress.length,
            "features": progress.features,
            "labels": progress.labels,
            "clusters": progress.clusters,
            "rate": None if point.rate is None else round(point.rate, 1),
            "mean_rate": round(progress.events_per_second, 1),
            "window": {"events": progress.window_events, **_finite(progress.window.as_dict())},
            "cumulative": _finite(progress.cumulative.as_dict()),
            "baselines": baselines,
            "verdicts": self._verdicts(progress, best, recent),
            "tree": self._tree(),
            "changes": list(self._changes),
            "drifts": list(self._drifts),
            "totals": {"changes": progress.structure_changes, "drifts": progress.drifts},
            "dead_letters": _largest(progress.dead_letters),
            "operation": _operation(progress.operation),
            "history": {
                "recent": columns(recent),
                "whole": columns(self.history.whole()),
            },
        }

    def _point(self, progress: Progress, baseline: float | None) -> Point:
        last = self._last
        rate = None
        if last is not None and progress.seconds > last.at:
            rate = (progress.events - last.events) / (progress.seconds - last.at)
        drawn = progress.window_events >= _FEWEST_SCORED
        self._last = Point(
            at=progress.seconds,
            events=progress.events,
            rate=rate,
            f1=_known(progress.window.micro_f1) if drawn else None,
            exact=_known(progress.window.exact_match) if drawn else None,
            baseline=baseline if drawn else None,
            lag=progress.operation.lag,
        )
        return self._last

    def _verdicts(
        self, progress: Progress, best: tuple[str, float] | None, recent: list[Point]
    ) -> dict[str, Any]:
        f1 = _known(progress.window.micro_f1)
        drifts = [d["position"] for d in self._drifts if d["kind"] == "drift"]
        answers = {
            "learning": is_learning(f1, progress.window_events, best),
            "drifting": is_drifting(drifts, self._own.events, self._own.window, recent),
            "keeping_up": is_keeping_up(progress.operation, recent),
        }
        return {name: asdict(answer) for name, answer in answers.items()}

    def _baselines(self) -> dict[str, float]:
        """Micro-F1 over the window of each learner that runs beside."""
        beside = list(self._metrics.items())[1:]
        scores = {name: _known(metrics.windowed().micro_f1) for name, metrics in beside}
        return {name: value for name, value in scores.items() if value is not None}

    def _tree(self) -> dict[str, Any]:
        names = self._learner.schema.labels.names
        counts = self._own.label_counts("windowed")
        tree = self._learner.label_tree()
        return tree_view(tree, names, counts, self._labels, self._own.events)

    def _change(self, change: Change, at: float) -> dict[str, Any]:
        names = self._learner.schema.labels.names
        groups = [
            {
                "names": [shown_name(names[k]) for k in group[:_MOST_NAMES] if k < len(names)],
                "more": max(len(group) - _MOST_NAMES, 0),
            }
            for group in change.labels[:_MOST_GROUPS]
        ]
        return {
            "at": round(at, 1),
            "kind": change.kind,
            "scope": change.scope,
            "position": change.position,
            "groups": groups,
            "more": max(len(change.labels) - _MOST_GROUPS, 0),
            "statistic": _known(change.statistic),
            "bound": _known(change.bound),
        }


def _known(value: float) -> float | None:
    return round(float(value), 4) if math.isfinite(value) else None


def _finite(scores: Mapping[str, float]) -> dict[str, float | None]:
    return {name: _known(value) for name, value in scores.items()}


def _largest(counts: Mapping[str, int]) -> dict[str, int]:
    ordered = sorted(counts.items(), key=lambda item: -item[1])
    return {shown_name(name): n for name, n in ordered[:_MOST_REASONS]}


def _operation(operation: Operation) -> dict[str, Any]:
    partitions, latency = operation.partitions, operation.end_to_end
    p99 = latency.quantile(0.99) if latency is not None else None
    return {
        "partitions": None
        if partitions is None
        else [
            {"topic": shown_name(p.topic), "partition": p.partition, "lag": p.lag}
            for p in sorted(partitions, key=lambda p: -(p.lag or 0))[:_MOST_PARTITIONS]
        ],
        "n_partitions": None if partitions is None else len(partitions),
        "lag": operation.lag,
        "outcomes": dict(operation.outcomes),
        "p99": p99 if p99 is None or math.isfinite(p99) else None,
        "join": None if operation.join is None else asdict(operation.join),
        "snapshot": None if operation.snapshot is None else asdict(operation.snapshot),
    }
