"""What a run reads and writes: source, sinks and the folder it is stored in, by its options."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from streamml.cli.config import config_file
from streamml.cli.embedding import embedded
from streamml.cli.notes import Notes
from streamml.cli.overwriting import refuse_overwriting
from streamml.cli.tables import files_read, given_in
from streamml.errors import ConfigError

if TYPE_CHECKING:
    from streamml.cli.run_options import RunOptions
    from streamml.embed import Embedder
    from streamml.io import DeadLetterSink, PredictionSink, Source
    from streamml.join import JoinPolicy
    from streamml.state.folder import SnapshotFolder

__all__ = ["Opened", "check_input", "open_input"]


@dataclass(frozen=True, slots=True)
class Opened:
    """What a run reads and writes.

    Parameters
    ----------
    source
        Where events come from.
    predictions, dead_letters
        Where predictions go, and what cannot be used.
    join
        How labels of a Kafka source are joined; ``None`` for a file.
    snapshots
        The folder that the run is stored in.
    notes
        What is to be said of how a file is read.
    """

    source: Source
    predictions: PredictionSink | None
    dead_letters: DeadLetterSink | None
    join: JoinPolicy | None
    snapshots: SnapshotFolder | None
    notes: Notes


def check_input(options: RunOptions) -> None:
    """Refuse a file that is not there before a model is loaded for it.

    Raises
    ------
    DataError
        It is not there, or empty.
    """
    if options.file is not None:
        from streamml_connectors.files.text import check_file

        check_file(options.file)


def open_input(options: RunOptions, embedder: Embedder | None, stack: ExitStack) -> Opened:
    """Source, sinks, for Kafka how labels are joined, and where all is stored.

    They are closed with ``stack``.

    Raises
    ------
    ConfigError
        Options do not fit each other.
    DataError
        Something cannot be read or reached.
    """
    _refuse_overwriting(options)
    _refuse_outputs(options)
    wants_text = embedder is not None and embedder.reads == "text"
    predictions: PredictionSink | None = None
    dead_letters: DeadLetterSink | None = None
    policy = None
    if options.kafka_source is not None:
        _refuse_for_kafka(options)
        policy = options.kafka.join.policy()
        text = (options.embed.text_field or "x") if wants_text else None
        source, predictions, dead_letters = options.kafka.open(
            options.kafka_source, options.reading.labels, text, stack
        )
    else:
        options.kafka.refuse_for_files()
        source = _open_file(options, wants_text)
    notes = Notes(source)
    if embedder is not None:
        source = embedded(source, embedder, options.embed)
    stack.callback(source.close)
    snapshots = _open_snapshots(options, stack)  # before the files, which another run may write
    files = _open_files(options, snapshots, stack)
    predictions, dead_letters = predictions or files[0], dead_letters or files[1]
    return Opened(source, predictions, dead_letters, policy, snapshots, notes)


def _open_file(options: RunOptions, wants_text: bool) -> Source:
    from streamml.cli.options import check_times, open_stream

    source = open_stream(
        options.source,
        options.reading,
        seed=options.learner.seed,
        text=options.embed.text_field,
        wants_text=wants_text,
    )
    try:
        check_times(source, "--delay", options.play.delay)
        check_times(source, "--rate", options.play.rate)
    except ConfigError:
        source.close()
        raise
    return source


def _refuse_for_kafka(options: RunOptions) -> None:
    reading, play, output, topics = (
        options.reading, options.play, options.output, options.kafka.topics,
    )  # fmt: skip
    for flag, _ in (*given_in(reading), *given_in(play)):
        if flag not in ("--labels", "--limit"):
            raise ConfigError(f"{flag} is for files: leave it out with a Kafka source.")
    for topic, path in (
        (topics.predictions_topic, output.predictions),
        (topics.dead_letter_topic, output.dead_letters),
    ):
        if topic is not None and path is not None:
            raise ConfigError(f"{topic} and {path} are both given: send them to one of the two.")


def _open_snapshots(options: RunOptions, stack: ExitStack) -> SnapshotFolder | None:
    """The folder that the run is stored in, kept from other processes until ``stack`` ends.

    Raises
    ------
    ConfigError
        Another process has it.
    """
    if options.snapshots is None:
        return None
    from streamml.state.folder import SnapshotFolder

    folder = SnapshotFolder(options.snapshots)
    folder.claim()
    stack.callback(folder.release)
    return folder


def _open_files(
    options: RunOptions, snapshots: SnapshotFolder | None, stack: ExitStack
) -> tuple[PredictionSink | None, DeadLetterSink | None]:
    """Files to write; behind what is there if the run is to be resumed."""
    predictions: PredictionSink | None = None
    dead_letters: DeadLetterSink | None = None
    resumed = snapshots is not None and not snapshots.empty
    output = options.output
    if output.predictions is not None:
        from streamml_connectors.prediction_files import open_predictions

        predictions = open_predictions(output.predictions, append=resumed, truth=output.true_labels)
        stack.callback(predictions.close)
    if output.dead_letters is not None:
        from streamml_connectors.dead_letters import JsonlDeadLetterSink

        dead_letters = JsonlDeadLetterSink(output.dead_letters, append=resumed)
        stack.callback(dead_letters.close)
    return predictions, dead_letters


def _refuse_outputs(options: RunOptions) -> None:
    """Raise where what is to be written cannot be, as the options have it."""
    output = options.output
    if output.takes_stdout and output.as_json:
        raise ConfigError("--json has standard output to itself: name a file instead of -.")
    if output.predictions is None:
        if output.true_labels:
            raise ConfigError("--true-labels go into the file of --predictions: name one.")
        return
    from streamml_connectors.prediction_files import can_go_on

    if options.snapshots is not None and not can_go_on(output.predictions):
        raise ConfigError(
            f"{output.predictions} could not be gone on with after a restart, as Parquet is whole "
            "only at its end: write .jsonl or .csv, or leave --snapshot-dir out."
        )


def _refuse_overwriting(options: RunOptions) -> None:
    """A file to write is none that the run reads, nor written by another sink."""
    output = options.output
    kind, _, model = (options.embed.embed or "").partition(":")
    refuse_overwriting(
        (
            ("the source", options.file),
            ("the label XML", _label_xml(options.file)),
            ("--config", config_file()),
            *files_read(options),
            ("the model", model if kind == "text" and model else None),
            ("--snapshot-dir", options.snapshots),
        ),
        (("--predictions", output.predictions), ("--dead-letters", output.dead_letters)),
    )


def _label_xml(source: Path | None) -> Path | None:
    """The file that would be found beside an ARFF."""
    if source is None:
        return None
    from streamml_connectors.files.labels import find_label_xml
    from streamml_connectors.files.packed import plain_name

    is_arff = plain_name(source).lower().endswith(".arff")
    return find_label_xml(source) if is_arff else None
