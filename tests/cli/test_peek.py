"""``streamml peek``: how the first events of a source would be read."""

from __future__ import annotations

import io
import json
import re

import pytest
from rich.console import Console

from streamml.cli.peek import Peeked
from streamml.cli.peek_view import print_peeked
from streamml.testing import EventSource
from streamml.types import DeadLetter, Event, PartialLabels
from streamml_connectors.files.described import Column
from tests.cli.calling import call
from tests.fake_kafka import FakeBroker, record


def section(text: str, title: str) -> list[list[str]]:
    """Rows of a part of the output, cells apart."""
    part = re.split(r"\n\n", text.split(f"\n{title}\n", 1)[1])[0]
    return [re.split(r"  +", line.strip()) for line in part.split("\n")]


@pytest.fixture
def shop(tmp_path):
    path = tmp_path / "shop.csv"
    path.write_text("price,city,toys,books\n12.5,Rome,1,0\n3,Bern,1,1\n7\n1,Rome,0,0\n2,,?,1\n")
    return path


def test_a_file_is_shown_as_it_would_be_read(shop, capsys):
    before = shop.read_bytes()
    assert call("peek", shop, "--labels", "toys,books") == 0
    text = capsys.readouterr().out
    assert re.search(r"shop\.csv: 4 ?columns, 1 number, 1 nominal, 2 label", text.replace("\n", ""))
    rows = section(text, "read")
    assert rows[0] == ["column", "as", "for example"]
    assert [(row[0], row[-1]) for row in rows[1:]] == [("price", "12.5"), ("city", "Rome")]
    assert section(text, "labels") == [["toys, books"]]
    assert section(text, "first 4 events") == [
        ["id", "labels", "features"],
        ["0", "toys", "price 12.5, city=Rome"],
        ["1", "books, toys", "price 3, city=Bern"],
        ["3", "none", "price 1, city=Rome"],
        ["4", "books", "price 2"],
    ]
    assert section(text, "1 dead letter") == [["line 4: It has 1 fields, but the header 4."]]
    assert shop.read_bytes() == before


def test_as_many_events_are_shown_as_are_asked_for(shop, capsys):
    assert call("peek", shop, "--labels", "toys,books", "--events", "1") == 0
    assert len(section(capsys.readouterr().out, "first 1 event")) == 2


def test_a_file_to_predict_has_no_labels(shop, capsys):
    assert call("peek", shop) == 2
    assert "does not say which columns are labels" in capsys.readouterr().err
    assert call("peek", shop, "--unlabelled") == 0
    assert "\nlabels\n" not in capsys.readouterr().out


def test_times_and_fields_of_events_are_shown_where_there_are_such(tmp_path, capsys):
    path = tmp_path / "events.jsonl"
    lines = [{"id": f"e{i}", "timestamp": 1.7e9 + i, "x": {"f": i}, "y": ["a"]} for i in range(3)]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert call("peek", path) == 0
    text = capsys.readouterr().out
    assert section(text, "first 3 events")[:2] == [
        ["id", "time (UTC)", "labels", "features"],
        ["e0", "2023-11-14 22:13:20", "a", "f 0"],
    ]
    path.write_text('{"x": {"f": 1}, "y": {"positive": ["a"], "negative": ["b"]}}\n')
    assert call("peek", path) == 0
    assert section(capsys.readouterr().out, "first 1 event")[1] == ["0", "a, not b", "f 1"]


def test_what_is_left_out_is_said_with_its_reason_and_so_are_notes():
    source = EventSource([Event(7, 0.0, {"f": 1.0, "city=Rome": 1.0}, None)])
    source.columns = (
        Column("key", "left out", "nearly every value is another one"),
        Column("city", "nominal"),
        Column("f", "number", "decimal comma"),
        Column("n", "id"),
        Column("y", "label"),
    )
    source.notes = ["The label 'y' is taken as true where it says 'in'."]
    found = Peeked(source, list(source.next_batch(9).events()))
    out = io.StringIO()
    print_peeked(found, Console(file=out, width=80))
    text = out.getvalue()
    assert section(text, "left out")[1] == ["key", "nearly every value is another one"]
    assert section(text, "read")[1:] == [
        ["city", "nominal", "Rome"],
        ["f", "number", "1 (decimal comma)"],
        ["n", "id", "7"],
    ]
    assert section(text, "first 1 event")[1] == ["7", "?", "f 1, city=Rome"]
    assert text.endswith("note: The label 'y' is taken as true where it says 'in'.\n")


