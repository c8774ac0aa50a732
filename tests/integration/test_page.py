"""The live status page in a real browser: drawn, refreshed, safe, readable on a phone.

Screenshots lie in ``STREAMML_ARTEFACTS`` where that is set, else beside pytest's other files.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from streamml import IHOMER
from streamml.cli.monitor import Monitor
from streamml.io.operation import JoinState, LatencyCounts, Operation, PartitionLag, SnapshotState
from streamml.pacing import EventsPerSecond
from streamml.service import Progress, Service
from streamml.streams import DemoStream
from streamml.testing import EventSource
from streamml.types import Event
from tests.integration.chromium import Browser

pytestmark = pytest.mark.browser

EVIL = "<img src=x onerror=\"document.title='owned'\">"
CONSUMER = Operation(
    partitions=(PartitionLag(EVIL, 0, 40_000), PartitionLag("events", 1, 2)),
    outcomes={"learned": 5000, "expired": 3},
    end_to_end=LatencyCounts((0.1, 1.0), (99, 1, 0), 9.0),
    join=JoinState(17, 0, 12.5, 4997, 21, 22, 23, 24, 3),
    snapshot=SnapshotState(age=30.0, size=1_234_567, seconds=0.2, saved=4, failures=1),
)


class Named(EventSource):
    name = EVIL  # type: ignore[assignment]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with Browser() as it:
        yield it


@pytest.fixture
def artefacts(tmp_path: Path) -> Path:
    folder = Path(os.environ.get("STREAMML_ARTEFACTS") or tmp_path)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


class Run:
    """The demo stream in a thread of its own, shown by a monitor."""

    def __init__(self, rate: float, limit: int) -> None:
        self.monitor = Monitor(every=0.2)
        self.monitor.start()
        self.service = Service(
            DemoStream(), IHOMER(), limit=limit, pace=EventsPerSecond(rate), observers=[self.show]
        )
        self.monitor.watch(self.service)
        self.thread = threading.Thread(target=self.service.run)
        self.thread.start()

    def show(self, progress: Progress) -> None:
        self.monitor.show(progress)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.monitor.port}/"

    def close(self) -> None:
        self.service.stop()
        self.thread.join()
        self.monitor.close()


@pytest.fixture
def run() -> Iterator[Run]:
    it = Run(rate=2500, limit=20_000)
    yield it
    it.close()


def fits(browser: Browser) -> bool:
    return browser.run("document.documentElement.scrollWidth <= window.innerWidth")


def test_it_draws_and_refreshes_by_itself(browser: Browser, run: Run, artefacts: Path) -> None:
    browser.errors.clear()
    browser.requested.clear()
    browser.resize(1100, 900)
    browser.open(run.url)
    first = browser.wait_for("Number(document.body?.dataset.events)")
    browser.run("window.never_reloaded = true")
    browser.wait_for("document.querySelectorAll('#tree .chip').length >= 4")
    browser.wait_for(
        "document.querySelector('#quality path.line.one')?.getAttribute('d').includes('L')"
    )
    assert browser.wait_for(f"Number(document.body.dataset.events) > {first}")
    assert browser.run("window.never_reloaded")
    names = browser.run(
        "[...document.querySelectorAll('#tree .label')].map(e => e.firstChild.data)"
    )
    assert sorted(names) == sorted(run.service.source.schema.labels.names)
    assert browser.run("document.querySelectorAll('#timeline path').length") > 0
    words = browser.run("[...document.querySelectorAll('.verdict .word')].map(e => e.textContent)")
    assert words[0] == "Yes"
    assert words[2] == "Yes"
    assert browser.run("document.getElementById('live').dataset.state") == "live"
    browser.screenshot(artefacts / "page.png")

    browser.resize(390, 844)
    browser.wait_for("document.getElementById('quality').viewBox.baseVal.width < 390")
    assert fits(browser)
    assert (
        browser.run(
            "Math.min(...[...document.querySelectorAll('p, li, dd, button')]"
            ".filter(e => e.textContent.trim() && e.offsetParent)"
            ".map(e => parseFloat(getComputedStyle(e).fontSize)))"
        )
        >= 12
    )
    browser.screenshot(artefacts / "page-phone.png")
    assert browser.errors == []
    assert {url.split("/")[2] for url in browser.requested} == {run.url.split("/")[2]}


def test_what_comes_from_the_stream_is_text(browser: Browser, artefacts: Path) -> None:
    """Hostile names everywhere, a consumer in trouble, a dark and narrow screen."""
    names = [EVIL, "</script><script>document.title='owned'</script>", "l" * 5000, "a", "b"]
    events = [
        Event(i, float(i), {"f": float(i % 2)}, frozenset(names[:3] if i % 2 else names[3:]))
        for i in range(1200)
    ]
    events[7] = Event(7, 7.0, {}, frozenset())
    service = Service(Named(events), IHOMER(n_min=50))
    browser.errors.clear()
    with Monitor(every=0) as monitor:
        monitor.watch(service)
        progress = service.run().progress
        monitor.show(replace(progress, operation=CONSUMER))
        browser.resize(390, 844)
        dark = {"name": "prefers-color-scheme", "value": "dark"}
        browser.call("Emulation.setEmulatedMedia", features=[dark])
        browser.open(f"http://127.0.0.1:{monitor.port}/")
        shown = browser.wait_for(
            "document.querySelectorAll('#tree .label').length && "
            "[...document.querySelectorAll('#tree .label')].map(e => e.firstChild.data)"
        )
        assert EVIL in shown
        assert names[1] in shown
        assert browser.run("document.getElementById('source').textContent") == EVIL
        assert browser.run("document.querySelectorAll('main img, body script').length") == 0
        assert "owned" not in browser.run("document.title").replace(EVIL, "")
        assert fits(browser)
        facts = browser.run("document.getElementById('facts').innerText")
        joins = ("17 events, the oldest 13 s", "21, 22", "23, 24")
        for fact in (*joins, "30 s old, 1.23 MB", "1 no_features"):
            assert fact in facts
        health = browser.run("[...document.querySelectorAll('#health li')].map(e => e.innerText)")
        assert any("40,002 records behind" in line for line in health)
        background = browser.run("getComputedStyle(document.body).backgroundColor")
        assert sum(map(int, background[4:-1].split(","))) < 150
        browser.screenshot(artefacts / "page-dark-phone.png")
        light = {"name": "prefers-color-scheme", "value": "light"}
        browser.call("Emulation.setEmulatedMedia", features=[light])
    assert browser.errors == []


def test_a_run_that_ends_is_said_to_be_lost(browser: Browser) -> None:
    browser.resize(800, 800)
    with Monitor() as monitor:
        browser.open(f"http://127.0.0.1:{monitor.port}/")
        browser.wait_for(
            "document.getElementById('live-text').textContent === 'waiting for events'"
        )
    browser.wait_for("document.getElementById('live').dataset.state === 'lost'")
