"""The command line called from Python, and its displays on consoles of known size."""

from __future__ import annotations

import io
import json
import re
import signal
import threading

import pytest
from rich.console import Console

from streamml.baselines import NoChange
from streamml.cli.monitor import Monitor
from streamml.cli.progress import LineDisplay, LiveDisplay, make_display, waiting
from streamml.cli.run import _signals
from streamml.service import Progress, Service
from streamml.streams import DemoStream
from streamml.types import Change
from streamml_connectors.health import HealthBounds
from streamml_connectors.serving import WebServer
from tests.cli.calling import call
from tests.signals import heeding


def test_run_reports_and_writes(tmp_path, capsys):
    out, dead = tmp_path / "out.jsonl", tmp_path / "dead.jsonl"
    args = ["--limit", "200", "--learner", "majority", "--metrics-port", "0"]
    assert call("run", *args, "--predictions", str(out), "--dead-letters", str(dead)) == 0
    said = capsys.readouterr()
    assert "no-change" in said.out
    assert "metrics at http://127.0.0.1:" in said.err
    assert len(out.read_text().splitlines()) == 200
    assert dead.read_text() == ""


def test_run_as_json(capsys):
    assert call("run", "--limit", "200", "--learner", "no-change", "--json") == 0
    assert json.loads(capsys.readouterr().out)["events"] == 200


def test_a_run_of_which_nothing_could_be_used_ends_with_1_and_says_why(tmp_path, capsys):
    path = tmp_path / "dead.csv"
    path.write_text("a,y\n1\n2\n")
    assert call("run", str(path), "--labels", "y", "--json") == 1
    said = capsys.readouterr()
    found = json.loads(said.out)
    assert (found["events"], sum(found["dead_letters"].values())) == (0, 2)
    assert found["metrics"]["ihomer"]["window"]["micro_f1"] is None
    wrong = "line 2: It has 1 fields, but the header 2."
    assert f"nothing could be used: 2 dead letters; the first, {wrong}\n" in said.err
    assert call("run", str(path), "--labels", "y") == 1
    said = capsys.readouterr()
    assert "2 dead letters" in said.out
    assert wrong in said.out
    assert f"the first, {wrong}\n" in said.err


def test_the_first_dead_letter_of_each_reason_is_shown(tmp_path, capsys):
    path = tmp_path / "some.csv"
    path.write_text("a,y\n1,1\n1\n2,7\n3,0\n4\n")
    args = ("run", str(path), "--labels", "y", "--learner", "majority")
    assert call(*args) == 0
    out = capsys.readouterr().out
    assert "3 dead letters: 2 malformed, 1 unknown_value" in out
    shown = ["line 3: It has 1 fields, but the header 2.", "line 4: Label 'y' is '7'"]
    assert [out.index(text) for text in shown] == sorted(out.index(text) for text in shown)
    assert "line 6" not in out
    assert "--dead-letters FILE" not in out
    assert call(*args, "--json") == 0
    first = json.loads(capsys.readouterr().out)["first_dead_letters"]
    assert {reason: letter["position"] for reason, letter in first.items()} == {
        "malformed": "line 3",
        "unknown_value": "line 4",
    }


@pytest.mark.parametrize(
    "args", [["run", "--bogus"], ["run", "nope.csv"], ["run", "--until-end"], ["nope"], []]
)
def test_mistakes_exit_with_2(args, capsys):
    assert call(*args) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err


@pytest.mark.parametrize("option", ["--predictions", "--dead-letters"])
def test_what_is_read_is_not_written_over(tmp_path, monkeypatch, option, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "events.csv").write_text("a,y\n1,1\n")
    (tmp_path / "link.csv").symlink_to("events.csv")
    assert call("run", "events.csv", "--labels", "y", option, str(tmp_path / "link.csv")) == 2
    assert "is the source as well: name another file" in capsys.readouterr().err
    assert (tmp_path / "events.csv").read_text() == "a,y\n1,1\n"


def test_a_port_that_is_taken_is_told_before_a_file_is_written(tmp_path, capsys):
    out = tmp_path / "p.jsonl"
    out.write_text("of the run that has the port\n")
    with WebServer({}) as server:
        assert call("run", "--metrics-port", str(server.port), "--predictions", str(out)) == 2
    assert "choose another port" in capsys.readouterr().err
    assert out.read_text() == "of the run that has the port\n"


def test_snapshots_rarer_than_readiness_wants_them_are_told(tmp_path, capsys):
    args = ("run", "--limit", "9", "--learner", "majority", "--metrics-port", "0")
    for every, told in (("10m", False), ("1h", True)):
        kept = ("--snapshot-dir", str(tmp_path / every), "--snapshot-every", every)
        assert call(*args, *kept) == 0
        assert ("raise --ready-snapshot-age" in capsys.readouterr().err) is told


