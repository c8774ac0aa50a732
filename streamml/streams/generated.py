"""What streams that are generated as they are read share: positions, batches, an end."""

from __future__ import annotations

import abc
from collections.abc import Mapping
from typing import ClassVar

from streamml.errors import ContractError
from streamml.io import JSON, Iterated
from streamml.types import DeadLetter, EventBatch, Schema

__all__ = ["BLOCK", "GeneratedStream"]

BLOCK = 1_000
"""Events that share one random generator, where a stream is made in blocks."""


class GeneratedStream(Iterated, abc.ABC):
    """A :class:`streamml.io.Source` whose every position costs the same to reach.

    Attributes
    ----------
    n_events
        Length.
    """

    NAME: ClassVar[str]
    n_events: int

    _schema: Schema
    _position: int = 0
    _closed: bool = False

    @property
    def name(self) -> str:
        """What the stream is called."""
        return self.NAME

    @property
    def schema(self) -> Schema:
        """Names of its columns."""
        return self._schema

    @property
    def length(self) -> int | None:
        """Number of events."""
        return self.n_events

    def next_batch(self, max_events: int) -> EventBatch | None:
        """The next events; ``None`` at the end."""
        if self._closed:
            raise ContractError(f"The {self.name} stream is closed: open a new one.")
        if self._position >= self.n_events:
            return None
        start = self._position
        end = min(start + max(max_events, 1), self.n_events, self._together(start))
        self._go_to(end)
        return self._events(start, end)

    def take_dead_letters(self) -> list[DeadLetter]:
        """None: every event can be used."""
        return []

    def snapshot(self) -> Mapping[str, JSON]:
        """What the stream is, and the number of events handed out."""
        return {**self._identity(), "position": self._position}

    def restore(self, snapshot: Mapping[str, JSON]) -> None:
        """Go to a position that a stream with the same parameters gave."""
        if any(snapshot.get(key) != value for key, value in self._identity().items()):
            raise ContractError(
                f"The snapshot is not of a {self.name} stream with these parameters: "
                "open the stream with the same ones."
            )
        position = snapshot.get("position")
        if not isinstance(position, int) or not 0 <= position <= self.n_events:
            raise ContractError(f"The snapshot's position {position!r} is not in the stream.")
        self._go_to(position)

    def close(self) -> None:
        """No event comes after it."""
        self._closed = True

    @abc.abstractmethod
    def _events(self, start: int, end: int) -> EventBatch:
        """The events from ``start`` to before ``end``."""

    @abc.abstractmethod
    def _identity(self) -> dict[str, JSON]:
        """The parameters that decide what the events are."""

    def _together(self, start: int) -> int:
        # Never across a block: then a batch is a slice, and costs no copy.
        return start - start % BLOCK + BLOCK

    def _go_to(self, position: int) -> None:
        self._position = position
