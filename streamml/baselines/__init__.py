"""What every learner is compared with.

:class:`NoChange` and :class:`MajorityLabelSet` need no features: a learner that does not
beat them has learned nothing. The others are the learners of the published comparisons,
on river's or on kernels of our own. They are imported when they are asked for.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from streamml.baselines.majority import MajorityLabelSet
from streamml.baselines.no_change import NoChange

if TYPE_CHECKING:
    from streamml.baselines._river_parts import LogisticLeaf, PatientQuantizer, PureSplitter
    from streamml.baselines.bels import MLBELS
    from streamml.baselines.binary_relevance import BinaryRelevance
    from streamml.baselines.isoup import ISOUPT
    from streamml.baselines.mlhat import MLHAT
    from streamml.baselines.mlht import MLHT, MLHTPS
    from streamml.baselines.river_multilabel import RiverMultiLabel, as_learner
    from streamml.baselines.vowpal import VowpalWabbit

__all__ = [
    "ISOUPT",
    "MLBELS",
    "MLHAT",
    "MLHT",
    "MLHTPS",
    "BinaryRelevance",
    "LogisticLeaf",
    "MajorityLabelSet",
    "NoChange",
    "PatientQuantizer",
    "PureSplitter",
    "RiverMultiLabel",
    "VowpalWabbit",
    "as_learner",
]

_LAZY = {
    "BinaryRelevance": "binary_relevance",
    "ISOUPT": "isoup",
    "LogisticLeaf": "_river_parts",
    "MLBELS": "bels",
    "MLHAT": "mlhat",
    "MLHT": "mlht",
    "MLHTPS": "mlht",
    "PatientQuantizer": "_river_parts",
    "PureSplitter": "_river_parts",
    "RiverMultiLabel": "river_multilabel",
    "VowpalWabbit": "vowpal",
    "as_learner": "river_multilabel",
}


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_LAZY[name]}"), name)
