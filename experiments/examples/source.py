"""A source of one's own: events out of any Python code, with a position to resume from."""

from __future__ import annotations

from collections.abc import Mapping

from streamml import IHOMER
from streamml.evaluate import prequential
from streamml.io import JSON
from streamml.types import DeadLetter, Event, EventBatch, Schema


class Collatz:
    """Number n has features n mod 2 to n mod 5; its labels say how its Collatz chain goes."""

    def __init__(self, numbers: int = 5_000) -> None:
        self._numbers = numbers
        self._next = 1
        self._schema = Schema(labels=["long", "high", "prime"])
        self._letters: list[DeadLetter] = []

    @property
    def name(self) -> str:
        return "collatz"

    @property
    def schema(self) -> Schema:
        return self._schema

    @property
    def length(self) -> int | None:
        return self._numbers

    def next_batch(self, max_events: int) -> EventBatch | None:
        last = min(self._next + max_events, self._numbers + 1)
        if self._next >= last:
            return None
        events = [_event(n) for n in range(self._next, last)]
        self._next = last
        return EventBatch.from_events(events, self._schema, self._letters)

    def take_dead_letters(self) -> list[DeadLetter]:
        letters, self._letters = self._letters, []
        return letters

    def snapshot(self) -> Mapping[str, JSON]:
        return {"next": self._next}  # the event after the last one handed out

    def restore(self, snapshot: Mapping[str, JSON]) -> None:
        position = snapshot["next"]
        assert isinstance(position, int)
        self._next = position

    def close(self) -> None:
        """Nothing is open."""


def _event(n: int) -> Event:
    steps, top, m = 0, n, n
    while m > 1:
        m = 3 * m + 1 if m % 2 else m // 2
        steps, top = steps + 1, max(top, m)
    labels = {"long": steps > 60, "high": top > 20 * n, "prime": _is_prime(n)}
    features = {f"mod {k}": float(n % k) for k in range(2, 6)}
    return Event(n, float(n), features, frozenset(k for k, true in labels.items() if true))


def _is_prime(n: int) -> bool:
    return n > 1 and all(n % k for k in range(2, int(n**0.5) + 1))


if __name__ == "__main__":
    found = prequential(Collatz(), IHOMER(preset="fast"))
    print(f"{found.events} events, micro-F1 {found.metrics['learner'].cumulative().micro_f1:.3f}")
