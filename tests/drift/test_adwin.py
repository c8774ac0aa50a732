"""ADWIN raises the alarms that river's raises, and few where nothing changes."""

import numpy as np
import pytest
from river import drift as river_drift

from streamml.drift import ADWIN
from streamml.errors import ConfigError


def stream(seed):
    rng = np.random.default_rng(seed)
    level = np.where(np.arange(4000) < rng.integers(500, 3500), rng.random(), rng.random())
    return (rng.random(4000) < level) if seed % 2 else np.clip(rng.normal(level, 0.2), 0, 1)


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("delta", [0.05, 0.002, 1e-4])
def test_adwin_raises_the_alarms_of_river(seed, delta):
    ours, river = ADWIN(delta), river_drift.ADWIN(delta=delta)
    alarms, expected = [], []
    for t, value in enumerate(stream(seed).astype(float)):
        river.update(value)
        if river.drift_detected:
            expected.append(t)
        if ours.update(value):
            alarms.append(t)
        assert ours.width == river.width
    assert alarms == expected
    assert ours.estimation == pytest.approx(river.estimation)


def test_adwin_keeps_what_follows_the_change():
    detector = ADWIN(start_over=False)
    alarms = [t for t in range(1600) if detector.update(float(t >= 1500))]
    assert alarms
    assert alarms[0] < 1550
    assert detector.estimation > 0.5
    assert detector.mean_before < detector.estimation


def test_adwin_is_quiet_on_a_stationary_stream():
    rng = np.random.default_rng(1)
    alarms = 0
    for _ in range(10):
        detector = ADWIN(1e-4)
        alarms += sum(detector.update(float(v)) for v in rng.random(10_000) < 0.2)
    assert alarms <= 10  # at most 1 in 10,000 events


@pytest.mark.parametrize("delta", [0.0, 1.0, -1.0])
def test_a_confidence_outside_its_range_is_refused(delta):
    with pytest.raises(ConfigError, match="delta of ADWIN must be a number"):
        ADWIN(delta)
