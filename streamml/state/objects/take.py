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

__all__ = ["may_take", "take"]

_SCALARS = {
    type(None): s.NONE,
    bool: s.BOOL,
    int: s.INT,
    float: s.FLOAT,
    str: s.TEXT,
    bytes: s.BYTES,
}


def take(root: object) -> dict[str, Any]:
    """Whatever ``root`` refers to, as arrays and texts; :func:`make` makes it again.

    Raises
    ------
    StateError
        Something in it cannot be saved; the message names its class.

    Examples
    --------
    >>> from streamml.state.objects import make
    >>> shared = [1.0]
    >>> one, other = make(take((shared, shared)))
    >>> one, one is other
    ([1.0], True)
    """
    return _Taking(root).graph()


def may_take(value: object) -> bool:
    """Whether objects of its class can be saved at all."""
    return may_be_made(type(value))


class _Tags(dict[type, int]):
    """Type -> tag; what is no scalar is a constant or a node."""

    def __missing__(self, kind: type) -> int:
        tag = self[kind] = s.CONSTANT if issubclass(kind, CONSTANT_TYPES) else s.REF
        return tag


class _Taking:
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
        tags, memo, nodes, takers = self.tags, self.memo, self.nodes, _Takers(_TAKE)
        kinds, places, sizes, cells = self.kinds, self.what, self.sizes, self.cells
        only_scalars = frozenset(_SCALARS).issuperset
        for node in nodes:  # grows while it is walked through
            code, what, parts = takers[type(node)](self, node)
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

Taken = tuple[int, int, list[Any]]


def _take_list(taking: _Taking, value: Any) -> Taken:  # noqa: ARG001
    return s.LIST, 0, value


def _take_tuple(taking: _Taking, value: Any) -> Taken:
    taking.immutable.append(len(taking.kinds))
    return s.TUPLE, 0, list(value)


def _take_set(taking: _Taking, value: Any) -> Taken:  # noqa: ARG001
    return s.SET, 0, list(value)


def _take_frozen(taking: _Taking, value: Any) -> Taken:
    taking.immutable.append(len(taking.kinds))
    return s.FROZEN, 0, list(value)


def _take_dict(taking: _Taking, value: Any) -> Taken:  # noqa: ARG001
    return _DICTS[type(value)], 0, [*value, *value.values()]


def _take_default(taking: _Taking, value: Any) -> Taken:  # noqa: ARG001
    return s.DEFAULT, 0, [value.default_factory, *value, *value.values()]


def _take_deque(taking: _Taking, value: Any) -> Taken:  # noqa: ARG001
    return s.DEQUE, 0, [value.maxlen, *value]


def _take_array(taking: _Taking, value: Any) -> Taken:
    taking.arrays.append(value)
    return s.ARRAY, len(taking.arrays) - 1, []


def _take_random(taking: _Taking, value: Any) -> Taken:
    words, gauss = native.words_of(value)
    taking.words.append(array("I", words).tobytes())
    return s.RANDOM, len(taking.words) - 1, [gauss]


def _take_generator(taking: _Taking, value: Any) -> Taken:  # noqa: ARG001
    return s.GENERATOR, 0, native.numbers_of(value)


def _take_number(taking: _Taking, value: Any) -> Taken:
    taking.arrays.append(np.asarray(value))
    return s.SCALAR, len(taking.arrays) - 1, []


def _take_windowing(taking: _Taking, value: Any) -> Taken:  # noqa: ARG001
    return s.WINDOWING, 0, [native.windowing_bytes(value)]


def _take_vector(taking: _Taking, value: Any) -> Taken:  # noqa: ARG001
    return s.VECTOR, 0, native.vector_parts(value)


def _take_named(taking: _Taking, value: Any) -> Taken:
    taking.immutable.append(len(taking.kinds))
    return s.NAMED, taking.shape(type(value), value._fields), list(value)


def _take_plain(taking: _Taking, value: Any) -> Taken:
    own = value.__dict__
    return s.OBJECT, taking.shape(type(value), tuple(own)), list(own.values())


def _take_slots(taking: _Taking, value: Any) -> Taken:
    kind: Any = type(value)
    own = dict(getattr(value, "__dict__", {}))
    own.update({name: getattr(value, name) for name in slots_of(kind) if hasattr(value, name)})
    return s.OBJECT, taking.shape(kind, tuple(own)), list(own.values())


class _Takers(dict[type, Callable[[_Taking, Any], Taken]]):
    """Type -> how one of it is taken, found out once."""

    def __missing__(self, kind: Any) -> Callable[[_Taking, Any], Taken]:
        if issubclass(kind, np.generic):
            found = _take_number
        elif native.is_windowing(kind):
            found = _take_windowing
        elif native.is_vector(kind):
            found = _take_vector
        elif issubclass(kind, tuple) and hasattr(kind, "_fields"):
            found = _take_named
        else:
            name_of(kind)  # says so where it cannot be saved
            found = _take_slots if slots_of(kind) or not kind.__dictoffset__ else _take_plain
        self[kind] = found
        return found


_DICTS: dict[type, int] = {
    dict: s.DICT,
    collections.OrderedDict: s.ORDERED,
    collections.Counter: s.COUNTER,
}
_TAKE: dict[type, Callable[[_Taking, Any], Taken]] = {
    list: _take_list,
    tuple: _take_tuple,
    set: _take_set,
    frozenset: _take_frozen,
    **dict.fromkeys(_DICTS, _take_dict),
    collections.defaultdict: _take_default,
    collections.deque: _take_deque,
    np.ndarray: _take_array,
    random.Random: _take_random,
    np.random.Generator: _take_generator,
}
