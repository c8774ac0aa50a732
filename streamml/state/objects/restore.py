"""A graph of objects out of arrays and texts, which may come from anywhere.

1. Tables are checked against each other: no place outside its table, no reference that leads
   back, no list longer than the file.
2. Every object is made empty, by ``object.__new__``: nothing of its class is run.
3. Tuples and frozen sets are made, those inside others first; then everything is filled.
"""

from __future__ import annotations

import collections
from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from streamml.arrays import Int64Array
from streamml.errors import StateError
from streamml.state.capture import check, part_of
from streamml.state.objects import native
from streamml.state.objects import shape as s
from streamml.state.objects import tables as t
from streamml.state.objects.known import constant_of, slots_of
from streamml.state.objects.weight import check_weight

__all__ = ["restore_objects"]

Objects = NDArray[np.object_]

_WHERE: Final = t.WHERE
_ODD: Final = (ArithmeticError, AttributeError, LookupError, MemoryError, TypeError, ValueError)


def restore_objects(saved: Mapping[str, Any]) -> Any:
    """What :func:`capture_objects` wrote.

    Raises
    ------
    StateError
        It does not fit together, was written with another river, or names what may not be made.
    """
    try:
        return _Restoring(saved).root()
    except _ODD as error:
        raise StateError(
            f"The snapshot does not fit: {_WHERE} cannot be made ({error})."
        ) from error


