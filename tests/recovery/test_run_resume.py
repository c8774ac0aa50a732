"""A run that is stored and broken off goes on as if nothing had happened, files included."""

from __future__ import annotations

import json
import signal
import subprocess
import sys

import pytest

from experiments.kafka.crash import difference
from streamml.baselines import MajorityLabelSet, NoChange
from streamml.errors import ConfigError, DataError
from streamml.evaluate import Delay
from streamml.join import JoinPolicy
from streamml.pacing import EventsPerSecond, OriginalTimestamps, Unpaced
from streamml.service import Every, Service
from streamml.snapshots import SnapshotFolder
from streamml.streams import DemoStream
from streamml.testing import Aborted, AbortingSource, CommittingSource, SettableClock
from streamml_connectors.dead_letters import JsonlDeadLetterSink
from streamml_connectors.files import open_source
from streamml_connectors.predictions import JsonlPredictionSink

EVENTS = 500


def stamped(path, events=EVENTS):
    """A file of events a few seconds apart, every tenth one with a cell too few."""
    rows = ["time,f,g,even,odd"]
    for k in range(events):
        f = "" if k % 10 == 7 else f"{k % 3},"
        rows.append(f"{k * 3 + k % 2},{f}{k % 5},{k % 2},{(k + 1) % 2}")
    path.write_text("\n".join(rows) + "\n")
    return path


def run(path, folder, out, *, after=None, every=60, pace=None, **more):
    """Run over the file, stored in ``folder``; broken off after some events."""
    source = open_source(path, labels=["even", "odd"], timestamp="time")
    resumed = folder is not None and folder.exists()
    service = Service(
        source if after is None else AbortingSource(source, after),
        MajorityLabelSet(),
        pace=pace or Unpaced(),
        clock=SettableClock(),
        predictions=JsonlPredictionSink(out / "p.jsonl", append=resumed),
        dead_letters=JsonlDeadLetterSink(out / "d.jsonl", append=resumed),
        snapshots=None if folder is None else SnapshotFolder(folder),
        snapshot_every=Every(events=every),
        **more,
    )
    service.resume()
    return service.run()


def found(result, out):
    return (
        {name: metrics.snapshot() for name, metrics in result.metrics.items()},
        result.progress.events,
        result.progress.dead_letters,
        (out / "p.jsonl").read_bytes(),
        (out / "d.jsonl").read_bytes(),
    )


def recorded():
    return OriginalTimestamps(5.0)


@pytest.mark.parametrize(
    ("make_pace", "more"),
    [
        (Unpaced, {}),
        (Unpaced, {"delay": Delay(events=30)}),
        (Unpaced, {"delay": Delay(seconds=50.0)}),
        (Unpaced, {"join": JoinPolicy()}),
        (lambda: EventsPerSecond(50.0), {}),
        (recorded, {"delay": Delay(seconds=50.0)}),
    ],
)
def test_broken_off_and_resumed_is_uninterrupted(tmp_path, make_pace, more):
    path = stamped(tmp_path / "s.csv")
    once, again = tmp_path / "once", tmp_path / "again"
    once.mkdir()
    again.mkdir()
    whole = found(run(path, None, once, pace=make_pace(), **more), once)
    assert whole[1:3] == (450, {"malformed": 50})
    folder = again / "snapshots"
    for after in (0, 90, 150, 1):
        with pytest.raises(Aborted):
            run(path, folder, again, after=after, pace=make_pace(), **more)
    resumed = found(run(path, folder, again, pace=make_pace(), **more), again)
    assert difference(resumed, whole) is None


class Stopping(SettableClock):
    """Asks to stop in the middle of a wait, once its time has come."""

    def sleep(self, seconds):
        super().sleep(seconds)
        if self.now() > 12:
            self.stop()


