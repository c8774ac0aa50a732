"""Options for Kafka, and what they make: a source, sinks, the policy of the join."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Final, Literal, TypeVar

import click

from streamml.cli.saying import say
from streamml.errors import ConfigError

if TYPE_CHECKING:
    from streamml.join import JoinPolicy
    from streamml_connectors.kafka import Connection, KafkaSource

__all__ = ["KafkaOptions", "connection_options", "is_kafka", "kafka_options"]

_F = TypeVar("_F", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class ConnectionOptions:
    """How to connect, as given."""

    tls: bool
    tls_ca: str | None
    tls_cert: str | None
    tls_key: str | None
    tls_key_password: str | None
    sasl_mechanism: str | None
    sasl_user: str | None
    sasl_password: str | None

    def __repr__(self) -> str:  # dataclasses would show the passwords
        return f"{type(self).__name__}(sasl_user={self.sasl_user!r}, ...)"

    @classmethod
    def pop_from(cls, options: dict[str, Any]) -> Any:
        """Those of this kind, popped from the options of a command."""
        return cls(**{field.name: options.pop(field.name) for field in fields(cls)})

    def connection(self, servers: str) -> Connection:
        """The cluster.

        Raises
        ------
        ConfigError
            The options contradict each other.
        """
        from streamml_connectors.kafka import Connection, Secret

        def secret(text: str | None) -> Secret | None:
            return None if text is None else Secret(text)

        return Connection(
            servers,
            tls=self.tls,
            tls_ca=self.tls_ca,
            tls_cert=self.tls_cert,
            tls_key=self.tls_key,
            tls_key_password=secret(self.tls_key_password),
            sasl_mechanism=self.sasl_mechanism,
            sasl_user=self.sasl_user,
            sasl_password=secret(self.sasl_password),
        )


@dataclass(frozen=True, slots=True, repr=False)
class KafkaOptions(ConnectionOptions):
    """The options that only a Kafka source has, as given."""

    labels_topic: str | None
    predictions_topic: str | None
    dead_letter_topic: str | None
    group: str
    instance: str | None
    partitions: str | None
    start: Literal["earliest", "latest"]
    until_end: bool
    max_waiting: int
    max_age: str
    max_message: int
    max_features: int
    max_labels: int
    session_timeout: float

    def refuse_for_files(self) -> None:
        """Raise where options are given that a file has no use for."""
        topics = ("labels_topic", "predictions_topic", "dead_letter_topic")
        for name in (*topics, "partitions", "until_end"):
            if getattr(self, name) not in (None, False):
                option = "--" + name.replace("_", "-")
                raise ConfigError(f"{option} belongs to a Kafka source: name kafka://HOST/TOPIC.")

    def open(
        self, url: str, labels: str | None, text: str | None, stack: ExitStack
    ) -> tuple[KafkaSource, Any, Any]:
        """Source, predictions sink and dead letter sink; closed with the stack.

        ``labels``: names known beforehand, with commas between them; ``text``: the field
        with the text that an embedding stage reads.
        """
        from streamml.cli.options import split_names
        from streamml_connectors import kafka
        from streamml_connectors.kafka.settings import parse_partitions

        servers, topics = kafka.parse_url(url)
        connection = self.connection(servers)
        what = kafka.Input(
            topics,
            labels_topic=self.labels_topic,
            group=self.group,
            instance=self.instance,
            labels=split_names(labels) or (),
            text=text,
            partitions=None if self.partitions is None else parse_partitions(self.partitions),
            start=self.start,
            until_end=self.until_end,
            max_message=self.max_message,
            max_features=self.max_features,
            max_labels=self.max_labels,
            session_timeout=self.session_timeout,
        )
        predictions = dead_letters = None
        if self.predictions_topic is not None:
            predictions = kafka.KafkaPredictionSink(connection, self.predictions_topic)
            stack.callback(predictions.close)
        if self.dead_letter_topic is not None:
            dead_letters = kafka.KafkaDeadLetterSink(connection, self.dead_letter_topic)
            stack.callback(dead_letters.close)

        return kafka.KafkaSource(connection, what, say), predictions, dead_letters

    def policy(self) -> JoinPolicy:
        """Bounds of the join."""
        from streamml.cli.options import parse_seconds
        from streamml.join import JoinPolicy

        return JoinPolicy(
            max_events=self.max_waiting,
            max_labels=self.max_waiting,
            max_age=parse_seconds(self.max_age, "--max-age"),
            remember=self.max_waiting,
        )


def is_kafka(source: str | None) -> bool:
    """Whether a source is an address of Kafka topics."""
    return source is not None and re.match(r"kafka://", source, re.IGNORECASE) is not None


_CONNECTION: Final = (
    click.option("--tls", is_flag=True, help="Encrypt the connection to Kafka."),
    click.option("--tls-ca", metavar="FILE", help="PEM file of whom to trust; implies --tls."),
    click.option("--tls-cert", metavar="FILE", help="PEM file of the client's certificate."),
    click.option("--tls-key", metavar="FILE", help="PEM file of its key."),
    click.option(
        "--tls-key-password",
        metavar="TEXT",
        help="Of the key; better as STREAMML_TLS_KEY_PASSWORD or in the config file.",
    ),
    click.option("--sasl-mechanism", metavar="NAME", help="PLAIN, SCRAM-SHA-256, SCRAM-SHA-512."),
    click.option("--sasl-user", metavar="NAME", help="Who logs in."),
    click.option(
        "--sasl-password",
        metavar="TEXT",
        help="Better as STREAMML_SASL_PASSWORD or in the config file.",
    ),
)

_INPUT: Final = (
    click.option("--labels-topic", metavar="TOPIC", help="Labels that come after their events."),
    click.option("--predictions-topic", metavar="TOPIC", help="Where predictions are sent."),
    click.option("--dead-letter-topic", metavar="TOPIC", help="Where unusable records are sent."),
    click.option(
        "--group", metavar="NAME", default="streamml", show_default=True, help="Consumer group."
    ),
    click.option(
        "--instance",
        metavar="NAME",
        help="This process's name in the group: a quick restart moves no partition.",
    ),
    click.option(
        "--partitions", metavar="0,2-4", help="Pin these partitions; the group assigns none."
    ),
    click.option(
        "--start",
        type=click.Choice(["earliest", "latest"]),
        default="earliest",
        show_default=True,
        help="Where to begin in a partition that the group has not read.",
    ),
    click.option("--until-end", is_flag=True, help="Stop at what the topics hold at the start."),
    click.option(
        "--max-waiting",
        type=click.IntRange(min=1),
        default=100_000,
        show_default=True,
        metavar="N",
        help="Events that wait for labels, labels that wait for events, ids remembered.",
    ),
    click.option(
        "--max-age",
        default="1d",
        show_default=True,
        metavar="D",
        help="How long they wait, by the clock of the records: 30s, 5m, 2h, 1d.",
    ),
    click.option(
        "--max-message",
        type=click.IntRange(min=1),
        default=1_048_576,
        show_default=True,
        metavar="BYTES",
        help="A larger record is a dead letter.",
    ),
    click.option(
        "--max-features",
        type=click.IntRange(min=1),
        default=100_000,
        show_default=True,
        metavar="N",
        help="Cap of the names; features beyond it are left out.",
    ),
    click.option(
        "--max-labels",
        type=click.IntRange(min=1),
        default=5_000,
        show_default=True,
        metavar="N",
        help="Cap of the names; an event beyond it is a dead letter.",
    ),
    click.option(
        "--session-timeout",
        type=click.FloatRange(min=1),
        default=45.0,
        show_default=True,
        metavar="SECONDS",
        help="Without a sign of life for so long, others take over.",
    ),
)


def connection_options(command: _F) -> _F:
    """Add the options of a connection to a command."""
    for option in reversed(_CONNECTION):
        command = option(command)
    return command


def kafka_options(command: _F) -> _F:
    """Add all options for Kafka to a command."""
    command = connection_options(command)
    for option in reversed(_INPUT):
        command = option(command)
    return command
