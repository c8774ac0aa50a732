"""Which time an event has, in every format: its own, or that of the event before it."""

from __future__ import annotations

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from streamml.types import Schema
from streamml_connectors.files import open_source
from streamml_connectors.kafka.decode import Decoder

FORMS = ("csv", "jsonl", "parquet", "arff")
START = 1_700_000_000


def written(folder, form, times):
    """A file with a time (or ``None``) a row, and its options."""
    path = folder / f"d.{form}"
    if form == "parquet":
        pq.write_table(
            pa.table({"at": times, "f": [1.0] * len(times), "l": [1] * len(times)}), path
        )
    elif form == "jsonl":
        rows = [{"at": time, "f": 1.0, "l": 1} for time in times]
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    else:
        missing = "?" if form == "arff" else ""
        rows = [f"{missing if time is None else time},1.0,1\n" for time in times]
        kind = "string" if any(isinstance(time, str) for time in times) else "numeric"
        head = f"@relation r\n@attribute at {kind}\n@attribute f numeric\n"
        head += "@attribute l {0,1}\n@data\n"
        path.write_text((head if form == "arff" else "at,f,l\n") + "".join(rows))
    return path, {"labels": ["l"], "timestamp": "at"}


def read(path, options, size=100, skip=None):
    """Times, dead letters (reason and detail) and notes."""
    source = open_source(path, **options)
    if skip is not None:
        source.restore({"rows": skip})
    times, letters = [], []
    while (batch := source.next_batch(size)) is not None:
        times += batch.timestamps.tolist()
    letters += [(letter.reason, letter.detail) for letter in source.take_dead_letters()]
    source.close()
    return times, letters, source.notes


@pytest.mark.parametrize("form", FORMS)
def test_an_event_without_a_time_takes_that_of_the_one_before(tmp_path, form):
    path, options = written(tmp_path, form, [START, None, START + 120, None, None])
    times, letters, notes = read(path, options)
    assert times == [START, START, START + 120, START + 120, START + 120]
    assert letters == []
    assert notes[-1] == "3 rows without a time took that of the event before it."


@pytest.mark.parametrize("form", FORMS)
def test_an_event_without_a_time_and_none_before_it_is_a_dead_letter(tmp_path, form):
    path, options = written(tmp_path, form, [None, None, START])
    times, letters, _ = read(path, options)
    assert times == [START]
    assert (
        letters
        == [("no_time", "It has no time, nor has any event before it: give the first one a time.")]
        * 2
    )


@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_first_times_that_come_late_are_said(tmp_path, form):
    path, options = written(tmp_path, form, [None] * 1100 + [START, None])
    times, letters, notes = read(path, options)
    assert times == [*range(1100), START, START]
    assert letters == []
    assert any(note.startswith("The first 1100 events have no time") for note in notes)


def test_a_dead_letter_brings_no_time(tmp_path):
    for form, rows in {
        "csv": "at,f,l\n5,1,1\n9,1,maybe\n,1,1\n",
        "jsonl": '{"at":5,"f":1,"l":1}\n{"at":9,"f":1,"l":"maybe"}\n{"f":1,"l":1}\n',
    }.items():
        path = tmp_path / f"d.{form}"
        path.write_text(rows)
        times, letters, _ = read(path, {"labels": ["l"], "timestamp": "at"})
        assert times == [5, 5]
        assert [reason for reason, _ in letters] == ["unknown_value"]


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    times=st.lists(st.one_of(st.none(), st.integers(0, 9)), min_size=1, max_size=12),
    size=st.integers(1, 5),
    skip=st.integers(0, 12),
    form=st.sampled_from(FORMS),
)
def test_times_are_the_same_at_any_batch_size_and_after_resuming(
    tmp_path_factory, times, size, skip, form
):
    if form == "parquet" and not any(time is not None for time in times):
        times = [*times, 1]
    path, options = written(tmp_path_factory.mktemp("d"), form, times)
    whole = read(path, options)
    assert read(path, options, size) == whole
    skip = min(skip, len(times))
    rest, _, notes = read(path, options, size, skip)
    assert rest == whole[0][len(whole[0]) - len(rest) :]
    assert len(rest) >= len(whole[0]) - skip
    assert notes == whole[2]


@pytest.mark.parametrize(
    ("time", "detail"),
    [
        (True, "Its 'at' is true, which is no time."),
        ("soon", "The timestamp 'soon' is neither seconds nor an ISO 8601 time."),
    ],
)
def test_what_is_no_time_is_a_dead_letter(tmp_path, time, detail):
    path, options = written(tmp_path, "jsonl", [5, time, None])
    times, letters, _ = read(path, options)
    assert times == [5, 5]
    assert letters == [("wrong_type", detail)]


class Record:
    """A record as a consumer gives it."""

    topic, partition, offset, key, timestamp = "events", 0, 7, None, 5000

    def __init__(self, **fields):
        self.value = json.dumps({"x": {"f": 1}, **fields}).encode()


def test_records_without_a_time_have_that_of_their_topic():
    decoder = Decoder(Schema())
    records = [
        Record(timestamp=9),
        Record(),
        Record(timestamp=float("nan")),
        Record(timestamp=True),
    ]
    arrivals, letters = decoder.decode(records, [0.0] * 4)
    assert arrivals.timestamps.tolist() == [9, 5, 5]
    assert [(letter.reason, letter.detail) for letter in letters] == [
        ("wrong_type", "Its 'timestamp' is true, which is no time.")
    ]
