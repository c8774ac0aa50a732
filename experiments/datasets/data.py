"""The real datasets that experiments read, found by name in ``STREAMML_DATA``."""

from __future__ import annotations

import os
from pathlib import Path

from experiments.datasets.registry import Dataset, datasets, find
from streamml.errors import DataError
from streamml.io import Source
from streamml.types import EventBatch

__all__ = ["ACCURACY_17", "HALF_A", "HALF_B", "data_dir", "dataset_names", "read",
           "reference_dir"]  # fmt: skip

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


def reference_dir() -> Path:
    """Where the published and measured figures lie (``STREAMML_REFERENCE``)."""
    return Path(os.environ.get("STREAMML_REFERENCE", "../shared/reference"))


def dataset_names() -> list[str]:
    """Every dataset of the registry whose file is there."""
    return [name for name, row in datasets().items() if row.path(data_dir()) is not None]


def open_dataset(name: str, order: str = "natural", seed: int = 1) -> Source:
    """The events of a dataset or synthetic stream as a source."""
    row = find(name)
    if isinstance(row, Dataset):
        return row.open(data_dir(), order, seed)
    source = row.open()
    if order == "shuffled":
        from streamml_connectors.files.shuffled import ShuffledSource

        return ShuffledSource(source, seed)
    return source


def read(name: str, order: str = "natural", seed: int = 1) -> EventBatch:
    """All events of a dataset as one batch."""
    source = open_dataset(name, order, seed)
    try:
        parts = list(iter(lambda: source.next_batch(4096), None))
    finally:
        source.close()
    if not parts:
        raise DataError(f"The dataset {name} has no events: check its file.")
    return EventBatch.concatenate(parts)
