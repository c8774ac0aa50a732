"""The stage: a source whose events are those of another one, embedded."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any

from streamml.embed.ahead import ReadAhead
from streamml.embed.embedder import Embedder, need_text
from streamml.embed.inline import InlineEmbeddingSource
from streamml.embed.status import EmbeddingStatus
from streamml.errors import ConfigError
from streamml.io import JSON, Committing, Source
from streamml.io.behind import Behind
from streamml.types import DeadLetter, EventBatch, Schema

__all__ = ["EmbeddingSource"]


class EmbeddingSource(Behind):
    """A :class:`streamml.io.Source` whose features are another source's events, embedded.

    One thread reads ahead, one embeds; whoever calls :meth:`next_batch` gets the events
    in order. A batch for the embedder is closed when it is full or its first event has
    waited long enough. Neither that nor the size of a batch changes a bit of what comes
    out on a CPU.

    A source whose position others see is not read ahead: a part of it may go to another
    process, and what was read ahead with it. Each of its batches is embedded when it is
    handed out, as by :class:`InlineEmbeddingSource`, and this source is
    :class:`~streamml.io.Committing`, too; it is that for no other.

    :meth:`snapshot` is the position after the last event handed out: the source's
    position behind the piece (at most 64 events) that this event stands in, and the rest
    of that piece. It names the embedder, and another one is refused.

    Other attributes and methods of the source can be used through this one; such calls
    wait while the source is being read.

    Parameters
    ----------
    source
        What is read; closed with this source.
    embedder
        What embeds.
    batch
        Largest number of events embedded at once, at least 1.
    max_wait
        Longest time in seconds that an event waits for its batch to fill, at least 0.
    ahead
        Largest number of events read and not handed out; four batches by default.
    fallback
        Whether to go on on the CPU when the device is lost, instead of ending with
        :class:`~streamml.errors.DeviceError` behind the last event that was embedded.
    tell
        Takes sentences for a person; by default they are logged.

    Raises
    ------
    ConfigError
        A number is out of its range, or the embedder reads text and the source has none.

    Examples
    --------
    >>> from streamml.embed.fourier import RandomFourierFeatures
    >>> from streamml.streams import DemoStream
    >>> source = EmbeddingSource(DemoStream(n_events=100), RandomFourierFeatures(32))
    >>> while not len(batch := source.next_batch(100)):
    ...     pass  # nothing was ready yet
    >>> batch.ids[0], source.schema.features[0], len(source.schema.features)
    (0, 'embedding[0]', 32)
    >>> source.close()
    """

    def __init__(
        self,
        source: Source,
        embedder: Embedder,
        *,
        batch: int = 32,
        max_wait: float = 0.02,
        ahead: int | None = None,
        fallback: bool = False,
        tell: Callable[[str], None] | None = None,
    ) -> None:
        if batch < 1:
            raise ConfigError(f"A batch holds at least 1 event, not {batch}.")
        if not 0 <= max_wait < float("inf"):
            raise ConfigError(f"The longest wait must be 0 seconds or more, not {max_wait}.")
        if ahead is not None and ahead < batch:
            raise ConfigError(f"Reading {ahead} events ahead fills no batch of {batch}: raise it.")
        need_text(source, embedder)
        super().__init__(source)
        self.embedder = embedder
        tell = tell or logging.getLogger(__name__).warning
        self._stage: InlineEmbeddingSource | ReadAhead
        if isinstance(source, Committing):
            self._stage = InlineEmbeddingSource(
                source, embedder, batch=batch, fallback=fallback, tell=tell
            )
            self.commit, self.partitions = self._stage.commit, self._stage.partitions
        else:
            self._stage = ReadAhead(
                source, embedder, batch=batch, max_wait=max_wait, ahead=ahead, fallback=fallback,
                tell=tell,
            )  # fmt: skip

    def __getattr__(self, name: str) -> Any:
        """What the source offers beyond the protocol."""
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self._stage, name)

    @property
    def schema(self) -> Schema:
        """Columns of the vector, numeric features beside a text, and the source's labels."""
        return self._stage.schema

    @property
    def length(self) -> int | None:
        """Of the source, as it was before the first event."""
        return self._stage.length

    @property
    def embedding_status(self) -> EmbeddingStatus:
        """How it is doing."""
        return self._stage.embedding_status

    def next_batch(self, max_events: int) -> EventBatch | None:
        """The next 1 to ``max_events`` events; ``None`` at the end.

        Empty where none was ready within a tenth of a second, so that who asks stays
        awake.

        Raises
        ------
        StreamMLError
            What ended the source or the embedder, once everything before it was handed out.
        """
        return self._stage.next_batch(max_events)

    def take_dead_letters(self) -> list[DeadLetter]:
        """What could not be used since the last call, of the events handed out."""
        return self._stage.take_dead_letters()

    def snapshot(self) -> Mapping[str, JSON]:
        """Position after the last event handed out, and which embedder it is for."""
        return self._stage.snapshot()

    def restore(self, snapshot: Mapping[str, JSON]) -> None:
        """Go to a position; before the first batch, but where the source is committing.

        Raises
        ------
        SchemaError
            It was taken with another embedder.
        ContractError
            Events were handed out already.
        DataError
            It is no position of this source.
        """
        self._stage.restore(snapshot)

    def close(self) -> None:
        """Stop the threads and close the source; safe to call twice."""
        self._stage.close()
