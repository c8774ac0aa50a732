"""The end of a run, for people: scores, time, memory, label tree, changes."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from rich import box
from rich.markup import escape
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from streamml.cli import words
from streamml.metrics import LOWER_IS_BETTER, TITLES
from streamml.service import STRUCTURE_CHANGES
from streamml.types.printable import printable

if TYPE_CHECKING:
    from rich.console import Console

    from streamml.base import LabelNode
    from streamml.cli.summary import RunReport
    from streamml.metrics import Prequential, Scores
    from streamml.service import Progress, Result
    from streamml.types import DeadLetter

__all__ = ["print_report"]

_CHANGES: Final = 10  # shown at most
_CLUSTERS: Final = 30
_LABELS: Final = 30
_CROWD: Final = 500  # drifts less than so many events apart are told together
_PLACES: Final = 10
_NARROW: Final = 90  # columns


def print_report(report: RunReport, console: Console) -> None:
    """Print all of it; adapts to the width of the console."""
    progress = report.result.progress
    console.print()
    console.print(_headline(report))
    console.print()
    if not report.result.unusable:
        console.print(_scores(report.result.metrics, progress, console.width))
        console.print()
    if report.per_label:
        console.print(_label_scores(report))
        console.print()
    console.print(_facts(report))
    console.print()
    tree = report.learner.label_tree()
    if tree is not None and tree[0]:
        console.print(_label_tree(tree, report.names, console.width))
    _print_changes(report, console)


def _headline(report: RunReport) -> Text:
    progress = report.result.progress
    stopped = ", stopped" if report.result.stopped else ""
    text = Text()
    text.append(printable(report.source), "bold")
    text.append(
        f" ({report.order} order{stopped}): {words.plural(progress.events, 'event')}, "
        f"{words.plural(progress.features, 'feature')}, {words.plural(progress.labels, 'label')}; "
        f"{report.learner_name}"
    )
    settings = [
        f"{name}={getattr(report.learner, name)}"
        for name in inspect.signature(type(report.learner)).parameters
        if hasattr(report.learner, name)
    ]
    text.append(f" ({printable(', '.join(settings))})" if settings else "")
    return text


def _scores(metrics: Mapping[str, Prequential], progress: Progress, width: int) -> Table:
    """One row a score; the learners over all events, then over the window."""
    gap = 1 if width > _NARROW else 0
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 0, 0, gap))
    table.add_column("", no_wrap=True)
    columns: list[list[Scores]] = []
    for title, scores in (
        ("all", [m.cumulative() for m in metrics.values()]),
        (f"last {words.count(progress.window_events)}", [m.windowed() for m in metrics.values()]),
    ):
        columns.append(scores)
        for name in metrics:
            table.add_column(f"{name}\n{title}", justify="right", overflow="fold")
    for label, field in _rows():
        cells = [cell for scores in columns for cell in _cells(scores, field)]
        style = "dim" if label.startswith(" ") else ""
        table.add_row(label, *cells, style=style)
    return table


def _rows() -> Iterator[tuple[str, str]]:
    """Title and field of each row: below an F1 its precision and recall."""
    for field, title in TITLES.items():
        yield title, field
        kind = field.removesuffix("_f1")
        if kind != field:
            yield "  precision", f"{kind}_precision"
            yield "  recall", f"{kind}_recall"


def _cells(scores: Sequence[Scores], field: str) -> list[str]:
    """The scores of the learners side by side, the best one bold."""
    values = [float(getattr(s, field)) for s in scores]
    best = min(values) if field in LOWER_IS_BETTER else max(values)
    shown = [words.score(value) for value in values]
    return [
        f"[bold]{text}[/]" if value == best else text
        for text, value in zip(shown, values, strict=True)
    ]


def _label_scores(report: RunReport) -> Table:
    """One row a label that occurred, the worst first."""
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 0, 0, 1))
    table.add_column("label", overflow="ellipsis", no_wrap=True)
    for title in ("events", "precision", "recall", "F1"):
        table.add_column(title, justify="right")
    found = sorted(
        ((name, one) for name, one in report.label_scores.items() if one["support"]),
        key=lambda item: (item[1]["f1"], item[0]),
    )
    for name, one in found[:_LABELS]:
        scores = [words.score(one[what]) for what in ("precision", "recall", "f1")]
        table.add_row(Text(printable(name)), words.count(one["support"]), *scores)
    if len(found) > _LABELS:
        table.add_row(f"… +{words.plural(len(found) - _LABELS, 'label')}", style="dim")
    return table


def _facts(report: RunReport) -> Table:
    progress = report.result.progress
    times = progress.times
    parts = [
        f"{what} {words.seconds(getattr(times, what))}"
        for what in ("read", "predict", "learn", "score")
    ]
    extras = {"baselines": times.beside, "files": times.sinks, "waiting": times.waited}
    parts += [f"{what} {words.seconds(spent)}" for what, spent in extras.items() if spent >= 0.005]
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold", no_wrap=True)
    table.add_column()
    table.add_row(
        "time",
        f"{words.seconds(progress.seconds)}, {words.count(progress.events_per_second)} events/s: "
        + ", ".join(parts),
    )
    if report.first_prediction is not None:
        start = f"first prediction {words.seconds(report.first_prediction)} after the process began"
        table.add_row("", start)
    table.add_row("memory", f"{report.peak_rss_mb:,.0f} MB at the peak")
    if tombstones := progress.operation.outcomes.get("tombstones"):
        table.add_row("passed over", f"{words.plural(tombstones, 'record')} without a value")
    if progress.dead_letters:
        total = words.plural(sum(progress.dead_letters.values()), "dead letter")
        table.add_row("unusable", escape(f"{total}: {words.counts(progress.dead_letters)}"))
        for letter in _firsts(report.result):
            table.add_row("", Text(words.letter_text(letter)))
        if report.result.unusable:
            table.add_row("", "--dead-letters FILE writes each, with what is wrong with it")
    return table


def _firsts(result: Result) -> list[DeadLetter]:
    """The first dead letter of each reason, the commonest reason first."""
    counts = result.progress.dead_letters
    return sorted(result.first_letters.values(), key=lambda one: (-counts[one.reason], one.reason))


def _label_tree(root: LabelNode, names: Sequence[str], width: int) -> Tree:
    """Clusters with the names of their labels; long ones and many of them are cut."""
    clusters = _leaves(root)
    tree = Tree(Text(f"labels: {words.plural(clusters, 'cluster')}", "bold"), guide_style="dim")
    left = _CLUSTERS
    stack = [(tree, node, 1) for node in reversed(root[1] or (root,))]
    while stack:
        branch, (labels, children), depth = stack.pop()
        if children:
            inner = branch.add(Text(words.plural(len(labels), "label"), "dim"))
            stack += [(inner, child, depth + 1) for child in reversed(children)]
        elif left:
            left -= 1
            branch.add(Text(words.label_names(labels, names, max(width - 4 * depth - 1, 20))))
    if clusters > _CLUSTERS:
        tree.add(f"… +{words.plural(clusters - _CLUSTERS, 'cluster')}")
    return tree


def _leaves(node: LabelNode) -> int:
    total, stack = 0, [node]
    while stack:
        _, children = stack.pop()
        stack += children
        total += not children
    return total


def _print_changes(report: RunReport, console: Console) -> None:
    """Structure changes line by line, drifts as the places where they crowd."""
    changes, counts = report.learner.changes, report.learner.change_counts
    n_structure = sum(counts.get(kind, 0) for kind in STRUCTURE_CHANGES)
    structure = [c for c in changes if c.kind in STRUCTURE_CHANGES]
    drifts = [c.position for c in changes if c.kind == "drift"]
    if structure:
        console.print(Text(words.plural(n_structure, "structure change"), "bold"))
        if n_structure > _CHANGES:
            console.print(Text(f"  … {words.count(n_structure - _CHANGES)} earlier", "dim"))
        table = Table.grid(padding=(0, 2, 0, 0))
        table.add_column(no_wrap=True)
        table.add_column(no_wrap=True, justify="right")
        table.add_column()
        for change in structure[-_CHANGES:]:
            room = 2 * (console.width - 20)  # two lines
            groups = words.group_names(change.labels, report.names, room)
            table.add_row(f"  {change.kind}", words.count(change.position), Text(groups))
        console.print(table)
    if drifts:
        table = Table.grid(padding=(0, 2))
        table.add_column(style="bold", no_wrap=True)
        table.add_column()
        places = words.places(drifts, _CROWD)
        earlier = f"… {len(places) - _PLACES} earlier, " if len(places) > _PLACES else ""
        table.add_row(
            words.plural(counts.get("drift", 0), "drift"), earlier + ", ".join(places[-_PLACES:])
        )
        console.print(table)
