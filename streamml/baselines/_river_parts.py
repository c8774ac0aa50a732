"""Parts for river's trees and rules on 0/1 targets: a leaf model, and two repairs.

Both repairs are for divisions by zero where all values that river has seen are equal.
"""

from __future__ import annotations

from typing import Any, ClassVar

from river import base as river_base
from river.linear_model import LogisticRegression
from river.tree.splitter import StaticQuantizer, TEBSTSplitter
from river.tree.utils import BranchFactory

from streamml.state.parameters import Constraints, Flag, check_parameters

__all__ = ["LogisticLeaf", "PatientQuantizer", "PureSplitter"]


class LogisticLeaf(river_base.Regressor):
    """Learns a target of 0 or 1 by logistic regression, and predicts the decided value.

    Parameters
    ----------
    hard
        Predict 0 or 1, as river's classifier does where a tree takes it for a regressor;
        else the probability.

    Examples
    --------
    >>> leaf = LogisticLeaf(hard=False)
    >>> leaf.learn_one({"f": 1.0}, 1.0)
    >>> 0.5 < leaf.predict_one({"f": 1.0}) < 1.0
    True
    """

    _constraints: ClassVar[Constraints] = {"hard": Flag()}

    def __init__(self, hard: bool = True) -> None:
        self.hard = hard
        check_parameters(self)
        self._model: Any = LogisticRegression()

    def learn_one(self, x: Any, y: float, w: float = 1.0) -> None:
        self._model.learn_one(x, bool(y > 0.5), w)

    def predict_one(self, x: Any) -> float:
        p = float(self._model.predict_proba_one(x)[True])
        return float(p > 0.5) if self.hard else p


class PureSplitter(TEBSTSplitter):
    """River's truncated E-BST that suggests no split where all targets are equal.

    River divides by the variance of the targets there.
    """

    def best_evaluated_split_suggestion(
        self, criterion: Any, pre_split_dist: Any, att_idx: Any, binary_only: bool = True
    ) -> Any:
        if not isinstance(pre_split_dist, dict) and not pre_split_dist.get() > 0:
            return BranchFactory()
        suggest: Any = super().best_evaluated_split_suggestion
        return suggest(criterion, pre_split_dist, att_idx, binary_only)


class PatientQuantizer(StaticQuantizer):
    """River's quantizer that waits for a second value before it makes its bins.

    River divides by the spread of the first values, which may be all equal; here the oldest
    of them leaves until there is a spread.
    """

    def update(self, x_val: Any, gh: Any, w: float) -> None:
        if self.buckets is None and len(self._buffer) >= self.warm_start - 1:
            self._drop_oldest_of_equals(x_val)
        super().update(x_val, gh, w)

    def _drop_oldest_of_equals(self, x_val: Any) -> None:
        if all(seen[0] == x_val for seen in self._buffer):
            self._buffer.pop(0)
