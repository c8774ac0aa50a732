"""Brokers that ask who one is: TLS with certificates, SASL with passwords, and mistakes."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from urllib.request import urlopen

import pytest

from tests.integration.kafka.certificates import KEY_PASSWORD, PASSWORD, USER
from tests.integration.kafka.consumer import (
    ENVIRONMENT,
    demo,
    predictions,
    send,
    wait_until,
)

pytestmark = [pytest.mark.kafka, pytest.mark.filterwarnings("ignore::ResourceWarning")]

SECRETS = (PASSWORD, KEY_PASSWORD, "not-the-password")


def streamml(*args: object, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "streamml", *map(str, args)],
        capture_output=True,
        text=True,
        env=ENVIRONMENT | environment,
        timeout=120,
        check=False,
    )


def hides_secrets(text: str) -> bool:
    return not any(secret in text for secret in SECRETS)


@pytest.fixture
def toml(broker, topics, folder, certificates, tmp_path):
    """A file that says all but the password, for the listener that asks for one."""
    path = tmp_path / "consumer.toml"
    path.write_text(
        f'source = "kafka://{broker.address_of("LOGIN")}/{topics[0]}"\n'
        f'labels-topic = "{topics[1]}"\npredictions-topic = "{topics[2]}"\n'
        f'dead-letter-topic = "{topics[3]}"\ngroup = "{topics[0]}"\n'
        f'snapshot-dir = "{folder}"\njson = true\nlearner = "linear"\nlimit = 100\n'
        f'tls-ca = "{certificates / "ca.pem"}"\n'
        f'sasl-mechanism = "SCRAM-SHA-256"\nsasl-user = "{USER}"\nmetrics-port = 0\n'
    )
    return path


def test_a_password_opens_a_broker_and_is_shown_nowhere(broker, topics, toml, folder):
    secret = {"STREAMML_SASL_PASSWORD": PASSWORD}
    shown = streamml("config", "--config", toml, **secret).stdout
    assert 'sasl-password = "***"' in shown
    assert f'sasl-user = "{USER}"' in shown
    run = subprocess.Popen(
        [sys.executable, "-m", "streamml", "run", "--config", str(toml)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=ENVIRONMENT | secret,
    )
    try:
        address = re.search(r"http://\S+(?=/metrics)", run.stderr.readline())[0]
        send(broker, topics, demo(90))
        wait_until(lambda: len(predictions(broker, topics[2])) == 90)
        served = [urlopen(address + path).read().decode() for path in ("/metrics", "/state.json")]
        send(broker, topics, demo(100)[90:])
        out, errors = run.communicate(timeout=60)
    finally:
        run.kill()
        run.wait()
    assert run.returncode == 0, errors
    assert json.loads(out)["events"] == 100
    assert "streamml_consumer_lag_events" in served[0]
    stored = b"".join(path.read_bytes() for path in folder.iterdir())
    for text in (shown, out, errors, *served, stored.decode("latin-1"), broker.log):
        assert hides_secrets(text)


def test_certificates_on_both_sides_and_a_password_in_the_file(
    broker, topics, toml, certificates, consumer, tmp_path
):
    """The producer proves itself by a certificate, the consumer by PLAIN with the file's."""
    table = tmp_path / "small.csv"
    table.write_text("f,red\n" + "1.5,1\n-1.5,0\n" * 50)
    sent = streamml(
        *("produce", table, f"kafka://{broker.address_of('MUTUAL')}/{topics[0]}"),
        *("--labels", "red", "--labels-topic", topics[1], "--tls-ca", certificates / "ca.pem"),
        *("--tls-cert", certificates / "client.pem", "--tls-key", certificates / "client.key"),
        STREAMML_TLS_KEY_PASSWORD=KEY_PASSWORD,
    )
    assert "100 events sent" in sent.stderr, sent.stderr
    toml.write_text(
        toml.read_text().replace("SCRAM-SHA-256", "PLAIN") + f'sasl-password = "{PASSWORD}"\n'
    )
    run = streamml("run", "--config", toml)
    assert run.returncode == 0, run.stderr
    assert json.loads(run.stdout)["events"] == 100
    assert hides_secrets(sent.stderr + run.stdout + run.stderr)


def test_what_is_wrong_costs_one_sentence_without_the_secret(broker, consumer, certificates):
    ca, other = (("--tls-ca", str(certificates / name)) for name in ("ca.pem", "other.pem"))
    scram = ("--sasl-mechanism", "SCRAM-SHA-256", "--sasl-user")
    plain = ("--sasl-mechanism", "PLAIN", "--sasl-user", USER)
    key = ("--tls-key", str(certificates / "client.key"))
    certificate = ("--tls-cert", str(certificates / "client.pem"), *key)
    right, wrong = ({"STREAMML_SASL_PASSWORD": one} for one in (PASSWORD, "not-the-password"))
    locked = {"STREAMML_TLS_KEY_PASSWORD": "not-the-password"}
    cases = {
        "SCRAM password": ("LOGIN", (*ca, *scram, USER), wrong, "SASL"),
        "PLAIN password": ("LOGIN", (*ca, *plain), wrong, "SASL"),
        "user": ("LOGIN", (*ca, *scram, "nobody"), right, "SASL"),
        "no login": ("LOGIN", ca, {}, "does it ask for SASL"),
        "authority": ("LOGIN", (*scram, USER, "--tls"), right, "certificate is not trusted"),
        "other authority": ("LOGIN", (*other, *plain), right, "certificate is not trusted"),
        "no certificate": ("MUTUAL", ca, {}, "--tls-cert"),
        "key password": ("MUTUAL", (*ca, *certificate), locked, "password"),
        "key without one": ("MUTUAL", (*ca, *certificate), {}, "password"),
        "no such file": ("MUTUAL", ("--tls-ca", "/nowhere.pem"), {}, "/nowhere.pem"),
        "no TLS": ("MUTUAL", (), {}, "does it ask for TLS"),
        "TLS to plain text": ("PLAINTEXT", ca, {}, "speaks no TLS"),
    }
    started = time.monotonic()
    runs = {
        name: consumer(*given, address=broker.address_of(listener), environment=secrets).start()
        for name, (listener, given, secrets, _) in cases.items()
    }
    for name, run in runs.items():
        said = run.complaint()
        assert said.count("\n") == 1, (name, said)
        assert cases[name][3] in said, (name, said)
        assert hides_secrets(said), name
    assert time.monotonic() - started < 60  # all of them at once, each bounded by 10 s
