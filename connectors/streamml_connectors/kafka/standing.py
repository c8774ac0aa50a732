"""What the client knows of the log: how far it came, how far it can come, who still answers."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any, Final

from streamml_connectors.kafka.client import kafka

__all__ = ["Standing"]

_ANSWER_MS: Final = 500
_SILENCE: Final = 15.0  # seconds without a word of any broker: what is known of the log is old


class Standing:
    """Where a client stands in the logs it reads.

    For those who read committed records only, a log ends at its first open transaction.

    Parameters
    ----------
    consumer
        The client.
    """

    def __init__(self, consumer: Any) -> None:
        self._consumer = consumer
        self._open: dict[Any, int] = {}  # partition -> offset of its first open transaction
        self._heard = time.monotonic()  # when a broker last said something

    def came_to(self, partition: Any) -> int | None:
        """The offset it fetches next: beyond markers of transactions, which are no records."""
        state = self._consumer._subscription.assignment.get(partition)
        position = state.position if state is not None else None
        return None if position is None else int(position.offset)

    def look_up(self, partitions: Iterable[Any], due: Mapping[Any, int]) -> None:
        """Ask for partitions that brought nothing though their logs go on behind ``due``."""
        with suppress(kafka().errors.KafkaError):  # reading itself will tell what is wrong
            ends = self._consumer.end_offsets(list(partitions), timeout_ms=_ANSWER_MS)
            self._open = {p: due[p] for p, end in ends.items() if end <= due[p]}

    def end(self, partition: Any, due: int) -> int | None:
        """The end of a log, of which ``due`` is to be read next; ``None`` where not known."""
        if self._open.get(partition) == due:
            return due
        end: int | None = self._consumer.highwater(partition)
        return end

    def is_silent(self) -> bool:
        """Whether no broker has said anything for long."""
        connections = list(self._consumer._manager._conns.values())
        transports = [one.transport for one in connections if one.connected]
        self._heard = max([self._heard, *(one.last_read for one in transports if one)])
        return time.monotonic() - self._heard > _SILENCE
