"""How a graph of objects lies in arrays, and what must hold of it.

Every container, object or array is a node, numbered as it was found; node 0 is a list with the
root in it.
What a node holds are its cells, which follow each other in one array for all nodes: a tag
that says what it is, and 64 bits: the number itself, or a place in a table.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from streamml._capture import check
from streamml.types import BoolArray, Int64Array, UInt8Array

__all__ = ["IMMUTABLE", "Graph", "check_order", "owners", "parent_cells"]

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


def parent_cells(graph: Graph) -> BoolArray:
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


def check_order(graph: Graph) -> None:
    """Following references, downwards or to parents, must come to an end."""
    back = parent_cells(graph)
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
