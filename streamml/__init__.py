"""streamml: a streaming on-line multi-label learner.

Where what is::

    streamml.IHOMER               the learner, with river's methods and on batches
    streamml.evaluate             prequential: predict, score, learn; labels that come late
    streamml.metrics              what is scored, cumulative, windowed, fading, per label
    streamml.state                save and load a learner
    streamml.checks               conformance checks for a learner of one's own
    streamml.base, .types, .io    what a learner, an event, a source and a sink are
    streamml.nodes, .drift        node classifiers and drift detectors, and what one's own has to do
    streamml.baselines            what it is compared with, and river's classifiers per label
    streamml.streams              synthetic streams with known drift
    streamml.embed                text and raw features to vectors
    streamml.service              the run behind the command line, as a library
    streamml.testing              a clock, sources and sinks for tests
    streamml_connectors.files     ARFF, CSV, JSON Lines, Parquet and svmlight as sources

Examples
--------
>>> from streamml import IHOMER
>>> model = IHOMER()
>>> model.learn_one({"light": 1.0}, {"sun": True, "rain": False})
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from streamml import baselines as baselines
    from streamml import checks as checks
    from streamml import drift as drift
    from streamml import embed as embed
    from streamml import evaluate as evaluate
    from streamml import io as io
    from streamml import metrics as metrics
    from streamml import nodes as nodes
    from streamml import service as service
    from streamml import state as state
    from streamml import streams as streams
    from streamml import testing as testing
    from streamml import types as types
    from streamml.ihomer import IHOMER as IHOMER

__all__ = ["IHOMER", "__version__"]

__version__ = "0.1.0"

_ROOMS: Final = (
    "base",
    "baselines",
    "checks",
    "drift",
    "embed",
    "evaluate",
    "io",
    "metrics",
    "nodes",
    "service",
    "state",
    "streams",
    "testing",
    "types",
)


def __getattr__(name: str) -> object:
    """Import a room when it is first asked for: the command line starts without most of them."""
    if name == "IHOMER":
        return import_module("streamml.ihomer").IHOMER
    if name in _ROOMS:
        return import_module(f"streamml.{name}")
    raise AttributeError(f"module 'streamml' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*__all__, *_ROOMS])
