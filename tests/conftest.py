"""What tests of every kind share."""

from __future__ import annotations

import os

import pytest


def needs(what: str, found: object) -> None:
    """Skip a test where what it needs is not there, with the reason; in CI it must be there."""
    if found:
        return
    if os.environ.get("CI", "").lower() == "true":
        pytest.fail(what, pytrace=False)
    pytest.skip(what)
