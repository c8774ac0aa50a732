"""What a rule has to do."""

from __future__ import annotations

from typing import Protocol

from streamml.hierarchy.counts import LabelCounts
from streamml.hierarchy.tree import LabelTree
from streamml.types import Change

__all__ = ["Rule"]


class Rule(Protocol):
    """Decides when clusters split, merge or are rebuilt."""

    fading: float

    def check(self, tree: LabelTree, counts: LabelCounts, position: int) -> list[Change]:
        """Restructure ``tree`` where the counts ask for it, and say what was done."""
