"""Conformance as a table: our checks and river's, what passed and what does not apply, and why.

``python -m experiments.river_checks`` runs both on the learner.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table
from river.checks import clf, common

from streamml import IHOMER
from streamml.checks import check

__all__ = ["CHECKS", "NOT_APPLICABLE", "data", "outcomes"]

NOT_APPLICABLE = {
    "check_debug_one": "river's linear models have debug_one; explain(x) is its counterpart here",
    "check_has_tag": "asks for a tag by name; IHOMER needs none",
    "check_multiclass_is_bool": "of single-label classifiers",
    "check_classifier_tracks_seen_labels": "of single-label classifiers: a label set is no key",
    "check_predict_proba_one": "one distribution over classes; here it is one for each label",
    "check_predict_proba_one_binary": "of binary classifiers",
    "check_transform_one": "of transformers",
    "check_transform_many_matches_transform_one": "of transformers",
    "check_wrapper_accepts_kwargs": "of wrappers",
    "check_predict_many_matches_predict_one": "of MiniBatchClassifier, whose predict_many gives "
    "one class a row; tests/conformance has its counterpart",
    "check_predict_proba_many_matches_predict_proba_one": "the same",
}

CHECKS: dict[str, Callable[..., Any]] = {
    name: found
    for module in (common, clf)
    for name, found in inspect.getmembers(module, inspect.isfunction)
    if name.startswith("check_") and found.__module__ == module.__name__
}


def data(n: int = 120) -> Iterator[tuple[dict[str, float], dict[str, bool]]]:
    """Events of 8 features and 3 labels that they decide."""
    rng = np.random.default_rng(1)
    for _ in range(n):
        x = {f"f{j}": float(rng.normal()) for j in range(8)}
        yield x, {"a": x["f0"] > 0, "b": x["f1"] > 0, "c": x["f0"] > 0 and x["f1"] > 0}


def outcomes(make: Callable[[], Any]) -> Iterator[tuple[str, str]]:
    """Each of river's checks and ``"passed"``, or why it does not apply.

    Raises
    ------
    AssertionError
        A check that applies fails, as river says it.
    """
    few = list(data(80))
    for name, found in sorted(CHECKS.items()):
        if name in NOT_APPLICABLE:
            yield name, f"not applicable: {NOT_APPLICABLE[name]}"
            continue
        found(make(), *([few] if "dataset" in inspect.signature(found).parameters else []))
        yield name, "passed"


def main() -> int:
    """Print both tables; 1 where one of our checks fails."""
    console = Console(width=None if sys.stdout.isatty() else 150)
    report = check(IHOMER("fast"))
    ours = Table("our check", "outcome", "what was exercised", title=f"{report.learner}: ours")
    for result in report.results:
        word = {True: "passed", False: "FAILED", None: "skipped"}[result.passed]
        ours.add_row(result.name, word, result.detail)
    console.print(ours)
    table = Table("river's check", "outcome", title=f"{report.learner}: river's")
    for name, outcome in outcomes(lambda: IHOMER("fast")):
        table.add_row(name, outcome)
    console.print(table)
    return int(not report.passed)
