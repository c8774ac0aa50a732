"""What a learner is: batches inside, river's methods outside."""

from streamml.base.learner import (
    MIN_SCORE,
    LabelNode,
    Learner,
)

__all__ = [
    "MIN_SCORE",
    "LabelNode",
    "Learner",
]
