"""A minute without a broker: nothing lost, nothing learned twice, and told to who asks."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

from tests.integration.kafka.consumer import ENVIRONMENT, predictions, wait_until

pytestmark = [pytest.mark.kafka, pytest.mark.filterwarnings("ignore::ResourceWarning")]

MINUTE = 60.0
EVENTS = 1500


def probe(url: str) -> tuple[int, str]:
    try:
        with urlopen(url, timeout=10) as page:
            return page.status, page.read().decode()
    except HTTPError as error:
        with error:
            return error.code, error.read().decode()


@pytest.fixture
def producing(broker, topics, tmp_path) -> Iterator[subprocess.Popen[str]]:
    """``streamml produce`` over 75 seconds, labels 20 events behind."""
    table = tmp_path / "events.csv"
    rows = (f"{k % 7 - 3},{k % 5},{int(k % 7 > 3)},{int(k % 5 > 2)}" for k in range(EVENTS))
    table.write_text("\n".join(["f,g,red,green", *rows]) + "\n")
    delayed = ("--labels-topic", topics[1], "--label-delay", "20")
    address = f"kafka://{broker.address}/{topics[0]}"
    process = subprocess.Popen(
        [*(sys.executable, "-m", "streamml", "produce", str(table), address),
         *("--labels", "red,green", "--rate", str(EVENTS // 75), *delayed)],
        stderr=subprocess.PIPE,
        text=True,
        env=ENVIRONMENT,
    )  # fmt: skip
    yield process
    process.kill()
    process.communicate()


def test_a_minute_without_a_broker_costs_nothing(broker, topics, folder, consumer, producing):
    """Two consumers, one in a group and one with pinned partitions, and a producer."""
    watched = consumer("--metrics-port", "0").start()
    pinned = consumer("--partitions", "0,1", folder=folder / "pinned", group="pinned").start()
    address = re.search(r"http://[^/]+", watched.process.stderr.readline())[0]
    wait_until(lambda: len(broker.read(topics[2])) >= 200)
    wait_until(lambda: probe(f"{address}/readyz")[0] == 200)

    broker.kill()
    gone = time.monotonic()
    wait_until(lambda: probe(f"{address}/readyz")[0] == 503)
    assert "no broker answers" in probe(f"{address}/readyz")[1]
    assert "streamml_consumer_lag_events{" not in probe(f"{address}/metrics")[1]
    while time.monotonic() - gone < MINUTE:  # the outage itself
        assert probe(f"{address}/healthz")[0] == 200
        assert watched.process.poll() is None
        time.sleep(1.0)

    broker.start()
    wait_until(lambda: probe(f"{address}/readyz")[0] == 200)
    _, said = producing.communicate(timeout=60)
    assert f"{EVENTS} events sent" in said, said
    wait_until(lambda: len(predictions(broker, topics[2])) == EVENTS)
    for run in (watched, pinned):
        run.process.send_signal(signal.SIGTERM)
        run.finish(code=143)
        run.command.append("--until-end")
        rest = run.run()
        assert rest["events"] == EVENTS
        assert rest["dead_letters"] == {}
        assert run.learned() == EVENTS
