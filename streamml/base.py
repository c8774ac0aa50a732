"""The learner contract: batches on the fast path, river's methods on the outside.

Both faces give the same numbers, ``predict*`` never changes state, and everything
random hangs on a ``seed`` parameter. ``__init__`` only stores parameters, so that
``clone`` and ``repr`` derive from its signature (river's habit).
"""

from __future__ import annotations

import abc
from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
from river import base as river_base

from streamml._capture import capture, check, part_of, rebuild
from streamml._encode import BatchBuilder
from streamml.errors import ContractError, SchemaError, StateError
from streamml.types import (
    Change,
    Event,
    EventBatch,
    Labels,
    PartialLabels,
    Predictions,
    Schema,
)

__all__ = ["MIN_SCORE", "LabelNode", "Learner"]

MIN_SCORE = 0.01
"""Scores below this are left out of :class:`~streamml.types.Predictions` by default."""

LabelNode = tuple[tuple[int, ...], tuple["LabelNode", ...]]
"""A node of a label tree: label columns in it, and its children (none for a cluster)."""


class Learner(river_base.MultiLabelClassifier, abc.ABC):
    """An on-line multi-label learner.

    A subclass defines :meth:`predict`, :meth:`learn` and, where it can be faster than
    one event at a time, :meth:`test_then_train`. It reads names only through
    :attr:`schema`; arrays carry columns.

    Examples
    --------
    >>> from streamml.baselines import NoChange
    >>> learner = NoChange()
    >>> learner.learn_one({"f": 1.0}, {"a": True, "b": False})
    >>> learner.predict_one({"f": 0.0})
    {'a': True, 'b': False}
    """

    _schema: Schema | None = None
    _position: int = 0
    _resumed: bool = False

    _learned: ClassVar[tuple[str, ...]] = ()
    """Names of the attributes that hold what was learned; see :meth:`snapshot`."""

    # -- the fast path ---------------------------------------------------------------

    @abc.abstractmethod
    def predict(self, batch: EventBatch, min_score: float = MIN_SCORE) -> Predictions:
        """Predict every event of a batch with what was learned so far; changes nothing.

        ``min_score`` in [0, 1]: labels that score less and were not decided are left
        out of ``scores``; 0 gives a score for every known label.
        """

    @abc.abstractmethod
    def learn(self, batch: EventBatch) -> None:
        """Learn the events of a batch, in order; events without labels teach nothing."""

    def test_then_train(self, batch: EventBatch, min_score: float = MIN_SCORE) -> Predictions:
        """Predict, then learn, event by event: the same bits for any batch size."""
        parts = []
        for i in range(len(batch)):
            event = batch.slice(i, i + 1)
            parts.append(self.predict(event, min_score))
            self.learn(event)
        return Predictions.concatenate(parts)

    # -- names -----------------------------------------------------------------------

    @property
    def schema(self) -> Schema:
        """Names of features and labels; the first batch's, or one that grows by itself."""
        if self._schema is None:
            self._schema = Schema()
        return self._schema

    def bind(self, schema: Schema) -> None:
        """Take the names of ``schema``, once, before anything was learned.

        A learner that was restored brings its names along, once: ``schema`` takes them over
        (:meth:`Schema.take_over`). So bind it before the stream reads its first event.

        Raises
        ------
        ContractError
            The learner already works with other names.
        SchemaError
            The schema's names stand at other columns than those of the restored learner.
        """
        if self._schema is None:
            self._schema = schema
        elif self._schema is not schema and self._resumed:
            schema.take_over(self._schema)
            self._schema, self._resumed = schema, False
        elif self._schema is not schema:
            raise ContractError(
                "The batch has another schema than the one this learner works with: "
                "use one Schema object for all batches of a stream, or clone the learner."
            )

    # -- what it says of itself --------------------------------------------------------

    @property
    def n_clusters(self) -> int:
        """Number of label clusters now; 1 for a learner that does not cut the label space."""
        return 1

    @property
    def changes(self) -> Sequence[Change]:
        """Structural changes and drifts so far, oldest first; maybe only the newest of them."""
        return ()

    @property
    def change_counts(self) -> Mapping[str, int]:
        """Kind of change -> how many so far, those that :attr:`changes` forgot included."""
        return Counter(change.kind for change in self.changes)

    def label_tree(self) -> LabelNode | None:
        """The label tree now, or ``None`` for a learner without one."""
        return None

    # -- state ------------------------------------------------------------------------

    def snapshot(self, copy: bool = True) -> dict[str, Any]:
        """All that was learned, as plain values: scalars, lists, mappings and numpy arrays.

        Parameters are not in it: they are constructor arguments (:func:`streamml.state.save`
        keeps both). A subclass names in ``_learned`` the attributes that hold what it learns:
        numbers, texts, lists, mappings, arrays, named tuples of arrays, random generators, or
        objects that have ``snapshot`` and ``restore`` themselves. Attributes that hold
        something else need :meth:`_capture_learned` and :meth:`_restore_learned` to be
        overridden; arrays whose entries are places in other arrays need :meth:`_check_learned`.

        Parameters
        ----------
        copy
            Whether arrays are copied; otherwise they change as the learner goes on.

        Raises
        ------
        StateError
            The learner does not say what it learns, or it cannot be saved.

        Examples
        --------
        >>> from streamml.baselines import NoChange
        >>> learner = NoChange()
        >>> learner.learn_one({"f": 1.0}, {"rain"})
        >>> again = NoChange()
        >>> again.restore(learner.snapshot())
        >>> again.predict_one({"f": 2.0})
        {'rain': True}
        """
        return {
            "position": self._position,
            "schema": None if self._schema is None else self._schema.snapshot(),
            "learned": self._capture_learned(copy),
        }

    def restore(self, snapshot: Mapping[str, Any], schema: Schema | None = None) -> None:
        """Go to a state that :meth:`snapshot` gave, of a learner with the same parameters.

        Parameters
        ----------
        snapshot
            May come from an untrusted file: all of it is checked before any of it is used.
        schema
            A schema that holds the names already; otherwise the learner makes one.

        Raises
        ------
        StateError
            It does not fit; the learner stays as it was.
        """
        position = part_of(snapshot, "position", int, "the learner")
        check(0 <= position < 2**62, "the learner", "has no usable position")
        saved = snapshot.get("schema")
        names = schema
        if names is None and saved is not None:
            names = Schema()
            names.restore(part_of(snapshot, "schema", dict, "the learner"))
        learned = part_of(snapshot, "learned", dict, "the learner")
        self._restore_learned(learned, names or Schema())
        self._position, self._schema, self._resumed = position, names, schema is None

    def _capture_learned(self, copy: bool) -> dict[str, Any]:
        """What ``_learned`` names, as plain values."""
        if not self._learned:
            raise StateError(
                f"{type(self).__name__} cannot be saved: it names no attribute in _learned."
            )
        return {name: capture(getattr(self, name), copy) for name in self._learned}

    def _restore_learned(self, learned: Mapping[str, Any], schema: Schema) -> None:
        """Check what :meth:`_capture_learned` gave, then take it; raise or do all of it."""
        check(set(learned) == set(self._learned), "the learner", "has learned other things")
        found = {name: rebuild(learned[name], getattr(self, name), name) for name in self._learned}
        self._check_learned(found, schema)
        for name, value in found.items():
            setattr(self, name, value)

    def _check_learned(self, learned: Mapping[str, Any], schema: Schema) -> None:
        """Raise :class:`StateError` where values are out of range; kinds fit already.

        Whatever compiled code uses as a place in an array must be checked here.
        """

    # -- river's face ----------------------------------------------------------------

    def learn_one(
        self, x: Mapping[Any, Any], y: Mapping[Any, bool] | Iterable[Any] | PartialLabels, **_: Any
    ) -> None:
        """Learn one event.

        Parameters
        ----------
        x
            Feature name -> number.
        y
            ``{label: bool}``: known labels that it leaves out are unknown, not negative.
            Or a set of the positive labels: all others are negative.
        """
        builder = BatchBuilder(self.schema)
        event = Event(self._position, 0.0, _named(x), self._labels(y))
        letter = builder.append(event)
        if letter is not None:
            raise SchemaError(f"This event cannot be learned ({letter.reason}): {letter.detail}")
        self.learn(builder.build())

    def predict_one(self, x: Mapping[Any, Any], **_: Any) -> dict[Any, bool]:
        """The decided label set as ``{label: bool}`` over all labels known so far."""
        labels = self.schema.labels
        decided = {int(c) for c in self.predict(self._unlearned(x)).row(0)}
        return {name: column in decided for column, name in enumerate(labels.names)}

    def predict_proba_one(self, x: Mapping[Any, Any], **_: Any) -> dict[Any, dict[bool, float]]:
        """``{label: {False: p, True: q}}`` with p + q = 1, over all labels known so far."""
        labels = self.schema.labels
        found = self.predict(self._unlearned(x), min_score=0.0)
        scores = dict(zip(found.score_indices.tolist(), found.scores.tolist(), strict=True))
        return {
            name: {False: 1.0 - scores.get(column, 0.0), True: scores.get(column, 0.0)}
            for column, name in enumerate(labels.names)
        }

    def _labels(self, y: Mapping[Any, bool] | Iterable[Any] | PartialLabels) -> Labels:
        if isinstance(y, PartialLabels):
            return y
        if not isinstance(y, Mapping):
            return frozenset(_name(label) for label in y)
        positive = frozenset(_name(label) for label, value in y.items() if value)
        negative = frozenset(_name(label) for label, value in y.items() if not value)
        known = len(positive) + len(negative)
        labels = self.schema.labels
        if known >= len(labels) and all(n in positive or n in negative for n in labels.names):
            for name in y:  # negatives are known labels from now on
                labels.add(_name(name))
            return positive
        return PartialLabels(positive, negative)

    def _unlearned(self, x: Mapping[Any, Any]) -> EventBatch:
        """One row; unknown features get columns past the vocabulary, which stays as it is."""
        features = self.schema.features
        columns: list[int] = []
        unknown = len(features)
        for name in x:
            column = features.find(_name(name))
            if column < 0:
                column, unknown = unknown, unknown + 1
            columns.append(column)
        values = np.array([float(v) for v in x.values()], np.float32)
        if not np.isfinite(values).all():
            raise SchemaError("A feature is not finite: leave out what is not known.")
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


def _name(name: Hashable) -> str:
    return name if isinstance(name, str) else str(name)


def _named(x: Mapping[Any, Any]) -> dict[str, float]:
    return {_name(k): float(v) for k, v in x.items()}
