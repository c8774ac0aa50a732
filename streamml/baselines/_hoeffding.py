"""What every Hoeffding tree here is told of its splits."""

from __future__ import annotations

from typing import Final

from streamml.state.parameters import COUNT, SHARE, Constraints, Real

__all__ = ["SPLITS"]

SPLITS: Final[Constraints] = {
    "grace_period": COUNT,
    "delta": SHARE,
    "tau": Real(0, 1e9),
}
"""Events between two looks, one minus the bound's confidence, the bound at which ties split."""
