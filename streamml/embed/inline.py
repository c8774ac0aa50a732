"""The stage for a source whose position others see: embeds what is handed out, at once.

A log that several processes share may be taken away between two reads, and what was read
ahead with it. So here nothing is: a batch is what the source gave, and the position the
source's own.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping

from streamml.embed.embedder import Embedder, identity, need_text, refuse_another
from streamml.embed.encoder import BatchEncoder
from streamml.embed.rows import finite_only, with_features
from streamml.embed.status import EmbeddingStatus
from streamml.embed.vectors import EmbeddedSchema
from streamml.errors import DataError
from streamml.io import JSON, Committing, Source
from streamml.io.behind import Behind
from streamml.types import DeadLetter, EventBatch, Schema

__all__ = ["InlineEmbeddingSource"]


class InlineEmbeddingSource(Behind):
    """A :class:`streamml.io.Source` that embeds each batch of another one in the same thread.

    Rows that bring labels only pass as they are. It is :class:`~streamml.io.Committing`
    where the source is; whatever else that offers can be used through this one.

    Parameters
    ----------
    source, embedder, batch, fallback, tell
        As in :class:`~streamml.embed.stage.EmbeddingSource`.

    Raises
    ------
    ConfigError
        The embedder reads text and the source has none.

    Examples
    --------
    >>> from streamml.embed.projection import SparseProjection
    >>> from streamml.streams import DemoStream
    >>> source = InlineEmbeddingSource(DemoStream(), SparseProjection(8))
    >>> source.next_batch(3).x_indptr.tolist(), source.snapshot()["source"]["position"]
    ([0, 8, 16, 24], 3)
    """

    def __init__(
        self,
        source: Source,
        embedder: Embedder,
        *,
        batch: int = 32,
        fallback: bool = False,
        tell: Callable[[str], None] | None = None,
    ) -> None:
        need_text(source, embedder)
        super().__init__(source)
        self.embedder = embedder
        self._encoder = BatchEncoder(
            embedder, batch, fallback=fallback, tell=tell or logging.getLogger(__name__).warning
        )
        self._names = EmbeddedSchema(source.schema, embedder)
        self._letters: list[DeadLetter] = []
        self._failed: Exception | None = None
        if isinstance(source, Committing):  # so that this is one where the source is
            self.commit, self.partitions = self._commit, source.partitions

    def _commit(self, snapshot: Mapping[str, JSON]) -> None:
        """All up to this position, one that :meth:`snapshot` gave, is safely stored."""
        self.source.commit(_position(snapshot))  # type: ignore[attr-defined]

    @property
    def schema(self) -> Schema:
        """Columns of the vector, numeric features beside a text, and the source's labels."""
        return self._names.schema

    @property
    def length(self) -> int | None:
        """Of the source."""
        return self.source.length

    @property
    def embedding_status(self) -> EmbeddingStatus:
        """How it is doing; nothing ever waits."""
        return self._encoder.status(0)

    def next_batch(self, max_events: int) -> EventBatch | None:
        """What the source gives, embedded.

        Raises
        ------
        DeviceError
            The device is lost: the position stays before these events.
        """
        if self._failed is not None:
            raise self._failed
        before = self.source.snapshot()
        raw = self.source.next_batch(max_events)
        if raw is None:
            return None
        try:
            vectors = self._encoder.encode(with_features(raw))
        except Exception as error:
            self._failed, self._before = error, before
            raise
        batch, letters = finite_only(self._names.embedded(raw, vectors), self.embedder.name)
        self._letters += letters
        if len(raw):
            self._names.grow(int(raw.n_features[-1]), int(raw.n_labels[-1]))
        return batch

    def take_dead_letters(self) -> list[DeadLetter]:
        """What could not be used since the last call."""
        letters, self._letters = self._letters, []
        return [*self.source.take_dead_letters(), *letters]

    def snapshot(self) -> Mapping[str, JSON]:
        """The source's position, and which embedder it is for."""
        at = self.source.snapshot() if self._failed is None else self._before
        return {"embedder": identity(self.embedder), "source": at, **self._names.snapshot(None)}

    def restore(self, snapshot: Mapping[str, JSON]) -> None:
        """Go to a position that :meth:`snapshot` gave.

        Raises
        ------
        SchemaError
            It was taken with another embedder.
        DataError
            It is no position of this source.
        """
        refuse_another(snapshot.get("embedder"), self.embedder)
        self.source.restore(_position(snapshot))
        self._names = EmbeddedSchema(self.source.schema, self.embedder)
        self._names.restore(snapshot)

    def close(self) -> None:
        """Close the source; safe to call twice."""
        self.source.close()


def _position(snapshot: Mapping[str, JSON]) -> Mapping[str, JSON]:
    """The source's own position."""
    at = snapshot.get("source")
    if not isinstance(at, Mapping):
        raise DataError("The snapshot holds no position: give what snapshot() gave.")
    return at
