"""Our learner's figures on small datasets: ``python -m experiments.golden`` writes them anew.

``tests/golden`` compares with them to the last digit. Writing them is a decision: say in the
commit why they changed.
"""

from __future__ import annotations

import json
from pathlib import Path

from experiments.datasets.data import read
from streamml import IHOMER
from streamml.metrics import Prequential

__all__ = ["DATASETS", "FILE", "figures"]

DATASETS = ("flags", "emotions", "virusgo", "birds", "water_quality")
FILE = Path(__file__).resolve().parents[2] / "tests" / "golden" / "golden.json"


def figures(dataset: str, preset: str, order: str) -> dict[str, float | int]:
    """Full-stream scores, and what the label tree did."""
    batch, learner, metrics = read(dataset, order), IHOMER(preset), Prequential()
    metrics.update(batch, learner.test_then_train(batch))
    return {
        **metrics.cumulative().as_dict(),
        "clusters": learner.n_clusters,
        "changes": len(learner.changes),
    }


def every() -> dict[str, dict[str, float | int]]:
    """All that is pinned: the default in both orders, and the fast preset."""
    return {
        f"{dataset} {preset} {order}": figures(dataset, preset, order)
        for dataset in DATASETS
        for preset, order in (
            ("default", "natural"),
            ("default", "shuffled"),
            ("fast", "natural"),
        )
    }


def main() -> None:
    """Write the figures."""
    FILE.write_text(json.dumps(every(), indent=1) + "\n")
    print(f"{FILE} is written: look at its difference before you commit it.")
