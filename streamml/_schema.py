"""Names of features and labels, by column: append-only, so that a column keeps its meaning."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from streamml.errors import ConfigError, SchemaError

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

    Examples
    --------
    >>> s = Schema(features=["f"], labels=["a", "b"])
    >>> s.labels.add("c"), len(s.labels), s.declared_labels
    (2, 3, 2)
    """

    __slots__ = ("absent_is_zero", "declared_features", "declared_labels", "features", "labels")

    def __init__(
        self,
        features: Iterable[str] = (),
        labels: Iterable[str] = (),
        max_features: int | None = None,
        max_labels: int | None = None,
        absent_is_zero: bool = False,
    ) -> None:
        self.absent_is_zero = absent_is_zero
        self.features = Vocabulary(features, max_features)
        self.labels = Vocabulary(labels, max_labels)
        self.declared_features = len(self.features)
        self.declared_labels = len(self.labels)
