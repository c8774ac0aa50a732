"""The command line called in this process, and what it wrote."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from streamml.cli import main

__all__ = ["call", "lines"]


def call(*args: object) -> object:
    """The exit code of a command."""
    with pytest.raises(SystemExit) as left:
        main([str(arg) for arg in args])
    return left.value.code


def lines(path: Path) -> list[dict]:
    """The documents of a file of JSON Lines."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
