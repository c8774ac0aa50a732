"""What a saved graph will take in memory, known before any of it is made.

A node is a few bytes in a file, and may stand for a queue or a generator of kilobytes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from streamml.arrays import Int64Array
from streamml.errors import StateError
from streamml.state.capture import check
from streamml.state.objects import shape as s

__all__ = ["FACTOR", "ROOM", "check_weight"]

FACTOR: Final = 20  # objects of Python's are heavy: honest models take up to 13 by this count
ROOM: Final = 4 * 2**20
_NODE: Final = 104  # tables of the node while it is made
_CELL: Final = 56  # a number of 32 bytes, and where it is kept meanwhile

_NODES: Final = {
    s.LIST: 64, s.TUPLE: 64, s.NAMED: 64, s.SET: 232, s.FROZEN: 232, s.DICT: 80, s.ORDERED: 400,
    s.COUNTER: 320, s.DEFAULT: 120, s.DEQUE: 800, s.OBJECT: 184, s.ARRAY: 16, s.SCALAR: 48,
    s.RANDOM: 2_800, s.GENERATOR: 3_000, s.WINDOWING: 800, s.VECTOR: 400,
}  # fmt: skip
"""Bytes of each kind of node without what it holds."""
_CELLS: Final = {
    s.SET: 128, s.FROZEN: 128, s.DICT: 60, s.ORDERED: 160, s.COUNTER: 60, s.DEFAULT: 60,
    s.OBJECT: 42, s.VECTOR: 80,
}  # fmt: skip
"""Bytes of each cell where it is kept in the end; 10 elsewhere."""
_OTHER: Final = 10
_DETECTOR: Final = 2  # of river's, a byte of its state


def check_weight(graph: s.Graph, saved: Mapping[str, Any]) -> None:
    """Refuse a graph whose objects would take many times the bytes of its tables.

    Parameters
    ----------
    graph
        Its nodes and cells, checked.
    saved
        All of its tables.

    Raises
    ------
    StateError
        They would, or one state of a random generator serves several.
    """
    generators = int(np.count_nonzero(graph.kinds == s.RANDOM))
    check(generators <= len(saved["words"]), "the model", "has a generator twice")
    each = np.array([_NODES[kind] for kind in range(s.KINDS)], np.float64)
    cell = np.array([_CELLS.get(kind, _OTHER) for kind in range(s.KINDS)], np.float64)
    cost = float((each[graph.kinds] + _NODE + cell[graph.kinds] * graph.sizes).sum())
    cost += _CELL * len(graph.tags) + _DETECTOR * _detector_bytes(graph, saved["lengths"])
    size = _bytes_of(saved)
    if cost > FACTOR * size + ROOM:
        raise StateError(
            f"The snapshot does not fit: objects of the model would take about "
            f"{int(cost) >> 20} MiB of memory, more than {FACTOR} times its {size} bytes."
        )


def _detector_bytes(graph: s.Graph, lengths: Int64Array) -> float:
    """Bytes that detectors are made of, each of its own or not."""
    mine = (graph.tags == s.BYTES) & (graph.kinds[s.owners(graph)] == s.WINDOWING)
    places = graph.bits[mine]
    inside = places[(places >= 0) & (places < len(lengths))]
    return float(lengths[inside].sum(dtype=np.float64))


def _bytes_of(saved: Mapping[str, Any]) -> int:
    """Bytes of the tables in a file, about."""
    tables = [*saved.values(), *saved["pools"].values()]
    texts = sum(map(len, saved["texts"])) + sum(map(len, saved["constants"]))
    lists = len(saved["texts"]) + len(saved["arrays"]) + len(saved["shapes"])
    return sum(t.nbytes for t in tables if isinstance(t, np.ndarray)) + texts + 16 * lists
