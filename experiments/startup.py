"""How long until the first prediction: first run ever (kernels compiled), and later runs.

``python -m experiments.startup`` measures whole runs of ``streamml run --limit 1``, from
the start of the process to its end, so the first prediction came earlier than that.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time

import click


def seconds(cache: str, *command: str) -> float:
    """Wall time of one run with its compiled kernels in ``cache``."""
    started = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "streamml", *command],
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "NUMBA_CACHE_DIR": cache},
    )
    return time.perf_counter() - started


@click.command()
@click.argument("source", required=False)
def main(source: str | None) -> None:
    """Print seconds of the first run ever and of later ones, on SOURCE or the demo stream."""
    run = ("run", *([source] if source else []), "--limit", "1", "--json")
    with tempfile.TemporaryDirectory() as cache:
        click.echo(f"first run ever   {seconds(cache, *run):6.2f} s")
        for _ in range(2):
            click.echo(f"later run        {seconds(cache, *run):6.2f} s")
        click.echo(f"--help           {seconds(cache, '--help'):6.2f} s")


if __name__ == "__main__":
    main()
