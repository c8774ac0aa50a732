"""Vectors back into event batches: what the learner sees behind the stage."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

import numpy as np

from streamml.embed.embedder import Embedder
from streamml.embed.rows import featured, join_rows, sparse_rows, spread
from streamml.errors import DataError, SchemaError
from streamml.io import JSON
from streamml.types import EventBatch, Float32Array, Schema

__all__ = ["EmbeddedSchema"]

_NAME: Final = "embedding[{}]"


class EmbeddedSchema:
    """Names behind the stage: the vector's columns, then the features that stay, and labels.

    Its schema grows as events are handed out, not as they are read ahead.

    Parameters
    ----------
    raw
        The source's schema.
    embedder
        What makes the vectors.
    """

    def __init__(self, raw: Schema, embedder: Embedder) -> None:
        self.raw = raw
        self.dimensions = embedder.dimensions
        self.sparse = embedder.sparse
        self.keeps = embedder.reads == "text"
        self.schema = Schema(
            [_NAME.format(k) for k in range(self.dimensions)],
            raw.labels.names,
            max_labels=raw.labels.limit,
            absent_is_zero=raw.absent_is_zero or embedder.sparse,
        )
        if self.keeps:
            self.grow(len(raw.features), len(raw.labels))
            self.schema.declared_features = len(self.schema.features)

    def grow(self, n_features: int, n_labels: int) -> None:
        """Take over names of the source up to these numbers.

        Raises
        ------
        SchemaError
            A feature of the source has the name of a column of the vector.
        """
        ours, theirs = self.schema.labels, self.raw.labels
        while len(ours) < n_labels:
            ours.add(theirs[len(ours)])
        if not self.keeps:
            return
        features = self.schema.features
        while (k := len(features) - self.dimensions) < n_features:
            if features.add(self.raw.features[k]) < self.dimensions:
                raise SchemaError(
                    f"The feature {self.raw.features[k]!r} has the name of a column of the "
                    "embedding: rename it."
                )

    def snapshot(self, held: EventBatch | None) -> dict[str, JSON]:
        """Names handed out, and those that events held back bring beyond them."""
        n_labels, n_features = len(self.schema.labels), len(self.schema.features) - self.dimensions
        counts: dict[str, JSON] = {"n_labels": n_labels, "n_features": n_features}
        if held is not None and len(held):
            n_labels = max(n_labels, int(held.n_labels[-1]))
            n_features = max(n_features, int(held.n_features[-1]))
        labels: list[JSON] = [*self.raw.labels.names[:n_labels]]
        features: list[JSON] = [*self.raw.features.names[: n_features if self.keeps else 0]]
        return {**counts, "labels": labels, "features": features}

    def restore(self, snapshot: Mapping[str, Any]) -> None:
        """Take names over, the source's too where its own position does not bring them.

        Raises
        ------
        DataError
            They are not those of the source, or no such names are in the snapshot.
        """
        try:
            pairs = (
                (snapshot["labels"], self.raw.labels),
                (snapshot["features"], self.raw.features),
            )
            counts = int(snapshot["n_features"]), int(snapshot["n_labels"])
            whole = all([known.add(str(n)) for n in names] == [*range(len(names))]
                        for names, known in pairs)  # fmt: skip
        except (KeyError, TypeError, ValueError) as error:
            raise DataError("The snapshot holds no names: give what snapshot() gave.") from error
        if not whole or counts[1] > len(pairs[0][0]):
            raise DataError(
                "The names in the snapshot are not those of the source: "
                "restore with the source it was taken from."
            )
        self.grow(*counts)

    def embedded(self, raw: EventBatch, vectors: Float32Array) -> EventBatch:
        """The batch that the learner sees: of the same class, rows without features as they are.

        Parameters
        ----------
        vectors
            Of the rows that :func:`~streamml.embed.rows.with_features` leaves in.
        """
        there = vectors != 0 if self.sparse else np.ones(vectors.shape, np.bool_)
        x = spread(sparse_rows(vectors, there), featured(raw))
        n_features = np.full(len(raw), self.dimensions, np.int32)
        if self.keeps:
            n_features += raw.n_features
            if len(raw.x_indices):
                moved = (raw.x_indices + np.int32(self.dimensions)).astype(np.int32)
                x = join_rows(x, (raw.x_indptr, moved, raw.x_values))
        return replace(raw, schema=self.schema, x_indptr=x[0], x_indices=x[1], x_values=x[2],
                       n_features=n_features, texts=None)  # fmt: skip
