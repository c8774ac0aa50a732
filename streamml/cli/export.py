"""``streamml export``: the learner of a run in a file of its own."""

from __future__ import annotations

import click

__all__ = ["export"]

_EXAMPLES = """
\b
Examples:
  streamml export state model.streamml
  streamml predict model.streamml new.csv
"""


@click.command(epilog=_EXAMPLES, short_help="Write the learner of a run to a file of its own.")
@click.argument("stored", metavar="STATE")
@click.argument("file")
def export(stored: str, file: str) -> None:
    """Write the learner in STATE, and nothing else of the run, to FILE.

    STATE is the --snapshot-dir of a run (its newest snapshot is read, the run is not disturbed),
    or a snapshot in it. FILE is what streamml.state.load, streamml predict and streamml explain
    take.
    """
    from streamml import state
    from streamml.cli import words
    from streamml.cli.overwriting import refuse_overwriting
    from streamml.cli.saying import say
    from streamml.state.stored_learner import learner_in

    refuse_overwriting((("STATE", stored),), (("FILE", file),))
    learner = learner_in(stored)
    state.save(learner, file)
    schema = learner.schema
    features, labels = len(schema.features), len(schema.labels)
    held = f"{words.plural(features, 'feature')} and {words.plural(labels, 'label')}"
    say(f"{type(learner).__name__} of {held} saved to {file}")
