"""A stream of short texts with known labels, whose wording changes as it goes on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from streamml.errors import ConfigError, ContractError, DataError
from streamml.io import JSON
from streamml.streams._phrases import OPENINGS, PRODUCTS, TONES, TOPICS
from streamml.streams.known import KnownDrift
from streamml.types import DeadLetter, Event, EventBatch, Schema

__all__ = ["TextStream"]

_SECOND_TOPIC: Final = 0.45
_TONE: Final = 0.5


class TextStream:
    """Messages to a shop, for embedding stages: made of templates, so their labels are known.

    A message is about one topic of six, often about a second one, and in every other
    case it praises or scolds: eight labels. Every ``wording`` events the messages go on
    about the same things in other words (ten wordings take turns): what was learned about
    words is worth little then, what was learned about meanings stays.

    It is a :class:`streamml.io.Source`; every event has a generator of its own.

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
        self._position = 0
        self._closed = False

    @property
    def name(self) -> str:
        """``"texts"``."""
        return "texts"

    @property
    def schema(self) -> Schema:
        """Eight labels, no features."""
        return self._schema

    @property
    def length(self) -> int | None:
        """Number of events."""
        return self.n_events

    def next_batch(self, max_events: int) -> EventBatch | None:
        """The next events; ``None`` at the end."""
        if self._closed:
            raise ContractError("The text stream is closed: make a new one.")
        first = self._position
        if first >= self.n_events:
            return None
        self._position = min(first + max_events, self.n_events)
        events = [self._event(i) for i in range(first, self._position)]
        return EventBatch.from_events(events, self._schema)

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

    def take_dead_letters(self) -> list[DeadLetter]:
        """None: every event can be used."""
        return []

    def snapshot(self) -> Mapping[str, JSON]:
        """``{"position": n}``: the number of events handed out."""
        return {"position": self._position}

    def restore(self, snapshot: Mapping[str, JSON]) -> None:
        """Go to a position."""
        position = snapshot.get("position")
        if not isinstance(position, int) or not 0 <= position <= self.n_events:
            raise DataError(f"{snapshot!r} is no position here: give what snapshot() gave.")
        self._position = position

    def close(self) -> None:
        """Nothing is open; no event comes after it."""
        self._closed = True


def _said(rng: np.random.Generator, phrases: Sequence[str], turn: int) -> str:
    """One of the two phrases whose turn it is."""
    return phrases[(2 * turn + int(rng.integers(2))) % len(phrases)]


def _one(rng: np.random.Generator, choices: Sequence[str]) -> str:
    return choices[int(rng.integers(len(choices)))]
