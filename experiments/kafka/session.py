"""One session with Kafka from start to end, as an operator would type it.

    python -m experiments.kafka_session tmc2007_500.arff.gz

Starts a broker on this machine, a consumer on a topic and ``streamml produce`` with the
events of a file; ends the consumer by kill -9 in the middle and starts it again; looks at the
metrics and, where chromium is installed, takes a picture of the page. What it reports when it
is stopped at the end must equal a replay of the events from a file, to the last digit; 1 if it
does not. That file is JSON Lines: other formats declare names before the first event.
"""

from __future__ import annotations

import argparse
import json
import re
import shlex
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from experiments.common.watching import series
from experiments.kafka.broker import Broker
from streamml_connectors.files import open_source
from streamml_connectors.kafka.produce import event_json

_SHOWN = (
    "streamml_events_total",
    "streamml_consumer_lag_events",
    "streamml_event_outcomes_total",
    "streamml_snapshots_total",
    "streamml_snapshot_size_bytes",
    "streamml_label_clusters",
    "streamml_structure_changes_total",
    'streamml_prequential{metric="micro_f1"',
)
_PATIENCE = 600.0


def say(*words: str) -> list[str]:
    """Print a command as one would type it; gives what runs it here."""
    print(f"\n$ {shlex.join(words)}", flush=True)
    return [sys.executable, "-m", *words] if words[0] == "streamml" else [*words]


def operation(url: str) -> dict[str, Any]:
    """How the run stands over all its starts, as its page has it (metrics are of one start)."""
    try:
        with urlopen(f"{url}state.json", timeout=10) as answer:
            state: dict[str, Any] = json.load(answer)["state"] or {}
    except OSError:
        return {}  # nobody listens
    return state.get("operation", {})


def wait_for(url: str, events: int, process: subprocess.Popen[str]) -> None:
    """Wait until so many events were learned, and something is stored to go on from."""
    until = time.monotonic() + _PATIENCE
    while time.monotonic() < until and process.poll() is None:
        found = operation(url)
        stored = found and found["snapshot"]["age"] is not None
        if stored and found["outcomes"]["learned"] >= events:
            return
        time.sleep(0.1)  # the page is asked for: nothing tells
    raise RuntimeError(f"the consumer did not reach event {events:,.0f}")


def show(found: dict[str, float]) -> None:
    """A few of the metrics."""
    for name, value in found.items():
        if name.startswith(_SHOWN):
            print(f"{name} {value:g}")


def picture(url: str, path: Path) -> None:
    """Take a picture of the page, where there is a browser."""
    browser = shutil.which("chromium") or shutil.which("chromium-browser")
    if browser is None:
        print("(no chromium here: no picture)")
        return
    flags = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"]
    command = [browser, *flags, "--window-size=1200,1500", "--virtual-time-budget=4000",
               f"--screenshot={path}", url]  # fmt: skip
    subprocess.run(command, capture_output=True, timeout=120, check=False)
    print(f"{path}: {path.stat().st_size:,} bytes" if path.exists() else "(no picture)")


def reported(text: str) -> dict[str, Any]:
    """Learner -> figures at the end, of a run with ``--json``."""
    found: dict[str, Any] = json.loads(text[text.index("{") :])
    return {"events": found["events"], **found["metrics"]}


def write(file: Path, lines: Path) -> None:
    """The events of a file as they stand on a topic, one a line; a topic declares no names."""
    with closing(open_source(file)) as source, lines.open("wb") as out:
        while (batch := source.next_batch(1000)) is not None:
            out.writelines(event_json(event) + b"\n" for event in batch.events())


def session(file: Path, folder: Path, png: Path, rate: str, broker: Broker) -> bool:
    """The whole session; says whether the consumer's figures are those of the file."""
    lines = folder / f"{file.name.partition('.')[0]}.jsonl"
    write(file, lines)
    replay = subprocess.run(say("streamml", "run", str(lines), "--json"), capture_output=True,
                            text=True, check=True)  # fmt: skip
    expected = reported(replay.stdout)
    events = expected["events"]
    print(f"{events:,} events: {_line(expected)}")

    print(f"\nApache Kafka on {broker.address}")
    name = uuid.uuid4().hex[:6]
    incoming, predictions, dead = f"events-{name}", f"predictions-{name}", f"dead-{name}"
    broker.create(incoming, predictions, dead)
    topic = f"kafka://{broker.address}/{incoming}"
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}/"
    words = ("streamml", "run", topic, "--predictions-topic", predictions,
             "--dead-letter-topic", dead, "--group", name, "--instance", "one", "--snapshot-dir",
             str(folder / "state"), "--snapshot-every", "2s", "--metrics-port", str(port),
             "--json")  # fmt: skip
    running: list[subprocess.Popen[str]] = []

    def begin(*given: str) -> subprocess.Popen[str]:
        running.append(subprocess.Popen(say(*given), stdout=subprocess.PIPE, text=True))
        return running[-1]

    try:
        consumer = begin(*words)
        begin("streamml", "produce", str(lines), topic, "--rate", rate)
        wait_for(url, events // 3, consumer)
        print(f"\n$ kill -9 {consumer.pid}")
        consumer.kill()
        consumer.communicate()
        consumer = begin(*words)
        wait_for(url, events // 2, consumer)
        print(f"\n$ curl {url}metrics")
        show(series(f"{url}metrics"))
        picture(url, png)
        wait_for(url, events, consumer)
        print(f"\n$ kill -TERM {consumer.pid}")
        consumer.terminate()
        output, _ = consumer.communicate(timeout=_PATIENCE)
        found = reported(output)
        keys = {record.key for record in broker.read(predictions)}
    finally:
        for process in running:
            if process.returncode is None:
                process.kill()
                process.communicate()
    print(f"{found['events']:,} events: {_line(found)}")
    print(f"{len(keys):,} events have a prediction")
    equal = found == expected and len(keys) == events
    print("equal to the replay of the file, every figure" if equal else "NOT equal to the replay")
    return equal


def _line(found: dict[str, Any]) -> str:
    scores = found["ihomer"]["cumulative"]
    names = ("exact_match", "hamming_loss", "micro_f1", "macro_f1", "example_f1")
    return ", ".join(f"{name} {scores[name]!r}" for name in names)


def main(arguments: list[str] | None = None) -> int:
    """Run the session; 1 where the figures differ."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path, help="A file of events with labels.")
    parser.add_argument("--png", type=Path, default=Path("page.png"))
    parser.add_argument("--rate", default="2000", help="Events a second that are sent.")
    chosen = parser.parse_args(arguments)
    if not re.fullmatch(r"\d+(\.\d+)?", chosen.rate):
        parser.error("--rate must be a number of events a second")
    with tempfile.TemporaryDirectory() as folder:
        broker = Broker(Path(folder) / "broker")
        broker.start()
        try:
            equal = session(chosen.file, Path(folder), chosen.png, chosen.rate, broker)
        finally:
            broker.kill()
    return int(not equal)
