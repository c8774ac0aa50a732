"""The learner contract: batches on the fast path, river's methods on the outside.

Both faces give the same numbers, ``predict*`` never changes state, and everything
random hangs on a ``seed`` parameter. ``__init__`` only stores parameters, so that
``clone`` and ``repr`` derive from its signature (river's habit).
"""

from __future__ import annotations

import abc
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from streamml.base.named_face import MIN_SCORE, NamedFace
from streamml.errors import ContractError, StateError
from streamml.state.capture import capture, check, part_of, restore_value
from streamml.state.parameters import Constraints
from streamml.types import (
    Change,
    EventBatch,
    Predictions,
    Schema,
)

__all__ = ["MIN_SCORE", "LabelNode", "Learner"]

LabelNode = tuple[tuple[int, ...], tuple["LabelNode", ...]]
"""A node of a label tree: label columns in it, and its children (none for a cluster)."""


class Learner(NamedFace, abc.ABC):
    """An on-line multi-label learner.

    A subclass defines :meth:`predict`, :meth:`learn` and, where it can be faster than
    one event at a time, :meth:`test_then_train`. It reads names only through
    :attr:`schema`; arrays carry columns.

    A learner serves one thread at a time: even ``predict``, which changes nothing that was
    learned, may work in memory of the learner's own. Give every thread a copy
    (:func:`copy.deepcopy`), or let them take turns with a lock.

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

    _values_before: ClassVar[Mapping[str, Any]] = {}
    """Parameter -> its value in states stored before there was such a parameter, where that is
    not its default: an upgrade changes nothing in what was stored."""

    _constraints: ClassVar[Constraints] = {}
    """What each parameter may be, where the class says so; its constructor checks that."""

    _from_files: ClassVar[bool] = True
    """Whether a file may name the class: :func:`streamml.state.load` makes no other."""

    # -- the fast path ---------------------------------------------------------------

    @abc.abstractmethod
    def predict(self, batch: EventBatch, min_score: float = MIN_SCORE) -> Predictions:
        """Predict every event of a batch with what was learned so far; changes nothing.

        ``min_score`` in [0, 1]: labels that score less and were not decided are left
        out of ``scores``; 0 gives a score for every known label (a learner may leave out
        those below 1e-9).
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
        if self._schema is None or self._unbound:
            self._schema = schema
        elif self._schema is not schema and self._resumed:
            schema.take_over(self._schema)
            self._schema, self._resumed = schema, False
        elif self._schema is not schema:
            raise ContractError(
                "The batch has another schema than the one this learner works with: "
                "use one Schema object for all batches of a stream, or clone() the learner; with "
                "learner.restore(learner.snapshot()) it goes on with another stream of such names."
            )

    @property
    def _unbound(self) -> bool:
        """Whether it has no names yet: asking it before it learned anything makes none."""
        mine = self._schema
        return mine is None or not (self._position or len(mine.features) or len(mine.labels))

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
        """Check what :meth:`_capture_learned` gave, then take it; raise or do all of it.

        By name: what the state does not have yet is as in a learner that has learned nothing.
        """
        known = bool(learned) and set(learned) <= set(self._learned)
        check(known, "the learner", "has learned other things")
        start = self if set(learned) == set(self._learned) else self.clone()
        found = {name: getattr(start, name) for name in self._learned}  # what is new begins so
        found |= {name: restore_value(saved, found[name], name) for name, saved in learned.items()}
        self._check_learned(found, schema)
        for name, value in found.items():
            setattr(self, name, value)

    def _check_learned(self, learned: Mapping[str, Any], schema: Schema) -> None:
        """Raise :class:`StateError` where values are out of range; kinds fit already.

        Whatever compiled code uses as a place in an array must be checked here.
        """
