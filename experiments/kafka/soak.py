"""Months in an hour: millions of events through the Kafka consumer, and what its memory does.

Apache Kafka on this machine, events as in ``experiments.kafka.speed`` (100 features, 14
labels, default learner, predictions, metrics and snapshots on), made by another process
while ``streamml run`` reads them. Eight times over the run the labels change their meaning,
so that drifts, alternates and restructuring are part of what is watched. The broker is held
small, too: at most ``--backlog`` events wait to be read, and topics keep 256 MiB in segments
of 32 MiB.

Every prediction is read back: each event must be predicted once, and learned once by the
consumer's own count. Memory is flat where, over the last half of the events, the resident
memory (by Theil and Sen's slope: the median over pairs of samples) rises by less than 3 %.

    python -m experiments.kafka_soak --events 7200000 --svg soak.svg
    python -m experiments.kafka_soak --events 60000
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path
from statistics import median
from typing import Any

from experiments.common.svg import STYLE, Axis, Line, Plot
from experiments.common.watching import resident_mib, series
from experiments.kafka.broker import Broker
from experiments.kafka.speed import FEATURES, LABELS, bodies
from streamml import state

__all__ = ["Sample", "Soak", "rise"]

CONCEPTS = 8
FLAT = 0.03
_TOPIC = {"retention_bytes": str(256 << 20), "segment_bytes": str(32 << 20)}
_CHECK = {"log.retention.check.interval.ms": "5000", "log.segment.delete.delay.ms": "1000"}
_GRANT = 500  # events: the producer is told this often how far it may go
_PATIENCE = 120.0  # seconds without a prediction until the run counts as stuck


@dataclass(frozen=True)
class Sample:
    """One look at the consumer: memory in MiB, its age in seconds."""

    seconds: float
    done: int
    resident: float
    broker: float = 0.0


@dataclass
class Soak:
    """What a run came to."""

    samples: list[Sample]
    report: dict[str, Any]
    seen: bytearray  # how often each event was predicted, at most 255
    learned: int = 0  # as the consumer stored it
    problems: list[str] = field(default_factory=list)

    def judge(self) -> list[str]:
        """What is wrong; nothing where the soak was passed."""
        wanted, problems = len(self.seen), list(self.problems)
        lost, twice = self.seen.count(0), wanted - self.seen.count(0) - self.seen.count(1)
        if lost or twice:
            problems.append(f"{lost:,} events were not predicted, {twice:,} more than once")
        if self.report.get("events") != wanted or self.report.get("dead_letters"):
            told = {name: self.report.get(name) for name in ("events", "dead_letters")}
            problems.append(f"the consumer reports {told}")
        if self.learned != wanted:
            problems.append(f"{self.learned:,} events were learned")
        if not rise(self.samples) < FLAT:
            problems.append(f"memory rose by {rise(self.samples):.1%} over the last half")
        return problems


def rise(samples: list[Sample]) -> float:
    """Share by which resident memory rises over the last half of the events.

    Examples
    --------
    >>> rise([Sample(t, 1000 * t, 100.0 + t) for t in range(101)])
    0.3333333333333333
    >>> rise([Sample(t, 1000 * t, 100.0 + t % 7) for t in range(101)])
    0.0
    """
    half = samples[-1].done / 2 if samples else 0
    late = [sample for sample in samples if sample.done >= half]
    late = late[:: max(len(late) // 400, 1)]  # pairs are many
    slopes = [
        (b.resident - a.resident) / (b.done - a.done)
        for a, b in combinations(late, 2)
        if b.done > a.done
    ]
    if not slopes:
        return 0.0
    return median(slopes) * (late[-1].done - late[0].done) / late[0].resident


# -- the producer, a process of its own ----------------------------------------------------


def produce(address: str, topic: str, n: int) -> None:
    """Send ``n`` events, never further than standard input allows."""
    from kafka import KafkaProducer

    producer = KafkaProducer(bootstrap_servers=address, linger_ms=20, batch_size=262_144)
    allowed, concept, events = 0, -1, []
    for i in range(n):
        while i >= allowed:
            producer.flush()
            line = sys.stdin.readline()
            if not line:
                return
            allowed = int(line)
        if i * CONCEPTS // n != concept:
            concept = i * CONCEPTS // n
            events = bodies(seed=1 + concept)
        value = b'{"id":%d,"timestamp":%d.5,' % (i, i) + events[i % len(events)]
        producer.send(topic, value=value, partition=0)
    producer.close()


@contextmanager
def producer(address: str, topic: str, n: int) -> Iterator[subprocess.Popen[str]]:
    """The producer; how many events it may have sent is written to its input."""
    command = [sys.executable, "-m", "experiments.kafka_soak", "--send", address, topic, str(n)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


# -- the consumer --------------------------------------------------------------------------


class Consumer:
    """``streamml run`` as an operator runs it, and what can be seen of it from outside."""

    def __init__(self, address: str, topic: str, n: int, folder: Path) -> None:
        self.errors, self.snapshots = folder / "errors", folder / "snapshots"
        command = [
            *(sys.executable, "-m", "streamml", "run", f"kafka://{address}/{topic}"),
            *("--predictions-topic", f"{topic}-out", "--group", topic, "--limit", str(n)),
            *("--snapshot-dir", str(self.snapshots), "--snapshot-every", "10s"),
            *("--metrics-port", "0", "--json"),
        ]
        with self.errors.open("w", encoding="utf-8") as errors:
            self.process = subprocess.Popen(
                command, stdout=subprocess.PIPE, stderr=errors, text=True
            )
        self._url: str | None = None

    def metrics(self) -> dict[str, float]:
        """Series -> value, as a scraper sees them; none while it does not serve them."""
        if self._url is None:
            said = self.errors.read_text(encoding="utf-8")
            if "/metrics," not in said:
                return {}
            self._url = said.partition("metrics at ")[2].partition(",")[0]
        return series(self._url)

    def learned(self) -> int:
        """Events learned, by its last snapshot."""
        return int(state.read(max(self.snapshots.glob("*.streamml")))["run"]["learned"])

    def complaints(self) -> list[str]:
        """What it said beside where its page is and how far it was."""
        usual = re.compile(r"streamml: (metrics at|[\d,]+ (of [\d,]+ )?events,)")
        said = self.errors.read_text(encoding="utf-8").splitlines()
        return [line for line in said if line and not usual.match(line)]

    def stop(self) -> None:
        """End it, if it has not ended."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.communicate()


