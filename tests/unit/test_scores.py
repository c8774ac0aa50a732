"""Scores of a few counts, worked out by hand."""

import math

import numpy as np
import pytest

from streamml.metrics._kernels import EVENTS, EXACT, F1, FULL, KNOWN, ONE, PRECISION, RECALL
from streamml.metrics.scores import Scores, label_scores, scores

CELLS = 1 + max(EVENTS, EXACT, FULL, KNOWN, F1 + 1, PRECISION + 1, RECALL + 1)


def totals(**values):
    out = np.zeros(CELLS, np.int64)
    cells = {"events": EVENTS, "exact": EXACT, "full": FULL, "known": KNOWN, "f1": F1,
             "precision": PRECISION, "recall": RECALL}  # fmt: skip
    for name, value in values.items():
        out[cells[name]] = value
    return out


def test_nothing_scored_is_no_number():
    found = scores(np.zeros((2, 3), np.int64), totals())
    assert len(found.as_dict()) == 11
    assert all(map(math.isnan, found.as_dict().values()))


def test_a_single_true_label_counts_in_full():
    found = scores(np.array([[1, 0, 0]]), totals(events=1, exact=1, full=1, f1=1, precision=1,
                                                 recall=1))  # fmt: skip
    assert found == Scores(1, 0, *[1.0] * 9)


def test_each_score_is_read_off_its_own_counts():
    counts = np.array([[3, 1, 2], [0, 4, 0], [1, 0, 0]])  # true and false positives, misses
    found = scores(counts, totals(events=8, exact=2, full=5, known=9, precision=3, recall=4, f1=2))
    assert found.exact_match == 2 / 8
    assert found.hamming_loss == 7 / (5 * 3 + 9)
    assert found.micro_precision == 4 / 9
    assert found.micro_recall == 4 / 6
    assert found.micro_f1 == 8 / 15
    assert found.macro_precision == pytest.approx((3 / 4 + 0 + 1) / 3)
    assert found.macro_recall == pytest.approx((3 / 5 + 0 + 1) / 3)
    assert found.macro_f1 == pytest.approx((6 / 9 + 0 + 1) / 3)
    assert found.example_precision == 3 / 8
    assert found.example_recall == 4 / 8
    assert found.example_f1 == 2 / 8


def test_parts_of_an_event_are_counted_in_their_unit():
    cells = totals(events=2, f1=1)
    cells[F1 + 1] = ONE // 2
    assert scores(np.zeros((1, 3), np.int64), cells).example_f1 == 0.75


def test_without_labels_and_counts_all_but_the_events_is_0():
    found = scores(np.zeros((0, 3), np.int64), totals(events=3, exact=3))
    assert found == Scores(1.0, *[0.0] * 10)


def test_each_label_has_its_own_scores_and_0_where_undefined():
    found = label_scores(np.array([[1, 1, 2], [0, 0, 0], [0, 0, 1], [0, 1, 0], [1, 0, 0]]))
    assert found.support.tolist() == [3, 0, 1, 0, 1]
    assert found.precision.tolist() == [0.5, 0, 0, 0, 1]
    assert found.recall.tolist() == [1 / 3, 0, 0, 0, 1]
    assert found.f1.tolist() == [0.4, 0, 0, 0, 1]
