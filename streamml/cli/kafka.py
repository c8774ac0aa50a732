"""Options for Kafka, and what they make: a source, sinks, the policy of the join."""

from __future__ import annotations

import re
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from streamml.cli.saying import say
from streamml.cli.tables import Given, table
from streamml.errors import ConfigError
from streamml_connectors.kafka.settings import Connection, Input
from streamml_connectors.options import option

if TYPE_CHECKING:
    from streamml.io import DeadLetterSink, PredictionSink, Source
    from streamml.join import JoinPolicy

__all__ = ["JoinOptions", "KafkaOptions", "TopicOptions", "is_kafka"]


@dataclass(frozen=True, slots=True)
class TopicOptions:
    """Topics that a run sends to."""

    predictions_topic: str | None = option("Where predictions are sent.", metavar="TOPIC")
    dead_letter_topic: str | None = option("Where unusable records are sent.", metavar="TOPIC")

    def refuse_loops(self, what: Input) -> None:
        """Raise where what is sent would be read again, or two kinds of it would be mixed."""
        uses = dict.fromkeys(what.topics, "events")
        for topic, use in (
            (what.labels_topic, "labels"),
            (self.predictions_topic, "predictions"),
            (self.dead_letter_topic, "dead letters"),
        ):
            if topic is not None and uses.setdefault(topic, use) != use:
                raise ConfigError(
                    f"The topic {topic} is named for {uses[topic]} and for {use}: "
                    "name a topic of its own for each."
                )


@dataclass(frozen=True, slots=True)
class JoinOptions:
    """Bounds of how labels that come later are joined with their events."""

    max_waiting: int = option(
        "Events that wait for labels, labels that wait for events, ids remembered.",
        metavar="N",
        default=100_000,
        least=1,
    )
    max_age: str = option(
        "How long they wait, by the clock of the records: 30s, 5m, 2h, 1d.",
        metavar="D",
        default="1d",
    )

    def policy(self) -> JoinPolicy:
        """What the join takes."""
        from streamml.cli.options import parse_seconds
        from streamml.join import JoinPolicy

        return JoinPolicy(
            max_events=self.max_waiting,
            max_labels=self.max_waiting,
            max_age=parse_seconds(self.max_age, "--max-age"),
            remember=self.max_waiting,
        )


@dataclass(frozen=True, slots=True)
class KafkaOptions:
    """The options that only a Kafka source has, as given."""

    input: Given[Input] = table("Kafka")
    topics: TopicOptions = table("Kafka")
    join: JoinOptions = table("Kafka")
    connection: Given[Connection] = table("Security")

    def refuse_for_files(self) -> None:
        """Raise where options are given that a file has no use for."""
        given = {name: self.input[name] for name in ("labels_topic", "partitions", "until_end")}
        for name, value in {**given, **asdict(self.topics)}.items():
            if value not in (None, False):
                flag = "--" + name.replace("_", "-")
                raise ConfigError(f"{flag} belongs to a Kafka source: name kafka://HOST/TOPIC.")

    def open(
        self, url: str, labels: str | None, text: str | None, stack: ExitStack
    ) -> tuple[Source, PredictionSink | None, DeadLetterSink | None]:
        """Source, predictions sink and dead letter sink; closed with the stack.

        ``labels``: names known beforehand, with commas between them; ``text``: the field
        with the text that an embedding stage reads.
        """
        from streamml.cli.options import split_names
        from streamml_connectors import kafka

        servers, topics = kafka.parse_url(url)
        connection = self.connection.make(servers)
        what = self.input.make(topics, labels=split_names(labels) or (), text=text)
        self.topics.refuse_loops(what)
        predictions = dead_letters = None
        if self.topics.predictions_topic is not None:
            predictions = kafka.KafkaPredictionSink(connection, self.topics.predictions_topic)
            stack.callback(predictions.close)
        if self.topics.dead_letter_topic is not None:
            dead_letters = kafka.KafkaDeadLetterSink(connection, self.topics.dead_letter_topic)
            stack.callback(dead_letters.close)

        return kafka.KafkaSource(connection, what, say), predictions, dead_letters


def is_kafka(source: str | None) -> bool:
    """Whether a source is an address of Kafka topics."""
    return source is not None and re.match(r"kafka://", source, re.IGNORECASE) is not None
