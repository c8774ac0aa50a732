"""Tables to events and back: DataFrames of any library, arrays, sparse matrices, lists of mappings.

Frames are read through narwhals, which river brings; the library that made one is there already.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import narwhals as nw
import numpy as np

from streamml.errors import MissingDependencyError, SchemaError, install_hint
from streamml.types.schema import Schema, Vocabulary

__all__ = ["frame", "frame_like", "is_sparse", "label_rows", "names_of", "rows", "table_names"]

Row = Mapping[Any, Any]
Names = Sequence[Hashable] | None

_TABLES = "a DataFrame (pandas, polars, pyarrow), a matrix (numpy, scipy.sparse)"


def rows(table: Any, schema: Schema, names: Names = None) -> Iterator[Row]:
    """Rows of a table as feature -> value, what is missing among them.

    Parameters
    ----------
    table
        A frame, a matrix (numpy, or scipy.sparse, where zeros are left out if that is what
        absent means to the schema) or a list of mappings.
    schema
        Says what the columns of a matrix are called, where nobody else does.
    names
        Names of the columns, in order.

    Raises
    ------
    SchemaError
        It is something else, a column has no usable name, or holds times or dates.
    """
    known = names_of(table, schema.features, names)
    if known is None:
        return _mappings(table)
    if is_sparse(table):
        return _sparse_rows(table, known, schema.absent_is_zero)
    return (dict(zip(known, row, strict=True)) for row in _cells(table))


def label_rows(y: Any, schema: Schema, names: Names = None) -> Iterator[Any]:
    """Labels of every event, as ``learn_one`` takes them.

    A table has a column a label, a missing cell where it is not known; a series has
    mappings or sets.

    Raises
    ------
    SchemaError
        It is something else.
    """
    known = names_of(y, schema.labels, names)
    if known is not None and is_sparse(y):
        return _sparse_rows(y, known, False)
    if known is not None:
        return (dict(zip(known, row, strict=True)) for row in _cells(y))
    if isinstance(y, str | Mapping) or not isinstance(y, Iterable) or getattr(y, "ndim", 1) != 1:
        raise SchemaError(
            f"The labels are of type {type(y).__name__}: give {_TABLES} with a column a label, "
            "or a series of sets."
        )
    return iter(y)


def names_of(table: Any, known: Vocabulary, names: Names = None) -> list[Any] | None:
    """What the columns of a table are called; ``None``: it has none, its rows are mappings.

    Those of a matrix have the names that ``known`` has, where it has as many; otherwise their
    numbers, as ``river.stream.iter_array`` calls them.

    Raises
    ------
    SchemaError
        There are more or fewer names than columns, one comes twice, or nobody can tell.
    """
    found = table_names(table)
    width = len(found) if found is not None else _width(table)
    if width is None:
        return None
    if names is None:
        names = found if found is not None else _positions(width, known)
    if len(names) != width:
        raise SchemaError(f"{len(names)} names are given for {width} columns: give each one.")
    seen = set[Any]()
    for name in names:
        if name in seen:
            raise SchemaError(f"Two columns are called {name!r}: rename one.")
        seen.add(name)
    return list(names)


def table_names(table: Any) -> list[Any] | None:
    """The names of a frame's columns; ``None`` where it is no frame."""
    if _is_frame(table):
        columns = getattr(table, "column_names", None)  # pyarrow's
        return list(table.columns if columns is None else columns)
    return None


def is_sparse(table: Any) -> bool:
    """Whether it is a sparse matrix of scipy's."""
    return hasattr(table, "tocsr") and hasattr(table, "nnz")


def frame(cells: Any, columns: Sequence[Hashable], index: Any = None) -> Any:
    """A DataFrame of pandas.

    Raises
    ------
    MissingDependencyError
        pandas is not installed.
    """
    try:
        import pandas as pd
    except ImportError as error:
        raise MissingDependencyError(
            f"DataFrames need pandas: {install_hint('pandas')}."
        ) from error
    return pd.DataFrame(cells, columns=pd.Index(list(columns), tupleize_cols=False), index=index)


def frame_like(table: Any, cells: Any, names: Vocabulary) -> Any:
    """Cells as a table of the kind of another one: a frame of its library, else an array."""
    if not _is_frame(table):
        return cells
    if hasattr(table, "iloc"):
        return frame(cells, names.keys, table.index)
    backend: Any = nw.get_native_namespace(table)
    columns = {name: cells[:, k] for k, name in enumerate(names.names)}
    return nw.from_dict(columns, backend=backend).to_native()


def _is_frame(table: Any) -> bool:
    try:
        found = nw.from_native(table, eager_only=True, pass_through=True)
    except nw.exceptions.DuplicateError:  # said by who asks for the names
        return True
    return isinstance(found, nw.DataFrame)


def _width(table: Any) -> int | None:
    """Number of columns of a matrix."""
    if isinstance(table, np.ndarray) or is_sparse(table):
        return int(table.shape[1]) if table.ndim == 2 else None
    return None


def _positions(width: int, known: Vocabulary) -> Sequence[Any]:
    if len(known) == width:
        return known.keys
    if all(key == k for k, key in enumerate(known.keys)):
        return range(width)
    raise SchemaError(
        f"A matrix has {width} columns where {len(known)} are known by name: give a DataFrame."
    )


def _cells(table: Any) -> Iterable[Sequence[Any]]:
    """The rows of a frame or matrix."""
    if isinstance(table, np.ndarray):
        if table.dtype.kind not in "biufOUS":
            raise SchemaError(f"The matrix holds {table.dtype}: encode it as numbers first.")
        return table.tolist()  # type: ignore[no-any-return]
    columns = []
    for column in nw.from_native(table, eager_only=True).iter_columns():
        if column.dtype.is_temporal():  # a number of nanoseconds is no feature
            raise SchemaError(
                f"Column {column.name!r} holds {column.dtype}: encode it as numbers first."
            )
        columns.append(column.to_list())
    return zip(*columns, strict=True) if columns else [()] * len(table)


def _sparse_rows(table: Any, names: Sequence[Any], absent_is_zero: bool) -> Iterator[Row]:
    matrix = table.tocsr().copy()
    matrix.sum_duplicates()
    for k in range(matrix.shape[0]):
        row = slice(matrix.indptr[k], matrix.indptr[k + 1])
        found = dict.fromkeys(() if absent_is_zero else names, 0.0)
        for column, value in zip(
            matrix.indices[row].tolist(), matrix.data[row].tolist(), strict=True
        ):
            found[names[column]] = value
        yield found


def _mappings(table: Any) -> Iterator[Row]:
    if isinstance(table, Sequence) and all(hasattr(row, "items") for row in table):
        return iter(table)
    raise SchemaError(
        f"The events are of type {type(table).__name__}: give {_TABLES} with a column a feature, "
        "or a list of mappings."
    )
