"""IHOMER: an on-line multi-label learner over an incremental hierarchy of labels."""

from streamml.ihomer.learner import IHOMER

__all__ = [
    "IHOMER",
]
