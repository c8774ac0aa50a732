"""Events and labels from topics, merged in one defined order, resumable at any record."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, Final

from streamml.errors import ConfigError, ContractError, DataError
from streamml.io import JSON, InputLost, Iterated
from streamml.io.operation import PartitionLag
from streamml.types import DeadLetter, EventBatch, Schema
from streamml_connectors.kafka.client import kafka, make_consumer, refused
from streamml_connectors.kafka.decode import Decoder
from streamml_connectors.kafka.intake import Intake
from streamml_connectors.kafka.placing import NO_POSITION, Placing, name_of, offsets_of
from streamml_connectors.kafka.rebalance import listener, range_assignor
from streamml_connectors.kafka.settings import Connection, Input
from streamml_connectors.kafka.standing import Standing

__all__ = ["KafkaSource"]

_NAP_MS: Final = 100  # an empty batch is handed out after this long, so that a stop is heard
_AT_ONCE: Final = 512  # records in a batch at most: the first waits for the last
_COMMIT_MS: Final = 5_000
_CLOSE_MS: Final = 3_000


class KafkaSource(Iterated):
    """A :class:`streamml.io.Source` of Kafka topics.

    Events and labels come as :class:`~streamml.join.Arrivals` in the order of
    :mod:`~streamml_connectors.kafka.merge`. The position is one offset a partition, that
    of the next record to hand out. Where to begin in a partition is decided so:

    1. the position restored from a snapshot, unless another process of the group has
       committed an offset since (then the partition was there in the meantime: its offset);
    2. the offset committed in the group;
    3. ``start``.

    Where the log no longer has that offset, :func:`~streamml_connectors.kafka.lost.found_again`
    says where to go on; it is told to ``problem`` and is a dead letter.

    Parameters
    ----------
    connection, what
        The cluster, and what is read of it.
    problem
        Told, in one sentence, where records are gone that were to be read.

    Attributes
    ----------
    before_revoke
        Called before partitions are taken away, with the source at the last record handed
        out; what it commits is committed while they are still this process's. Gives
        whether all was stored.

    Raises
    ------
    DataError
        The cluster cannot be reached.
    ConfigError
        A topic is not there.
    """

    def __init__(
        self,
        connection: Connection,
        what: Input,
        problem: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._what = what
        self.name = f"kafka://{connection.servers}/{','.join(what.topics)}"
        self.schema = Schema(
            [], what.labels, what.max_features, what.max_labels, takes_text=what.text is not None
        )
        self.before_revoke: Callable[[], bool] | None = None
        self._decoder = self._new_decoder()
        self._intake = Intake()
        self._fresh: set[Any] = set()  # assigned, not placed yet
        self._lost = False
        self._commits: dict[Any, Any] | None = None  # collected while in a rebalance
        self._letters: list[DeadLetter] = []
        self._closed = False
        self._consumer = make_consumer(
            connection,
            group_id=what.group,
            group_instance_id=what.instance,
            enable_auto_commit=False,
            auto_offset_reset="none",  # records that are gone are told of: nothing is skipped
            isolation_level=what.isolation_level,
            allow_auto_create_topics=False,
            session_timeout_ms=int(what.session_timeout * 1000),
            heartbeat_interval_ms=int(what.session_timeout * 1000 / 4),
            max_partition_fetch_bytes=4_194_304,
            partition_assignment_strategy=[range_assignor()],
        )
        self._standing = Standing(self._consumer)
        self._placing = Placing(connection, self._consumer, what, problem)
        try:
            self._subscribe()
        except BaseException:
            self.close()
            raise

    def _new_decoder(self) -> Decoder:
        what = self._what
        return Decoder(self.schema, what.labels_topic, what.max_message, what.text)

    def _subscribe(self) -> None:
        TopicPartition = kafka().TopicPartition
        with refused("Its topics cannot be looked up"):
            for topic in self._what.all_topics:
                if not self._consumer.partitions_for_topic(topic):
                    raise ConfigError(f"There is no topic {topic}: create it, or check its name.")
            if self._what.partitions is None:
                topics = list(self._what.all_topics)
                self._consumer.subscribe(
                    topics,
                    listener=listener(
                        self._revoked, self._assigned, self._forfeited, self._consumer
                    ),
                )
                return
            chosen = [
                TopicPartition(topic, number)
                for topic in self._what.all_topics
                for number in self._what.partitions
                if number in self._consumer.partitions_for_topic(topic)
            ]
            if not chosen:
                raise ConfigError("No topic has a partition of those that --partitions names.")
            self._consumer.assign(chosen)
            self._assigned(chosen)

    @property
    def length(self) -> int | None:
        """Not known: topics have no end."""
        return None

    # -- reading -----------------------------------------------------------------------

    def next_batch(self, max_events: int) -> EventBatch | None:
        """The next arrivals; none where nothing came for a moment.

        ``None`` only with ``until_end``, at what was the end when reading began.

        Raises
        ------
        InputLost
            The group has given partitions to others without asking (this process was
            frozen or cut off for too long): go back to the last snapshot.
        """
        if self._closed:
            raise ContractError(f"{self.name} is closed: open it again.")
        max_events = min(max_events, _AT_ONCE)
        self._fill(max_events)
        records = self._intake.take(max_events, self._unread())
        if not records:
            return None if self._at_end() else EventBatch.from_events([], self.schema)
        moments = [self._intake.fetched_at(record) for record in records]
        arrivals, letters = self._decoder.decode(records, moments)
        self._letters += letters
        return arrivals

    def _fill(self, wanted: int) -> None:
        """Fetch until something can be handed out, or for a moment."""
        until = time.monotonic() + _NAP_MS / 1000
        while True:
            waits = self._waits()
            if not waits and len(self._intake) >= wanted:
                return
            left = until - time.monotonic() if waits else 0.0
            found = self._poll(max(int(left * 1000), 0))
            if self._lost:
                self._lost = False
                raise InputLost("The group gave partitions of this process to others.")
            if self._fresh:
                self._place()  # what was polled of them stood at the wrong place
            for partition, records in found.items():
                self._intake.add(partition, records, self._what.until_end)
            self._reach()
            self._hold_back()
            if not self._waits():
                return
            if time.monotonic() >= until:
                self._look_up_ends()
                return

    def _poll(self, milliseconds: int) -> dict[Any, list[Any]]:
        errors = kafka().errors
        found: dict[Any, list[Any]] = {}
        with refused("Reading failed"):
            try:
                found = self._consumer.poll(timeout_ms=milliseconds, max_records=_AT_ONCE)
            except errors.NoOffsetForPartitionError:
                pass  # they are new here, and placed now
            except errors.OffsetOutOfRangeError as error:
                self._find_again(dict.fromkeys(error.args[0]))
            except errors.LogTruncationError as error:
                self._find_again(error.divergent_offsets)
            if anew := self._placing.made_anew(self._intake.positions):
                self._find_again(dict.fromkeys(anew))
                return {}  # it may be of both
        return found

    def _waits(self) -> bool:
        """Whether nothing can be handed out before more is fetched."""
        if not len(self._intake):
            return not self._at_end()
        return any(not self._intake.held(key) for key in self._unread())

    def _unread(self) -> set[Any]:
        """Partitions whose log goes on behind what was fetched."""
        found = set()
        for partition, fetched in self._intake.due.items():
            end = self._intake.end(partition)
            if not self._what.until_end:
                end = max(end, self._standing.end(partition, fetched) or 0)
            if fetched < end:
                found.add(partition)
        return found

    def _look_up_ends(self) -> None:
        """See whether partitions bring nothing because of transactions that are open."""
        blocked = [one for one in self._unread() if not self._intake.held(one)]
        if blocked and not self._what.until_end:
            self._standing.look_up(blocked, self._intake.due)

    def _reach(self) -> None:
        """Follow the client beyond what is no record: markers of transactions, aborted ones."""
        for partition in self._intake.positions:
            offset = self._standing.came_to(partition)
            if offset is not None:
                self._intake.reach(partition, offset, self._what.until_end)

    def _at_end(self) -> bool:
        return (
            self._what.until_end
            and bool(self._intake.positions)
            and not self._fresh
            and not len(self._intake)
            and not self._unread()
        )

    def _hold_back(self) -> None:
        """Fetch no further where enough waits to be merged."""
        for partition in self._intake.positions:
            full = self._intake.held(partition) >= self._what.look_ahead
            if full and partition not in self._consumer.paused():
                self._consumer.pause(partition)
            elif not full and partition in self._consumer.paused():
                self._consumer.resume(partition)

    def take_dead_letters(self) -> list[DeadLetter]:
        """What could not be read since the last call."""
        letters, self._letters = self._placing.take_letters() + self._letters, []
        return letters

    # -- assignment --------------------------------------------------------------------

    def _assigned(self, partitions: Any) -> None:
        """Partitions are ours now; until they are placed nothing of them is read."""
        self._fresh = set(partitions)
        self._consumer.pause(*partitions)
        self._intake.clear()

    def _revoked(self) -> dict[Any, Any]:
        """Partitions will be taken away: store what was learned, and what to commit."""
        self._commits = {}
        stored = self.before_revoke is None or self.before_revoke()
        commits, self._commits = self._commits, None
        self._drop_assignment()
        # What could not be stored will be learned by whoever reads it next: forget it here.
        self._lost = not stored
        return commits

    def _forfeited(self) -> None:
        """Partitions were taken away already."""
        self._lost = True
        self._drop_assignment()

    def _drop_assignment(self) -> None:
        # A position is kept only while it is ours: later the group's may be further on.
        self._placing.remember(self._intake.positions)
        self._intake.drop()

    def _place(self) -> None:
        """Go to the right offset of every partition that is new here."""
        placed = self._placing.place(sorted(self._fresh))
        for partition, (offset, end) in placed.items():
            self._consumer.seek(partition, offset)
            self._intake.place(partition, offset, end)
        self._consumer.resume(*placed)
        self._fresh -= placed.keys()

    def _find_again(self, cuts: Mapping[Any, Any]) -> None:
        """Go on where the log is, in partitions that have nothing at the offset that is due."""
        found = self._placing.find_again(self._intake.due, cuts)
        for partition, (offset, end) in found.items():
            self._consumer.seek(partition, offset)
            self._intake.go_on(partition, offset, end)

    # -- position ----------------------------------------------------------------------

    def snapshot(self) -> Mapping[str, JSON]:
        """Offsets of the next records to hand out, and the names known by now."""
        return {**self._placing.snapshot(self._intake.positions), "schema": self.schema.snapshot()}

    def restore(self, snapshot: Mapping[str, JSON]) -> None:
        """Go to a position that :meth:`snapshot` gave."""
        names = snapshot.get("schema")
        if not isinstance(names, Mapping):
            raise DataError(NO_POSITION)
        self._placing.restore(snapshot)
        self.schema.restore(names)
        self.schema.features.limit = self._what.max_features
        self.schema.labels.limit = self._what.max_labels
        self._decoder = self._new_decoder()
        if placed := self._intake.positions.keys():
            self._fresh |= placed
            self._consumer.pause(*self._fresh)
        self._intake.drop()

    def commit(self, snapshot: Mapping[str, JSON]) -> None:
        """Tell the group how far all is safely stored: the offsets of a durable snapshot.

        Raises
        ------
        DataError
            The group did not take them, nothing is lost by that; or it is no position.
        """
        offsets, owner = offsets_of(snapshot), self._placing.owner
        committed = {
            partition: kafka().OffsetAndMetadata(offsets[name_of(partition)], owner, -1)
            for partition in self._intake.positions
            if name_of(partition) in offsets
        }
        if self._commits is not None:
            self._commits = committed  # the rebalance commits them itself
        elif committed:
            with refused("The offsets were not committed"):
                self._consumer.commit(committed, timeout_ms=_COMMIT_MS)

    def partitions(self) -> tuple[PartitionLag, ...]:
        """How far behind each partition is; not known while no broker answers."""
        assigned = sorted({*self._intake.positions, *self._fresh})
        unknown = assigned if self._standing.is_silent() else self._fresh
        return tuple(
            PartitionLag(one.topic, one.partition, None if one in unknown else self._lag(one))
            for one in assigned
        )

    def _lag(self, partition: Any) -> int:
        end = self._standing.end(partition, self._intake.due[partition])
        end = end or self._intake.end(partition)
        return max(end - self._intake.positions[partition], 0)

    def close(self) -> None:
        """Leave the group and close; safe to call twice."""
        if not self._closed:
            self._closed = True
            self.before_revoke = None
            self._consumer.close(autocommit=False, timeout_ms=_CLOSE_MS)
