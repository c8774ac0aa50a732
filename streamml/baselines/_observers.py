"""Gaussian observers of all features and labels of one leaf, and the best split they see."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from streamml.types import Float32Array, Float64Array, Int32Array

__all__ = ["Observers", "Split", "label_entropy"]

_CHUNK: Final = 4_000_000  # cells that a look for splits works on at once
_LEAST_BRANCH: Final = 0.01  # share of the events that either side must get
_SQRT2: Final = math.sqrt(2.0)


@dataclass(frozen=True, slots=True)
class Split:
    """A test ``x[feature] <= threshold`` and what it gains, with label counts on both sides."""

    merit: float
    feature: int
    threshold: float
    sides: tuple[tuple[float, Float64Array], tuple[float, Float64Array]]


class Observers:
    """Mean and variance of every feature, over all events and over those with each label.

    A feature that is absent from an event is not observed. Arrays grow with the names.
    """

    def __init__(self) -> None:
        self.moments = np.zeros((3, 0, 1))  # count, mean, M2; column 0 is all events
        self.low = np.zeros(0)
        self.high = np.zeros(0)

    def observe(self, columns: Int32Array, values: Float32Array, positive: Int32Array) -> None:
        """Welford's update for the features of one event."""
        if not len(columns):
            return
        self._grow(int(columns.max()) + 1, int(positive.max(initial=-1)) + 2)
        x = values.astype(np.float64)
        self.low[columns] = np.minimum(self.low[columns], x)
        self.high[columns] = np.maximum(self.high[columns], x)
        cells = np.ix_(columns, np.concatenate([[0], positive + 1]))
        count, mean, spread = self.moments[0][cells], self.moments[1][cells], self.moments[2][cells]
        count += 1.0
        delta = x[:, None] - mean
        mean += delta / count
        spread += delta * (x[:, None] - mean)
        self.moments[0][cells], self.moments[1][cells], self.moments[2][cells] = count, mean, spread

    def _grow(self, features: int, columns: int) -> None:
        d, width = self.moments.shape[1:]
        if features <= d and columns <= width:
            return
        d2, w2 = max(features, d), max(columns, width)
        self.moments = np.pad(self.moments, ((0, 0), (0, d2 - d), (0, w2 - width)))
        self.low = np.pad(self.low, (0, d2 - d), constant_values=np.inf)
        self.high = np.pad(self.high, (0, d2 - d), constant_values=-np.inf)

    def best(self, weight: float, counts: Float64Array, n_splits: int) -> list[Split]:
        """The two best splits on different features, best first."""
        features = np.flatnonzero(self.low < self.high)
        width = self.moments.shape[2]
        step = max(_CHUNK // (n_splits * width), 1)
        found: list[Split] = []
        before = label_entropy(np.array([weight]), counts[None])[0]
        for start in range(0, len(features), step):
            found += self._candidates(features[start : start + step], before, n_splits)
            found = sorted(found, key=lambda split: -split.merit)[:2]
        return found

    def _candidates(self, features: np.ndarray, before: float, n_splits: int) -> list[Split]:
        grid = np.arange(1, n_splits + 1) / (n_splits + 1.0)
        low, high = self.low[features, None], self.high[features, None]
        at = low + grid * (high - low)  # (features, splits)
        count, mean, spread = (m[features][:, None, :] for m in self.moments)
        with np.errstate(divide="ignore", invalid="ignore"):
            sd = np.sqrt(spread / np.maximum(count - 1.0, 1.0))
            z = (at[:, :, None] - mean) / (sd * _SQRT2)
        z = np.where(sd > 0, z, np.where(at[:, :, None] >= mean, np.inf, -np.inf))
        left = count * 0.5 * (1.0 + _erf(z))
        right = count - left
        n_left, n_right = left[:, :, 0], right[:, :, 0]
        total = n_left + n_right
        after = n_left * label_entropy(n_left, left[:, :, 1:])
        after += n_right * label_entropy(n_right, right[:, :, 1:])
        merit = before - after / np.maximum(total, 1e-12)
        merit[np.minimum(n_left, n_right) <= _LEAST_BRANCH * total] = -np.inf
        where = merit.argmax(axis=1)
        rows = np.arange(len(features))
        order = np.argsort(-merit[rows, where], kind="stable")[:2]
        return [
            Split(
                float(merit[i, where[i]]),
                int(features[i]),
                float(at[i, where[i]]),
                (
                    (float(n_left[i, where[i]]), left[i, where[i], 1:].copy()),
                    (float(n_right[i, where[i]]), right[i, where[i], 1:].copy()),
                ),
            )
            for i in order.tolist()
            if np.isfinite(merit[i, where[i]])
        ]


def label_entropy(total: Float64Array, counts: Float64Array) -> Float64Array:
    """Sum over labels of the entropy of being on or off, in bits; labels are the last axis."""
    p = np.clip(counts / np.maximum(total, 1e-12)[..., None], 0.0, 1.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        bits = p * np.log2(p) + (1.0 - p) * np.log2(1.0 - p)
    found: Float64Array = -np.nansum(bits, axis=-1)
    return found


def _erf(z: Float64Array) -> Float64Array:
    """The error function to 1.5e-7 (Abramowitz and Stegun 7.1.26)."""
    x = np.minimum(np.abs(z), 6.0)
    t = 1.0 / (1.0 + 0.3275911 * x)
    tail = np.full_like(t, 1.061405429)
    for a in (-1.453152027, 1.421413741, -0.284496736, 0.254829592):
        tail = tail * t + a
    found: Float64Array = np.sign(z) * (1.0 - tail * t * np.exp(-x * x))
    return found
