"""Where cells run: in processes of this machine, or spread over the machines of a Ray cluster."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import Any

from experiments.bench.cell_run import Limits
from experiments.bench.isolated import isolated, prepare
from experiments.bench.store import Cell, Result
from streamml.errors import ConfigError, DataError, MissingDependencyError, install_hint

__all__ = ["local", "on_ray", "results"]


def results(
    cells: Iterable[Cell], limits: Limits, jobs: str, started: Callable[[Cell], None]
) -> Iterator[Result]:
    """Results as they come; ``jobs`` is a number of processes or ``ray://HOST:PORT``."""
    if jobs.startswith("ray://") or jobs == "ray":
        return on_ray(cells, limits, None if jobs == "ray" else jobs)
    if not jobs.isdecimal() or int(jobs) < 1:
        raise ConfigError(f"--jobs must be a number of processes or ray://HOST:PORT, not {jobs!r}.")
    return local(cells, limits, int(jobs), started)


def local(
    cells: Iterable[Cell], limits: Limits, jobs: int, started: Callable[[Cell], None]
) -> Iterator[Result]:
    """Run cells in ``jobs`` processes at a time; leaving the iteration ends them."""
    prepare()
    stopping = threading.Event()
    todo = iter(cells)

    def run(cell: Cell) -> Result:
        started(cell)
        return isolated(cell, limits, stopping.is_set)

    with ThreadPoolExecutor(jobs) as pool:
        running: set[Future[Result]] = set()
        try:
            while True:
                while len(running) < jobs and (cell := next(todo, None)) is not None:
                    running.add(pool.submit(run, cell))
                if not running:
                    return
                done, running = wait(running, return_when=FIRST_COMPLETED)
                for future in done:
                    yield future.result()
        finally:
            stopping.set()


def on_ray(cells: Iterable[Cell], limits: Limits, address: str | None) -> Iterator[Result]:
    """Run cells as tasks of a Ray cluster; every machine needs the datasets in STREAMML_DATA."""
    try:
        import ray
    except ImportError as error:
        raise MissingDependencyError(
            f"--jobs ray://... needs Ray on every machine: {install_hint('ray[client]')}."
        ) from error
    try:
        ray.init(address=address, ignore_reinit_error=True, log_to_driver=False)
    except ConnectionError as error:
        raise DataError(
            f"No Ray cluster answers at {address}: start one with ray start --head "
            "--ray-client-server-port 10001, and give its address as ray://HOST:10001 (with "
            "RAY_AUTH_MODE=token where it asks for a token)."
        ) from error
    task: Any = ray.remote(num_cpus=1, max_retries=2)(_on_a_worker)
    waiting = [task.remote(cell, limits) for cell in cells]
    while waiting:
        done, waiting = ray.wait(waiting, num_returns=1)
        yield from ray.get(done)


def _on_a_worker(cell: Cell, limits: Limits) -> Result:
    prepare()
    return isolated(cell, limits)
