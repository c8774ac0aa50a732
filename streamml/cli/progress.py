"""A run while it goes on: a live display on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from threading import Timer
from typing import TYPE_CHECKING, Protocol, TextIO

from streamml.cli import words
from streamml.types.printable import printable

if TYPE_CHECKING:
    from rich.console import Console, Group

    from streamml.service import Progress

__all__ = ["Display", "LineDisplay", "LiveDisplay", "make_display", "waiting"]

_EVERY = 3.0  # seconds between two lines
_PATIENCE = 5.0  # and before one that says why nothing comes
_WAITING = "starting (the very first run compiles, which takes some seconds)"


class Display(Protocol):
    """Shows progress between ``__enter__`` and ``__exit__``."""

    def __enter__(self) -> Display: ...

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None: ...

    def show(self, progress: Progress) -> None:
        """Take the newest numbers."""


def make_display(name: str, names: Sequence[str], stream: TextIO | None = None) -> Display:
    """A live display where ``stream`` (standard error) is a terminal, else lines.

    Parameters
    ----------
    name
        Of the source.
    names
        Label names by column; may grow.
    stream
        Where to show it.
    """
    stream = stream if stream is not None else sys.stderr
    if not stream.isatty():
        return LineDisplay(stream)
    from rich.console import Console

    console = Console(file=stream, highlight=False)
    plain = not console.is_terminal or console.is_dumb_terminal
    return LineDisplay(stream) if plain else LiveDisplay(name, names, console)


@contextmanager
def waiting(what: str, stream: TextIO | None = None) -> Iterator[None]:
    """On a terminal, show ``what`` the program does until it is done.

    Examples
    --------
    >>> with waiting("loading the model"):
    ...     pass
    """
    stream = stream if stream is not None else sys.stderr
    if not stream.isatty():
        yield
        return
    from rich.console import Console
    from rich.text import Text

    with Console(file=stream, highlight=False).status(Text(what)):
        yield


class LineDisplay:
    """One line at the first batch, or that it takes its time; one every few seconds; the last.

    Parameters
    ----------
    stream
        Where the lines go.
    patience
        Seconds that the first batch may take in silence.
    """

    def __init__(self, stream: TextIO, patience: float = _PATIENCE) -> None:
        self._stream = stream
        self._due = 0.0
        self._newest: Progress | None = None  # as long as no line has said it
        self._late = Timer(patience, self._say, (_WAITING,))
        self._late.daemon = True

    def __enter__(self) -> LineDisplay:
        self._late.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._late.cancel()
        if kind is None and self._newest is not None:
            self._write(self._newest)

    def show(self, progress: Progress) -> None:
        """Write a line if one is due."""
        self._late.cancel()
        self._newest = progress
        if progress.seconds >= self._due:
            self._due = progress.seconds + _EVERY
            self._write(progress)

    def _write(self, progress: Progress) -> None:
        self._newest = None
        done = words.plural(progress.events, "event")
        if progress.length is not None:
            done = f"{words.count(progress.events)} of {words.plural(progress.length, 'event')}"
        rate = words.count(progress.events_per_second)
        self._say(f"{done}, {rate}/s; {_scores(progress)}; {_structure(progress)}")

    def _say(self, what: str) -> None:
        print(f"streamml: {what}", file=self._stream, flush=True)


class LiveDisplay:
    """A bar and the newest scores, redrawn in place, and gone at the end.

    Parameters
    ----------
    name, names
        Of :func:`make_display`.
    console
        A terminal.
    """

    def __init__(self, name: str, names: Sequence[str], console: Console) -> None:
        from rich.live import Live

        self._name = name
        self._names = names
        self._console = console
        self._last = ""
        self._live = Live(
            _WAITING,
            console=console,
            auto_refresh=False,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )

    def __enter__(self) -> LiveDisplay:
        self._live.start(refresh=True)
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._live.stop()

    def show(self, progress: Progress) -> None:
        """Redraw."""
        if progress.new_changes:
            width = self._console.width - 1
            self._last = words.change_text(progress.new_changes[-1], self._names, width)
        self._live.update(self._lines(progress), refresh=True)

    def _lines(self, progress: Progress) -> Group:
        from rich.console import Group
        from rich.progress_bar import ProgressBar
        from rich.table import Table
        from rich.text import Text

        done = words.count(progress.events)
        if progress.length is not None:
            done += f"/{words.count(progress.length)}"
        bar = ProgressBar(total=progress.length, completed=progress.events)
        line = Table.grid(expand=True, padding=(0, 1))
        line.add_column(no_wrap=True, max_width=max(self._console.width // 4, 8))
        line.add_column(ratio=1)
        line.add_column(no_wrap=True, justify="right")
        line.add_column(no_wrap=True, justify="right")
        rate = f"{words.count(progress.events_per_second)} events/s"
        line.add_row(Text(printable(self._name), "bold", overflow="ellipsis"), bar, done, rate)
        numbers = Text(f"{_scores(progress)}; {_structure(progress)}", overflow="ellipsis")
        last = Text(self._last, "dim", overflow="ellipsis")
        numbers.no_wrap = last.no_wrap = True
        return Group(line, numbers, last)


def _scores(progress: Progress) -> str:
    exact, f1 = words.score(progress.window.exact_match), words.score(progress.window.micro_f1)
    return f"last {words.count(progress.window_events)}: exact match {exact}, micro-F1 {f1}"


def _structure(progress: Progress) -> str:
    return ", ".join(
        (
            words.plural(progress.clusters, "cluster"),
            words.plural(progress.structure_changes, "change"),
            words.plural(progress.drifts, "drift"),
        )
    )
