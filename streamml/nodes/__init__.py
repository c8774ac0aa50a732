"""What scores the labels of a cluster: one file per idea, kernels over plain arrays."""

from streamml.nodes.custom_classifiers import NodeClassifier
from streamml.nodes.members import MEMBERS, PRESETS

__all__ = ["MEMBERS", "PRESETS", "NodeClassifier"]
