"""Any source in shuffled order, held in memory."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from streamml.errors import ConfigError, ContractError, DataError
from streamml.io import JSON, Iterated, Source
from streamml.types import DeadLetter, EventBatch, Schema
from streamml_connectors.files.batches import joined, taken

__all__ = ["ShuffledSource"]

_BATCH = 4096


class ShuffledSource(Iterated):
    r"""The events of a finite source in the order ``default_rng(seed).permutation(n)``.

    The source is read once, when the first event (or the length) is asked for. ``n``
    counts events, not dead letters. Events keep their identifiers; timestamps go with the
    place, not with the event, so that time runs forward. All names are known from the
    first event on.

    Parameters
    ----------
    source
        What to shuffle; closed with this source.
    seed
        Of the permutation.

    Examples
    --------
    >>> import tempfile
    >>> from streamml_connectors.files import JsonlSource
    >>> with tempfile.NamedTemporaryFile("w", suffix=".jsonl") as f:
    ...     _ = f.write("".join('{"x": {"f": %d}, "y": []}\n' % k for k in range(5)))
    ...     f.flush()
    ...     source = ShuffledSource(JsonlSource(f.name))
    ...     ids = source.next_batch(10).ids
    ...     source.close()
    >>> ids == np.random.default_rng(1).permutation(5).tolist()
    True
    """

    def __init__(self, source: Source, seed: int = 1) -> None:
        self.source = source
        self.seed = seed
        self._events: EventBatch | None = None
        self._position = 0
        self._closed = False

    def __getattr__(self, name: str) -> Any:
        """What a reader says beyond the protocol (``n_attributes``, ``left_out``)."""
        if name.startswith("_") or name == "source":
            raise AttributeError(name)
        return getattr(self.source, name)

    @property
    def name(self) -> str:
        """The name of the source."""
        return self.source.name

    @property
    def schema(self) -> Schema:
        """The names of the source."""
        return self.source.schema

    @property
    def length(self) -> int | None:
        """Number of events; reads the source if that was not done yet."""
        return len(self._load())

    def next_batch(self, max_events: int) -> EventBatch | None:
        """The next 1 to ``max_events`` events; ``None`` at the end."""
        if max_events < 1:
            raise ConfigError(f"max_events must be at least 1, not {max_events}.")
        if self._closed:
            raise ContractError(f"{self.name} is closed: open it again.")
        events, start = self._load(), self._position
        if start >= len(events):
            return None
        self._position = min(len(events), start + max_events)
        return events.slice(start, self._position)

    def _load(self) -> EventBatch:
        if self._events is None:
            batches = []
            while (batch := self.source.next_batch(_BATCH)) is not None:
                batches.append(batch)
            if not batches:
                batches = [EventBatch.from_events([], self.schema)]
            events = joined(batches)
            del batches
            order = np.random.default_rng(self.seed).permutation(len(events))
            shuffled = taken(events, order)
            shuffled.timestamps = np.sort(events.timestamps)
            shuffled.n_features[:] = len(self.schema.features)
            shuffled.n_labels[:] = len(self.schema.labels)
            self._events = shuffled
        return self._events

    def take_dead_letters(self) -> list[DeadLetter]:
        """Those of the source."""
        return self.source.take_dead_letters()

    def snapshot(self) -> Mapping[str, JSON]:
        """``{"events": n, "of": m}``: the number of events handed out, of how many."""
        if self._events is None:
            return {"events": self._position}
        return {"events": self._position, "of": len(self._events)}

    def restore(self, snapshot: Mapping[str, JSON]) -> None:
        """Go to a position before the first batch."""
        events = snapshot.get("events")
        if not isinstance(events, int) or isinstance(events, bool) or events < 0:
            raise DataError(
                f"{snapshot!r} is no position in a shuffled file: give what snapshot() gave, of a "
                "stream in shuffled order."
            )
        if self._position:
            raise ContractError("A position is restored before the first batch: open it again.")
        here = len(self._load())
        of = snapshot.get("of", here)  # their number decides on their order
        if events > here or (events and of != here):
            raise DataError(
                f"{self.name} has {here} events, and had {of} at the position "
                f"{events}: restore with the file it was taken from."
            )
        self._position = events
        if events:
            self.source.take_dead_letters()  # handed out before the snapshot

    def close(self) -> None:
        """Let go of the events and close the source; safe to call twice."""
        self._closed = True
        self._events = None
        self.source.close()
