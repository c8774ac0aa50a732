"""One way in: a reader by the suffix of the file."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any, Final, Literal

from streamml.errors import ConfigError
from streamml.io import Source
from streamml_connectors.files.arff import ArffSource
from streamml_connectors.files.csv import CsvSource
from streamml_connectors.files.jsonl import JsonlSource
from streamml_connectors.files.packed import PACKED, plain_name
from streamml_connectors.files.parquet import ParquetSource
from streamml_connectors.files.shuffled import ShuffledSource
from streamml_connectors.files.source import FileSource
from streamml_connectors.files.svmlight import SvmlightSource
from streamml_connectors.files.text import STDIN

__all__ = ["FORMATS", "open_source"]

FORMATS: Final[dict[str, tuple[type[FileSource], tuple[str, ...]]]] = {
    "arff": (ArffSource, (".arff",)),
    "csv": (CsvSource, (".csv",)),
    "tsv": (CsvSource, (".tsv",)),
    "jsonl": (JsonlSource, (".jsonl", ".ndjson", ".json")),
    "parquet": (ParquetSource, (".parquet",)),
    "svmlight": (SvmlightSource, (".svm", ".svmlight", ".libsvm", ".txt")),
}
"""Format, as ``--format`` names it -> its reader, and the suffixes that mean it."""
_READERS: Final = {suffix: reader for reader, known in FORMATS.values() for suffix in known}


def open_source(
    path: Path | str,
    *,
    format: str | None = None,  # noqa: A002  # the option's name
    order: Literal["natural", "shuffled"] = "natural",
    seed: int = 1,
    **options: Any,
) -> Source:
    """Open a file of events with the reader that its suffix names.

    Parameters
    ----------
    path
        ``.arff``, ``.csv``, ``.tsv``, ``.jsonl``, ``.ndjson``, ``.json``, ``.parquet``,
        ``.svm``, ``.svmlight``, ``.libsvm`` or ``.txt``; each may be followed by ``.gz``,
        ``.bz2``, ``.xz`` or ``.zst``. ``-`` is standard input.
    format
        Instead of the suffix: ``"csv"``, ``"jsonl"``, ...
    order
        ``"natural"``, or ``"shuffled"``: held in memory, in the order of
        ``numpy.random.default_rng(seed).permutation(n)``.
    seed
        Of the shuffled order.
    **options
        Of the reader, such as ``labels``, ``xml``, ``label_list``, ``id``, ``timestamp``;
        an option that is ``None`` is left at its default. ``labels=()`` says that nothing in
        the file is a label: it is read to be predicted.

    Raises
    ------
    ConfigError
        The suffix, the order or an option is not known.
    DataError, SchemaError
        The file cannot be read.

    Examples
    --------
    >>> open_source("events.doc")
    Traceback (most recent call last):
    ...
    streamml.errors.ConfigError: The suffix of events.doc is not known: use one of .arff, .csv, \
.tsv, .jsonl, .ndjson, .json, .parquet, .svm, .svmlight, .libsvm, .txt, each also with .gz, \
.bz2, .xz, .zst, or name its format (--format csv).
    """
    path = Path(path)
    if order not in ("natural", "shuffled"):
        raise ConfigError(f"The order {order!r} is not known: use 'natural' or 'shuffled'.")
    reader = _reader(path, format)
    options = {name: value for name, value in options.items() if value is not None}
    if (format or "").lower().removeprefix(".") == "tsv":
        options.setdefault("delimiter", "\t")
    known = set(inspect.signature(reader).parameters) - {"path"}
    if options.get("labels") == () and "labels" not in known:
        del options["labels"]  # where they stand needs no telling, and does no harm
    if "learned" not in known:
        options.pop("learned", None)  # its columns are declared, or go by their values
    for name in options:
        if name not in known:
            raise ConfigError(
                f"{path} has no use for the option {name!r}: its options are "
                f"{', '.join(sorted(known))}."
            )
    source = reader(path, **options)
    return ShuffledSource(source, seed) if order == "shuffled" else source


def _reader(path: Path, written: str | None) -> type[FileSource]:
    """The reader of a format that is named, or that the suffix names."""
    known = ", ".join(_READERS)
    if written is not None:
        reader = _READERS.get(f".{written.lower().removeprefix('.')}")
        if reader is None:
            raise ConfigError(
                f"The format {written!r} is not known: use one of {known.replace('.', '')}."
            )
        return reader
    if path == STDIN:
        raise ConfigError("Standard input has no suffix: name its format (--format csv).")
    reader = _READERS.get(Path(plain_name(path)).suffix.lower())
    if reader is None:
        if path.is_dir():
            raise ConfigError(f"{path} is a directory: name one file in it.")
        raise ConfigError(
            f"The suffix of {path} is not known: use one of {known}, "
            f"each also with {', '.join(PACKED)}, or name its format (--format csv)."
        )
    return reader
