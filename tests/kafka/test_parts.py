"""The parts of the Kafka connector that need no broker: order, decoding, settings, options."""

from __future__ import annotations

import itertools
import json
import ssl
import tomllib
from contextlib import closing
from types import SimpleNamespace

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from streamml.cli import cli
from streamml.cli.produce import SendOptions, _send
from streamml.errors import ConfigError
from streamml.pacing import Unpaced
from streamml.types import Event, PartialLabels, Schema
from streamml.types.letters import LetterCounts
from streamml_connectors.files import open_source
from streamml_connectors.kafka import Connection, Input, Secret, parse_url
from streamml_connectors.kafka.decode import Decoder
from streamml_connectors.kafka.merge import Merger
from streamml_connectors.kafka.produce import event_json
from streamml_connectors.kafka.settings import parse_partitions
from tests.fake_kafka import record

# -- order --------------------------------------------------------------------------------


def merged(log, rng, start):
    """Read a log from positions, fetched in random pieces; gives what came, in order."""
    merger, at, found = Merger(), dict(start), []
    while True:
        unread = {key for key in log if at[key] < len(log[key])}
        taken = merger.take(int(rng.integers(1, 5)), unread)
        found += taken
        if not taken:
            if not unread:
                return found
            key = sorted(unread)[rng.integers(len(unread))]
            n = int(rng.integers(1, 4))
            merger.add(key, log[key][at[key] : at[key] + n])
            at[key] = min(at[key] + n, len(log[key]))


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.lists(st.integers(0, 8), max_size=8), min_size=1, max_size=4),
    st.integers(0, 2**32),
    st.integers(0, 30),
)
def test_the_order_depends_on_the_log_alone_from_any_position(partitions, seed, stop):
    log = {
        (topic, p): [record(None, topic, p, o, t) for o, t in enumerate(times)]
        for (topic, p), times in zip(itertools.product("ab", (0, 1)), partitions, strict=False)
    }
    rng = np.random.default_rng(seed)
    start = dict.fromkeys(log, 0)
    once = merged(log, rng, start)
    assert len(once) == sum(map(len, log.values()))
    assert merged(log, rng, start) == once
    for r in once[:stop]:
        start[r.topic, r.partition] = r.offset + 1
    assert merged(log, rng, start) == once[stop:]
    if all(list(times) == sorted(times) for times in partitions):
        assert once == sorted(once, key=lambda r: (r.timestamp, r.topic, r.partition, r.offset))


# -- decoding -----------------------------------------------------------------------------

names = st.sampled_from([f"f{k}" for k in range(6)])
numbers = st.one_of(
    st.integers(-(2**70), 2**70),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(["x", None, True, [], 1e39, "1.5", "N/A", [1, 2], {"k": 3}, ["u", "v"]]),
)
labels = st.lists(st.sampled_from(["a", "b", "c", "d"]), max_size=4)
documents = st.fixed_dictionaries(
    {"x": st.one_of(st.dictionaries(names, numbers, max_size=6), st.none(), st.integers())},
    optional={
        "id": st.one_of(st.integers(-(2**66), 2**66), st.text(max_size=3), st.booleans()),
        "timestamp": st.one_of(
            st.floats(-1e21, 1e21),
            st.integers(-(10**13), 10**13),
            st.just("2020-01-01"),
            st.booleans(),
        ),
        "y": st.one_of(
            labels,
            st.none(),
            st.just({"positive": ["a"], "negative": ["b"]}),
            st.just("a"),
            st.sampled_from([[0, 3], ["none", ""], [0, 1, 1], {"a": 1, "b": 0}, {"a": None}]),
        ),
        "more": st.integers(),
    },
)


def rows(decoder: Decoder, docs: list) -> tuple:
    records = [record(json.dumps(d).encode(), offset=k) for k, d in enumerate(docs)]
    batch, letters = decoder.decode(records, [0.0] * len(records))
    return list(batch.events()), batch.offset.tolist(), letters, decoder.schema.labels.names


@settings(max_examples=300, deadline=None)
@given(st.lists(documents, max_size=12))
def test_the_fast_way_and_the_careful_way_read_the_same(docs):
    fast, careful = (Decoder(Schema(max_labels=3)) for _ in range(2))
    careful._read_fast = lambda *_: False
    assert rows(fast, docs) == rows(careful, docs)


def test_events_alike_take_the_fast_way():
    decoder = Decoder(Schema())
    docs = [{"id": k, "x": {"g": k, "f": 2 * k}, "y": ["a"]} for k in range(10)]
    rows(decoder, docs)
    decoder._read_slowly = None
    found, *_ = rows(decoder, docs[::-1])
    assert [event.x for event in found] == [{"g": k, "f": 2 * k} for k in range(9, -1, -1)]


