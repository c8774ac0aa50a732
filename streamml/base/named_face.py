"""A learner by names: river's methods, one event at a time, and DataFrames of many.

The numbers are those of the fast path: names become columns, and its methods are called.
"""

from __future__ import annotations

import abc
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from river import base as river_base

from streamml.arrays import Int64Array
from streamml.base.answers import Decided, Probabilities
from streamml.errors import ConfigError, SchemaError
from streamml.types import Event, EventBatch, PartialLabels, Predictions, Schema, frames
from streamml.types.encode import BatchBuilder
from streamml.types.names import features, labels
from streamml.types.rows import select_rows

__all__ = ["MIN_SCORE", "NamedFace"]

MIN_SCORE = 0.01
"""Scores below this are left out of :class:`~streamml.types.Predictions` by default."""

_HEAVIEST = 1000  # times that an event may count


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
        self,
        x: Mapping[Any, Any],
        y: Mapping[Any, Any] | Iterable[Any] | PartialLabels,
        w: float = 1.0,
    ) -> None:
        """Learn one event.

        Parameters
        ----------
        x
            Feature -> number; it may be empty. ``None`` and NaN are absent, a text is a feature
            of its own (``city=Rome``), an object has dotted names, a list one a position.
        y
            ``{label: bool}``: known labels that it leaves out, or that are ``None`` or NaN,
            are unknown, not negative; but where it names true ones only, all others are negative,
            as they are for a set of the positive labels (unless the schema is ``positive_only``).
            Or a row of zeros and ones, where all labels are known already.
        w
            How often the event counts, a whole number from 0 to 1,000: one of weight 2 is learned
            as the same event twice in a row.

        Raises
        ------
        SchemaError
            ``x`` or ``y`` is something else, or has a value that cannot be used.
        ConfigError
            ``w`` is no such number.
        """
        times = None if w == 1 else _times([w])
        builder = BatchBuilder(self.schema, takes_empty=True)
        x = features(x)  # before a label is named: what cannot be used leaves no trace
        letter = builder.append(Event(self._position, 0.0, x, labels(y, self.schema)))
        if letter is not None:
            raise SchemaError(f"This event cannot be learned ({letter.reason}): {letter.detail}")
        self._learn_times(EventBatch.built(builder), times)

    def predict_one(self, x: Mapping[Any, Any]) -> Decided:  # type: ignore[override]
        """The decided label set as ``{label: bool}`` over all labels known so far."""
        keys = self.schema.labels.keys
        decided = Decided(dict.fromkeys(keys, False))
        for column in self.predict(self._unlearned(x)).row(0).tolist():
            decided[keys[column]] = True
        return decided

    def predict_proba_one(  # type: ignore[override]
        self, x: Mapping[Any, Any]
    ) -> Probabilities:
        """``{label: {False: p, True: q}}`` with p + q = 1, over all labels known so far."""
        known = self.schema.labels
        found = self.predict(self._unlearned(x), min_score=0.0)
        scores = dict(zip(found.score_indices.tolist(), found.scores.tolist(), strict=True))
        return Probabilities(
            (key, {False: 1.0 - scores.get(column, 0.0), True: scores.get(column, 0.0)})
            for column, key in enumerate(known.keys)
        )

    # -- many events as tables ---------------------------------------------------------

    def learn_many(self, X: Any, y: Any, w: Any = None) -> None:
        """Learn the rows of a table, in order; the same as one by one.

        Parameters
        ----------
        X
            A DataFrame (pandas, polars, pyarrow) with a column a feature, where a missing cell
            is an absent feature; a matrix (numpy, scipy.sparse), whose columns are known by
            their numbers or have the names that the learner knows; or a list of mappings.
        y
            Such a table with a column a label, true or false, where a missing cell is not known;
            or a series of what :meth:`learn_one` takes.
        w
            How often each row counts, as in :meth:`learn_one`; by default once.

        Raises
        ------
        SchemaError
            There is not one row of labels, or weight, an event, or a row cannot be learned.
        ConfigError
            A weight is no whole number from 0 to 1,000.

        Examples
        --------
        >>> import numpy as np
        >>> from streamml.baselines import NoChange
        >>> learner = NoChange()
        >>> learner.learn_many(np.array([[1.0], [2.0]]), np.array([[True, True], [False, True]]))
        >>> learner.predict_many(np.array([[3.0]]))
        array([[False,  True]])
        """
        if frames.is_sparse(X) and not self._position and not len(self.schema.features):
            self.schema.absent_is_zero = True
        times = None if w is None else _times(w)
        batch = EventBatch.from_arrays(X, y, schema=self.schema, first_id=self._position)
        if times is not None and len(times) != len(batch):
            raise SchemaError(
                f"There are {len(times)} weights for {len(batch)} events: give one each."
            )
        self._learn_times(batch, times)

    def _learn_times(self, batch: EventBatch, times: Int64Array | None) -> None:
        if times is None or (times == 1).all():
            self.learn(batch)
        elif times.any():
            self.learn(select_rows(batch, np.repeat(np.arange(len(batch)), times)))

    def predict_many(self, X: Any) -> Any:
        """The decided label sets as a table of booleans of the same kind, a column a label."""
        decided = self._predict_rows(X, MIN_SCORE).to_matrix(self.schema)
        return frames.frame_like(X, decided, self.schema.labels)

    def predict_proba_many(self, X: Any) -> Any:
        """The probability of every label as a table of the same kind, a column a label."""
        scores = self._predict_rows(X, 0.0).to_matrix(self.schema, scores=True)
        return frames.frame_like(X, scores, self.schema.labels)

    def _predict_rows(self, X: Any, min_score: float) -> Predictions:
        rows = frames.rows(X, self.schema)
        return Predictions.concatenate([self.predict(self._unlearned(x), min_score) for x in rows])

    def _unlearned(self, x: Mapping[Any, Any]) -> EventBatch:
        """One row; unknown features get columns past the vocabulary, which stays as it is."""
        find, named = self.schema.features.find, features(x)
        columns = np.fromiter(map(find, named), np.int32, len(named))
        new = columns < 0
        unknown = len(self.schema.features)
        if new.any():
            columns[new] = unknown + np.arange(new.sum())
            unknown += int(new.sum())
        none = np.zeros(2, np.int64)
        return EventBatch(
            self.schema,
            [self._position],
            np.zeros(1),
            np.array([0, len(columns)], np.int64),
            columns,
            np.fromiter(named.values(), np.float32, len(named)),
            none,
            np.zeros(0, np.int32),
            np.zeros(1, np.uint8),
            none,
            np.zeros(0, np.int32),
            np.array([unknown], np.int32),
            np.array([len(self.schema.labels)], np.int32),
        )


def _times(weights: Any) -> Int64Array:
    """Weights as numbers of times.

    Raises
    ------
    ConfigError
        One is no whole number from 0 to 1,000.
    """
    try:
        given = np.asarray(weights, np.float64).ravel()
    except (TypeError, ValueError):
        given = np.array([np.nan])
    wrong = given[~((given >= 0) & (given <= _HEAVIEST) & (given == np.floor(given)))]
    if len(wrong):
        shown = f"{weights!r:.60}" if np.isnan(wrong[0]) else f"{wrong[0]:g}"
        raise ConfigError(
            f"A weight w is {shown}: give a whole number from 0 to {_HEAVIEST:,}, how often the "
            "event counts."
        )
    return given.astype(np.int64)
