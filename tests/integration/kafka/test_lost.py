"""Records that are no longer in the log when they are to be read: said, counted, gone on."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.integration.kafka.consumer import demo, predictions, send_whole, wait_until

pytestmark = [pytest.mark.kafka, pytest.mark.filterwarnings("ignore::ResourceWarning")]


@contextmanager
def admin(broker) -> Iterator[Any]:
    from kafka import KafkaAdminClient

    client = KafkaAdminClient(bootstrap_servers=broker.address)
    yield client
    client.close()


def drop_records(broker, topic: str, before: int) -> set[bytes]:
    """Delete the records of two partitions before an offset; gives the keys that are left."""
    from kafka import TopicPartition

    with admin(broker) as client:
        client.delete_records({TopicPartition(topic, p): before for p in (0, 1)})
    return {record.key for record in broker.read(topic)}


def make_anew(broker, topic: str) -> None:
    with admin(broker) as client:
        client.delete_topics([topic])
        wait_until(lambda: topic not in client.list_topics())
    broker.create(topic, partitions=2)


def test_what_was_deleted_while_nobody_read_is_said_and_the_rest_is_read(broker, topics, consumer):
    events = demo(900)
    send_whole(broker, topics[0], events[:300])
    run = consumer("--until-end")
    assert run.run()["events"] == 300
    send_whole(broker, topics[0], events[300:600])
    left = len(drop_records(broker, topics[0], before=200))
    assert 0 < left < 300
    report = run.run()
    assert report["events"] == 300 + left
    assert report["dead_letters"] == {"records_lost": 2}
    assert run.errors.count("were deleted before they were read") == 2
    letters = [json.loads(record.value) for record in broker.read(topics[3])]
    gone = [int(letter["detail"].split()[0]) for letter in letters]
    assert sum(gone) == 300 - left

    make_anew(broker, topics[0])
    send_whole(broker, topics[0], [*events[600:], *demo(1200)[900:]])
    report = run.run()
    assert report["events"] == 300 + left + 600  # though its offsets are those of the old one
    assert run.errors.count("was made anew") == 2
    assert run.learned() == report["events"]


def test_what_is_deleted_under_a_reader_is_said_and_it_goes_on(broker, topics, consumer):
    events = demo(900)
    send_whole(broker, topics[0], events[:300])
    run = consumer().start()
    wait_until(lambda: len(predictions(broker, topics[2])) == 300)
    run.process.send_signal(signal.SIGSTOP)
    send_whole(broker, topics[0], events[300:301])  # answers the fetch that is under way
    send_whole(broker, topics[0], events[301:600])
    left = drop_records(broker, topics[0], before=250)
    run.process.send_signal(signal.SIGCONT)
    wait_until(lambda: predictions(broker, topics[2]).keys() >= left)
    make_anew(broker, topics[0])
    send_whole(broker, topics[0], events[600:])
    wait_until(lambda: str(899).encode() in predictions(broker, topics[2]))
    run.process.send_signal(signal.SIGTERM)
    report = run.finish(code=143)
    found = predictions(broker, topics[2])
    assert found.keys() >= left | {str(k).encode() for k in range(600, 900)}
    assert report["events"] == len(found)  # none of them was learned twice
    assert report["dead_letters"] == {"records_lost": 4}
    assert "were deleted before they were read" in run.errors
    assert "was made anew" in run.errors
