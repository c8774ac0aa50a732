"""Average linkage on a sparse similarity: pairs that are not listed have similarity 0."""

from __future__ import annotations

import heapq
from dataclasses import dataclass

from streamml.types import Float64Array, Int32Array

__all__ = ["Merge", "average_linkage"]


@dataclass(slots=True)
class Merge:
    """A node of the dendrogram; a label by itself has no parts."""

    labels: list[int]
    parts: tuple[Merge, Merge] | None = None
    cross: float = 0.0
    """Mean similarity over all pairs between the two parts."""
    inner: float = 0.0
    """Sum of similarities over all pairs within."""

    @property
    def within(self) -> float:
        """Mean similarity over all pairs within; 0 for a single label."""
        n = len(self.labels)
        return self.inner / (n * (n - 1) / 2) if n > 1 else 0.0


def average_linkage(i: Int32Array, j: Int32Array, similarity: Float64Array) -> list[Merge]:
    """Dendrograms of the connected components, largest first.

    Only positive similarities are kept; labels without any do not appear. Ties go to
    the smaller columns, so the result depends on nothing but the input. Cost
    O(E log E) heap steps for E pairs.

    Examples
    --------
    >>> import numpy as np
    >>> trees = average_linkage(np.array([0, 0, 1, 4]), np.array([1, 2, 2, 5]),
    ...                         np.array([0.9, 0.2, 0.4, 0.5]))
    >>> [t.labels for t in trees]
    [[0, 1, 2], [4, 5]]
    >>> trees[0].parts[1].labels, round(trees[0].cross, 6)
    ([2], 0.3)
    """
    node: dict[int, Merge] = {}
    links: dict[int, dict[int, float]] = {}
    heap: list[tuple[float, int, int]] = []
    for a, b, s in zip(i.tolist(), j.tolist(), similarity.tolist(), strict=True):
        if s <= 0.0:
            continue
        for label in (a, b):
            node.setdefault(label, Merge([label]))
            links.setdefault(label, {})
        links[a][b] = links[b][a] = s
        heap.append((-s, min(a, b), max(a, b)))
    heapq.heapify(heap)
    while heap:
        minus, a, b = heapq.heappop(heap)
        if a not in node or b not in node or _mean(node, links, a, b) != -minus:
            continue  # one of them was merged since: a newer entry stands in the heap
        _join(node, links, heap, a, b)
    return sorted(node.values(), key=lambda tree: (-len(tree.labels), tree.labels[0]))


def _mean(node: dict[int, Merge], links: dict[int, dict[int, float]], a: int, b: int) -> float:
    total = links[a].get(b)
    return -1.0 if total is None else total / (len(node[a].labels) * len(node[b].labels))


def _join(
    node: dict[int, Merge],
    links: dict[int, dict[int, float]],
    heap: list[tuple[float, int, int]],
    a: int,
    b: int,
) -> None:
    """Merge ``b`` into ``a`` (a < b) and renew the links of ``a``."""
    left, right = node.pop(a), node.pop(b)
    total = links[a].pop(b)
    node[a] = Merge(
        sorted(left.labels + right.labels),
        (left, right),
        total / (len(left.labels) * len(right.labels)),
        left.inner + right.inner + total,
    )
    for other, s in links.pop(b).items():
        if other != a:
            links[a][other] = links[a].get(other, 0.0) + s
            del links[other][b]
    for other, s in links[a].items():
        links[other][a] = s
        mean = s / (len(node[a].labels) * len(node[other].labels))
        heapq.heappush(heap, (-mean, min(a, other), max(a, other)))
