"""Our learner's figures on five datasets, to the last digit: a change must be deliberate."""

from __future__ import annotations

import json

import pytest

from experiments.checks.golden import DATASETS, FILE, figures
from experiments.datasets.data import data_dir
from tests.conftest import needs

pytestmark = pytest.mark.data

GOLDEN = json.loads(FILE.read_text())


@pytest.mark.parametrize("what", GOLDEN)
def test_figures_are_the_pinned_ones(what):
    dataset, preset, order = what.split()
    there = any((data_dir() / f"{dataset}{suffix}").is_file() for suffix in (".arff.gz", ".arff"))
    needs(f"{dataset} is not in {data_dir()}: set STREAMML_DATA", there)
    assert figures(dataset, preset, order) == GOLDEN[what], (
        "the figures have changed: if that is meant, python -m experiments.golden writes them "
        "anew, and the commit says why"
    )


def test_every_dataset_is_pinned():
    assert {what.split()[0] for what in GOLDEN} == set(DATASETS)
