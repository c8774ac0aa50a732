"""What the client does in a rebalance, and what it calls."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from streamml_connectors.kafka.client import kafka

__all__ = ["listener", "range_assignor"]


def range_assignor() -> Any:
    """Gives the same partitions of all topics to one process, so that labels meet events."""
    kafka()
    from kafka.coordinator.assignors.range import RangePartitionAssignor

    return RangePartitionAssignor


def listener(
    revoked: Callable[[], dict[Any, Any]],
    assigned: Callable[[Any], None],
    lost: Callable[[], None],
    consumer: Any,
) -> Any:
    """What the client calls when partitions come and go.

    It runs on the client's own thread while the reading thread waits inside ``poll``, so
    that the two never work at the same time.

    Parameters
    ----------
    revoked
        Called before all partitions are taken away; gives the offsets to commit.
    assigned
        Called with the partitions that come.
    lost
        Called where they went without asking.
    consumer
        Commits.
    """

    class Listener(kafka().AsyncConsumerRebalanceListener):  # type: ignore[misc]
        async def on_partitions_revoked(self, partitions: Any) -> None:
            # kafka-python 3.0 forgets a rejoin that metadata asked for if a poll times out
            # while it is under way: its answer is never taken, and nothing is read again.
            consumer._coordinator.request_rejoin()
            if partitions:
                commits = revoked()
                if commits:
                    with suppress(kafka().errors.UnknownTopicOrPartitionError):  # deleted
                        await consumer.commit_async(commits)

        async def on_partitions_assigned(self, partitions: Any) -> None:
            assigned(partitions)

        async def on_partitions_lost(self, partitions: Any) -> None:
            if partitions:
                lost()

    return Listener()
