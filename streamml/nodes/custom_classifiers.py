"""What a node classifier of one's own has to do to join a mixture."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

import numpy as np

from streamml.errors import ContractError, StateError
from streamml.kernels.compile import Whole, kernel
from streamml.nodes.event import Event
from streamml.state.capture import Restorable, check
from streamml.state.parameters import parameter_names
from streamml.types import LABELS_FULL, LABELS_UNKNOWN, EventBatch, Float32Array, Int32Array

__all__ = ["NodeClassifier", "custom_score", "custom_scores", "teach_custom"]


@runtime_checkable
class NodeClassifier(Protocol):
    """Scores all labels of an event, and learns it afterwards.

    The mixture learns per label how far to trust it; it starts at no trust. Features
    come as columns and raw values (what is absent is not listed), labels as columns.

    It keeps the parameters of its ``__init__`` in attributes of the same names, so that a
    clone of its learner begins with a new one. One that is to be saved with its learner also
    has ``snapshot() -> dict`` (plain values and arrays) and ``restore(mapping)``;
    :func:`streamml.state.load` is told its class.
    """

    def scores(self, columns: Int32Array, values: Float32Array, n_labels: int) -> Float32Array:
        """Logits, float32 ``(n_labels,)``; about -8 to 8; must change nothing."""

    def learn(
        self,
        columns: Int32Array,
        values: Float32Array,
        true: Int32Array,
        false: Int32Array,
        n_labels: int,
    ) -> None:
        """Learn an event whose labels ``true`` and ``false`` are known, the others not."""


def custom_scores(classifiers: Sequence[NodeClassifier], batch: EventBatch) -> Float32Array:
    """Scores ``[event, classifier, label]`` of a batch of one event."""
    n_labels = int(batch.n_labels[-1]) if classifiers else 1
    scores = np.zeros((1, len(classifiers), n_labels), np.float32)
    for k, classifier in enumerate(classifiers):
        logits: Any = classifier.scores(batch.x_indices, batch.x_values, n_labels)
        found = np.asarray(logits, np.float32)
        if found.shape != (n_labels,):
            raise ContractError(
                f"{type(classifier).__name__}.scores gave an array of shape {found.shape}: "
                f"a logit a label is wanted, ({n_labels},)."
            )
        if not np.isfinite(found).all():
            raise ContractError(
                f"{type(classifier).__name__}.scores gave a logit that is not finite: keep logits "
                "between about -8 and 8."
            )
        scores[0, k] = found
    return scores


@kernel
def custom_score(
    scores: Float32Array, i: Whole, event: Event, raw: Float32Array, first: int, n: int
) -> None:
    """Scores of event ``i`` by the user's ``n`` classifiers, to the rows from ``first`` on."""
    for k in range(n):
        for l in range(min(event.padded, scores.shape[2])):
            raw[first + k, l] = scores[i, k, l]


def teach_custom(classifiers: Sequence[NodeClassifier], batch: EventBatch) -> None:
    """Let them learn a batch of one event, if it has labels."""
    if not classifiers or batch.y_kind[0] == LABELS_UNKNOWN:
        return
    n_labels, true = int(batch.n_labels[0]), batch.y_indices
    false = batch.negative_indices
    if batch.y_kind[0] == LABELS_FULL:
        false = np.setdiff1d(np.arange(n_labels, dtype=np.int32), true)
    for classifier in classifiers:
        classifier.learn(batch.x_indices, batch.x_values, true, false, n_labels)


def fresh_custom(classifier: NodeClassifier) -> NodeClassifier:
    """One with the same parameters that has learned nothing.

    Raises
    ------
    ContractError
        It does not keep its parameters, so that nobody can tell them from what it learned.
    """
    if hasattr(classifier, "clone"):  # one of river's
        made: NodeClassifier = classifier.clone()
        return made
    kind, parameters = type(classifier), {}
    for name in parameter_names(kind):
        if not hasattr(classifier, name):
            raise ContractError(
                f"The node classifier {kind.__name__} does not keep its parameter {name!r}: store "
                "every parameter of __init__ in an attribute of the same name, or give it clone()."
            )
        parameters[name] = copy.deepcopy(getattr(classifier, name))
    return kind(**parameters)


def custom_snapshot(classifier: NodeClassifier) -> Mapping[str, Any]:
    """What a classifier of the user's learned.

    Raises
    ------
    StateError
        It has no ``snapshot`` and ``restore``.
    """
    if not isinstance(classifier, Restorable):
        raise StateError(
            f"The node classifier {type(classifier).__name__} cannot be saved: give it "
            "snapshot() and restore(mapping)."
        )
    return classifier.snapshot()


def restore_custom(classifiers: Sequence[NodeClassifier], saved: Sequence[Any]) -> None:
    """Restore the user's classifiers; none of them where one refuses."""
    check(len(classifiers) == len(saved), "the node classifiers", "are more or fewer")
    for trial in (True, False):
        for classifier, state in zip(classifiers, saved, strict=True):
            custom_snapshot(classifier)
            target: Any = copy.deepcopy(classifier) if trial else classifier
            target.restore(state)
