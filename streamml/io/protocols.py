"""What a source and a sink are. Protocols only: readers and writers live in connectors."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol, runtime_checkable

from streamml.errors import StreamMLError
from streamml.io.operation import PartitionLag
from streamml.types import DeadLetter, EventBatch, Predictions, Schema

__all__ = [
    "JSON",
    "Committing",
    "DeadLetterSink",
    "Durable",
    "InputLost",
    "PredictionSink",
    "Source",
]

JSON = None | bool | int | float | str | Sequence["JSON"] | Mapping[str, "JSON"]


@runtime_checkable
class Source(Protocol):
    """Hands out a stream, batch by batch, in order.

    ``snapshot`` describes the position *after the last event handed out* and nothing
    else: a source restored from it hands out the event that would have come next.
    """

    @property
    def name(self) -> str:
        """What a person calls it: a path, a URL, ``"demo"``."""

    @property
    def schema(self) -> Schema:
        """Names of its columns; grows as events are handed out."""

    @property
    def length(self) -> int | None:
        """Number of events where it is known beforehand (for a progress bar)."""

    def next_batch(self, max_events: int) -> EventBatch | None:
        """The next 1 to ``max_events`` events; ``None`` at the end of the stream.

        A batch may be empty where everything read became a dead letter.
        """

    def take_dead_letters(self) -> list[DeadLetter]:
        """What could not be used since the last call; each is handed out once."""

    def snapshot(self) -> Mapping[str, JSON]:
        """Position after the last event handed out."""

    def restore(self, snapshot: Mapping[str, JSON]) -> None:
        """Go to a position that :meth:`snapshot` gave, before the first batch."""

    def close(self) -> None:
        """Let go of files and connections; safe to call twice."""


@runtime_checkable
class PredictionSink(Protocol):
    """Takes predictions, in order, as soon as they are made."""

    def write(self, batch: EventBatch, predictions: Predictions) -> None:
        """Write one prediction an event of ``batch``."""

    def close(self) -> None:
        """Flush and let go; safe to call twice."""


@runtime_checkable
class DeadLetterSink(Protocol):
    """Takes what could not be used."""

    def write(self, letters: Sequence[DeadLetter]) -> None:
        """Write the letters, in order."""

    def close(self) -> None:
        """Flush and let go; safe to call twice."""


class InputLost(StreamMLError):  # noqa: N818 - it says what happened, and is acted on
    """Others read on where this process was reading: go back to what is safely stored."""


@runtime_checkable
class Committing(Protocol):
    """A source whose position others see: told when it is safely stored.

    ``before_revoke`` is set by whoever runs the source; it is called, with the source at
    the last event handed out, before a part of the input goes to another process, and
    says whether all was stored.
    """

    before_revoke: Callable[[], bool] | None

    def commit(self, snapshot: Mapping[str, JSON]) -> None:
        """All up to this position, one that ``snapshot`` gave, is safely stored."""

    def partitions(self) -> tuple[PartitionLag, ...]:
        """What is read, and how far behind it is."""


@runtime_checkable
class Durable(Protocol):
    """A sink that can be resumed."""

    def snapshot(self) -> Mapping[str, JSON]:
        """Where it stands; what was written before survives a power cut once this returns."""

    def restore(self, snapshot: Mapping[str, JSON]) -> None:
        """Go back to where :meth:`snapshot` said it stood."""
