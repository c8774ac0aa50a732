"""Measurements of streamml, run from a checkout: ``python -m experiments.NAME``.

The folders are rooms, each with what belongs together; ``NAME`` is a file of ``commands/``, or a
room that is a command itself.
"""

from pathlib import Path

__path__.append(str(Path(__file__).with_name("commands")))
