"""``streamml explain``: what a run's snapshots and saved learners answer."""

import json
import os
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from streamml import IHOMER, state
from streamml.asking import learner_in
from streamml.baselines import NoChange
from streamml.streams import DemoStream
from tests.cli.calling import call


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """The snapshots of a run of the demo stream, and the same learner beside it."""
    folder = tmp_path_factory.mktemp("state")
    words = ["--limit", "1000", "--set", "preset=fast", "--seed", "0", "--json"]
    assert call("run", *words, "--snapshot-dir", folder) == 0
    batch = DemoStream().next_batch(1000)
    model = IHOMER(preset="fast", seed=0)
    model.learn(batch)
    return folder, model, next(batch.events()).x


def test_the_learner_of_a_run_answers_as_it_would_in_the_run(run):
    folder, model, x = run
    before = {p.name: p.read_bytes() for p in folder.iterdir()}
    found = learner_in(folder)
    assert found.predict_proba_one(x) == model.predict_proba_one(x)
    assert str(found.tree()) == str(model.tree())
    assert {p.name: p.read_bytes() for p in folder.iterdir()} == before


def test_tree_and_reasons_as_text_and_picture(run, tmp_path, capsys):
    folder, model, x = run
    assert call("explain", folder) == 0
    assert capsys.readouterr().out == f"{model.tree()}\n"
    event = '{"x": {' + ", ".join(f'"{k}": {v}' for k, v in x.items()) + "}}"
    label = model.schema.labels.names[1]
    assert call("explain", folder, event, "--labels", label, "--svg", tmp_path / "why.svg") == 0
    assert capsys.readouterr().out == f"{model.explain(x, labels=[label])}\n"
    assert "explanation" in ET.parse(tmp_path / "why.svg").getroot().attrib["aria-label"]


def test_a_picture_is_utf8_whatever_the_locale(tmp_path):
    learner = IHOMER(preset="fast")
    for k in range(40):
        learner.learn_one({"f": k % 2}, {"Näss\u2603"} if k % 2 else {"trocken"})
    state.save(learner, tmp_path / "learner")
    drawn = tmp_path / "why.svg"
    plain = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    command = [sys.executable, "-m", "streamml", "explain", tmp_path / "learner", "--svg", drawn]
    subprocess.run(command, env={**os.environ, **plain}, capture_output=True, check=True)
    assert "Näss\u2603" in "".join(ET.fromstring(drawn.read_bytes()).itertext())


def test_a_saved_learner_is_asked_the_same_way(run, tmp_path, capsys):
    _, model, _ = run
    state.save(model, tmp_path / "learner")
    assert call("explain", tmp_path / "learner") == 0
    assert capsys.readouterr().out == f"{model.tree()}\n"


@pytest.mark.parametrize(
    ("event", "said"),
    [
        ('{"x": {"nobody": 1}}', "knows none of the event's features"),
        ('{"x": {"f0": "a"}}', "knows none of the event's features"),
        ('{"x": {"f0": "inf"}}', "'f0' is 'inf': leave out what is not known"),
        ('{"x": 3}', 'Its "x" is no object'),
        ("{", "It is no JSON"),
    ],
)
def test_an_event_that_cannot_be_used_is_one_sentence(run, capsys, event, said):
    assert call("explain", run[0], event) == 2
    assert said in capsys.readouterr().err


def test_what_has_nothing_to_tell_says_so(tmp_path, capsys):
    state.save(NoChange(), tmp_path / "learner")
    (tmp_path / "empty").mkdir()
    for path, said in [("learner", "a NoChange, which explains nothing"),
                       ("none", "does not exist"),
                       ("empty", "holds no snapshot")]:  # fmt: skip
        assert call("explain", tmp_path / path) == 2
        assert said in capsys.readouterr().err
    assert not Path(tmp_path / "none").exists()


def test_names_steer_neither_terminal_nor_picture(tmp_path, capsys):
    """An escape in a label or feature is shown as text; in an SVG it would be no XML at all."""
    learner, name, feature = IHOMER(preset="fast"), "\x1b[31mred\nalert", "f\x1b[2J"
    for k in range(40):
        learner.learn_one({feature: k % 2}, {name} if k % 2 else {"plain"})
    state.save(learner, tmp_path / "learner")
    event = json.dumps({"x": {feature: 1}})
    for asked in ([], [event, "--labels", f'"{name}"']):
        assert call("explain", tmp_path / "learner", *asked, "--svg", tmp_path / "why.svg") == 0
        shown = capsys.readouterr().out
        assert r"\x1b[31mred\nalert" in shown
        assert "\x1b" not in shown
        assert r"\x1b[31mred" in "".join(ET.parse(tmp_path / "why.svg").getroot().itertext())


def test_help_shows_the_examples_line_by_line(capsys):
    assert call("explain", "--help") == 0
    text = capsys.readouterr().out
    assert "\\b" not in text
    assert "Examples:\n    streamml explain state\n    streamml explain state '{" in text
