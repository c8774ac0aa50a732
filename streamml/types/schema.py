"""Names of features and labels, by column: append-only, so that a column keeps its meaning."""

from __future__ import annotations

import sys
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from streamml.errors import ConfigError, SchemaError
from streamml.state.capture import check, check_range, part_of, restore_value
from streamml.types.keys import keys_of, name_of, texts_of

__all__ = ["Schema", "Vocabulary"]


class Vocabulary:
    """Append-only map key -> column, in order of first appearance.

    A key is a text nearly always; river's dictionaries may have any other (7, a tuple). It is
    handed back as it came (:attr:`keys`), and has a name of its own for people (:attr:`names`):
    ``7`` and ``"7"`` are two.

    Parameters
    ----------
    names
        The first keys, in column order.
    limit
        Largest number of keys, or ``None``; beyond it :meth:`add` gives -1 and
        counts the refusal in :attr:`refused`.

    Examples
    --------
    >>> v = Vocabulary(["a"], limit=2)
    >>> v.add(7), v.add("a"), v.add("c"), v.refused
    (1, 0, -1, 1)
    >>> v.keys, v.names
    (['a', 7], ['a', '7'])
    """

    __slots__ = ("_column", "_keys", "_names", "_taken", "limit", "refused")

    def __init__(self, names: Iterable[Hashable] = (), limit: int | None = None) -> None:
        if limit is not None and limit < 1:
            raise ConfigError(f"A vocabulary limit must be at least 1, not {limit}.")
        self.limit = limit
        self.refused = 0
        self._clear()
        for name in names:
            if name in self._column:
                raise SchemaError(f"The name {name!r} stands twice: names must be unique.")
            if self.add(name) < 0:
                raise SchemaError(f"More than {limit} names are declared: raise the limit.")

    def _clear(self) -> None:
        self._column: dict[Hashable, int] = {}
        self._keys: list[Any] = []
        self._names: list[str] = self._keys  # one list, as long as every key is a text
        self._taken: set[str] = set()  # the names, where they are another list

    def add(self, name: Hashable) -> int:
        """Column of a key, appended if new; -1 where the limit forbids it."""
        column = self._column.get(name)
        if column is None:
            if self.limit is not None and len(self._keys) >= self.limit:
                self.refused += 1
                return -1
            column = self._column[name] = len(self._keys)
            if type(name) is not str or self._names is not self._keys:
                self._name(name)
            self._keys.append(name)
        return column

    def _name(self, key: Hashable) -> None:
        """Give a key a name that no other has, where not all of them are texts."""
        if self._names is self._keys:
            self._names, self._taken = list(self._keys), set(self._keys)
        name = name_of(key)
        while name in self._taken:
            name = f"{name} ({type(key).__name__})"
        self._taken.add(name)
        self._names.append(name)

    def find(self, name: Hashable) -> int:
        """Column of a key, or -1 where it is not known."""
        return self._column.get(name, -1)

    @property
    def keys(self) -> Sequence[Any]:
        """All keys in column order, as they came (do not change it)."""
        return self._keys

    @property
    def names(self) -> Sequence[str]:
        """A text for each key in column order, no two alike (do not change it)."""
        return self._names

    def __len__(self) -> int:
        return len(self._keys)

    def __contains__(self, name: object) -> bool:
        return name in self._column

    def __getitem__(self, column: int) -> str:
        return self._names[column]

    @property
    def nbytes(self) -> int:
        """Bytes of the names and their columns, about."""
        tables = sys.getsizeof(self._column) + sys.getsizeof(self._names)
        if self._names is not self._keys:
            tables += sys.getsizeof(self._taken) + sum(map(sys.getsizeof, self._keys))
        return tables + sum(map(sys.getsizeof, self._names)) + 32 * len(self._names)

    def snapshot(self) -> dict[str, Any]:
        """Names, keys that are no texts, cap and refusals, as plain values.

        Raises
        ------
        StateError
            A key is of a type that no file keeps (:func:`~streamml.types.keys.text_of`).
        """
        saved: dict[str, Any] = {"names": list(self._names)}
        saved |= {"limit": self.limit, "refused": self.refused}
        if self._names is not self._keys:
            columns = [k for k, key in enumerate(self._keys) if not _is_name(key, self._names[k])]
            texts = texts_of([self._keys[k] for k in columns])
            saved["keys"] = {"columns": np.array(columns, np.int64), "texts": texts}
        return saved

    def restore(self, snapshot: Mapping[str, Any]) -> None:
        """Go to a state that :meth:`snapshot` gave."""
        where = "the vocabulary"
        names = part_of(snapshot, "names", list, where)
        limit, refused = snapshot.get("limit"), part_of(snapshot, "refused", int, where)
        check(all(isinstance(name, str) for name in names), where, "has a name that is no text")
        check(len(set(names)) == len(names), where, "has a name twice")
        check(
            limit is None or (type(limit) is int and limit >= max(len(names), 1)),
            where,
            "has more names than its cap",
        )
        check(refused >= 0, where, "has refused less than nothing")
        keys = list(names)
        if "keys" in snapshot:
            keys = _restored_keys(names, part_of(snapshot, "keys", dict, where))
        column = {key: k for k, key in enumerate(keys)}
        check(len(column) == len(keys), where, "has a key twice")
        self._clear()
        self._column, self._keys = column, keys
        self._names = keys if "keys" not in snapshot else list(names)
        self._taken = set(names) if "keys" in snapshot else set()
        self.limit, self.refused = limit, refused

    def take_over(self, other: Vocabulary) -> None:
        """Append the names of ``other`` that come after mine, which must be its first ones."""
        mine, theirs = len(self._keys), other._keys
        if self._keys[: len(theirs)] != theirs[:mine]:
            raise SchemaError(
                "The stream names other columns than the learner was taught with, or in another "
                "order: use the same stream, and bind the learner before the first event is read."
            )
        if self.limit is not None and len(theirs) > self.limit:
            raise SchemaError(f"The learner knows more than {self.limit} names: raise the cap.")
        for key in theirs[mine:]:
            self.add(key)
        self.refused = max(self.refused, other.refused)


