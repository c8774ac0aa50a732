"""Binary relevance: one binary learner of river's for each label."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from river import base as river_base

from streamml.baselines._one_by_one import Answer, OneByOne, Row, Truth
from streamml.state.capture import check
from streamml.state.parameters import SEED, Constraints, Flag, Instance, check_parameters
from streamml.types import Schema

__all__ = ["BinaryRelevance", "named_features"]

_MODEL = Instance(
    (river_base.Classifier, river_base.Regressor),
    "a classifier or a regressor of river (with learn_one, and predict_proba_one or predict_one)",
)


class BinaryRelevance(OneByOne):
    """Learns every label by itself with a clone of one of river's learners.

    Labels may appear at any event; the clone of a new label starts there. A clone of
    label ``k`` has the seed ``seed + k`` where the model has such a parameter.

    It can be saved where the model's state is in Python attributes, random generators, ADWIN or
    vectors by name; :func:`streamml.state.save` names what it cannot save, such as a function.

    Parameters
    ----------
    model
        A binary classifier of river, or a regressor, whose output for targets 0 and 1 is
        cut to [0, 1] and decided at one half.
    zeros
        Hand over features that are absent as zeros where the schema says that absent
        means zero; otherwise they stay absent, which is quicker, and the same to learners
        that take an absent feature for zero, such as nearest neighbours and linear ones.
    seed
        Everything random hangs on it.

    Examples
    --------
    >>> from river.naive_bayes import GaussianNB
    >>> learner = BinaryRelevance(GaussianNB())
    >>> for value in (1.0, -1.0, 1.2, -1.1, 0.9, -0.8):
    ...     learner.learn_one({"f": value}, {"up": value > 0})
    >>> learner.predict_one({"f": 1.1}), learner.predict_one({"f": -1.1})
    ({'up': True}, {'up': False})

    References
    ----------
    Tsoumakas and Katakis (2007), Multi-label classification: an overview.
    """

    _learned = ("_models",)
    _constraints: ClassVar[Constraints] = {"model": _MODEL, "zeros": Flag(), "seed": SEED}

    def __init__(self, model: river_base.Estimator, zeros: bool = True, seed: int = 1) -> None:
        self.model = model
        self.zeros = zeros
        self.seed = seed
        check_parameters(self)
        self._models: list[Any] = []
        self._regresses = isinstance(model, river_base.Regressor)
        self._seeded = "seed" in model._get_params()

    def _check_learned(self, learned: Mapping[str, Any], schema: Schema) -> None:
        models = learned["_models"]
        check(type(models) is list and len(models) <= len(schema.labels), "the models", "are odd")
        same = all(type(model) is type(self.model) for model in models)
        check(same, "the models", f"are no {type(self.model).__name__}")

    def _answer(self, row: Row, n_labels: int) -> Answer:
        x = named_features(row, self.zeros)
        decided, scores = np.zeros(n_labels, np.bool_), np.zeros(n_labels, np.float32)
        for k, model in enumerate(self._models[:n_labels]):
            decided[k], scores[k] = self._decide(model, x)
        return Answer(decided, scores)

    def _decide(self, model: Any, x: Mapping[int, float]) -> tuple[bool, float]:
        """What the model decides, of equals what it names first as river does, and its score."""
        if self._regresses:
            found = float(model.predict_one(x))
            score = min(max(found, 0.0), 1.0) if math.isfinite(found) else 0.0
            return score > 0.5, score
        shares = model.predict_proba_one(x)
        total = float(sum(shares.values()))
        if not (total > 0 and math.isfinite(total)):
            return False, 0.0
        return bool(max(shares, key=shares.get)), float(shares.get(True, 0.0)) / total

    def _study(self, row: Row, truth: Truth, n_labels: int) -> None:
        x = named_features(row, self.zeros)
        while len(self._models) < n_labels:
            own = {"seed": self.seed + len(self._models)} if self._seeded else {}
            self._models.append(self.model.clone(own))
        for columns, value in ((truth.positive, True), (truth.negative, False)):
            for k in columns.tolist():
                self._models[k].learn_one(x, float(value) if self._regresses else value)


def named_features(row: Row, zeros: bool) -> dict[int, float]:
    """Column -> value, as river's learners take features."""
    x = dict.fromkeys(range(row.n_features), 0.0) if zeros and row.absent_is_zero else {}
    x.update(zip(row.columns.tolist(), row.values.tolist(), strict=True))
    return x
