"""``streamml predict``: what was learned, used: every event of a file is predicted."""

from __future__ import annotations

import time
from collections.abc import Collection
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import click

from streamml.cli import words
from streamml.cli.config import config_file, config_option, with_environment
from streamml.cli.embedding import EmbedOptions, embedded
from streamml.cli.notes import Notes
from streamml.cli.options import ReadingOptions, file_at, open_stream
from streamml.cli.overwriting import refuse_overwriting
from streamml.cli.saying import say
from streamml.cli.tables import Command, add_options, files_read, table, taken
from streamml.errors import ConfigError
from streamml_connectors.options import option

if TYPE_CHECKING:
    from streamml.io import DeadLetterSink, PredictionSink, Source
    from streamml.service.answering import Answered

__all__ = ["predict"]

_EXAMPLES = """
\b
Examples:
  streamml predict state new.csv
  streamml predict model.streamml new.jsonl --output labelled.csv
  streamml predict state shop.csv --labels toys,books --true-labels --output both.parquet
"""
_SHORT: Final = "Predict the events of a file with what a run has learned."
_EVERY: Final = 3.0  # seconds between two lines that say how far it is


@dataclass(frozen=True, slots=True)
class _Reading(ReadingOptions):
    """No label is needed here."""

    labels: str | None = option(
        "Names of the label columns, if there are some to compare with.", metavar="A,B,C"
    )


@dataclass(frozen=True, slots=True)
class AnswerOptions:
    """What is written, and where."""

    output: str = option(
        "Where to write: to .jsonl, .csv or .parquet; - is standard output, as JSON Lines.",
        metavar="OUT",
        default="-",
    )
    true_labels: bool = option("Write the true labels of the file beside.", default=False)
    min_score: float | None = option(
        "Leave out scores below, but those of predicted labels; 0 writes all.  [default: 0.01]",
        metavar="P",
        least=0,
        most=1,
    )
    dead_letters: str | None = option("Write what could not be used.", metavar="OUT.jsonl")
    limit: int | None = option("Stop after N events.", metavar="N", least=1)

    @property
    def file(self) -> str | None:
        """The file for what is predicted; ``None``: standard output."""
        return None if self.output == "-" else self.output


@dataclass(frozen=True, slots=True)
class _Seed:
    seed: int = option("Of the run, for rff and project.", metavar="N", default=1, least=0)


@dataclass(frozen=True, slots=True)
class _Options:
    """The options of the command, as given."""

    stored: str
    file: str
    reading: _Reading = table("Input")
    answers: AnswerOptions = table("Output")
    embed: EmbedOptions = table("Embedding")
    random: _Seed = table("Embedding")

    @property
    def labelled(self) -> bool:
        """Whether the labels of the file are asked for."""
        reading = self.reading
        told = (reading.labels, reading.label_list, reading.xml)
        return self.answers.true_labels or told != (None, None, None)


@click.command(cls=Command, epilog=_EXAMPLES, short_help=_SHORT)
@click.argument("stored", metavar="STATE")
@click.argument("file")
@add_options(_Options)
@config_option()
def predict(**values: Any) -> int:
    """Predict the labels of every event in FILE, with what STATE has learned; learns nothing.

    STATE is the --snapshot-dir of a run (its newest snapshot is read, the run is not
    disturbed), a snapshot in it, or a file of streamml.state.save or streamml export. FILE needs
    no labels; its features are told apart by their names. With --embed in the run, give the
    same here.
    """
    options = taken(_Options, values)
    _refuse_overwriting(options)
    done = _answer(options)
    _tell_end(options, done)
    if done.error is not None:
        say(str(done.error))
        return 2
    return 1 if done.useless else 0


with_environment(predict)


def _refuse_overwriting(options: _Options) -> None:
    answers = options.answers
    if answers.dead_letters == "-":
        raise ConfigError("Standard output is for what is predicted: name a file for the rest.")
    refuse_overwriting(
        (
            ("STATE", options.stored),
            ("the source", file_at(options.file)),
            ("--config", config_file()),
            *files_read(options),
        ),
        (
            ("--output", answers.file),
            ("--dead-letters", answers.dead_letters),
        ),
    )


def _answer(options: _Options) -> Answered:
    """Load, open, predict; what can be refused is refused before a file is written."""
    from streamml.base import MIN_SCORE
    from streamml.service.answering import answer
    from streamml.state.stored_learner import learner_in

    learner, least = learner_in(options.stored), options.answers.min_score
    with ExitStack() as stack:
        source, notes = _open(options, learner.schema.features.names, stack)
        predictions, dead_letters = _open_sinks(options.answers, stack)
        done = answer(
            source,
            learner,
            predictions,
            dead_letters,
            min_score=MIN_SCORE if least is None else least,
            limit=options.answers.limit,
            tell=_Lines().show,
        )
        notes.tell()
    if done.events and done.useless:
        known = words.some(learner.schema.features.names)
        hint = "" if options.embed.embed else " (was it behind --embed?)"
        say(f"{options.file} has no feature that was learned from{hint}: {known}")
    return done


def _open(options: _Options, learned: Collection[str], stack: ExitStack) -> tuple[Source, Notes]:
    embedder = options.embed.make(options.random.seed)
    source = open_stream(
        options.file,
        options.reading,
        seed=options.random.seed,
        text=options.embed.text_field,
        wants_text=embedder is not None and embedder.reads == "text",
        labelled=options.labelled,
        learned=learned,
    )
    notes = Notes(source)
    notes.tell()
    if embedder is not None:
        source = embedded(source, embedder, options.embed)
    stack.callback(source.close)
    return source, notes


def _open_sinks(
    answers: AnswerOptions, stack: ExitStack
) -> tuple[PredictionSink, DeadLetterSink | None]:
    from streamml_connectors.dead_letters import JsonlDeadLetterSink
    from streamml_connectors.prediction_files import open_predictions

    predictions, dead_letters = open_predictions(answers.output, truth=answers.true_labels), None
    stack.callback(predictions.close)
    if answers.dead_letters is not None:
        dead_letters = JsonlDeadLetterSink(answers.dead_letters)
        stack.callback(dead_letters.close)
    return predictions, dead_letters


class _Lines:
    """Says now and then how far it is."""

    def __init__(self) -> None:
        self._start = self._told = time.monotonic()

    def show(self, done: Answered) -> None:
        """Say it if it is time."""
        now = time.monotonic()
        if now - self._told >= _EVERY:
            rate = words.count(done.events / (now - self._start))
            say(f"{words.plural(done.events, 'event')}, {rate}/s")
            self._told = now


def _tell_end(options: _Options, done: Answered) -> None:
    where = "" if options.answers.file is None else f": {options.answers.file}"
    say(f"{words.plural(done.events, 'event')} predicted{where}")
    if done.strange and not done.useless:
        say(f"{words.plural(done.strange, 'event')} among them without a feature that was learned "
            "from")  # fmt: skip
    if done.letters:
        total = words.plural(done.letters.total(), "dead letter")
        say(f"{total}: {words.counts(done.letters)}")
        for letter in done.letters.first.values():
            say(words.letter_text(letter))