# -- the run -------------------------------------------------------------------------------


def soak(broker: Broker, folder: Path, n: int, backlog: int, every: float) -> Soak:
    """Run it; samples are printed as they are taken."""
    topic = f"soak-{uuid.uuid4().hex[:8]}"
    broker.create(topic, f"{topic}-out", **_TOPIC)
    consumer = Consumer(broker.address, topic, n, folder)
    try:
        with producer(broker.address, topic, n) as sender:
            found = Soak([], {}, bytearray(n))
            watch(broker, topic, found, consumer, sender, backlog, every)
            out, _ = consumer.process.communicate(timeout=_PATIENCE)
    finally:
        consumer.stop()
    found.problems += consumer.complaints()
    if consumer.process.returncode:
        found.problems.append(f"the consumer ended with {consumer.process.returncode}")
    else:
        found.report = json.loads(out)
        found.learned = consumer.learned()
    return found


def watch(
    broker: Broker,
    topic: str,
    found: Soak,
    consumer: Consumer,
    sender: subprocess.Popen[str],
    backlog: int,
    every: float,
) -> None:
    """Read predictions back, let the producer go on, and look at the consumer now and then."""
    from kafka import KafkaConsumer, TopicPartition

    reader = KafkaConsumer(
        bootstrap_servers=broker.address, auto_offset_reset="earliest", group_id=None
    )
    reader.assign([TopicPartition(f"{topic}-out", 0)])
    n, done, granted = len(found.seen), 0, 0
    started = moved = time.monotonic()
    due = 0.0
    print(_HEAD)
    assert sender.stdin is not None
    while done < n and time.monotonic() - moved < _PATIENCE and consumer.process.poll() is None:
        if not granted or (granted < n and done + backlog >= granted + _GRANT):
            granted = min(done + backlog, n)
            sender.stdin.write(f"{granted}\n")
            sender.stdin.flush()
        for records in reader.poll(timeout_ms=200, max_records=20_000).values():
            for record in records:
                event = int(record.key)
                found.seen[event] = min(found.seen[event] + 1, 255)
            done, moved = done + len(records), time.monotonic()
        now = time.monotonic() - started
        if now >= due or done >= n:
            due = now + every
            tell(
                found,
                Sample(now, done, resident_mib(consumer.process.pid), resident_mib(broker.pid)),
            )
            tell_more(consumer.metrics())
    reader.close()
    if done < n:
        found.problems.append(f"no prediction came any more after {done:,} events")


