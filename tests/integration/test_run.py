"""``streamml run`` as a user has it: a process, its two outputs, its exit code, its files."""

from __future__ import annotations

import json
import os
import pty
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import numpy as np
import pytest

from tests.signals import heeds_ctrl_c, ignores_ctrl_c

KEYS = [
    "source",
    "order",
    "events",
    "features",
    "labels",
    "learner",
    "seconds",
    "events_per_second",
    "peak_rss_mb",
    "clusters",
    "structure_changes",
    "drifts",
    "outcomes",
    "dead_letters",
    "first_dead_letters",
    "metrics",
]
SCORES = {"exact_match", "hamming_loss"} | {
    f"{kind}_{what}"
    for kind in ("micro", "macro", "example")
    for what in ("f1", "precision", "recall")
}
TIMES = {"seconds", "events_per_second", "peak_rss_mb"}
COMMAND = [sys.executable, "-m", "streamml"]
ENVIRONMENT = {**os.environ, "COLUMNS": "80", "PYTHONWARNINGS": "error"}


def streamml(*args: object, check: int = 0) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [*COMMAND, *map(str, args)],
        capture_output=True,
        text=True,
        env=ENVIRONMENT,
        timeout=300,
        check=False,
    )
    assert done.returncode == check, done.stderr
    return done


def run_json(*args: object) -> dict:
    done = streamml("run", "--json", *args)
    assert done.stdout.count("\n") == 1
    found = json.loads(done.stdout)
    assert list(found) == KEYS
    return found


@pytest.fixture
def csv(tmp_path) -> Path:
    """Eight events with two labels, and one that cannot be used."""
    rows = [f"{i},{i % 3},{i % 2},{(i + 1) % 2}" for i in range(8)]
    rows.insert(4, "4,oops")
    path = tmp_path / "small.csv"
    path.write_text("\n".join(["f,g,even,odd", *rows]) + "\n")
    return path


