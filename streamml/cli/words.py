"""Numbers, names and changes as people read them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from streamml.types import Change, DeadLetter
from streamml.types.printable import printable

__all__ = [
    "change_text",
    "count",
    "counts",
    "first_text",
    "group_names",
    "label_names",
    "letter_text",
    "places",
    "plural",
    "score",
    "seconds",
    "some",
]


def count(number: float) -> str:
    """Thousands with commas, no decimals.

    Examples
    --------
    >>> count(12345.6)
    '12,346'
    """
    return f"{number:,.0f}"


def plural(number: int, noun: str) -> str:
    """Number and noun.

    Examples
    --------
    >>> plural(1, "event"), plural(2000, "event")
    ('1 event', '2,000 events')
    """
    return f"{count(number)} {noun}" + ("" if number == 1 else "s")


def score(value: float) -> str:
    """Three decimals; a dash where there is none.

    Examples
    --------
    >>> score(0.51234), score(float("nan"))
    ('0.512', '-')
    """
    return "-" if math.isnan(value) else f"{value:.3f}"


def seconds(value: float) -> str:
    """Seconds with as many decimals as say something.

    Examples
    --------
    >>> seconds(0.0421), seconds(3.14159), seconds(125.0)
    ('0.04 s', '3.1 s', '125 s')
    """
    decimals = 2 if value < 1 else 1 if value < 100 else 0
    return f"{value:,.{decimals}f} s"


def counts(numbers: Mapping[str, int]) -> str:
    """``"3 malformed, 1 not_a_number"``, the most first.

    Examples
    --------
    >>> counts({"malformed": 3, "too_large": 1})
    '3 malformed, 1 too_large'
    """
    ordered = sorted(numbers.items(), key=lambda item: (-item[1], item[0]))
    return ", ".join(f"{count(n)} {name}" for name, n in ordered)


def label_names(columns: Sequence[int], names: Sequence[str], width: int) -> str:
    """Names with commas between them, at most ``width`` characters; what is left is counted.

    Examples
    --------
    >>> label_names([0, 1, 2], ["sea", "sun", "surf"], 20)
    'sea, sun, surf'
    >>> label_names([0, 1, 2], ["sea", "sun", "surf"], 12)
    'sea, … +2'
    """
    shown = ""
    for i, column in enumerate(columns):
        name = printable(names[column])
        longer = f"{shown}, {name}" if i else name
        left = len(columns) - i - 1
        if len(longer) + (len(f", … +{left}") if left else 0) > width:
            rest = f"… +{len(columns) - i}"
            return f"{shown}, {rest}" if i else f"{name[: max(width - 6, 1)]}{rest}"
        shown = longer
    return shown


def some(names: Sequence[str], most: int = 3) -> str:
    """The first few of many names.

    Examples
    --------
    >>> some(["a", "b"]), some(list("abcdef")), some([])
    ('a, b', 'a, b, c and 3 more', 'none at all')
    """
    shown = ", ".join(map(printable, names[:most])) or "none at all"
    return shown + (f" and {count(len(names) - most)} more" if len(names) > most else "")


def group_names(groups: Sequence[Sequence[int]], names: Sequence[str], width: int) -> str:
    """Groups of labels with bars between them, in about ``width`` characters.

    Short groups are shown in full before long ones are cut.

    Examples
    --------
    >>> group_names([(0, 1), (2,)], ["sea", "sun", "rain"], 60)
    'sea, sun | rain'
    """
    groups = [group for group in groups if len(group)]
    left, shown = width - 3 * (len(groups) - 1), [""] * len(groups)
    full = [len(label_names(group, names, width)) for group in groups]
    by_length = sorted(range(len(groups)), key=lambda k: full[k])
    for rank, k in enumerate(by_length):
        shown[k] = label_names(groups[k], names, max(left // (len(groups) - rank), 8))
        left -= len(shown[k])
    return " | ".join(shown)


def change_text(change: Change, names: Sequence[str], width: int) -> str:
    """A change in one line of at most ``width`` characters.

    Examples
    --------
    >>> change = Change("split", "global", 1200, ((0, 1), (2,)))
    >>> change_text(change, ["sea", "sun", "rain"], 60)
    'split at 1,200: sea, sun | rain'
    """
    head = f"{change.kind} at {count(change.position)}"
    groups = group_names(change.labels, names, width - len(head) - 2)
    line = f"{head}: {groups}" if groups else head
    return line if len(line) <= width else line[: max(width - 1, 1)] + "…"


def letter_text(letter: DeadLetter) -> str:
    """Where a dead letter stood, and what is wrong with it.

    Examples
    --------
    >>> letter_text(DeadLetter("malformed", "It is no JSON.", "line 3"))
    'line 3: It is no JSON.'
    """
    return printable(f"{letter.position}: {letter.detail}")


def first_text(letters: Mapping[str, DeadLetter]) -> str:
    """What stands behind their number, of the first one; nothing where there is none.

    Examples
    --------
    >>> first_text({"malformed": DeadLetter("malformed", "It is no JSON.", "line 3")})
    '; the first, line 3: It is no JSON.'
    """
    first = next(iter(letters.values()), None)
    return "" if first is None else f"; the first, {letter_text(first)}"


def places(positions: Sequence[int], crowd: int) -> list[str]:
    """Ascending positions, those less than ``crowd`` apart as one range with their number.

    Examples
    --------
    >>> places([10, 5000, 5100, 5100], 500)
    ['10', '5,000 to 5,100 (3)']
    """
    runs: list[list[int]] = []
    for position in positions:
        if runs and position - runs[-1][-1] < crowd:
            runs[-1].append(position)
        else:
            runs.append([position])
    return [
        count(run[0]) if len(run) == 1 else f"{count(run[0])} to {count(run[-1])} ({len(run)})"
        for run in runs
    ]
