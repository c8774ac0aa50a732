"""DataFrames to events and back; pandas is asked for when it is used."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from streamml.errors import MissingDependencyError, SchemaError

__all__ = ["frame", "label_rows", "rows"]


def rows(frame: Any) -> list[dict[str, float]]:
    """Rows of a frame as feature -> number; a cell that is not a number is absent.

    Raises
    ------
    SchemaError
        A column is not numeric.
    """
    names = [str(name) for name in frame.columns]
    try:
        cells = frame.to_numpy(dtype=np.float64, na_value=np.nan)
    except (TypeError, ValueError) as error:
        raise SchemaError(
            f"A column of features is not numeric ({error}): encode it first."
        ) from error
    return [
        {name: value for name, value in zip(names, row, strict=True) if value == value}
        for row in cells.tolist()
    ]


def label_rows(y: Any) -> Iterator[Any]:
    """Labels of every event, as ``learn_one`` takes them.

    A frame has a column a label, a missing cell where it is not known; a series has
    mappings or sets.
    """
    if not hasattr(y, "columns"):
        yield from y
        return
    names = [str(name) for name in y.columns]
    cells = y.to_numpy(dtype=np.float64, na_value=np.nan)
    for row in cells.tolist():
        yield {name: bool(v) for name, v in zip(names, row, strict=True) if v == v}


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
            "DataFrames need pandas: install it with `pip install pandas`."
        ) from error
    return pd.DataFrame(cells, columns=list(columns), index=index)