def test_the_bounds_of_probes_are_those_of_the_command_line(monkeypatch):
    """What they mean is tested with the probes."""
    made: list[Monitor] = []

    class Kept(Monitor):
        def __init__(self, *args, **more):
            super().__init__(*args, **more)
            made.append(self)

    monkeypatch.setattr("streamml.cli.monitor.Monitor", Kept)
    run = ("run", "--limit", "9", "--learner", "majority", "--metrics-port", "0")
    bounds = ("--alive-within", "7", "--ready-lag", "9", "--ready-snapshot-age", "12")
    assert call(*run) == call(*run, *bounds) == 0
    assert [one.health.bounds for one in made] == [
        HealthBounds(),
        HealthBounds(stall=7.0, lag=9, snapshot_age=12.0),
    ]


def test_two_outputs_are_two_files(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    args = ("--limit", "9", "--learner", "majority", "--json")
    assert call("run", *args, "--predictions", "out", "--dead-letters", "./out") == 2
    assert "--dead-letters ./out is --predictions as well" in capsys.readouterr().err
    assert call("run", *args, "--predictions", "/dev/null", "--dead-letters", "/dev/null") == 0


def test_the_first_signal_asks_and_the_second_interrupts():
    asked: list[str] = []
    with heeding(signal.default_int_handler):
        with _signals(lambda: asked.append("stop")) as caught:
            signal.raise_signal(signal.SIGINT)
            assert asked == ["stop"]
            assert caught == [signal.SIGINT]
            with pytest.raises(KeyboardInterrupt):
                signal.raise_signal(signal.SIGINT)
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_signal_that_was_ignored_from_the_start_stays_so_and_the_other_asks():
    asked: list[str] = []

    def unheard(*_):
        raise RuntimeError("as before the run")

    with heeding(signal.SIG_IGN), heeding(unheard, signal.SIGTERM):
        with _signals(lambda: asked.append("stop")) as caught:
            signal.raise_signal(signal.SIGINT)
            assert asked == caught == []
            signal.raise_signal(signal.SIGTERM)
            assert asked == ["stop"]
            assert caught == [signal.SIGTERM]
            signal.raise_signal(signal.SIGINT)  # nor does it end the run then
            with pytest.raises(RuntimeError, match="as before the run"):
                signal.raise_signal(signal.SIGTERM)
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN


def progress(**changed) -> Progress:
    """A progress as a service tells it, with some fields changed."""
    told: list[Progress] = []
    Service(DemoStream(), NoChange(), limit=100, observers=[told.append]).run()
    fields = {name: getattr(told[-1], name) for name in Progress.__slots__}
    return Progress(**{**fields, **changed})


def test_lines_come_now_and_then():
    out = io.StringIO()
    with make_display("demo", [], out) as display:
        assert isinstance(display, LineDisplay)
        for seconds in (0.5, 1.0, 3.4, 3.6, 6.0):
            display.show(progress(seconds=seconds))
            if seconds == 3.6:
                assert len(out.getvalue().splitlines()) == 2
    lines = out.getvalue().splitlines()
    assert len(lines) == 3  # the last numbers are said at the end
    assert lines[0].startswith("streamml: 100 of 100 events, 200/s; last 100: exact match 0.")
    assert lines[0].endswith("1 cluster, 0 changes, 0 drifts")


def test_a_first_batch_that_takes_its_time_is_explained():
    class Heard(io.StringIO):
        said = threading.Event()

        def flush(self):
            self.said.set()

    out = Heard()
    with LineDisplay(out, patience=0.01) as display:
        assert out.said.wait(10)
        display.show(progress())
    first, second = out.getvalue().splitlines()
    assert first.startswith("streamml: starting (the very first run compiles")
    assert second.startswith("streamml: 100 of 100 events")
    quiet = io.StringIO()
    with LineDisplay(quiet) as display:
        display.show(progress())
    assert "starting" not in quiet.getvalue()


@pytest.mark.parametrize("width", [40, 80, 160])
@pytest.mark.parametrize("length", [None, 20_000])
def test_the_live_display_keeps_to_its_three_lines(width, length):
    out = io.StringIO()
    console = Console(file=out, force_terminal=True, width=width, height=20)
    names = [f"[b]label {i}" for i in range(40)]
    change = Change("split", "global", 1200, (tuple(range(20)), tuple(range(20, 40))))
    with LiveDisplay("a/rather/long/path/to/a/file.arff.gz", names, console) as display:
        display.show(progress(length=length, new_changes=(change,)))
        display.show(progress(length=length))
    frames = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "\r", out.getvalue()).replace("\n", "\r")
    lines = [line for line in frames.split("\r") if line]
    assert max(map(len, lines)) <= width
    assert "split at 1,200: [b]l" in frames
    assert "last 100: exact match" in frames


class Terminal(io.StringIO):
    """Says it is a terminal."""

    def isatty(self) -> bool:
        return True


def test_a_terminal_gets_the_live_display_unless_it_is_dumb(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    assert isinstance(make_display("demo", [], Terminal()), LiveDisplay)
    terminal = Terminal()
    with waiting("loading [a] model", terminal):
        pass
    assert "loading [a] model" in terminal.getvalue()
    monkeypatch.setenv("TERM", "dumb")
    assert isinstance(make_display("demo", [], Terminal()), LineDisplay)
