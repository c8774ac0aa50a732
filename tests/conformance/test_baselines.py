"""Every learner of the benchmark keeps the learner's contract."""

from __future__ import annotations

import re
import warnings
from functools import partial

import numpy as np
import pytest

from experiments.bench.learners import build, learners
from streamml import checks
from streamml.errors import ConfigError, MissingDependencyError, install_hint
from streamml.types import Event, EventBatch, PartialLabels, Schema
from tests.conformance import contract
from tests.conftest import needs

FEW = 36
NAMES = [name for name, row in learners().items() if row.group not in ("ours", "ablation")]
"""Our own learner, in all its parts, is checked beside this file."""


def stream(n=FEW, seed=1):
    """Labels that hang on features; a late feature, a late label, missing and partial labels."""
    rng = np.random.default_rng(seed)
    for t in range(n):
        x = {f"f{j}": float(rng.normal()) for j in rng.choice(5, 4, replace=False)}
        if t > n // 3:
            x["late"] = 1.0
        y = {f"l{k}" for k in range(3) if x.get(f"f{k}", -1.0) > 0}
        y |= {"new"} if t > n // 2 and t % 2 else set()
        labels = frozenset(y)
        if t % 7 == 3:
            labels = PartialLabels(frozenset(sorted(y)[:1]), frozenset({"l9"}))
        yield Event(t, float(t), x, None if t % 11 == 5 else labels)


def made(name):
    missing = learners()[name].missing
    needs(f"{missing} is not installed: {install_hint('bench')}", not missing)
    return build(name)


def length(name):
    """Long enough that it learns: some learn in batches, with what that warns of."""
    return 330 if learners()[name].group == "batch" else 120 if name == "ML-BELS" else FEW


@pytest.fixture(autouse=True)
def _others_may_warn():
    with warnings.catch_warnings():
        for module in ("sklearn", "skmultilearn", "napkinxc", "scipy"):
            warnings.filterwarnings("ignore", module=module)
        yield


@pytest.mark.parametrize("name", NAMES)
def test_contract(name):
    """In all that the grid asks of our own (test_grid), on a stream as long as it needs."""
    make, batch = partial(made, name), EventBatch.from_events(stream(length(name)), Schema())
    learner = contract.any_cut_gives_the_same_bits(make, batch)
    contract.asking_changes_nothing(make, batch)
    contract.a_clone_starts_afresh(make, batch)
    contract.every_known_label_is_scored_or_those_asked_for(make, batch)
    assert len(learner.predict(batch).indices)  # it did predict something


@pytest.mark.parametrize("name", NAMES)
def test_rivers_face_gives_the_same(name):
    batch = EventBatch.from_events(stream(24), Schema())
    contract.rivers_face_gives_the_same(partial(made, name), batch)


@pytest.mark.parametrize("name", NAMES)
def test_names_come_back_as_they_came(name):
    contract.names_come_back_as_they_came(partial(made, name))


PUBLIC = {
    "BR+NB": set(),
    "BR+HT": set(),
    "iSOUPT": {"memory_is_bounded"},  # river's splitter keeps every value until a split
    "MLHT": set(),
    "MLHTPS": set(),
    # Vowpal Wabbit's own files do not hold all; and the memory check measures what can be saved
    "VW plt": {"snapshot_equals_no_snapshot", "memory_is_bounded"},
}


@pytest.mark.parametrize(("name", "cannot"), PUBLIC.items())
def test_the_public_checks_pass_but_for_what_is_known(name, cannot):
    found = checks.check(made(name))
    assert {result.name for result in found.results if not result.passed} == cannot


SLOW = ("BR+AMF", "BR+ARF", "BR+SGT")  # in tests/recovery they go on after a shorter stream
OTHERS = [n for n in NAMES if n.startswith(("BR", "ML")) and n not in PUBLIC and n not in SLOW]


@pytest.mark.parametrize("name", OTHERS)
def test_a_snapshot_equals_no_snapshot(name):
    found = checks.report.run(checks.snapshot_equals_no_snapshot, made(name))
    assert found.passed, found


def test_a_learner_that_is_not_there_is_named_with_what_there_is():
    with pytest.raises(ConfigError, match="There is no learner 'none': use one of streamml"):
        build("none")


def test_a_missing_package_names_the_line_that_installs_it(monkeypatch):
    from experiments.bench.learners import LearnerRow

    row = LearnerRow("far", "nowhere:Learner", needs="not_a_package")
    monkeypatch.setitem(learners(), "far", row)
    with pytest.raises(MissingDependencyError, match=re.escape(install_hint("bench"))):
        build("far")
