"""kafka-python's clients: made here, and their errors put into words."""

from __future__ import annotations

import logging
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from streamml.errors import DataError, MissingDependencyError, install_hint
from streamml_connectors.kafka.diagnosis import in_words, overheard
from streamml_connectors.kafka.settings import Connection

__all__ = ["kafka", "make_admin", "make_consumer", "make_producer", "refused", "unreachable"]


@cache
def kafka() -> Any:
    """The client library.

    Raises
    ------
    MissingDependencyError
        It is not installed.
    """
    try:
        import crc32c  # noqa: F401  # without it checksums are computed in Python: 20 times slower

        with warnings.catch_warnings():  # its own use of the standard library, on Python 3.11
            warnings.simplefilter("ignore", DeprecationWarning)
            import kafka
    except ImportError as error:
        raise MissingDependencyError(f"Kafka needs its client: {install_hint('kafka')}.") from error
    logging.getLogger("kafka").setLevel(logging.CRITICAL)  # what matters is told by us
    return kafka


@contextmanager
def unreachable(connection: Connection) -> Iterator[None]:
    """Turn a failure to connect into one sentence."""
    errors = kafka().errors
    with overheard() as causes:
        try:
            yield
        except (errors.KafkaError, OSError, ValueError, AssertionError) as error:
            why = in_words(causes, connection) or _short(error)
            for secret in connection.secrets:
                why = why.replace(secret.reveal(), "***")
            raise DataError(
                f"Kafka at {connection.servers} cannot be reached ({why}): "
                "check the address, and TLS and SASL options."
            ) from None  # the cause may quote options


@contextmanager
def refused(what: str) -> Iterator[None]:
    """Turn a failed request into one sentence."""
    errors = kafka().errors
    try:
        yield
    except errors.UnsupportedCodecError as error:
        if (codec := re.search(r"Libraries for (\w+) ", str(error))) is None:
            raise DataError(f"{what} ({_short(error)}).") from None
        raise MissingDependencyError(
            f"{what}: records are compressed with {codec[1]}, whose library is not installed: "
            f"{install_hint('kafka')}."
        ) from error
    except errors.KafkaError as error:
        raise DataError(f"{what} ({_short(error)}).") from None


def _short(error: BaseException) -> str:
    text = str(error).splitlines()[0][:120] if str(error) else ""
    text = text.removeprefix(f"{type(error).__name__}: ")  # its errors begin with their name
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def make_consumer(connection: Connection, **options: Any) -> Any:
    """A consumer that is connected."""
    options |= connection.client_options()
    with unreachable(connection):
        return kafka().KafkaConsumer(**options)


def make_producer(connection: Connection, **options: Any) -> Any:
    """A producer that is connected, and repeats what was not acknowledged."""
    defaults = {
        "acks": "all",
        "enable_idempotence": True,
        "linger_ms": 2,
        "batch_size": 131_072,
        "max_request_size": 10_485_760,
        "delivery_timeout_ms": 86_400_000,  # a broker may be gone for long: nothing is given up
        "max_block_ms": int(connection.timeout * 1000),
    }
    options = defaults | options | connection.client_options()
    with unreachable(connection):
        return kafka().KafkaProducer(**options)


def make_admin(connection: Connection) -> Any:
    """An administration client."""
    options = connection.client_options()
    del options["metrics_enabled"]  # it has none
    with unreachable(connection):
        return kafka().KafkaAdminClient(**options)
