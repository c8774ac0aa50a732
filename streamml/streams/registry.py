"""Synthetic streams by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from streamml.state.registry import made
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
    """The synthetic stream called ``name``; raises what :func:`~streamml.state.registry.made` does.

    Examples
    --------
    >>> make_stream("rbf", seed=2, n_labels=25, drift="sudden").drifts[0].start
    20000
    """
    kinds: Mapping[str, Callable[..., DemoStream | SyntheticStream]] = STREAMS
    return made("stream", kinds, name, seed=seed, **parameters)
