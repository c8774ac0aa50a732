"""Where a Kafka cluster is, who one is there, and what is read from it.

A field made by ``option`` is an option of the command line as well.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal

from streamml.errors import ConfigError
from streamml_connectors.options import option

if TYPE_CHECKING:
    import ssl

__all__ = ["Connection", "Input", "Secret", "parse_partitions", "parse_url"]

_URL: Final = re.compile(r"kafka://([^/\s]+)/([^/?#\s]+)/?", re.IGNORECASE)
_TOPIC: Final = re.compile(r"[A-Za-z0-9._-]{1,249}")
_MECHANISMS: Final = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")


class Secret:
    """A text that shows itself only when asked to.

    Examples
    --------
    >>> secret = Secret("hunter2")
    >>> secret, f"{secret}", secret.reveal()
    (Secret('***'), '***', 'hunter2')
    """

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The text itself; for the client only."""
        return self._text

    def __repr__(self) -> str:
        return "Secret('***')"

    def __str__(self) -> str:
        return "***"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._text == self._text

    def __hash__(self) -> int:
        return hash(self._text)


@dataclass(frozen=True, slots=True)
class Connection:
    """A cluster and how to prove who one is.

    Parameters
    ----------
    servers
        ``host:port`` of some brokers, with commas between them.
    tls
        Whether to encrypt; the other ``tls_`` options ask for it, too.
    tls_ca, tls_cert, tls_key
        PEM files: who is trusted (the system's authorities by default), and the client's
        own certificate with its key.
    tls_key_password
        Of the key file.
    sasl_mechanism
        ``PLAIN``, ``SCRAM-SHA-256`` or ``SCRAM-SHA-512``; with ``sasl_user`` and
        ``sasl_password``.
    timeout
        Seconds that a first answer of the cluster may take.

    Raises
    ------
    ConfigError
        Options contradict each other.

    Examples
    --------
    >>> Connection("b:9092", sasl_mechanism="PLAIN", sasl_user="u", sasl_password=Secret("p"))
    ... # doctest: +ELLIPSIS
    Connection(servers='b:9092', ..., sasl_password=Secret('***'), timeout=10.0)
    """

    servers: str
    tls: bool = option("Encrypt the connection to Kafka.", default=False)
    tls_ca: str | None = option(
        "PEM file of whom to trust; implies --tls.", metavar="FILE", reads=True
    )
    tls_cert: str | None = option(
        "PEM file of the client's certificate.", metavar="FILE", reads=True
    )
    tls_key: str | None = option("PEM file of its key.", metavar="FILE", reads=True)
    tls_key_password: Secret | None = option(
        "Of the key; better as STREAMML_TLS_KEY_PASSWORD or in the config file.",
        metavar="TEXT",
        parse=Secret,
        secret=True,
    )
    sasl_mechanism: str | None = option("PLAIN, SCRAM-SHA-256, SCRAM-SHA-512.", metavar="NAME")
    sasl_user: str | None = option("Who logs in.", metavar="NAME")
    sasl_password: Secret | None = option(
        "Better as STREAMML_SASL_PASSWORD or in the config file.",
        metavar="TEXT",
        parse=Secret,
        secret=True,
    )
    timeout: float = 10.0

    def __post_init__(self) -> None:
        if self.sasl_mechanism is not None:
            if self.sasl_mechanism not in _MECHANISMS:
                raise ConfigError(
                    f"There is no SASL mechanism {self.sasl_mechanism!r} here: "
                    f"use one of {', '.join(_MECHANISMS)}."
                )
            if self.sasl_user is None or self.sasl_password is None:
                raise ConfigError("SASL needs a user and a password: give both.")
        elif self.sasl_user is not None or self.sasl_password is not None:
            raise ConfigError("A SASL user or password is given: name the mechanism, too.")
        if (self.tls_cert is None) != (self.tls_key is None):
            raise ConfigError("A client certificate needs its key, and the key its certificate.")

    @property
    def encrypted(self) -> bool:
        """Whether TLS is used."""
        return self.tls or any((self.tls_ca, self.tls_cert, self.tls_key))

    @property
    def secrets(self) -> tuple[Secret, ...]:
        """What must not be shown."""
        return tuple(one for one in (self.tls_key_password, self.sasl_password) if one is not None)

    def client_options(self) -> dict[str, Any]:
        """The options of kafka-python's clients.

        Raises
        ------
        ConfigError
            A file of TLS cannot be used.
        """
        sasl = "SASL_" if self.sasl_mechanism else ""
        options: dict[str, Any] = {
            "bootstrap_servers": self.servers.split(","),
            "security_protocol": sasl + ("SSL" if self.encrypted else "PLAINTEXT"),
            "bootstrap_timeout_ms": int(self.timeout * 1000),
            "reconnect_backoff_max_ms": 1000,
            "metrics_enabled": False,
        }
        if self.encrypted:
            options["ssl_context"] = self._tls_context()
        if self.sasl_mechanism:
            assert self.sasl_password is not None
            options |= {
                "sasl_mechanism": self.sasl_mechanism,
                "sasl_plain_username": self.sasl_user,
                "sasl_plain_password": self.sasl_password.reveal(),
            }
        return options

    def _tls_context(self) -> ssl.SSLContext:
        """Made here, so that a mistake is told at once and not after many attempts."""
        import ssl

        try:
            context = ssl.create_default_context(cafile=self.tls_ca)
        except OSError as error:
            raise ConfigError(
                f"--tls-ca {self.tls_ca} cannot be used ({_reason(error)}): name a PEM file "
                "with the certificates of those who are trusted."
            ) from None
        if self.tls_cert is not None:
            secret = self.tls_key_password
            try:  # an empty password, for with none OpenSSL would ask at the terminal
                password = "" if secret is None else secret.reveal()
                context.load_cert_chain(self.tls_cert, self.tls_key, password)
            except OSError as error:
                raise ConfigError(
                    f"--tls-cert {self.tls_cert} with --tls-key {self.tls_key} cannot be used "
                    f"({_reason(error)}): check the files and the key's password."
                ) from None
        return context


