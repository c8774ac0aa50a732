"""One way out: predictions in the format that the suffix of the file names."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from streamml.errors import ConfigError
from streamml.io import PredictionSink
from streamml_connectors.prediction_tables import CsvPredictionSink, ParquetPredictionSink
from streamml_connectors.predictions import JsonlPredictionSink

__all__ = ["can_go_on", "open_predictions"]

_LINES: Final = ("", ".jsonl", ".ndjson")
_PARQUET: Final = ".parquet"


def can_go_on(path: Path | str) -> bool:
    """Whether a run that is resumed can write behind what is there: not so in Parquet.

    Examples
    --------
    >>> can_go_on("out.csv"), can_go_on("out.parquet")
    (True, False)
    """
    return Path(path).suffix.lower() != _PARQUET


def open_predictions(
    path: Path | str, *, append: bool = False, truth: bool = False
) -> PredictionSink:
    """Open a file for predictions.

    Parameters
    ----------
    path
        ``.jsonl`` (or ``.ndjson``, or without a suffix), ``.csv`` or ``.parquet``; a device or
        a pipe, and ``-``, standard output, are written as JSON Lines.
    append
        Whether to write behind what is there instead of replacing it (a resumed run).
    truth
        Whether to write the true labels, too.

    Raises
    ------
    ConfigError
        The suffix is another one, or a file of Parquet should be gone on with.
    DataError
        The file cannot be written.

    Examples
    --------
    >>> open_predictions("out.xlsx")
    Traceback (most recent call last):
    ...
    streamml.errors.ConfigError: Predictions cannot be written to out.xlsx: name a file that ends \
in .jsonl, .csv or .parquet.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix in _LINES or (path.exists() and not path.is_file()):
        return JsonlPredictionSink(path, append=append, truth=truth)
    if suffix == ".csv":
        return CsvPredictionSink(path, append=append, truth=truth)
    if suffix != _PARQUET:
        raise ConfigError(
            f"Predictions cannot be written to {path}: name a file that ends in .jsonl, .csv or "
            ".parquet."
        )
    if append:
        raise ConfigError(f"{path} cannot be gone on with: write .jsonl or .csv instead.")
    return ParquetPredictionSink(path, truth=truth)
