"""A log with partitions in memory: what a group of processes shares, without a broker."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from streamml.errors import ContractError, DataError
from streamml.io import JSON, InputLost, Iterated
from streamml.io.operation import PartitionLag
from streamml.types import DeadLetter, Event, EventBatch, Schema

__all__ = ["CommittingSource"]

_NO_POSITION: Final = "The snapshot holds no position in a log: give what snapshot() gave."


class CommittingSource(Iterated):
    """A :class:`streamml.io.Committing` source: one process's share of a log in memory.

    Events come in the order of their timestamps, of equal ones the lower partition's
    first. A partition that comes to this process is read on from the position it knows,
    or from what another process of the group has committed since.

    Parameters
    ----------
    log
        The events of each partition, in order; the place there is an event's offset. One
        that cannot be used becomes a dead letter when its turn comes.
    group
        What the group has: partition -> committed offset, and who committed it. Two
        sources with the same mapping are two processes of one group.
    assigned
        Partitions that this process has from the start on; all by default.

    Attributes
    ----------
    before_revoke
        Called by :meth:`revoke`, while the partitions are still this process's.
    commits
        The offsets committed by this process, in order.
    refusing
        How many commits to come are refused.

    Examples
    --------
    >>> events = [Event(k, float(k), {"f": 1.0}, frozenset()) for k in range(9)]
    >>> source = CommittingSource([events[::2], events[1::2]])
    >>> source.at(4, lambda: source.revoke(1))
    >>> source.next_batch(9).ids, source.next_batch(9).ids
    ([0, 1, 2, 3], [4, 6, 8])
    >>> source.commit(source.snapshot())
    >>> source.commits
    [{0: 5}]
    """

    def __init__(
        self,
        log: Sequence[Iterable[Event]],
        group: dict[int, tuple[int, str]] | None = None,
        assigned: Iterable[int] | None = None,
        schema: Schema | None = None,
    ) -> None:
        self.before_revoke: Callable[[], bool] | None = None
        self.commits: list[dict[int, int]] = []
        self.refusing = 0
        self.closed = False
        self._log = [list(events) for events in log]
        self._group = {} if group is None else group
        self._owner = uuid.uuid4().hex
        self._schema = schema or Schema()
        self._known: dict[int, int] = {}  # where partitions were read to that are not ours now
        self._positions: dict[int, int] = {}
        self._handed = 0
        self._plan: list[tuple[int, Callable[[], object]]] = []
        self._lost = False
        self._letters: list[DeadLetter] = []
        self.assign(*(range(len(self._log)) if assigned is None else assigned))

    # -- what happens to it ------------------------------------------------------------

    def at(self, events: int, call: Callable[[], object]) -> None:
        """Make a call before the next batch once so many events were handed out."""
        self._plan.append((events, call))
        self._plan.sort(key=lambda planned: planned[0])

    def assign(self, *partitions: int) -> None:
        """Give partitions to this process."""
        for partition in partitions:
            self._positions[partition] = self._place(partition)

    def revoke(self, *partitions: int) -> None:
        """Take partitions away as a rebalance does: this process may store before they go.

        If that fails, what was learned of them is learned by others again: input is lost.
        """
        self._lost |= self.before_revoke is not None and not self.before_revoke()
        self._take_away(partitions)

    def lose(self, *partitions: int) -> None:
        """Take partitions away without asking, as from a process that was frozen."""
        self._lost = True
        self._take_away(partitions)

    def _take_away(self, partitions: Iterable[int]) -> None:
        for partition in partitions:
            self._known[partition] = self._positions.pop(partition)

    def _place(self, partition: int) -> int:
        known = self._known.get(partition)
        committed, owner = self._group.get(partition, (0, self._owner))
        if known is None:
            return committed
        return known if owner == self._owner else max(known, committed)

    # -- a source ----------------------------------------------------------------------

    @property
    def name(self) -> str:
        return "log in memory"

    @property
    def schema(self) -> Schema:
        return self._schema

    @property
    def length(self) -> int | None:
        """Not known: a log grows."""
        return None

    def next_batch(self, max_events: int) -> EventBatch | None:
        """The next events, none beyond a call that :meth:`at` planned; ``None`` at the end.

        Raises
        ------
        InputLost
            Partitions were taken away before what was learned of them was stored.
        """
        if self.closed:
            raise ContractError("The source is closed: open a new one.")
        while self._plan and self._plan[0][0] <= self._handed:
            self._plan.pop(0)[1]()
        if self._lost:
            self._lost = False
            raise InputLost("Partitions of this process were given to others.")
        if self._plan:
            max_events = min(max_events, self._plan[0][0] - self._handed)
        events = self._take(max_events)
        self._handed += len(events)
        return EventBatch.from_events(events, self._schema, self._letters) if events else None

    def _take(self, n: int) -> list[Event]:
        found: list[Event] = []
        while len(found) < n:
            heads = [
                (self._log[partition][offset].timestamp, partition)
                for partition, offset in self._positions.items()
                if offset < len(self._log[partition])
            ]
            if not heads:
                break
            _, first = min(heads)
            found.append(self._log[first][self._positions[first]])
            self._positions[first] += 1
        return found

    def take_dead_letters(self) -> list[DeadLetter]:
        letters, self._letters = self._letters, []
        return letters

    def snapshot(self) -> Mapping[str, JSON]:
        """Offsets of the next events, whose they are, and the names known by now."""
        offsets: dict[str, JSON] = {
            str(partition): offset
            for partition, offset in sorted({**self._known, **self._positions}.items())
        }
        return {"owner": self._owner, "offsets": offsets, "schema": self._schema.snapshot()}

    def restore(self, snapshot: Mapping[str, Any]) -> None:
        """Go to a position, at any time.

        Raises
        ------
        DataError
            It is none of such a log.
        """
        owner, names = snapshot.get("owner"), snapshot.get("schema")
        offsets = self._offsets_of(snapshot)
        if not isinstance(owner, str) or not isinstance(names, Mapping):
            raise DataError(_NO_POSITION)
        self._owner, self._known = owner, offsets
        self._schema.restore(names)
        self._letters.clear()
        self.assign(*self._positions)

    def _offsets_of(self, snapshot: Mapping[str, Any]) -> dict[int, int]:
        offsets = snapshot.get("offsets")
        if not isinstance(offsets, Mapping):
            raise DataError(_NO_POSITION)
        return {int(partition): int(offset) for partition, offset in offsets.items()}

    def close(self) -> None:
        self.closed = True

    # -- one that others see -----------------------------------------------------------

    def commit(self, snapshot: Mapping[str, Any]) -> None:
        """Tell the group that all up to this position is safely stored.

        Raises
        ------
        DataError
            It is refused, as was asked for; or it is no position.
        """
        offsets = self._offsets_of(snapshot)
        if self.refusing > 0:
            self.refusing -= 1
            raise DataError("The offsets were not committed (refused, as asked).")
        ours = {partition: offsets[partition] for partition in self._positions}
        self._group.update({partition: (at, self._owner) for partition, at in ours.items()})
        self.commits.append(ours)

    def partitions(self) -> tuple[PartitionLag, ...]:
        """What is read, and how many events it is behind."""
        return tuple(
            PartitionLag("log", partition, len(self._log[partition]) - offset)
            for partition, offset in sorted(self._positions.items())
        )
