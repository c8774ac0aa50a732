"""A source that reads another one ahead, embeds in batches, and keeps the order."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from functools import wraps
from threading import RLock, Thread
from typing import Any, Final

from streamml.embed.embedder import Embedder, identity, refuse_another
from streamml.embed.encoder import BatchEncoder
from streamml.embed.flow import Flow, Piece
from streamml.embed.held import from_json, to_json
from streamml.embed.rows import finite_only
from streamml.embed.status import EmbeddingStatus
from streamml.embed.vectors import EmbeddedSchema
from streamml.errors import ConfigError, ContractError, DataError
from streamml.io import JSON, Source
from streamml.io.behind import Behind
from streamml.types import DeadLetter, EventBatch, Schema

__all__ = ["ReadAhead"]

_PIECE: Final = 64  # most events read at once: what a snapshot may have to hold
_PATIENCE: Final = 0.1  # seconds before an empty batch says that nothing is ready
_JOIN: Final = 10.0  # seconds to wait for a thread that is at its last batch
_READING, _EMBEDDING = 0, 1


class ReadAhead(Behind):
    """Reads ahead, embeds in batches, and keeps the order: the stage for a source of one's own.

    The parameters are those of :class:`~streamml.embed.stage.EmbeddingSource`.
    """

    def __init__(
        self,
        source: Source,
        embedder: Embedder,
        *,
        batch: int,
        max_wait: float,
        ahead: int | None,
        fallback: bool,
        tell: Callable[[str], None],
    ) -> None:
        super().__init__(source)
        self.embedder = embedder
        self._batch, self._wait = batch, max_wait
        self._piece = -(-batch // -(-batch // _PIECE))
        self._encoder = BatchEncoder(embedder, batch, fallback=fallback, tell=tell)
        self._names = EmbeddedSchema(source.schema, embedder)
        self._flow = Flow(4 * batch if ahead is None else ahead)
        self._source_lock = RLock()
        self._threads: list[Thread] = []
        self._length: int | None = None
        self._after: Mapping[str, JSON] | None = None  # behind the piece handed out last
        self._rest: Piece | None = None  # of that piece
        self._letters: list[DeadLetter] = []
        self._closed = False

    def __getattr__(self, name: str) -> Any:
        """What the source offers beyond the protocol; its methods wait for the reader."""
        value = super().__getattr__(name)
        if not callable(value):
            return value

        @wraps(value)
        def locked(*args: Any, **kwargs: Any) -> Any:
            with self._source_lock:
                return value(*args, **kwargs)

        return locked

    @property
    def schema(self) -> Schema:
        """Columns of the vector, numeric features beside a text, and the source's labels."""
        return self._names.schema

    @property
    def length(self) -> int | None:
        """Of the source, as it was before the first event."""
        return self._length if self._threads or self._closed else self.source.length

    @property
    def embedding_status(self) -> EmbeddingStatus:
        """How it is doing."""
        return self._encoder.status(max(self._flow.depth, 0))

    # -- handing out -------------------------------------------------------------------

    def next_batch(self, max_events: int) -> EventBatch | None:
        """As :meth:`~streamml.embed.EmbeddingSource.next_batch`."""
        if max_events < 1:
            raise ConfigError(f"max_events must be at least 1, not {max_events}.")
        if self._closed:
            raise ContractError(f"{self.name} is closed: open it again.")
        self._start()
        parts: list[EventBatch] = []
        total = 0
        while total < max_events and (piece := self._next_piece(waits=not parts)) is not None:
            parts.append(self._hand_out(piece, max_events - total))
            total += len(parts[-1])
        if not parts:
            return None if self._flow.finished else EventBatch.from_events([], self.schema)
        batch = parts[0] if len(parts) == 1 else EventBatch.concatenate(parts)
        if len(batch):
            n_features = int(batch.n_features[-1]) - self._names.dimensions
            self._names.grow(n_features, int(batch.n_labels[-1]))
        return batch

    def _next_piece(self, *, waits: bool) -> Piece | None:
        if self._rest is not None:
            return self._rest
        if not waits and self._flow.next_size is None:
            return None
        piece = self._flow.take_done(_PATIENCE)
        if piece is not None:
            self._letters += piece.letters
            self._after = piece.after
        return piece

    def _hand_out(self, piece: Piece, most: int) -> EventBatch:
        """At most ``most`` events of a piece; what is left of it stays."""
        assert piece.embedded is not None
        n, self._rest = len(piece.raw), None
        taken = piece.embedded
        if n > most:
            self._rest = Piece(
                piece.raw.slice(most, n), [], piece.after, piece.embedded.slice(most, n)
            )
            taken, n = piece.embedded.slice(0, most), most
        self._flow.release(n)
        taken, letters = finite_only(taken, self.embedder.name)
        self._letters += letters
        return taken

    def take_dead_letters(self) -> list[DeadLetter]:
        """What could not be used since the last call, of the events handed out."""
        letters, self._letters = self._letters, []
        return letters

    # -- reading and embedding, each in its thread -------------------------------------

    def _start(self) -> None:
        if self._threads:
            return
        if self._after is None:
            self._after = self.source.snapshot()
        self._length = self.source.length
        for stage, work in ((_READING, self._read), (_EMBEDDING, self._embed)):
            name = f"streamml-embed-{stage}"
            thread = Thread(target=self._guarded, args=(stage, work), name=name, daemon=True)
            self._threads.append(thread)
            thread.start()

    def _guarded(self, stage: int, work: Callable[[], None]) -> None:
        error: BaseException | None = None
        try:
            work()
        except BaseException as found:
            error = found
        self._flow.end(stage, error)

    def _read(self) -> None:
        while self._flow.reserve(self._piece):
            batch, letters, after, error = self._read_piece()
            got = len(batch) if batch is not None else 0
            self._flow.release(self._piece - got)
            if got or letters or batch is None:
                raw = batch if batch is not None else EventBatch.from_events([], self.source.schema)
                self._flow.put(Piece(raw, letters, after))
            if error is not None:
                raise error
            if batch is None:
                return

    def _read_piece(
        self,
    ) -> tuple[EventBatch | None, list[DeadLetter], Mapping[str, JSON], BaseException | None]:
        with self._source_lock:
            batch, error = None, None
            try:
                batch = self.source.next_batch(self._piece)
            except Exception as found:
                error = found
            return batch, self.source.take_dead_letters(), self.source.snapshot(), error

    def _embed(self) -> None:
        while pieces := self._flow.take_batch(self._batch, self._wait):
            whole = EventBatch.concatenate([piece.raw for piece in pieces])
            embedded = self._names.embedded(whole, self._encoder.encode(whole))
            start = 0
            for piece in pieces:
                stop = start + len(piece.raw)
                piece.embedded = embedded.slice(start, stop)
                start = stop
            self._flow.put_done(pieces)

    # -- positions ---------------------------------------------------------------------

    def snapshot(self) -> Mapping[str, JSON]:
        """Position after the last event handed out, and which embedder it is for."""
        rest = self._rest.raw if self._rest is not None else None
        return {
            "embedder": identity(self.embedder),
            "source": self._after if self._after is not None else self.source.snapshot(),
            "held": None if rest is None else to_json(rest),
            **self._names.snapshot(rest),
        }

    def restore(self, snapshot: Mapping[str, JSON]) -> None:
        """As :meth:`~streamml.embed.EmbeddingSource.restore`: before the first batch."""
        refuse_another(snapshot.get("embedder"), self.embedder)
        if self._threads:
            raise ContractError("A position is restored before the first batch: open it again.")
        after, held = snapshot.get("source"), snapshot.get("held")
        if not isinstance(after, Mapping):
            raise DataError(f"{snapshot!r} is no position here: give what snapshot() gave.")
        self.source.restore(after)
        self._names.restore(snapshot)
        self._after = after
        if isinstance(held, Mapping):
            raw = from_json(held, self.source.schema)
            self._flow.reserve(len(raw))
            self._flow.put(Piece(raw, [], after))

    def close(self) -> None:
        """Stop the threads and close the source; safe to call twice."""
        if self._closed:
            return
        self._closed = True
        self._flow.stop()
        for thread in self._threads:
            thread.join(_JOIN)
        with ExitStack() as stack:
            stack.callback(self.source.close)
