"""Topics that other clients fill: transactions, and every codec a producer may compress with."""

from __future__ import annotations

import time

import pytest
from kafka import KafkaProducer

from streamml_connectors.kafka import Connection, Input, KafkaSource
from streamml_connectors.kafka.produce import event_json
from tests.fake_kafka import events, read

pytestmark = [pytest.mark.kafka, pytest.mark.filterwarnings("ignore::ResourceWarning")]

CODECS = ["gzip", "lz4", "snappy", "zstd"]


@pytest.fixture
def source(broker, topics):
    """Opens sources of this test's events; none outlives the test."""
    made = []

    def make(**options):
        what = Input(topics[:1], **{"group": topics[0], "partitions": (0,), **options})
        made.append(KafkaSource(Connection(broker.address), what))
        return made[-1]

    yield make
    for one in made:
        one.close()


def send(producer, topic, *numbers):
    for event in events(*numbers):
        producer.send(topic, event_json(event), partition=0)


def in_transactions(broker, topic, *parts):
    """Send events in one transaction a part: numbers, and whether it is committed."""
    producer = KafkaProducer(bootstrap_servers=broker.address, transactional_id=topic)
    producer.init_transactions()
    for numbers, committed in parts:
        producer.begin_transaction()
        send(producer, topic, *numbers)
        producer.flush()
        if committed:
            producer.commit_transaction()
        else:
            producer.abort_transaction()
    producer.close()


def test_of_transactions_only_committed_records_are_read_and_none_is_behind(broker, topics, source):
    parts = (range(100), True), (range(100, 150), False), (range(150, 200), True)
    in_transactions(broker, topics[0], *parts, (range(200, 250), False))
    reader = source(until_end=True)
    assert read(reader) == [*range(100), *range(150, 200)]
    assert reader.next_batch(9) is None
    assert [one.lag for one in reader.partitions()] == [0]
    assert reader.snapshot()["offsets"] == {f"{topics[0]}/0": 254}
    reader.commit(reader.snapshot())
    reader.close()

    following = source()  # by what was committed
    in_transactions(broker, topics[0], ((250,), True), ((251,), False))
    assert read(following) == [250]
    assert [one.lag for one in following.partitions()] == [0]
    assert following.take_dead_letters() == []
    assert read(source(isolation_level="read_uncommitted", until_end=True)) == [250, 251]


def test_an_open_transaction_holds_up_its_own_partition_alone(broker, topics, source):
    producer = KafkaProducer(bootstrap_servers=broker.address, transactional_id=topics[0])
    producer.init_transactions()
    producer.begin_transaction()
    send(producer, topics[0], *range(10))
    producer.flush()
    plain = KafkaProducer(bootstrap_servers=broker.address)
    for event in events(*range(10, 20)):
        plain.send(topics[0], event_json(event), partition=1)
    plain.close()
    reader = source(partitions=(0, 1))
    found, until = [], time.monotonic() + 30
    while len(found) < 10 and time.monotonic() < until:
        found += reader.next_batch(10).ids
    assert found == [*range(10, 20)]
    assert [one.lag for one in reader.partitions()] == [0, 0]
    producer.commit_transaction()
    producer.close()
    while len(found) < 20 and time.monotonic() < until:
        found += reader.next_batch(10).ids
    assert found[10:] == [*range(10)]


@pytest.mark.parametrize("codec", CODECS)
def test_a_topic_of_each_codec_is_read(broker, topics, source, codec):
    producer = KafkaProducer(bootstrap_servers=broker.address, compression_type=codec, linger_ms=50)
    send(producer, topics[0], *range(200))
    producer.close()
    assert read(source(until_end=True)) == [*range(200)]


@pytest.mark.parametrize("codec", CODECS)
def test_what_the_broker_compresses_is_read(broker, topics, source, codec):
    """By Java's libraries, as its own producers do it."""
    topics[0] = f"{topics[0]}-{codec}"
    broker.create(topics[0], compression_type=codec)
    producer = KafkaProducer(bootstrap_servers=broker.address, linger_ms=50)
    send(producer, topics[0], *range(200))
    producer.close()
    assert read(source(until_end=True)) == [*range(200)]
