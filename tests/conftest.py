"""What tests of every kind share."""

from __future__ import annotations

import os
from collections import Counter

import pytest

_SECONDS: Counter[str] = Counter()
_TESTS: Counter[str] = Counter()


def needs(what: str, found: object) -> None:
    """Skip a test where what it needs is not there, with the reason; in CI it must be there."""
    if found:
        return
    if os.environ.get("CI", "").lower() == "true":
        pytest.fail(what, pytrace=False)
    pytest.skip(what)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Count the seconds of a test, set up and taken down, for its room."""
    room = "/".join(report.nodeid.split("::")[0].split("/")[:2])
    _SECONDS[room] += report.duration
    _TESTS[room] += report.when == "call"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say where the time of CI went: a line a room, the longest first."""
    if os.environ.get("CI", "").lower() != "true":
        return
    terminalreporter.section("seconds by room")
    for room, seconds in _SECONDS.most_common():
        terminalreporter.write_line(f"{seconds:8.1f} s  {_TESTS[room]:5} tests  {room}")
