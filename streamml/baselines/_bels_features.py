"""The feature layer of the broad learning system: sparse autoencoder windows, enhancement nodes."""

from __future__ import annotations

import numpy as np

from streamml.types import Float64Array

__all__ = ["BroadFeatures"]

_BIAS, _LAMBDA, _ROUNDS = 0.1, 1e-5, 2


class BroadFeatures:
    """Maps rows to ``windows * nodes + enhancement`` features, and learns the map on line.

    Parameters
    ----------
    nodes, windows, enhancement
        N1 mapped features in each of N2 windows, and N3 enhancement nodes.
    shrink
        Scale of the enhancement nodes' input.
    rng
        Draws the random weights.
    """

    def __init__(
        self,
        nodes: int,
        windows: int,
        enhancement: int,
        shrink: float,
        rng: np.random.Generator,
    ) -> None:
        self.nodes, self.windows, self.shrink = nodes, windows, shrink
        self.rng = rng
        n = nodes * windows
        drawn = np.linalg.qr(2.0 * rng.standard_normal((n + 1, min(enhancement, n + 1))) - 1.0)[0]
        self.enhance = drawn  # orthonormal columns
        self.scale = 1.0
        self.weights = np.zeros((windows, 0, nodes))
        self.gram = np.zeros((windows, nodes, nodes))
        self.cross = np.zeros((windows, nodes, 0))
        self.beta = np.zeros((windows, 0, nodes))
        self.hidden = np.tile(np.array([np.inf, -np.inf])[:, None, None], (1, windows, nodes))
        self.range = self.hidden.copy()

    @property
    def width(self) -> int:
        """Number of features that come out."""
        return self.nodes * self.windows + int(self.enhance.shape[1])

    def learn(self, x: Float64Array) -> Float64Array:
        """Adapt the windows to a batch ``(n, d)``; gives its mapped features ``(n, width)``."""
        self._grow(x.shape[1] + 1)
        h = _with_bias(_standardised(x))
        for k in range(self.windows):
            a = h @ self.weights[k]
            self.hidden[0, k] = np.minimum(self.hidden[0, k], a.min(axis=0))
            self.hidden[1, k] = np.maximum(self.hidden[1, k], a.max(axis=0))
            spread = np.maximum(self.hidden[1, k] - self.hidden[0, k], 1e-12)
            a = 2.0 * (a - self.hidden[0, k]) / spread - 1.0
            self.gram[k] += a.T @ a
            self.cross[k] += a.T @ h
            self.beta[k] = _sparse_code(self.gram[k], self.cross[k]).T
            t = h @ self.beta[k]
            self.range[0, k] = np.minimum(self.range[0, k], t.min(axis=0))
            self.range[1, k] = np.maximum(self.range[1, k], t.max(axis=0))
        mapped = self._mapped(h)
        largest = float(np.abs(mapped @ self.enhance).max(initial=0.0))
        self.scale = self.shrink / largest if largest > 0 else 1.0
        return self._output(mapped)

    def transform(self, x: Float64Array) -> Float64Array:
        """Mapped features of rows ``(n, d)``; features beyond those learned are left out."""
        d = self.weights.shape[1] - 1
        known = x[:, :d] if x.shape[1] >= d else np.pad(x, ((0, 0), (0, d - x.shape[1])))
        return self._output(self._mapped(_with_bias(_standardised(known))))

    def _mapped(self, h: Float64Array) -> Float64Array:
        t = np.concatenate([h @ self.beta[k] for k in range(self.windows)], axis=1)
        low, high = (self.range[i].reshape(-1) for i in range(2))
        return _with_bias((t - low) / np.maximum(high - low, 1e-12))

    def _output(self, mapped: Float64Array) -> Float64Array:
        enhanced = np.tanh(mapped @ self.enhance * self.scale)
        return np.concatenate([mapped[:, :-1], enhanced], axis=1)

    def _grow(self, rows: int) -> None:
        """Random weights for features that are new; the bias stays the last row."""
        have = self.weights.shape[1]
        if rows <= have:
            return
        drawn = 2.0 * self.rng.standard_normal((self.windows, rows - have, self.nodes)) - 1.0
        at = max(have - 1, 0)
        self.weights = np.concatenate([self.weights[:, :at], drawn, self.weights[:, at:]], axis=1)
        gap = np.zeros((self.windows, self.nodes, rows - have))
        self.cross = np.concatenate([self.cross[:, :, :at], gap, self.cross[:, :, at:]], axis=2)
        gap = gap.transpose(0, 2, 1)
        self.beta = np.concatenate([self.beta[:, :at], gap, self.beta[:, at:]], axis=1)


def _standardised(x: Float64Array) -> Float64Array:
    """Every row to mean 0 and variance 1, as the paper's code scales each instance."""
    centred = x - x.mean(axis=1, keepdims=True)
    found: Float64Array = centred / np.maximum(x.std(axis=1, keepdims=True), 1e-12)
    return found


def _with_bias(x: Float64Array) -> Float64Array:
    return np.concatenate([x, np.full((len(x), 1), _BIAS)], axis=1)


def _sparse_code(gram: Float64Array, cross: Float64Array) -> Float64Array:
    """Lasso by two rounds of ADMM: weights ``(nodes, d)`` that rebuild the input."""
    inverse = np.linalg.inv(gram + np.eye(len(gram)))
    start = inverse @ cross
    o = u = np.zeros_like(cross)
    for _ in range(_ROUNDS):
        c = start + inverse @ (o - u)
        o = np.sign(c + u) * np.maximum(np.abs(c + u) - _LAMBDA, 0.0)
        u = u + c - o
    return o
