"""A graph of objects as arrays and texts."""

from __future__ import annotations

import collections
import random
from array import array
from collections.abc import Callable, Iterable
from itertools import compress
from typing import Any

import numpy as np

from streamml.arrays import Int64Array
from streamml.errors import StateError
from streamml.state.objects import native
from streamml.state.objects import shape as s
from streamml.state.objects.known import (
    CONSTANT_TYPES,
    may_be_made,
    name_of,
    name_of_constant,
    slots_of,
)
from streamml.state.objects.weight import check_weight
from streamml.state.statefile import DTYPES, dtype_name

__all__ = ["capture_objects", "may_capture"]

_SCALARS = {
    type(None): s.NONE,
    bool: s.BOOL,
    int: s.INT,
    float: s.FLOAT,
    str: s.TEXT,
    bytes: s.BYTES,
}


def capture_objects(root: object) -> dict[str, Any]:
    """Whatever ``root`` refers to, as arrays and texts; :func:`make` makes it again.

    Raises
    ------
    StateError
        Something in it cannot be saved; the message names its class.

    Examples
    --------
    >>> from streamml.state.objects import restore_objects
    >>> shared = [1.0]
    >>> one, other = restore_objects(capture_objects((shared, shared)))
    >>> one, one is other
    ([1.0], True)
    """
    return _Capturing(root).graph()


def may_capture(value: object) -> bool:
    """Whether objects of its class can be saved at all."""
    return may_be_made(type(value))


class _Tags(dict[type, int]):
    """Type -> tag; what is no scalar is a constant or a node."""

    def __missing__(self, kind: type) -> int:
        tag = self[kind] = s.CONSTANT if issubclass(kind, CONSTANT_TYPES) else s.REF
        return tag


