"""Why a broker cannot be reached, in words: the client says it in its log alone."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from streamml_connectors.kafka.settings import Connection

__all__ = ["in_words", "overheard"]


@contextmanager
def overheard() -> Iterator[list[str]]:
    """Collect why attempts to connect failed: the client itself raises a mere time-out."""
    causes: list[str] = []

    class Collector(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            found = list(record.args) if isinstance(record.args, tuple) else []
            if record.exc_info is not None:
                found.append(record.exc_info[1])
            causes.extend(str(one) for one in found if isinstance(one, Exception))

    logger, collector = logging.getLogger("kafka.net"), Collector()
    before = logger.level, logger.propagate
    logger.setLevel(logging.WARNING)
    logger.propagate = False
    logger.addHandler(collector)
    try:
        yield causes
    finally:
        logger.removeHandler(collector)
        logger.setLevel(before[0])
        logger.propagate = before[1]


def in_words(causes: Sequence[str], connection: Connection) -> str | None:
    """The most telling of the causes; ``None`` where none is known.

    A broker that refuses a login may close the connection before its answer is read, so
    that of several attempts not all tell the same.

    Examples
    --------
    >>> in_words(["socket disconnected", "111 ECONNREFUSED"], Connection("b:9092"))
    'nobody listens there'
    """
    said = "\n".join(causes)
    if "SaslAuthenticationFailed" in said:
        return "it does not accept the SASL user or password"
    if "UnsupportedSaslMechanism" in said:
        return f"it does not offer the SASL mechanism {connection.sasl_mechanism}"
    if match := re.search(r"certificate verify failed: ([^(\n]*)", said):
        return f"its TLS certificate is not trusted: {match[1].strip()}; see --tls-ca"
    if re.search(r"alert [a-z ]*certificate", said):
        return "it asks for a TLS certificate that it trusts; see --tls-cert"
    if "Handshake failed" in said:
        return "it speaks no TLS there"
    if "ECONNREFUSED" in said:
        return "nobody listens there"
    return _closed(connection) if "disconnected" in said else None


def _closed(connection: Connection) -> str:
    if connection.sasl_mechanism:
        return "it closed the connection: are SASL mechanism, user and password right?"
    if connection.encrypted:
        return "it closed the connection: does it ask for SASL, or for a certificate?"
    return "it closed the connection: does it ask for TLS or SASL?"
