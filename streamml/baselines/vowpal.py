"""Vowpal Wabbit as a learner: one-against-all for label sets, or a probabilistic label tree."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import numpy as np

from streamml.baselines._leaf_sets import as_answer
from streamml.baselines._one_by_one import Answer, OneByOne, Row, Truth
from streamml.errors import MissingDependencyError, StateError, install_hint
from streamml.state.parameters import Constraints, OneOf, Real, Whole, check_parameters

__all__ = ["VowpalWabbit"]


class VowpalWabbit(OneByOne):
    """Vowpal Wabbit on events one by one; only wholly known label sets are learned.

    Vowpal Wabbit must know beforehand how many labels there can be: the labels that the
    schema declares, but at least ``room``. A label beyond them is never predicted and is
    counted in :attr:`left_out`. An empty label set is a label of its own, as Vowpal Wabbit
    takes an example without labels for one without an answer. It says which labels it
    decided, not how sure it is: they score 1.

    It cannot be saved, and no file makes one: Vowpal Wabbit's model files leave out the norms by
    which it scales its steps, so that one that goes on from a file gives other numbers, and they
    hold command-line options, which nobody should take from a file.

    Parameters
    ----------
    reduction
        ``"oaa"`` (``--multilabel_oaa``) or ``"plt"`` (``--plt``, logistic loss).
    room
        Labels that may appear beyond those declared from the start, at least 1.
    bits
        Logarithm of the size of the weight table; Vowpal Wabbit needs more for many labels.
    rate
        Learning rate ``-l``.

    Raises
    ------
    MissingDependencyError
        The package ``vowpalwabbit`` is not installed.

    Examples
    --------
    >>> VowpalWabbit(reduction="tree")
    Traceback (most recent call last):
    ...
    streamml.errors.ConfigError: reduction of VowpalWabbit must be one of 'oaa', 'plt', not 'tree'.

    References
    ----------
    Jasinska-Kobus, Wydmuch, Dembczynski, Kuznetsov and Busa-Fekete (2020), Probabilistic
    label trees for extreme multi-label classification, arXiv 2009.11218 (``"plt"``).
    """

    _from_files = False
    _constraints: ClassVar[Constraints] = {
        "reduction": OneOf("oaa", "plt"),
        "room": Whole(1, 1_000_000),
        "bits": Whole(1, 32),
        "rate": Real(0, 1e6, closed="right"),
    }

    def __init__(
        self,
        reduction: Literal["oaa", "plt"] = "oaa",
        room: int = 128,
        bits: int = 18,
        rate: float = 0.5,
    ) -> None:
        self.reduction = reduction
        self.room = room
        self.bits = bits
        self.rate = rate
        check_parameters(self)
        self.left_out = 0
        """Number of true labels that had no place."""
        self._size = 0
        self._workspace: Any = None

    def _model(self) -> Any:
        """The workspace, made when the number of labels is known.

        Only numbers reach its command line, where options open, read and write files.
        """
        if self._workspace is None:
            check_parameters(self)  # attributes may have been set since
            try:
                from vowpalwabbit import Workspace
            except ImportError as error:
                raise MissingDependencyError(
                    f"VowpalWabbit needs the package vowpalwabbit: {install_hint('bench')}."
                ) from error
            self._size = self.schema.declared_labels or self.room
            bits = max(self.bits, int(np.ceil(np.log2(self._size + 1))) + 14)
            words = {
                "oaa": f"--multilabel_oaa {self._size + 1}",
                "plt": f"--plt {self._size + 1} --loss_function logistic",
            }[self.reduction]
            self._workspace = Workspace(f"{words} -b {bits:d} -l {float(self.rate)!r} --quiet")
        return self._workspace

    def _capture_learned(self, copy: bool) -> dict[str, Any]:  # noqa: ARG002
        raise StateError(
            "VowpalWabbit cannot be saved, as its own files leave out part of what it has learned "
            "and carry command-line options: learn the stream again, or use another learner."
        )

    def _answer(self, row: Row, n_labels: int) -> Answer:
        if self._position == 0:
            return as_answer((), n_labels)
        found = self._model().predict(_features(row))
        columns = [int(c) - 1 for c in (found if isinstance(found, list) else [found])]
        return as_answer(tuple(c for c in columns if 0 <= c < self._size), n_labels)

    def _study(self, row: Row, truth: Truth, n_labels: int) -> None:  # noqa: ARG002
        if not truth.full:
            return
        model = self._model()
        known = truth.positive[truth.positive < self._size]
        self.left_out += len(truth.positive) - len(known)
        labels = ",".join(str(c + 1) for c in known.tolist()) or str(self._size + 1)
        model.learn(f"{labels} {_features(row)}")


def _features(row: Row) -> str:
    pairs = zip(row.columns.tolist(), row.values.tolist(), strict=True)
    return "| " + " ".join(f"{j}:{v:.6g}" for j, v in pairs if v)
