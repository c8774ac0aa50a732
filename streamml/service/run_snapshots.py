"""When a run is stored and how: everything it knows, in an order that loses nothing."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, Final

from streamml.errors import ConfigError, StreamMLError
from streamml.io import Committing, Durable, Source
from streamml.io.operation import SnapshotState
from streamml.io.pacing import Clock, Pace
from streamml.state.capture import part_of
from streamml.state.configuration import configured, differences
from streamml.state.folder import SnapshotFolder

__all__ = ["Every", "RunSnapshots"]

_RETRY: Final = 5.0  # seconds after a snapshot that could not be stored


@dataclass(frozen=True, slots=True)
class Every:
    """How often a run is stored: what comes first.

    Parameters
    ----------
    seconds
        Above 0.
    events
        At least 1, or ``None``.
    """

    seconds: float = 60.0
    events: int | None = None

    def __post_init__(self) -> None:
        if not self.seconds > 0 or (self.events is not None and self.events < 1):
            raise ConfigError("Snapshots are taken every so many seconds or events: above 0.")


class RunSnapshots:
    """Stores a run and brings it back.

    Parameters
    ----------
    folder
        Where snapshots are.
    every
        How often.
    about
        What must be configured alike when the run goes on, by name: the learner, a delay.
    source, pace, sinks
        Of the run; sinks by name.
    capture, restore
        Give and take back what the service itself knows.
    clock
        For the age of snapshots.
    problem
        Told, in one sentence, what could not be done.
    """

    def __init__(
        self,
        folder: SnapshotFolder,
        every: Every,
        about: Mapping[str, object],
        *,
        source: Source,
        pace: Pace,
        sinks: Mapping[str, object],
        capture: Callable[[], Mapping[str, Any]],
        restore: Callable[[Mapping[str, Any]], None],
        clock: Clock,
        problem: Callable[[str], None],
    ) -> None:
        self.folder = folder
        self._every = every
        self._about = dict(about)
        self._source = source
        self._pace = pace
        self._sinks = {k: sink for k, sink in sinks.items() if isinstance(sink, Durable)}
        self._capture = capture
        self._restore = restore
        self._clock = clock
        self._problem = problem
        self._stored_at: float | None = None
        self._due = clock.now() + every.seconds
        self._events = 0
        self._first: dict[str, Any] | None = None
        self._size: int | None = None
        self._seconds: float | None = None
        self._saved = self._failures = 0

    @property
    def state(self) -> SnapshotState:
        """How it stands with snapshots."""
        age = None if self._stored_at is None else self._clock.now() - self._stored_at
        return SnapshotState(age, self._size, self._seconds, self._saved, self._failures)

    def due(self, events: int) -> bool:
        """Whether it is time, ``events`` events into the run."""
        enough = self._every.events is not None and events - self._events >= self._every.events
        return enough or self._clock.now() >= self._due

    def store(self, events: int) -> bool:
        """Store the run as it stands between two batches; says whether that worked.

        A crash at any point leaves a state to go on from: before step 3 is through, the
        snapshot before and the input after it; from then on this one. Offsets that the
        input's group has are never ahead of what is stored.
        """
        started = time.perf_counter()
        try:
            # 1. What was written for the events so far is made durable: a snapshot must
            #    not say "done" of an event whose prediction could still be lost.
            sinks = {name: dict(sink.snapshot()) for name, sink in self._sinks.items()}
            # 2. Written down together: learners, metrics, what waits for labels, counts,
            #    and the position of the input behind the last event processed, with the
            #    events that were read ahead of it.
            position = dict(self._source.snapshot())
            mapping = {
                "about": {what: configured(thing) for what, thing in self._about.items()},
                "run": dict(self._capture()),
                "sinks": sinks,
                "pace": dict(self._pace.snapshot()),
                "source": position,
            }
            # 3. Stored: temporary file, flushed to the disk, renamed over, folder flushed.
            saved = self.folder.save(mapping)
        except (StreamMLError, OSError) as error:
            self._failures += 1
            self._due = self._clock.now() + min(_RETRY, self._every.seconds)
            self._events = events
            self._problem(f"no snapshot was stored, the one before stays: {_text(error)}")
            return False
        self._saved += 1
        self._size, self._seconds = saved.size, time.perf_counter() - started
        self._stored_at = self._clock.now()
        self._note(events)
        # 4. Only now others are told how far the input was used. If that fails nothing is
        #    lost: the snapshot's own position counts at the next start.
        if isinstance(self._source, Committing):
            try:
                self._source.commit(position)
            except StreamMLError as error:
                self._problem(str(error))
        return True

    def resume(self) -> bool:
        """Go on from the newest good snapshot; false where there is none."""
        resumed = self._go_to_newest()
        if resumed:
            self._stored_at = self._clock.now()
        return resumed

    def _go_to_newest(self) -> bool:
        found = self.folder.newest()
        for path, why in self.folder.broken:
            self._problem(f"the snapshot {path.name} is broken, the one before is used: {why}")
        if found is None:
            return False
        self._check(found)
        self._go_to(found)
        return True

    def rewind(self) -> None:
        """Go back to what is stored, no newer for it: the newest snapshot, or this run's start."""
        if not self._go_to_newest():
            assert self._first is not None
            self._go_to(self._first)

    def remember_start(self) -> None:
        """Keep the state before the first event, to rewind to while nothing is stored."""
        self._first = {
            "run": deepcopy(dict(self._capture())),
            "sinks": {name: dict(sink.snapshot()) for name, sink in self._sinks.items()},
            "pace": {},
            "source": dict(self._source.snapshot()),
        }

    def _go_to(self, found: Mapping[str, Any]) -> None:
        self._source.restore(found["source"])
        self._restore(found["run"])
        self._pace.restore(found["pace"], self._source.schema)
        for name, sink in self._sinks.items():
            if name in found["sinks"]:
                sink.restore(found["sinks"][name])
        self._note(int(found["run"]["events"]))

    def _note(self, events: int) -> None:
        self._due = self._clock.now() + self._every.seconds
        self._events = events

    def _check(self, found: Mapping[str, Any]) -> None:
        about = part_of(found, "about", dict, str(self.folder.path))
        for what, thing in self._about.items():
            stored = part_of(about, what, dict, str(self.folder.path))
            other = differences(stored, thing)
            if other:
                raise ConfigError(
                    f"The snapshots in {self.folder.path} are of another {what} "
                    f"({'; '.join(other)}): go on with that, or name another folder."
                )


def _text(error: BaseException) -> str:
    if isinstance(error, OSError):
        return f"{error.strerror or error}."
    return str(error)
