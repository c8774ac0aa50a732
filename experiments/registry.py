"""What the benchmark knows of its datasets: ``datasets.toml``, and a table of yours.

``STREAMML_DATASETS`` may name another table; a row of it needs a ``name`` and a ``file``, which
lies beside the table unless its path is absolute.
"""

from __future__ import annotations

import hashlib
import os
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, fields
from functools import cache
from pathlib import Path
from typing import Any

from experiments.tables import rows_of
from streamml.errors import ConfigError, DataError
from streamml.io import Source
from streamml.streams import make_stream
from streamml_connectors.files import open_source

__all__ = ["Dataset", "Stream", "choose", "datasets", "find", "sha256_of", "streams"]

TABLE = Path(__file__).with_name("datasets.toml")


@dataclass(frozen=True)
class Dataset:
    """A file of events, pinned by its checksum where one is known.

    Parameters
    ----------
    name, file, xml
        What it is called, and its files in the data directory.
    instances, features, labels, cardinality
        Counted by reading the pinned file; published figures where it is not at hand; 0 where
        not told.
    sha256, bytes, xml_sha256
        Of the files; empty or 0 where not pinned.
    published, compared
        Name in the published comparison, and whether file and order are the same there.
    address
        Where a copy can be downloaded; not verified here.
    options
        Of the reader, such as ``labels`` of a CSV file.
    folder
        Where its files are; empty for the data directory.
    """

    name: str
    file: str
    instances: int = 0
    features: int = 0
    labels: int = 0
    cardinality: float | None = None
    sha256: str = ""
    bytes: int = 0
    xml: str = ""
    xml_sha256: str = ""
    published: str = ""
    compared: str = ""
    one_of_23: bool = False
    address: str = ""
    order: str = ""
    note: str = ""
    repository: str = ""
    licence: str = ""
    options: dict[str, Any] = field(default_factory=dict)
    folder: str = ""

    @property
    def size(self) -> int:
        """Instances times labels: what runs take time in proportion to, roughly."""
        return self.instances * self.labels

    def open(self, directory: Path, order: str = "natural", seed: int = 1) -> Source:
        """Its events; raises :class:`DataError` that says how to get a missing file."""
        path = self.path(directory)
        if path is None:
            if self.folder:
                raise DataError(f"{Path(self.folder) / self.file} is missing: check its table.")
            raise DataError(
                f"{directory / self.file} is missing: python -m experiments.datasets "
                f"get {self.name} downloads it."
            )
        if order not in ("natural", "shuffled"):
            raise ConfigError(f"The order {order!r} is not known: use natural or shuffled.")
        options = dict(self.options)
        if self.folder and self.xml:
            options["xml"] = Path(self.folder) / self.xml
        return open_source(
            path, order="shuffled" if order == "shuffled" else "natural", seed=seed, **options
        )

    def path(self, directory: Path) -> Path | None:
        """Its file, also under a compressed name; ``None`` where it is missing."""
        directory = Path(self.folder or directory)
        for name in (self.file, f"{self.file}.gz"):
            if (directory / name).is_file():
                return directory / name
        return None


@dataclass(frozen=True)
class Stream:
    """A synthetic stream: a name of :func:`streamml.streams.make_stream` and parameters."""

    name: str
    stream: str
    parameters: dict[str, Any] = field(default_factory=dict)
    seed: int = 1

    def open(self) -> Source:
        """Its events."""
        return make_stream(self.stream, seed=self.seed, **self.parameters)


@cache
def _table() -> dict[str, Any]:
    return tomllib.loads(TABLE.read_text(encoding="utf-8"))


@cache
def datasets() -> dict[str, Dataset]:
    """Name -> dataset, smallest first."""
    rows = [Dataset(**{**_table()["defaults"], **row}) for row in _table()["dataset"]]
    yours = os.environ.get("STREAMML_DATASETS")
    if yours:
        folder = str(Path(yours).resolve().parent)
        known = {f.name for f in fields(Dataset)} - {"folder"}
        added = rows_of(Path(yours), "dataset", ("name", "file"), known)
        rows += [Dataset(folder=folder, **row) for row in added]
    return {row.name: row for row in sorted(rows, key=lambda row: row.size)}


@cache
def streams() -> dict[str, Stream]:
    """Name -> synthetic stream with seed 1."""
    found = {}
    for row in _table()["stream"]:
        rest = {k: v for k, v in row.items() if k not in ("name", "stream")}
        found[row["name"]] = Stream(row["name"], row["stream"], rest)
    return found


def find(name: str) -> Dataset | Stream:
    """The dataset called ``name``; ``STREAM@SEED`` is a synthetic one.

    Raises
    ------
    ConfigError
        There is none.
    """
    if name in datasets():
        return datasets()[name]
    base, at, seed = name.partition("@")
    if base in streams() and (not at or seed.isdecimal()):
        stream = streams()[base]
        return Stream(name, stream.stream, stream.parameters, int(seed) if at else 1)
    known = [*datasets(), *(f"{stream}@SEED" for stream in streams())]
    raise ConfigError(f"There is no dataset {name!r}: use one of {', '.join(known)}.")


def choose(text: str, directory: Path) -> list[str]:
    """Names out of ``small``, ``23``, ``all``, ``yours``, ``streams`` and single names, once each.

    The groups take what lies in ``directory``; a single name is taken whether or not it does.
    """
    here = [d for d in datasets().values() if d.path(directory) is not None]
    groups: dict[str, Iterable[str]] = {
        "small": [d.name for d in here if 0 < d.size <= 50_000],
        "23": [d.name for d in here if d.one_of_23],
        "all": [d.name for d in here],
        "yours": [d.name for d in here if d.folder],
        "streams": [f"{name}@1" for name in streams()],
    }
    found: dict[str, None] = {}
    for word in _words(text):
        if word in groups:
            found.update(dict.fromkeys(groups[word]))
        else:
            found[find(word).name] = None
    return list(found)


def _words(text: str) -> Iterator[str]:
    return (word.strip() for word in text.split(",") if word.strip())


def sha256_of(path: Path) -> str:
    """Checksum of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
