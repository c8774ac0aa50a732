"""Hashed bag of words: what text comes to without a model, to compare with."""

from __future__ import annotations

import re
from collections import Counter
from functools import lru_cache
from typing import ClassVar, Final, Literal

import numpy as np

from streamml.embed.weights import name_key
from streamml.state.parameters import SEED, Constraints, Whole, check_parameters
from streamml.types import EventBatch, Float32Array

__all__ = ["HashedWords"]

_WORD: Final = re.compile(r"\w+")
_KEPT_WORDS: Final = 1 << 16


class HashedWords:
    """``hash:D``: counts of words, each at a hashed place with a hashed sign, unit length.

    Parameters
    ----------
    dimensions
        D, at least 1; words share a place rarely where it is well above their number.
    seed
        Of the hash.

    Raises
    ------
    ConfigError
        ``dimensions`` is below 1.

    Examples
    --------
    >>> from streamml.types import Event, Schema
    >>> schema = Schema(takes_text=True)
    >>> events = [Event(0, 0.0, "Sun and rain"), Event(1, 1.0, "rain AND sun!")]
    >>> z = HashedWords(64).encode(EventBatch.from_events(events, schema))
    >>> bool((z[0] == z[1]).all()), int((z[0] != 0).sum())
    (True, 3)

    References
    ----------
    Weinberger et al., "Feature Hashing for Large Scale Multitask Learning", ICML 2009.
    """

    version = "1"
    reads: Literal["text", "features"] = "text"
    sparse = True

    _constraints: ClassVar[Constraints] = {
        "dimensions": Whole(1, 2**24),
        "seed": SEED,
    }

    def __init__(self, dimensions: int, seed: int = 1) -> None:
        self.dimensions = dimensions
        self.seed = seed
        check_parameters(self)
        self._place = lru_cache(_KEPT_WORDS)(self._hashed)

    @property
    def name(self) -> str:
        """``hash:D``."""
        return f"hash:{self.dimensions}"

    def encode(self, batch: EventBatch) -> Float32Array:
        """Float32 ``(n, dimensions)``; rows of length 1, or 0 where there is no word."""
        out = np.zeros((len(batch), self.dimensions), np.float32)
        for row, text in zip(out, batch.texts or (), strict=True):
            for word, n in Counter(_WORD.findall(text.lower())).items():
                place, sign = self._place(word)
                row[place] += sign * n
            length = float(np.sqrt(np.square(row).sum(dtype=np.float64)))
            if length > 0:
                row /= np.float32(length)
        return out

    def _hashed(self, word: str) -> tuple[int, float]:
        key = name_key(word, self.seed)
        return (key >> 1) % self.dimensions, 1.0 if key & 1 else -1.0
