"""What was predicted for the events of a batch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from streamml.arrays import Float32Array, Int32Array, Int64Array
from streamml.errors import SchemaError
from streamml.types.frames import frame
from streamml.types.offsets import empty_offsets, joined_offsets
from streamml.types.schema import Schema

__all__ = ["Predictions"]

Names = Schema | Sequence[Any] | None


@dataclass(slots=True)
class Predictions:
    """What was predicted for the events of a batch, before any of them was learned.

    Attributes
    ----------
    indptr, indices
        The decided label sets: int64 ``(n + 1,)``; int32 columns, ascending in a row.
    score_indptr, score_indices, scores
        Probabilities in [0, 1], float32, of every decided label and of every other
        label the learner finds worth naming; columns ascending in a row.
    """

    indptr: Int64Array
    indices: Int32Array
    score_indptr: Int64Array = field(default_factory=empty_offsets)
    score_indices: Int32Array = field(default_factory=lambda: np.zeros(0, np.int32))
    scores: Float32Array = field(default_factory=lambda: np.zeros(0, np.float32))

    def __len__(self) -> int:
        return len(self.indptr) - 1

    def row(self, i: int) -> Int32Array:
        """Columns of the label set decided for row ``i``."""
        return self.indices[self.indptr[i] : self.indptr[i + 1]]

    def label_sets(self, labels: Names = None) -> list[frozenset[Any]]:
        """The decided label set of every event.

        Parameters
        ----------
        labels
            A schema, or the labels in column order; without it, sets have columns.

        Examples
        --------
        >>> decided = Predictions(np.array([0, 2, 2]), np.array([0, 2], np.int32))
        >>> [sorted(row) for row in decided.label_sets(["sun", "rain", "warm"])]
        [['sun', 'warm'], []]
        """
        keys = _keys(labels)
        rows = (self.row(i).tolist() for i in range(len(self)))
        return [frozenset(row if keys is None else (keys[c] for c in row)) for row in rows]

    def to_matrix(self, labels: Names | int, scores: bool = False) -> NDArray[Any]:
        """The decided labels as booleans, or scores as float64, ``(n, labels)``.

        Parameters
        ----------
        labels
            A schema, the labels in column order, or their number: as many as the predictions
            know, or more.
        scores
            Probabilities instead; 0 where a label was left out of the scores.

        Examples
        --------
        >>> decided = Predictions(np.array([0, 2, 2]), np.array([0, 2], np.int32))
        >>> decided.to_matrix(3).tolist()
        [[True, False, True], [False, False, False]]
        """
        keys = None if isinstance(labels, int) else _keys(labels)
        width = labels if isinstance(labels, int) else len(keys or ())
        indptr, columns = self.indptr, self.indices
        cells: NDArray[Any] = np.zeros((len(self), width), np.float64 if scores else np.bool_)
        if scores:
            indptr, columns = self.score_indptr, self.score_indices
        if columns.max(initial=-1) >= width:
            raise SchemaError(
                f"Label column {columns.max()} is predicted, but {width} labels are given: give "
                "the schema of the learner."
            )
        where = np.repeat(np.arange(len(self)), np.diff(indptr))
        cells[where, columns] = self.scores if scores else True
        return cells

    def to_frame(self, labels: Names, scores: bool = False, index: Any = None) -> Any:
        """A pandas DataFrame, a column a label: decided labels, or scores.

        Parameters
        ----------
        labels, scores
            As in :meth:`to_matrix`.
        index
            Names of the rows, such as the ids of a batch; by default their numbers.

        Raises
        ------
        MissingDependencyError
            pandas is not installed.

        Examples
        --------
        >>> Predictions(np.array([0, 1]), np.array([0], np.int32)).to_frame(["sun", "rain"])
            sun   rain
        0  True  False
        """
        return frame(self.to_matrix(labels, scores), _keys(labels) or (), index)

    @classmethod
    def concatenate(cls, parts: Sequence[Predictions]) -> Predictions:
        """Join predictions of consecutive batches."""
        if not parts:
            return cls(empty_offsets(), np.zeros(0, np.int32))
        return cls(
            joined_offsets([p.indptr for p in parts]),
            np.concatenate([p.indices for p in parts]),
            joined_offsets([p.score_indptr for p in parts]),
            np.concatenate([p.score_indices for p in parts]),
            np.concatenate([p.scores for p in parts]),
        )


def _keys(labels: Names) -> Sequence[Any] | None:
    return labels.labels.keys if isinstance(labels, Schema) else labels
