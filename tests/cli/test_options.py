"""What option values mean, and what is said of those that mean nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Literal, get_args, get_type_hints

import click
import pytest

from streamml.baselines import NoChange
from streamml.cli import learners
from streamml.cli.config import read_toml
from streamml.cli.learners import make_learner
from streamml.cli.options import ReadingOptions, open_stream, parse_delay, parse_every, parse_rate
from streamml.cli.run_options import RunOptions
from streamml.cli.tables import Command, add_options
from streamml.errors import ConfigError
from streamml.evaluate import Delay
from streamml.pacing import EventsPerSecond, OriginalTimestamps, Unpaced
from streamml.streams import DemoStream
from streamml_connectors.files.formats import FORMATS
from streamml_connectors.health import HealthBounds
from tests.cli.calling import call


@pytest.mark.parametrize(
    ("text", "delay"),
    [
        (None, None),
        ("100", Delay(events=100)),
        ("100events", Delay(events=100)),
        ("1 event", Delay(events=1)),
        ("0", Delay(events=0)),
        ("30s", Delay(seconds=30)),
        ("0.5s", Delay(seconds=0.5)),
        ("5m", Delay(seconds=300)),
        ("2h", Delay(seconds=7200)),
        ("1d", Delay(seconds=86400)),
    ],
)
def test_delays(text, delay):
    assert parse_delay(text) == delay


@pytest.mark.parametrize("text", ["", "-1", "s", "5y", "1.5", "1e9999s", "ten"])
def test_delays_that_are_none(text):
    with pytest.raises(ConfigError, match="delay"):
        parse_delay(text)


@pytest.mark.parametrize("text", ["60s", "5000", "1 event"])
def test_an_idle_stream_is_stored_before_its_snapshot_is_called_old(text):
    assert parse_every(text).seconds < HealthBounds().snapshot_age


def test_rates():
    assert isinstance(parse_rate(None, "shuffled"), Unpaced)
    steady, original = parse_rate("2.5", "shuffled"), parse_rate("x10", "natural")
    assert isinstance(steady, EventsPerSecond)
    assert steady.rate == 2.5
    assert isinstance(original, OriginalTimestamps)
    assert original.factor == 10


@pytest.mark.parametrize("text", ["", "0", "x0", "-5", "x", "10x", "fast", "nan", "inf"])
def test_rates_that_are_none(text):
    with pytest.raises(ConfigError, match="--rate"):
        parse_rate(text, "natural")


def test_timestamps_of_a_shuffled_stream_set_no_pace():
    with pytest.raises(ConfigError, match="shuffled"):
        parse_rate("x2", "shuffled")


def test_no_source_is_the_demo_stream():
    stream = open_stream(None, ReadingOptions(order="shuffled"), seed=7)
    assert isinstance(stream, DemoStream)
    assert (stream.seed, stream.order) == (7, "shuffled")


@pytest.mark.parametrize("changed", [{"labels": "a"}, {"label_list": "a"}, {"xml": "a.xml"}])
def test_the_demo_stream_has_its_own_labels(changed):
    with pytest.raises(ConfigError, match="demo"):
        open_stream(None, ReadingOptions(**changed), seed=1)


def test_other_schemes_cannot_be_read():
    with pytest.raises(ConfigError, match="s3://"):
        open_stream("s3://bucket/file.csv", ReadingOptions(), seed=1)


def test_label_names_must_be_names(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("a,b\n1,0\n")
    with pytest.raises(ConfigError, match="--labels"):
        open_stream(str(path), ReadingOptions(labels="b,"), seed=1)
    source = open_stream(str(path), ReadingOptions(labels=" b "), seed=1)
    assert list(source.schema.labels.names) == ["b"]
    source.close()


class Tunable(NoChange):
    """A learner with parameters of every kind."""

    def __init__(
        self,
        seed: int = 1,
        rate: float = 0.5,
        fast: bool = False,
        name: str = "x",
        size: int | None = 3,
        kind: Literal["a", "b"] = "a",
    ) -> None:
        super().__init__()
        self.seed, self.rate, self.fast = seed, rate, fast
        self.name, self.size, self.kind = name, size, kind


@pytest.fixture
def tunable(monkeypatch):
    monkeypatch.setitem(learners.LEARNERS, "tunable", f"{__name__}:Tunable")
    monkeypatch.setitem(sys.modules, __name__, sys.modules[Tunable.__module__])
    return "tunable"


def test_every_registered_learner_can_be_made():
    for name in learners.LEARNERS:
        assert make_learner(name, (), 1).n_clusters == 1


def test_settings_get_the_type_of_the_parameter(tunable):
    settings = ["rate=2", "fast=yes", "name=y=z", "size=none", "kind=b"]
    learner = make_learner(tunable, settings, seed=9)
    assert isinstance(learner.rate, float)
    assert (learner.rate, learner.fast, learner.name) == (2.0, True, "y=z")
    assert (learner.size, learner.kind, learner.seed) == (None, "b", 9)
    assert make_learner(tunable, ["seed=4", "size=8"], seed=9).seed == 4


@pytest.mark.parametrize(
    ("setting", "says"),
    [
        ("rate=fast", "must be a number"),
        ("seed=1.5", "must be a whole number"),
        ("fast=maybe", "must be true or false"),
        ("size=x", "must be a whole number or none"),
        ("kind=c", "must be a or b"),
        ("nope=1", "it takes seed, rate, fast, name, size, kind"),
        ("rate", "name=value"),
        ("=1", "name=value"),
    ],
)
def test_bad_settings_are_explained(tunable, setting, says):
    with pytest.raises(ConfigError, match=says):
        make_learner(tunable, [setting])


def test_names_are_listed_and_objects_are_set_from_python():
    assert make_learner("ihomer", ["members=linear, constant"]).members == ("linear", "constant")
    with pytest.raises(ConfigError, match="set it from Python"):
        make_learner("ihomer", ["classifiers=x"])
    for name in ("ihomer", "tree"):
        with pytest.raises(ConfigError, match=r"seed of \w+ must be a whole number"):
            make_learner(name, ["seed=-1"])


def test_unknown_learners_and_parameters_are_explained():
    with pytest.raises(ConfigError, match="take one of ihomer, mixture"):
        make_learner("nope")
    with pytest.raises(ConfigError, match="no parameter 'x'"):
        make_learner("no-change", ["x=1"])
    with pytest.raises(ConfigError, match="rule"):
        make_learner("ihomer", ["rule=nope"])


def test_help_imports_nothing_heavy():
    code = (
        "import sys\n"
        "sys.argv = ['streamml', '--help']\n"
        "from streamml.cli import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "heavy = {'numba', 'river', 'pyarrow', 'rich', 'prometheus_client'} & set(sys.modules)\n"
        "sys.exit(f'imported {heavy}' if heavy else 0)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_config_file_is_utf8_whatever_the_locale(tmp_path):
    path = tmp_path / "c.toml"
    path.write_text('labels = "n\u00e4ss,\u2603"\n', encoding="utf-8")
    plain = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    command = [sys.executable, "-m", "streamml", "config", "--config", path]
    done = subprocess.run(
        command,
        env={**os.environ, **plain, "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        check=True,
    )
    assert 'labels = "n\u00e4ss,\u2603"' in done.stdout.decode()


def test_a_config_file_that_is_not_utf8_is_one_sentence(tmp_path):
    path = tmp_path / "c.toml"
    path.write_bytes('labels = "n\u00e4ss"\n'.encode("latin-1"))
    with pytest.raises(ConfigError, match=r"c\.toml is no TOML"):
        read_toml(path)


# -- event time ---------------------------------------------------------------------------

ROWS = {
    "plain.csv": "f,y\n1,1\n2,0\n",
    "plain.jsonl": '{"x": {"f": 1}, "y": []}\n',
    "plain.svm": "1 1:1\n",
    "times.jsonl": '{"timestamp": 5, "x": {"f": 1}, "y": []}\n{"timestamp": 99, "x": {"f": 1}}\n',
}


@pytest.mark.parametrize("command", ["run", "produce"])
@pytest.mark.parametrize("file", ["plain.csv", "plain.jsonl", "plain.svm"])
@pytest.mark.parametrize(("flag", "text"), [("--delay", "30s"), ("--rate", "x10")])
def test_event_time_is_refused_where_a_file_has_none(
    tmp_path, monkeypatch, capsys, command, file, flag, text
):
    """Rows are numbered there, and a number taken for a second says something else."""
    monkeypatch.chdir(tmp_path)
    Path(file).write_text(ROWS[file], encoding="utf-8")
    labels = ("--labels", "y") if file.endswith("csv") else ()
    if command == "produce":
        flag = flag.replace("--delay", "--label-delay")
        words = (file, "kafka://127.0.0.1:1/t", "--labels-topic", "l", flag, text, *labels)
    else:
        words = (file, "--learner", "majority", "--json", flag, text, *labels)
    assert call(command, *words) == 2
    found = capsys.readouterr()
    assert f"{flag} {text} goes by event time, and {file} has none" in found.err
    assert (found.out, found.err.count("\n")) == ("", 1)


@pytest.mark.parametrize(("flag", "text"), [("--delay", "1"), ("--rate", "5000")])
def test_numbers_of_events_need_no_time(tmp_path, flag, text):
    path = tmp_path / "plain.csv"
    path.write_text(ROWS["plain.csv"])
    assert call("run", path, "--labels", "y", "--learner", "majority", "--json", flag, text) == 0


@pytest.mark.parametrize(("flag", "text"), [("--delay", "30s"), ("--rate", "x1e6")])
def test_where_events_have_their_times_those_count(tmp_path, flag, text):
    path = tmp_path / "times.jsonl"
    path.write_text(ROWS["times.jsonl"])
    assert call("run", path, "--learner", "majority", "--json", flag, text) == 0
    assert call("run", "--limit", "9", "--learner", "majority", "--json", flag, text) == 0


@pytest.mark.parametrize(
    ("given", "learned"),
    [(["--positive-only"], True), (["--positive-only", "0.5"], 0.5), ([], False)],
)
def test_positive_only_may_have_a_number(given, learned):
    chosen = {}

    @click.command(cls=Command)
    @add_options(RunOptions)
    def run(**values):
        chosen.update(values)

    run.main([*given, "--limit", "1"], standalone_mode=False)
    model = make_learner("ihomer", positive_only=chosen["positive_only"])
    assert model.positive_only == learned


def test_a_propensity_that_is_none_costs_one_sentence():
    with pytest.raises(ConfigError, match=r"a probability such as 0\.5, or nothing, not 'x\.csv'"):
        make_learner("ihomer", positive_only="x.csv")
    with pytest.raises(ConfigError, match="no-change cannot learn from positives only"):
        make_learner("no-change", positive_only="0.5")


def test_the_formats_that_can_be_named_are_those_that_are_read():
    named, none = get_args(get_type_hints(ReadingOptions)["format"])
    assert (get_args(named), none) == (tuple(FORMATS), type(None))
