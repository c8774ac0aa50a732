"""Texts on the screen: lengths, cuts, counts."""

from __future__ import annotations

import io
from dataclasses import replace
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
from streamml.types import Change, DeadLetter, Event
from streamml.types.printable import printable

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


STEERING = "".join(map(chr, [*range(32), *range(0x7F, 0xA0), 0x2028, 0x2029, 0x202E, 0x2066]))


@given(st.text() | st.text(STEERING + "ab"))
def test_what_is_shown_steers_no_terminal_and_loses_nothing(text):
    shown = printable(text)
    assert not set(shown) & set(STEERING)
    assert len(shown.splitlines()) <= 1
    if "\\" not in text:
        assert shown.encode("ascii", "backslashreplace").decode("unicode_escape") == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mred", r"\x1b[31mred"),
        ("a\nb\tc\r", r"a\nb\tc\r"),
        ("\x9b2J", r"\x9b2J"),
        ("\u202edlrow", r"\u202edlrow"),
        ("\ud800", r"\ud800"),
        ("Grüße 日本 👩‍👩‍👧 a\u00a0b", "Grüße 日本 👩‍👩‍👧 a\u00a0b"),
    ],
)
def test_controls_are_shown_and_words_are_left_alone(text, shown):
    assert printable(text) == shown


def test_names_of_a_stream_reach_no_screen_raw():
    names = ["\x1b[31mred", "a\nb", "\x9b2J"]
    texts = [
        words.label_names(range(3), names, 80),
        words.group_names([(0, 1), (2,)], names, 80),
        words.change_text(Change("split", "global", 5, ((0, 1), (2,))), names, 80),
        words.letter_text(DeadLetter("malformed", names[0], names[1])),
    ]
    source = EventSource([Event(0, 0.0, {"f": 1.0}, frozenset(names))])
    result = Service(source, Deep(), name="deep").run()
    letters = {"malformed": DeadLetter("malformed", "\x1b]0;title\x07", "line 1")}
    result = replace(result, first_letters=letters, progress=replace(
        result.progress, dead_letters={"malformed": 1}))  # fmt: skip
    out = io.StringIO()
    report = RunReport("\x1b[2Jfile", "natural", Deep(), "deep", result, names * 20, 0.5, 100.0)
    print_report(report, Console(file=out, width=100))
    texts += out.getvalue().split("\n")
    assert not any(set(text) & set(STEERING) for text in texts)
    assert r"\x1b[2Jfile" in out.getvalue()
    assert r"line 1: \x1b]0;title\x07" in out.getvalue()
