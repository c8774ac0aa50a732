"""How much room a state takes, and taking some of it back: rows of features, arrays by axes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from functools import cache
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from streamml.nodes import member_states
from streamml.nodes.arrays import Spec, shape_of
from streamml.nodes.member_states import MemberStates, OptionalMembers
from streamml.nodes.members import MixturePlan
from streamml.nodes.tree.member import MEGABYTES, new_tree_member

__all__ = ["bytes_for", "bytes_held", "clear_features", "select_features"]

_BY_FEATURE = ("d", "d1", "c")


def bytes_for(plan: MixturePlan, n_features: int, n_labels: int) -> int:
    """Bytes of all arrays of a learner with room for so many features and labels.

    A tree counts as what it may take, however little it does so far.

    Examples
    --------
    >>> from streamml.nodes.members import make_plan
    >>> plan = make_plan(("linear", "constant"))
    >>> bytes_for(plan, 1001, 160) - bytes_for(plan, 1000, 160)  # two rows of labels, statistics
    1304
    """
    sizes = member_states.optional_sizes(n_features, n_labels)
    tree = int(MEGABYTES * 1e6) if plan.tree >= 0 else 0
    terms = _terms(plan).items()
    return tree + sum(each * prod(sizes[axis] for axis in axes) for axes, each in terms)


@cache
def _terms(plan: MixturePlan) -> dict[tuple[str, ...], int]:
    """Bytes by the named axes of arrays: so many for each entry of their product."""
    terms: Counter[tuple[str, ...]] = Counter({("l",): (3 + plan.size) * 4})
    parts = [(spec, used) for spec, used in member_states.specs(plan).values()]
    parts += [(spec, True) for spec in member_states.optional_specs(plan).values()]
    for spec, used in parts:
        for dtype, _, axes in spec.values():
            named = tuple(a for a in axes if isinstance(a, str)) if used else ()
            rest = tuple(a for a in axes if a not in named)
            each = prod(shape_of(rest, member_states.sizes(1, 16, used=False)))
            terms[named] += each * np.dtype(dtype).itemsize
    return dict(terms)


def bytes_held(state: Any) -> int:
    """Bytes of all arrays of nested tuples."""
    if isinstance(state, np.ndarray):
        return state.nbytes
    return sum(bytes_held(part) for part in state) if isinstance(state, tuple) else 0


def _parts(
    states: MemberStates, optional: OptionalMembers, plan: MixturePlan
) -> Iterator[tuple[Any, Spec]]:
    for name, (spec, used) in member_states.specs(plan).items():
        if used:
            yield getattr(states, name), spec
    for name, spec in member_states.optional_specs(plan).items():
        yield getattr(optional, name), spec


def clear_features(
    states: MemberStates, optional: OptionalMembers, plan: MixturePlan, rows: NDArray[np.int64]
) -> None:
    """Forget what was learned of some features: their rows are as they were at the start.

    The random projection of a row stays: it belongs to the place, not to the feature.
    """
    if optional.bayes is not None:
        _leave_bayes(optional.bayes, rows)
    for part, spec in _parts(states, optional, plan):
        for name, (_, fill, axes) in spec.items():
            if axes[0] not in _BY_FEATURE or name == "r":
                continue
            array = getattr(part, name)
            here = rows + 1 if axes[0] == "d1" else rows[rows < len(array)]
            array[here] = fill


def _leave_bayes(bayes: Any, rows: NDArray[np.int64]) -> None:
    """Sparse counts are of mass: what leaves is mass no more."""
    if bayes.q.any():  # dense rows: these are counts of events
        return
    bayes.n[:] = np.maximum(bayes.n - bayes.s[rows].sum(axis=0), 0.0)
    bayes.tot[0] = max(bayes.tot[0] - bayes.all_s[rows].sum(), 0.0)


def select_features(
    states: MemberStates,
    optional: OptionalMembers,
    plan: MixturePlan,
    rows: NDArray[np.int64],
    n_labels: int,
) -> tuple[MemberStates, OptionalMembers]:
    """The same state with only these rows of features, in this order, and less room for labels.

    Labels at columns from ``n_labels`` on must not be known yet. A tree grows anew: it splits
    by places that now belong to other features.
    """
    found: dict[str, Any] = {}
    for name, (spec, used) in member_states.specs(plan).items():
        sizes = member_states.sizes(len(rows), n_labels, used)
        found[name] = (
            _gathered(getattr(states, name), spec, sizes, rows) if used else (getattr(states, name))
        )
    _renumber(found["knn"], states, rows)
    less = MemberStates(**found, **member_states.shared(plan, n_labels), clock=states.clock)  # type: ignore[arg-type]
    member_states.start_labels(less, plan, len(states.y))
    kept = {
        name: _gathered(
            getattr(optional, name), spec, member_states.optional_sizes(len(rows), n_labels), rows
        )
        for name, spec in member_states.optional_specs(plan).items()
    }
    tree = None if optional.tree is None else new_tree_member(len(rows), n_labels)
    return less, OptionalMembers(
        **{"tree": tree, **dict.fromkeys(OptionalMembers._fields[:-1]), **kept}
    )


def _gathered(part: Any, spec: Spec, sizes: Mapping[str, int], rows: NDArray[np.int64]) -> Any:
    arrays = {}
    for name, (dtype, fill, axes) in spec.items():
        old, shape = getattr(part, name), shape_of(axes, sizes)
        if axes[0] == "d1":
            old = old[np.concatenate([[0], rows + 1])]
        elif axes[0] in _BY_FEATURE:
            old = old[rows[: shape[0]] % len(old)]
        if old.shape == shape:
            arrays[name] = np.ascontiguousarray(old)
            continue
        new = np.full(shape, fill, dtype)
        both = tuple(slice(0, min(a, b)) for a, b in zip(old.shape, shape, strict=True))
        new[both] = old[both]
        arrays[name] = new
    return type(part)(**arrays)


def _renumber(knn: Any, before: MemberStates, rows: NDArray[np.int64]) -> None:
    """The window's lists of columns, by their new places; those that went are cleared anyway."""
    place = np.zeros(max(len(before.knn.cols), 1), np.int32)
    inside = rows[: len(knn.cols)]
    known = inside < len(place)
    place[inside[known]] = np.flatnonzero(known)
    knn.ix[...] = place[before.knn.ix]