class _Restoring:
    """Tables of one graph, checked, and what was made of them."""

    def __init__(self, saved: Mapping[str, Any]) -> None:
        check(part_of(saved, "version", int, _WHERE) == s.VERSION, _WHERE, "has another version")
        written, here = part_of(saved, "river", str, _WHERE), native.river_version()
        if written != here:
            raise StateError(
                f"It holds models of river {written[:20]!r}, and river {here} is installed: "
                "install the one that it was written with."
            )
        self.graph = t.graph_of(saved)
        self.texts = t.texts_of(saved, "texts")
        self.constants = [constant_of(name) for name in t.texts_of(saved, "constants")]
        self.blobs = t.blobs_of(saved)
        self.words = t.array_of(saved, "words", np.uint32, 2)
        check(self.words.shape[1] == native.WORDS, _WHERE, "has random generators of another size")
        self.arrays = t.arrays_of(saved)
        self.classes = [t.class_with(name, names) for name, names in self.graph.shapes]
        s.check_graph(self.graph)
        check_weight(self.graph, saved)
        self.stops = np.cumsum(self.graph.sizes).tolist()

    def root(self) -> Any:
        made = self.made = self._shells()
        self.cells = self._cells()
        self._restore_at_once()
        for k, kind in enumerate(self.graph.kinds.tolist()):
            fill = _FILL.get(kind)
            if fill is not None:
                stop = self.stops[k]
                fill(self, k, stop - int(self.graph.sizes[k]), stop)
        check(type(made[0]) is list and len(made[0]) == 1, _WHERE, "has no root")
        return made[0][0]

    # -- making -----------------------------------------------------------------------------

    def _shells(self) -> list[Any]:
        """Every node that can be empty at first; the others are still missing."""
        graph, made = self.graph, list[Any]()
        empty: dict[int, Callable[[], Any]] = {
            s.LIST: list,
            s.SET: set,
            s.DICT: dict,
            s.ORDERED: collections.OrderedDict,
            s.COUNTER: collections.Counter,
            s.DEFAULT: collections.defaultdict,
        }
        for k, (kind, what) in enumerate(
            zip(graph.kinds.tolist(), graph.what.tolist(), strict=True)
        ):
            if kind in empty:
                made.append(empty[kind]())
            elif kind == s.OBJECT:
                made.append(object.__new__(self.classes[what]))
            elif kind in (s.ARRAY, s.SCALAR):
                check(0 <= what < len(self.arrays), _WHERE, "names an array that is not there")
                found = self.arrays[what]
                made.append(found if kind == s.ARRAY else found[()])
            elif kind in _LEAVES:
                made.append(self._leaf(k, kind, what))
            else:
                made.append(None)
        return made

    def _leaf(self, k: int, kind: int, what: int) -> Any:
        """A node that holds nothing but scalars."""
        parts = self._scalars(k)
        if kind == s.RANDOM:
            check(0 <= what < len(self.words) and len(parts) == 1, _WHERE, "lacks random numbers")
            return native.restore_random(self.words[what].tolist(), parts[0])
        if kind == s.GENERATOR:
            return native.restore_generator(parts)
        if kind == s.WINDOWING:
            return native.restore_windowing(parts)
        if kind == s.DEQUE:
            check(len(parts) > 0, _WHERE, "has a queue without a length")
            check(parts[0] is None or type(parts[0]) is int, _WHERE, "has a queue of no length")
            return collections.deque(maxlen=parts[0])
        check(len(parts) % 2 == 1, "a vector", "has names without numbers")
        n = len(parts) // 2
        return native.restore_vector(parts[0], _mapping(parts[1 : n + 1], parts[n + 1 :]))

    def _scalars(self, k: int) -> list[Any]:
        stop = self.stops[k]
        start = stop - int(self.graph.sizes[k])
        kind = int(self.graph.kinds[k])
        stop = min(stop, start + 1) if kind == s.DEQUE else stop
        tags, bits = self.graph.tags[start:stop], self.graph.bits[start:stop]
        check(bool((tags != s.REF).all()), _WHERE, "holds an object where a number belongs")
        return self._values(tags, bits, np.empty(0, object)).tolist()  # type: ignore[no-any-return]

    def _cells(self) -> list[Any]:
        made = np.empty(len(self.made), object)
        for k, node in enumerate(self.made):
            made[k] = node
        found = self._values(self.graph.tags, self.graph.bits, made)
        return found.tolist()  # type: ignore[no-any-return]

    def _values(self, tags: Any, bits: Int64Array, made: Objects) -> Objects:
        values = np.empty(len(tags), object)
        tables = ((s.TEXT, self.texts), (s.BYTES, self.blobs), (s.CONSTANT, self.constants))
        for tag, numbers in ((s.INT, bits), (s.FLOAT, bits.view(np.float64)), (s.BOOL, bits != 0)):
            mask = tags == tag
            values[mask] = numbers[mask]
        for tag, table in (*tables, (s.REF, made)):
            mask = tags == tag
            if mask.any():
                values[mask] = t.objects(table)[t.places(bits[mask], len(table))]
        mask = tags == s.BIG
        places = t.places(bits[mask], len(self.texts)).tolist()
        long = {place: int(self.texts[place], 16) for place in set(places)}  # one may stand often
        for k, place in zip(np.flatnonzero(mask).tolist(), places, strict=True):
            values[k] = long[place]
        return values

    def _restore_at_once(self) -> None:
        """Tuples and their like, in order, and everywhere they are mentioned."""
        graph, cells = self.graph, self.cells
        refs = np.flatnonzero(graph.tags == s.REF)
        refs = refs[s.made_at_once(graph)[graph.bits[refs]]]
        refs = refs[np.argsort(graph.bits[refs], kind="stable")]
        bounds = np.searchsorted(graph.bits[refs], np.arange(len(graph.kinds) + 1)).tolist()
        places, kinds = refs.tolist(), graph.kinds.tolist()
        for k in graph.order.tolist():
            stop = self.stops[k]
            start = stop - int(graph.sizes[k])
            node: Any = tuple(cells[start:stop])
            if kinds[k] == s.FROZEN:
                t.check_alike(node)
                node = frozenset(node)
            elif kinds[k] == s.NAMED:
                node = tuple.__new__(self.classes[int(graph.what[k])], node)
            self.made[k] = node
            for place in places[bounds[k] : bounds[k + 1]]:
                cells[place] = node

    # -- filling ----------------------------------------------------------------------------

    def fill_list(self, k: int, start: int, stop: int) -> None:
        self.made[k].extend(self.cells[start:stop])

    def fill_deque(self, k: int, start: int, stop: int) -> None:
        self.made[k].extend(self.cells[start + 1 : stop])

    def fill_set(self, k: int, start: int, stop: int) -> None:
        t.check_alike(self.cells[start:stop])
        self.made[k].update(self.cells[start:stop])
        check(len(self.made[k]) == stop - start, _WHERE, "has a key twice")

    def fill_dict(self, k: int, start: int, stop: int) -> None:
        middle = start + (stop - start) // 2
        check((stop - start) % 2 == 0, _WHERE, "has keys without values")
        t.check_alike(self.cells[start:middle])
        found = zip(self.cells[start:middle], self.cells[middle:stop], strict=True)
        if self.graph.kinds[k] == s.ORDERED:
            self.made[k].update(found)
        else:  # that of a counter would add
            dict.update(self.made[k], found)
        check(len(self.made[k]) == middle - start, _WHERE, "has a key twice")

    def fill_default(self, k: int, start: int, stop: int) -> None:
        check(stop > start, _WHERE, "has a table without a maker")
        self.made[k].default_factory = self.cells[start]
        check(self.cells[start] is None or callable(self.cells[start]), _WHERE, "has no maker")
        self.fill_dict(k, start + 1, stop)

    def fill_object(self, k: int, start: int, stop: int) -> None:
        place = self.graph.what[k]
        names, made = self.graph.shapes[place][1], self.made[k]
        slots = slots_of(self.classes[place])
        own = dict(zip(names, self.cells[start:stop], strict=True))
        for name in slots:
            if name in own:
                object.__setattr__(made, name, own.pop(name))
        if own:
            made.__dict__.update(own)


_LEAVES: Final = (s.RANDOM, s.GENERATOR, s.WINDOWING, s.VECTOR, s.DEQUE)
_FILL: Final[dict[int, Callable[[_Restoring, int, int, int], None]]] = {
    s.LIST: _Restoring.fill_list,
    s.SET: _Restoring.fill_set,
    s.DICT: _Restoring.fill_dict,
    s.ORDERED: _Restoring.fill_dict,
    s.COUNTER: _Restoring.fill_dict,
    s.DEFAULT: _Restoring.fill_default,
    s.DEQUE: _Restoring.fill_deque,
    s.OBJECT: _Restoring.fill_object,
}


def _mapping(names: list[Any], values: list[Any]) -> dict[Any, Any]:
    t.check_alike(names)
    found = dict(zip(names, values, strict=True))
    check(len(found) == len(names), _WHERE, "has a key twice")
    return found
