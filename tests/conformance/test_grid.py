"""One grid: every preset and rule, every member and tree, on every kind of input.

What a learner promises whatever it learns is tested here and nowhere else; the public checks
(test_checks) ask the same of a stream of their own, and more.
"""

from __future__ import annotations

import pytest

from streamml import IHOMER
from streamml.baselines import MLHAT, MajorityLabelSet, NoChange
from streamml.hierarchy import RULES
from streamml.nodes import MEMBERS, PRESETS
from tests.conformance import contract

N, REGROUP = 400, 200  # events of a case, and where labels are grouped anew
ODAC = 720, 1300  # the paper's rule takes longer to be sure: the first 700 in the same groups

RULED = {
    f"{preset} {rule}": lambda preset=preset, rule=rule: IHOMER(
        preset, rule=rule, n_min=50, drift_delta=0.002, window=128
    )
    for preset in PRESETS
    for rule in RULES
}
OTHERS = {
    **{
        member: lambda member=member: IHOMER(members=(member, "constant"), window=128)
        for member in MEMBERS
    },
    "positive-only": lambda: IHOMER("fast", positive_only=True),
    "positive-only, 0.5": lambda: IHOMER("fast", positive_only=0.5),
    "MLHAT": lambda: MLHAT(grace_period=50, delta=0.3),
    "MLHAT bootstrap": lambda: MLHAT(grace_period=40, delta=0.3, bootstrap=True),
    "no-change": NoChange,
    "majority": MajorityLabelSet,
}


def grid(learners):
    return pytest.mark.parametrize(
        ("make", "kind"),
        [
            pytest.param(make, kind, id=f"{name}, {kind}")
            for name, make in learners.items()
            for kind in contract.KINDS
        ],
    )


one_of_each = grid({k: make for k, make in RULED.items() if k.endswith("evidence")} | OTHERS)


@grid(RULED | OTHERS)
def test_any_cut_gives_the_same_bits(make, kind):
    rule = getattr(make(), "rule", "one")
    lengths = ODAC if rule == "odac" else (N, REGROUP)
    learner = contract.any_cut_gives_the_same_bits(make, contract.batch_of(kind, *lengths))
    if isinstance(learner, MLHAT) or (rule != "one" and learner.n_min == 50):
        assert learner.changes, "nothing made it restructure"


@pytest.mark.parametrize(
    ("name", "kind", "n", "kinds"),
    [
        ("fast evidence", "partial", 2000, {"split", "merge", "rebuild", "drift", "swap"}),
        ("fast evidence", "dense", 3000, {"warning", "prune"}),
        ("fast odac", "dense", 3000, {"split", "merge"}),
        ("MLHAT", "dense", 3000, {"split", "warning", "drift"}),
    ],
)
def test_any_cut_gives_the_same_bits_through_every_kind_of_change(name, kind, n, kinds):
    batch = contract.batch_of(kind, n, n // 2)
    learner = contract.any_cut_gives_the_same_bits((RULED | OTHERS)[name], batch)
    assert {change.kind for change in learner.changes} >= kinds


@one_of_each
def test_asking_changes_nothing(make, kind):
    contract.asking_changes_nothing(make, contract.batch_of(kind, N, REGROUP))


@one_of_each
def test_a_clone_starts_afresh_and_the_same_seed_gives_the_same_bits(make, kind):
    contract.a_clone_starts_afresh(make, contract.batch_of(kind, N, REGROUP))


@one_of_each
def test_every_known_label_is_scored_or_those_asked_for(make, kind):
    contract.every_known_label_is_scored_or_those_asked_for(
        make, contract.batch_of(kind, N, REGROUP)
    )


@one_of_each
def test_rivers_face_gives_the_same(make, kind):
    contract.rivers_face_gives_the_same(make, contract.batch_of(kind, N // 2, REGROUP // 2))


@pytest.mark.parametrize("name", RULED | OTHERS)
def test_names_come_back_as_they_came(name):
    contract.names_come_back_as_they_came((RULED | OTHERS)[name])
