"""All options of ``streamml run``: a table for each kind, each option declared in one of them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from streamml.cli.embedding import EmbedOptions
from streamml.cli.kafka import KafkaOptions, is_kafka
from streamml.cli.learners import LEARNERS
from streamml.cli.listening import ListeningOptions
from streamml.cli.options import ReadingOptions, file_at
from streamml.cli.tables import table
from streamml_connectors.health import HealthBounds
from streamml_connectors.options import option

__all__ = ["LearnerOptions", "OutputOptions", "PlayOptions", "RunOptions"]


@dataclass(frozen=True, slots=True)
class PlayOptions:
    """How a source is played: how much, how fast, and when its labels arrive."""

    limit: int | None = option("Stop after N events.", metavar="N", least=1)
    rate: str | None = option(
        "R events a second; x10 plays the original timestamps ten times as fast.", metavar="R"
    )
    delay: str | None = option(
        "Labels arrive later: 100 or 100events, or event time as 30s, 5m, 2h, 1d.", metavar="D"
    )


@dataclass(frozen=True, slots=True)
class LearnerOptions:
    """What learns."""

    learner: str = option(f"What learns: {', '.join(LEARNERS)}.", metavar="NAME", default="ihomer")
    settings: tuple[str, ...] = option(
        "A parameter of the learner; may be repeated.",
        flag="set",
        metavar="NAME=VALUE",
        default=(),
    )
    positive_only: str | None = option(
        "Events name only labels that are true: what is not named is learned as not true, and "
        "scores are divided by the probability that a true label is named; without a number it "
        "is learned from events whose labels are all known.",
        metavar="[PROPENSITY]",
        bare="true",
    )
    seed: int = option("For the learner and the demo stream.", metavar="N", default=1, least=0)


@dataclass(frozen=True, slots=True)
class OutputOptions:
    """What is written, and where."""

    predictions: str | None = option(
        "Write what is predicted for every event: to .jsonl, .csv or .parquet; - is standard "
        "output, as JSON Lines.",
        metavar="OUT",
    )
    true_labels: bool = option(
        "Write the true labels beside what is predicted, where they are known by then.",
        default=False,
    )
    dead_letters: str | None = option("Write what could not be used.", metavar="OUT.jsonl")
    as_json: bool = option(
        "One JSON object on standard output, nothing else.", flag="json", default=False
    )
    per_label: bool = option(
        "Show the scores of each label, the worst first; with --json all of them.", default=False
    )
    snapshot_dir: str | None = option(
        "Store the run here now and then, and go on from there. Kafka: always, by default in "
        "streamml-snapshots/GROUP.",
        metavar="DIR",
    )
    snapshot_every: str = option(
        "How often: time (60s, 5m) or events (5000, 5000events: 10m at the latest).",
        metavar="D",
        default="60s",
    )

    @property
    def takes_stdout(self) -> bool:
        """Whether standard output holds what the run writes, and nothing else."""
        return "-" in (self.predictions, self.dead_letters)


@dataclass(frozen=True, slots=True)
class RunOptions:
    """The options of one run, as given."""

    source: str | None
    reading: ReadingOptions = table("Input")
    play: PlayOptions = table("Input")
    learner: LearnerOptions = table("Learner")
    output: OutputOptions = table("Output")
    listening: ListeningOptions = table("Watching")
    health: HealthBounds = table("Watching")
    embed: EmbedOptions = table("Embedding")
    kafka: KafkaOptions = table()

    @property
    def kafka_source(self) -> str | None:
        """The address of the topics that are read; ``None`` where a file is, or the demo."""
        return self.source if is_kafka(self.source) else None

    @property
    def file(self) -> Path | None:
        """The file that is read; ``None`` where topics are, or the demo."""
        if self.source is None or self.kafka_source is not None:
            return None
        return file_at(self.source)

    @property
    def snapshots(self) -> str | None:
        """Where the run is stored."""
        if self.output.snapshot_dir is None and self.kafka_source is not None:
            return f"streamml-snapshots/{self.kafka.input['group']}"
        return self.output.snapshot_dir
