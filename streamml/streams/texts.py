"""A stream of short texts with known labels, whose wording changes as it goes on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Final

import numpy as np

from streamml.errors import ConfigError
from streamml.io import JSON
from streamml.streams._phrases import OPENINGS, PRODUCTS, TONES, TOPICS
from streamml.streams.generated import GeneratedStream
from streamml.streams.known import KnownDrift
from streamml.types import Event, EventBatch, Schema

__all__ = ["TextStream"]

_SECOND_TOPIC: Final = 0.45
_TONE: Final = 0.5


class TextStream(GeneratedStream):
    """Messages to a shop, for embedding stages: made of templates, so their labels are known.

    A message is about one topic of six, often about a second one, and in every other
    case it praises or scolds: eight labels. Every ``wording`` events the messages go on
    about the same things in other words (ten wordings take turns): what was learned about
    words is worth little then, what was learned about meanings stays.

    Every event has a generator of its own.

    Parameters
    ----------
    seed
        Non-negative; the same seed gives the same texts.
    n_events
        Length.
    wording
        Number of events between two changes of words.

    Raises
    ------
    ConfigError
        ``seed`` is negative, or another number below 1.

    Examples
    --------
    >>> event = next(TextStream(seed=3).next_batch(1).events())
    >>> event.x, sorted(event.y)
    ('hello, the parcel has not arrived.', ['delivery'])
    """

    NAME: ClassVar[str] = "texts"

    def __init__(self, seed: int = 1, n_events: int = 1_000, wording: int = 100) -> None:
        if seed < 0 or n_events < 1 or wording < 1:
            raise ConfigError(
                f"seed={seed}, n_events={n_events}, wording={wording} cannot be used: "
                "the first is at least 0, the others at least 1."
            )
        self.seed = seed
        self.n_events = n_events
        self.wording = wording
        self.drifts = tuple(
            KnownDrift("sudden", at, at) for at in range(wording, n_events, wording)
        )
        self._schema = Schema(labels=[*TOPICS, *TONES], takes_text=True)

    def _events(self, start: int, end: int) -> EventBatch:
        return EventBatch.from_events([self._event(i) for i in range(start, end)], self._schema)

    def _together(self, start: int) -> int:  # noqa: ARG002
        return self.n_events  # every event by itself: no blocks

    def _identity(self) -> dict[str, JSON]:
        return {}  # any wording of these texts may go on with the labels learned

    def _event(self, i: int) -> Event:
        rng = np.random.default_rng([self.seed, i])
        turn = i // self.wording
        topics = list(TOPICS)
        first, second = rng.choice(len(topics), 2, replace=False)
        labels = [topics[first]]
        said = [_said(rng, TOPICS[topics[first]], turn)]
        if rng.random() < _SECOND_TOPIC:
            labels.append(topics[second])
            said.append(_said(rng, TOPICS[topics[second]], turn))
        if rng.random() < _TONE:
            tone = _one(rng, list(TONES))
            labels.append(tone)
            said.insert(int(rng.integers(len(said) + 1)), _said(rng, TONES[tone], turn))
        text = f"{_one(rng, OPENINGS)} {'. '.join(said)}.".strip()
        text = text.replace("{product}", _one(rng, PRODUCTS))
        return Event(i, float(i), text, frozenset(labels))


def _said(rng: np.random.Generator, phrases: Sequence[str], turn: int) -> str:
    """One of the two phrases whose turn it is."""
    return phrases[(2 * turn + int(rng.integers(2))) % len(phrases)]


def _one(rng: np.random.Generator, choices: Sequence[str]) -> str:
    return choices[int(rng.integers(len(choices)))]
