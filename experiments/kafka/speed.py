"""Throughput and latency of the Kafka consumer, beside a bare loop that only decodes.

Apache Kafka on this machine, JSON events of 100 features and 14 labels, default learner,
predictions and metrics on. Both loops run on one core, in turns, so that whatever else the
machine does falls on both; rates are events per second of wall time, and per second of CPU
time of the process. Latency is from fetch to prediction handed to the client, at half of
the bar's load, sent by another process, after the first second.

    python -m experiments.kafka_speed
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from experiments.kafka.broker import Broker
from streamml.cli.process import collect_seldom
from streamml.ihomer import IHOMER
from streamml.join import JoinPolicy
from streamml.service import Every, Service
from streamml.snapshots import SnapshotFolder
from streamml_connectors.kafka import Connection, Input, KafkaPredictionSink, KafkaSource

FEATURES, LABELS = 100, 14
_START = 3.0  # seconds that the consumer has to come up before events are sent
BAR, SHARE, LATENCY = 10_000, 0.7, 0.050


def bodies(n: int = 3_000, seed: int = 1) -> list[bytes]:
    """Events without their beginning: ``"x": {...}, "y": [...]}``."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((n, FEATURES)).round(4)
    weights = rng.standard_normal((FEATURES, LABELS))
    y = x @ weights + rng.standard_normal((n, LABELS)) * 3 > 8
    found = []
    for values, labels in zip(x.tolist(), y.tolist(), strict=True):
        event = {
            "x": {f"f{k}": value for k, value in enumerate(values)},
            "y": [f"label{k}" for k, there in enumerate(labels) if there],
        }
        found.append(msgspec.json.encode(event)[1:])
    return found


def send(address: str, topic: str, n: int, rate: float | None = None) -> None:
    """Send ``n`` events, as fast as it goes or at a rate."""
    from kafka import KafkaProducer

    producer = KafkaProducer(
        bootstrap_servers=address, linger_ms=2 if rate else 20, batch_size=262_144
    )
    events, started = bodies(), time.perf_counter()
    for i in range(n):
        if rate and i % 10 == 0:
            wait = started + i / rate - time.perf_counter()
            if wait > 0:
                time.sleep(wait)
        value = b'{"id":%d,"timestamp":%d.5,' % (i, i) + events[i % len(events)]
        producer.send(topic, value=value, partition=0)
    producer.flush()
    producer.close()


def bare(address: str, topic: str, n: int) -> tuple[float, float]:
    """Decode all events and do nothing with them; wall and CPU seconds."""
    from kafka import KafkaConsumer, TopicPartition

    consumer = KafkaConsumer(
        bootstrap_servers=address,
        auto_offset_reset="earliest",
        group_id=None,
        max_partition_fetch_bytes=4_194_304,
        metrics_enabled=False,
    )
    consumer.assign([TopicPartition(topic, 0)])
    decode, seen = msgspec.json.Decoder().decode, 0
    wall, cpu = time.perf_counter(), time.process_time()
    while seen < n:
        for records in consumer.poll(timeout_ms=200, max_records=4096).values():
            for record in records:
                decode(record.value)
            seen += len(records)
    spent = time.perf_counter() - wall, time.process_time() - cpu
    consumer.close()
    return spent


def bare_latency(address: str, topic: str, n: int) -> list[float]:
    """Fetch, decode, and send a prediction without having made one."""
    from kafka import KafkaConsumer, KafkaProducer, TopicPartition

    consumer = KafkaConsumer(bootstrap_servers=address, group_id=None, metrics_enabled=False)
    consumer.assign([TopicPartition(topic, 0)])
    consumer.seek_to_end()
    consumer.position(TopicPartition(topic, 0))
    producer = KafkaProducer(bootstrap_servers=address, linger_ms=2, metrics_enabled=False)
    decode, found = msgspec.json.Decoder().decode, []
    while len(found) < n:
        for records in consumer.poll(timeout_ms=100, max_records=512).values():
            fetched = time.perf_counter()
            for record in records:
                event = decode(record.value)
                producer.send(f"{topic}-out", key=b"%d" % event["id"], value=b"x" * 200)
            found += [time.perf_counter() - fetched] * len(records)
    consumer.close()
    producer.close()
    return found


