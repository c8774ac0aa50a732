"""The consumer end to end: a file through Kafka is the file; poison is put aside."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest

from tests.integration.kafka.consumer import ENVIRONMENT, demo, predictions, send, send_raw

pytestmark = [pytest.mark.kafka, pytest.mark.filterwarnings("ignore::ResourceWarning")]

GOOD = b'{"id": "good", "x": {"f": 1.0}, "y": ["a"]}'
POISON = {
    "malformed": [b"not JSON", b"[1, 2]", b"\xff\xfe{}", b'{"x":' * 50_000],
    "not_finite": [b'{"x": {"f": 1e999}}', b'{"x": {"f": -Infinity}}'],
    "wrong_type": [b'{"x": [1]}', b'{"id": true, "x": {"f": 1}}', b'{"x": {"f": 1}, "y": "a"}'],
    "no_features": [b"{}", b'{"x": {}}', b'{"x": null}', b'{"x": {"f": NaN}}'],
    "too_large": [b'{"x": {"f": 1.0}, "pad": "' + b"x" * 10_000_000 + b'"}'],
    "over_label_cap": [
        json.dumps({"x": {"f": 1}, "y": [f"l{k}" for k in range(1_000_000)]}).encode()
    ],
}


def streamml(*args: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "streamml", *map(str, args)]
    done = subprocess.run(
        command, capture_output=True, text=True, env=ENVIRONMENT, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    return done


@pytest.fixture
def csv(tmp_path):
    rng = np.random.default_rng(1)
    x = rng.normal(size=(1_200, 6)).round(3)
    y = (x @ rng.normal(size=(6, 3)) > 0.5).astype(int)
    rows = [",".join(map(str, [*a, *b])) for a, b in zip(x.tolist(), y.tolist(), strict=True)]
    path = tmp_path / "small.csv"
    path.write_text("\n".join(["f,g,h,i,j,k,red,green,blue", *rows]) + "\n")
    return path


def test_what_a_file_gives_kafka_gives(broker, topics, csv, tmp_path, consumer):
    """Produce with a delay, consume, and compare with the replay of the file."""
    address, names = f"kafka://{broker.address}/{topics[0]}", "red,green,blue"
    delayed = ("--labels-topic", topics[1], "--label-delay", 40)
    assert (
        "1200 events sent" in streamml("produce", csv, address, "--labels", names, *delayed).stderr
    )
    ours = consumer("--until-end", "--labels", names, "--learner", "ihomer").run()
    out = tmp_path / "out.jsonl"
    theirs = json.loads(
        streamml(
            *("run", csv, "--labels", names, "--delay", 40, "--json", "--predictions", out)
        ).stdout
    )
    for name, found in theirs["metrics"].items():
        assert ours["metrics"][name] == found
    assert (ours["clusters"], ours["drifts"]) == (theirs["clusters"], theirs["drifts"])
    lines = [json.loads(line) for line in out.read_text().splitlines()]
    found = predictions(broker, topics[2])
    assert [found[str(line["id"]).encode()] for line in lines] == lines


def test_poisoned_messages_become_dead_letters_and_the_stream_goes_on(broker, topics, consumer):
    send_raw(broker, topics[0], [GOOD])
    for values in POISON.values():
        send_raw(broker, topics[0], values)
    send_raw(broker, topics[1], [b'{"id": "good"}', b'{"y": ["a"]}', b"null"], key=b"")
    send_raw(broker, topics[0], [None, GOOD.replace(b"good", b"last")])
    report = consumer("--until-end", "--max-message", "20000000").run()
    assert report["events"] == 3  # the 10 MB event is a good one with this bound
    report = consumer("--until-end", folder=consumer().folder / "small", group="small").run()
    assert report["events"] == 2
    expected = {reason: len(values) for reason, values in POISON.items()}
    expected["too_large"] += 1  # a million labels are 10 MB, too
    del expected["over_label_cap"]
    expected |= {"malformed": expected["malformed"] + 1, "no_labels": 1, "no_id": 1}
    assert report["dead_letters"] == expected
    assert report["outcomes"]["tombstones"] == 1
    assert predictions(broker, topics[2]).keys() >= {b"good", b"last"}
    letters = [json.loads(record.value) for record in broker.read(topics[3])]
    assert {letter["reason"] for letter in letters} >= {*expected, "over_label_cap"}
    assert all(letter["position"].startswith((topics[0], topics[1])) for letter in letters)
    assert max(len(json.dumps(letter)) for letter in letters) < 20_000


def test_labels_that_come_twice_late_or_for_nobody_are_put_aside(broker, topics, consumer):
    events = demo(50)
    send(broker, topics, events, delay=10)
    send_raw(broker, topics[1], [b'{"id": 7, "y": ["alpha"]}', b'{"id": "nobody", "y": []}'])
    send_raw(broker, topics[0], [b'{"id": 7, "x": {"f00": 1}}'])
    report = consumer("--until-end").run()
    assert report["events"] == 50
    assert report["dead_letters"] == {"duplicate_event": 1, "duplicate_labels": 1}
    letters = [json.loads(record.value) for record in broker.read(topics[3])]
    assert sorted(letter["reason"] for letter in letters) == ["duplicate_event", "duplicate_labels"]
    assert json.loads(letters[0]["raw"])["id"] == 7


def test_a_config_file_says_it_all_and_secrets_stay_hidden(broker, topics, folder, tmp_path):
    config = tmp_path / "consumer.toml"
    config.write_text(
        f'source = "kafka://{broker.address}/{topics[0]}"\n'
        f'labels-topic = "{topics[1]}"\npredictions-topic = "{topics[2]}"\n'
        f'group = "{topics[0]}"\nsnapshot-dir = "{folder}"\nuntil-end = true\njson = true\n'
        'learner = "linear"\nset = { seed = 3 }\n'
    )
    send(broker, topics, demo(100))
    assert json.loads(streamml("run", "--config", config).stdout)["events"] == 100
    assert len(predictions(broker, topics[2])) == 100


def test_mistakes_cost_one_sentence(broker, topics, folder, consumer):
    assert "There is no topic" in consumer("--labels-topic", "nowhere").refused()
    assert "has a partition of those" in consumer("--partitions", "77").refused()
    run = consumer()
    run.command[4] = "kafka://127.0.0.1:1/events"
    assert "cannot be reached" in run.refused()
