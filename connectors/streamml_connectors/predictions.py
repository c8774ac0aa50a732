"""Predictions as JSON Lines."""

from __future__ import annotations

from typing import Final

import msgspec

from streamml.types import EventBatch, Predictions
from streamml_connectors.output import OutputFile

__all__ = ["JsonlPredictionSink", "encoded"]

_ENCODE: Final = msgspec.json.Encoder().encode


def encoded(batch: EventBatch, predictions: Predictions) -> list[bytes]:
    """Each prediction as a JSON object: ``id``, ``labels``, ``scores`` (six digits)."""
    names = batch.schema.labels
    labels = [names[c] for c in predictions.indices.tolist()]
    scored = [names[c] for c in predictions.score_indices.tolist()]
    scores = [round(p, 6) for p in predictions.scores.tolist()]
    ends, score_ends = predictions.indptr.tolist(), predictions.score_indptr.tolist()
    if len(score_ends) != len(ends):  # no scores at all
        score_ends = [0] * len(ends)
    lines = []
    for i, event_id in enumerate(batch.ids):
        row = slice(score_ends[i], score_ends[i + 1])
        line = {
            "id": event_id,
            "labels": labels[ends[i] : ends[i + 1]],
            "scores": dict(zip(scored[row], scores[row], strict=True)),
        }
        lines.append(_ENCODE(line))
    return lines


class JsonlPredictionSink(OutputFile):
    r"""Writes one JSON object per event: ``id``, ``labels``, ``scores``.

    Made as any :class:`~streamml_connectors.output.OutputFile`.

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

    def write(self, batch: EventBatch, predictions: Predictions) -> None:
        """Write one line an event."""
        self.append(b"".join(line + b"\n" for line in encoded(batch, predictions)))
