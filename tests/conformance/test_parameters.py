"""Every parameter of every learner says what it may be, and refuses all else in one sentence."""

import copy
from fractions import Fraction
from typing import ClassVar

import numpy as np
import pytest
from river.naive_bayes import GaussianNB

from streamml import IHOMER, baselines, state
from streamml.base import Learner
from streamml.drift.registry import DETECTORS
from streamml.embed.fourier import RandomFourierFeatures
from streamml.embed.hashing import HashedWords
from streamml.embed.projection import SparseProjection
from streamml.errors import ConfigError, StateError
from streamml.ihomer.loop import run_events
from streamml.state.learners import describe, restore_learner
from streamml.state.parameters import (
    Flag,
    FlagOr,
    Instance,
    ListOf,
    OneOf,
    OrNone,
    Real,
    Size,
    Whole,
    constraints_of,
    parameter_names,
)


def is_learner(found):
    return isinstance(found, type) and issubclass(found, Learner)


NEEDED = {"model": GaussianNB(), "dimensions": 8}  # where there is no default
MULTI_LABEL = {"model": baselines.NoChange()}
OTHERS = [*DETECTORS.values(), RandomFourierFeatures, SparseProjection, HashedWords]
CLASSES = [
    IHOMER,
    *(
        kind
        for kind in (getattr(baselines, name) for name in baselines.__all__)
        if is_learner(kind)
    ),
    baselines.LogisticLeaf,
    *OTHERS,
]
SLOTS = [(kind, name) for kind in CLASSES for name in parameter_names(kind)]
SAVED = [
    kind
    for kind in CLASSES
    if getattr(kind, "_from_files", False) and kind is not baselines.RiverMultiLabel
]
"""Learners that a file makes; what a model of river for many labels holds, no file keeps."""

ODD = [
    None, "a", "", "0.5 -p file -f file", b"1", [], {}, set(), object(), int, 1j, Fraction(-1, 3),
    float("nan"), float("inf"), -float("inf"), np.float64("nan"), np.zeros(2), -1e300, 10**5000,
]  # fmt: skip
"""Wrong for numbers, truth values, names and objects alike, but for None where that is said."""


def made(kind, **parameters):
    given = MULTI_LABEL if kind is baselines.RiverMultiLabel else NEEDED
    needed = {name: given[name] for name in parameter_names(kind) if name in given}
    return kind(**{**needed, **parameters})


def wrong_for(constraint):
    """Values of every wrong kind: other types, below, above, not a number, nothing."""
    match constraint:
        case Whole(low, high, step):
            return [*ODD, True, np.True_, low + 0.5, low - step, high + step, low + step / 2]
        case Real(low, high, closed):
            ends = [low] if closed in ("right", "neither") else []
            ends += [high] if closed in ("left", "neither") else []
            return [*ODD, True, low - 1, high * (1 + 1e-9) + 1e-9, *ends]
        case Flag():
            return [*ODD, 0, 1, 0.0, "true"]
        case OneOf():
            return [*ODD, 0, True, constraint.choices, constraint.choices[0].upper()]
        case Size():
            odd = [value for value in ODD if not isinstance(value, int)]
            return [*odd, True, 0, -1, 1.5, "0MB", "-1MB", "12XB", "1.2.3MB", 10**30, "9" * 39]
        case FlagOr(other):
            return [value for value in wrong_for(other) if not isinstance(value, bool)]
        case OrNone(other):
            return [value for value in wrong_for(other) if value is not None]
        case ListOf(each, least, most):
            good = [value for value in ODD if not (isinstance(value, list) and not least)]
            return [*good, 3, [each], [None], "linear", [[]], [0] * (most + 1)]
        case Instance():
            return [*ODD, 0, True, GaussianNB, Learner]
    raise AssertionError(f"Say what is wrong for {constraint}.")


@pytest.mark.parametrize("kind", CLASSES)
def test_every_parameter_is_declared(kind):
    assert set(constraints_of(kind)) == set(parameter_names(kind))


@pytest.mark.parametrize(("kind", "name"), SLOTS, ids=lambda part: getattr(part, "__name__", part))
def test_wrong_values_are_refused_by_name_of_parameter_and_learner(kind, name):
    values = wrong_for(constraints_of(kind)[name])
    assert len(values) > 15
    for value in values:
        with pytest.raises(ConfigError) as refused:
            made(kind, **{name: value})
        said = str(refused.value)
        assert said.startswith(f"{name} of {kind.__name__} must be ")
        assert said.endswith(".")
        assert len(said) < 330
        assert "\n" not in said


