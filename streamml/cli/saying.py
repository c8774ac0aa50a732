"""What the command says beside its results, on standard error."""

from __future__ import annotations

import click

from streamml.types.printable import printable

__all__ = ["say"]


def say(sentence: str) -> None:
    """One sentence, in the name of the program."""
    click.echo(f"streamml: {printable(sentence)}", err=True)