class _Capturing:
    """One walk over a graph: nodes in the order they are found, and their cells."""

    def __init__(self, root: object) -> None:
        self.nodes: list[Any] = [[root]]
        self.memo = {id(self.nodes[0]): 0}
        self.kinds: list[int] = []
        self.what: list[int] = []
        self.sizes: list[int] = []
        self.cells: list[Any] = []
        self.shapes: dict[tuple[type, tuple[str, ...]], int] = {}
        self.arrays: list[np.ndarray[Any, Any]] = []
        self.words: list[bytes] = []
        self.tags = _Tags(_SCALARS)
        self.immutable: list[int] = []
        self._walk()

    def _walk(self) -> None:
        tags, memo, nodes, capturers = self.tags, self.memo, self.nodes, _Capturers(_CAPTURE)
        kinds, places, sizes, cells = self.kinds, self.what, self.sizes, self.cells
        only_scalars = frozenset(_SCALARS).issuperset
        for node in nodes:  # grows while it is walked through
            code, what, parts = capturers[type(node)](self, node)
            kinds.append(code)
            places.append(what)
            sizes.append(len(parts))
            cells += parts
            if not only_scalars(map(type, parts)):
                for part in parts:
                    if tags[type(part)] == s.REF and id(part) not in memo:
                        memo[id(part)] = len(nodes)
                        nodes.append(part)

    def shape(self, kind: type, names: tuple[str, ...]) -> int:
        """Place of a class with these attributes."""
        found = self.shapes.get((kind, names))
        if found is None:
            name_of(kind)  # only those that can be made
            found = self.shapes[kind, names] = len(self.shapes)
        return found

    # -- as arrays ---------------------------------------------------------------------

    def graph(self) -> dict[str, Any]:
        texts: dict[str, int] = {}
        blobs: list[bytes] = []
        constants: dict[str, int] = {}
        tags = np.fromiter(map(self.tags.__getitem__, map(type, self.cells)), np.uint8,
                           len(self.cells))  # fmt: skip
        bits = np.zeros(len(tags), np.int64)

        def fill(tag: int, places: Callable[[Iterable[Any]], Iterable[int]]) -> None:
            mask = tags == tag
            n = np.count_nonzero(mask)
            if n:
                chosen = compress(self.cells, mask.tobytes())
                bits[mask] = np.fromiter(places(chosen), np.int64, n)

        self._numbers(tags, bits, texts)
        fill(s.BOOL, lambda values: values)
        fill(s.REF, lambda values: map(self.memo.__getitem__, map(id, values)))
        fill(s.TEXT, lambda values: [texts.setdefault(v, len(texts)) for v in values])
        fill(s.BYTES, lambda values: [blobs.append(v) or len(blobs) - 1 for v in values])  # type: ignore[func-returns-value]
        names: dict[int, str] = {}

        def name(value: Any) -> str:
            if id(value) not in names:
                names[id(value)] = name_of_constant(value)
            return names[id(value)]

        fill(s.CONSTANT, lambda values: [constants.setdefault(name(v), len(constants))
                                         for v in values])  # fmt: skip
        graph = s.Graph(
            np.array(self.kinds, np.uint8),
            np.array(self.what, np.int64),
            np.array(self.sizes, np.int64),
            tags,
            bits,
            self._order(),
            [(name_of(kind), names) for kind, names in self.shapes],
        )
        s.check_graph(graph)  # what cannot be made again is not saved
        found = {
            "version": s.VERSION,
            "river": native.river_version(),
            **{field: getattr(graph, field) for field in graph._fields if field != "shapes"},
            "shapes": [[name, list(names)] for name, names in graph.shapes],
            "texts": list(texts),
            "constants": list(constants),
            "blobs": np.frombuffer(b"".join(blobs), np.uint8),
            "lengths": np.array([len(blob) for blob in blobs], np.int64),
            "words": np.frombuffer(b"".join(self.words), np.uint32).reshape(-1, native.WORDS),
            **self._arrays(),
        }
        check_weight(graph, found)
        return found

    def _numbers(self, tags: Any, bits: Int64Array, texts: dict[str, int]) -> None:
        mask = tags == s.FLOAT
        chosen = compress(self.cells, mask.tobytes())
        bits.view(np.float64)[mask] = np.fromiter(chosen, np.float64, np.count_nonzero(mask))
        mask = tags == s.INT
        chosen = compress(self.cells, mask.tobytes())
        try:
            bits[mask] = np.fromiter(chosen, np.int64, np.count_nonzero(mask))
        except OverflowError:  # some need more than 64 bits: these go as text
            for k in np.flatnonzero(mask).tolist():
                value = self.cells[k]
                small = -(2**63) <= value < 2**63
                tags[k] = s.INT if small else s.BIG
                bits[k] = value if small else texts.setdefault(f"{value:x}", len(texts))

    def _order(self) -> Int64Array:
        """The nodes made at once, those inside others before these."""
        order: list[int] = []
        done: set[int] = set()
        once = set(self.immutable)
        todo = list(reversed(self.immutable))
        while todo:
            k = todo[-1]
            inside = [] if k in done else [
                j for part in self.nodes[k]
                if (j := self.memo.get(id(part))) in once and j not in done
            ]  # fmt: skip
            if inside:
                todo += inside
                continue
            todo.pop()
            if k not in done:
                done.add(k)
                order.append(k)
        return np.array(order, np.int64)

    def _arrays(self) -> dict[str, Any]:
        """All arrays of one dtype after each other; dtype, axes and shape of each."""
        pools: dict[str, list[Any]] = {}
        table: list[list[Any]] = []
        for one in self.arrays:
            name = dtype_name(one)
            if name is None:
                raise StateError(
                    f"The model holds an array of {one.dtype}: keep booleans, integers or floats."
                )
            axes = np.argsort([-abs(step) for step in one.strides], kind="stable").tolist()
            table.append([name, axes, list(one.shape)])
            pools.setdefault(name, []).append(one.transpose(axes).reshape(-1))
        joined = {name: np.concatenate(parts) for name, parts in pools.items()}
        return {"arrays": table, "pools": {name: joined[name] for name in DTYPES if name in joined}}


# -- one node: its kind, its place in a table, its cells ---------------------------------------

Captured = tuple[int, int, list[Any]]


def _capture_list(capturing: _Capturing, value: Any) -> Captured:  # noqa: ARG001
    return s.LIST, 0, value


