"""What a plan is made from, and what a state remembers of it: presets may change, states do not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from streamml.nodes.combine.propensity import OFF
from streamml.nodes.members import MEMBERS, PRESETS, MixturePlan, Preset, equal_start
from streamml.state.capture import check, part_of

__all__ = ["Layout", "layout_of", "layout_snapshot", "restore_layout"]


class Layout(NamedTuple):
    """What a plan is made from: members with their weight at the start, and constants by name."""

    members: dict[str, float]
    constants: dict[str, int | float]


def layout_of(
    preset: str,
    members: Sequence[str] | None,
    links: bool,
    window: int | None,
    propensity: float = OFF,
    presets: Mapping[str, Preset] = PRESETS,
) -> Layout:
    """What parameters of a learner say, a preset and what differs from it."""
    start, constants = presets[preset]
    if members is not None:
        start = equal_start(tuple(members))
    more: dict[str, int | float] = {} if links else {"links": 0}
    if window is not None:
        more["window"] = window
    if propensity != OFF:
        more["propensity"] = propensity
    return Layout(dict(start), {**constants, **more})


CONSTANTS = tuple(
    name
    for name in MixturePlan._fields[MixturePlan._fields.index("neighbours") + 1 :]
    if name not in ("lean", "decision")
)
"""Names of a plan's constants that no parameter of a learner gives."""


def layout_snapshot(layout: Layout, plan: MixturePlan) -> dict[str, dict[str, int | float]]:
    """A layout with every constant, for a snapshot: a state goes on with what it was made with."""
    constants = {name: getattr(plan, name) for name in CONSTANTS}
    return {"members": dict(layout.members), "constants": constants}


def restore_layout(saved: Mapping[str, Any]) -> Layout:
    """A layout out of a snapshot; what it has no word of is as usual.

    Raises
    ------
    StateError
        It names what is not known, or a number is none.
    """
    where = "the layout"
    members = part_of(saved, "members", dict, where)
    constants = part_of(saved, "constants", dict, where)
    for known, part in ((MEMBERS, members), (CONSTANTS, constants)):
        fits = set(part) <= set(known) and all(type(n) in (int, float) for n in part.values())
        check(fits, where, "names what is not known")
    return Layout(members, constants)
