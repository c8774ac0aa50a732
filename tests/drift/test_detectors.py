"""Every detector: river's alarms, few false ones, prompt true ones, and an exact snapshot."""

import math

import numpy as np
import pytest
from river import drift as river
from river.drift import binary

from streamml.drift import DETECTORS, make_detector
from streamml.errors import ConfigError, ContractError

NAMES = list(DETECTORS)


def up_and_down(seed, n=3000):
    """Bernoulli values for odd seeds, real ones for even; the level rises, then falls."""
    rng = np.random.default_rng(seed)
    level = np.where(np.arange(n) * 3 // n == 1, 0.7, rng.uniform(0.1, 0.3))
    values = rng.random(n) < level if seed % 2 else np.clip(rng.normal(level, 0.2), 0, 1)
    return values.astype(float).tolist()


def bernoulli(seed, p, n):
    return (np.random.default_rng(seed).random(n) < p).astype(float).tolist()


def alarms(detector, values):
    return [t for t, value in enumerate(values) if detector.update(value)]


def river_alarms(detector, values):
    found = []
    for t, value in enumerate(values):
        detector.update(value)
        if detector.drift_detected:
            found.append(t)
    return found


PAIRS = [
    (make_detector("page-hinkley"), river.PageHinkley(threshold=25, delta=0.05)),
    (
        make_detector("page-hinkley", threshold=5.0, warning_threshold=1.0, both=False),
        river.PageHinkley(threshold=5.0, delta=0.05, mode="up"),
    ),
    (make_detector("hddm-w"), binary.HDDMW(1e-5, 1e-3, 0.02)),
    (
        make_detector(
            "hddm-w", drift_confidence=0.001, warning_confidence=0.005, weight=0.05, both=True
        ),
        binary.HDDMW(two_sided_test=True),
    ),
]


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize(("ours", "theirs"), PAIRS, ids=[repr(ours) for ours, _ in PAIRS])
def test_alarms_are_those_of_river(ours, theirs, seed):
    values = up_and_down(seed)
    found = alarms(ours.clone(), values)
    assert found == river_alarms(theirs.clone(), values)
    assert found


@pytest.mark.parametrize(
    ("seed", "alpha", "window", "stat"),
    [(1, 0.005, 100, 30), (2, 0.005, 100, 30), (3, 1e-4, 300, 100)],
)
def test_kswin_alarms_are_those_of_river(seed, alpha, window, stat):
    values = up_and_down(seed, n=1500)
    ours = make_detector("kswin", alpha=alpha, window_size=window, stat_size=stat, seed=7)
    theirs = river.KSWIN(alpha=alpha, window_size=window, stat_size=stat, seed=7)
    found = alarms(ours, values)
    assert found == river_alarms(theirs, values)
    assert found


def test_hddm_w_warns_where_river_warns():
    ours, theirs = make_detector("hddm-w"), binary.HDDMW(1e-5, 1e-3, 0.02)
    warned = 0
    for value in bernoulli(1, 0.1, 1000) + bernoulli(2, 0.3, 1000):
        ours.update(value)
        theirs.update(value)
        assert ours.warning == (theirs.warning_detected or theirs.drift_detected)
        warned += ours.warning
    assert warned > 1


@pytest.mark.parametrize("name", NAMES)
def test_at_most_one_false_alarm_in_10_000_events(name):
    seeds = 1 if name == "kswin" else 6
    found = [
        len(alarms(make_detector(name), bernoulli(seed, p, 10_000)))
        for p in (0.05, 0.2, 0.5)
        for seed in range(seeds)
    ]
    assert np.mean(found) <= 1


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("seed", range(4))
def test_a_jump_is_found_soon_and_warned_of_no_later(name, seed):
    detector = make_detector(name)
    assert not alarms(detector, bernoulli(seed, 0.1, 2000))
    warned = found = None
    for t, value in enumerate(bernoulli(100 + seed, 0.4, 400)):
        detector.update(value)
        if warned is None and detector.warning:
            warned = t
        if detector.drift:
            found = t
            break
    assert found is not None
    assert warned <= found


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("at", [0, 5, 1000, 1533])
def test_a_snapshot_changes_nothing(name, at):
    values = bernoulli(3, 0.1, 1500) + bernoulli(4, 0.5, 900)
    whole, part = make_detector(name), make_detector(name)
    before = alarms(part, values[:at])
    again = part.clone()
    again.restore(part.snapshot())
    part.reset()  # the snapshot holds copies
    rest = [at + t for t in alarms(again, values[at:])]
    assert before + rest == alarms(whole, values) != []
    assert (again.estimation, again.warning, again.drift) == (
        whole.estimation,
        whole.warning,
        whole.drift,
    )
    assert repr(again.snapshot()) == repr(whole.snapshot())


@pytest.mark.parametrize("name", NAMES)
def test_a_clone_has_seen_nothing_and_a_reset_forgets(name):
    detector = make_detector(name)
    assert detector.estimation == 0.0
    alarms(detector, bernoulli(1, 0.5, 700))
    assert detector.estimation == pytest.approx(0.5, abs=0.15)
    fresh = repr(make_detector(name).snapshot())
    assert repr(detector.clone().snapshot()) == fresh
    detector.reset()
    assert repr(detector.snapshot()) == fresh


@pytest.mark.parametrize("name", NAMES)
def test_a_foreign_snapshot_is_refused(name):
    other = make_detector("adwin", delta=0.01) if name == "adwin" else make_detector("adwin")
    with pytest.raises(ContractError, match="snapshot"):
        make_detector(name).restore(other.snapshot())


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_value_that_is_no_number_is_refused_and_changes_nothing(name, value):
    detector = make_detector(name)
    detector.update(0.5)
    before = repr(detector.snapshot())
    with pytest.raises(ContractError, match="finite"):
        detector.update(value)
    assert repr(detector.snapshot()) == before


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("adwin", {"warning_delta": 0.001}),
        ("adwin", {"sigma": 1}),
        ("page-hinkley", {"threshold": 0.0}),
        ("page-hinkley", {"warning_threshold": 60.0}),
        ("page-hinkley", {"alpha": 1.5}),
        ("hddm-w", {"drift_confidence": 0.0}),
        ("hddm-w", {"weight": 1.0}),
        ("kswin", {"alpha": 0.5}),
        ("kswin", {"stat_size": 400}),
        ("cusum", {}),
    ],
)
def test_bad_parameters_are_refused(name, wrong):
    with pytest.raises(ConfigError):
        make_detector(name, **wrong)
