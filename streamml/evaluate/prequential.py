"""Prequential evaluation of a whole stream: predict, score, learn."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from streamml.errors import ConfigError
from streamml.evaluate.curve import CurveRecorder
from streamml.evaluate.delay import Delay
from streamml.evaluate.evaluation import Evaluation
from streamml.evaluate.inputs import Stream, batches_of
from streamml.evaluate.late_loop import LateLoop, VariableDelay
from streamml.evaluate.learners import ReportsSplit, StepResult
from streamml.evaluate.loop import PrequentialLoop
from streamml.io import Source
from streamml.io.opening import open_path
from streamml.metrics import Prequential
from streamml.types import Schema

__all__ = [
    "Delay",
    "Evaluation",
    "PrequentialLoop",
    "ReportsSplit",
    "StepResult",
    "VariableDelay",
    "prequential",
]


def prequential(
    stream: Stream,
    learner: Any,
    *,
    delay: Delay | VariableDelay | None = None,
    batch_size: int = 1000,
    beside: Mapping[str, Any] | None = None,
    metrics: Callable[[], Prequential] = Prequential,
) -> Evaluation:
    """Run a whole stream through a learner: predict, score, then learn.

    Parameters
    ----------
    stream
        A source (read to its end, not closed); the path of a file that says itself which columns
        are labels; batches of one schema, or one batch; events; or pairs ``(x, y)``, as
        ``learn_one`` takes them and river's streams give them.
    learner
        What is evaluated: a learner, or a multi-label classifier of river, or a pipeline that
        ends in one.
    delay
        Of the labels; what waits at the end of the stream is scored and learned then. A
        :class:`VariableDelay` gives every event, or every label, a delay of its own.
    batch_size
        Events read from a source at a time, at least 1; changes no figure.
    beside, metrics
        As in :class:`PrequentialLoop`.

    Examples
    --------
    >>> from streamml.baselines import NoChange
    >>> result = prequential([({"f": 1.0}, {"sun": True, "rain": False})] * 4, NoChange())
    >>> result.events, result.metrics["learner"].cumulative().exact_match
    (4, 0.75)

    Raises
    ------
    ConfigError
        The stream, a learner or the delay is something else.
    SchemaError
        A pair cannot be used; an event that cannot be used is counted as a dead letter.
    ContractError
        A learner works with another stream. With ``learner.restore(learner.snapshot())`` it
        goes on with one that has the same names.

    References
    ----------
    Dawid (1984), Statistical theory: the prequential approach, JRSS A 147.
    """
    if batch_size < 1:
        raise ConfigError(f"batch_size must be at least 1 event, not {batch_size}.")
    if not isinstance(delay, Delay | VariableDelay | None):
        raise ConfigError(f"The delay is {delay!r}: give Delay(events=...) or Delay(seconds=...).")
    loop: PrequentialLoop | LateLoop
    if isinstance(delay, VariableDelay):
        loop = LateLoop(learner, delay=delay, beside=beside, metrics=metrics)
    else:
        loop = PrequentialLoop(learner, delay=delay, beside=beside, metrics=metrics)
    if isinstance(stream, str | Path):
        with closing(open_path(stream)) as source:
            return _run(source, loop, batch_size)
    return _run(stream, loop, batch_size)


def _run(stream: Stream, loop: PrequentialLoop | LateLoop, batch_size: int) -> Evaluation:
    if isinstance(stream, Source):  # a learner that was restored brings its names first
        for one in loop.learners.values():
            one.bind(stream.schema)
    schema = Schema() if loop.learner._unbound else loop.learner.schema
    seconds, letters = {"read": 0.0}, Counter[str]()
    curve, events = CurveRecorder(loop.metrics), 0
    batches = batches_of(stream, schema, batch_size, letters)
    while True:
        started = time.perf_counter()
        batch = next(batches, None)
        seconds["read"] += time.perf_counter() - started
        if batch is None:
            break
        for first, stop in curve.cuts(events, len(batch)):
            _add(seconds, loop.step(batch.slice(first, stop)).seconds)
            curve.note(events + stop)
        events, schema = events + len(batch), batch.schema
    _add(seconds, loop.flush().seconds)
    names = tuple(schema.labels.keys)
    return Evaluation(
        events, len(schema.features), len(names), loop.metrics, seconds, dict(letters),
        names, curve.end(events),
    )  # fmt: skip


def _add(totals: dict[str, float], more: Mapping[str, float]) -> None:
    for name, seconds in more.items():
        totals[name] = totals.get(name, 0.0) + seconds
