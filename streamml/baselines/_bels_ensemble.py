"""The output layers of the broad ensemble: ridge regressions, with a pool of retired ones."""

from __future__ import annotations

import numpy as np

from streamml.types import Float64Array, Int64Array

__all__ = ["RidgeEnsemble"]

_POOL = 100


class RidgeEnsemble:
    """Ridge regressions on the same features, each begun at another batch.

    One is added at every batch until there are ``max_learners``. Then, or when more than
    half were worse than the ensemble on the last batch, the worse ones go to a pool, from
    where those that are good again on a batch come back.

    Parameters
    ----------
    width, classes
        Number of features and of outputs, of which one is right.
    max_learners
        Largest number of regressions.
    ridge
        Regularisation.
    good
        Accuracy in [0, 1] from which a retired regression may come back.
    """

    def __init__(
        self, width: int, classes: int, max_learners: int, ridge: float, good: float
    ) -> None:
        self.max_learners, self.ridge, self.good = max_learners, ridge, good
        self.gram = np.zeros((0, width, width))
        self.cross = np.zeros((0, width, classes))
        self.beta = np.zeros((0, width, classes))
        self.pool: list[tuple[Float64Array, Float64Array, Float64Array]] = []
        self.threshold = 0.5
        self.worst = np.zeros(0, np.int64)
        self.back: list[int] = []

    def scores(self, features: Float64Array) -> Float64Array:
        """Summed outputs ``(n, classes)``."""
        found: Float64Array = (
            (features @ self.beta.sum(axis=0))
            if len(self.beta)
            else np.zeros((len(features), self.cross.shape[2]))
        )
        return found

    def learn(self, before: Float64Array, after: Float64Array, y: Float64Array) -> None:
        """Judge on a batch as it was predicted, then learn it as it is mapped now.

        Parameters
        ----------
        before, after
            Features ``(n, width)`` by the map before the batch was learned, and after it.
        y
            One-hot targets ``(n, classes)``.
        """
        truth = y.argmax(axis=1)
        self._judge(before, truth)
        if len(self.beta):
            wrong = self.scores(before).argmax(axis=1) != truth
            self.threshold = 1.0 - float(wrong.mean())
            after, y = np.concatenate([after, after[wrong]]), np.concatenate([y, y[wrong]])
        self._renew()
        self.gram += after.T @ after
        self.cross += after.T @ y
        ridge = self.ridge * np.eye(after.shape[1])
        for k in range(len(self.gram)):
            self.beta[k] = np.linalg.lstsq(self.gram[k] + ridge, self.cross[k], rcond=None)[0]

    def _judge(self, features: Float64Array, truth: Int64Array) -> None:
        right = [np.mean((features @ b).argmax(axis=1) == truth) for b in self.beta]
        self.worst = np.flatnonzero(np.array(right) < self.threshold)
        self.back = [
            k
            for k, (_, _, beta) in enumerate(self.pool)
            if np.mean((features @ beta).argmax(axis=1) == truth) > self.good
        ]

    def _renew(self) -> None:
        """Retire the worse ones where there is reason to, take back good ones, add one."""
        n = len(self.beta)
        if n >= self.max_learners or len(self.worst) > n / 2:
            retired = self.worst[self.worst > 0]  # the first one stays, as in the paper's code
            if len(self.worst) > n / 2:
                self.pool += [(self.gram[k], self.cross[k], self.beta[k]) for k in retired]
                self.pool = self.pool[-_POOL:]
                self.back = [k for k in self.back if k < len(self.pool)]
            self._keep(np.setdiff1d(np.arange(n), retired))
            for k in sorted(self.back, reverse=True):
                if len(self.beta) < self.max_learners:
                    self._add(*self.pool.pop(k))
        if len(self.beta) < self.max_learners:
            width, classes = self.cross.shape[1:]
            blank = np.zeros((width, classes))
            self._add(np.zeros((width, width)), blank, blank)

    def _keep(self, which: Int64Array) -> None:
        self.gram, self.cross, self.beta = self.gram[which], self.cross[which], self.beta[which]

    def _add(self, gram: Float64Array, cross: Float64Array, beta: Float64Array) -> None:
        self.gram = np.concatenate([self.gram, gram[None]])
        self.cross = np.concatenate([self.cross, cross[None]])
        self.beta = np.concatenate([self.beta, beta[None]])