class Exact:
    """Every latency, in place of a histogram."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    def observe(self, seconds: float, events: int = 1) -> None:
        self.seconds += [seconds] * events

    def counts(self) -> Any:
        from streamml.io.operation import LatencyRecorder

        return LatencyRecorder().counts()


def consume(
    address: str, topic: str, n: int, folder: Path, until_end: bool
) -> tuple[float, float, list[float]]:
    """The whole consumer over ``n`` events; wall and CPU seconds, and latencies."""
    connection = Connection(address)
    what = Input((topic,), group=uuid.uuid4().hex, partitions=(0,), until_end=until_end)
    service = Service(
        KafkaSource(connection, what),
        IHOMER(),
        join=JoinPolicy(),
        limit=n,
        predictions=KafkaPredictionSink(connection, f"{topic}-out"),
        snapshots=SnapshotFolder(folder / uuid.uuid4().hex),
        snapshot_every=Every(seconds=60.0),
        observers=[_exporter()],
    )
    service._reporter.latency = exact = Exact()  # type: ignore[assignment]
    wall, cpu = time.perf_counter(), time.process_time()
    progress = service.run().progress
    assert progress.events == n, progress.events
    return time.perf_counter() - wall, time.process_time() - cpu, exact.seconds


def _exporter() -> Any:
    from streamml.cli.exporter import ExporterFeed
    from streamml_connectors.prometheus import PrometheusExporter

    return ExporterFeed(PrometheusExporter("127.0.0.1", 0)).show


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--events", type=int, default=40_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=15.0, help="of the latency run")
    parser.add_argument("--send", nargs=4, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.send:
        address, topic, n, rate = options.send
        time.sleep(_START)
        send(address, topic, int(n), float(rate))
        return
    with tempfile.TemporaryDirectory() as folder:
        broker = Broker(Path(folder) / "broker")
        broker.start()
        try:
            core = {min(os.sched_getaffinity(0))}
            rate = throughput(broker, Path(folder), options, core)
            latency(broker, Path(folder), options, rate / 2)
        finally:
            broker.stop()


def throughput(broker: Broker, folder: Path, options: argparse.Namespace, core: set[int]) -> float:
    """Both loops in turns; gives the bar in events per second, or the less that was reached."""
    n = options.events
    broker.create("speed", "speed-out")
    send(broker.address, "speed", n)
    consume(broker.address, "speed", 2_000, folder, True)  # compiles
    collect_seldom()
    os.sched_setaffinity(0, core)
    times: dict[str, list[tuple[float, float]]] = {"bare": [], "consumer": []}
    for _ in range(options.rounds):
        times["bare"].append(bare(broker.address, "speed", n))
        times["consumer"].append(consume(broker.address, "speed", n, folder, True)[:2])
    rates = {}
    print(f"{n} events of {FEATURES} features and {LABELS} labels, best of {options.rounds}")
    print(f"{'':24}{'events/s':>12}{'events/CPU s':>14}")
    for name, spent in times.items():
        wall, cpu = (n / min(column) for column in zip(*spent, strict=True))
        rates[name] = wall, cpu
        print(f"{name:24}{wall:12,.0f}{cpu:14,.0f}")
    for k, kind in enumerate(("wall", "CPU")):
        bar = min(BAR, SHARE * rates["bare"][k])
        ok = "reached" if rates["consumer"][k] >= bar else "missed"
        print(f"bar ({kind}): {bar:,.0f} events/s: {ok}")
    return min(BAR, SHARE * rates["bare"][0], rates["consumer"][0])


def latency(broker: Broker, folder: Path, options: argparse.Namespace, rate: float) -> None:
    """From fetch to prediction sent, at a rate; the consumer and a bare loop."""
    broker.create("late", "late-out", "bare", "bare-out")
    n = int(rate * options.seconds)
    with sender(broker.address, "bare", n, rate):
        floor = bare_latency(broker.address, "bare", n)
    with sender(broker.address, "late", n, rate):
        ours = consume(broker.address, "late", n, folder, False)[2]
    for name, seconds in (("bare", floor), ("consumer", ours)):
        steady = np.array(seconds[int(rate) :])  # the first second loads compiled code
        p50, p99 = np.quantile(steady, [0.5, 0.99]) * 1e3
        print(f"{name:10} at {rate:,.0f} events/s: p50 {p50:.1f} ms, p99 {p99:.1f} ms")
    print(
        f"bar: p99 below {LATENCY * 1e3:.0f} ms: {'reached' if p99 < LATENCY * 1e3 else 'missed'}"
    )


@contextmanager
def sender(address: str, topic: str, n: int, rate: float) -> Iterator[None]:
    """Another process, on any core, that sends at a rate."""
    arguments = ["--send", address, topic, str(n), str(rate)]
    everywhere = set(range(os.cpu_count() or 1))
    process = subprocess.Popen(
        [sys.executable, "-m", "experiments.kafka_speed", *arguments],
        preexec_fn=lambda: os.sched_setaffinity(0, everywhere),
    )
    try:
        yield
    finally:
        process.wait()
