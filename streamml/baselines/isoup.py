"""iSOUPT: a multi-target regression tree of river's, on labels as numbers."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import numpy as np
from river import base as river_base
from river.tree import ISOUPTreeRegressor, splitter

from streamml.baselines._hoeffding import SPLITS
from streamml.baselines._one_by_one import Answer, OneByOne, Row, Truth
from streamml.baselines.binary_relevance import named_features
from streamml.state.capture import check
from streamml.state.parameters import (
    COUNT,
    Constraints,
    Flag,
    Instance,
    OneOf,
    OrNone,
    Real,
    check_parameters,
)
from streamml.types import Schema

__all__ = ["ISOUPT"]


class ISOUPT(OneByOne):
    """One regression tree for all labels; a label is on where its prediction exceeds a half.

    Only wholly known label sets are learned: the tree needs every target of an event.

    Parameters
    ----------
    grace_period, delta, tau, model_selector_decay, min_samples_split
        Of :class:`river.tree.ISOUPTreeRegressor`.
    leaf_prediction
        ``"model"``, ``"mean"`` or ``"adaptive"``, which picks one of the two in each leaf.
    leaf_model
        A regressor of river; by default its linear regression.
    zeros
        As in :class:`~streamml.baselines.binary_relevance.BinaryRelevance`.

    Examples
    --------
    >>> learner = ISOUPT()
    >>> for _ in range(5):
    ...     learner.learn_one({"f": 1.0}, {"up"})
    >>> learner.predict_one({"f": 1.0})
    {'up': True}

    References
    ----------
    Osojnik, Panov and Džeroski (2017), Multi-label classification via multi-target
    regression on data streams, Machine Learning 106.
    """

    _learned = ("_tree",)
    _constraints: ClassVar[Constraints] = {
        **SPLITS,
        "leaf_model": OrNone(Instance(river_base.Regressor, "a regressor of river")),
        "leaf_prediction": OneOf("mean", "model", "adaptive"),
        "model_selector_decay": Real(0, 1),
        "min_samples_split": COUNT,
        "zeros": Flag(),
    }

    def __init__(
        self,
        grace_period: int = 200,
        delta: float = 1e-5,
        tau: float = 0.05,
        leaf_model: river_base.Regressor | None = None,
        leaf_prediction: Literal["mean", "model", "adaptive"] = "adaptive",
        model_selector_decay: float = 0.95,
        min_samples_split: int = 5,
        zeros: bool = True,
    ) -> None:
        self.grace_period = grace_period
        self.delta = delta
        self.tau = tau
        self.leaf_model = leaf_model
        self.leaf_prediction = leaf_prediction
        self.model_selector_decay = model_selector_decay
        self.min_samples_split = min_samples_split
        self.zeros = zeros
        check_parameters(self)
        self._tree: Any = ISOUPTreeRegressor(
            grace_period=self.grace_period,
            delta=self.delta,
            tau=self.tau,
            leaf_prediction=self.leaf_prediction,
            leaf_model=self.leaf_model,
            model_selector_decay=self.model_selector_decay,
            splitter=splitter.TEBSTSplitter(),
            min_samples_split=self.min_samples_split,
        )

    def _check_learned(self, learned: Mapping[str, Any], schema: Schema) -> None:  # noqa: ARG002
        check(type(learned["_tree"]) is ISOUPTreeRegressor, "the tree", "is none")

    def _answer(self, row: Row, n_labels: int) -> Answer:
        scores = np.zeros(n_labels, np.float32)
        for k, value in self._tree.predict_one(named_features(row, self.zeros)).items():
            if k < n_labels and math.isfinite(value):
                scores[k] = min(max(value, 0.0), 1.0)
        return Answer(scores > 0.5, scores)

    def _study(self, row: Row, truth: Truth, n_labels: int) -> None:
        if truth.full and n_labels:
            y = dict.fromkeys(range(n_labels), 0.0)
            y.update(dict.fromkeys(truth.positive.tolist(), 1.0))
            self._tree.learn_one(named_features(row, self.zeros), y)
