"""DataFrames to events and back; pandas is asked for when it is used."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from streamml.arrays import Float64Array
from streamml.errors import MissingDependencyError, SchemaError, install_hint

__all__ = ["frame", "label_rows", "rows"]


def rows(frame: Any) -> list[dict[str, float]]:
    """Rows of a frame as feature -> number; a cell that is missing is absent.

    Raises
    ------
    SchemaError
        It is no frame, a column is not numeric, or two have one name.
    """
    if not hasattr(frame, "columns") or not hasattr(frame, "iloc"):
        raise SchemaError(
            f"The events are of type {type(frame).__name__}: give a pandas DataFrame, "
            "a column a feature."
        )
    names = _names(frame)
    return [
        {name: value for name, value in zip(names, row, strict=True) if value == value}
        for row in _cells(frame).tolist()
    ]


def label_rows(y: Any) -> Iterator[Any]:
    """Labels of every event, as ``learn_one`` takes them.

    A frame has a column a label, a missing cell where it is not known; a series has
    mappings or sets.

    Raises
    ------
    SchemaError
        It is something else, or a cell is neither true nor false.
    """
    if hasattr(y, "columns") and hasattr(y, "iloc"):
        return _label_cells(y)
    if not hasattr(y, "__iter__") or isinstance(y, str | Mapping) or getattr(y, "ndim", 1) != 1:
        raise SchemaError(
            f"The labels are of type {type(y).__name__}: give a DataFrame with a column a label, "
            "or a series of sets."
        )
    return iter(y)


def _label_cells(y: Any) -> Iterator[dict[str, bool]]:
    names, cells = _names(y), _cells(y)
    odd = ~((cells == 0) | (cells == 1) | np.isnan(cells))
    if odd.any():
        row, column = (int(place[0]) for place in np.nonzero(odd))
        raise SchemaError(
            f"Label {names[column]!r} is {cells[row, column]:g} in row {row}: "
            "give True, False, or a missing cell where it is not known."
        )
    for row in cells.tolist():
        yield {name: bool(v) for name, v in zip(names, row, strict=True) if v == v}


def _names(frame: Any) -> list[str]:
    names = [name if isinstance(name, str) else str(name) for name in frame.columns]
    twice = [name for name, n in Counter(names).items() if n > 1]
    if twice:
        raise SchemaError(f"Two columns are called {twice[0]!r}: rename one.")
    return names


def _cells(frame: Any) -> Float64Array:
    """The frame as numbers; NaN where a cell is missing."""
    for name, dtype in zip(frame.columns, frame.dtypes, strict=True):
        if dtype.kind in "mMc":  # numpy would make numbers of them
            raise SchemaError(f"Column {name!r} holds {dtype}: encode it as numbers first.")
    try:
        cells: Float64Array = frame.to_numpy(dtype=np.float64, na_value=np.nan)
    except (TypeError, ValueError) as error:
        bad = [name for k, name in enumerate(frame.columns) if not _numeric(frame.iloc[:, k])]
        where = f"Column {bad[0]!r}" if bad else "A column"
        raise SchemaError(f"{where} is not numeric ({error}): encode it first.") from error
    return cells


def _numeric(column: Any) -> bool:
    try:
        column.to_numpy(dtype=np.float64, na_value=np.nan)
    except (TypeError, ValueError):
        return False
    return True


def frame(cells: Any, columns: Sequence[str], index: Any) -> Any:
    """A DataFrame.

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
    return pd.DataFrame(cells, columns=list(columns), index=index)