def test_a_stop_loses_nothing_that_was_read_ahead(tmp_path):
    path, folder, seen = stamped(tmp_path / "s.csv"), tmp_path / "snapshots", []
    whole = found(run(path, None, tmp_path), tmp_path)
    for _ in range(40):
        source = open_source(path, labels=["even", "odd"], timestamp="time")
        clock = Stopping()
        service = Service(
            source,
            MajorityLabelSet(),
            pace=OriginalTimestamps(5.0),
            clock=clock,
            snapshots=SnapshotFolder(folder),
            predictions=JsonlPredictionSink(tmp_path / "p.jsonl", append=bool(seen)),
            dead_letters=JsonlDeadLetterSink(tmp_path / "d.jsonl", append=bool(seen)),
        )
        clock.stop = service.stop
        service.resume()
        result = service.run()
        seen.append(result.progress.events)
        if not result.stopped:
            break
    assert len(seen) > 3
    again = found(run(path, folder, tmp_path), tmp_path)
    assert difference(again, whole) is None


def test_a_finished_run_shows_the_same_table_again(tmp_path):
    path, folder = stamped(tmp_path / "s.csv"), tmp_path / "snapshots"
    first = found(run(path, folder, tmp_path, delay=Delay(events=9)), tmp_path)
    again = found(run(path, folder, tmp_path, delay=Delay(events=9)), tmp_path)
    assert difference(again, first) is None


@pytest.mark.parametrize("more", [{"delay": Delay(events=30)}, {"delay": Delay(seconds=50.0)}])
def test_a_finished_run_goes_on_where_the_file_has_grown(tmp_path, more):
    """What waits for labels at the end of the shorter file goes on waiting in the longer one."""
    once, again = tmp_path / "once", tmp_path / "again"
    once.mkdir()
    again.mkdir()
    path, folder = stamped(tmp_path / "s.csv"), again / "snapshots"
    whole = found(run(path, None, once, **more), once)
    run(stamped(path, 205), folder, again, **more)
    longer = found(run(stamped(path), folder, again, **more), again)
    assert difference(longer, whole) is None


def test_snapshots_of_another_run_are_refused(tmp_path):
    folder = SnapshotFolder(tmp_path)
    Service(DemoStream(), NoChange(), limit=50, snapshots=folder).run()
    with pytest.raises(ConfigError, match="learner"):
        Service(DemoStream(), MajorityLabelSet(), snapshots=folder).resume()
    with pytest.raises(ConfigError, match="delay"):
        Service(DemoStream(), NoChange(), snapshots=folder, delay=Delay(events=1)).resume()


def test_the_newest_whole_snapshot_counts_and_few_are_kept(tmp_path):
    folder = SnapshotFolder(tmp_path, keep=2)
    for k in range(5):
        folder.save({"k": k})
    assert SnapshotFolder(tmp_path).newest() == {"k": 4}
    files = sorted(tmp_path.glob("snapshot-*"))
    assert len(files) == 2
    files[-1].write_bytes(files[-1].read_bytes()[:-1])
    again = SnapshotFolder(tmp_path)
    assert again.newest() == {"k": 3}
    assert [path for path, _ in again.broken] == [files[-1]]
    files[0].write_bytes(b"")
    with pytest.raises(DataError, match="broken"):
        again.newest()


def test_a_snapshot_that_cannot_be_stored_is_told_and_tried_again(tmp_path):
    class Full(SnapshotFolder):
        fails = 2

        def save(self, mapping):
            if self.fails:
                self.fails -= 1
                raise OSError(28, "No space left on device")
            return super().save(mapping)

    problems = []
    folder = Full(tmp_path)
    service = Service(
        DemoStream(), NoChange(), limit=400, snapshots=folder,
        snapshot_every=Every(events=64), problem=problems.append,
    )  # fmt: skip
    operation = service.run().progress.operation
    assert len(problems) == 2
    assert "No space left" in problems[0]
    assert operation.snapshot.failures == 2
    assert operation.snapshot.saved > 0
    assert folder.newest()["run"]["events"] == 400


