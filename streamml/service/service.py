"""The service: read a stream, predict, join the labels, learn, score, and hand on.

It prints nothing and opens nothing; whoever calls it brings the source, the learner,
the sinks and the observers, and the service closes what it was given to close.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from typing import Any

from streamml.base import Learner
from streamml.errors import ConfigError, StreamMLError
from streamml.evaluate import Delay, PrequentialLoop
from streamml.evaluate.loop import EvaluationLoop
from streamml.io import Committing, DeadLetterSink, InputLost, PredictionSink, Source
from streamml.io.pacing import Clock, Pace, SystemClock, Unpaced
from streamml.join import JoinPolicy
from streamml.join.loop import JoinLoop
from streamml.metrics import Prequential
from streamml.service.batch_size import BatchSize
from streamml.service.progress import STRUCTURE_CHANGES, Progress, Result, TimeSplit
from streamml.service.reporter import Observer, Reporter
from streamml.service.run_snapshots import Every, RunSnapshots
from streamml.state.folder import SnapshotFolder
from streamml.state.learners import configuration
from streamml.types import EventBatch

__all__ = ["STRUCTURE_CHANGES", "Every", "Observer", "Progress", "Result", "Service", "TimeSplit"]


class Service:
    """Runs a learner over a source until its end, a limit, or a request to stop.

    For each batch, in this order: read what is due, predict (and score and learn what
    the arriving labels allow), write the predictions, write the dead letters, tell the
    observers. How the stream is cut into batches changes no prediction and no figure.

    Parameters
    ----------
    source
        The stream; closed at the end of :meth:`run`.
    learner
        What is run.
    name
        What the learner is called in :attr:`Result.metrics`.
    delay
        Of the labels, ``None`` for none. What waits at the end is scored then.
    join
        Instead: labels come by themselves and are joined to their events, within these
        bounds. What waits at the end stays waiting.
    limit
        Largest number of events, or ``None``.
    pace
        How fast to read.
    predictions, dead_letters
        Sinks; closed at the end of :meth:`run`.
    observers
        Called with a :class:`Progress` after the first batch, after later ones at most
        every ``every`` seconds, and at the end.
    every
        Seconds, at least 0.
    clock
        For all times but those the loop measures itself.
    snapshots
        Folder that the run is stored in, and resumed from.
    snapshot_every
        How often.
    problem
        Told, in one sentence, what went wrong and was got over.

    Raises
    ------
    ConfigError
        ``limit`` is below 1, ``delay`` and ``join`` are both given, or the snapshots are
        of another run.

    Examples
    --------
    >>> from streamml.baselines import NoChange
    >>> from streamml.streams import DemoStream
    >>> result = Service(DemoStream(), NoChange(), limit=500).run()
    >>> result.progress.events, result.stopped, sorted(result.metrics)
    (500, False, ['learner', 'majority', 'no-change'])
    """

    def __init__(
        self,
        source: Source,
        learner: Learner,
        *,
        name: str = "learner",
        delay: Delay | None = None,
        limit: int | None = None,
        pace: Pace | None = None,
        predictions: PredictionSink | None = None,
        dead_letters: DeadLetterSink | None = None,
        observers: Sequence[Observer] = (),
        every: float = 0.1,
        clock: Clock | None = None,
        join: JoinPolicy | None = None,
        snapshots: SnapshotFolder | None = None,
        snapshot_every: Every | None = None,
        problem: Callable[[str], None] = lambda _: None,
    ) -> None:
        if delay is not None and join is not None:
            raise ConfigError("Labels either come after a delay or are joined: give one of them.")
        if limit is not None and limit < 1:
            raise ConfigError(f"The limit must be at least 1 event, not {limit}.")
        self.source = source
        self.learner = learner
        self.name = name
        self.limit = limit
        self._loop: EvaluationLoop = (
            PrequentialLoop(learner, delay=delay)
            if join is None
            else JoinLoop(learner, policy=join)
        )
        self._pace: Pace = pace if pace is not None else Unpaced()
        self._predictions = predictions
        self._dead_letters = dead_letters
        self._clock: Clock = clock if clock is not None else SystemClock()
        self._size = BatchSize()
        self._stop = False
        self._error: StreamMLError | None = None
        self._snapshots: RunSnapshots | None = None
        self._configured: dict[str, Any] | None = None  # in snapshots, for whoever asks them
        if snapshots is not None:
            self._configured = configuration(learner)
            self._snapshots = self._run_snapshots(
                snapshots, snapshot_every or Every(), delay, problem
            )
        self._reporter = Reporter(
            source,
            learner,
            self._loop,
            limit=limit,
            clock=self._clock,
            snapshots=self._snapshots,
            observers=observers,
            every=every,
        )

    def _run_snapshots(
        self,
        folder: SnapshotFolder,
        every: Every,
        delay: Delay | None,
        problem: Callable[[str], None],
    ) -> RunSnapshots:
        about: dict[str, object] = {"learner": self.learner, "delay": delay}
        if isinstance(self.source, Committing):
            self.source.before_revoke = self.store
        else:
            about["source"] = self.source.name
        return RunSnapshots(
            folder,
            every,
            about,
            source=self.source,
            pace=self._pace,
            sinks={"predictions": self._predictions, "dead_letters": self._dead_letters},
            capture=self._capture,
            restore=self._restore,
            clock=self._clock,
            problem=problem,
        )

    def resume(self) -> bool:
        """Go on where the newest good snapshot ends; before :meth:`run`.

        Says whether there was one. A broken one is left out, and the problem told.

        Raises
        ------
        ConfigError, DataError
            The snapshots are of another run, or all are broken.
        """
        if self._snapshots is None:
            return False
        found = self._snapshots.resume()
        self._reporter.resumed = self._loop.events
        return found

    def store(self) -> bool:
        """Take a snapshot now, between two batches; says whether it was stored."""
        return self._snapshots is None or self._snapshots.store(self._loop.events)

    def stop(self) -> None:
        """Ask :meth:`run` to end after the batch it is at; safe in a signal handler."""
        self._stop = True

    def run(self) -> Result:
        """Run to the end, then close source and sinks; call once.

        Raises
        ------
        StreamMLError
            What the learner, a sink, or the source before its first event raised;
        everything is closed then too.
        """
        self._reporter.start()
        try:
            if self._snapshots is not None and isinstance(self.source, Committing):
                self._snapshots.remember_start()
            while not self._stop and self._run_batch():
                if self._snapshots is not None and self._snapshots.due(self._loop.events):
                    self.store()
            self.store()  # before the flush: what waits goes on waiting after a resume
            self._reporter.add(self._loop.flush().seconds)
            progress = self._reporter.tell()
        finally:
            self._close()
        return Result(progress, self._stop, self._error, self.metrics, self._reporter.letters.first)

    def progress(self) -> Progress:
        """Where the run stands."""
        return self._reporter.progress()

    @property
    def metrics(self) -> dict[str, Prequential]:
        """Learner name -> its metrics, live; the learner first, then those beside it."""
        return {self.name if k == "learner" else k: m for k, m in self._loop.metrics.items()}

    # -- one batch ---------------------------------------------------------------------

    def _run_batch(self) -> bool:
        """Take one batch through; false at the end."""
        batch = self._read()
        if batch is None:
            self._hand_on_letters()
            return False
        start, report = self._clock.now(), self._reporter
        sampled = report.probe.before(self.learner, batch, self._clock)
        result = self._loop.step(batch)
        report.probe.after(sampled, result.seconds["learn"])
        report.add(result.seconds)
        events = batch if result.events is None else result.events
        if self._predictions is not None and len(events):
            before = self._clock.now()
            self._predictions.write(events, result.predictions)
            report.add({"sinks": self._clock.now() - before})
        report.measure_latency(batch)
        self._hand_on_letters()
        self._size.adapt(len(batch), self._clock.now() - start)
        report.tell_if_due()
        return True

    def _read(self) -> EventBatch | None:
        most = self._size.size
        if self.limit is not None:
            most = min(most, self.limit - self._loop.events)
        if most <= 0:
            return None
        start, waited = self._clock.now(), self._pace.waited
        batch = self._next_batch(most)
        waited = self._pace.waited - waited
        self._reporter.add({"waited": waited, "read": self._clock.now() - start - waited})
        return batch

    def _next_batch(self, most: int) -> EventBatch | None:
        try:
            return self._pace.next_batch(self.source, most, self._clock, lambda: self._stop)
        except InputLost:
            if self._snapshots is None:
                raise
            self._snapshots.rewind()
            return EventBatch.from_events([], self.source.schema)
        except StreamMLError as error:
            if not self._loop.events:
                raise
            self._error = error  # what was read until here is not lost
            return None

    def _hand_on_letters(self) -> None:
        letters = self.source.take_dead_letters() + self._loop.take_dead_letters()
        if not letters:
            return
        self._reporter.count(letters)
        if self._dead_letters is not None:
            start = self._clock.now()
            self._dead_letters.write(letters)
            self._reporter.add({"sinks": self._clock.now() - start})

    # -- what is kept ------------------------------------------------------------------

    def _capture(self) -> dict[str, Any]:
        return {
            "events": self._loop.events,
            "learned": self._loop.learned,
            "letters": dict(self._reporter.letters),
            "learner": self._configured,
            "loop": self._loop.snapshot(copy=False),
        }

    def _restore(self, found: Mapping[str, Any]) -> None:
        self._loop.restore(found["loop"], self.source.schema)
        self._reporter.restore(found["letters"])

    def _close(self) -> None:
        with ExitStack() as stack:  # closes all, even where one cannot be
            for thing in (self.source, self._predictions, self._dead_letters):
                if thing is not None:
                    stack.callback(thing.close)
