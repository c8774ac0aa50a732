"""``streamml explain``: ask what a run has learned, while it runs or later."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from streamml.errors import ConfigError, DataError

if TYPE_CHECKING:
    from streamml.base.explanation import Explanation
    from streamml.hierarchy.drawing import TreeView
    from streamml.ihomer import IHOMER

__all__ = ["explain"]

_EXAMPLES = """
\b
Examples:
  streamml explain state
  streamml explain state '{"x": {"light": 0.9}}' --labels sun --svg why.svg
"""


@click.command(epilog=_EXAMPLES)
@click.argument("stored", type=click.Path(path_type=Path), metavar="STATE")
@click.argument("event", required=False, metavar="[EVENT]")
@click.option("--labels", metavar="A,B,C", help="Labels to explain; by default the predicted ones.")
@click.option("--top", type=click.IntRange(min=1), default=8, show_default=True,
              help="Features shown for a label.")  # fmt: skip
@click.option("--svg", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE",
              help="Draw it into a file as well.")  # fmt: skip
def explain(
    stored: Path, event: str | None, labels: str | None, top: int, svg: Path | None
) -> None:
    """Show the label tree in STATE, or why EVENT would get its labels.

    STATE is the --snapshot-dir of a run (its newest snapshot is read, the run is not
    disturbed) or a file of streamml.state.save. EVENT is JSON, {"x": {...}} as on a topic, or
    - for standard input.
    """
    from streamml.cli.options import split_names
    from streamml.cli.overwriting import refuse_overwriting
    from streamml.ihomer import IHOMER
    from streamml.state.stored_learner import learner_in

    asked = "/dev/stdin" if event == "-" else None
    refuse_overwriting((("STATE", stored), ("the event", asked)), (("--svg", svg),))
    learner = learner_in(stored)
    if not isinstance(learner, IHOMER):
        raise ConfigError(
            f"{stored} holds a {type(learner).__name__}, which explains nothing: run --learner "
            "ihomer to ask it."
        )
    if event is None:
        if labels is not None:
            raise ConfigError("--labels says what to explain of an EVENT, and there is none.")
        found: TreeView | Explanation = learner.tree()
    else:
        found = learner.explain(_features(learner, event), split_names(labels), top)
    click.echo(str(found))
    if svg is not None:
        svg.write_text(found.svg(), encoding="utf-8")


def _features(learner: IHOMER, text: str) -> dict[str, float]:
    """The features of an event that the learner may know."""
    from streamml_connectors.files.columns import BadRow
    from streamml_connectors.files.json_event import decode_object, features

    try:
        found = decode_object(sys.stdin.read() if text == "-" else text)
        x = features(found.get("x", found))
    except BadRow as error:
        raise DataError(f"The event cannot be used: {error}") from error
    if not any(name in learner.schema.features for name in x):
        known = ", ".join(learner.schema.features.names[:3]) or "none at all"
        raise DataError(
            f"The learner knows none of the event's features; it knows {known}, for example."
        )
    return x