def test_records_hold_what_lines_of_a_file_may_hold():
    docs = [
        {"x": {"f": "1.5", "city": "Rome", "no": None}, "y": [0, 3], "timestamp": 1.7e12},
        {"x": {"emb": [1, 2], "at": {"k": True}}, "y": {"toxic": 1, "spam": 0}},
        {"x": {"f": 1}, "y": {"toxic": 1, "spam": None, "hate": "no"}},
        {"x": {"f": 1}, "y": ["none"], "_id": {"$oid": "5f1e"}, "timestamp": "1700000000000"},
        {"x": {"f": 2.0}, "y": ["none"], "timestamp": 1_700_000_000_000, "id": ""},
        {"x": {"f": 1}, "y": [1, 0, 1]},
    ]
    found, _, letters, names_ = rows(Decoder(Schema()), docs)
    assert [dict(event.x) for event in found] == [
        {"f": 1.5, "city=Rome": 1.0}, {"emb.0": 1.0, "emb.1": 2.0, "at.k": 1.0},
        {"f": 1.0}, {"f": 1.0}, {"f": 2.0},
    ]  # fmt: skip
    assert [event.y for event in found] == [
        {"0", "3"}, {"toxic"}, PartialLabels(frozenset({"toxic"}), frozenset({"hate"})),
        {"none"}, {"none"},
    ]  # fmt: skip
    assert [event.timestamp for event in found][::3] == [1.7e9, 1.7e9]
    assert found[4].timestamp == 1.7e9
    assert [event.id for event in found][3:] == ["5f1e", "t/0@4"]
    assert [letter.detail for letter in letters] == [
        "Its 'y' is a row of 0 and 1, and no list of names: give the names of the labels that "
        "are true."
    ]
    assert names_ == ["0", "3", "toxic", "hate", "none"]


def test_labels_of_a_topic_of_their_own_may_have_any_form():
    decoder = Decoder(Schema(), "labels")
    docs = [{"id": 1, "y": [3]}, {"id": 2, "y": {"a": True, "b": False}, "timestamp": 1.7e12},
            {"id": 3, "y": ["a", "", "a"], "timestamp": 1.7e18}]  # fmt: skip
    records = [record(json.dumps(d).encode(), "labels", offset=k) for k, d in enumerate(docs)]
    batch, letters = decoder.decode(records, [0.0] * 3)
    assert letters == []
    assert [event.y for event in batch.events()] == [{"3"}, {"a"}, {"a"}]
    assert decoder.schema.labels.names == ["3", "a"]
    assert batch.timestamps.tolist()[1:] == [1.7e9, 1.7e9]


def test_an_event_without_an_id_is_named_by_its_key_or_its_place():
    decoder = Decoder(Schema())
    raw = b'{"x": {"f": 1}}'
    batch, _ = decoder.decode([record(raw, key=b"k"), record(raw, offset=9)], [0.0, 0.0])
    assert batch.ids == ["k", "t/0@9"]


def test_text_is_taken_along_for_an_embedding_stage():
    decoder = Decoder(Schema(takes_text=True), "labels", text="x")
    records = [
        record(b'{"id": 1, "x": "sun and rain", "y": ["a"]}'),
        record(b'{"id": 1, "y": ["b"]}', topic="labels"),
        record(b'{"id": 2, "x": {"f": 1}}'),
    ]
    batch, letters = decoder.decode(records, [0.0] * 3)
    assert batch.texts == ["sun and rain", ""]
    assert batch.labels_only.tolist() == [False, True]
    assert [letter.reason for letter in letters] == ["wrong_type"]


# -- settings -----------------------------------------------------------------------------


def test_secrets_do_not_show():
    one = Connection("b:1", sasl_mechanism="PLAIN", sasl_user="u", sasl_password=Secret("hunter2"))
    assert "hunter2" not in repr(one)
    assert one.client_options()["sasl_plain_password"] == "hunter2"
    with pytest.raises(ConfigError) as caught:
        parse_url("kafka://user:hunter2@b:1/t")
    assert "hunter2" not in str(caught.value)


def test_what_options_make_of_the_connection():
    assert Connection("b:1").client_options()["security_protocol"] == "PLAINTEXT"
    tls = Connection("b:1,c:2", tls=True).client_options()
    assert tls["security_protocol"] == "SSL"
    assert tls["ssl_context"].verify_mode is ssl.CERT_REQUIRED
    assert tls["ssl_context"].check_hostname
    with pytest.raises(ConfigError, match=r"--tls-ca ca\.pem cannot be used"):
        Connection("b:1", tls_ca="ca.pem").client_options()
    assert tls["bootstrap_servers"] == ["b:1", "c:2"]
    with pytest.raises(ConfigError, match="mechanism"):
        Connection("b:1", sasl_user="u")
    with pytest.raises(ConfigError, match="key"):
        Connection("b:1", tls_cert="c.pem")


@pytest.mark.parametrize("url", ["kafka://", "kafka://b", "kafka://b/", "http://b/t"])
def test_addresses_that_are_none(url):
    with pytest.raises(ConfigError, match="kafka://HOST:PORT/TOPIC"):
        parse_url(url)


