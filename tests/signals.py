"""What a process does about Ctrl-C, whatever the process does that runs the tests."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["heeding", "heeds_ctrl_c", "ignores_ctrl_c"]


def heeds_ctrl_c() -> None:
    """For ``preexec_fn``: as started from a terminal."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def ignores_ctrl_c() -> None:
    """For ``preexec_fn``: as started by ``nohup``, or in the background of a script."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


@contextmanager
def heeding(handler: signal.Handlers | object) -> Iterator[None]:
    """Let this process handle Ctrl-C so for a while."""
    before = signal.signal(signal.SIGINT, handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