def lines(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


# -- what comes out -----------------------------------------------------------------------


def test_version_and_help():
    assert streamml("--version").stdout.startswith("streamml ")
    text = streamml("run", "--help").stdout
    for option in ("--learner", "--set", "--rate", "--delay", "--json", "Examples:"):
        assert option in text


def test_json_is_one_object_and_nothing_else():
    found = run_json("--limit", 1_500)
    assert (found["source"], found["order"], found["learner"]) == ("demo", "natural", "ihomer")
    assert (found["events"], found["features"], found["labels"]) == (1_500, 40, 12)
    assert list(found["metrics"]) == ["ihomer", "no-change", "majority"]
    for views in found["metrics"].values():
        assert list(views) == ["cumulative", "window"]
        for scores in views.values():
            assert set(scores) == SCORES
            assert all(0 <= value <= 1 for value in scores.values())
    for count in ("clusters", "structure_changes", "drifts"):
        assert type(found[count]) is int
    assert found["dead_letters"] == {}
    assert found["events_per_second"] > 0
    assert found["peak_rss_mb"] > 10


def test_the_demo_shows_what_it_is_for():
    found = run_json()
    ours = found["metrics"]["ihomer"]["cumulative"]
    for other in ("no-change", "majority"):
        theirs = found["metrics"][other]["cumulative"]
        assert ours["micro_f1"] > theirs["micro_f1"] + 0.2
        assert ours["exact_match"] > theirs["exact_match"]
    assert found["events"] == 20_000
    assert found["clusters"] > 1
    assert found["structure_changes"] > 1
    assert found["drifts"] > 0


def test_same_seed_same_figures():
    runs = [run_json("--limit", 1_000, "--seed", seed) for seed in (3, 3, 4)]
    figures = [{k: v for k, v in run.items() if k not in TIMES} for run in runs]
    assert figures[0] == figures[1] != figures[2]


def test_the_report_has_everything():
    done = streamml("run", "--limit", 3_000)
    text = done.stdout
    for word in (
        *("ihomer", "no-change", "majority", "last 1,000"),
        *("exact match", "Hamming loss", "micro-F1", "macro-F1", "example-F1"),
        *("precision", "recall", "read", "predict", "learn", "score"),
        *("first prediction", "MB at the peak", "labels:", "alpha"),
    ):
        assert word in text
    assert max(map(len, text.splitlines())) <= 80
    assert done.stderr.startswith("streamml: ")
    assert "of 3,000 events" in done.stderr
    assert "Traceback" not in done.stderr


def test_other_learners_are_named_in_the_metrics():
    found = run_json("--learner", "majority", "--limit", 200)
    assert found["learner"] == "majority"
    assert set(found["metrics"]) == {"majority", "no-change"}
    other = run_json("--set", "rule=one", "--set", "n_min=50", "--limit", 2_000)
    assert (other["clusters"], other["structure_changes"]) == (1, 0)


# -- files --------------------------------------------------------------------------------


def test_a_file_is_replayed_and_bad_rows_are_kept_apart(csv, tmp_path):
    out, dead = tmp_path / "out.jsonl", tmp_path / "dead.jsonl"
    found = run_json(csv, "--labels", "even,odd", "--predictions", out, "--dead-letters", dead)
    assert found["source"] == str(csv)
    assert (found["events"], found["features"], found["labels"]) == (8, 2, 2)
    assert sum(found["dead_letters"].values()) == len(lines(dead)) == 1
    assert found["dead_letters"] == {lines(dead)[0]["reason"]: 1}
    assert "oops" in lines(dead)[0]["raw"]
    first = {key: lines(dead)[0][key] for key in ("position", "detail")}
    assert found["first_dead_letters"] == {lines(dead)[0]["reason"]: first}
    assert len(lines(out)) == 8


@pytest.mark.parametrize("delay", ["0", "100", "60s"])
def test_predictions_agree_with_the_metrics(tmp_path, delay):
    from streamml.streams import DemoStream

    out = tmp_path / "out.jsonl"
    found = run_json("--limit", 2_000, "--seed", 2, "--delay", delay, "--predictions", out)
    written = lines(out)
    stream, right = DemoStream(seed=2), 0
    truth = [e for _ in range(2) for e in stream.next_batch(1_000).events()]
    assert [line["id"] for line in written] == [event.id for event in truth]
    right = sum(set(line["labels"]) == event.y for line, event in zip(written, truth, strict=True))
    exact = found["metrics"]["ihomer"]["cumulative"]["exact_match"]
    assert exact == pytest.approx(right / 2_000, abs=1e-12)


def test_delay_means_what_it_says(tmp_path):
    path, out = tmp_path / "s.csv", tmp_path / "out.jsonl"
    path.write_text("f,y\n" + "".join(f"1,{int(i >= 2)}\n" for i in range(7)))
    run_json(
        *(path, "--labels", "y", "--learner", "no-change"),
        *("--delay", "3events", "--predictions", out),
    )
    # The first positive label is event 2's; it arrives before event 6 is predicted.
    assert [line["labels"] for line in lines(out)] == [[], [], [], [], [], [], ["y"]]


def test_delay_hurts_on_a_stream_that_repeats(tmp_path):
    path = tmp_path / "s.csv"
    path.write_text("f,y\n" + "".join(f"1,{i // 50 % 2}\n" for i in range(400)))
    now, later = (
        run_json(path, "--labels", "y", "--learner", "no-change", "--delay", delay)
        for delay in ("0", "10")
    )
    scores = [r["metrics"]["no-change"]["cumulative"]["exact_match"] for r in (now, later)]
    assert scores[0] > scores[1] + 0.1


def test_shuffled_order_is_the_documented_permutation(csv, tmp_path):
    out = tmp_path / "out.jsonl"
    found = run_json(
        "--limit", 50, "--order", "shuffled", "--learner", "no-change", "--predictions", out
    )
    assert found["order"] == "shuffled"
    expected = np.random.default_rng(1).permutation(20_000)[:50].tolist()
    assert [line["id"] for line in lines(out)] == expected
    whole = [
        run_json(csv, "--labels", "even,odd", "--order", order, "--predictions", out)["events"]
        for order in ("natural", "shuffled")
    ]
    assert whole == [8, 8]
    assert len(lines(out)) == 8


def test_limit_cuts_files_too(csv, tmp_path):
    out = tmp_path / "out.jsonl"
    assert run_json(csv, "--labels", "even", "--limit", 3, "--predictions", out)["events"] == 3
    assert len(lines(out)) == 3


def test_rate_takes_its_time():
    slow = run_json("--limit", 30, "--rate", 50, "--learner", "no-change")
    assert slow["seconds"] >= 29 / 50
    played = run_json("--limit", 30, "--rate", "x60", "--learner", "no-change")
    assert played["seconds"] >= 0.9 * 29 / 60


# -- mistakes -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (["missing.arff"], "missing.arff"),
        (["."], "directory"),
        (["empty.csv"], "empty"),
        (["small.csv", "--labels", "nope"], "nope"),
        (["small.csv", "--labels", "even", "--set", "foo=1"], "no parameter 'foo'"),
        (["--set", "n_min=many"], "whole number"),
        (["--learner", "nope"], "nope"),
        (["--predictions", "no/such/folder/out.jsonl"], "cannot be written"),
        (["--dead-letters", "."], "cannot be written"),
        (["kafka://localhost"], "kafka://HOST:PORT/TOPIC"),
        (["--labels-topic", "t"], "Kafka source"),
        (["--delay", "soon"], "--delay"),
        (["--rate", "0"], "--rate"),
        (["--limit", "0"], "--limit"),
        (["--order", "backwards"], "--order"),
        (["--nonsense"], "--nonsense"),
    ],
)
def test_mistakes_cost_one_sentence(csv, tmp_path, monkeypatch, args, says):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty.csv").touch()
    done = streamml("run", *args, check=2)
    assert done.stdout == ""
    assert says in done.stderr
    assert done.stderr.startswith("streamml: ")
    assert done.stderr.count("\n") == 1


