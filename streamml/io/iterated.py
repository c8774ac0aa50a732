"""A loop over a source: its events, one after the other."""

from __future__ import annotations

from collections.abc import Iterator

from streamml.types import Event, EventBatch

__all__ = ["Iterated"]

_AHEAD = 256  # events read at once


class Iterated:
    """What a source is derived from so that ``for event in source`` gives its events.

    It reads some events ahead, so that the position of the source is ahead of the event that
    was handed out last: where positions are kept, ask for batches. Dead letters stay for
    :meth:`streamml.io.Source.take_dead_letters`.

    Examples
    --------
    >>> from streamml.streams import DemoStream
    >>> len(list(DemoStream(n_events=300)))
    300
    """

    def next_batch(self, max_events: int) -> EventBatch | None:
        """As in :class:`streamml.io.Source`."""
        raise NotImplementedError

    def __iter__(self) -> Iterator[Event]:
        while (batch := self.next_batch(_AHEAD)) is not None:
            yield from batch.events()
