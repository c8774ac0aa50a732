"""What every learner is compared with: predictions that need no features.

A learner that does not beat these has learned nothing from the features.
"""

from streamml.baselines.majority import MajorityLabelSet
from streamml.baselines.mlhat import MLHAT
from streamml.baselines.no_change import NoChange

__all__ = ["MLHAT", "MajorityLabelSet", "NoChange"]