def test_a_port_in_use_is_a_mistake():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = streamml("run", "--metrics-port", taken.getsockname()[1], check=2)
    assert "port" in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_mistake_leaves_files_alone(tmp_path):
    out = tmp_path / "out.jsonl"
    out.write_text("precious")
    streamml("run", "missing.arff", "--predictions", out, check=2)
    streamml("run", "--set", "nope=1", "--predictions", out, check=2)
    assert out.read_text() == "precious"


def test_a_file_cut_short_is_reported_after_what_it_held(tmp_path):
    import gzip

    path = tmp_path / "cut.csv.gz"
    rows = np.random.default_rng(0).random((20_000, 2))
    text = "f,g,y\n" + "".join(f"{a},{b},1\n" for a, b in rows)
    path.write_bytes(gzip.compress(text.encode())[:-200_000])
    done = streamml("run", path, "--labels", "y", "--json", check=2)
    assert 0 < json.loads(done.stdout)["events"] < 20_000
    assert "cut.csv.gz" in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr


def test_a_closed_pipe_is_no_disaster():
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [*COMMAND, "run", "--limit", "500"],
        stdout=writer,
        stderr=subprocess.PIPE,
        text=True,
        env=ENVIRONMENT,
        timeout=300,
        check=False,
    )
    os.close(writer)
    assert "Traceback" not in done.stderr
    assert "rror" not in done.stderr


# -- while it runs ------------------------------------------------------------------------


def start(*args: str, preexec_fn=heeds_ctrl_c, **more) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*COMMAND, "run", *args], text=True, env=ENVIRONMENT, preexec_fn=preexec_fn, **more
    )


@pytest.mark.parametrize(("sent", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_with_the_table_so_far(tmp_path, sent, code):
    out = tmp_path / "out.jsonl"
    args = ("--rate", "20", "--predictions", str(out))
    with start(*args, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert any("of 20,000 events" in line for line in process.stderr)
        process.send_signal(sent)
        text, errors = process.communicate(timeout=60)
    assert process.returncode == code
    assert "exact match" in text
    assert "stopped" in text
    assert "Traceback" not in errors
    events = int(text.split("stopped): ")[1].split(" ")[0])
    assert 0 < events < 20_000
    assert len(lines(out)) == events


def test_a_run_that_ignores_ctrl_c_from_its_start_is_ended_by_sigterm(tmp_path):
    """As with nohup: Ctrl-C at the terminal is not for it."""
    out = tmp_path / "out.jsonl"
    args = ("--rate", "20", "--json", "--predictions", str(out))
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with start(*args, preexec_fn=ignores_ctrl_c, **pipes) as process:
        told = (int(line.split()[1]) for line in process.stderr if "of 20,000 events" in line)
        seen = next(told)
        process.send_signal(signal.SIGINT)
        assert next(told) > seen  # another second has passed
        process.send_signal(signal.SIGTERM)
        text, _ = process.communicate(timeout=60)
    assert process.returncode == 143
    assert json.loads(text)["events"] == len(lines(out)) > seen


def test_a_signal_leaves_one_json_object():
    args = ("--rate", "20", "--json")
    with start(*args, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert any("of 20,000 events" in line for line in process.stderr)
        process.send_signal(signal.SIGINT)
        text, _ = process.communicate(timeout=60)
    assert process.returncode == 130
    assert json.loads(text)["events"] > 0


def test_a_terminal_shows_live_progress_and_then_the_table():
    controller, terminal = pty.openpty()
    environment = {**ENVIRONMENT, "TERM": "xterm-256color"}
    process = subprocess.Popen(
        [*COMMAND, "run", "--limit", "4000", "--rate", "8000"],
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        env=environment,
    )
    os.close(terminal)
    shown = read_all(controller)
    assert process.wait(timeout=60) == 0
    live, _, table = shown.partition("(natural order)")
    for word in ("starting", "/4,000", "events/s", "exact match", "micro-F1", "cluster", "drift"):
        assert word in live
    assert "━" in live
    assert "no-change" in table
    assert "labels: " in table


def read_all(controller: int) -> str:
    """What a terminal was sent until its last process let go of it."""
    parts = []
    while True:
        try:
            part = os.read(controller, 65_536)
        except OSError:  # Linux says so at the end
            part = b""
        if not part:
            os.close(controller)
            return b"".join(parts).decode()
        parts.append(part)


def test_metrics_are_served_while_it_runs():
    args = ("--rate", "50", "--metrics-port", "0", "--json")
    with start(*args, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        address = process.stderr.readline().rpartition(" ")[2].strip()
        assert address.startswith("http://127.0.0.1:")
        assert any("of 20,000 events" in line for line in process.stderr)
        with urllib.request.urlopen(address.rstrip("/") + "/metrics", timeout=30) as answer:
            page = answer.read().decode()
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
    assert 'streamml_prequential{metric="micro_f1",window="sliding"}' in page
    events = next(x for x in page.splitlines() if x.startswith("streamml_events_total "))
    assert float(events.split()[1]) >= 0
    assert "streamml_label_clusters 1.0" in page
