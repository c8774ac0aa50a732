"""Predictions as JSON Lines, and what every form of them says of an event."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec

from streamml.types import LABELS_FULL, LABELS_UNKNOWN, EventBatch, EventId, Predictions
from streamml_connectors.output import OutputFile

__all__ = ["Answer", "JsonlPredictionSink", "answers", "encoded", "true_labels"]

_ENCODE: Final = msgspec.json.Encoder().encode

Truth = list[str] | dict[str, list[str]] | None


class Answer(NamedTuple):
    """What is predicted for one event: the label set decided, and scores (six digits)."""

    id: EventId
    labels: list[str]
    scores: dict[str, float]


def answers(batch: EventBatch, predictions: Predictions) -> Iterator[Answer]:
    """One an event of the batch, by names."""
    names = batch.schema.labels
    labels = [names[c] for c in predictions.indices.tolist()]
    scored = [names[c] for c in predictions.score_indices.tolist()]
    scores = [round(p, 6) for p in predictions.scores.tolist()]
    ends, score_ends = predictions.indptr.tolist(), predictions.score_indptr.tolist()
    if len(score_ends) != len(ends):  # no scores at all
        score_ends = [0] * len(ends)
    for i, event_id in enumerate(batch.ids):
        row = slice(score_ends[i], score_ends[i + 1])
        named = dict(zip(scored[row], scores[row], strict=True))
        yield Answer(event_id, labels[ends[i] : ends[i + 1]], named)


def true_labels(batch: EventBatch) -> Iterator[Truth]:
    """What is known of each event's labels, as ``y`` of a JSON event says it.

    A list where they are known, ``None`` where they are not (yet), ``{"positive": [...],
    "negative": [...]}`` where they are known in part.
    """
    names = batch.schema.labels
    positive, negative = batch.y_indices.tolist(), batch.negative_indices.tolist()
    for i, kind in enumerate(batch.y_kind.tolist()):
        known = [names[c] for c in positive[batch.y_indptr[i] : batch.y_indptr[i + 1]]]
        if kind == LABELS_UNKNOWN:
            yield None
        elif kind == LABELS_FULL:
            yield known
        else:
            ruled_out = negative[batch.negative_indptr[i] : batch.negative_indptr[i + 1]]
            yield {"positive": known, "negative": [names[c] for c in ruled_out]}


def encoded(batch: EventBatch, predictions: Predictions, *, truth: bool = False) -> list[bytes]:
    """Each prediction as a JSON object: ``id``, ``labels``, ``scores``, asked for ``true_labels``.

    Examples
    --------
    >>> import numpy as np
    >>> from streamml.types import Event, Schema
    >>> events = [Event(7, 0.0, {"f": 1.0}, frozenset({"rain"}))]
    >>> batch = EventBatch.from_events(events, Schema(labels=["sun"]))
    >>> one = np.array([0, 1], np.int64), np.zeros(1, np.int32)
    >>> encoded(batch, Predictions(*one), truth=True)
    [b'{"id":7,"labels":["sun"],"scores":{},"true_labels":["rain"]}']
    """
    lines: list[dict[str, Any]] = [answer._asdict() for answer in answers(batch, predictions)]
    if truth:
        for line, known in zip(lines, true_labels(batch), strict=True):
            line["true_labels"] = known
    return [_ENCODE(line) for line in lines]


class JsonlPredictionSink(OutputFile):
    r"""Writes one JSON object per event: ``id``, ``labels``, ``scores``.

    Made as any :class:`~streamml_connectors.output.OutputFile`, and with one parameter more.

    Parameters
    ----------
    truth
        Whether to write ``true_labels`` too, as ``y`` of a JSON event: a list, ``null`` while
        they are not known.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import numpy as np
    >>> from streamml.types import Event, Schema
    >>> batch = EventBatch.from_events([Event(7, 0.0, {"f": 1.0}, None)], Schema(labels=["sun"]))
    >>> one = np.array([0, 1], np.int64), np.zeros(1, np.int32)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     sink = JsonlPredictionSink(Path(folder) / "out.jsonl")
    ...     sink.write(batch, Predictions(*one, *one, np.array([0.75], np.float32)))
    ...     sink.close()
    ...     sink.path.read_text()
    '{"id":7,"labels":["sun"],"scores":{"sun":0.75}}\n'
    """

    def __init__(self, path: Path | str, *, append: bool = False, truth: bool = False) -> None:
        super().__init__(path, append=append)
        self._truth = truth

    def write(self, batch: EventBatch, predictions: Predictions) -> None:
        """Write one line an event."""
        lines = encoded(batch, predictions, truth=self._truth)
        self.append(b"".join(line + b"\n" for line in lines))
