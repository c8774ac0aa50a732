"""One broker for all of these tests; without Java they skip, and fail in CI."""

from __future__ import annotations

import gc
import os
import uuid
import warnings
from pathlib import Path

import pytest

from experiments.kafka_broker import Broker, UnavailableError, jars
from tests.integration.kafka.consumer import Consumer


@pytest.fixture(scope="session")
def broker(tmp_path_factory):
    try:
        jars()
    except UnavailableError as error:
        if os.environ.get("CI", "").lower() == "true":
            pytest.fail(str(error))
        pytest.skip(str(error))
    broker = Broker(tmp_path_factory.mktemp("broker"))
    try:
        broker.start()
        yield broker
    finally:
        broker.stop()


@pytest.fixture(autouse=True)
def _collected():
    """The client leaves sockets behind when a broker dies: let them go in the test's own time."""
    yield
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


@pytest.fixture
def topics(broker):
    """Names of four topics that are this test's own: events, labels, predictions, dead letters."""
    name = uuid.uuid4().hex[:8]
    found = [f"{kind}-{name}" for kind in ("events", "labels", "out", "dead")]
    broker.create(*found[:2], partitions=2)
    broker.create(*found[2:])
    return found


@pytest.fixture
def folder(tmp_path) -> Path:
    return tmp_path / "snapshots"


@pytest.fixture
def consumer(broker, topics, folder):
    """Makes consumers of this test's topics; none outlives the test."""
    made: list[Consumer] = []

    def make(*options: str, **more) -> Consumer:
        made.append(Consumer(broker, topics, more.pop("folder", folder), *options, **more))
        return made[-1]

    yield make
    for one in made:
        one.stop_hard()
