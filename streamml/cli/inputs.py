"""What a run reads and writes: source, sinks and the folder it is stored in, by its options."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

from streamml.cli.config import config_file
from streamml.cli.embedding import EmbedOptions, embedded
from streamml.cli.kafka import KafkaOptions, is_kafka
from streamml.cli.overwriting import refuse_overwriting
from streamml.errors import ConfigError

if TYPE_CHECKING:
    from streamml.embed import Embedder
    from streamml.io import DeadLetterSink, PredictionSink, Source
    from streamml.join import JoinPolicy
    from streamml.state.folder import SnapshotFolder

__all__ = ["InputOptions", "check_input", "open_input"]


class InputOptions(Protocol):
    """The options of a run that say what it reads and writes."""

    @property
    def source(self) -> str | None: ...
    @property
    def labels(self) -> str | None: ...
    @property
    def label_list(self) -> str | None: ...
    @property
    def xml(self) -> str | None: ...
    @property
    def rate(self) -> str | None: ...
    @property
    def delay(self) -> str | None: ...
    @property
    def seed(self) -> int: ...
    @property
    def order(self) -> Literal["natural", "shuffled"]: ...
    @property
    def predictions(self) -> str | None: ...
    @property
    def dead_letters(self) -> str | None: ...
    @property
    def snapshots(self) -> str | None: ...
    @property
    def kafka(self) -> KafkaOptions: ...
    @property
    def embed(self) -> EmbedOptions: ...


Opened = tuple[
    "Source",
    "PredictionSink | None",
    "DeadLetterSink | None",
    "JoinPolicy | None",
    "SnapshotFolder | None",
]


def check_input(options: InputOptions) -> None:
    """Refuse a file that is not there before a model is loaded for it.

    Raises
    ------
    DataError
        It is not there, or empty.
    """
    if options.source is not None and not is_kafka(options.source):
        from streamml_connectors.files.text import check_file

        check_file(Path(options.source))


def open_input(options: InputOptions, embedder: Embedder | None, stack: ExitStack) -> Opened:
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
    wants_text = embedder is not None and embedder.reads == "text"
    if is_kafka(options.source):
        source, *sinks, policy = _open_kafka(options, wants_text, stack)
    else:
        options.kafka.refuse_for_files()
        source, policy, sinks = _open_file(options, wants_text), None, [None, None]
    if embedder is not None:
        source = embedded(source, embedder, options.embed)
    stack.callback(source.close)
    snapshots = _open_snapshots(options, stack)  # before the files, which another run may write
    files = _open_files(options, snapshots, stack)
    return source, sinks[0] or files[0], sinks[1] or files[1], policy, snapshots


def _open_file(options: InputOptions, wants_text: bool) -> Source:
    from streamml.cli.options import open_stream

    return open_stream(
        options.source,
        labels=options.labels,
        label_list=options.label_list,
        xml=options.xml,
        order=options.order,
        seed=options.seed,
        text=options.embed.text_field,
        wants_text=wants_text,
    )


def _open_kafka(options: InputOptions, wants_text: bool, stack: ExitStack) -> Any:
    assert options.source is not None
    _refuse_for_kafka(options)
    policy = options.kafka.policy()
    text = (options.embed.text_field or "x") if wants_text else None
    return *options.kafka.open(options.source, options.labels, text, stack), policy


def _refuse_for_kafka(options: InputOptions) -> None:
    for name in ("label_list", "xml", "rate", "delay"):
        if getattr(options, name) is not None:
            option = "--" + name.replace("_", "-")
            raise ConfigError(f"{option} is for files: leave it out with a Kafka source.")
    if options.order == "shuffled":
        raise ConfigError("--order shuffled is for files: a Kafka source has its own order.")
    for topic, path in (
        (options.kafka.predictions_topic, options.predictions),
        (options.kafka.dead_letter_topic, options.dead_letters),
    ):
        if topic is not None and path is not None:
            raise ConfigError(f"{topic} and {path} are both given: send them to one of the two.")


def _open_snapshots(options: InputOptions, stack: ExitStack) -> SnapshotFolder | None:
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
    options: InputOptions, snapshots: SnapshotFolder | None, stack: ExitStack
) -> tuple[PredictionSink | None, DeadLetterSink | None]:
    """Files to write; behind what is there if the run is to be resumed."""
    predictions: PredictionSink | None = None
    dead_letters: DeadLetterSink | None = None
    resumed = snapshots is not None and not snapshots.empty
    if options.predictions is not None:
        from streamml_connectors.predictions import JsonlPredictionSink

        predictions = JsonlPredictionSink(options.predictions, append=resumed)
        stack.callback(predictions.close)
    if options.dead_letters is not None:
        from streamml_connectors.dead_letters import JsonlDeadLetterSink

        dead_letters = JsonlDeadLetterSink(options.dead_letters, append=resumed)
        stack.callback(dead_letters.close)
    return predictions, dead_letters


def _refuse_overwriting(options: InputOptions) -> None:
    """A file to write is none that the run reads, nor written by another sink."""
    kafka, source = options.kafka, None if is_kafka(options.source) else options.source
    kind, _, model = (options.embed.embed or "").partition(":")
    refuse_overwriting(
        (
            ("the source", source),
            ("the label XML", _label_xml(source)),
            ("--xml", options.xml),
            ("--config", config_file()),
            ("--tls-ca", kafka.tls_ca),
            ("--tls-cert", kafka.tls_cert),
            ("--tls-key", kafka.tls_key),
            ("the model", model if kind == "text" and model else None),
            ("--snapshot-dir", options.snapshots),
        ),
        (("--predictions", options.predictions), ("--dead-letters", options.dead_letters)),
    )


def _label_xml(source: str | None) -> Path | None:
    """The file that would be found beside an ARFF."""
    if source is None:
        return None
    from streamml_connectors.files.labels import find_label_xml
    from streamml_connectors.files.packed import plain_name

    is_arff = plain_name(Path(source)).lower().endswith(".arff")
    return find_label_xml(Path(source)) if is_arff else None
