"""Pieces of a stream on their way through the stage: read, embedded, handed out; bounded."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from threading import Condition

from streamml.io import JSON
from streamml.types import DeadLetter, EventBatch

__all__ = ["Flow", "Piece"]


@dataclass(slots=True)
class Piece:
    """What one call of a source gave.

    Attributes
    ----------
    raw
        Its events, as the source gave them.
    letters
        What became no event.
    after
        The source's position behind it.
    embedded
        The same events with vectors for features, once they have them.
    since
        When it was read, on the clock of :func:`time.monotonic`.
    """

    raw: EventBatch
    letters: list[DeadLetter]
    after: Mapping[str, JSON]
    embedded: EventBatch | None = None
    since: float = field(default_factory=time.monotonic)


class Flow:
    """Two queues in a row between three threads, and one bound on the events in both.

    Parameters
    ----------
    ahead
        Largest number of events that are read and not handed out.
    """

    def __init__(self, ahead: int) -> None:
        self.ahead = ahead
        self.stopped = False
        self._changed = Condition()
        self._events = 0  # reserved or in a queue
        self._read: deque[Piece] = deque()
        self._done: deque[Piece] = deque()
        self._ended = [False, False]  # reading, embedding
        self._error: BaseException | None = None

    @property
    def depth(self) -> int:
        """Events read, or about to be, and not handed out."""
        return self._events

    # -- reader ------------------------------------------------------------------------

    def reserve(self, n: int) -> bool:
        """Wait until ``n`` more events may be read; false: stop."""
        with self._changed:
            while not self._over() and self._events + n > self.ahead:
                self._changed.wait()
            self._events += n
            return not self._over()

    def release(self, n: int) -> None:
        """``n`` reserved events were not read, or were handed out."""
        if n:
            with self._changed:
                self._events -= n
                self._changed.notify_all()

    def put(self, piece: Piece) -> None:
        """A piece was read."""
        self._append(self._read, [piece])

    # -- embedder ----------------------------------------------------------------------

    def take_batch(self, most: int, wait: float) -> list[Piece]:
        """Pieces of ``most`` events in all, or of fewer once the first waited ``wait`` seconds.

        Empty at the end of what was read, and when stopped.
        """
        with self._changed:
            while not (self._read or self._ended[0] or self.stopped):
                self._changed.wait()
            while self._read and not (self._ended[0] or self.stopped):
                left = self._read[0].since + wait - time.monotonic()
                if left <= 0 or self._waiting() >= most:
                    break
                self._changed.wait(left)
            return [] if self.stopped else self._cut(most)

    def put_done(self, pieces: list[Piece]) -> None:
        """Pieces were embedded."""
        self._append(self._done, pieces)

    def end(self, stage: int, error: BaseException | None = None) -> None:
        """Nothing more comes of reading (0) or embedding (1), because of ``error`` if given."""
        with self._changed:
            self._ended[stage] = True
            if self._error is None:
                self._error = error
            self._changed.notify_all()

    # -- whoever takes what is ready ---------------------------------------------------

    def take_done(self, timeout: float) -> Piece | None:
        """The next embedded piece; ``None``: none within ``timeout`` seconds, or the end.

        Raises
        ------
        BaseException
            What ended the flow, once everything before it was taken.
        """
        with self._changed:
            if not (self._done or self._ended[1] or self.stopped):
                self._changed.wait(timeout)
            if self._done:
                return self._done.popleft()
            if self._ended[1] and self._error is not None:
                raise self._error
            return None

    @property
    def next_size(self) -> int | None:
        """Events of the next embedded piece, ``None`` where none is ready."""
        with self._changed:
            return len(self._done[0].raw) if self._done else None

    @property
    def finished(self) -> bool:
        """Whether nothing more will come."""
        with self._changed:
            return self.stopped or (self._ended[1] and not self._done)

    def stop(self) -> None:
        """Wake everybody, so that they end."""
        with self._changed:
            self.stopped = True
            self._changed.notify_all()

    # -- within ------------------------------------------------------------------------

    def _over(self) -> bool:
        return self.stopped or self._ended[1]

    def _append(self, queue: deque[Piece], pieces: list[Piece]) -> None:
        with self._changed:
            queue.extend(pieces)
            self._changed.notify_all()

    def _waiting(self) -> int:
        return sum(len(piece.raw) for piece in self._read)

    def _cut(self, most: int) -> list[Piece]:
        pieces: list[Piece] = []
        total = 0
        while self._read and (not pieces or total + len(self._read[0].raw) <= most):
            piece = self._read.popleft()
            total += len(piece.raw)
            pieces.append(piece)
        return pieces
