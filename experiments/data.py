"""The real datasets that experiments read, found by name in ``STREAMML_DATA``."""

from __future__ import annotations

import json
import os
from functools import cache
from pathlib import Path

from streamml.errors import DataError
from streamml.types import EventBatch
from streamml_connectors.files import open_source

__all__ = ["ACCURACY_17", "HALF_A", "HALF_B", "data_dir", "dataset_names", "read"]

HALF_A = ("flags", "emotions", "yeast", "medical", "enron", "stackex_chess", "tmc2007_500",
          "bibtex", "20ng")  # fmt: skip
"""What is tuned is tuned on these."""
HALF_B = ("virusgo", "water_quality", "birds", "scene", "human_pseaac", "slashdot", "langlog",
          "ohsumed")  # fmt: skip
"""... and checked on these."""
ACCURACY_17 = (
    "flags", "water_quality", "emotions", "virusgo", "birds", "yeast", "scene", "human_pseaac",
    "medical", "slashdot", "enron", "langlog", "stackex_chess", "tmc2007_500", "ohsumed", "20ng",
    "bibtex",
)  # fmt: skip
"""The datasets at hand that the published comparison has too."""


def data_dir() -> Path:
    """Where the datasets are: ``STREAMML_DATA``, else the user's cache directory."""
    default = Path.home() / ".cache" / "streamml" / "data"
    return Path(os.environ.get("STREAMML_DATA", default))


@cache
def _files() -> dict[str, Path]:
    manifest = data_dir() / "MANIFEST.json"
    if not manifest.is_file():
        raise DataError(
            f"There is no {manifest}: set STREAMML_DATA to the directory that holds the datasets."
        )
    entries = json.loads(manifest.read_text())["datasets"]
    return {entry["name"]: data_dir() / entry["file"] for entry in entries}


def dataset_names() -> list[str]:
    """Every dataset of the manifest."""
    return list(_files())


def read(name: str, order: str = "natural") -> EventBatch:
    """All events of a dataset as one batch."""
    if name not in _files():
        raise DataError(f"There is no dataset {name!r}: use one of {', '.join(_files())}.")
    source = open_source(_files()[name], order=order)
    try:
        parts = list(iter(lambda: source.next_batch(4096), None))
    finally:
        source.close()
    return EventBatch.concatenate(parts)
