"""Synthetic streams: seeded, generated as they are read, with drift at known positions."""

from __future__ import annotations

from streamml.streams.demo import DemoStream
from streamml.streams.hyperplane import HyperplaneStream
from streamml.streams.known import KnownDrift
from streamml.streams.label_correlation import LabelCorrelationStream
from streamml.streams.random_tree import RandomTreeStream
from streamml.streams.rbf import RBFStream
from streamml.streams.registry import STREAMS, make_stream
from streamml.streams.synthetic import SyntheticStream
from streamml.streams.texts import TextStream

__all__ = [
    "STREAMS",
    "DemoStream",
    "HyperplaneStream",
    "KnownDrift",
    "LabelCorrelationStream",
    "RBFStream",
    "RandomTreeStream",
    "SyntheticStream",
    "TextStream",
    "make_stream",
]
