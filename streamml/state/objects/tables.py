"""The tables of a saved graph, each checked by itself."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from streamml.arrays import Int64Array
from streamml.state.bounded import check_keys
from streamml.state.capture import check, check_range, part_of
from streamml.state.objects import shape as s
from streamml.state.objects.known import class_of, slots_of
from streamml.state.statefile import DTYPES

__all__ = [
    "array_of",
    "arrays_of",
    "blobs_of",
    "check_alike",
    "class_with",
    "graph_of",
    "objects",
    "places",
]

WHERE: Final = "the model"
_FEW: Final = 64
_MAX_EMPTY: Final = 2**24  # axes of an array without entries cost nothing in the file


def graph_of(saved: Mapping[str, Any]) -> s.Graph:
    """Nodes and cells; every place lies inside its table, every object has its attributes."""
    graph = s.Graph(
        array_of(saved, "kinds", np.uint8),
        array_of(saved, "what", np.int64),
        array_of(saved, "sizes", np.int64),
        array_of(saved, "tags", np.uint8),
        array_of(saved, "bits", np.int64),
        array_of(saved, "order", np.int64),
        [_shape(one) for one in part_of(saved, "shapes", list, WHERE)],
    )
    n, cells = len(graph.kinds), len(graph.tags)
    check(n >= 1, WHERE, "is empty")
    check(len(graph.what) == len(graph.sizes) == n and len(graph.bits) == cells, WHERE, "is uneven")
    check_range(graph.kinds, 0, s.KINDS, WHERE)
    check_range(graph.tags, 0, s.TAGS, WHERE)
    check_range(graph.sizes, 0, cells + 1, WHERE)
    # of at most 2**48 nodes and cells: no sum of these overflows
    check(int(graph.sizes.sum(dtype=np.float64)) == cells, WHERE, "has other cells than it says")
    check_range(graph.order, 0, n, WHERE)
    check_range(graph.bits[graph.tags == s.REF], 0, n, WHERE)
    check_range(graph.bits[graph.tags == s.BOOL], 0, 2, WHERE)
    shaped = np.isin(graph.kinds, (s.OBJECT, s.NAMED))
    check_range(graph.what[shaped], 0, len(graph.shapes), WHERE)
    attributes = np.array([len(names) for _, names in graph.shapes], np.int64)
    fits = attributes[graph.what[shaped]] == graph.sizes[shaped] if shaped.any() else np.True_
    check(bool(np.all(fits)), WHERE, "has other attributes than it says")
    return graph


def _shape(one: Any) -> tuple[str, tuple[str, ...]]:
    fits = isinstance(one, list) and len(one) == 2 and isinstance(one[1], list)
    check(fits and type(one[0]) is str, WHERE, "has a class without attributes")
    return one[0], tuple(one[1])


def class_with(name: str, attributes: tuple[str, ...]) -> type:
    """A class that may be made, and may have these attributes: data, beside its methods."""
    kind = class_of(name)
    check(len(set(attributes)) == len(attributes), WHERE, "has an attribute twice")
    slots = slots_of(kind)
    for attribute in attributes:
        fits = type(attribute) is str and attribute.isidentifier()
        check(fits and not attribute.startswith("__"), WHERE, "has an attribute without a name")
        there = getattr(kind, attribute, None) if attribute not in slots else None
        hides = callable(there) or isinstance(there, property)
        check(not hides, WHERE, f"hides {attribute[:40]!r} of its class")
    return kind


def check_alike(keys: Sequence[Any]) -> None:
    """Refuse keys of a large table of which many hash alike."""
    if len(keys) > _FEW:
        check_keys(keys)


def texts_of(saved: Mapping[str, Any], name: str) -> list[str]:
    """A list of texts."""
    found = part_of(saved, name, list, WHERE)
    check(all(type(text) is str for text in found), WHERE, "has a text that is none")
    return found


def array_of(saved: Mapping[str, Any], name: str, dtype: Any, axes: int = 1) -> NDArray[Any]:
    """An array of a known dtype and number of axes."""
    found = part_of(saved, name, np.ndarray, WHERE)
    check(found.dtype == dtype and found.ndim == axes, f"{name!r} of {WHERE}", "is another array")
    return found


def blobs_of(saved: Mapping[str, Any]) -> list[bytes]:
    """Byte strings, which lie after each other."""
    lengths = array_of(saved, "lengths", np.int64)
    whole = array_of(saved, "blobs", np.uint8).tobytes()
    check_range(lengths, 0, len(whole) + 1, WHERE)
    stops = np.cumsum(lengths)
    check(float(lengths.sum(dtype=np.float64)) == len(whole), WHERE, "has other bytes than it says")
    return [
        whole[stop - n : stop] for stop, n in zip(stops.tolist(), lengths.tolist(), strict=True)
    ]


def arrays_of(saved: Mapping[str, Any]) -> list[NDArray[Any]]:
    """Arrays, which lie after each other in one pool a dtype; each with memory of its own."""
    pools = part_of(saved, "pools", dict, WHERE)
    for name in pools:
        check(name in DTYPES, WHERE, "has an array of no known kind")
        array_of(pools, name, DTYPES[name])
    used = dict.fromkeys(pools, 0)
    found = []
    for entry in part_of(saved, "arrays", list, WHERE):
        check(isinstance(entry, list) and len(entry) == 3, WHERE, "has an array that is no array")
        name, axes, shape = entry
        check(type(name) is str and name in pools, WHERE, "has an array of no known kind")
        start = used[name]
        used[name] = start + _size(axes, shape)
        check(used[name] <= len(pools[name]), WHERE, "has an array beyond its pool")
        found.append(_folded(pools[name][start : used[name]], axes, shape))
    check(all(used[name] == len(pools[name]) for name in pools), WHERE, "has entries of no array")
    return found


def _size(axes: Any, shape: Any) -> int:
    """Entries of an array; ``axes`` are its axes from the slowest to the fastest in memory."""
    check(isinstance(axes, list) and isinstance(shape, list), WHERE, "has an array without shape")
    numbers = all(type(n) is int and 0 <= n < 2**48 for n in [*axes, *shape])
    fits = numbers and sorted(axes) == list(range(len(shape))) and len(shape) <= 8
    check(fits, WHERE, "has an array of no usable shape")
    count: int = math.prod(shape)
    check(count > 0 or math.prod(n for n in shape if n) <= _MAX_EMPTY, WHERE, "has a huge axis")
    return count


def _folded(entries: NDArray[Any], axes: list[int], shape: list[int]) -> NDArray[Any]:
    laid = entries.copy().reshape([shape[axis] for axis in axes])
    return laid.transpose(np.argsort(axes)) if axes else laid


def objects(table: Any) -> NDArray[np.object_]:
    """A list as an array of whatever is in it."""
    found = np.empty(len(table), object)
    for k, value in enumerate(table):
        found[k] = value
    return found


def places(found: Int64Array, size: int) -> Int64Array:
    """The same, where all lie inside a table of that size."""
    check_range(found, 0, size, WHERE)
    return found
