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

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from streamml.ihomer import IHOMER as IHOMER

__all__ = ["IHOMER", "__version__"]

__version__ = "0.1.0"


def __getattr__(name: str) -> object:
    """Import the learner when it is first asked for: the command line starts without it."""
    if name == "IHOMER":
        from streamml.ihomer import IHOMER

        return IHOMER
    raise AttributeError(f"module 'streamml' has no attribute {name!r}")
