"""Prequential evaluation: predict, score, learn; labels that come late."""

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
    "Delay",
    "Evaluation",
    "PrequentialLoop",
    "ReportsSplit",
    "StepResult",
    "VariableDelay",
    "prequential",
]
