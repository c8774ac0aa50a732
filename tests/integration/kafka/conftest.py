"""One broker for all of these tests; without Java they skip, and fail in CI."""

from __future__ import annotations

import gc
import shutil
import uuid
import warnings
from pathlib import Path

import pytest

from experiments.kafka.broker import Broker, UnavailableError, jars
from tests.conftest import needs
from tests.integration.kafka.certificates import PASSWORD, USER, make_certificates
from tests.integration.kafka.consumer import Consumer


def secure(certificates: Path) -> dict[str, dict[str, str]]:
    """Listeners beside the plain one: MUTUAL asks for a certificate, LOGIN for a password."""
    module = "org.apache.kafka.common.security"
    properties = {
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": str(certificates / "broker.pem"),
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": str(certificates / "ca.pem"),
        "listener.name.mutual.ssl.client.auth": "required",
        "sasl.enabled.mechanisms": "SCRAM-SHA-256,PLAIN",
        "listener.name.login.scram-sha-256.sasl.jaas.config": (
            f"{module}.scram.ScramLoginModule required;"
        ),
        "listener.name.login.plain.sasl.jaas.config": (
            f'{module}.plain.PlainLoginModule required user_{USER}="{PASSWORD}";'
        ),
    }
    return {
        "listeners": {"MUTUAL": "SSL", "LOGIN": "SASL_SSL"},
        "properties": properties,
        "users": {USER: PASSWORD},
    }


@pytest.fixture(scope="session")
def installed():
    """What a broker needs is here; if not, that is a failure in CI and a skip elsewhere."""
    try:
        jars()
        if shutil.which("openssl") is None:
            raise UnavailableError("no openssl: install it to make certificates")
    except UnavailableError as error:
        needs(str(error), found=False)


@pytest.fixture(scope="session")
def certificates(installed, tmp_path_factory) -> Path:
    return make_certificates(tmp_path_factory.mktemp("tls") / "certificates")


@pytest.fixture(scope="session")
def broker(tmp_path_factory, certificates):
    broker = Broker(tmp_path_factory.mktemp("broker"), **secure(certificates))
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
