"""Every real dataset reads with the counts of its manifest.

They are looked for in ``STREAMML_DATA``, else in the user's cache folder
(``$XDG_CACHE_HOME/streamml/data``, by default ``~/.cache/streamml/data``).
"""

from __future__ import annotations

import json
import os
import time
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from streamml_connectors.files import open_source
from tests.conftest import needs

pytestmark = pytest.mark.data


def _folder() -> Path:
    if os.environ.get("STREAMML_DATA"):
        return Path(os.environ["STREAMML_DATA"])
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "streamml" / "data"


def _entries() -> list[dict]:
    manifest = _folder() / "MANIFEST.json"
    if not manifest.is_file():
        return []
    return json.loads(manifest.read_text())["datasets"]


def test_the_datasets_are_there():
    what = f"no datasets in {_folder()}: set STREAMML_DATA to a folder with a MANIFEST.json"
    needs(what, _entries())


@pytest.mark.parametrize("entry", [pytest.param(e, id=e["name"]) for e in _entries()])
def test_counts(entry):
    source = open_source(_folder() / entry["file"])
    events = positives = unlabelled = 0
    sets = set()
    while (batch := source.next_batch(4096)) is not None:
        sizes = np.diff(batch.y_indptr)
        events += len(batch)
        positives += len(batch.y_indices)
        unlabelled += int((sizes == 0).sum())
        ends = batch.y_indptr.tolist()
        sets |= {batch.y_indices[a:b].tobytes() for a, b in pairwise(ends)}
        assert np.isfinite(batch.x_values).all()
        assert batch.y_kind.all()
    source.close()
    assert source.take_dead_letters() == []
    found = {
        "instances": events,
        "features": source.n_attributes,
        "labels": len(source.schema.labels),
        "label_cardinality": round(positives / events, 4),
        "rows_without_label": unlabelled,
        "distinct_labelsets": len(sets),
    }
    assert found == {name: entry[name] for name in found}
    names = entry.get("label_names")
    if isinstance(names, list):
        assert source.schema.labels.names == names


@pytest.mark.skipif(not _entries(), reason="no datasets")
def test_the_label_with_a_backslash_is_found():
    source = open_source(_folder() / "delicious.arff.gz")
    source.close()
    assert "TAG_dise~no" in source.schema.labels
    assert source.schema.declared_labels == 983


@pytest.mark.skipif(not _entries(), reason="no datasets")
def test_reading_tmc2007_500_costs_less_than_3_seconds_of_cpu():
    seconds = []
    for _ in range(2):  # the first time kernels may be compiled
        start = time.process_time()
        source = open_source(_folder() / "tmc2007_500.arff.gz")
        events = 0
        while (batch := source.next_batch(4096)) is not None:
            events += len(batch)
        source.close()
        seconds.append(time.process_time() - start)
        assert events == 28_596
    print(f"tmc2007_500: {seconds[0]:.2f} s of CPU, then {seconds[1]:.2f} s")
    assert min(seconds) < 3.0
