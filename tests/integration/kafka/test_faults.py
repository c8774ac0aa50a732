"""What goes wrong around the consumer, against a real broker: nothing is lost by any of it."""

from __future__ import annotations

import random
import resource
import signal
import time

import pytest

from experiments.kafka.crash import Replay, difference
from tests.integration.kafka.consumer import (
    demo,
    members,
    predictions,
    scores,
    send,
    wait_until,
)

pytestmark = [pytest.mark.kafka, pytest.mark.filterwarnings("ignore::ResourceWarning")]


@pytest.fixture(scope="module")
def replay(broker, tmp_path_factory):
    options = ("--partitions", "0,1", "--learner", "linear")
    return Replay(broker, tmp_path_factory.mktemp("replay"), 1_500, options)


def test_kill_9_at_random_points_changes_no_bit(replay):
    replay.whole()  # compiles
    whole = replay.whole()
    assert len(whole.predictions) == 1_500
    rng, kills = random.Random(5), 0
    while kills < 5:
        outcome, done = replay.broken(rng, whole, 5 - kills)
        assert difference(whole.state, outcome.state) is None
        assert outcome.predictions == whole.predictions
        assert outcome.sent >= len(whole.predictions)
        kills += done


def test_sigterm_drains_stores_and_leaves_within_ten_seconds(broker, topics, folder, consumer):
    send(broker, topics, demo(600))
    run = consumer("--snapshot-every", "1d").start()
    wait_until(lambda: len(broker.read(topics[2])) >= 500)
    started = time.monotonic()
    run.process.send_signal(signal.SIGTERM)
    report = run.finish(code=143)
    assert time.monotonic() - started < 10
    assert run.snapshots()
    assert members(broker, topics[0]) == 0
    resumed = consumer("--until-end").run()
    assert report["events"] <= resumed["events"] == 600
    assert len(broker.read(topics[2])) == 600  # nothing was predicted twice


def test_a_broker_that_freezes_and_one_that_dies_cost_nothing(broker, topics, folder, consumer):
    events = demo(900)
    send(broker, topics, events[:300])
    run = consumer("--snapshot-every", "50").start()
    wait_until(lambda: len(broker.read(topics[2])) == 300)
    broker.pause()
    time.sleep(3)  # how long it is frozen
    broker.resume()
    send(broker, topics, events[300:600])
    wait_until(lambda: len(predictions(broker, topics[2])) == 600)
    broker.kill()
    broker.start()
    send(broker, topics, events[600:])
    wait_until(lambda: len(predictions(broker, topics[2])) == 900)
    run.process.send_signal(signal.SIGTERM)
    run.finish(code=143)
    resumed = consumer("--until-end").run()
    assert resumed["events"] == 900
    assert resumed["dead_letters"] == {}


def test_a_full_disk_keeps_the_snapshot_before_and_the_run_goes_on(
    broker, topics, folder, consumer
):
    send(broker, topics, demo(300))
    half = consumer("--until-end", "--limit", "150")
    assert half.run()["events"] == 150
    before = half.snapshots()

    def small_files() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)

    run = consumer("--until-end", before=small_files)
    report = run.run()
    assert report["events"] == 300
    assert "no snapshot was stored, the one before stays" in run.errors
    assert run.snapshots() == before
    assert scores(consumer("--until-end").run()) == scores(report)


def test_a_snapshot_cut_short_is_left_out(broker, topics, folder, consumer):
    send(broker, topics, demo(400))
    run = consumer("--until-end")
    whole = run.run()
    files = run.snapshots()
    assert len(files) >= 2
    files[-1].write_bytes(files[-1].read_bytes()[:-1000])
    assert scores(run.run()) == scores(whole)
    assert "is broken, the one before is used" in run.errors
    for path in run.snapshots():
        path.write_bytes(b"")
    assert "All 3 snapshots" in run.refused()


def test_a_rebalance_moves_partitions_with_nothing_lost_or_learned_twice(
    broker, topics, folder, consumer
):
    events = demo(1200)
    send(broker, topics, events[:400])
    first = consumer(folder=folder / "a").start()
    wait_until(lambda: len(broker.read(topics[2])) >= 100)
    second = consumer(folder=folder / "b").start()
    wait_until(lambda: members(broker, topics[0]) == 2)
    send(broker, topics, events[400:800])
    wait_until(lambda: len(predictions(broker, topics[2])) == 800)
    second.process.send_signal(signal.SIGTERM)
    other = second.finish(code=143)
    send(broker, topics, events[800:])
    wait_until(lambda: len(predictions(broker, topics[2])) == 1200)
    first.process.send_signal(signal.SIGTERM)
    one = first.finish(code=143)
    assert other["events"] > 0
    assert one["events"] + other["events"] == 1200
    assert len(broker.read(topics[2])) == 1200


def test_what_another_process_read_meanwhile_is_not_read_again(broker, topics, folder, consumer):
    """From one process to another and back to the first, which has a snapshot from before."""
    events, reports = demo(1200), []
    for first, name in ((0, "a"), (400, "b"), (800, "a")):
        send(broker, topics, events[first : first + 400])
        reports.append(consumer("--until-end", folder=folder / name).run())
    assert [report["events"] for report in reports] == [400, 400, 800]
    assert [report["dead_letters"] for report in reports] == [{}, {}, {}]
    keys = [record.key for record in broker.read(topics[2])]
    assert sorted(map(int, keys)) == [*range(1200)]


def test_two_processes_do_not_share_a_folder(broker, topics, folder, consumer):
    first = consumer().start()
    wait_until(lambda: (folder / ".streamml.lock").exists())
    errors = consumer().refused()
    first.stop_hard()
    assert "own folder" in errors
