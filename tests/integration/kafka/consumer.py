"""The consumer as an operator runs it: a process, and what it leaves in the topics."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from experiments.kafka.broker import Broker
from streamml import state
from streamml.streams import DemoStream
from streamml.types import Event
from streamml_connectors.kafka import Connection, Producer

# without coverage of consumers: tracing slows them beyond what a session of theirs allows
ENVIRONMENT = {k: v for k, v in os.environ.items() if not k.startswith("COV")} | {"COLUMNS": "80"}


def demo(n: int) -> list[Event]:
    stream, found = DemoStream(), []
    while len(found) < n:
        found += list(stream.next_batch(min(1000, n - len(found))).events())
    return found


def send_whole(broker: Broker, topic: str, events: Sequence[Event]) -> None:
    """Send events that bring their labels."""
    producer = Producer(Connection(broker.address), topic)
    producer.send_events(events)
    producer.close()


def send(broker: Broker, topics: Sequence[str], events: Sequence[Event], delay: int = 30) -> None:
    """Send events, and the labels of each ``delay`` events later."""
    producer = Producer(Connection(broker.address), topics[0], topics[1])
    for k, event in enumerate(events):
        producer.send_events([event])
        if k >= delay:
            producer.send_labels([events[k - delay]])
    producer.send_labels(events[max(len(events) - delay, 0) :])
    producer.close()


def send_raw(broker: Broker, topic: str, values: Sequence[bytes | None], key: bytes = b"k") -> None:
    from kafka import KafkaProducer

    producer = KafkaProducer(bootstrap_servers=broker.address, max_request_size=20_000_000)
    for value in values:
        producer.send(topic, value=value, key=key, partition=0).get(30)
    producer.close()


class Consumer:
    """``streamml run kafka://...`` in a process of its own."""

    def __init__(
        self,
        broker: Broker,
        topics: Sequence[str],
        folder: Path,
        *options: str,
        group: str | None = None,
        before: Callable[[], None] | None = None,
        address: str | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        events, labels, out, dead = topics
        source = f"kafka://{address or broker.address}/{events}"
        self.command = [
            *(sys.executable, "-m", "streamml", "run", source),
            *("--labels-topic", labels, "--predictions-topic", out, "--dead-letter-topic", dead),
            *("--group", group or events, "--snapshot-dir", str(folder), "--json"),
            *("--snapshot-every", "100", "--learner", "linear", *options),
        ]
        self._before = before
        self._environment = {**ENVIRONMENT, **(environment or {})}
        self.process: subprocess.Popen[str] | None = None
        self.folder = folder

    def start(self) -> Consumer:
        self.process = subprocess.Popen(
            self.command,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=self._environment,
            preexec_fn=self._before,
        )
        return self

    def finish(self, code: int = 0, timeout: float = 120) -> dict:
        """Wait for the end; gives the report."""
        out, self.errors = self.process.communicate(timeout=timeout)
        assert self.process.returncode == code, self.errors
        return json.loads(out)

    def run(self) -> dict:
        return self.start().finish()

    def refused(self) -> str:
        """Run to an end that is a mistake's; gives what was said."""
        return self.start().complaint()

    def complaint(self) -> str:
        """What it said, having been started, before an end that is a mistake's."""
        _, errors = self.process.communicate(timeout=60)
        assert self.process.returncode == 2, errors
        assert "Traceback" not in errors
        return errors

    def snapshots(self) -> list[Path]:
        return sorted(self.folder.glob("snapshot-*.streamml")) if self.folder.exists() else []

    def learned(self) -> int:
        """How many events its newest snapshot has learned."""
        return int(state.read(self.snapshots()[-1])["run"]["learned"])

    def stop_hard(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.communicate()


def wait_until(what: Callable[[], object], seconds: float = 60) -> None:
    """Wait for something outside of this process, which tells nobody when it happens."""
    until = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < until, "it did not happen in time"
        time.sleep(0.05)


def predictions(broker: Broker, topic: str) -> dict[bytes, dict]:
    """The last prediction of each event."""
    return {record.key: json.loads(record.value) for record in broker.read(topic)}


def members(broker: Broker, group: str) -> int:
    """How many processes of a group have partitions; 0 while they are being moved."""
    from kafka import KafkaAdminClient

    admin = KafkaAdminClient(bootstrap_servers=broker.address)
    (found,) = admin.describe_groups([group]).values()
    admin.close()
    return len(found["members"]) if found["group_state"] == "Stable" else 0


def scores(report: dict) -> dict:
    """What must not depend on how a stream was read."""
    return {**report["metrics"], "events": report["events"], "dead": report["dead_letters"]}
