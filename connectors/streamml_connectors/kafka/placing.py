"""Where to read on in each partition: what was stored, what the group has, what the log has."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from streamml.errors import DataError
from streamml.io import JSON
from streamml.types import DeadLetter
from streamml_connectors.files.rows import letter
from streamml_connectors.kafka.client import kafka, make_admin, refused
from streamml_connectors.kafka.lost import found_again
from streamml_connectors.kafka.settings import Connection, Input

__all__ = ["NO_POSITION", "Placing", "name_of", "offsets_of"]

NO_POSITION: Final = "The snapshot's position is none in Kafka topics: use another folder."
_ANSWER_MS: Final = 5_000  # then the main loop goes round: it hears a stop, and shows it is alive


class Placing:
    """Finds offsets, and tells where the log no longer has what is due.

    Parameters
    ----------
    connection, consumer
        The cluster, and the client that reads.
    what
        Is read.
    problem
        Told, in one sentence, what records are gone.

    Attributes
    ----------
    owner
        Tells offsets that this process, or one it resumes, has committed from others'.
    """

    def __init__(
        self, connection: Connection, consumer: Any, what: Input, problem: Callable[[str], None]
    ) -> None:
        self.owner = uuid.uuid4().hex
        self._connection = connection
        self._consumer = consumer
        self._what = what
        self._problem = problem
        self._restored: dict[str, int] = {}
        self._ids: dict[str, str] = {}  # of the topics that were read
        self._newer: dict[str, tuple[str, str]] = {}  # the id the client knows, the looked up one
        self._letters: list[DeadLetter] = []

    def place(self, fresh: Sequence[Any]) -> dict[Any, tuple[int, int]]:
        """Partition -> where to begin, and the end of its log.

        None at all where a broker does not answer: to be asked again.
        """
        with refused("The group's offsets cannot be read"):
            try:
                begins, ends = self._log_of(fresh)
                committed = {
                    p: self._consumer.committed(p, metadata=True, timeout_ms=_ANSWER_MS)
                    for p in fresh
                }
            except kafka().errors.KafkaTimeoutError:
                return {}
        starts, due = begins if self._what.start == "earliest" else ends, {}
        for partition in fresh:
            offset = self._offset_of(partition, committed[partition])
            due[partition] = starts[partition] if offset is None else offset
        self._look_again(due, ends)
        found = {
            p: (self._checked(p, offset, begins[p], ends[p]), ends[p]) for p, offset in due.items()
        }
        self._note_ids(fresh)
        return found

    def find_again(
        self, due: Mapping[Any, int], cuts: Mapping[Any, Any]
    ) -> dict[Any, tuple[int, int]]:
        """Partition -> where to go on, and the end of its log.

        Of those that lack the offset ``due``, which are the keys of ``cuts``: where a log was
        cut off, if that is what happened and is known. Of a topic that was made anew it is
        all of them. None at all where a broker does not answer: then reading fails again.
        """
        due = dict(sorted(due.items()))
        try:
            begins, ends = self._log_of([p for p in due if p in cuts])
            self._look_again({p: due[p] for p in ends}, ends)
            more = [p for p in self.made_anew(due) if p not in cuts]
            if more:
                further = self._log_of(more)
                begins, ends = begins | further[0], ends | further[1]
        except kafka().errors.KafkaTimeoutError:
            return {}
        found = {}
        for partition, end in ends.items():
            cut, offset = cuts.get(partition), due[partition]
            last = end if cut is None else min(cut.offset, end)
            found[partition] = self._checked(partition, offset, begins[partition], last), end
        self._note_ids(found)
        return found

    def _log_of(self, partitions: Sequence[Any]) -> tuple[dict[Any, int], dict[Any, int]]:
        """Where the logs begin and end."""
        ends = dict(self._consumer.end_offsets(partitions, timeout_ms=_ANSWER_MS))
        return dict(self._consumer.beginning_offsets(partitions, timeout_ms=_ANSWER_MS)), ends

    def _offset_of(self, partition: Any, committed: Any) -> int | None:
        mine = self._restored.get(name_of(partition))
        if committed is None or committed.offset < 0:
            return mine
        if mine is None:
            return int(committed.offset)
        if committed.metadata in ("", self.owner):
            return mine
        return max(mine, int(committed.offset))

    def _checked(self, partition: Any, offset: int, begin: int, end: int) -> int:
        """An offset that the log has; what is gone is told."""
        anew = bool(self.made_anew([partition]))
        offset, what = found_again(name_of(partition), offset, begin, end, anew)
        if what is not None:
            self._problem(what)
            position = f"{name_of(partition)}/{offset}"
            self._letters.append(letter("records_lost", what, position, b""))
        return offset

    def take_letters(self) -> list[DeadLetter]:
        """One for each part of a log that is gone, since the last call."""
        letters, self._letters = self._letters, []
        return letters

    # -- topics made anew --------------------------------------------------------------

    def made_anew(self, partitions: Iterable[Any]) -> list[Any]:
        """Those of topics that are others now than those that were read."""
        was, now = self._ids, self._topic_ids()
        if was == now:
            return []
        others = {topic for topic, one in was.items() if now.get(topic, one) != one}
        return [p for p in partitions if p[0] in others]

    def _note_ids(self, partitions: Iterable[Any]) -> None:
        now = self._topic_ids()
        topics = {partition.topic for partition in partitions}
        self._ids |= {topic: one for topic, one in now.items() if topic in topics}

    def _look_again(self, due: Mapping[Any, int], ends: Mapping[Any, int]) -> None:
        """Look up topics whose log ends before what is due: the client may know an old id."""
        was, now = self._ids, self._topic_ids()
        for topic in {p.topic for p, offset in due.items() if offset > ends[p]}:
            if was.get(topic) == now.get(topic) is not None:
                found = self._looked_up_id(topic)
                if found is not None and found != now[topic]:
                    self._newer[topic] = str(self._consumer._cluster.topic_id(topic)), found

    def _looked_up_id(self, topic: str) -> str | None:
        admin = make_admin(self._connection)
        try:
            (found,) = admin.describe_topics([topic])
        finally:
            admin.close()
        return str(found["topic_id"]) if found.get("topic_id") else None

    def _topic_ids(self) -> dict[str, str]:
        """Topic -> what tells it from another one of that name, where brokers say so."""
        ids = {topic: self._consumer._cluster.topic_id(topic) for topic in self._what.all_topics}
        found = {topic: str(one) for topic, one in ids.items() if one is not None}
        for topic, (known, newer) in self._newer.items():
            if found.get(topic) == known:
                found[topic] = newer
        return found

    # -- what is stored ----------------------------------------------------------------

    def remember(self, positions: Mapping[Any, int]) -> None:
        """Partitions go: where they were read to, for when they come back."""
        self._restored = {name_of(p): offset for p, offset in positions.items()}

    def snapshot(self, positions: Mapping[Any, int]) -> dict[str, JSON]:
        """Offsets, those of before where there are none now, and whose they are."""
        found = {name_of(p): offset for p, offset in positions.items()} or dict(self._restored)
        return {"owner": self.owner, "offsets": found, "topics": dict(self._ids)}

    def restore(self, snapshot: Mapping[str, JSON]) -> None:
        """Go to what :meth:`snapshot` gave.

        Raises
        ------
        DataError
            It is no position in topics.
        """
        owner, ids, offsets = snapshot.get("owner"), snapshot.get("topics"), offsets_of(snapshot)
        if not isinstance(owner, str):
            raise DataError(NO_POSITION)
        self.owner, self._restored = owner, offsets
        self._ids = {str(k): str(v) for k, v in ids.items()} if isinstance(ids, Mapping) else {}


def offsets_of(snapshot: Mapping[str, JSON]) -> dict[str, int]:
    """Partition -> offset, of a source's position.

    Raises
    ------
    DataError
        It is no position in topics.
    """
    offsets = snapshot.get("offsets")
    found = dict(offsets) if isinstance(offsets, Mapping) else {"": offsets}
    if any(type(offset) is not int or offset < 0 for offset in found.values()):
        raise DataError(NO_POSITION)
    return {str(name): int(str(offset)) for name, offset in found.items()}


def name_of(partition: Any) -> str:
    """``topic/number``."""
    return f"{partition.topic}/{partition.partition}"
