"""What a run says of itself: counted as it goes, told to observers now and then."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence

from streamml.base import Learner
from streamml.evaluate import ReportsSplit
from streamml.evaluate.loop import EvaluationLoop
from streamml.io import Committing, Source
from streamml.io.operation import LatencyRecorder, Operation
from streamml.io.pacing import Clock
from streamml.join.arrivals import Arrivals
from streamml.service.batch_size import SplitProbe
from streamml.service.progress import STRUCTURE_CHANGES, Progress, TimeSplit
from streamml.service.run_snapshots import RunSnapshots
from streamml.types import DeadLetter, EventBatch
from streamml.types.letters import LetterCounts

__all__ = ["Observer", "Reporter"]

Observer = Callable[[Progress], None]


class Reporter:
    """Counts dead letters and seconds, and puts together what a run has to say.

    Parameters
    ----------
    source, learner, loop, limit, clock
        Of the run.
    snapshots
        How it is stored, if it is.
    observers, every
        Who is told, and after how many seconds again.

    Attributes
    ----------
    letters
        Dead letters by reason; the first ones are those of this process.
    resumed
        How many of the events an earlier process handed out.
    latency, probe
        From a record's fetch to its prediction, and how test-then-train splits.
    """

    def __init__(
        self,
        source: Source,
        learner: Learner,
        loop: EvaluationLoop,
        *,
        limit: int | None,
        clock: Clock,
        snapshots: RunSnapshots | None,
        observers: Sequence[Observer],
        every: float,
    ) -> None:
        self._source, self._learner, self._loop = source, learner, loop
        self._limit, self._clock, self._snapshots = limit, clock, snapshots
        self._observers, self._every = observers, every
        self.letters = LetterCounts()
        self.resumed = 0
        self.latency = LatencyRecorder()
        self.probe = SplitProbe()
        self._seconds: dict[str, float] = defaultdict(float)
        self._start = clock.now()
        self._told = -math.inf
        self._changes_told = 0

    def start(self) -> None:
        """The run begins now."""
        self._start = self._clock.now()

    def add(self, seconds: Mapping[str, float]) -> None:
        """Count where time went."""
        for what, spent in seconds.items():
            self._seconds[what] += spent

    def count(self, letters: Iterable[DeadLetter]) -> None:
        """Count dead letters."""
        self.letters.add(letters)

    def measure_latency(self, batch: EventBatch) -> None:
        """Note how long events took from their fetch until now, where that is known."""
        if not isinstance(batch, Arrivals) or not len(batch.fetched):
            return
        now = self._clock.now()
        for moment, n in Counter(batch.fetched[~batch.labels_only].tolist()).items():
            self.latency.observe(now - moment, n)

    def restore(self, letters: Mapping[str, int]) -> None:
        """Go on from what was counted; what the learner has changed by then was told."""
        self.letters = LetterCounts(letters)
        self._changes_told = self._changes()

    def tell(self) -> Progress:
        """Tell the observers."""
        progress = self.progress()
        for observer in self._observers:
            observer(progress)
        self._told = self._clock.now()
        self._changes_told = self._changes()
        return progress

    def tell_if_due(self) -> None:
        """Tell them, where the last time is long enough ago."""
        if self._clock.now() - self._told >= self._every:
            self.tell()

    def progress(self) -> Progress:
        """Where the run stands."""
        counts = self._learner.change_counts
        new = self._changes() - self._changes_told  # some may be forgotten already
        metrics = self._loop.metrics["learner"]
        schema = self._source.schema
        return Progress(
            events=self._loop.events,
            features=len(schema.features),
            labels=len(schema.labels),
            length=self._length(),
            seconds=self._clock.now() - self._start,
            cumulative=metrics.cumulative(),
            window=metrics.windowed(),
            faded=metrics.faded(),
            window_events=min(metrics.window, metrics.events),
            clusters=self._learner.n_clusters,
            structure_changes=sum(counts.get(kind, 0) for kind in STRUCTURE_CHANGES),
            drifts=counts.get("drift", 0),
            new_changes=tuple(self._learner.changes[-new:]) if new else (),
            dead_letters=dict(self.letters),
            times=self._times(),
            operation=self._operation(),
            resumed=self.resumed,
            embedding=getattr(self._source, "embedding_status", None),
        )

    def _changes(self) -> int:
        return sum(self._learner.change_counts.values())

    def _length(self) -> int | None:
        """Number of events at the end, where it is known; a resumed run may be past its limit."""
        bounds = [n for n in (self._source.length, self._limit) if n is not None]
        return max(min(bounds), self._loop.events) if bounds else None

    def _operation(self) -> Operation:
        source, latency = self._source, self.latency.counts()
        return Operation(
            partitions=source.partitions() if isinstance(source, Committing) else None,
            outcomes=self._loop.outcomes,
            end_to_end=latency if latency.total else None,
            join=self._loop.join_state(),
            snapshot=self._snapshots.state if self._snapshots is not None else None,
        )

    def _times(self) -> TimeSplit:
        times = {name: self._seconds[name] for name in TimeSplit.__slots__}
        if not isinstance(self._learner, ReportsSplit) and times["predict"] == 0.0:
            times["predict"] = self.probe.share * times["learn"]
            times["learn"] -= times["predict"]
        return TimeSplit(**times)
