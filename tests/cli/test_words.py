"""Texts on the screen: lengths, cuts, counts."""

from __future__ import annotations

import io
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from streamml.baselines import NoChange
from streamml.cli import words
from streamml.cli.report import print_report
from streamml.cli.summary import RunReport
from streamml.service import Service
from streamml.testing import EventSource
from streamml.types import Change, Event

NAMES = [f"label_{i}" for i in range(60)]


@given(n=st.integers(1, 60), width=st.integers(10, 200))
def test_cut_names_fit_and_none_is_forgotten(n, width):
    text = words.label_names(range(n), NAMES, width)
    shown = [part for part in text.split(", ") if part in NAMES]
    assert len(text) <= width
    if "…" not in text:
        assert len(shown) == n
    elif shown:
        assert len(shown) + int(text.rpartition("+")[2]) == n


@given(sizes=st.lists(st.integers(1, 15), min_size=1, max_size=4), width=st.integers(60, 200))
def test_changes_fit_in_their_line(sizes, width):
    ends = np.cumsum([0, *sizes])
    groups = tuple(tuple(range(a, b)) for a, b in pairwise(ends))
    text = words.change_text(Change("split", "global", 12_345, groups), NAMES, width)
    assert text.startswith("split at 12,345: ")
    assert len(text) <= width


def test_short_groups_are_shown_before_long_ones():
    groups = (tuple(range(30)), (58, 59))
    assert words.group_names(groups, NAMES, 40).endswith("| label_58, label_59")


def test_a_change_without_labels_has_a_line():
    assert words.change_text(Change("rebuild", "global", 5, ()), NAMES, 80) == "rebuild at 5"


@pytest.mark.parametrize(
    ("positions", "shown"),
    [([], []), ([7], ["7"]), ([7, 8, 1000], ["7 to 8 (2)", "1,000"])],
)
def test_crowds_are_told_together(positions, shown):
    assert words.places(positions, 500) == shown


class Deep(NoChange):
    """A label tree of many clusters and many changes."""

    changes = tuple(Change("split", "global", i, ((i,), (i + 1,))) for i in range(20)) + tuple(
        Change("drift", "local", 1_000 * i, ((0,),)) for i in range(20)
    )

    def label_tree(self):
        node = ((0,), ())
        for i in range(1, 50):
            node = (tuple(range(i + 1)), (node, ((i,), ())))
        return node


@pytest.mark.parametrize("width", [40, 80, 120, 200])
def test_the_report_fits_its_console(width):
    source = EventSource([Event(i, 0.0, {"f": 1.0}, frozenset(NAMES[:50])) for i in range(3)])
    learner = Deep()
    result = Service(source, learner, name="deep").run()
    out = io.StringIO()
    report = RunReport("[a] file", "natural", learner, "deep", result, NAMES, 0.5, 100.0)
    print_report(report, Console(file=out, width=width))
    text = out.getvalue()
    assert max(len(line) for line in text.splitlines()) <= width
    assert "[a] file" in text
    assert "… +20 clusters" in text
    assert "… 10 earlier" in text
    assert "20 drifts" in text
