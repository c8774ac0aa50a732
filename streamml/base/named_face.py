"""A learner by names: river's methods, one event at a time, and DataFrames of many.

The numbers are those of the fast path: names become columns, and its methods are called.
"""

from __future__ import annotations

import abc
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from river import base as river_base

from streamml.errors import SchemaError
from streamml.types import Event, EventBatch, PartialLabels, Predictions, Schema, frames
from streamml.types.encode import BatchBuilder
from streamml.types.names import features, labels

__all__ = ["MIN_SCORE", "NamedFace"]

MIN_SCORE = 0.01
"""Scores below this are left out of :class:`~streamml.types.Predictions` by default."""


class NamedFace(river_base.MultiLabelClassifier):
    """River's methods on top of ``predict`` and ``learn`` of batches."""

    _position: int

    @property
    @abc.abstractmethod
    def schema(self) -> Schema:
        """Names of features and labels."""

    @abc.abstractmethod
    def predict(self, batch: EventBatch, min_score: float = MIN_SCORE) -> Predictions:
        """Predict every event of a batch."""

    @abc.abstractmethod
    def learn(self, batch: EventBatch) -> None:
        """Learn the events of a batch."""

    def learn_one(
        self, x: Mapping[Any, Any], y: Mapping[Any, bool] | Iterable[Any] | PartialLabels, **_: Any
    ) -> None:
        """Learn one event.

        Parameters
        ----------
        x
            Feature name -> number.
        y
            ``{label: bool}``: known labels that it leaves out, or that are ``None`` or NaN,
            are unknown, not negative. Or a set of the positive labels: all others are negative.

        Raises
        ------
        SchemaError
            ``x`` or ``y`` is something else, or has a value that cannot be used.
        """
        builder = BatchBuilder(self.schema)
        event = Event(self._position, 0.0, features(x), labels(y, self.schema))
        letter = builder.append(event)
        if letter is not None:
            raise SchemaError(f"This event cannot be learned ({letter.reason}): {letter.detail}")
        self.learn(EventBatch.built(builder))

    def predict_one(self, x: Mapping[Any, Any], **_: Any) -> dict[Any, bool]:
        """The decided label set as ``{label: bool}`` over all labels known so far."""
        known = self.schema.labels
        decided = {int(c) for c in self.predict(self._unlearned(x)).row(0)}
        return {name: column in decided for column, name in enumerate(known.names)}

    def predict_proba_one(self, x: Mapping[Any, Any], **_: Any) -> dict[Any, dict[bool, float]]:
        """``{label: {False: p, True: q}}`` with p + q = 1, over all labels known so far."""
        known = self.schema.labels
        found = self.predict(self._unlearned(x), min_score=0.0)
        scores = dict(zip(found.score_indices.tolist(), found.scores.tolist(), strict=True))
        return {
            name: {False: 1.0 - scores.get(column, 0.0), True: scores.get(column, 0.0)}
            for column, name in enumerate(known.names)
        }

    # -- many events as DataFrames -----------------------------------------------------

    def learn_many(self, X: Any, y: Any, **_: Any) -> None:
        """Learn the rows of a pandas DataFrame, in order; the same as one by one.

        Parameters
        ----------
        X
            A column a feature; a missing cell is an absent feature.
        y
            A DataFrame with a boolean column a label, where a missing cell is not known; or
            a series of what :meth:`learn_one` takes.

        Raises
        ------
        SchemaError
            There is not one row of labels an event, or a row cannot be learned.

        Examples
        --------
        >>> import pandas as pd
        >>> from streamml.baselines import NoChange
        >>> learner = NoChange()
        >>> learner.learn_many(pd.DataFrame({"f": [1.0, 2.0]}), pd.DataFrame({"a": [True, False]}))
        >>> learner.predict_many(pd.DataFrame({"f": [3.0]}))
               a
        0  False
        """
        events, told = frames.rows(X), list(frames.label_rows(y))
        if len(events) != len(told):
            raise SchemaError(
                f"{len(events)} events have {len(told)} rows of labels: give each event one."
            )
        builder = BatchBuilder(self.schema)
        for k, (x, known) in enumerate(zip(events, told, strict=True)):
            letter = builder.append(Event(self._position + k, 0.0, x, labels(known, self.schema)))
            if letter is not None:
                raise SchemaError(f"Row {k} cannot be learned ({letter.reason}): {letter.detail}")
        self.learn(EventBatch.built(builder))

    def predict_many(self, X: Any, **_: Any) -> Any:
        """The decided label sets as a DataFrame of booleans, a column a label known so far."""
        found = self._predict_rows(X, MIN_SCORE)
        decided = np.zeros((len(found), len(self.schema.labels)), np.bool_)
        decided[np.repeat(np.arange(len(found)), np.diff(found.indptr)), found.indices] = True
        return frames.frame(decided, self.schema.labels.names, X.index)

    def predict_proba_many(self, X: Any, **_: Any) -> Any:
        """The probability of every label as a DataFrame, a column a label known so far."""
        found = self._predict_rows(X, 0.0)
        scores = np.zeros((len(found), len(self.schema.labels)))
        rows = np.repeat(np.arange(len(found)), np.diff(found.score_indptr))
        scores[rows, found.score_indices] = found.scores
        return frames.frame(scores, self.schema.labels.names, X.index)

    def _predict_rows(self, X: Any, min_score: float) -> Predictions:
        found = [self.predict(self._unlearned(x), min_score) for x in frames.rows(X)]
        return Predictions.concatenate(found)

    def _unlearned(self, x: Mapping[Any, Any]) -> EventBatch:
        """One row; unknown features get columns past the vocabulary, which stays as it is."""
        vocabulary, named = self.schema.features, features(x)
        columns: list[int] = []
        unknown = len(vocabulary)
        for name in named:
            column = vocabulary.find(name)
            if column < 0:
                column, unknown = unknown, unknown + 1
            columns.append(column)
        with np.errstate(over="ignore"):  # said below
            values = np.array(list(named.values()), np.float32)
        if not np.isfinite(values).all():
            name = list(named)[int(np.flatnonzero(~np.isfinite(values))[0])]
            raise SchemaError(f"Feature {name!r} is not finite: leave out what is not known.")
        none = np.zeros(2, np.int64)
        return EventBatch(
            self.schema,
            [self._position],
            np.zeros(1),
            np.array([0, len(columns)], np.int64),
            np.array(columns, np.int32),
            values,
            none,
            np.zeros(0, np.int32),
            np.zeros(1, np.uint8),
            none,
            np.zeros(0, np.int32),
            np.array([unknown], np.int32),
            np.array([len(self.schema.labels)], np.int32),
        )