TOGETHER = {  # parameters of which one bounds the other
    ("MLBELS", "n1"): {"n2": 1},
    ("ADWIN", "delta"): {"warning_delta": 0.5},
    ("KSWIN", "window_size"): {"stat_size": 1},
    ("KSWIN", "stat_size"): {"window_size": 1_000_000},
    ("PageHinkley", "warning_threshold"): {"threshold": 1e12},
}


def bounds_of(constraint):
    match constraint:
        case Whole(low, high, _):
            return [low, high]
        case Real(low, high, closed):
            return [low] * (closed in ("both", "left")) + [high] * (closed in ("both", "right"))
        case FlagOr(other):
            return [True, False, *bounds_of(other)]
        case OrNone(other):
            return [None, *bounds_of(other)]
        case OneOf():
            return constraint.choices
    return []


@pytest.mark.parametrize(("kind", "name"), SLOTS, ids=lambda part: getattr(part, "__name__", part))
def test_what_lies_at_a_bound_is_taken(kind, name):
    """So no bound promises what the learner cannot make; room is made as events come."""
    others = TOGETHER.get((kind.__name__, name), {})
    for value in bounds_of(constraints_of(kind)[name]):
        assert getattr(made(kind, **{name: value}, **others), name) == value


def test_a_product_has_a_bound_too():
    with pytest.raises(
        ConfigError, match=r"n1 \* n2 \+ n3 of MLBELS must be at most 4000, not 5001"
    ):
        baselines.MLBELS(n1=500, n2=10)


@pytest.mark.parametrize("kind", CLASSES)
def test_numbers_of_numpy_are_numbers(kind):
    learner = made(kind)
    for name in parameter_names(kind):
        value = getattr(learner, name)
        if isinstance(value, bool | int | float):
            for given in (np.asarray(value)[()], type(value)(value)):
                again = made(kind, **{name: given})
                assert type(getattr(again, name)) is type(value)
                assert getattr(again, name) == value


@pytest.mark.parametrize(
    "kind", [kind for kind in CLASSES if parameter_names(kind) and hasattr(kind, "clone")]
)
def test_a_clone_is_checked(kind):
    learner = made(kind)
    name = parameter_names(kind)[-1]
    setattr(learner, name, "0.5 -p file")
    with pytest.raises(ConfigError, match=f"^{name} of {kind.__name__} must be "):
        learner.clone()


@pytest.mark.parametrize("kind", SAVED)
def test_a_file_is_checked(kind, tmp_path):
    described = describe(made(kind))
    for name in described["parameters"]:
        crafted = copy.deepcopy(described)
        crafted["parameters"][name] = [float("nan")]
        state.write(tmp_path / "s", crafted, kind="learner")
        with pytest.raises(StateError, match=f"refuses the saved .*: {name} of {kind.__name__}"):
            state.load(tmp_path / "s")


class Mine(Learner):
    """One of a user's that declares nothing."""

    def __init__(self, n="anything"):
        self.n = n

    predict = learn = lambda *_: None


class Declared(Mine):
    """One of a user's that declares, and forgets to check."""

    _constraints: ClassVar = {"n": Whole(1, 9)}


def test_learners_of_others_declare_what_they_like():
    assert Mine(float("nan")).clone().n is not None
    with pytest.raises(StateError, match="n of Declared must be a whole number"):
        restore_learner({"class": "Declared", "parameters": {"n": 10}, "state": {}}, [Declared])


@pytest.mark.parametrize(
    ("parameters", "same"),
    [
        ({"preset": "fast", "lean": 1, "drift_delta": 0}, {"lean": 1.0, "drift_delta": 0.0}),
        ({"preset": "fast", "lean": np.float32(0.5), "n_min": np.int16(9)}, {"lean": 0.5}),
    ],
)
def test_another_kind_of_number_compiles_nothing(parameters, same):
    """Which would take a minute, or be done for whoever sends a file."""
    IHOMER("fast").learn_one({"f": 1.0}, {"a"})
    before = len(run_events.signatures)
    learner = IHOMER(**parameters)
    learner.learn_one({"f": 1.0}, {"a"})
    assert len(run_events.signatures) == before
    assert {name: getattr(learner, name) for name in same} == same
