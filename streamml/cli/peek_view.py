"""The beginning of a source, for people: columns, labels, events, dead letters."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from streamml.cli import words
from streamml.types import PartialLabels
from streamml.types.printable import printable
from streamml_connectors.files.described import left_out_notes

if TYPE_CHECKING:
    from rich.console import Console

    from streamml.cli.peek import Peeked
    from streamml.types import Event, Labels
    from streamml_connectors.files.described import Column

__all__ = ["print_peeked"]

_ROWS: Final = 25  # of a table
_CELL: Final = 40  # characters of a value
_LETTERS: Final = 5
_LABELS: Final = ("label", "labels")


def print_peeked(found: Peeked, console: Console) -> None:
    """Print all of it; adapts to the width of the console."""
    columns = getattr(found.source, "columns", ())
    console.print(_headline(found, columns))
    console.print()
    used = [one for one in columns if one.kind not in (*_LABELS, "left out")]
    _print(console, "read", _used(used, found.events) if used else _features(found.events))
    _print(console, "left out", _left_out([one for one in columns if one.kind == "left out"]))
    _print(console, "labels", _labels(found, console.width))
    _print(console, f"first {words.plural(len(found.events), 'event')}", _events(found, columns))
    _print(console, words.plural(len(found.letters), "dead letter"), _letters(found))
    shown = left_out_notes(columns)  # with their reasons, above
    for note in getattr(found.source, "notes", ()):
        if note in shown:
            continue
        console.print(Text(f"note: {printable(note)}", "yellow"))


def _headline(found: Peeked, columns: Sequence[Column]) -> Text:
    kinds = Counter(one.kind for one in columns)
    said = ", ".join(f"{words.count(n)} {kind}" for kind, n in kinds.items())
    told = f": {words.plural(len(columns), 'column')}, {said}" if said else ""
    return Text.assemble((printable(found.source.name), "bold"), told)


def _print(console: Console, title: str, shown: Table | Padding | None) -> None:
    if shown is not None and not (isinstance(shown, Table) and not shown.row_count):
        console.print(Text(title, "bold"))
        console.print(shown)
        console.print()


def _grid(*titles: str, cut: bool = False) -> Table:
    """A table; where it is too wide the last column is cut, or goes on in the next line."""
    grid = Table(
        box=None,
        padding=(0, 2, 0, 0),
        pad_edge=False,
        header_style="dim",
        show_header=any(titles),
        expand=cut,
    )
    for title in titles[:-1]:
        shown = f"  {title}" if title == titles[0] else title
        grid.add_column(shown, max_width=_CELL + 2, no_wrap=True, overflow="ellipsis")
    if cut:
        grid.add_column(titles[-1], no_wrap=True, overflow="ellipsis", ratio=1)
    else:
        grid.add_column(titles[-1], overflow="fold")
    return grid


def _used(columns: Sequence[Column], events: Sequence[Event]) -> Table:
    """Name, kind, and what the first event has there."""
    grid = _grid("column", "as", "for example")
    for one in columns[:_ROWS]:
        grid.add_row(
            Text(f"  {_short(one.name)}"),
            Text(one.kind, "cyan"),
            Text(_example(one, events) + (f" ({printable(one.note)})" if one.note else "")),
        )
    _add_rest(grid, columns)
    return grid


def _add_rest(grid: Table, columns: Sequence[Column]) -> None:
    if len(columns) > _ROWS:
        grid.add_row(Text(f"  … +{words.count(len(columns) - _ROWS)}", "dim"))


def _example(column: Column, events: Sequence[Event]) -> str:
    """What the first event that has the column has there."""
    for event in events:
        if column.kind == "id":
            return _short(str(event.id))
        if column.kind == "timestamp":
            return _time(event.timestamp)
        if isinstance(event.x, str):
            return _short(event.x) if column.kind == "text" else ""
        begins = (f"{column.name}=", f"{column.name}.")
        features = [f"{name.removeprefix(begins[0])}" if name.startswith(begins[0])
                    else _number(value) for name, value in event.x.items()
                    if name == column.name or name.startswith(begins)]  # fmt: skip
        if features:
            return words.some([_short(one) for one in features])
    return "-"


def _features(events: Iterable[Event]) -> Table:
    """The features that events have, where the file declares none."""
    first: dict[str, float] = {}
    for event in events:
        if not isinstance(event.x, str):
            first = {**event.x, **first}
    grid = _grid("feature", "for example")
    for name, value in list(first.items())[:_ROWS]:
        grid.add_row(Text(f"  {_short(name)}"), Text(_number(value)))
    if len(first) > _ROWS:
        grid.add_row(Text(f"  … +{words.count(len(first) - _ROWS)}", "dim"))
    return grid


def _left_out(columns: Sequence[Column]) -> Table:
    grid = _grid("column", "because")
    for one in columns[:_ROWS]:
        grid.add_row(Text(f"  {_short(one.name)}"), Text(printable(one.note), "dim"))
    _add_rest(grid, columns)
    return grid


def _labels(found: Peeked, width: int) -> Padding | None:
    """The names known so far, in a few lines."""
    names = found.source.schema.labels.names
    shown = words.label_names(range(len(names)), names, 3 * (width - 12))
    return Padding(Text(shown), (0, 0, 0, 2)) if names else None


def _events(found: Peeked, columns: Sequence[Column]) -> Table:
    """Id, time where there are times, labels, features."""
    timed = any(one.kind == "timestamp" for one in columns) or not hasattr(found.source, "columns")
    grid = _grid("id", *(["time (UTC)"] if timed else []), "labels", "features", cut=True)
    for event in found.events:
        only = event.id in found.labels_only and not event.x
        grid.add_row(
            Text(f"  {_short(str(event.id))}"),
            *([Text(_time(event.timestamp))] if timed else []),
            Text(_known(event.y), "green"),
            Text("labels only" if only else _row(event), "dim" if only else ""),
        )
    return grid


def _known(y: Labels | None) -> str:
    """What is known of the labels of an event."""
    if y is None:
        return "?"
    if isinstance(y, PartialLabels):
        told = [f"not {name}" for name in sorted(y.negative)]
        return words.some([*map(_short, sorted(y.positive)), *map(_short, told)], 4)
    return words.some([_short(name) for name in sorted(y)], 4) if y else "none"


def _row(event: Event) -> str:
    if isinstance(event.x, str):
        return _short(event.x)
    shown = [_short(name) if "=" in name and value == 1 else f"{_short(name)} {_number(value)}"
             for name, value in event.x.items()]  # fmt: skip
    return ", ".join(shown[:_ROWS])


def _letters(found: Peeked) -> Table:
    grid = _grid("")
    for letter in found.letters[:_LETTERS]:
        grid.add_row(Text(f"  {words.letter_text(letter)}", "red"))
    if len(found.letters) > _LETTERS:
        grid.add_row(Text(f"  … +{len(found.letters) - _LETTERS}", "dim"))
    return grid


def _time(seconds: float) -> str:
    """A time as people write it, where it is one."""
    try:
        return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S")
    except (OverflowError, ValueError, OSError):
        return _number(seconds)


def _number(value: float) -> str:
    return f"{value:.6g}"


def _short(text: str) -> str:
    shown = printable(text)
    return shown if len(shown) <= _CELL else shown[: _CELL - 1] + "…"
