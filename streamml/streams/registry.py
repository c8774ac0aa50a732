"""Synthetic streams by name."""

from __future__ import annotations

import inspect
from typing import Any, Final

from streamml.errors import ConfigError
from streamml.streams.demo import DemoStream
from streamml.streams.hyperplane import HyperplaneStream
from streamml.streams.label_correlation import LabelCorrelationStream
from streamml.streams.random_tree import RandomTreeStream
from streamml.streams.rbf import RBFStream
from streamml.streams.synthetic import SyntheticStream

__all__ = ["STREAMS", "make_stream"]

STREAMS: Final[dict[str, type[DemoStream] | type[SyntheticStream]]] = {
    "demo": DemoStream,
    "random-tree": RandomTreeStream,
    "rbf": RBFStream,
    "hyperplane": HyperplaneStream,
    "correlation": LabelCorrelationStream,
}
"""Name -> stream."""


def make_stream(name: str, seed: int = 0, **parameters: Any) -> DemoStream | SyntheticStream:
    """The synthetic stream called ``name``.

    Raises
    ------
    ConfigError
        Name or parameter is not known, or a value is out of range.

    Examples
    --------
    >>> make_stream("rbf", seed=2, n_labels=25, drift="sudden").drifts[0].start
    20000
    """
    if name not in STREAMS:
        raise ConfigError(f"There is no stream {name!r}: take one of {', '.join(STREAMS)}.")
    takes = inspect.signature(STREAMS[name]).parameters
    unknown = [key for key in parameters if key not in takes]
    if unknown:
        raise ConfigError(f"{name} has no parameter {unknown[0]!r}: it takes {', '.join(takes)}.")
    return STREAMS[name](seed=seed, **parameters)
