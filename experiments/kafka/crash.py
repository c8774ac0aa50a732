"""kill -9 at random points of a replay from Kafka: nothing lost, nothing learned twice.

Starts Apache Kafka, sends one stream of events and, later, their labels over several
partitions, and reads it once without interruption. Then it reads it again and again,
killed at random moments and started anew, until there were enough kills. Each replay must
end with the same metrics, the same stored state and the same predictions (the last one of
each event), bit for bit.

    python -m experiments.kafka_crash --kills 50
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import tempfile
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from experiments.kafka.broker import Broker
from streamml import state
from streamml.cli import main as streamml
from streamml.streams import DemoStream
from streamml_connectors.kafka import Connection, Producer

__all__ = ["Outcome", "Replay", "difference"]

_EVERY = 150  # events between snapshots
_DELAY = 60  # events until labels are sent
_EARLY = 0.2  # share of kills that hit the start of a process
_BETWEEN = 0.15  # seconds: a few batches and snapshots


@dataclass(frozen=True)
class Outcome:
    """What a replay came to."""

    state: dict[str, Any]
    predictions: dict[bytes, bytes]
    sent: int
    seconds: float
    first: float  # seconds until the first snapshot


class Replay:
    """One stream in a broker, to be read many times.

    Parameters
    ----------
    broker
        Running.
    folder
        For snapshots.
    events
        Number of events.
    options
        Further ones of ``streamml run``.
    """

    def __init__(
        self, broker: Broker, folder: Path, events: int = 3_000, options: tuple[str, ...] = ()
    ) -> None:
        self.broker = broker
        self._folder = folder
        self._options = options
        name = uuid.uuid4().hex[:8]
        self.events_topic, self.labels_topic = f"events-{name}", f"labels-{name}"
        broker.create(self.events_topic, self.labels_topic, partitions=2)
        self.send(events)

    def send(self, n: int) -> None:
        """Send events, and the labels of each some events later."""
        producer = Producer(Connection(self.broker.address), self.events_topic, self.labels_topic)
        batches, left = DemoStream(), n
        events: list[Any] = []
        while left:
            batch = batches.next_batch(min(left, 1000))
            assert batch is not None
            events += batch.events()
            left -= len(batch)
        for k, event in enumerate(events):
            producer.send_events([event])
            if k >= _DELAY:
                producer.send_labels([events[k - _DELAY]])
        producer.send_labels(events[-_DELAY:])
        producer.close()

    def begin(self) -> list[str]:
        """A new replay: the options of ``streamml run`` for it."""
        name = uuid.uuid4().hex[:8]
        self.broker.create(f"out-{name}", f"dead-{name}")
        address = f"kafka://{self.broker.address}/{self.events_topic}"
        return [
            *("run", address, "--labels-topic", self.labels_topic, "--group", name),
            *("--predictions-topic", f"out-{name}", "--dead-letter-topic", f"dead-{name}"),
            *("--snapshot-dir", str(self._folder / name), "--until-end", "--json"),
            *("--snapshot-every", str(_EVERY), *self._options),
        ]

    def outcome(self, arguments: list[str], started: float, first: float = 0.0) -> Outcome:
        """What a finished replay left behind."""
        folder = Path(arguments[arguments.index("--snapshot-dir") + 1])
        newest = max(folder.glob("snapshot-*.streamml"))
        found = state.read(newest)
        del found["source"]["owner"]
        records = self.broker.read(arguments[arguments.index("--predictions-topic") + 1])
        predictions = {record.key: record.value for record in records}
        shutil.rmtree(folder)
        return Outcome(found, predictions, len(records), time.monotonic() - started, first)

    def whole(self) -> Outcome:
        """Read it without interruption."""
        arguments, started = self.begin(), time.monotonic()
        child, folder = start(arguments), Path(arguments[arguments.index("--snapshot-dir") + 1])
        while not any(folder.glob("snapshot-*")) and not ended(child):
            time.sleep(0.005)
        first = time.monotonic() - started
        assert finished(child), "the uninterrupted replay failed"
        return self.outcome(arguments, started, first)

    def broken(self, rng: random.Random, whole: Outcome, kills: int) -> tuple[Outcome, int]:
        """Read it, killed up to so many times at random; gives the number of kills, too.

        Some of the kills hit the start, the others a random moment between two snapshots or
        while one is written.
        """
        arguments, started, done = self.begin(), time.monotonic(), 0
        folder = Path(arguments[arguments.index("--snapshot-dir") + 1])
        while True:
            child = start(arguments)
            early = rng.random() < _EARLY
            if done < kills and killed(child, folder, rng, whole.first if early else None):
                done += 1
            elif done >= kills or child in _ENDED:
                assert finished(child), "a replay that was killed did not go on"
                return self.outcome(arguments, started), done


_ENDED: dict[int, int] = {}


def start(arguments: list[str]) -> int:
    """``streamml`` in a process of its own (forked: what is compiled is there already)."""
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        quiet = os.open(os.devnull, os.O_WRONLY)
        os.dup2(quiet, 1)
        os.dup2(quiet if "KAFKA_CRASH_LOUD" not in os.environ else 2, 2)
        streamml(arguments)
    except SystemExit as end:
        code = int(end.code or 0)
    finally:
        os._exit(code)


def killed(child: int, folder: Path, rng: random.Random, within: float | None) -> bool:
    """Kill -9 at a random moment; false where the process had ended by then.

    ``within`` some seconds of its start, or shortly after one of its next snapshots.
    """
    if within is None:
        wanted = newest(folder) + rng.randint(1, 4)
        while newest(folder) < wanted:
            if ended(child):
                return False
            time.sleep(0.001)
        time.sleep(rng.uniform(0.0, _BETWEEN))
    else:
        time.sleep(rng.uniform(0.0, within))
    if ended(child):
        return False
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return True


def newest(folder: Path) -> int:
    """Number of the newest snapshot; 0 where there is none."""
    return max((int(path.stem[9:]) for path in folder.glob("snapshot-*.streamml")), default=0)


def ended(child: int) -> bool:
    """Whether the process is at its end."""
    found, status = os.waitpid(child, os.WNOHANG)
    if found:
        _ENDED[child] = os.waitstatus_to_exitcode(status)
    return bool(found)


def finished(child: int) -> bool:
    """Wait for the end; whether it was a good one."""
    if child in _ENDED:
        return _ENDED.pop(child) == 0
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def difference(a: Any, b: Any, where: str = "") -> str | None:
    """Where two states differ, or ``None`` where they are the same, bit for bit."""
    if isinstance(a, Mapping) and isinstance(b, Mapping):
        if list(a) != list(b):
            return f"{where}: keys {sorted(set(a) ^ set(b), key=str) or 'in another order'}"
        found = (difference(a[key], b[key], f"{where}/{key}") for key in a)
        return next((one for one in found if one), None)
    if isinstance(a, np.ndarray) and isinstance(b, np.ndarray):
        same = a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
        return None if same else where
    if isinstance(a, list | tuple) and isinstance(b, list | tuple) and len(a) == len(b):
        found = (difference(x, y, f"{where}[{k}]") for k, (x, y) in enumerate(zip(a, b)))  # noqa: B905
        return next((one for one in found if one), None)
    same = type(a) is type(b) and msgspec.msgpack.encode(a) == msgspec.msgpack.encode(b)
    return None if same else f"{where}: {str(a)[:60]} != {str(b)[:60]}"


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--events", type=int, default=8_000)
    parser.add_argument("--each", type=int, default=8, help="kills of one replay at most")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--assigned", action="store_true", help="let the group assign partitions, pin none"
    )
    options = parser.parse_args()
    rng = random.Random(options.seed)
    with tempfile.TemporaryDirectory() as folder:
        broker = Broker(Path(folder) / "broker")
        broker.start()
        try:
            run(broker, Path(folder), options, rng)
        finally:
            broker.stop()


def run(broker: Broker, folder: Path, options: argparse.Namespace, rng: random.Random) -> None:
    """All replays; ends with an error at the first that differs."""
    # A name kept over restarts: else the group waits for the process that was killed.
    how = ("--instance", "crash") if options.assigned else ("--partitions", "0,1")
    replay = Replay(broker, folder, options.events, how)
    replay.whole()  # compiles
    whole = replay.whole()
    events = len(whole.predictions)
    print(f"uninterrupted: {whole.seconds:.1f} s, {events} events predicted")
    kills = replays = 0
    while kills < options.kills:
        most = min(options.each, options.kills - kills)
        outcome, done = replay.broken(rng, whole, most)
        kills, replays = kills + done, replays + 1
        where = difference(whole.state, outcome.state)
        if where or outcome.predictions != whole.predictions:
            raise SystemExit(f"replay {replays} differs: {where or 'its predictions'}")
        print(
            f"replay {replays}: killed {done} times, {outcome.sent} predictions sent "
            f"for {events} events; state, metrics and predictions are the same"
        )
    print(f"{kills} kills in {replays} replays: no difference")