def _capture_tuple(capturing: _Capturing, value: Any) -> Captured:
    capturing.immutable.append(len(capturing.kinds))
    return s.TUPLE, 0, list(value)


def _capture_set(capturing: _Capturing, value: Any) -> Captured:  # noqa: ARG001
    return s.SET, 0, list(value)


def _capture_frozen(capturing: _Capturing, value: Any) -> Captured:
    capturing.immutable.append(len(capturing.kinds))
    return s.FROZEN, 0, list(value)


def _capture_dict(capturing: _Capturing, value: Any) -> Captured:  # noqa: ARG001
    return _DICTS[type(value)], 0, [*value, *value.values()]


def _capture_default(capturing: _Capturing, value: Any) -> Captured:  # noqa: ARG001
    return s.DEFAULT, 0, [value.default_factory, *value, *value.values()]


def _capture_deque(capturing: _Capturing, value: Any) -> Captured:  # noqa: ARG001
    return s.DEQUE, 0, [value.maxlen, *value]


def _capture_array(capturing: _Capturing, value: Any) -> Captured:
    capturing.arrays.append(value)
    return s.ARRAY, len(capturing.arrays) - 1, []


def _capture_random(capturing: _Capturing, value: Any) -> Captured:
    words, gauss = native.words_of(value)
    capturing.words.append(array("I", words).tobytes())
    return s.RANDOM, len(capturing.words) - 1, [gauss]


def _capture_generator(capturing: _Capturing, value: Any) -> Captured:  # noqa: ARG001
    return s.GENERATOR, 0, native.numbers_of(value)


def _capture_number(capturing: _Capturing, value: Any) -> Captured:
    capturing.arrays.append(np.asarray(value))
    return s.SCALAR, len(capturing.arrays) - 1, []


def _capture_windowing(capturing: _Capturing, value: Any) -> Captured:  # noqa: ARG001
    return s.WINDOWING, 0, [native.windowing_bytes(value)]


def _capture_vector(capturing: _Capturing, value: Any) -> Captured:  # noqa: ARG001
    return s.VECTOR, 0, native.vector_parts(value)


def _capture_named(capturing: _Capturing, value: Any) -> Captured:
    capturing.immutable.append(len(capturing.kinds))
    return s.NAMED, capturing.shape(type(value), value._fields), list(value)


def _capture_plain(capturing: _Capturing, value: Any) -> Captured:
    own = value.__dict__
    return s.OBJECT, capturing.shape(type(value), tuple(own)), list(own.values())


def _capture_slots(capturing: _Capturing, value: Any) -> Captured:
    kind: Any = type(value)
    own = dict(getattr(value, "__dict__", {}))
    own.update({name: getattr(value, name) for name in slots_of(kind) if hasattr(value, name)})
    return s.OBJECT, capturing.shape(kind, tuple(own)), list(own.values())


class _Capturers(dict[type, Callable[[_Capturing, Any], Captured]]):
    """Type -> how one of it is taken, found out once."""

    def __missing__(self, kind: Any) -> Callable[[_Capturing, Any], Captured]:
        if issubclass(kind, np.generic):
            found = _capture_number
        elif native.is_windowing(kind):
            found = _capture_windowing
        elif native.is_vector(kind):
            found = _capture_vector
        elif issubclass(kind, tuple) and hasattr(kind, "_fields"):
            found = _capture_named
        else:
            name_of(kind)  # says so where it cannot be saved
            found = _capture_slots if slots_of(kind) or not kind.__dictoffset__ else _capture_plain
        self[kind] = found
        return found


_DICTS: dict[type, int] = {
    dict: s.DICT,
    collections.OrderedDict: s.ORDERED,
    collections.Counter: s.COUNTER,
}
_CAPTURE: dict[type, Callable[[_Capturing, Any], Captured]] = {
    list: _capture_list,
    tuple: _capture_tuple,
    set: _capture_set,
    frozenset: _capture_frozen,
    **dict.fromkeys(_DICTS, _capture_dict),
    collections.defaultdict: _capture_default,
    collections.deque: _capture_deque,
    np.ndarray: _capture_array,
    random.Random: _capture_random,
    np.random.Generator: _capture_generator,
}
