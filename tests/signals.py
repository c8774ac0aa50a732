"""What a process does about Ctrl-C, whatever the process does that runs the tests."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

Handler = signal.Handlers | Callable[[int, FrameType | None], object]

__all__ = ["heeding", "heeds_ctrl_c", "ignores_ctrl_c"]


def heeds_ctrl_c() -> None:
    """For ``preexec_fn``: as started from a terminal."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def ignores_ctrl_c() -> None:
    """For ``preexec_fn``: as started by ``nohup``, or in the background of a script."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


@contextmanager
def heeding(handler: Handler, kind: signal.Signals = signal.SIGINT) -> Iterator[None]:
    """Let this process handle a signal so for a while."""
    before = signal.signal(kind, handler)
    try:
        yield
    finally:
        signal.signal(kind, before)
