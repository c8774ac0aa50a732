"""Prequential evaluation: predict, score, learn; labels that come late."""

from streamml.evaluate.curve import CurvePlot, CurvePoint
from streamml.evaluate.evaluation import LabelScore
from streamml.evaluate.prequential import (
    Delay,
    Evaluation,
    PrequentialLoop,
    ReportsSplit,
    StepResult,
    VariableDelay,
    prequential,
)

__all__ = [
    "CurvePlot",
    "CurvePoint",
    "Delay",
    "Evaluation",
    "LabelScore",
    "PrequentialLoop",
    "ReportsSplit",
    "StepResult",
    "VariableDelay",
    "prequential",
]
