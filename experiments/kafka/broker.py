"""Apache Kafka itself, for tests and measurements: one broker, on loopback, without Docker.

The jars come from Maven once and stay in the user's cache; what tests need of a broker is
to start it, to kill it, to freeze it, and to find its data again.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from textwrap import dedent
from typing import Any

VERSION = "4.1.1"

_POM = f"""\
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>streamml</groupId><artifactId>broker</artifactId><version>1</version>
  <packaging>pom</packaging>
  <dependencies><dependency>
    <groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId>
    <version>{VERSION}</version>
  </dependency></dependencies>
</project>
"""
_READY = 60.0  # seconds a start may take
_CLUSTER = "c3RyZWFtbWwtdGVzdHMtMQ"  # any 16 bytes in base64


class UnavailableError(Exception):
    """There is no way to run a broker here, and why."""


def jars() -> Path:
    """The folder with Kafka's jars, fetched at the first call on a machine.

    Raises
    ------
    UnavailableError
        Java or Maven is missing, or the jars cannot be fetched.
    """
    for tool in ("java", "mvn"):
        if shutil.which(tool) is None:
            raise UnavailableError(
                f"no {tool}: install a JDK 17 and Maven to test against a broker"
            )
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = cache / "streamml-tests" / f"kafka-{VERSION}"
    if (folder / "complete").exists():
        return folder
    work = folder.with_name(f"{folder.name}.{os.getpid()}")
    work.mkdir(parents=True, exist_ok=True)
    (work / "pom.xml").write_text(_POM, encoding="utf-8")
    command = ["mvn", "-q", "-B", "dependency:copy-dependencies"]
    done = subprocess.run(
        [*command, "-DincludeScope=runtime", f"-DoutputDirectory={work}"],
        cwd=work,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    if done.returncode:
        shutil.rmtree(work)
        raise UnavailableError(f"Maven cannot fetch Kafka {VERSION}: {done.stdout[-500:]}")
    (work / "complete").touch()
    shutil.rmtree(folder, ignore_errors=True)
    work.rename(folder)
    return folder


class Broker:
    """A combined controller and broker with its own data folder.

    Parameters
    ----------
    folder
        For its configuration, data and log; kept over restarts.
    listeners
        Further ones beside the plain one: name -> security protocol, ``SSL`` or ``SASL_SSL``.
    properties
        Of the server, beside those it has here.
    users
        Name -> password of those who may log in by SCRAM.
    """

    def __init__(
        self,
        folder: Path,
        listeners: Mapping[str, str] | None = None,
        properties: Mapping[str, str] | None = None,
        users: Mapping[str, str] | None = None,
    ) -> None:
        self._jars = jars()
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._protocols = {"PLAINTEXT": "PLAINTEXT", **(listeners or {})}
        self._controller, *ports = _free_ports(1 + len(self._protocols))
        self._ports = dict(zip(self._protocols, ports, strict=True))
        self._process: subprocess.Popen[bytes] | None = None
        self._format(properties or {}, users or {})

    @property
    def port(self) -> int:
        return self._ports["PLAINTEXT"]

    @property
    def address(self) -> str:
        return self.address_of("PLAINTEXT")

    def address_of(self, listener: str) -> str:
        """Where one of its listeners is."""
        return f"127.0.0.1:{self._ports[listener]}"

    @property
    def pid(self) -> int:
        """Its process."""
        assert self._process is not None
        return self._process.pid

    @property
    def log(self) -> str:
        return (self._folder / "broker.log").read_text(errors="replace")

    def _format(self, properties: Mapping[str, str], users: Mapping[str, str]) -> None:
        config = self._folder / "server.properties"
        addresses = ",".join(f"{name}://{self.address_of(name)}" for name in self._ports)
        protocols = ",".join(f"{name}:{kind}" for name, kind in self._protocols.items())
        config.write_text(
            dedent(f"""\
            process.roles=broker,controller
            node.id=1
            controller.quorum.voters=1@127.0.0.1:{self._controller}
            listeners={addresses},CONTROLLER://127.0.0.1:{self._controller}
            advertised.listeners={addresses}
            inter.broker.listener.name=PLAINTEXT
            controller.listener.names=CONTROLLER
            listener.security.protocol.map={protocols},CONTROLLER:PLAINTEXT
            log.dirs={self._folder / "data"}
            num.network.threads=2
            num.io.threads=2
            log.cleaner.dedupe.buffer.size=2097152
            auto.create.topics.enable=false
            message.max.bytes=20971520
            socket.request.max.bytes=104857600
            offsets.topic.replication.factor=1
            offsets.topic.num.partitions=1
            transaction.state.log.replication.factor=1
            transaction.state.log.min.isr=1
            transaction.state.log.num.partitions=1
            share.coordinator.state.topic.replication.factor=1
            share.coordinator.state.topic.min.isr=1
            group.initial.rebalance.delay.ms=0
            group.min.session.timeout.ms=2000
            broker.session.timeout.ms=2000
            broker.heartbeat.interval.ms=500
            """)
            + "".join(f"{name}={value}\n" for name, value in properties.items())
        )
        tool = ["kafka.tools.StorageTool", "format", "-t", _CLUSTER, "-c", str(config)]
        for name, password in users.items():
            tool += ["--add-scram", f"SCRAM-SHA-256=[name={name},password={password}]"]
        done = subprocess.run(
            self._java(*tool), capture_output=True, text=True, timeout=_READY, check=False
        )
        if done.returncode:
            raise RuntimeError(f"the broker's storage cannot be formatted: {done.stderr[-1000:]}")

    def _java(self, *main: str) -> list[str]:
        heap = ["-Xmx512m", "-Xms128m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"]
        return ["java", *heap, "-cp", f"{self._jars}/*", *main]

    def start(self) -> None:
        """Start it, with the data of before, and wait until it answers."""
        with (self._folder / "broker.log").open("ab") as log:
            self._process = subprocess.Popen(
                self._java("kafka.Kafka", str(self._folder / "server.properties")),
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C in a test run is not for the broker
            )
        self.wait()

    def wait(self) -> None:
        """Wait until it answers requests."""
        from kafka import KafkaAdminClient
        from kafka.errors import KafkaError

        until = time.monotonic() + _READY
        while time.monotonic() < until:
            assert self._process is not None
            if self._process.poll() is not None:
                raise RuntimeError(f"the broker ended: {self.log[-2000:]}")
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                KafkaAdminClient(bootstrap_servers=self.address, bootstrap_timeout_ms=1000).close()
            except (KafkaError, OSError):
                time.sleep(0.1)  # nothing to wait on: it tells nobody when it is up
            else:
                return
        raise RuntimeError(f"the broker does not answer: {self.log[-2000:]}")

    def create(self, *topics: str, partitions: int = 1, **configs: str) -> None:
        """Create topics; with settings of a topic, ``_`` for the dots in their names."""
        from kafka import KafkaAdminClient

        admin = KafkaAdminClient(bootstrap_servers=self.address)
        what: dict[str, Any] = {"num_partitions": partitions, "replication_factor": 1}
        if configs:
            what["configs"] = {name.replace("_", "."): value for name, value in configs.items()}
        admin.create_topics(dict.fromkeys(topics, what), wait_for_metadata=True)
        admin.close()

    def read(self, topic: str) -> list[Any]:
        """All records of a topic, partition by partition."""
        from kafka import KafkaConsumer, TopicPartition

        consumer = KafkaConsumer(
            bootstrap_servers=self.address, auto_offset_reset="earliest", group_id=None
        )
        parts = [TopicPartition(topic, p) for p in sorted(consumer.partitions_for_topic(topic))]
        consumer.assign(parts)
        consumer.seek_to_beginning()
        ends, found = consumer.end_offsets(parts), {p: [] for p in parts}
        while any(consumer.position(p) < ends[p] for p in parts):
            for part, records in consumer.poll(timeout_ms=500, max_records=5000).items():
                found[part] += records
        consumer.close()
        return [record for part in parts for record in found[part]]

    def kill(self) -> None:
        """As a power cut would end it."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """Let it end in order."""
        self._end(signal.SIGTERM)

    def pause(self) -> None:
        """Freeze it: connections stay, nothing is answered."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on after :meth:`pause`."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def _end(self, how: signal.Signals) -> None:
        if self._process is None:
            return
        self._process.send_signal(signal.SIGCONT)
        self._process.send_signal(how)
        try:
            self._process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None


def _free_ports(n: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(n)]
    ports = [s.getsockname()[1] for s in sockets]
    for s in sockets:
        s.close()
    return ports
