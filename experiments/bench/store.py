"""One Parquet file for each cell of the benchmark: the curve, and all else as its metadata."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from streamml.errors import DataError

__all__ = ["Cell", "Result", "load", "load_all", "save"]

_KEY = b"streamml.cell"
_FORMAT = 1


@dataclass(frozen=True, order=True)
class Cell:
    """One run: a learner on a dataset in an order, with a seed."""

    dataset: str
    order: str
    learner: str
    seed: int

    @property
    def file(self) -> str:
        """Its file's name; names that differ in signs or spaces alone share one."""
        words = (self.dataset, self.order, self.learner, f"seed{self.seed}")
        return "__".join(re.sub(r"[^\w@.+-]+", "_", word) for word in words) + ".parquet"

    def __str__(self) -> str:
        return f"{self.learner} on {self.dataset} ({self.order}, seed {self.seed})"


@dataclass
class Result:
    """What came out of a cell.

    Parameters
    ----------
    cell
        What was run.
    status
        ``"finished"``, ``"unfinished"`` (over its budget at event :attr:`events`) or
        ``"failed"``.
    reason
        Why it is not finished.
    events, length
        Events scored, and events of the dataset.
    scores
        Metric -> cumulative value at the last event scored.
    facts
        Budget, times, versions, machine, checksum, memory, changes, label trees.
    curve
        Column -> values at points of the stream.
    """

    cell: Cell
    status: str
    reason: str = ""
    events: int = 0
    length: int = 0
    scores: dict[str, float] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)
    curve: dict[str, list[float]] = field(default_factory=dict)


def save(result: Result, directory: Path) -> Path:
    """Write a result; whoever reads sees the whole file or none."""
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / result.cell.file
    described = {k: v for k, v in asdict(result).items() if k != "curve"}
    curve = result.curve or {"event": []}
    table = pa.table({name: pa.array(values, pa.float64()) for name, values in curve.items()})
    document = json.dumps({"format": _FORMAT, **described}, allow_nan=True).encode()
    partial = path.with_name(f".{path.name}.{os.getpid()}.part")
    with partial.open("wb") as file:
        pq.write_table(table.replace_schema_metadata({_KEY: document}), file)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)
    return path


def load(path: Path) -> Result:
    """Read a result.

    Raises
    ------
    DataError
        The file is none of the benchmark's.
    """
    try:
        table = pq.read_table(path)
        found = json.loads((table.schema.metadata or {})[_KEY])
    except (pa.ArrowInvalid, KeyError, ValueError) as error:
        raise DataError(f"{path} is no result of the benchmark: delete it.") from error
    if found.pop("format") != _FORMAT:
        raise DataError(f"{path} was written by another version: delete it and run again.")
    cell = Cell(**found.pop("cell"))
    curve = {name: table.column(name).to_pylist() for name in table.column_names}
    return Result(cell=cell, curve=curve, **found)


def load_all(directory: Path) -> Iterator[Result]:
    """Every result of a directory, in the order of the cells."""
    yield from sorted((load(p) for p in directory.glob("*.parquet")), key=lambda r: r.cell)
