"""The service: read a stream, predict, join the labels, learn, score, and hand on.

It prints nothing and opens nothing; whoever calls it brings the source, the learner,
the sinks and the observers, and the service closes what it was given to close.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field

from streamml._operation import Operation
from streamml._progress import STRUCTURE_CHANGES, Progress, Result, TimeSplit
from streamml._tuning import BatchSize, SplitProbe
from streamml.base import Learner
from streamml.errors import ConfigError, StreamMLError
from streamml.evaluate import Delay, PrequentialLoop, ReportsSplit
from streamml.io import DeadLetterSink, PredictionSink, Source
from streamml.metrics import Prequential
from streamml.pacing import Clock, Pace, SystemClock, Unpaced
from streamml.types import EventBatch

__all__ = ["STRUCTURE_CHANGES", "Observer", "Progress", "Result", "Service", "TimeSplit"]

Observer = Callable[[Progress], None]


@dataclass(slots=True)
class _Tally:
    """What a run counts as it goes."""

    events: int = 0
    changes_told: int = 0
    letters: Counter[str] = field(default_factory=Counter)
    seconds: dict[str, float] = field(default_factory=lambda: defaultdict(float))


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

    Raises
    ------
    ConfigError
        ``limit`` is below 1.

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
    ) -> None:
        if limit is not None and limit < 1:
            raise ConfigError(f"The limit must be at least 1 event, not {limit}.")
        self.source = source
        self.learner = learner
        self.name = name
        self.limit = limit
        self._loop = PrequentialLoop(learner, delay=delay)
        self._pace: Pace = pace if pace is not None else Unpaced()
        self._predictions = predictions
        self._dead_letters = dead_letters
        self._observers = observers
        self._every = every
        self._clock: Clock = clock if clock is not None else SystemClock()
        self._tally = _Tally()
        self._probe = SplitProbe()
        self._size = BatchSize()
        self._start = self._clock.now()
        self._told = -math.inf
        self._stop = False
        self._error: StreamMLError | None = None

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
        self._start = self._clock.now()
        try:
            while not self._stop and self._run_batch():
                pass
            self._add(self._loop.flush().seconds)
            progress = self._tell()
        finally:
            self._close()
        return Result(progress, self._stop, self._error, self.metrics)

    # -- one batch ---------------------------------------------------------------------

    def _run_batch(self) -> bool:
        """Take one batch through; false at the end."""
        batch = self._read()
        if batch is None:
            self._hand_on_letters()
            return False
        start = self._clock.now()
        sampled = self._probe.before(self.learner, batch, self._clock)
        result = self._loop.step(batch)
        self._probe.after(sampled, result.seconds["learn"])
        self._add(result.seconds)
        self._tally.events += len(batch)
        if self._predictions is not None and len(batch):
            before = self._clock.now()
            self._predictions.write(batch, result.predictions)
            self._tally.seconds["sinks"] += self._clock.now() - before
        self._hand_on_letters()
        now = self._clock.now()
        self._size.adapt(len(batch), now - start)
        if now - self._told >= self._every:
            self._tell()
        return True

    def _read(self) -> EventBatch | None:
        most = self._size.size
        if self.limit is not None:
            most = min(most, self.limit - self._tally.events)
        if most <= 0:
            return None
        start, waited = self._clock.now(), self._pace.waited
        batch = self._next_batch(most)
        waited = self._pace.waited - waited
        self._tally.seconds["waited"] += waited
        self._tally.seconds["read"] += self._clock.now() - start - waited
        return batch

    def _next_batch(self, most: int) -> EventBatch | None:
        try:
            return self._pace.next_batch(self.source, most, self._clock, lambda: self._stop)
        except StreamMLError as error:
            if not self._tally.events:
                raise
            self._error = error  # what was read until here is not lost
            return None

    def _hand_on_letters(self) -> None:
        letters = self.source.take_dead_letters()
        if not letters:
            return
        self._tally.letters.update(letter.reason for letter in letters)
        if self._dead_letters is not None:
            start = self._clock.now()
            self._dead_letters.write(letters)
            self._tally.seconds["sinks"] += self._clock.now() - start

    def _add(self, seconds: Mapping[str, float]) -> None:
        for what, spent in seconds.items():
            self._tally.seconds[what] += spent

    # -- what is told ------------------------------------------------------------------

    def _tell(self) -> Progress:
        progress = self._progress()
        for observer in self._observers:
            observer(progress)
        self._told = self._clock.now()
        self._tally.changes_told = sum(self.learner.change_counts.values())
        return progress

    def _progress(self) -> Progress:
        counts = self.learner.change_counts
        changed = sum(counts.values())
        new = changed - self._tally.changes_told  # some may be forgotten already
        metrics = self._loop.metrics["learner"]
        length = self.source.length
        if length is not None and self.limit is not None:
            length = min(length, self.limit)
        schema = self.source.schema
        return Progress(
            events=self._tally.events,
            features=len(schema.features),
            labels=len(schema.labels),
            length=length if length is not None else self.limit,
            seconds=self._clock.now() - self._start,
            cumulative=metrics.cumulative(),
            window=metrics.windowed(),
            faded=metrics.faded(),
            window_events=min(metrics.window, metrics.events),
            clusters=self.learner.n_clusters,
            structure_changes=sum(counts.get(kind, 0) for kind in STRUCTURE_CHANGES),
            drifts=counts.get("drift", 0),
            new_changes=tuple(self.learner.changes[-new:]) if new else (),
            dead_letters=dict(self._tally.letters),
            times=self._times(),
            operation=Operation(
                outcomes={"learned": metrics.events, "unlabelled": metrics.unscored}
            ),
            embedding=getattr(self.source, "embedding_status", None),
        )

    @property
    def metrics(self) -> dict[str, Prequential]:
        """Learner name -> its metrics, live; the learner first, then those beside it."""
        return {self.name if k == "learner" else k: m for k, m in self._loop.metrics.items()}

    def _times(self) -> TimeSplit:
        seconds = self._tally.seconds
        times = {name: seconds[name] for name in TimeSplit.__slots__}
        if not isinstance(self.learner, ReportsSplit) and times["predict"] == 0.0:
            times["predict"] = self._probe.share * times["learn"]
            times["learn"] -= times["predict"]
        return TimeSplit(**times)

    def _close(self) -> None:
        with ExitStack() as stack:  # closes all, even where one cannot be
            for thing in (self.source, self._predictions, self._dead_letters):
                if thing is not None:
                    stack.callback(thing.close)