@pytest.mark.parametrize("width", [60, 80, 160])
def test_it_fits_the_console_and_steers_no_terminal(width):
    names = [f"\x1b[31m{'feature' * 20}{i}\n" for i in range(40)]
    labels = frozenset(f"\x1b[2Jlabel {'long' * 9} {i}" for i in range(40))
    partial = PartialLabels(frozenset(), frozenset(["\x07"]))
    odd = Event("\x1b[1mid" * 20, 5.0, dict.fromkeys(names, 0.5), labels)
    source = EventSource([odd, Event(1, 1e300, {"f": 1.0}, partial)])
    source.columns = tuple(Column(name, "number", "\x1b[0m" * 9) for name in names)
    source.columns += tuple(Column(name, "left out", "\x1b[0m" * 40) for name in names)
    source.columns += (Column("t", "timestamp"),)
    source.notes = ["\x1b[31mred"]
    letters = [DeadLetter("malformed", "\x1b]0;x\x07", "line 1")] * 9
    found = Peeked(source, list(source.next_batch(9).events()), letters=letters)
    out = io.StringIO()
    print_peeked(found, Console(file=out, width=width))
    text = out.getvalue()
    assert max(map(len, text.splitlines())) <= width
    assert not set(text) & set(map(chr, [*range(10), *range(11, 32), *range(0x7F, 0xA0)]))
    assert "… +16" in text
    assert "… +4" in text
    assert ("1970-01-01 00:00:05" in text) is (width == 160)


def test_a_file_of_which_nothing_can_be_used_ends_with_1(tmp_path, capsys):
    path = tmp_path / "dead.csv"
    path.write_text("a,y\n1\n2\n")
    assert call("peek", path, "--labels", "y") == 1
    assert "line 2: It has 1 fields" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("none.csv",), "There is no file none.csv"),
        ((), "Missing argument 'SOURCE'"),
        (("kafka://host",), "kafka://HOST:PORT/TOPIC"),
        (("shop.csv", "--events", "0"), "--events"),
    ],
)
def test_mistakes_cost_one_sentence(shop, monkeypatch, capsys, args, said):
    monkeypatch.chdir(shop.parent)
    assert call("peek", *args) == 2
    found = capsys.readouterr()
    assert said in found.err
    assert (found.out, found.err.count("\n")) == ("", 1)


# -- topics -------------------------------------------------------------------------------


def test_a_topic_is_looked_at_and_nothing_is_committed(monkeypatch, capsys):
    broker = FakeBroker.in_place(monkeypatch, t=2).filled(8)
    broker.logs[next(iter(broker.logs))].insert(0, record(b"{", "t", 0, 0))
    for offset, one in enumerate(broker.logs[next(iter(broker.logs))]):
        one.offset = offset
    assert call("peek", "kafka://broker/t", "--events", "3") == 0
    text = capsys.readouterr().out
    assert len(section(text, "first 3 events")) == 4
    assert "t/0@0: It is no JSON" in text
    (client,) = broker.clients
    assert client.options["group_id"] == "streamml-peek"
    assert client.options["group_instance_id"] is None
    assert not any(broker.committed.values())
    assert client.closed


def test_a_topic_without_records_ends_at_once(monkeypatch, capsys):
    FakeBroker.in_place(monkeypatch, t=1)
    assert call("peek", "kafka://broker/t", "--partitions", "0") == 0
    assert "event" not in capsys.readouterr().out


def test_labels_of_their_own_topic_are_told_from_events(monkeypatch, capsys):
    broker = FakeBroker.in_place(monkeypatch, t=1, l=1).filled(0)
    broker.send("t", 0, [Event("a", 1.0, {"f": 1.0}, None)])
    (labels,) = (p for p in broker.logs if p.topic == "l")
    broker.logs[labels].append(record(b'{"id": "a", "y": ["sun"]}', "l", 0, 0, 5_000))
    assert call("peek", "kafka://broker/t", "--labels-topic", "l") == 0
    rows = section(capsys.readouterr().out, "first 2 events")
    assert rows[1] == ["a", "1970-01-01 00:00:01", "?", "f 1"]
    assert rows[2][0] == "a"
    assert rows[2][-2:] == ["sun", "labels only"]
