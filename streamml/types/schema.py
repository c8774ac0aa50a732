"""Names of features and labels, by column: append-only, so that a column keeps its meaning."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from streamml.errors import ConfigError, SchemaError
from streamml.state.capture import check, part_of

__all__ = ["Schema", "Vocabulary"]


class Vocabulary:
    """Append-only map name -> column, in order of first appearance.

    Parameters
    ----------
    names
        The first names, in column order.
    limit
        Largest number of names, or ``None``; beyond it :meth:`add` gives -1 and
        counts the refusal in :attr:`refused`.

    Examples
    --------
    >>> v = Vocabulary(["a"], limit=2)
    >>> v.add("b"), v.add("a"), v.add("c"), v.refused
    (1, 0, -1, 1)
    """

    __slots__ = ("_column", "_names", "limit", "refused")

    def __init__(self, names: Iterable[str] = (), limit: int | None = None) -> None:
        if limit is not None and limit < 1:
            raise ConfigError(f"A vocabulary limit must be at least 1, not {limit}.")
        self._names: list[str] = []
        self._column: dict[str, int] = {}
        self.limit = limit
        self.refused = 0
        for name in names:
            if name in self._column:
                raise SchemaError(f"The name {name!r} stands twice: names must be unique.")
            if self.add(name) < 0:
                raise SchemaError(f"More than {limit} names are declared: raise the limit.")

    def add(self, name: str) -> int:
        """Column of ``name``, appended if new; -1 where the limit forbids it."""
        column = self._column.get(name)
        if column is None:
            if self.limit is not None and len(self._names) >= self.limit:
                self.refused += 1
                return -1
            column = self._column[name] = len(self._names)
            self._names.append(name)
        return column

    def find(self, name: str) -> int:
        """Column of ``name``, or -1 where it is not known."""
        return self._column.get(name, -1)

    @property
    def names(self) -> Sequence[str]:
        """All names in column order (do not change it)."""
        return self._names

    def __len__(self) -> int:
        return len(self._names)

    def __contains__(self, name: object) -> bool:
        return name in self._column

    def __getitem__(self, column: int) -> str:
        return self._names[column]

    @property
    def nbytes(self) -> int:
        """Bytes of the names and their columns, about."""
        tables = sys.getsizeof(self._column) + sys.getsizeof(self._names)
        return tables + sum(map(sys.getsizeof, self._names)) + 32 * len(self._names)

    def snapshot(self) -> dict[str, Any]:
        """Names, cap and refusals, as plain values."""
        return {"names": list(self._names), "limit": self.limit, "refused": self.refused}

    def restore(self, snapshot: Mapping[str, Any]) -> None:
        """Go to a state that :meth:`snapshot` gave."""
        names = part_of(snapshot, "names", list, "the vocabulary")
        limit, refused = snapshot.get("limit"), part_of(snapshot, "refused", int, "the vocabulary")
        check(
            all(isinstance(name, str) for name in names),
            "the vocabulary",
            "has a name that is no text",
        )
        column = {name: k for k, name in enumerate(names)}
        check(len(column) == len(names), "the vocabulary", "has a name twice")
        check(
            limit is None or (type(limit) is int and limit >= max(len(names), 1)),
            "the vocabulary",
            "has more names than its cap",
        )
        check(refused >= 0, "the vocabulary", "has refused less than nothing")
        self._names, self._column = list(names), column
        self.limit, self.refused = limit, refused

    def take_over(self, other: Vocabulary) -> None:
        """Append the names of ``other`` that come after mine, which must be its first ones."""
        mine, theirs = len(self._names), other._names
        if self._names[: len(theirs)] != theirs[:mine]:
            raise SchemaError(
                "The stream names other columns than the learner was taught with, or in another "
                "order: use the same stream, and bind the learner before the first event is read."
            )
        if self.limit is not None and len(theirs) > self.limit:
            raise SchemaError(f"The learner knows more than {self.limit} names: raise the cap.")
        for name in theirs[mine:]:
            self.add(name)
        self.refused = max(self.refused, other.refused)


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
        "takes_text",
    )

    def __init__(
        self,
        features: Iterable[str] = (),
        labels: Iterable[str] = (),
        max_features: int | None = None,
        max_labels: int | None = None,
        absent_is_zero: bool = False,
        takes_text: bool = False,
    ) -> None:
        self.absent_is_zero = absent_is_zero
        self.takes_text = takes_text
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