def _is_name(key: object, name: str) -> bool:
    return type(key) is str and key == name


def _restored_keys(names: list[str], saved: Mapping[str, Any]) -> list[Any]:
    """The keys that a snapshot tells: names, and what else stands at some of the columns."""
    where = "the keys of the vocabulary"
    columns = restore_value(saved.get("columns"), np.zeros(0, np.int64), where)
    texts = part_of(saved, "texts", list, where)
    check(all(isinstance(text, str) for text in texts), where, "are no texts")
    check(len(texts) == len(columns) and bool(len(columns)), where, "are of other columns")
    check_range(columns, 0, len(names), where)
    keys: list[Any] = list(names)
    for column, key in zip(columns.tolist(), keys_of(texts), strict=True):
        keys[column] = key
    return keys


class Schema:
    """The features and labels of a stream; both grow as the stream goes on.

    Parameters
    ----------
    features, labels
        Names declared before the first event (a file header); may be empty.
    max_features, max_labels
        Caps. A feature beyond its cap is left out of the event, an event with a label
        beyond its cap is a dead letter; both are counted.
    absent_is_zero
        What an absent feature means: zero (sparse files), or that it is not known.
    takes_text
        Whether every event brings a text, for an embedding stage.
    positive_only
        What it means where labels are named and nothing is said to be not true (a set or list of
        labels, or ``{label: True}``): by default that the other labels are not true; with
        ``positive_only`` that they are unknown. Then only a mapping that names every label says
        all. See the parameter of this name of :class:`~streamml.ihomer.IHOMER`.

    Examples
    --------
    >>> s = Schema(features=["f"], labels=["a", "b"])
    >>> s.labels.add("c"), len(s.labels), s.declared_labels
    (2, 3, 2)
    """

    __slots__ = (
        "absent_is_zero",
        "declared_features",
        "declared_labels",
        "features",
        "labels",
        "positive_only",
        "takes_text",
    )

    def __init__(
        self,
        features: Iterable[Hashable] = (),
        labels: Iterable[Hashable] = (),
        max_features: int | None = None,
        max_labels: int | None = None,
        absent_is_zero: bool = False,
        takes_text: bool = False,
        positive_only: bool = False,
    ) -> None:
        self.absent_is_zero = absent_is_zero
        self.takes_text = takes_text
        self.positive_only = positive_only
        self.features = Vocabulary(features, max_features)
        self.labels = Vocabulary(labels, max_labels)
        self.declared_features = len(self.features)
        self.declared_labels = len(self.labels)

    def snapshot(self) -> dict[str, Any]:
        """Both vocabularies with their caps, as plain values.

        Examples
        --------
        >>> again = Schema()
        >>> again.restore(Schema(["f"], ["a"]).snapshot())
        >>> again.features.names, again.declared_labels
        (['f'], 1)
        """
        return {
            "features": self.features.snapshot(),
            "labels": self.labels.snapshot(),
            "declared": [self.declared_features, self.declared_labels],
            "absent_is_zero": self.absent_is_zero,
        }

    def restore(self, snapshot: Mapping[str, Any]) -> None:
        """Go to a state that :meth:`snapshot` gave.

        Raises
        ------
        StateError
            It does not fit; nothing is changed then.
        """
        features, labels = Vocabulary(), Vocabulary()
        features.restore(part_of(snapshot, "features", dict, "the schema"))
        labels.restore(part_of(snapshot, "labels", dict, "the schema"))
        declared = part_of(snapshot, "declared", list, "the schema")
        zero = part_of(snapshot, "absent_is_zero", bool, "the schema")
        fits = len(declared) == 2 and all(
            type(n) is int and 0 <= n <= len(names)
            for n, names in zip(declared, (features, labels), strict=True)
        )
        check(fits, "the schema", "declares more names than it has")
        self.features, self.labels, self.absent_is_zero = features, labels, zero
        self.declared_features, self.declared_labels = declared

    def take_over(self, other: Schema) -> None:
        """Go on where ``other`` is: its names become mine, and mine must be its first ones.

        What a resumed learner does with the schema of the stream it is handed; that stream
        must not have read an event with new names yet.

        Raises
        ------
        SchemaError
            Names stand at other columns, a cap is too low, or absent features mean
            something else.
        """
        if self.absent_is_zero != other.absent_is_zero and len(self.features):
            raise SchemaError(
                "An absent feature means zero on one side and unknown on the other: "
                "open the stream as it was opened before."
            )
        fresh = not len(self.features) and not len(self.labels)
        self.features.take_over(other.features)
        self.labels.take_over(other.labels)
        self.absent_is_zero = other.absent_is_zero
        if fresh:
            self.declared_features = other.declared_features
            self.declared_labels = other.declared_labels
