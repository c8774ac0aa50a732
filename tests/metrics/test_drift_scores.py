"""Scores of alarms and recovery, and the experiment that prints them."""

from __future__ import annotations

import math

import numpy as np
import pytest
from click.testing import CliRunner

from streamml.errors import ConfigError, ContractError
from streamml.metrics import Prequential
from streamml.metrics.drift import event_counts, recovery, score_alarms, windowed_micro_f1
from streamml.streams import DemoStream, KnownDrift
from streamml.types import Predictions

SUDDEN = KnownDrift("sudden", 5_000, 5_000)
GRADUAL = KnownDrift("gradual", 8_000, 9_000)


def test_alarms_before_are_false_and_the_first_after_counts():
    found = score_alarms([SUDDEN, GRADUAL], [8_700, 4_999, 5_300, 5_900, 7_000], 20_000)
    assert found.delays == (300, 700)
    assert (found.missed, found.mean_delay) == (0, 500.0)
    assert found.false_alarms == 2  # 4,999 and 7,000
    assert found.quiet == 20_000 - 2_000 - 3_000
    assert found.false_per_10_000 == pytest.approx(2 / 1.5)


def test_reach_ends_at_the_next_drift():
    found = score_alarms([SUDDEN, GRADUAL], [8_100], 20_000, reach=5_000)
    assert found.delays == (None, 100)
    assert found.false_alarms == 0
    assert found.quiet == 20_000 - 3_000 - 6_000


def test_no_alarm_and_no_drift():
    assert math.isnan(score_alarms([SUDDEN], [], 6_000).mean_delay)
    assert score_alarms([], [3, 4], 20_000).false_per_10_000 == 1.0
    assert score_alarms([SUDDEN], [5_001], 5_000).delays == ()


def test_drifts_out_of_order_are_refused():
    with pytest.raises(ConfigError, match="in order"):
        score_alarms([GRADUAL, SUDDEN], [], 20_000)


def counts(*parts: tuple[int, tuple[int, int, int]]) -> np.ndarray:
    return np.concatenate([np.tile(row, (n, 1)) for n, row in parts])


RIGHT, HALF, WRONG = (1, 1, 1), (1, 2, 2), (0, 1, 1)


def test_recovery_asks_for_a_window_wholly_after_the_drift():
    at_once = recovery([SUDDEN], counts((7_000, RIGHT)))[0]
    assert (at_once.events, at_once.before, at_once.after, at_once.late) == (500, 1, 1, 1)
    later = recovery([SUDDEN], counts((5_000, RIGHT), (600, WRONG), (2_000, RIGHT)))[0]
    assert later.events == 600 + 475  # 475 of 500 right
    assert later.after == 0.4
    never = recovery([SUDDEN], counts((5_000, RIGHT), (3_000, HALF)))[0]
    assert never.events is None
    assert never.late == 0.5


def test_recovery_ends_at_the_next_drift_and_starts_at_the_end_of_a_wide_one():
    rows = counts((5_000, RIGHT), (4_000, HALF), (3_000, RIGHT))
    first, second = recovery([SUDDEN, GRADUAL], rows)
    assert first.events is None
    assert (second.before, second.after, second.events) == (0.5, 1.0, 500)


def test_recovery_near_the_end_is_not_invented():
    found = recovery([SUDDEN], counts((5_100, RIGHT)))[0]
    assert (found.after, found.events) == (1.0, None)


@pytest.mark.parametrize("wrong", [{"window": 0}, {"span": 0}, {"share": 1.1}])
def test_bad_parameters_are_refused(wrong):
    with pytest.raises(ConfigError):
        recovery([SUDDEN], counts((6_000, RIGHT)), **wrong)


def test_counts_and_windows_agree_with_the_prequential_metrics():
    batch = DemoStream(seed=1).next_batch(700)
    rng = np.random.default_rng(1)
    said = [np.flatnonzero(rng.random(12) < 0.2).astype(np.int32) for _ in range(len(batch))]
    predictions = Predictions(
        np.cumsum([0, *map(len, said)]).astype(np.int64), np.concatenate(said)
    )
    metrics = Prequential(window=300)
    metrics.update(batch, predictions)
    curve = windowed_micro_f1(event_counts(batch, predictions), 300)
    assert curve[-1] == pytest.approx(metrics.windowed().micro_f1)
    whole = windowed_micro_f1(event_counts(batch, predictions), 700)
    assert whole[-1] == pytest.approx(metrics.cumulative().micro_f1)
    with pytest.raises(ContractError, match="one an event"):
        event_counts(batch.slice(0, 5), predictions)


def test_the_experiment_prints_and_draws(tmp_path):
    from experiments.drift.command import main

    plot, table = tmp_path / "curves.svg", tmp_path / "figures.csv"
    done = CliRunner().invoke(main, ["--quick", "--plot", str(plot), "--csv", str(table)])
    assert done.exit_code == 0, done.output
    assert "hyperplane 8 sudden" in done.output
    assert "always-fire" in done.output
    assert "of 4 sudden drifts" in done.output
    assert "<svg" in plot.read_text()
    lines = table.read_text().splitlines()
    assert len(lines) == 1 + 2 * 4 * 2  # streams, learners, drifts
    assert CliRunner().invoke(main, ["--only", "nothing such"]).exit_code == 2
