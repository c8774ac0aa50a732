"""The label space, cut on line into clusters of labels that occur together."""

from streamml.hierarchy.counts import LabelCounts, Pairs
from streamml.hierarchy.hierarchy import LabelHierarchy
from streamml.hierarchy.rules import (
    RULES,
    EvidenceRule,
    Merge,
    OdacRule,
    Rule,
    average_linkage,
)
from streamml.hierarchy.tree import LabelTree, TreeNode

__all__ = [
    "RULES",
    "EvidenceRule",
    "LabelCounts",
    "LabelHierarchy",
    "LabelTree",
    "Merge",
    "OdacRule",
    "Pairs",
    "Rule",
    "TreeNode",
    "average_linkage",
]
