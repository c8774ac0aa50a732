"""A cell in a process of its own: what breaks there is recorded here."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
import traceback
from collections.abc import Callable
from multiprocessing.connection import Connection, wait

from experiments.bench.cell_run import Limits, run_cell
from experiments.bench.store import Cell, Result
from experiments.common.watching import resident_mib

__all__ = ["isolated", "prepare"]

_POLL = 0.5
_PATIENCE, _GRACE = 3.0, 60.0  # wall time: so many times the budget, and so many seconds more


def prepare() -> None:
    """Start the server that processes are forked from, with everything imported once."""
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS",
                 "NUMBA_NUM_THREADS"):  # fmt: skip
        os.environ.setdefault(name, "1")
    multiprocessing.get_context("forkserver").set_forkserver_preload(["experiments.bench.cell_run"])


def isolated(cell: Cell, limits: Limits, stop: Callable[[], bool] = lambda: False) -> Result:
    """Run a cell in its own process and give what came of it, whatever happens there.

    A process that takes more memory or far more wall time than its budget is killed; what
    it last told is then the result, as unfinished.

    Raises
    ------
    KeyboardInterrupt
        ``stop`` said so; the process was ended and there is no result.
    """
    context = multiprocessing.get_context("forkserver")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_child, args=(cell, limits, theirs), daemon=True)
    process.start()
    theirs.close()
    last, killed = None, ""
    deadline = time.monotonic() + _PATIENCE * limits.seconds + _GRACE
    open_pipe = True
    while open_pipe:
        for _ in wait([ours], timeout=_POLL):
            try:
                last, done = ours.recv()
            except EOFError:
                open_pipe = False
                break
            if done:
                process.join()
                return last
        if stop():
            process.terminate()
            process.join()
            raise KeyboardInterrupt
        if not killed and resident_mib(process.pid or 0) > 1.1 * limits.memory_mib:
            killed = f"over {limits.memory_mib:g} MiB of memory"
        if not killed and time.monotonic() > deadline:
            killed = f"over {_PATIENCE:g} times its budget of {limits.seconds:g} s in wall time"
        if killed and process.is_alive():
            process.kill()
    process.join()
    return _what_is_left(cell, limits, last, killed, process.exitcode)


def _what_is_left(
    cell: Cell, limits: Limits, last: Result | None, killed: str, code: int | None
) -> Result:
    facts = {"budget_seconds": limits.seconds, "budget_memory_mib": limits.memory_mib}
    if killed:
        left = last or Result(cell, "unfinished", facts=facts)
        left.status, left.reason = "unfinished", killed
        return left
    name = f"exit code {code}"
    if code is not None and code < 0:
        name = f"signal {signal.Signals(-code).name}"
    return Result(cell, "failed", f"its process ended by {name}", facts=facts)


def _child(cell: Cell, limits: Limits, pipe: Connection) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent ends us
    try:
        result = run_cell(cell, limits, lambda partial: pipe.send((partial, False)))
    except Exception as error:  # whatever a learner raises is this cell's result
        where = traceback.extract_tb(error.__traceback__)[-1]
        place = f"{where.filename.rpartition('/')[2]}, line {where.lineno}"
        reason = f"{type(error).__name__}: {error} ({place})"
        facts = {"budget_seconds": limits.seconds, "budget_memory_mib": limits.memory_mib}
        result = Result(cell, "failed", reason[:500], facts=facts)
    pipe.send((result, True))
    pipe.close()
