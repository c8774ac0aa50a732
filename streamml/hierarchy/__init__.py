"""The label space, cut on line into clusters of labels that occur together."""

from streamml.hierarchy.counts import LabelCounts, Pairs
from streamml.hierarchy.evidence import EvidenceRule
from streamml.hierarchy.hierarchy import RULES, LabelHierarchy, Rule
from streamml.hierarchy.linkage import Merge, average_linkage
from streamml.hierarchy.odac import OdacRule
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
