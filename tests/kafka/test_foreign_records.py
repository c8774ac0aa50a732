"""Records as other systems send them: tombstones, and what a schema registry puts before JSON."""

from __future__ import annotations

import json

import pytest

from streamml.cli import main
from streamml.types import Schema
from streamml_connectors.kafka.decode import Decoder
from tests.fake_kafka import FakeBroker, opened, read, record

EVENT = b'{"id": "e", "x": {"f": 1.0}, "y": ["a"]}'


def decoded(*values, topic="t"):
    records = [record(value, topic, offset=k, key=b"k") for k, value in enumerate(values)]
    return Decoder(Schema(), "labels").decode(records, [0.0] * len(records))


@pytest.mark.parametrize("topic", ["t", "labels"])
def test_tombstones_are_counted_and_no_dead_letters(topic):
    batch, letters = decoded(None, EVENT, None, topic=topic)
    assert (batch.ids, batch.tombstones, letters) == (["e"], 2, [])


def test_an_empty_value_is_no_tombstone():
    batch, letters = decoded(b"")
    assert (len(batch), batch.tombstones, letters[0].reason) == (0, 0, "malformed")


@pytest.mark.parametrize("topic", ["t", "labels"])
@pytest.mark.parametrize("schema_id", [7, 2**32 - 1])
def test_a_schema_registrys_prefix_is_named(topic, schema_id):
    raw = b"\0" + schema_id.to_bytes(4, "big") + EVENT
    batch, (letter,) = decoded(raw, topic=topic)
    assert (len(batch), letter.reason, letter.raw) == (0, "malformed", raw)
    assert letter.detail == (
        f"It begins with a schema registry's prefix (magic byte 0, schema id {schema_id}): "
        "only plain JSON is read, so send it without a registry's serializer."
    )


def test_what_begins_with_zero_and_is_too_short_for_a_prefix_is_no_json():
    assert "no JSON" in decoded(b"\0\0\0\0")[1][0].detail


@pytest.fixture
def broker(monkeypatch):
    """Six events, of which two were deleted since."""
    broker = FakeBroker.in_place(monkeypatch, t=1).filled(6)
    broker.tombstones("t", 0, 2)
    return broker


def test_tombstones_move_the_position_like_events(broker):
    source = opened(until_end=True)
    assert read(source) == [*range(6)]
    assert source.snapshot()["offsets"] == {"t/0": 8}
    assert source.take_dead_letters() == []


def told(capsys, *args):
    with pytest.raises(SystemExit) as caught:
        main(["run", "kafka://b:9092/t", "--until-end", "--learner", "prior", *args])
    assert caught.value.code == 0
    return capsys.readouterr().out


@pytest.mark.parametrize("embed", [(), ("--embed", "rff:16")])
def test_a_run_counts_tombstones_over_restarts(broker, tmp_path, capsys, embed):
    stored = (*embed, "--snapshot-dir", str(tmp_path))
    outcomes = json.loads(told(capsys, "--json", *stored))["outcomes"]
    assert (outcomes["learned"], outcomes["tombstones"]) == (6, 2)
    broker.tombstones("t", 0, 1)
    report = json.loads(told(capsys, "--json", *stored))
    assert (report["events"], report["outcomes"]["tombstones"]) == (6, 3)
    assert report["dead_letters"] == {}


def test_the_report_tells_tombstones(broker, tmp_path, capsys):
    assert "2 records without a value" in told(capsys, "--snapshot-dir", str(tmp_path))
