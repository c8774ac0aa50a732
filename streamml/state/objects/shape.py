"""How a graph of objects lies in arrays, and what must hold of it.

Every container, object or array is a node, numbered as it was found; node 0 is a list with the
root in it.
What a node holds are its cells, which follow each other in one array for all nodes: a tag
that says what it is, and 64 bits: the number itself, or a place in a table.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from streamml.arrays import BoolArray, Int64Array, UInt8Array
from streamml.state.capture import check

__all__ = ["IMMUTABLE", "Graph", "check_graph", "made_at_once", "owners"]

# what a cell is
NONE, BOOL, INT, FLOAT, TEXT, BYTES, BIG, CONSTANT, REF = range(9)
# what a node is
(LIST, TUPLE, NAMED, SET, FROZEN, DICT, ORDERED, COUNTER, DEFAULT, DEQUE, OBJECT, ARRAY, SCALAR,
 RANDOM, GENERATOR, WINDOWING, VECTOR) = range(17)  # fmt: skip

IMMUTABLE: Final = (TUPLE, NAMED, FROZEN)
"""Nodes that are made at once, out of what they hold."""

KINDS: Final = VECTOR + 1
TAGS: Final = REF + 1
VERSION: Final = 1
"""Of the tables; raised where older ones cannot be read any more."""

_PARENT: Final = "parent"
_LEVELS: Final = 100_000
_HASHING: Final = 64  # steps a cell, on average
_NESTED: Final = 50  # tuples within tuples: what hashes them runs on the C stack


class Graph(NamedTuple):
    """A graph as arrays.

    Parameters
    ----------
    kinds, what, sizes
        For each node what it is, its place in the table of that kind, and its cells.
    tags, bits
        For each cell what it is, and its number or place.
    order
        The nodes that are made at once, in an order in which that can be done.
    shapes
        Class name and attribute names, for objects and named tuples.
    """

    kinds: UInt8Array
    what: Int64Array
    sizes: Int64Array
    tags: UInt8Array
    bits: Int64Array
    order: Int64Array
    shapes: list[tuple[str, tuple[str, ...]]]


def owners(graph: Graph) -> Int64Array:
    """The node that each cell belongs to."""
    return np.repeat(np.arange(len(graph.sizes)), graph.sizes)


def made_at_once(graph: Graph) -> BoolArray:
    """Which nodes are made out of what they hold, and never change."""
    found: BoolArray = np.isin(graph.kinds, IMMUTABLE)
    return found


def check_graph(graph: Graph) -> None:
    """All that making and using it needs, beside what a single table shows.

    Raises
    ------
    StateError
        References lead back, tuples are nested too deeply or stand before what they hold, or
        a key is neither scalar nor a tuple of such, or takes long to hash.
    """
    _check_order(graph)
    _check_at_once(graph)
    keys = _key_cells(graph)
    unfit = _unfit_as_keys(graph) & keys
    check(not unfit.any(), "the model", "has a key that is neither text, number nor tuple")
    _check_hashing(graph, keys)


# -- references come to an end ------------------------------------------------------------------


def _parent_cells(graph: Graph) -> BoolArray:
    """Which cells are attributes that lead back to whom the object belongs."""
    found: BoolArray = np.zeros(len(graph.tags), np.bool_)
    places = np.array([_PARENT in names and names.index(_PARENT) for _, names in graph.shapes])
    has = np.array([_PARENT in names for _, names in graph.shapes], np.bool_)
    if has.any():
        nodes = np.flatnonzero(graph.kinds == OBJECT)
        nodes = nodes[has[graph.what[nodes]]]
        starts = np.cumsum(graph.sizes) - graph.sizes
        found[starts[nodes] + places[graph.what[nodes]].astype(np.int64)] = True
    found &= graph.tags == REF
    return found


def _check_order(graph: Graph) -> None:
    """Following references, downwards or to parents, must come to an end."""
    back = _parent_cells(graph)
    owner = owners(graph)
    down = (graph.tags == REF) & ~back
    n = len(graph.kinds)
    _check_ends(owner[down], graph.bits[down], n)
    _check_ends(owner[back], graph.bits[back], n)


def _check_ends(start: Int64Array, stop: Int64Array, n: int) -> None:
    """Take away nodes that nobody leads to, again and again: all must go (Kahn 1962)."""
    waiting = np.bincount(stop, minlength=n)
    first = np.searchsorted(start, np.arange(n + 1))
    free = np.flatnonzero(waiting == 0)
    left = n
    for _ in range(_LEVELS):
        if not len(free):
            break
        left -= len(free)
        counts = first[free + 1] - first[free]
        ends = np.cumsum(counts)
        edges = np.arange(ends[-1]) + np.repeat(first[free] - ends + counts, counts)
        reached, times = np.unique(stop[edges], return_counts=True)
        waiting[reached] -= times
        free = reached[waiting[reached] == 0]
    check(left == 0, "the model", "leads back to itself, or is nested too deeply")


# -- tuples and keys ------------------------------------------------------------------------------


def _check_at_once(graph: Graph) -> None:
    """Tuples and their like are each listed, after what they hold, and not nested deeply."""
    once, owner, where = made_at_once(graph), owners(graph), "the model"
    rank = np.full(len(graph.kinds), -1, np.int64)
    check(bool(once[graph.order].all()), where, "lists what is not made at once")
    rank[graph.order] = np.arange(len(graph.order))
    complete = len(graph.order) == np.count_nonzero(once) and bool((rank[once] >= 0).all())
    check(complete, where, "does not list all tuples")
    inner = np.flatnonzero((graph.tags == REF) & once[owner])
    inner = inner[once[graph.bits[inner]]]
    above, below = owner[inner], graph.bits[inner]
    check(bool((rank[below] < rank[above]).all()), where, "has a tuple before what it holds")
    level = np.zeros(len(graph.kinds), np.int64)
    for _ in range(_NESTED):
        deeper = level.copy()
        np.maximum.at(deeper, above, level[below] + 1)
        if bool((deeper == level).all()):
            return
        level = deeper
    check(False, where, f"has tuples nested more than {_NESTED} deep")


def _key_cells(graph: Graph) -> BoolArray:
    """Cells that are keys of a mapping or members of a set."""
    owner = owners(graph)
    kind, size = graph.kinds[owner], graph.sizes[owner]
    at = np.arange(len(graph.tags)) - (np.cumsum(graph.sizes) - graph.sizes)[owner]
    found: BoolArray = np.isin(kind, (SET, FROZEN))
    found |= np.isin(kind, (DICT, ORDERED, COUNTER)) & (at < size // 2)
    found |= (kind == DEFAULT) & (at >= 1) & (at <= (size - 1) // 2)
    return found


def _unfit_as_keys(graph: Graph) -> BoolArray:
    """Cells that hold other than scalars and tuples of such, which hash by value."""
    once, owner = made_at_once(graph), owners(graph)
    refs = graph.tags == REF
    target = np.where(refs, graph.bits, 0)
    unfit_node = ~once
    unfit: BoolArray = (refs & unfit_node[target]) | (graph.tags == CONSTANT)
    for _ in range(_NESTED):  # a tuple that holds one is one
        before = np.count_nonzero(unfit_node)
        unfit_node[owner[unfit]] = True
        unfit |= refs & unfit_node[target]
        if np.count_nonzero(unfit_node) == before:
            break
    return unfit


def _check_hashing(graph: Graph, keys: BoolArray) -> None:
    """Hashing walks through a tuple anew each time, and through all that it holds."""
    refs = graph.tags == REF
    inner = refs & made_at_once(graph)[np.where(refs, graph.bits, 0)]
    steps = graph.sizes.astype(np.float64) + 1.0
    stops = np.cumsum(graph.sizes)
    holding = np.zeros(len(graph.kinds), np.bool_)
    holding[owners(graph)[inner]] = True
    for k in graph.order[holding[graph.order]].tolist():  # what they hold comes first
        cells = slice(int(stops[k] - graph.sizes[k]), int(stops[k]))
        steps[k] += float(steps[graph.bits[cells][inner[cells]]].sum())
    total = steps[graph.bits[keys & inner]].sum() + steps[graph.kinds == FROZEN].sum()
    fits = total <= _HASHING * len(graph.tags) + 2**16
    check(bool(fits), "the model", "has keys that take too long to hash")