def _reason(error: OSError) -> str:
    import ssl

    if isinstance(error, ssl.SSLError):
        return (error.reason or "no PEM file, or a wrong password").replace("_", " ").lower()
    return error.strerror or type(error).__name__


def parse_partitions(text: str) -> tuple[int, ...]:
    """``"0,2-4"``: partition numbers.

    Raises
    ------
    ConfigError
        It is no such list.

    Examples
    --------
    >>> parse_partitions("0,2-4")
    (0, 2, 3, 4)
    """
    found: set[int] = set()
    for part in text.split(","):
        match = re.fullmatch(r"\s*(\d{1,6})(?:-(\d{1,6}))?\s*", part)
        if match is None or int(match[2] or match[1]) < int(match[1]):
            raise ConfigError(f"{text!r} names no partitions: write numbers like 0,2-4.")
        found.update(range(int(match[1]), int(match[2] or match[1]) + 1))
    return tuple(sorted(found))


@dataclass(frozen=True, slots=True)
class Input:
    """What is read, and as whom.

    Parameters
    ----------
    topics
        With events.
    labels_topic
        With labels that come later, or ``None`` where events bring theirs.
    group
        Consumer group.
    instance
        Name of this process in the group, kept over restarts: a restart within
        ``session_timeout`` moves no partition.
    labels
        Names of labels that are known beforehand, in column order; others may come.
    text
        The field with the text, for an embedding stage, or ``None``.
    partitions
        Pins these partitions of every topic to this process; the group assigns none then.
    start
        Where to begin in a partition that nobody of the group has read.
    until_end
        Stop at what the log held when reading began.
    isolation_level
        Whether records of transactions are read once these are committed, and aborted ones
        never, or all as they come.
    max_message
        Bytes; a larger record is a dead letter.
    max_features, max_labels
        Caps of the vocabularies: a poisoned event must not take all memory.
    look_ahead
        Records of a partition held at most while others are merged with them.
    session_timeout
        Seconds without a sign of life until the group lets others take over.

    Raises
    ------
    ConfigError
        A topic, the group or a number cannot be used.
    """

    topics: tuple[str, ...]
    labels_topic: str | None = option("Labels that come after their events.", metavar="TOPIC")
    group: str = option("Consumer group.", metavar="NAME", default="streamml")
    instance: str | None = option(
        "This process's name in the group: a quick restart moves no partition.", metavar="NAME"
    )
    labels: tuple[str, ...] = ()
    text: str | None = None
    partitions: tuple[int, ...] | None = option(
        "Pin these partitions; the group assigns none.", metavar="0,2-4", parse=parse_partitions
    )
    start: Literal["earliest", "latest"] = option(
        "Where to begin in a partition that the group has not read.", default="earliest"
    )
    until_end: bool = option("Stop at what the topics hold at the start.", default=False)
    isolation_level: Literal["read_committed", "read_uncommitted"] = option(
        "Whether records of aborted and open transactions are left out.",
        default="read_committed",
    )
    max_message: int = option(
        "A larger record is a dead letter.", metavar="BYTES", default=1_048_576, least=1
    )
    max_features: int | None = option(
        "Cap of the names; features beyond it are left out.",
        metavar="N",
        default=100_000,
        least=1,
    )
    max_labels: int | None = option(
        "Cap of the names; an event beyond it is a dead letter.",
        metavar="N",
        default=5_000,
        least=1,
    )
    look_ahead: int = 8_192
    session_timeout: float = option(
        "Without a sign of life for so long, others take over.",
        metavar="SECONDS",
        default=45.0,
        least=1,
    )

    all_topics: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        extra = () if self.labels_topic is None else (self.labels_topic,)
        object.__setattr__(self, "all_topics", (*self.topics, *extra))
        for topic in self.all_topics:
            if not _TOPIC.fullmatch(topic):
                raise ConfigError(f"{topic!r} is no name of a topic: use letters, digits, . _ -.")
        if not self.topics or len(set(self.all_topics)) != len(self.all_topics):
            raise ConfigError("Name every topic once, and at least one with events.")
        if not self.group:
            raise ConfigError("The consumer group needs a name.")
        if self.max_message < 1 or self.look_ahead < 1 or self.session_timeout <= 0:
            raise ConfigError("max_message, look_ahead and session_timeout must be above 0.")


def parse_url(url: str) -> tuple[str, tuple[str, ...]]:
    """Brokers and topics of ``kafka://HOST:PORT[,HOST:PORT]/TOPIC[,TOPIC]``.

    Raises
    ------
    ConfigError
        It is no such address.

    Examples
    --------
    >>> parse_url("kafka://localhost:9092/events")
    ('localhost:9092', ('events',))
    """
    match = _URL.fullmatch(url)
    if match is None or "@" in match[1]:
        raise ConfigError(f"{_masked(url)} is no Kafka address: write kafka://HOST:PORT/TOPIC.")
    servers = ",".join(s if ":" in s else f"{s}:9092" for s in match[1].split(","))
    return servers, tuple(match[2].split(","))


def _masked(url: str) -> str:
    """An address without what may be a password."""
    return re.sub(r"//[^/]*@", "//***@", url)
