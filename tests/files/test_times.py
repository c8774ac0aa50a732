"""Which time an event has, in every format: its own, or that of the event before it."""

from __future__ import annotations

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from streamml.types import Schema
from streamml.types.values import BadValueError
from streamml_connectors.files import open_source
from streamml_connectors.files.fields import timestamp
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


def table_of(folder, form, times):
    """The same with the time by its name, as text."""
    path = folder / f"d.{form}"
    if form == "parquet":
        table = {"timestamp": times, "f": [1.0] * len(times), "l": [1] * len(times)}
        pq.write_table(pa.table(table), path)
    else:
        path.write_text("timestamp,f,l\n" + "".join(f"{time},1.0,1\n" for time in times))
    return path, {"labels": ["l"]}


TABLES = ("csv", "parquet")


@pytest.mark.parametrize("form", TABLES)
def test_a_column_named_timestamp_is_the_time_although_some_are_missing(tmp_path, form):
    path, options = table_of(tmp_path, form, [str(START), "", "NaN", str(START + 60)])
    source = open_source(path, **options)
    assert [column.kind for column in source.columns] == ["timestamp", "number", "label"]
    source.close()
    assert read(path, options)[0] == [START, START, START, START + 60]


@pytest.mark.parametrize("form", TABLES)
@pytest.mark.parametrize(
    "dates",
    [
        ["31.12.2025 10:00", "01.01.2026 10:00:30"],
        ["12/31/2025 10:00", "1/1/2026 10:00:30 AM"],
        ["31/12/2025 10:00", "01/01/2026 10:00:30"],
        ["2025-12-31T10:00:00Z", "2026-01-01 10:00:30"],
    ],
)
def test_dates_are_read_as_spreadsheets_write_them(tmp_path, form, dates):
    path, options = table_of(tmp_path, form, dates)
    whens = [1_767_175_200, 1_767_261_630]
    assert read(path, options) == (whens, [], [])
    assert read(path, {**options, "timestamp": "timestamp"}) == (whens, [], [])


@pytest.mark.parametrize(
    ("text", "hour"), [("12:00 AM", 0), ("1:00 AM", 1), ("12:00 PM", 12), ("11:00 pm", 23)]
)
def test_hours_of_half_days(text, hour):
    assert timestamp(f"1/2/1970 {text}", day_first=True) == timestamp("1970-02-01") + 3600 * hour


def test_hours_and_days_that_do_not_exist_are_no_times():
    for text in ("31.02.2025", "1.1.2025 13:00 PM", "1.1.2025 24:00"):
        with pytest.raises(BadValueError, match="neither seconds nor an ISO 8601 time"):
            timestamp(text)


@pytest.mark.parametrize("form", TABLES)
def test_dates_of_which_the_day_is_not_clear_are_said(tmp_path, form):
    path, options = table_of(tmp_path, form, ["01/02/2025", "03/04/2025"])
    times, letters, notes = read(path, options)
    assert (times, letters) == ([0, 1], [])
    assert notes == [
        "Column 'timestamp' is left out: dates such as '01/02/2025' do not show whether the day "
        "comes first."
    ]
    _, letters, notes = read(path, {**options, "timestamp": "timestamp"})
    assert [reason for reason, _ in letters] == ["wrong_type"] * 2
    assert notes == [
        "The first dates, such as '01/02/2025', do not show whether the day or the month comes "
        "first: write 2025-12-31."
    ]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(("count", "said"), [(45292.25, "45292.25"), (20240101, "20240101")])
def test_numbers_that_look_like_days_are_said(tmp_path, form, count, said):
    path, options = written(tmp_path, form, [count, count + 1])
    times, letters, notes = read(path, options)
    assert (times, letters) == ([count, count + 1], [])
    assert len(notes) == 1
    assert notes[0].startswith("Timestamps are taken as seconds since 1970, but ")
    assert f"{said} looks like the day 2024-01-01: " in notes[0].replace(".0 ", " ")
    path, options = written(tmp_path, form, [5, count])
    assert read(path, options)[2] == []


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
