"""Where the mixtures' start weights come from: ``python -m experiments.start_weights PRESET``.

Runs a preset over half A of the datasets, in both orders, and prints the mean and the
spread of the shared weights it ends with.
"""

from __future__ import annotations

import click
import numpy as np

from experiments.datasets.data import HALF_A, read
from streamml import IHOMER
from streamml.nodes import MEMBERS, PRESETS


@click.command()
@click.argument("preset", type=click.Choice(list(PRESETS)), default="default")
def main(preset: str) -> None:
    """Print mean and standard deviation of each member's final shared weight."""
    found = []
    for order in ("natural", "shuffled"):
        for name in HALF_A:
            learner = IHOMER(preset=preset)
            learner.test_then_train(read(name, order))
            found.append(learner.mixture_weights())
    for name in (name for name in MEMBERS if name in found[0]):
        values = np.array([weights[name] for weights in found])
        click.echo(f"{name:12s} {values.mean():+.2f}  (sd {values.std():.2f})")
