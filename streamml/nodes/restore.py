"""The state of all node classifiers out of a snapshot: shapes first, then what serves as place.

Kernels look nothing up twice: an index that leaves its array would read or write beside
it. So whatever they take as a place (columns, slots, children, counts of entries) is
checked here, part by part; what is only a number may be any number.

Members and arrays go by name: what a state does not have yet begins as in a learner that has
learned nothing, and what nobody knows any more is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from streamml.nodes import member_states
from streamml.nodes.arrays import Spec, shape_of
from streamml.nodes.combine.decision_state import BLOCK, N_SETS, WIDEST, Decision
from streamml.nodes.combine.links import Second
from streamml.nodes.forest.arrays import (
    HELD,
    LABELS,
    LISTED,
    MODE,
    NEXT,
    SPARSE_COLUMNS,
    TREE,
    TREES,
    Forest,
)
from streamml.nodes.knn import KEPT, Knn
from streamml.nodes.member_states import N_LABELS, MemberStates, OptionalMembers
from streamml.nodes.members import MixturePlan
from streamml.nodes.tree.member import restore_tree_member
from streamml.state.capture import check, check_range, part_of

__all__ = ["StartValues", "restore_member_states", "restore_optional_members"]

Array = NDArray[Any]


class StartValues:
    """Members that have learned nothing, made where a state lacks something.

    Parameters
    ----------
    plan, start, seed
        As for :func:`streamml.nodes.member_states.new_member_states`.
    """

    def __init__(self, plan: MixturePlan, start: Mapping[str, float], seed: int) -> None:
        self._plan, self._start, self._seed = plan, start, seed
        self._made: dict[tuple[bool, int, int], Any] = {}

    def of(self, part: str, n_features: int, n_labels: int) -> Any:
        """One part of the member states or the optional members, with room for so many."""
        extra = part in OptionalMembers._fields
        size = (extra, n_features, n_labels)
        if size not in self._made and extra:
            self._made[size] = member_states.new_optional_members(
                self._plan, n_features, n_labels, self._seed
            )
        elif size not in self._made:
            self._made[size] = member_states.new_member_states(
                self._plan, self._start, n_features, n_labels, self._seed
            )
        return getattr(self._made[size], part)


def restore_member_states(
    saved: Mapping[str, Any], plan: MixturePlan, n_labels: int, start: StartValues
) -> MemberStates:
    """States of the members of ``plan`` out of a snapshot; it may know labels below ``n_labels``.

    Raises
    ------
    StateError
        It does not fit.
    """
    where = "the node classifiers"
    check(set(saved) <= set(MemberStates._fields), where, "are other ones")
    inputs = part_of(saved, "inputs", dict, where)
    n_features = len(_array(inputs, "top", np.float32, (None,), where))
    room = len(_array(saved, "y", np.float32, (None,), where))
    check(n_features >= 1 and room >= 16 and room % 16 == 0, where, "have no usable size")
    parts: dict[str, Any] = {}
    for name, (spec, used) in member_states.specs(plan).items():
        sizes = member_states.sizes(n_features, room, used)
        lacking = partial(start.of, name, n_features, room)
        parts[name] = _part(member_states.KINDS[name], spec, sizes, saved, name, lacking)
    shared = {
        name: _array(saved, name, np.float32, array.shape, where) if name in saved else array
        for name, array in member_states.shared(plan, room).items()
    }
    shared["y"][:], shared["known"][:] = 0.0, 1.0  # as they are between events
    clock = _clock(_array(saved, "clock", np.int64, (None,), where))
    check_range(clock[:1], 0, min(room, n_labels) + 1, "the number of labels")
    found = MemberStates(**parts, **cast(dict[str, Any], shared), clock=clock)
    known = int(clock[N_LABELS])
    _check_inputs(found.inputs)
    _check_knn(found.knn)
    check_range(found.links.nbr, -1, max(known, 1), "whom a label listens to")
    _check_second(found.links)
    _check_decision(found.decision, known)
    return found


def restore_optional_members(
    saved: Mapping[str, Any], plan: MixturePlan, states: MemberStates, start: StartValues
) -> OptionalMembers:
    """The optional members that ``plan`` has, as large as the others."""
    where = "the extra members"
    specs = member_states.optional_specs(plan)
    used = {*specs, *(("tree",) if plan.tree >= 0 else ())}
    for name, part in saved.items():
        check(part is None or name in used, where, "are other ones")
    lengths = len(states.inputs.top), len(states.y)
    sizes = member_states.optional_sizes(*lengths)
    parts: dict[str, Any] = dict.fromkeys(OptionalMembers._fields)
    for name, spec in specs.items():
        lacking = partial(start.of, name, *lengths)
        parts[name] = _part(member_states.OPTIONAL_KINDS[name], spec, sizes, saved, name, lacking)
    if plan.tree >= 0:
        parts["tree"] = (
            start.of("tree", *lengths)
            if saved.get("tree") is None
            else restore_tree_member(part_of(saved, "tree", dict, where), *lengths)
        )
    found = OptionalMembers(**parts)
    if found.forest is not None:
        _check_forest(found.forest, max(int(states.clock[N_LABELS]), 1))
    return found


def _part(
    kind: Callable[..., Any],
    spec: Spec,
    sizes: Mapping[str, int],
    saved: Mapping[str, Any],
    name: str,
    lacking: Callable[[], Any],
) -> Any:
    """Arrays of the dtypes and shapes that kernels expect; ``lacking`` has what is not there."""
    if saved.get(name) is None:
        return lacking()
    part = part_of(saved, name, dict, "the node classifiers")
    check(bool(part) and set(part) <= set(spec), name, "has other fields")
    return kind(
        **{
            field: _array(part, field, dtype, shape_of(axes, sizes), name)
            if field in part
            else getattr(lacking(), field)
            for field, (dtype, _, axes) in spec.items()
        }
    )


def _array(
    saved: Mapping[str, Any], name: str, dtype: Any, shape: tuple[int | None, ...], where: str
) -> Array:
    """A copy; ``None`` in ``shape`` is any length."""
    array = part_of(saved, name, np.ndarray, where)
    fits = array.dtype == dtype and array.ndim == len(shape)
    fits = fits and all(b is None or a == b for a, b in zip(array.shape, shape, strict=True))
    check(fits, f"{where}.{name}", f"is {array.dtype}{array.shape}, not {np.dtype(dtype)}{shape}")
    return np.array(array, dtype, order="C")


def _clock(saved: Array) -> Array:
    """Learners of 0.1.0 did not count events with negatives: they have seen some."""
    check(1 <= len(saved) <= 2 and bool((saved >= 0).all()), "the clock", "has no usable size")
    return np.array([*saved, 1][:2], np.int64)


def _check_inputs(inputs: Any) -> None:
    check(bool((inputs.mode >= 0).all() and inputs.mode[0] <= 1), "inputs.mode", "is out of range")
    check(bool((inputs.mode < 2**48).all()), "inputs.mode", "is out of range")


def _check_knn(knn: Knn) -> None:
    window, (at, filled) = len(knn.scale), knn.pos.tolist()
    check(0 <= at < window and 0 <= filled <= window, "knn.pos", "leaves the window")
    check(at == filled or filled == window, "knn.pos", "leaves a gap in the window")
    check_range(knn.num, -1, KEPT + 1, "knn.num")
    check_range(knn.ix, 0, len(knn.cols), "knn.ix")


def _check_second(links: Second) -> None:
    """A label stands at most once among those another one listens to."""
    ordered = np.sort(links.nbr, axis=0)
    twice = (ordered[1:] == ordered[:-1]) & (ordered[1:] >= 0)
    check(not twice.any(), "links.nbr", "has a label twice")


def _check_decision(decision: Decision, n_labels: int) -> None:
    check_range(
        decision.i[N_SETS : N_SETS + 1], 0, len(decision.size) + 1, "the number of label sets"
    )
    size = decision.size
    check_range(size, 0, WIDEST + 1, "decision.size")
    check_range(decision.lab, 0, n_labels + 1, "decision.lab")
    inside = np.arange(WIDEST)[:, None] < size[None, :]
    check(bool(((decision.lab > 0) == inside).all()), "decision.lab", "has other sizes")
    deepest = size.reshape(-1, BLOCK).max(axis=1, initial=0)
    check(bool((decision.depth == deepest).all()), "decision.depth", "has other sizes")


def _check_forest(forest: Forest, n_labels: int) -> None:
    clock, window, trees = forest.clock.tolist(), len(forest.labels), len(forest.after)
    held, at = clock[HELD], clock[NEXT]
    check(0 <= at < window and 0 <= held <= window, "forest.clock", "leaves the window")
    check(at == held or held == window, "forest.clock", "leaves a gap in the window")
    check(clock[MODE] in (0, 1), "forest.clock", "has no mode")
    check(
        0 <= clock[TREE] < trees and 0 <= clock[TREES] <= trees, "forest.clock", "has no such tree"
    )
    check(abs(clock[-1]) < 2**60, "forest.clock", "has no usable allowance")
    check(forest.rng[0] != 0, "forest.rng", "is empty")
    check_range(forest.labels[:, LABELS], 0, LABELS + 1, "forest.labels")
    check_range(forest.labels[:, :LABELS], 0, n_labels, "forest.labels")
    check_range(forest.listed[:, LISTED], 0, LISTED + 1, "forest.listed")
    check_range(forest.listed[:, :LISTED], 0, SPARSE_COLUMNS, "forest.listed")
    check_range(forest.after, -1, window, "forest.after")
    columns = forest.values.shape[1] if clock[MODE] else SPARSE_COLUMNS
    _check_nodes(forest.node[: clock[TREES]].astype(np.int64), columns, window)


def _check_nodes(node: Array, columns: int, window: int) -> None:
    """Children come after their parent, so that every walk ends; leaves name slots."""
    feature, oldest, newest, events = (node[:, :, k] for k in range(4))
    inner = feature >= 0
    check_range(feature, -1, columns, "the feature of a tree's node")
    place = np.broadcast_to(np.arange(node.shape[1]), feature.shape)
    child = newest[inner]
    after = (child > place[inner]) & (child + 1 < node.shape[1])
    check(bool(after.all()), "a tree", "has a node above its parent")
    for slots in (oldest[~inner], newest[~inner]):
        check_range(slots, -1, window, "the events of a leaf")
    check_range(events[~inner], -1, window + 1, "the events of a leaf")
