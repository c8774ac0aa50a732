"""Predictions as JSON Lines."""

from __future__ import annotations

from pathlib import Path

import msgspec

from streamml.types import EventBatch, Predictions
from streamml_connectors.output import open_output

__all__ = ["JsonlPredictionSink"]


class JsonlPredictionSink:
    r"""Writes one JSON object per event: ``id``, ``labels``, ``scores``.

    Parameters
    ----------
    path
        File to write; an old one is replaced.
    append
        Whether to write behind what is there instead (a resumed run).

    Raises
    ------
    DataError
        The file cannot be written.

    Examples
    --------
    >>> import tempfile
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

    def __init__(self, path: Path | str, *, append: bool = False) -> None:
        self.path = Path(path)
        self._encode = msgspec.json.Encoder().encode
        self._file = open_output(self.path, append)

    def write(self, batch: EventBatch, predictions: Predictions) -> None:
        """Write one line an event."""
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
            lines.append(self._encode(line) + b"\n")
        self._file.write(b"".join(lines))

    def close(self) -> None:
        """Flush and close; safe to call twice."""
        self._file.close()