@pytest.mark.parametrize("sent", [signal.SIGKILL, signal.SIGTERM])
def test_the_command_line_resumes_a_file(tmp_path, sent):
    """Killed at a moment of its own, and run again."""
    out, plain = tmp_path / "out.jsonl", tmp_path / "plain.jsonl"
    command = [sys.executable, "-m", "streamml", "run", "--json", "--limit", "1500"]
    kept = ["--snapshot-dir", str(tmp_path / "s"), "--snapshot-every", "100"]
    learner = ["--learner", "linear", "--delay", "20"]
    slow = [*command, *learner, *kept, "--predictions", str(out), "--rate", "500"]
    with subprocess.Popen(slow, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        while not len(list((tmp_path / "s").glob("snapshot-*"))) >= 2:
            assert process.poll() is None
        process.send_signal(sent)
    fast = [*command, *learner, *kept, "--predictions", str(out)]
    resumed = subprocess.run(fast, capture_output=True, text=True, check=True)
    assert "resumed" in resumed.stderr
    whole = subprocess.run(
        [*command, *learner, "--predictions", str(plain)],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert out.read_bytes() == plain.read_bytes()
    assert json.loads(resumed.stdout)["metrics"] == json.loads(whole.stdout)["metrics"]


def test_a_limit_that_is_passed_already_is_said(tmp_path):
    command = [sys.executable, "-m", "streamml", "run", "--learner", "prior"]
    kept = ["--snapshot-dir", str(tmp_path / "s")]
    subprocess.run([*command, *kept, "--limit", "300"], capture_output=True, check=True)
    again = subprocess.run(
        [*command, *kept, "--limit", "100"], capture_output=True, text=True, check=True
    )
    said = again.stderr.splitlines()
    assert said[1] == "streamml: it holds 300 events: with --limit 100 nothing is left to do"
    assert said[2].startswith("streamml: 300 of 300 events, 0/s")


def test_a_folder_belongs_to_one_run_at_a_time(tmp_path):
    first, second = SnapshotFolder(tmp_path), SnapshotFolder(tmp_path)
    first.claim()
    with pytest.raises(ConfigError, match="Another process keeps its snapshots in"):
        second.claim()
    half = tmp_path / ".snapshot-000000000007.streamml.4242.tmp"
    half.write_bytes(b"of a process that was killed")
    first.release()
    second.claim()
    assert not half.exists()
    second.release()


def test_a_run_kept_out_of_a_folder_leaves_the_files_of_the_other_alone(tmp_path):
    out, kept = tmp_path / "p.jsonl", tmp_path / "s"
    out.write_text("a prediction of the other run\n")
    folder = SnapshotFolder(kept)
    folder.claim()
    command = [sys.executable, "-m", "streamml", "run", "--limit", "9", "--learner", "prior"]
    second = subprocess.run(
        [*command, "--predictions", str(out), "--snapshot-dir", str(kept)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    folder.release()
    assert second.returncode == 2
    assert "Another process keeps its snapshots" in second.stderr
    assert out.read_text() == "a prediction of the other run\n"


def test_back_at_the_start_files_begin_anew_and_nothing_counts_as_stored(tmp_path):
    """Nothing could be stored before the input is lost: no matter how batches are cut."""
    out = tmp_path / "p.jsonl"
    source, read_again = CommittingSource([DemoStream().next_batch(400).events()]), []

    def lost():
        assert out.stat().st_size > 0  # to be cut off again
        source.lose(0)
        source.assign(0)

    source.at(200, lost)
    source.at(600, lambda: read_again.append(True))

    class Full(SnapshotFolder):
        def save(self, mapping):
            raise OSError(28, "No space left on device")

    service = Service(
        source, NoChange(), join=JoinPolicy(), snapshots=Full(tmp_path / "s"),
        predictions=JsonlPredictionSink(out),
    )  # fmt: skip
    service.resume()
    result = service.run()
    assert len(read_again) == 1  # 200 of them twice
    assert source.snapshot()["offsets"] == {"0": 400}
    assert [json.loads(line)["id"] for line in out.read_text().splitlines()] == list(range(400))
    assert result.progress.operation.snapshot.age is None
