"""The end of a run: what there is to report, and its form for programs, one JSON object."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from streamml.base import Learner
    from streamml.embed import EmbeddingStatus
    from streamml.metrics import Scores
    from streamml.service import Result

__all__ = ["RunReport", "to_json"]


_LABEL_SCORES: Final = ("support", "precision", "recall", "f1")


@dataclass(frozen=True, slots=True)
class RunReport:
    """What the report is made of.

    Parameters
    ----------
    source, order
        As asked for.
    learner
        As it stands at the end.
    learner_name
        As asked for.
    result
        Of the service.
    names
        Label names by column.
    first_prediction
        Seconds from the start of the process to the first predictions, or ``None``.
    peak_rss_mb
        Largest resident memory, MB.
    per_label
        Whether the scores of each label are asked for.
    """

    source: str
    order: str
    learner: Learner
    learner_name: str
    result: Result
    names: Sequence[str]
    first_prediction: float | None
    peak_rss_mb: float
    per_label: bool = False

    @property
    def label_scores(self) -> dict[str, dict[str, float]]:
        """Label -> scores over all events, of the learner alone."""
        found = next(iter(self.result.metrics.values())).per_label()
        columns = {name: getattr(found, name).tolist() for name in _LABEL_SCORES}
        return {
            name: dict(zip(columns, values, strict=True))
            for name, values in zip(self.names, zip(*columns.values(), strict=True), strict=False)
        }


def to_json(report: RunReport) -> str:
    """One line of JSON; a score that does not exist (nothing was scored) is ``null``."""
    progress = report.result.progress
    return json.dumps(
        {
            "source": report.source,
            "order": report.order,
            "events": progress.events,
            "features": progress.features,
            "labels": progress.labels,
            "learner": report.learner_name,
            "seconds": round(progress.seconds, 6),
            "events_per_second": round(progress.events_per_second, 1),
            "peak_rss_mb": round(report.peak_rss_mb, 1),
            "clusters": progress.clusters,
            "structure_changes": progress.structure_changes,
            "drifts": progress.drifts,
            "outcomes": dict(progress.operation.outcomes),
            "dead_letters": dict(sorted(progress.dead_letters.items())),
            "first_dead_letters": {
                reason: {"position": letter.position, "detail": letter.detail}
                for reason, letter in sorted(report.result.first_letters.items())
            },
            "metrics": {
                name: {
                    "cumulative": _finite(metrics.cumulative()),
                    "window": _finite(metrics.windowed()),
                }
                for name, metrics in report.result.metrics.items()
            },
            **({"per_label": report.label_scores} if report.per_label else {}),
            **_embedding(progress.embedding),
        },
        allow_nan=False,
    )


def _embedding(status: EmbeddingStatus | None) -> dict[str, object]:
    if status is None:
        return {}
    rate = round(status.events_per_second, 1)
    return {"embedding": {"embedder": status.embedder, "events_per_second": rate,
                          "batch_limit": status.batch_limit}}  # fmt: skip


def _finite(scores: Scores) -> dict[str, float | None]:
    return {k: None if math.isnan(v) else v for k, v in scores.as_dict().items()}
