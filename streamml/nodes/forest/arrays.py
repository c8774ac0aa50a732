"""Arrays of a forest, and what their places and sizes mean."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from streamml.arrays import Float32Array, Int16Array, Int32Array, Int64Array, UInt64Array
from streamml.errors import ConfigError
from streamml.kernels.compile import F4
from streamml.nodes.arrays import Spec

__all__ = [
    "CREDIT",
    "DENSE_COLUMNS",
    "DEPTH",
    "HELD",
    "LABELS",
    "LANES",
    "LISTED",
    "MAX_WINDOW",
    "MIN_SPLIT",
    "MODE",
    "NEXT",
    "SPARSE_COLUMNS",
    "TREE",
    "TREES",
    "WIDTH",
    "Forest",
    "spec",
]

DENSE_COLUMNS = 2048
"""Columns of a dense row; features beyond share them (their sum)."""
SPARSE_COLUMNS = 4096
"""Columns of a sparse row; features beyond share them (one of them is there)."""
LABELS = 32
"""Labels kept of an event: of a longer label set, the first."""
LISTED = 256
"""Features of a sparse event that candidates are drawn from: of more, this many, evenly spread."""
LANES = 16
"""Counts of an event: 1 for itself, then the groups of labels."""
WIDTH = 136
"""Room for candidates: every event, 2 sqrt(SPARSE_COLUMNS), rounded up to a multiple of 8."""
MIN_SPLIT = 5
"""Nodes with fewer events are leaves."""
DEPTH = 64
"""Nodes as deep as this are leaves."""
NEXT, HELD, MODE, TREES, TREE, CREDIT = range(6)
"""Places in ``Forest.clock``."""
MAX_WINDOW = 16_000
"""Nodes are numbered by 16 bits."""


class Forest(NamedTuple):
    """Buffer, trees and workspace; row ``window`` of the rows is the event being scored."""

    values: Float32Array  # [slot + 1, column] dense rows
    bits: Int32Array  # [slot + 1, SPARSE_COLUMNS / 32] sparse rows: which columns are not 0
    listed: Int16Array  # [slot + 1, LISTED + 1] columns of a sparse row; last: how many
    labels: Int32Array  # [slot, LABELS + 1] label sets; last: how many
    bound: Float32Array  # [tree, node] dense rows: larger values go right
    node: Int16Array  # [tree, node, 4] feature, -, left child (right: the next), -
    #                             leaf: -1, oldest slot, newest slot, events
    after: Int16Array  # [tree, slot] next newer event of the same leaf
    clock: Int64Array  # next slot, slots held, dense rows?, trees, next tree, allowance left
    rng: UInt64Array  # [1]
    goal: Int64Array  # [slot, 2] scratch: groups of labels, a byte each (see grow)
    order: Int32Array  # [2, slot] scratch: events by node; those that go right
    stack: Int32Array  # [slot + 2, 4] scratch: nodes to grow: number, range of order, depth
    feature: Int32Array  # [WIDTH] scratch: candidates
    split: Float32Array  # [4, WIDTH] scratch: thresholds; an event's values; two moments
    sums: Int64Array  # [2, WIDTH] scratch: groups of the events that go right, a byte each
    counts: Float32Array  # [LANES, WIDTH] scratch: the same, group by group


def spec(trees: int = 50, window: int = 3000) -> Spec:
    """Axis "columns" is ``min(features, DENSE_COLUMNS)``, at least 1."""
    if not 1 <= window <= MAX_WINDOW:
        raise ConfigError(f"window must lie between 1 and {MAX_WINDOW} events, not {window}.")
    rows = window + 1
    return {
        "values": (F4, 0, (rows, "columns")),
        "bits": (np.int32, 0, (rows, SPARSE_COLUMNS // 32)),
        "listed": (np.int16, 0, (rows, LISTED + 1)),
        "labels": (np.int32, 0, (window, LABELS + 1)),
        "bound": (F4, 0, (trees, 2 * window)),
        "node": (np.int16, -1, (trees, 2 * window, 4)),
        "after": (np.int16, -1, (trees, window)),
        "clock": (np.int64, 0, (6,)),
        "rng": (np.uint64, 1, (1,)),
        "goal": (np.int64, 0, (window, 2)),
        "order": (np.int32, 0, (2, window)),
        "stack": (np.int32, 0, (window + 2, 4)),
        "feature": (np.int32, 0, (WIDTH,)),
        "split": (F4, 0, (4, WIDTH)),
        "sums": (np.int64, 0, (2, WIDTH)),
        "counts": (F4, 0, (LANES, WIDTH)),
    }
