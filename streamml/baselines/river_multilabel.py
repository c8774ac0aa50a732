"""River's own multi-label classifiers, and pipelines that end in one, as learners."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from river import base as river_base

from streamml.base import Learner
from streamml.baselines._one_by_one import Answer, OneByOne, Row, Truth
from streamml.errors import ConfigError
from streamml.state.capture import check
from streamml.state.parameters import Constraints, Flag, Instance, check_parameters
from streamml.types import Schema

__all__ = ["RiverMultiLabel", "as_learner"]

_MODEL = Instance(
    river_base.MultiLabelClassifier,
    "a multi-label classifier of river, or a pipeline that ends in one",
)


class RiverMultiLabel(OneByOne):
    """A multi-label classifier of river, or a pipeline that ends in one, as a learner.

    It is handed features and labels by their keys, one event after the other, as river does; only
    wholly known label sets are learned. It says which labels it decided, not how sure it is: they
    score 1. Labels that appear in mid-stream are its own affair: declare them beforehand
    (``Schema(labels=...)``) for models that ask for all of them from the first event.

    Parameters
    ----------
    model
        Is cloned. It can be pickled; :func:`streamml.state.save` takes models whose state is in
        plain attributes, which river's chains are not, and says so.
    zeros
        Hand over features that are absent as zeros where the schema says that absent means zero.

    Examples
    --------
    >>> from river import linear_model, multioutput, preprocessing
    >>> chain = multioutput.ClassifierChain(linear_model.LogisticRegression())
    >>> learner = RiverMultiLabel(preprocessing.StandardScaler() | chain)
    >>> for value in (1.0, -1.0, 1.2, -1.1, 0.9, -0.8):
    ...     learner.learn_one({"f": value}, {"up": value > 0, "down": value < 0})
    >>> learner.predict_one({"f": 1.1})
    {'up': True, 'down': False}

    References
    ----------
    Read, Pfahringer, Holmes and Frank (2011), Classifier chains for multi-label classification.
    """

    _learned = ("_model",)
    _constraints: ClassVar[Constraints] = {"model": _MODEL, "zeros": Flag()}

    def __init__(self, model: Any, zeros: bool = False) -> None:
        self.model = model
        self.zeros = zeros
        check_parameters(self)
        self._model: Any = model.clone()

    def _check_learned(self, learned: Mapping[str, Any], schema: Schema) -> None:  # noqa: ARG002
        same = type(learned["_model"]) is type(self.model)
        check(same, "the model", f"is no {type(self.model).__name__}")

    def _answer(self, row: Row, n_labels: int) -> Answer:
        decided = np.zeros(n_labels, np.bool_)
        if self._position:
            found = self._model.predict_one(self._named(row))
            keys = self.schema.labels.keys[:n_labels]
            decided[:] = [bool(found.get(key, False)) for key in keys]
        return Answer(decided, decided.astype(np.float32))

    def _study(self, row: Row, truth: Truth, n_labels: int) -> None:
        if truth.full:
            y = dict.fromkeys(self.schema.labels.keys[:n_labels], False)
            keys = self.schema.labels.keys
            y.update((keys[column], True) for column in truth.positive.tolist())
            self._model.learn_one(self._named(row), y)

    def _named(self, row: Row) -> dict[Any, float]:
        keys, unknown = self.schema.features.keys, len(self.schema.features)
        x = dict.fromkeys(keys, 0.0) if self.zeros and row.absent_is_zero else {}
        for column, value in zip(row.columns.tolist(), row.values.tolist(), strict=True):
            if column < unknown:  # what was never learned has no key, and tells it nothing
                x[keys[column]] = value
        return x


def as_learner(model: Any) -> Learner:
    """A learner as it is; a multi-label classifier of river, or a pipeline, as one that learns.

    The model itself goes on learning, as where river's own evaluation runs it.

    Raises
    ------
    ConfigError
        It is something else.
    """
    if issubclass(type(model), Learner):  # river counts a pipeline as its last step
        found: Learner = model
        return found
    if not isinstance(model, type) and isinstance(model, river_base.MultiLabelClassifier):
        made = RiverMultiLabel(model)
        made._model = model
        return made
    if isinstance(model, type):
        raise ConfigError(f"the class {model.__name__}: give an instance, {model.__name__}().")
    raise ConfigError(
        f"of type {type(model).__name__}, which is no streamml.base.Learner and no multi-label "
        "classifier of river: wrap a classifier of single labels in "
        "streamml.baselines.BinaryRelevance."
    )
