"""Conformance checks for any learner: one call, and a report that says what was exercised.

A check fails where the learner breaks the contract of :class:`streamml.base.Learner`, and
also where the check found nothing to exercise: a learner that never answers passes nothing.

Examples
--------
>>> from streamml.baselines import NoChange
>>> report = check(NoChange())
>>> report.passed, len(report.results) == len(CHECKS)
(True, True)
>>> print(report.results[0])
predict_before_learn: passed, 40 events predicted by a learner that had seen none
"""

from __future__ import annotations

from collections.abc import Mapping

from streamml.base import Learner
from streamml.checks.contract import (
    batch_equals_one_by_one,
    batch_stays_as_it_is,
    clone_starts_afresh,
    deterministic,
    memory_is_bounded,
    predict_before_learn,
    predict_is_pure,
    snapshot_equals_no_snapshot,
)
from streamml.checks.report import Check, CheckFailed, Report, Result, run
from streamml.checks.space import (
    empty_sets,
    features_vanish,
    keys_come_back,
    labels_vanish,
    new_features,
    new_labels,
    no_features,
    partial_labels,
)
from streamml.errors import ConfigError

__all__ = ["CHECKS", "Check", "CheckFailed", "Report", "Result", "check"]

CHECKS: tuple[Check, ...] = (
    predict_before_learn,
    predict_is_pure,
    deterministic,
    batch_equals_one_by_one,
    batch_stays_as_it_is,
    snapshot_equals_no_snapshot,
    clone_starts_afresh,
    memory_is_bounded,
    new_features,
    features_vanish,
    new_labels,
    labels_vanish,
    empty_sets,
    partial_labels,
    no_features,
    keys_come_back,
)
"""Every check, in the order they run: a function of one that makes fresh learners."""


def check(learner: Learner, skip: Mapping[str, str] | None = None) -> Report:
    """Run every check on learners with the same parameters.

    Parameters
    ----------
    learner
        Only its parameters matter; it stays as it is.
    skip
        Name of a check -> why it does not apply; it is reported as skipped.

    Raises
    ------
    ConfigError
        It is no learner, or ``skip`` names a check that is not there.
    """
    if not issubclass(type(learner), Learner):  # river counts a pipeline as its last step
        what = f"the class {learner.__name__}" if isinstance(learner, type) else repr(learner)[:60]
        raise ConfigError(f"This is {what}: give an instance of streamml.base.Learner.")
    skip = skip or {}
    unknown = set(skip) - {one.__name__ for one in CHECKS}
    if unknown:
        raise ConfigError(f"There is no check {min(unknown)!r} to skip: see CHECKS.")
    results = [
        Result(one.__name__, None, skip[one.__name__])
        if one.__name__ in skip
        else run(one, learner)
        for one in CHECKS
    ]
    return Report(type(learner).__name__, tuple(results))
