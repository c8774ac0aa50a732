"""Learners that misbehave, for the benchmark's runner."""

from __future__ import annotations

import os
import time

from streamml.baselines import NoChange


class Slow(NoChange):
    """Spends 2 ms of CPU on every event."""

    def test_then_train(self, batch, min_score=0.01):
        until = time.process_time() + 0.002 * len(batch)
        while time.process_time() < until:
            pass
        return super().test_then_train(batch, min_score)


class _AtEvent1000(NoChange):
    def test_then_train(self, batch, min_score=0.01):
        found = super().test_then_train(batch, min_score)
        if self._position >= 1000:
            self.misbehave()
        return found


class Raises(_AtEvent1000):
    """Raises."""

    def misbehave(self):
        raise ZeroDivisionError("as asked")


class Dies(_AtEvent1000):
    """Takes its process with it."""

    def misbehave(self):
        os.abort()


class Hoards(_AtEvent1000):
    """Takes ever more memory."""

    def misbehave(self):
        self.hoard = [*getattr(self, "hoard", ()), bytearray(os.urandom(1 << 20) * 64)]


class Hangs(_AtEvent1000):
    """Waits without using CPU time, and never comes back."""

    def misbehave(self):
        time.sleep(3600)  # it is killed long before


TABLE = "".join(
    f'[[learner]]\nname = "{name.lower()}"\nclass = "bench_learners:{name}"\ngroup = "yours"\n'
    for name in ("Slow", "Raises", "Dies", "Hoards", "Hangs")
)
