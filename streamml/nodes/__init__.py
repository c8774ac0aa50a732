"""What scores the labels of a cluster: one file per idea, kernels over plain arrays."""

from streamml.nodes.members import MEMBERS, PRESETS
from streamml.nodes.own import NodeClassifier

__all__ = ["MEMBERS", "PRESETS", "NodeClassifier"]
