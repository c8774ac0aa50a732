"""The fakes keep the contracts they stand for."""

from __future__ import annotations

import pytest

from streamml.errors import StateError
from streamml.io import DeadLetterSink, PredictionSink, Source
from streamml.streams import DemoStream
from streamml.testing import AbortingSource, EventSource, MemoryDeadLetters, MemoryPredictions
from streamml.types import Event


def test_they_are_what_they_play():
    assert isinstance(EventSource([]), Source)
    assert isinstance(AbortingSource(DemoStream(), 1), Source)
    assert isinstance(MemoryPredictions(), PredictionSink)
    assert isinstance(MemoryDeadLetters(), DeadLetterSink)


def test_sources_resume_behind_the_last_event():
    events = [Event(i, float(i), {"f": 1.0}, frozenset()) for i in range(5)]
    for make in (lambda: EventSource(events), lambda: AbortingSource(EventSource(events), 9)):
        source, again = make(), make()
        assert source.next_batch(2).ids == [0, 1]
        again.restore(source.snapshot())
        assert again.next_batch(9).ids == [2, 3, 4]
        assert again.next_batch(9) is None
        assert (again.name, again.length, len(again.schema.features)) == ("memory", 5, 1)
        assert again.take_dead_letters() == []
        again.close()


def test_a_position_that_is_none_is_said():
    for position in ("2", True, None):
        with pytest.raises(StateError, match="'position' of a source of events is no int"):
            EventSource([]).restore({"position": position})
