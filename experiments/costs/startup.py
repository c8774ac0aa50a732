"""How long until the first prediction: first run ever (kernels compiled), and later runs.

``python -m experiments.startup`` reads what ``streamml run`` says of its first prediction:
seconds since the process began.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile

import click


def first_prediction(cache: str, *source: str) -> float:
    """Seconds from process start to the first prediction, compiled kernels in ``cache``."""
    done = subprocess.run(
        [sys.executable, "-m", "streamml", "run", *source, "--limit", "2000"],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, "NUMBA_CACHE_DIR": cache, "COLUMNS": "200"},
    )
    found = re.search(r"first prediction ([0-9.]+) s", done.stdout)
    if found is None:
        raise SystemExit("The run did not say when its first prediction came.")
    return float(found.group(1))


@click.command()
@click.argument("source", required=False)
def main(source: str | None) -> None:
    """Print seconds of the first run ever and of later ones, on SOURCE or the demo stream."""
    with tempfile.TemporaryDirectory() as cache:
        arguments = [source] if source else []
        click.echo(f"first run ever   {first_prediction(cache, *arguments):6.2f} s")
        for _ in range(2):
            click.echo(f"later run        {first_prediction(cache, *arguments):6.2f} s")