def test_partitions_and_topics():
    assert parse_partitions("3,0-1") == (0, 1, 3)
    for wrong in ("", "a", "3-1"):
        with pytest.raises(ConfigError):
            parse_partitions(wrong)
    with pytest.raises(ConfigError, match="topic"):
        Input(("a b",))
    with pytest.raises(ConfigError, match="once"):
        Input(("a",), labels_topic="a")


# -- options ------------------------------------------------------------------------------


def config(*args: str, **env: str) -> str:
    result = CliRunner().invoke(cli, ["config", *args], env=env)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.output


def test_config_shows_where_options_come_from_and_masks_secrets(tmp_path):
    path = tmp_path / "c.toml"
    path.write_text('group = "file"\nlabels-topic = "file"\ntls = true\nset = ["a=1", "b=2"]\n')
    env = {"STREAMML_LABELS_TOPIC": "environment", "STREAMML_SASL_PASSWORD": "hunter2"}
    shown = config("--config", str(path), "--max-age", "5m", **env)
    for line in (
        *('group = "file"', 'labels-topic = "environment"', 'max-age = "5m"', "tls = true"),
        *('set = ["a=1", "b=2"]', 'sasl-password = "***"', "# instance ="),
    ):
        assert line in shown.splitlines()
    assert "hunter2" not in shown
    again = tmp_path / "again.toml"
    again.write_text(shown.replace('sasl-password = "***"\n', ""))
    assert config("--config", str(again), STREAMML_SASL_PASSWORD="hunter2") == shown


def test_what_config_shows_is_a_file_for_it_whatever_the_names(tmp_path):
    names = 'caf\u00e9,\U0001f600,"quoted",back\\slash,\x7f'
    shown = config("--labels", names, "--alive-within", "inf", "--set", "a=\U0001f600")
    path = tmp_path / "again.toml"
    path.write_text(shown, encoding="utf-8")
    assert config("--config", str(path)) == shown
    assert tomllib.loads(shown)["labels"] == names


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("grup = 1", "did you mean group"),
        ("group = [", "no TOML"),
        ("[group]\na = 1", "table"),
        ("limit = true", "takes a value"),
        ("tls = 1", "takes true or false"),
    ],
)
def test_a_config_file_with_a_mistake_is_refused(tmp_path, text, says):
    path = tmp_path / "c.toml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=says):
        config("--config", str(path))
    with pytest.raises(ConfigError, match="cannot be read"):
        config("--config", str(tmp_path / "missing.toml"))


def test_an_event_of_zeros_that_are_left_out_travels_and_is_no_mistake():
    raw = event_json(Event("e", 1.0, {}, frozenset({"sun"})))
    schema = Schema()
    arrivals, letters = Decoder(schema).decode([record(raw)], [0.0])
    assert letters == []
    assert len(arrivals) == 1
    assert schema.labels.names == ["sun"]


@pytest.mark.parametrize("topic", ["t", "labels"])
@pytest.mark.parametrize("text", [None, "text"])
@pytest.mark.parametrize(
    "raw",
    [b'{"id":"a","x":{"f\xff":1},"y":["\xff"]}', b'{"id":"a","x":{"f":1},"y":["\xc3"]}',
     b'{"id":"\xed\xa0\x80","y":[]}'],
)  # fmt: skip
def test_a_record_that_is_not_utf8_is_a_dead_letter_and_the_next_one_is_read(raw, text, topic):
    good = b'{"id":"b","x":{"f":1},"y":["l"]}'
    decoder = Decoder(Schema(), labels_topic="labels", text=text)
    records = [record(raw, topic=topic), record(good, topic=topic, offset=1)]
    arrivals, letters = decoder.decode(records, [0.0, 0.0])
    assert [(letter.reason, letter.raw) for letter in letters] == [("malformed", raw)]
    assert "not UTF-8" in letters[0].detail
    assert len(arrivals) == 1


@pytest.mark.parametrize("name", ['a"b', "a\\b", "a\nb", "\x00", "", "ü\u2028"])
def test_a_feature_may_have_any_name(name):
    raw = json.dumps({"x": {name: 1.5, "f": 2}, "y": ["l"]}).encode()
    decoder = Decoder(Schema())
    arrivals, letters = decoder.decode([record(raw, offset=k) for k in range(4)], [0.0] * 4)
    assert (letters, len(arrivals)) == ([], 4)
    assert decoder.schema.features.names == [name, "f"]


def test_rows_that_cannot_be_sent_are_counted_by_their_reason(tmp_path):
    path, left_out = tmp_path / "e.jsonl", LetterCounts()
    path.write_text('{"x": {"f": 1}, "y": []}\noops\n{"x": {}, "y": []}\n{"x": {"f": 2}}\nhalf')
    sent = []
    taker = SimpleNamespace(send_events=sent.extend)
    with closing(open_source(path)) as source:
        assert _send(source, Unpaced(), taker, None, SendOptions(), left_out) == len(sent) == 2
    assert left_out == {"malformed": 2, "no_features": 1}
