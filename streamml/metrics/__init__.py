"""Prequential multi-label metrics: cumulative, over a sliding window, and fading.

:class:`Prequential` takes batches and the predictions made for them, and gives
:class:`Scores` over all labels and :class:`LabelScores` for each of them.
"""

from streamml.metrics.prequential import Prequential
from streamml.metrics.scores import LOWER_IS_BETTER, TITLES, LabelScores, Scores

__all__ = ["LOWER_IS_BETTER", "TITLES", "LabelScores", "Prequential", "Scores"]