_HEAD = (
    f"{'seconds':>8} {'predicted':>10} {'events/s':>9} {'consumer MiB':>13} {'broker MiB':>11}"
    f" {'learned':>10} {'lag':>7} {'clusters':>9} {'drifts':>7} {'snapshots':>10}"
)


def tell(found: Soak, sample: Sample) -> None:
    """Keep a sample and print the first half of its line."""
    before = found.samples[-1] if found.samples else Sample(0.0, 0, 0.0)
    found.samples.append(sample)
    rate = (sample.done - before.done) / max(sample.seconds - before.seconds, 1e-9)
    print(
        f"{sample.seconds:8.0f} {sample.done:10,} {rate:9,.0f} {sample.resident:13.1f}"
        f" {sample.broker:11.1f}",
        end="",
    )


def tell_more(metrics: dict[str, float]) -> None:
    """The second half: what the consumer's metrics say."""

    def total(name: str, label: str = "") -> float:
        return sum(v for k, v in metrics.items() if k.startswith(name) and label in k)

    print(
        f" {total('streamml_event_outcomes_total', 'learned'):10,.0f}"
        f" {total('streamml_consumer_lag_events'):7,.0f} {total('streamml_label_clusters'):9.0f}"
        f" {total('streamml_drifts_total'):7.0f}"
        f" {total('streamml_snapshots_total', 'saved'):10.0f}",
        flush=True,
    )


def draw(samples: list[Sample], path: Path) -> None:
    """Memory over events, as a picture that stands for itself."""
    done = [sample.done / 1e6 for sample in samples]
    plot = Plot(
        f"resident memory, {FEATURES} features, {LABELS} labels",
        Axis("million events"),
        Axis("MiB", low=0.0),
        [
            Line("consumer", done, [sample.resident for sample in samples]),
            Line("broker", done, [sample.broker for sample in samples]),
        ],
        width=720,
    )
    style = STYLE.read_text(encoding="utf-8")
    opening, rest = plot.svg().split(">", 1)
    path.write_text(
        f'{opening} xmlns="http://www.w3.org/2000/svg"><style>{style}</style>{rest}',
        encoding="utf-8",
    )


def main(arguments: list[str] | None = None) -> int:
    """Command line; 1 where the soak was not passed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--events", type=int, default=7_200_000)
    parser.add_argument("--backlog", type=int, default=40_000, help="events not read yet, at most")
    parser.add_argument("--every", type=float, default=10.0, help="seconds between samples")
    parser.add_argument("--svg", type=Path, metavar="FILE", help="draw memory over events")
    parser.add_argument("--send", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.send:
        produce(*options.send[:2], int(options.send[2]))
        return 0
    with tempfile.TemporaryDirectory() as folder:
        broker = Broker(Path(folder) / "broker", properties=_CHECK)
        broker.start()
        try:
            found = soak(broker, Path(folder), options.events, options.backlog, options.every)
        finally:
            broker.stop()
    if options.svg:
        draw(found.samples, options.svg)
    return verdict(found)


def verdict(found: Soak) -> int:
    """Say how it went; 0 where it went well."""
    last = found.samples[-1]
    print(
        f"{last.done:,} events in {last.seconds:,.0f} s ({last.done / last.seconds:,.0f} a "
        f"second); memory at most {max(s.resident for s in found.samples):.0f} MiB, "
        f"{rise(found.samples):+.2%} over the last half (flat: below {FLAT:.0%})"
    )
    problems = found.judge()
    for problem in problems:
        print(f"WRONG: {problem}")
    if not problems:
        print("every event predicted once and learned once; memory is flat")
    return int(bool(problems))
