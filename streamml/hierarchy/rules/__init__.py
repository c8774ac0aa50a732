"""Rules that say when clusters of labels split, merge or are rebuilt: a file each, by name here."""

from __future__ import annotations

from streamml.hierarchy.rules.comparison import (
    AloneRule,
    FrozenRule,
    LinkageRule,
    OneRule,
    RandomRule,
)
from streamml.hierarchy.rules.evidence import EvidenceRule
from streamml.hierarchy.rules.linkage import Merge, average_linkage
from streamml.hierarchy.rules.odac import OdacRule
from streamml.hierarchy.rules.rule import Rule

__all__ = ["RULES", "EvidenceRule", "Merge", "OdacRule", "Rule", "average_linkage"]

RULES: dict[str, type[Rule]] = {
    "evidence": EvidenceRule,
    "odac": OdacRule,
    "one": OneRule,
    "alone": AloneRule,
    "random": RandomRule,
    "linkage": LinkageRule,
    "frozen": FrozenRule,
}
"""``evidence`` is the default, ``odac`` the paper's; the others are there to be compared with."""
