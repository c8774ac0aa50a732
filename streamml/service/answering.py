"""Ask a learner about a stream: every event is predicted, and nothing is learned."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from streamml.base import MIN_SCORE, Learner
from streamml.errors import StreamMLError
from streamml.io import DeadLetterSink, PredictionSink, Source
from streamml.types.letters import LetterCounts
from streamml.types.translation import Translation

__all__ = ["Answered", "answer"]

_ROWS = 500  # events at once


@dataclass(slots=True)
class Answered:
    """How far it is.

    Parameters
    ----------
    events
        Predicted so far.
    strange
        Those among them whose features are all strange to the learner.
    letters
        What could not be used.
    error
        What the source broke off with, after it had handed out events.
    """

    events: int = 0
    strange: int = 0
    letters: LetterCounts = field(default_factory=LetterCounts)
    error: StreamMLError | None = None

    @property
    def useless(self) -> bool:
        """Whether nothing of the stream said anything to the learner, though it was not empty."""
        return self.strange == self.events and bool(self.events or self.letters)


def answer(
    source: Source,
    learner: Learner,
    predictions: PredictionSink,
    dead_letters: DeadLetterSink | None = None,
    *,
    min_score: float = MIN_SCORE,
    limit: int | None = None,
    tell: Callable[[Answered], None] = lambda _: None,
) -> Answered:
    """Predict a stream to its end, in bounded memory.

    The learner takes no part in the stream's schema: features are told apart by their names,
    those that it does not know are left out. Source and sinks stay open.

    Parameters
    ----------
    source
        Its labels, where it has some, are handed to the sink and not looked at.
    learner
        As it was left; it stays as it is.
    min_score
        As for :meth:`Learner.predict`.
    limit
        Most events.
    tell
        Called after every batch.

    Raises
    ------
    StreamMLError
        What a sink raised, or the source before its first event.

    Examples
    --------
    >>> from streamml.baselines import NoChange
    >>> from streamml.streams import DemoStream
    >>> from streamml.testing import MemoryPredictions
    >>> learner, sink = NoChange(), MemoryPredictions()
    >>> learner.learn_one({"f0": 1.0}, {"alpha"})
    >>> answer(DemoStream(), learner, sink, limit=3).events
    3
    """
    done, translation = Answered(), Translation(learner.schema)
    while limit is None or done.events < limit:
        most = _ROWS if limit is None else min(_ROWS, limit - done.events)
        try:
            batch = source.next_batch(translation.rows_at_once(source.schema, most))
        except StreamMLError as error:
            if not done.events:
                raise
            done.error, batch = error, None  # what was read until here is not lost
        letters = source.take_dead_letters()
        done.letters.add(letters)
        if letters and dead_letters is not None:
            dead_letters.write(letters)
        if batch is None:
            break
        if len(batch):
            known = translation(batch)
            predictions.write(known, learner.predict(known, min_score))
            done.events, done.strange = done.events + len(batch), translation.strange
        tell(done)
    return done
